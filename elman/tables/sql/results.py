"""Results: the Arrow types of the values that a database's driver returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from elman.tables.columnar.arrays import arrow, type_of
from elman.tables.values import format_json, plain_text, plain_value

if TYPE_CHECKING:
    import pyarrow

_DIGITS = {True: 38, False: 76}  # of Arrow's decimals, of 128 bits and of 256
_BYTES = (bytes, bytearray, memoryview)


@dataclass(frozen=True)
class ResultType:
    """The type of a column: an Arrow type, and whether its strings are JSON."""

    arrow: Any
    is_json: bool = False

    @classmethod
    def of(cls, values: Sequence[Any]) -> "ResultType":
        """Return the type that holds some values unchanged, or strings if none does."""
        pa, text = arrow(), cls(arrow().string())
        kinds = set(map(type, values)) - {type(None)}
        if str in kinds and all(issubclass(kind, (str, *_BYTES, UUID)) for kind in kinds) or kinds <= {str, UUID}:
            return text
        is_json = any(issubclass(kind, Mapping | list | tuple) for kind in kinds)
        found = _widen(type_of(values))
        if found != pa.string() and _is_settled(found) and cls(found).array(values) is not None:
            return cls(found)
        return cls(pa.string(), is_json)

    def array(self, values: Sequence[Any]) -> "pyarrow.Array | None":
        """Return values of this type as an Arrow array; None if the array would change them.

        Raises:
            UnicodeError: a text is not UTF-8.
        """
        pa = arrow()
        if self.is_json:
            return pa.array([None if one is None else format_json(plain_value(one)) for one in values], self.arrow)
        if self.arrow == pa.string():
            if not set(map(type, values)) <= {str, type(None)}:
                values = list(map(read_text, values))
            return pa.array(values, self.arrow)
        try:
            array = pa.array(values, self.arrow)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return None
        if pa.types.is_floating(self.arrow):  # NaN does not equal itself, so the values cannot be compared
            return array if all(isinstance(one, float | int | None) for one in values) else None
        # Arrow silently cuts 1.5 to 1, and drops the hour of a date and unknown fields of a record.
        return array if array.to_pylist() == list(values) else None

    def is_readable(self, value: Any) -> bool:
        """Return whether a value of a column of this type is no text, or one in UTF-8."""
        if self.is_json or self.arrow != arrow().string():
            return True
        try:
            (read_text(value) or "").encode()
        except UnicodeError:
            return False
        return True


def read_text(value: Any) -> str | None:
    """Return a value of a column of text: bytes are UTF-8.

    Raises:
        UnicodeDecodeError: bytes are not.

    >>> read_text("a"), read_text(b"b"), read_text(None), read_text(1.5)
    ('a', 'b', None, '1.5')
    """
    if value is None or isinstance(value, str):
        return value
    return bytes(value).decode() if isinstance(value, _BYTES) else plain_text(value)


def _widen(kind: "pyarrow.DataType") -> "pyarrow.DataType":
    """Return a type that later rows fit too: with the most digits, and with instants in UTC."""
    pa = arrow()
    if pa.types.is_decimal(kind):
        fits = kind.precision <= _DIGITS[True]
        return (pa.decimal128 if fits else pa.decimal256)(_DIGITS[fits], kind.scale)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    return kind


def _is_settled(kind: "pyarrow.DataType") -> bool:
    """Return whether later rows have this type too, which objects and empty lists do not promise."""
    pa = arrow()
    if pa.types.is_list(kind):
        return _is_settled(kind.value_type)
    return not (pa.types.is_null(kind) or pa.types.is_nested(kind))
