"""None of these: how well familiarity tells known names from origins that were left out, and from strings that are no names.

A string that the model refuses to read (a placeholder, a script that it does not know) counts as the least familiar: to
refuse it is an answer. The areas of the measures alone are of the strings that are read.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from elman.evaluation.familiarity import encode_read, measure_areas, measure_ids
from elman.model.familiarity import Familiarity
from elman.prediction.predictor import Predictor

REFUSED = -1e300
"""The score of a string that is not read, below every score of familiarity."""


def compare_familiarity(
    predictor: Predictor, known: Sequence[str], unknown: Sequence[str], kinds: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the areas under the ROC curve for known names against other strings.

    Args:
        predictor: of a model with familiarity.
        known: names like those that it learned from, but not among them.
        unknown: other strings.
        kinds: the kind of each of the unknown strings, for areas of each; none if empty.

    Raises:
        ValueError: the model does not measure familiarity.
    """
    familiarity = predictor.artifact.familiarity
    if familiarity is None:
        raise ValueError(f"{predictor.name}: does not measure familiarity; finish it with release.origins.finish")
    of_known, scores_known, lost = _measure(predictor, familiarity, known)
    of_unknown, scores_unknown, recognised = _measure(predictor, familiarity, unknown)
    named = np.array(kinds, dtype=object).astype(str)
    return {
        "strings": {"known": len(known), "unknown": len(unknown)},
        "refused": {"known": len(known) - len(of_known), "unknown": len(unknown) - len(of_unknown)},
        "area": _area(scores_known, scores_unknown),
        "measures": measure_areas(familiarity, of_known, of_unknown),
        "threshold": familiarity.threshold,
        "abstained": {"known": float(lost.mean()), "unknown": float(recognised.mean())},
        "kinds": [
            {
                "group": kind,
                "names": int((named == kind).sum()),
                "area": _area(scores_known, scores_unknown[named == kind]),
                "abstained": float(recognised[named == kind].mean()),
            }
            for kind in sorted(set(kinds))
        ],
    }


def _measure(
    predictor: Predictor, familiarity: Familiarity, strings: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the measures of the strings that are read, (R, 4), the scores of all, and for which the model abstains, (N,)."""
    normalised = predictor.artifact.normalisation.apply_all(strings)
    is_read = np.array([reason is None for reason in predictor.abstentions(normalised)], np.bool_)
    read = encode_read(predictor, normalised)
    found = measure_ids(predictor, familiarity, read)
    scores, abstained = np.full(len(strings), REFUSED), np.ones(len(strings), np.bool_)
    scores[is_read] = familiarity.rank(found, read)
    abstained[is_read] = scores[is_read] < familiarity.threshold
    return found, scores, abstained


def _area(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    scores = np.concatenate([known, unknown])
    return float(roc_auc_score(np.arange(len(scores)) < len(known), scores))
