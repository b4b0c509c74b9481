"""Report: the shares of labels in groups of names, as frozen records."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

COLUMNS = ("group", "label", "share", "low", "high", "counted", "names", "missing", "read", "abstained")
"""The columns of a report as a table, one row for each label of each group."""

DIGITS = 6
"""Decimal places of a share in a table and in JSON."""


@dataclass(frozen=True, slots=True)
class Share:
    """The share of one label in a group.

    Args:
        label: a label of the model, or a group of labels such as a region.
        share: the estimate, 0 to 1. It is a share of the names that the model can read.
        low: the lower end of the interval of 95 %.
        high: the upper end.
        counted: the share of the names whose most likely answer it is, uncorrected.
    """

    label: str
    share: float
    low: float
    high: float
    counted: float


@dataclass(frozen=True, slots=True)
class GroupShares:
    """The shares of labels in one group of names.

    Args:
        group: the value that its names have in common; None for names without one, and for a list without groups.
        names: rows of the group.
        missing: rows without a name.
        read: names that were read: all others, or a random sample of a large group.
        abstained: how many of the names read the model abstains on.
        shares: of all labels, the largest first; empty if no name could be read.
    """

    group: str | None
    names: int
    missing: int
    read: int
    abstained: int
    shares: tuple[Share, ...]

    def __getitem__(self, label: str) -> Share:
        """Return the share of a label.

        Raises:
            KeyError: there is no such label.
        """
        for share in self.shares:
            if share.label == label:
                return share
        raise KeyError(label)


@dataclass(frozen=True, slots=True)
class ShareReport:
    """The shares of labels in a list of names, or in each of its groups.

    Args:
        model: the name of the model.
        level: of the labels, such as ``region``; None for the labels of the model.
        by: what the groups are called; None for one list.
        groups: the largest first.
        notes: what a reader should know of the estimate, one sentence each.
    """

    model: str
    level: str | None
    by: str | None
    groups: tuple[GroupShares, ...]
    notes: tuple[str, ...] = ()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row for each label of each group, with the keys `COLUMNS`; a group that was not read has one row."""
        for one in self.groups:
            counts = {"names": one.names, "missing": one.missing, "read": one.read, "abstained": one.abstained}
            for share in one.shares:
                yield {"group": one.group, **_round(share), **counts}
            if not one.shares:
                yield {"group": one.group, **dict.fromkeys(COLUMNS[1:6]), **counts}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        groups = [
            {
                "group": one.group,
                "names": one.names,
                "missing": one.missing,
                "read": one.read,
                "abstained": one.abstained,
                "shares": [_round(share) for share in one.shares],
            }
            for one in self.groups
        ]
        return {
            "model": self.model,
            "level": self.level,
            "by": self.by,
            "groups": groups,
            "notes": list(self.notes),
        }


def _round(share: Share) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else round(value, DIGITS) for name, value in asdict(share).items()}
