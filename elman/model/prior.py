"""Prior: the shares of the labels that a model's probabilities assume, and those of another population instead.

A classifier learns how frequent its labels are along with how they look. Where the labels have other shares, its
probabilities p become p · (share there) / (share assumed), divided by their sum (M. Saerens, P. Latinne and
C. Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", 2002, equation 2.4).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import count_of, is_finite_number, shown, suggest
from elman.errors import SettingError
from elman.model.file import Artifact

MODEL, BALANCED, UNIFORM = "model", "balanced", "uniform"
"""The shares that the model assumes, which change nothing; shares halfway to equal ones, the square roots of those that
it assumes; and equal shares for all labels."""

Shares = Mapping[str, float]
Prior = str | Shares
"""`MODEL`, `BALANCED`, `UNIFORM`, or the share of each label; those that are missing have none."""


def assumed_shares(artifact: Artifact) -> NDArray[np.float64] | None:
    """Return the shares of the labels that a model's probabilities assume, (C,), with the sum 1; None if unknown.

    They are those that the model file states, or those of the training part. Weights of labels in training count: with
    ``class_weighting`` w a label of n examples has as much weight as n to the power 1 − w.
    """
    if artifact.prior is not None:
        return _divide_by_sum(np.array(artifact.prior))
    data, train = (_object(artifact.provenance.get(name)) for name in ("data", "train"))
    found = _object(data.get("training_examples_per_label"))
    counts = [found.get(name) for name in artifact.labels.names]
    if not all(is_finite_number(count) and count > 0 for count in counts):
        return None
    weighting = train.get("class_weighting", 0.0)
    power = 1.0 - (weighting if is_finite_number(weighting) and 0 <= weighting <= 1 else 0.0)
    return _divide_by_sum(np.array(counts, np.float64) ** power)


def shift_logits(artifact: Artifact, prior: Prior | None) -> NDArray[np.float64] | None:
    """Return what is added to logits that are divided by the temperature, (C,), so that they assume another prior.

    Args:
        artifact: the model.
        prior: as in `Prior`; None as `MODEL`.

    Returns:
        float64; −∞ for a label without a share. None if nothing changes.

    Raises:
        SettingError: the prior is invalid, or the model file does not say which shares it assumes.
    """
    if prior is None or prior == MODEL:
        return None
    if not isinstance(prior, str):
        check_shares(prior, artifact.labels.names)
    elif prior not in (BALANCED, UNIFORM):
        names = f"{MODEL}, {BALANCED}, {UNIFORM}"
        raise SettingError(f"prior must be {names} or the share of each label; got {shown(prior)!r}")
    assumed = assumed_shares(artifact)
    if assumed is None:
        raise SettingError(
            f"{shown(artifact.name)} does not say how many training examples each label has, so its probabilities "
            "cannot be re-weighted; leave the prior out"
        )
    wanted = _list_shares(artifact, prior, assumed)
    with np.errstate(divide="ignore"):
        shift: NDArray[np.float64] = np.log(_divide_by_sum(wanted)) - np.log(assumed)
    return shift


def check_shares(shares: Shares, labels: tuple[str, ...]) -> None:
    """Check the shares of a population.

    Raises:
        SettingError: a label is unknown, a share is no number of at least 0, or all of them are 0.
    """
    unknown = [label for label in shares if label not in labels]
    if unknown:
        first = str(unknown[0])
        advice = suggest(first, labels) or "; remove them, or give them names of the model"
        raise SettingError(
            f"the model does not have {count_of(len(unknown), 'label')} of the prior, such as '{shown(first)}'{advice}"
        )
    for label, share in shares.items():
        if not is_finite_number(share) or share < 0:
            raise SettingError(f"the prior must have a number of at least 0 for '{shown(label)}'; got {share!r}")
    if not sum(shares.values()) > 0:
        raise SettingError("the prior must have a share above 0 for at least one label")


def _list_shares(artifact: Artifact, prior: Prior, assumed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares that a prior stands for, (C,); their sum need not be 1."""
    if isinstance(prior, str):
        return np.sqrt(assumed) if prior == BALANCED else np.ones(len(assumed))
    return np.array([prior.get(label, 0.0) for label in artifact.labels.names], np.float64)


def _divide_by_sum(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = weights / weights.max()  # the sum of very large numbers would be infinite
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
