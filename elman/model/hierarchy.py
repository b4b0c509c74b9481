"""Hierarchy: levels of labels, such as origin, region and continent.

Each label belongs to one group of each level above, and each group to one group of the next level. The probability of a
group is the sum of those of its labels.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import count_of, shown, suggest
from elman.errors import DataError, SettingError
from elman.text.vocabulary import LONGEST_LABEL, has_controls

AUTO = "auto"
"""Instead of the name of a level: the finest level whose best answer is sure enough."""

MOST_LEVELS = 8
"""The most levels, that of the labels included."""

LONGEST_NAME = 60
"""The most characters of the name of a level."""


@dataclass(frozen=True)
class Levels:
    """The levels of a model's labels, finest first.

    Args:
        names: of the levels, at least two; the first is that of the labels themselves: ``origin``.
        groups: for each level above the labels, the group of each label, in the order of the labels, (C,).

    Raises:
        DataError: a name is invalid, or a group is in two groups of the next level.

    >>> levels = Levels(("origin", "region"), (("Northern Europe", "Eastern Asia", "Eastern Asia"),))
    >>> levels.list_groups("region"), levels.place_labels("region").tolist()
    (('Northern Europe', 'Eastern Asia'), [0, 1, 1])
    """

    names: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Check the names and the groups."""
        if not 2 <= len(self.names) <= MOST_LEVELS or len(self.groups) != len(self.names) - 1:
            raise DataError(
                f"there must be 2 to {MOST_LEVELS} levels, that of the labels included; got {len(self.names)}"
            )
        if len({*self.names, AUTO}) != len(self.names) + 1:
            raise DataError(f"names of levels must be distinct, and none of them {AUTO!r}; got {', '.join(self.names)}")
        for name in self.names:
            _check_name(name, LONGEST_NAME, "the name of a level")
        for groups in self.groups:
            for group in set(groups):
                _check_name(group, LONGEST_LABEL, "a group of labels")
        if len({len(groups) for groups in self.groups}) > 1:
            raise DataError("each level must have a group for each label")
        for finer, coarser, name in zip(self.groups, self.groups[1:], self.names[2:], strict=False):
            parents = dict(zip(finer, coarser, strict=True))
            several = [group for group, parent in zip(finer, coarser, strict=True) if parents[group] != parent]
            if several:
                raise DataError(f"{shown(several[0])!r} must be in one group of the level {shown(name)!r}; got several")

    def __len__(self) -> int:
        """Return the number of labels."""
        return len(self.groups[0])

    def find(self, level: str) -> int:
        """Return the place of a level, 0 for that of the labels.

        Raises:
            SettingError: there is no such level.
        """
        if level not in self.names:
            known = ", ".join((*self.names, AUTO))
            raise SettingError(f"level must be one of {known}; got {shown(level)!r}{suggest(level, self.names)}")
        return self.names.index(level)

    def list_groups(self, level: str, labels: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the distinct groups of a level, in the order of their first labels.

        Args:
            level: its name.
            labels: the labels, which are the groups of the first level.

        Raises:
            SettingError: there is no such level.
        """
        place = self.find(level)
        return tuple(labels) if place == 0 else tuple(dict.fromkeys(self.groups[place - 1]))

    def place_labels(self, level: str) -> NDArray[np.int64]:
        """Return for each label the place of its group in `list_groups`, (C,), int64.

        Raises:
            SettingError: there is no such level.
        """
        return self._places[self.find(level)]

    def sum_probabilities(self, probabilities: NDArray[np.float64], level: str) -> NDArray[np.float64]:
        """Return the probabilities of the groups of a level, (N, G), from those of the labels, (N, C).

        Raises:
            SettingError: there is no such level.

        >>> levels = Levels(("origin", "region"), (("north", "east", "east"),))
        >>> levels.sum_probabilities(np.array([[0.5, 0.25, 0.25]]), "region").tolist()
        [[0.5, 0.5]]
        """
        if self.find(level) == 0:
            return probabilities
        order, starts = self._orders[self.find(level)]
        sums: NDArray[np.float64] = np.add.reduceat(probabilities[:, order], starts, axis=1)
        return sums

    @cached_property
    def _places(self) -> list[NDArray[np.int64]]:
        places = [np.arange(len(self))]
        for groups in self.groups:
            ids = {group: number for number, group in enumerate(dict.fromkeys(groups))}
            places.append(np.array([ids[group] for group in groups], np.int64))
        return places

    @cached_property
    def _orders(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """For each level its labels, group by group, (C,), and where each group begins among them, (G,)."""
        orders = [np.argsort(place, kind="stable") for place in self._places]
        return [
            (order, np.flatnonzero(np.diff(place[order], prepend=-1)))
            for place, order in zip(self._places, orders, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"names": list(self.names), "groups": [list(groups) for groups in self.groups]}

    @classmethod
    def from_dict(cls, values: Any) -> "Levels":
        """Return the levels that `to_dict` wrote.

        Raises:
            DataError: they are of another form.
        """
        names, groups = (values.get(key) for key in ("names", "groups")) if isinstance(values, dict) else (None, None)
        rows = [names, *groups] if isinstance(groups, list) else [None]
        if not all(isinstance(row, list) and all(isinstance(text, str) for text in row) for row in rows):
            raise DataError("levels must be an object of names and groups, lists of strings")
        return cls(tuple(names), tuple(map(tuple, groups)))  # type: ignore[arg-type]


def build_levels(names: Sequence[str], rows: Mapping[str, Sequence[str]], labels: Iterable[str]) -> Levels:
    """Return the levels of some labels.

    Args:
        names: of the levels, finest first; the first is that of the labels.
        rows: the groups of each label, from fine to coarse; other labels may be among them.
        labels: of the model, in its order.

    Raises:
        DataError: a label has no row, or the levels are invalid.

    >>> build_levels(["origin", "region"], {"Greek": ["south"], "Irish": ["north"]}, ["Greek"]).groups
    (('south',),)
    """
    labels = tuple(labels)
    missing = [label for label in labels if label not in rows]
    if missing:
        raise DataError(
            f"the levels have no line for {count_of(len(missing), 'label')}, such as '{shown(missing[0])}'; add one"
            f"{suggest(missing[0], rows)}"
        )
    columns = zip(*(rows[label] for label in labels), strict=True)
    return Levels(tuple(names), tuple(tuple(column) for column in columns))


def _check_name(name: str, longest: int, what: str) -> None:
    if not name.strip() or len(name) > longest or has_controls(name):
        raise DataError(f"{what} must have 1 to {longest:,} characters and no control characters; got '{shown(name)}'")
