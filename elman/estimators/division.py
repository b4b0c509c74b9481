"""Division: which strings of a fit train, and which choose the epoch and the temperature."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.data.splits import NOTHING_KEPT, Split, fold_texts
from elman.errors import SettingError
from elman.records import Example
from elman.training.tasks.strings import Importance

EVAL_SET, HELD_OUT = "eval_set", "held out"
"""Kinds of division, besides `elman.data.splits.NOTHING_KEPT`: by the caller, or by chance."""

LARGEST_SHARE = 0.5
"""The largest share that can be held out."""


@dataclass(frozen=True)
class Division:
    """Normalised strings in a part that trains and one that validates.

    Args:
        split: both parts; there is no test part.
        importance: how much the strings of the first part count, 1 on average.
    """

    split: Split
    importance: Importance


def divide(
    examples: Sequence[Example],
    weights: NDArray[np.float64],
    *,
    validation: Sequence[Example] | None,
    share: float,
    seed: int,
    by_label: bool,
) -> Division:
    """Divide the examples of a fit.

    Each example counts, copies too, as scikit-learn's estimators are expected to learn. No string is in both parts if a
    share is held out, not even with and without its accents.

    Args:
        examples: with normalised text.
        weights: of the examples, (N,), above 0.
        validation: the examples that validate; None: a share is held out.
        share: of the strings that is held out, 0 to `LARGEST_SHARE`; 0: the strings that train validate, too. At least
            as many are held out as there are labels, unless that is more than a fifth.
        seed: of the choice.
        by_label: hold out a share of every label.

    Raises:
        SettingError: there are too few different strings to hold out any.
    """
    train, held = list(range(len(examples))), list[int]()
    if validation is None and share:
        train, held = _hold_out(examples, share, seed, by_label=by_label)
    kept = tuple(examples[position] for position in train)
    if validation is not None:
        checked, kind = tuple(validation), EVAL_SET
    elif share:
        checked, kind = tuple(examples[position] for position in held), HELD_OUT
    else:
        checked, kind = kept, NOTHING_KEPT
    return Division(Split(kept, checked, (), kind, seed), _average(kept, weights[train]))


def _hold_out(examples: Sequence[Example], share: float, seed: int, *, by_label: bool) -> tuple[list[int], list[int]]:
    """Return the positions of the examples that train, and of those that are held out."""
    folds = fold_texts(examples)
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for position, example in enumerate(examples):
        groups[folds[example.text]].append(position)
    labels = [Counter(examples[place].label for place in members).most_common(1)[0][0] for members in groups.values()]
    sizes = Counter(labels if by_label else [""] * len(labels))
    order = np.random.default_rng(seed).permutation(len(labels)).tolist()
    candidates = [place for place in order if not by_label or sizes[labels[place]] > 1]
    if by_label:
        candidates.sort(key=lambda place: labels[place])  # the order within each label stays random
    wanted = max(round(share * len(labels)), min(len(sizes), len(labels) // 5), 1)
    if len(candidates) < 2:
        raise SettingError(
            f"X has too few different strings to hold some out: {len(labels)}, and a label needs two of them; give "
            "more, give eval_set, or set validation_fraction=0"
        )
    # Equal steps through the strings, sorted by label, take the same share of every label.
    taken = min(wanted, int(len(candidates) * LARGEST_SHARE))
    step = len(candidates) / taken
    chosen = {candidates[int((number + 0.5) * step)] for number in range(taken)}
    parts: tuple[list[int], list[int]] = ([], [])
    for place, members in enumerate(groups.values()):
        parts[place in chosen].extend(members)
    return sorted(parts[0]), sorted(parts[1])


def _average(examples: Sequence[Example], weights: NDArray[np.float64]) -> Importance:
    """Return the mean weight of the copies of each example; the mean over all examples is 1.

    The spelling of a string without accents, which training adds, has the weight of the string.
    """
    if (weights == weights[0]).all():
        return {}
    sums: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for example, weight in zip(examples, weights.tolist(), strict=True):
        sums[example.text, example.label].append(weight)
    means = {key: float(np.mean(values)) for key, values in sums.items()}
    scale = 1 / float(np.mean(weights))
    folds = fold_texts(examples)
    scaled = {key: mean * scale for key, mean in means.items()}
    return {**{(folds[text], label): mean for (text, label), mean in scaled.items()}, **scaled}
