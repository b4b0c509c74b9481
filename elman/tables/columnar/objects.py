"""Objects: the columns of JSON Lines, and the Arrow types that hold all of their values.

The values of a column may differ from row to row. Its type changes none of them: whole numbers and others
become doubles only while doubles can hold them, and what no type can hold becomes text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elman.checks import shown
from elman.errors import DataError
from elman.tables.columnar.arrays import arrow
from elman.tables.formats import COLUMNS
from elman.tables.values import HALVES

if TYPE_CHECKING:
    import pyarrow

DEPTH = 32
"""Lists and objects inside each other that become nested types; deeper ones are text."""

MEMBERS = 1000
"""Most different keys of the objects in a column; objects with more are dictionaries in truth, and become text."""

WIDE = 1000
"""Columns up to which objects may be as sparse as they like."""

CELLS, SPARSE = 2**23, 64
"""Most cells of a wider table, and how many more each value allows: a key that one row has is a cell of every row."""

_EXACT = 2**53  # a double holds every whole number up to it
_SMALLEST, _LARGEST = -(2**63), 2**63  # of int64, the largest excluded


@dataclass
class ObjectColumn:
    """What the values of a column are, as far as they are known.

    Args:
        kinds: the kinds of values: ``bool``, ``int``, ``float``, ``str``, ``list`` and ``dict``.
        least: the smallest whole number.
        most: the largest whole number.
        members: the values of objects, by key.
        values: the values of lists; None if there is no list.
        count: how many values there are.
        is_odd: whether an object has a key that no column can have, or too many of them.
    """

    kinds: set[str] = field(default_factory=set)
    least: int = 0
    most: int = 0
    members: "dict[str, ObjectColumn]" = field(default_factory=dict)
    values: "ObjectColumn | None" = None
    count: int = 0
    is_odd: bool = False

    def add(self, values: Sequence[Any], depth: int = 0) -> None:
        """Note some values."""
        self.count += len(values)
        found = set(map(type, values)) - {type(None)}
        self.kinds |= {kind.__name__ for kind in found}
        if int in found:
            numbers = [value for value in values if type(value) is int]
            self.least, self.most = min(self.least, min(numbers)), max(self.most, max(numbers))
        if depth >= DEPTH and found & {list, dict}:
            self.is_odd = True
        elif list in found:
            self.values = self.values or ObjectColumn()
            self.values.add([one for value in values if type(value) is list for one in value], depth + 1)
        elif dict in found:
            self._add_members([value for value in values if type(value) is dict], depth)

    def _add_members(self, objects: Sequence[Mapping[str, Any]], depth: int) -> None:
        for key, some in group_by_key(objects).items():
            if len(self.members) >= MEMBERS or HALVES.search(key):
                self.is_odd = True
                return
            self.members.setdefault(key, ObjectColumn()).add(some, depth + 1)

    def type(self) -> "pyarrow.DataType | None":
        """Return the Arrow type that holds all of the values; None if only text does."""
        pa = arrow()
        if self.is_odd or len(self.kinds) > 1 and self.kinds != {"int", "float"}:
            return None
        match next(iter(self.kinds), "str"):
            case "bool":
                return pa.bool_()
            case "list":
                kind = self.values.type() if self.values is not None else None
                return None if kind is None else pa.list_(kind)
            case "dict":
                types = {key: member.type() for key, member in self.members.items()}
                return None if not types or None in types.values() else pa.struct(list(types.items()))
            case "int" | "float":
                return self._type_of_numbers()
            case _:
                return pa.string()

    def _type_of_numbers(self) -> "pyarrow.DataType | None":
        pa = arrow()
        if "float" in self.kinds:
            return pa.float64() if self.least >= -_EXACT and self.most <= _EXACT else None
        if self.least >= _SMALLEST and self.most < _LARGEST:
            return pa.int64()
        return pa.uint64() if self.least >= 0 and self.most < 2 * _LARGEST else None

    def measure(self) -> tuple[int, int]:
        """Return how many columns hold the values and how many values they hold, those inside objects included."""
        inside = [*self.members.values(), *([] if self.values is None else [self.values])]
        columns, counts = zip((1, self.count), *(column.measure() for column in inside), strict=True)
        return sum(columns), sum(counts)


def group_by_key(objects: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the values under each key, without gaps for the objects that lack it."""
    columns: dict[str, list[Any]] = {}
    for one in objects:
        for key, value in one.items():
            columns.setdefault(key, []).append(value)
    return columns


class ObjectColumns:
    """The columns of JSON Lines, found row by row.

    Args:
        title: the table, for messages.
    """

    def __init__(self, title: str) -> None:
        self._title, self._columns, self._rows = title, dict[str, ObjectColumn](), 0

    def add(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """Note some rows.

        Raises:
            DataError: there are too many columns, or a key is no name of a column.
        """
        self._rows += len(objects)
        for key, values in group_by_key(objects).items():
            if key not in self._columns:
                self._check_new(key)
            self._columns.setdefault(key, ObjectColumn()).add(values)
        if self._measure()[0] > COLUMNS:
            raise self._refuse_keys()

    def _measure(self) -> tuple[int, int]:
        """Return how many columns there are and how many values they hold, those inside objects included."""
        measures = [column.measure() for column in self._columns.values()]
        return sum(count for count, _ in measures), sum(count for _, count in measures)

    def schema(self) -> "pyarrow.Schema":
        """Return the names and Arrow types of the columns, in the order in which they appeared.

        Raises:
            DataError: there are far more cells than values.
        """
        pa, (columns, values) = arrow(), self._measure()
        if columns > WIDE and columns * self._rows > CELLS + SPARSE * values:
            message = f"expected the same keys in most objects, got {columns:,} different ones for {values:,} values"
            raise DataError(f"{self._title}: {message}; write JSONL")
        types = {key: column.type() for key, column in self._columns.items()}
        return pa.schema([(key, pa.string() if kind is None else kind) for key, kind in types.items()])

    def _check_new(self, key: str) -> None:
        if len(self._columns) >= COLUMNS:
            raise self._refuse_keys()
        if HALVES.search(key):
            message = f"expected keys that are text, got '{shown(key)}', which has half a character; write JSONL"
            raise DataError(f"{self._title}: {message}")

    def _refuse_keys(self) -> DataError:
        message = f"expected at most {COLUMNS:,} different keys, those inside objects included, got more; write JSONL"
        return DataError(f"{self._title}: {message}")
