"""Arrays: columns of Arrow as Python values that text and JSON can represent, whatever their type.

Arrow's own conversion to Python needs pandas for nanoseconds and a time zone database for instants, and fails for years
that Python's dates lack. Such values become the same text here as the others.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

from elman.checks import is_missing, shown
from elman.columns import view_column
from elman.errors import DataError
from elman.extras import extra
from elman.tables.values import (
    format_date,
    format_duration,
    format_moment,
    format_time,
    plain_text,
    plain_value,
    replace_halves,
)

if TYPE_CHECKING:
    import pyarrow

UUID_TYPE, BOOLEAN_TYPE = "arrow.uuid", "arrow.bool8"
"""Extension types whose storage is not what their values mean."""


def arrow() -> Any:
    """Return pyarrow.

    Raises:
        MissingExtraError: it is not installed.
    """
    with extra("tables"):
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    return pyarrow


def plain_values(array: "pyarrow.Array", *, finite: bool = False) -> list[Any]:
    """Return the values of an array as text and JSON can represent them.

    Args:
        array: of any type.
        finite: return None for NaN and infinity, which JSON lacks; inside lists and objects they are always None.

    Returns:
        Strings, numbers, booleans and None; lists; and objects. Times are ISO 8601, bytes base64.

    Raises:
        DataError: no text exists for the type.
        UnicodeDecodeError: a string is not UTF-8.
    """
    kind, types = array.type, arrow().types
    if types.is_floating(kind):
        numbers = (array.cast("float32") if types.is_float16(kind) else array).to_pylist()
        return list(map(plain_value, numbers)) if finite else numbers
    return _find_converter(kind)(array)


def read_texts(array: "pyarrow.Array", column: str) -> list[str | None]:
    """Return the values of an array as text: bytes are UTF-8, numbers as Python writes them; None if missing.

    Args:
        array: of any type without lists and objects.
        column: its name, for the message.

    Raises:
        DataError: the values are lists or objects.
        UnicodeDecodeError: bytes or a string are not UTF-8.
    """
    pa, kind = arrow(), array.type
    if pa.types.is_dictionary(kind):
        return _look_up(array, lambda values: read_texts(values, column))
    if is_binary(kind):
        return [None if value is None else value.decode() for value in array.to_pylist()]
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name not in (UUID_TYPE, BOOLEAN_TYPE):
        return read_texts(array.storage, column)
    if pa.types.is_nested(kind):
        raise refuse_type(column, kind)
    return [None if is_missing(value) else str(value) for value in plain_values(array)]


def view_texts(array: "pyarrow.Array", column: str) -> Sequence[str | None]:
    """Return what `read_texts` returns, without a Python string for each value where Arrow has strings or bytes.

    Raises:
        DataError, UnicodeDecodeError: as `read_texts`.
    """
    pa, kind = arrow(), array.type
    if not is_text(kind) or isinstance(kind, pa.BaseExtensionType) or pa.types.is_null(kind):
        return read_texts(array, column)
    try:
        array = array.cast(pa.large_string() if _is_large(kind) else pa.string())
        array.validate(full=True)
    except pa.ArrowException:  # the bytes are not UTF-8, or too many once dictionaries are written out
        return read_texts(array, column)
    texts = view_column(array)
    return read_texts(array, column) if texts is None else texts


def _is_large(kind: "pyarrow.DataType") -> bool:
    kind = kind.value_type if arrow().types.is_dictionary(kind) else kind
    return bool(arrow().types.is_large_string(kind) or arrow().types.is_large_binary(kind))


def refuse_type(column: str, found: object, title: str = "") -> DataError:
    """Return the error for a column whose values are no text."""
    where = f"{title}: " if title else ""
    return DataError(f"{where}expected strings in the column '{shown(column)}', got {found}", code="not_strings")


def is_text(kind: "pyarrow.DataType") -> bool:
    """Return whether a type has strings, bytes or nothing as its values, dictionaries of them included."""
    pa = arrow()
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return is_text(kind.storage_type)
    strings = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return is_binary(kind) or any(check(kind) for check in strings)


def is_binary(kind: "pyarrow.DataType") -> bool:
    """Return whether a type has bytes of any length as its values."""
    types = arrow().types
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def check_text(schema: "pyarrow.Schema", title: str) -> None:
    """Check that the values of every column have a text.

    Args:
        schema: the columns.
        title: the table, for the message.

    Raises:
        DataError: those of a column have none.
    """
    pa = arrow()
    for field in schema:
        try:
            plain_values(pa.nulls(1, field.type))
            _check_members(field.type)
        except (DataError, pa.ArrowException, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, DataError) else f"it has the type {shown(str(field.type))}"
            message = f"{title}: the column '{shown(field.name)}' has no text, because {reason}; leave it out"
            raise DataError(message) from None


def check_same_types(schema: "pyarrow.Schema", title: str, other: "pyarrow.Schema", other_title: str) -> None:
    """Check that the columns of two tables, which have the same names, have the same types.

    Raises:
        DataError: those of one column differ.
    """
    for field, found in zip(schema, other, strict=True):
        if field.type != found.type:
            kinds = f"{shown(str(found.type))}, and {shown(str(field.type))} in {title}"
            message = f"{other_title}: the column '{shown(field.name)}' has the type {kinds}"
            raise DataError(f"{message}; give both one type, or write CSV or JSONL")


def combine(batches: Sequence["pyarrow.RecordBatch"]) -> "pyarrow.RecordBatch":
    """Return several batches of the same columns as one."""
    if len(batches) == 1:
        return batches[0]
    (batch,) = arrow().Table.from_batches(batches).combine_chunks().to_batches()
    return batch


def cast_columns(columns: Sequence[Any], schema: "pyarrow.Schema") -> list[Any]:
    """Return columns with the types of a schema; Arrow changes even those that have them, and fails for some."""
    pairs = zip(columns, schema, strict=True)
    return [column if column.type == field.type else column.cast(field.type) for column, field in pairs]


def leave_out(batch: "pyarrow.RecordBatch", rows: Sequence[int]) -> "pyarrow.RecordBatch":
    """Return a batch without some rows, which are given in order; Arrow's own filters lack some types."""
    ends = [-1, *rows, batch.num_rows]
    parts = [batch.slice(before + 1, row - before - 1) for before, row in pairwise(ends) if row - before > 1]
    return combine(parts) if parts else batch.slice(0, 0)


def count_columns(kind: "pyarrow.DataType") -> int:
    """Return how many columns hold the values of a type, those inside objects and lists included."""
    if not arrow().types.is_nested(kind):
        return 1
    return 1 + sum(count_columns(kind.field(k).type) for k in range(kind.num_fields))


def to_array(values: Sequence[Any], kind: "pyarrow.DataType") -> "pyarrow.Array":
    """Return values of JSON as an Arrow array; in an array of strings, values of other types become text.

    Raises:
        DataError: a value has another type.
    """
    pa = arrow()
    if kind == pa.string():
        return pa.array([None if value is None else plain_text(value) for value in values], kind)
    try:
        try:
            return pa.array(values, kind)
        except UnicodeEncodeError:
            return pa.array([replace_halves(value) for value in values], kind)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        raise DataError(
            f"expected values of the type {kind} in a column, as in earlier rows, got others; write CSV or JSONL"
        ) from None


def type_of(values: Sequence[Any]) -> "pyarrow.DataType":
    """Return the Arrow type of Python values: string if their types differ, null if all are None."""
    pa = arrow()
    try:
        return pa.array(values).type
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.string()


def _find_converter(kind: "pyarrow.DataType") -> Callable[["pyarrow.Array"], list[Any]]:
    """Return the function that converts the arrays of a type."""
    types = arrow().types
    if isinstance(kind, arrow().BaseExtensionType):
        return _convert_extension
    for check, convert in (
        (types.is_dictionary, lambda array: _look_up(array, lambda values: plain_values(values, finite=True))),
        (types.is_run_end_encoded, lambda array: plain_values(arrow().compute.run_end_decode(array), finite=True)),
        (types.is_date, _convert_dates),
        (types.is_timestamp, _convert_moments),
        (types.is_time, lambda array: _convert_ticks(array, format_time)),
        (types.is_duration, lambda array: _convert_ticks(array, format_duration)),
        (types.is_interval, _convert_intervals),
        (types.is_decimal, lambda array: [None if one is None else str(one) for one in array.to_pylist()]),
        (types.is_struct, _convert_structs),
        (types.is_union, _convert_unions),
        (types.is_nested, _convert_lists),
        (_is_bytes, lambda array: [None if one is None else _encode(one) for one in array.to_pylist()]),
        (_is_plain, lambda array: array.to_pylist()),
    ):
        if check(kind):
            return convert
    raise DataError(f"it has the type {shown(str(kind))}")


def _is_bytes(kind: "pyarrow.DataType") -> bool:
    return is_binary(kind) or bool(arrow().types.is_fixed_size_binary(kind))


def _is_plain(kind: "pyarrow.DataType") -> bool:
    types = arrow().types
    return bool(types.is_boolean(kind) or types.is_integer(kind) or is_text(kind))


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _convert_extension(array: "pyarrow.ExtensionArray") -> list[Any]:
    if array.type.extension_name == UUID_TYPE:
        return [None if one is None else str(UUID(bytes=one)) for one in array.storage.to_pylist()]
    if array.type.extension_name == BOOLEAN_TYPE:
        return [None if one is None else bool(one) for one in array.storage.to_pylist()]
    return plain_values(array.storage, finite=True)


def _look_up(array: "pyarrow.DictionaryArray", convert: Callable[["pyarrow.Array"], list[Any]]) -> list[Any]:
    """Return the values of a dictionary's indices; each entry is converted once, however often it occurs."""
    entries, indices = array.dictionary, array.indices
    used = sorted({index for index in indices.to_pylist() if index is not None}) if len(entries) > len(array) else None
    if used is None:
        values = dict(enumerate(convert(entries)))
    else:
        parts = [entries.slice(index, 1) for index in used]
        values = dict(zip(used, convert(arrow().concat_arrays(parts)) if parts else (), strict=True))
    return [None if index is None else values[index] for index in indices.to_pylist()]


def _convert_dates(array: "pyarrow.Array") -> list[Any]:
    days = (
        _read_integers(array)
        if array.type == arrow().date32()
        else _map(_read_integers(array), lambda ms: ms // 86_400_000)
    )
    return _map(days, format_date)


def _convert_moments(array: "pyarrow.TimestampArray") -> list[Any]:
    """Convert instants: in their time zone if its rules are known and Python has the year, otherwise in UTC."""
    pa, unit, zone = arrow(), array.type.unit, array.type.tz
    ticks, rough, suffix = _read_integers(array), array, "" if zone is None else "+00:00"
    if unit == "ns":
        rough = pa.array(_map(ticks, lambda tick: tick // 1000), pa.timestamp("us", zone))
    try:  # without time zones, or without pandas for nanoseconds, Arrow raises an ImportError
        moments: Iterator[Any] = iter(rough.to_pylist())
    except (pa.ArrowException, ArithmeticError, ValueError, LookupError, ImportError):
        moments = _read_moments(rough)
    return [
        None if tick is None else format_moment(tick, unit) + suffix if moment is None else _write(moment, tick, unit)
        for tick, moment in zip(ticks, moments, strict=True)
    ]


def _read_moments(array: "pyarrow.TimestampArray") -> Iterator[datetime | None]:
    """Yield each instant, and None where Python has none."""
    pa = arrow()
    for moment in array:
        try:
            yield moment.as_py()
        except (pa.ArrowException, ArithmeticError, ValueError, LookupError, ImportError):
            yield None


def _write(moment: datetime, tick: int, unit: str) -> str:
    """Return an instant as ISO 8601, with the nanoseconds that Python's cannot hold."""
    if unit != "ns" or tick % 1000 == 0:
        return moment.isoformat()
    text = moment.isoformat(timespec="microseconds")
    return f"{text[:26]}{tick % 1000:03}{text[26:]}"


def _convert_ticks(array: "pyarrow.Array", write: Callable[[int, str], str]) -> list[Any]:
    unit = array.type.unit
    return _map(_read_integers(array), lambda tick: write(tick, unit))


def _convert_intervals(array: "pyarrow.Array") -> list[Any]:
    """Convert intervals to the durations of ISO 8601."""
    return [None if one is None else _format_interval(*one) for one in array.to_pylist()]


def _format_interval(months: int, days: int, nanoseconds: int) -> str:
    seconds, rest = divmod(abs(nanoseconds), 10**9)
    return f"P{months}M{days}DT{'-' if nanoseconds < 0 else ''}{seconds}.{rest:09}S"


def _convert_structs(array: "pyarrow.StructArray") -> list[Any]:
    names = [field.name for field in array.type]
    members = [plain_values(array.field(k), finite=True) for k in range(len(names))]
    rows = zip(*members, strict=True) if members else iter([()] * len(array))
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    return _hide_nulls(array, objects)


def _convert_unions(array: "pyarrow.UnionArray") -> list[Any]:
    some = slice(array.offset, array.offset + len(array))  # which pyarrow ignores for the codes and offsets
    _, codes_buffer, *offsets = array.buffers()[:3]
    codes = memoryview(codes_buffer)[some].tolist()
    places = memoryview(offsets[0]).cast("i")[some].tolist() if array.type.mode == "dense" else range(len(codes))
    members = [plain_values(array.field(k), finite=True) for k in range(array.type.num_fields)]
    members_by_code = dict(zip(array.type.type_codes, members, strict=True))
    return [members_by_code[code][place] for code, place in zip(codes, places, strict=True)]


def _convert_lists(array: "pyarrow.Array") -> list[Any]:
    """Convert lists of every kind; maps become lists of pairs."""
    starts, ends, values = find_list_bounds(array)
    first, last = (min(starts, default=0), max(ends, default=0)) if len(starts) else (0, 0)
    members = plain_values(values.slice(first, max(0, last - first)), finite=True)
    if arrow().types.is_map(array.type):
        members = [None if one is None else list(one.values()) for one in members]
    lists = [members[start - first : end - first] for start, end in zip(starts, ends, strict=True)]
    return _hide_nulls(array, lists)


def find_list_bounds(array: "pyarrow.Array") -> tuple[list[int], list[int], "pyarrow.Array"]:
    """Return where each list of an array starts and ends, and the array of all of their values."""
    types, kind = arrow().types, array.type
    if types.is_fixed_size_list(kind):
        starts = [row * kind.list_size for row in range(array.offset, array.offset + len(array))]
        return starts, [start + kind.list_size for start in starts], array.values
    offsets = array.offsets.to_pylist()
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        sizes = array.sizes.to_pylist()
        pairs = [(start or 0, size or 0) for start, size in zip(offsets, sizes, strict=True)]
        return [start for start, _ in pairs], [start + size for start, size in pairs], array.values
    return offsets[:-1], offsets[1:], array.values


def _hide_nulls(array: "pyarrow.Array", values: list[Any]) -> list[Any]:
    if not array.null_count:
        return values
    return [value if valid else None for value, valid in zip(values, array.is_valid().to_pylist(), strict=True)]


def _read_integers(array: "pyarrow.Array") -> list[int | None]:
    pa = arrow()
    return list(array.view(pa.int32() if array.type.bit_width == 32 else pa.int64()).to_pylist())


def _map(values: Sequence[int | None], convert: Callable[[int], Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in values]


def _check_members(kind: "pyarrow.DataType") -> None:
    """Check that no object inside a type has two members of one name.

    Raises:
        DataError: one has.
    """
    types = arrow().types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        _check_members(kind.value_type)
    elif isinstance(kind, arrow().BaseExtensionType):
        _check_members(kind.storage_type)
    elif types.is_nested(kind):
        members = [kind.field(k) for k in range(kind.num_fields)]
        if types.is_struct(kind) and len({member.name for member in members}) < len(members):
            raise DataError("its objects have two members of one name")
        for member in members:
            _check_members(member.type)
