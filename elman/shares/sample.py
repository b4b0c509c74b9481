"""Sample: the names of each group of a table, at most so many of each, whatever the size of the table."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from elman.checks import count_of, shown
from elman.errors import DataError

MOST_NAMES = 10_000
"""Names of a group that are read. Of more, so many are drawn at random: a share of 10 % is then known to 0.6 % but for
the model's own errors, which are larger."""

MOST_GROUPS = 100_000
"""Groups of a table."""


@dataclass
class Group:
    """The names of one group.

    Args:
        rows: how many rows it has.
        missing: how many of them have no name.
        names: the names, or a random sample of `MOST_NAMES` of them.
    """

    rows: int = 0
    missing: int = 0
    names: list[str] = field(default_factory=list)


class Sample:
    """Collects the names of groups.

    Args:
        seed: of the random samples of large groups.
        most: names of a group that are kept.
    """

    def __init__(self, seed: int = 0, *, most: int = MOST_NAMES) -> None:
        self._random, self._most = random.Random(seed), most
        self._groups: dict[str | None, Group] = {}

    def add(self, names: Sequence[str | None], groups: Sequence[str | None]) -> None:
        """Add some rows.

        Args:
            names: of the rows; None or blank if missing.
            groups: the group of each; None if missing.

        Raises:
            DataError: there are too many groups.
        """
        for name, key in zip(names, groups, strict=True):
            group = self._groups.get(key)
            if group is None:
                if len(self._groups) == MOST_GROUPS:
                    raise DataError(
                        f"the table has more than {count_of(MOST_GROUPS, 'group')}, such as '{shown(key or '')}'; "
                        "give --by a column with fewer different values"
                    )
                group = self._groups[key] = Group()
            self._add(group, name)

    def _add(self, group: Group, name: str | None) -> None:
        """Add a row: each name of the group is kept with the same chance, and the memory does not grow."""
        group.rows += 1
        if name is None or not name.strip():
            group.missing += 1
        elif len(group.names) < self._most:
            group.names.append(name)
        else:
            place = self._random.randrange(group.rows - group.missing)
            if place < self._most:
                group.names[place] = name

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self._groups)

    def __iter__(self) -> Iterator[tuple[str | None, Group]]:
        """Return the groups with their keys, the largest first; of equal size in the order of the table."""
        return iter(sorted(self._groups.items(), key=lambda item: -item[1].rows))
