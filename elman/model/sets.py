"""Sets: the labels among which the right one is with a stated probability.

A set holds the labels with a low score. The score of a label is the probability of all labels that are more likely, and
a penalty for each rank above a free one, which keeps sets small (Y. Romano, M. Sesia and E. Candès, "Classification
with valid and adaptive coverage", 2020; A. Angelopoulos et al., "Uncertainty sets for image classifiers using conformal
prediction", 2021). The most likely label is in every set. Scores are not random, so equal names get equal sets; for
that, a set can cover more than was asked for.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import is_finite_number
from elman.errors import DataError, SettingError

COVERAGES = (0.8, 0.9, 0.95)
"""The coverages for which models keep thresholds."""

MOST_COVERAGES = 20
"""The most coverages in a model file."""


FEW = 16
"""How many of the most likely labels are sorted at first; most sets have fewer."""


@dataclass(frozen=True)
class Sets:
    """The thresholds of a model's prediction sets.

    Args:
        coverages: rising, above 0 and below 1.
        thresholds: for each level of the labels, the highest score in a set, for each coverage; infinite if too few
            strings were measured, so that a set holds all labels.
        penalty: added to the score of a label for each rank above ``free``, at least 0.
        free: ranks without a penalty, at least 1.
        strings: how many strings the thresholds were fitted on.

    Raises:
        DataError: a value is out of range.
    """

    coverages: tuple[float, ...]
    thresholds: tuple[tuple[float, ...], ...]
    penalty: float = 0.0
    free: int = 1
    strings: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        shares = self.coverages
        if not 1 <= len(shares) <= MOST_COVERAGES or not all(is_finite_number(one) and 0 < one < 1 for one in shares):
            raise DataError("coverages of prediction sets must be 1 to 20 numbers above 0 and below 1")
        if list(shares) != sorted(set(shares)) or any(len(row) != len(shares) for row in self.thresholds):
            raise DataError("prediction sets must have rising coverages, and a threshold for each")
        numbers = [self.penalty, *(one for row in self.thresholds for one in row if one != math.inf)]
        if not all(is_finite_number(one) and one >= 0 for one in numbers):
            raise DataError("thresholds and the penalty of prediction sets must be numbers of at least 0")
        if not all(type(one) is int and one >= least for one, least in ((self.free, 1), (self.strings, 0))):
            raise DataError("prediction sets must say in whole numbers which ranks are free, and how many strings")

    def find(self, coverage: float) -> int:
        """Return the place of a coverage.

        Raises:
            SettingError: the model has no thresholds for it.
        """
        if coverage not in self.coverages:
            known = ", ".join(f"{one:g}" for one in self.coverages)
            raise SettingError(f"the coverage of a set must be one of {known}; got {coverage!r}")
        return self.coverages.index(coverage)

    def list_members(
        self, probabilities: NDArray[np.float64], coverage: float, *, level: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the prediction sets of N strings.

        Args:
            probabilities: calibrated, (N, C), of the labels or of the groups of a level.
            coverage: one of ``coverages``.
            level: the place of the level.

        Returns:
            The places of the labels, most likely first, (N, C); and how many of them are in each set, (N,), at least 1.

        Raises:
            SettingError: the model has no thresholds for the coverage.

        >>> Sets((0.9,), ((0.7,),)).list_members(np.array([[0.1, 0.6, 0.3]]), 0.9)
        (array([[1, 2, 0]]), array([2]))
        """
        threshold = self.thresholds[level][self.find(coverage)]
        order = np.argsort(-probabilities, axis=1, kind="stable")
        scores = score_ranks(np.take_along_axis(probabilities, order, axis=1), self.penalty, self.free)
        sizes: NDArray[np.int64] = (scores <= threshold).sum(axis=1)
        return order, np.maximum(sizes, 1)

    def find_members(
        self, probabilities: NDArray[np.float64], coverage: float, *, level: int = 0
    ) -> list[NDArray[np.int64]]:
        """Return the places of the labels in each of N sets, as `list_members` does, without sorting all labels.

        Args:
            probabilities: as in `list_members`.
            coverage: as there.
            level: as there.

        Raises:
            SettingError: as there.

        >>> Sets((0.9,), ((0.7,),)).find_members(np.array([[0.1, 0.6, 0.3]]), 0.9)
        [array([1, 2])]
        """
        few = min(FEW, probabilities.shape[1])
        places = np.sort(np.argpartition(-probabilities, few - 1, axis=1)[:, :few], axis=1)
        likely = np.take_along_axis(probabilities, places, axis=1)
        order, sizes = self.list_members(likely, coverage, level=level)
        members = np.take_along_axis(places, order, axis=1)
        found = [row[:size] for row, size in zip(members, sizes.tolist(), strict=True)]
        # Where the last member is as likely as the least of the few, others may be members too, or come before it.
        last = np.take_along_axis(probabilities, np.take_along_axis(members, sizes[:, None] - 1, axis=1), axis=1)[:, 0]
        unsure = np.flatnonzero(~(last > likely.min(axis=1)))
        order, sizes = self.list_members(probabilities[unsure], coverage, level=level)
        for row, whole, size in zip(unsure.tolist(), order, sizes.tolist(), strict=True):
            found[row] = whole[:size]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, which has no infinite numbers: those are null."""
        return {
            "coverages": list(self.coverages),
            "thresholds": [[None if one == math.inf else one for one in row] for row in self.thresholds],
            "penalty": self.penalty,
            "free": self.free,
            "strings": self.strings,
        }

    @classmethod
    def from_dict(cls, values: Any) -> "Sets":
        """Return the thresholds that `to_dict` wrote.

        Raises:
            DataError: they are of another form.
        """
        names = ("coverages", "thresholds", "penalty", "free", "strings")
        if not isinstance(values, dict) or not all(name in values for name in names):
            raise DataError(f"prediction sets must be an object with {', '.join(names)}")
        coverages, rows, penalty, free, strings = (values[name] for name in names)
        if not isinstance(coverages, list) or not isinstance(rows, list) or not all(isinstance(r, list) for r in rows):
            raise DataError("coverages and thresholds of prediction sets must be lists")
        thresholds = tuple(tuple(math.inf if one is None else one for one in row) for row in rows)
        return cls(tuple(coverages), thresholds, penalty, free, strings)


def score_ranks(ranked: NDArray[np.float64], penalty: float, free: int) -> NDArray[np.float64]:
    """Return the score of each rank, (N, C), from probabilities in falling order, (N, C).

    >>> score_ranks(np.array([[0.5, 0.25, 0.25]]), 1.0, 1).tolist()
    [[0.0, 1.5, 2.75]]
    """
    before = np.cumsum(ranked, axis=1) - ranked
    beyond = np.maximum(0, np.arange(1, ranked.shape[1] + 1) - free)
    scores: NDArray[np.float64] = before + penalty * beyond
    return scores
