"""Columns of every type of Arrow, with the values that text and JSON have for them."""

from typing import Any

import pyarrow as pa

FAR = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second that Python has; in Tokyo it is the year 10000
NEAR = -62_135_596_800  # 0001-01-01T00:00:00Z, the first; west of Greenwich it is the year 0


def union(mode: str) -> pa.UnionArray:
    codes, places = pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32())
    if mode == "dense":
        return pa.UnionArray.from_dense(codes, places, [pa.array([1]), pa.array(["a"])])
    return pa.UnionArray.from_sparse(codes, [pa.array([1, 2]), pa.array(["b", "a"])])


def extension(kind: pa.DataType, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


COLUMNS: dict[str, tuple[pa.Array, list[Any]]] = {
    "null": (pa.nulls(2), [None, None]),
    "bool": (pa.array([True, None]), [True, None]),
    "int8": (pa.array([-128, 127], pa.int8()), [-128, 127]),
    "uint64": (pa.array([2**64 - 1, 0], pa.uint64()), [2**64 - 1, 0]),
    "half": (pa.array([1.5, None], pa.float16()), [1.5, None]),
    "float": (pa.array([1.5, None], pa.float32()), [1.5, None]),
    "double": (pa.array([0.1, 1e300]), [0.1, 1e300]),
    "no number": (pa.array([float("nan"), float("inf")]), [None, None]),
    "decimal32": (pa.array([1, None], pa.decimal32(5, 2)), ["1.00", None]),
    "decimal64": (pa.array([1, None], pa.decimal64(15, 2)), ["1.00", None]),
    "decimal128": (pa.array([1, None], pa.decimal128(30, 3)), ["1.000", None]),
    "decimal256": (pa.array([1, None], pa.decimal256(60, 3)), ["1.000", None]),
    "string": (pa.array(["a\u2028\x00", None]), ["a\u2028\x00", None]),
    "large string": (pa.array(["a", None], pa.large_string()), ["a", None]),
    "string view": (pa.array(["a", None], pa.string_view()), ["a", None]),
    "binary": (pa.array([b"\xff\x00", None]), ["/wA=", None]),
    "large binary": (pa.array([b"\xff", None], pa.large_binary()), ["/w==", None]),
    "binary view": (pa.array([b"\xff", None], pa.binary_view()), ["/w==", None]),
    "fixed binary": (pa.array([b"ab", None], pa.binary(2)), ["YWI=", None]),
    "date": (pa.array([0, None], pa.date32()), ["1970-01-01", None]),
    "date, years that Python lacks": (pa.array([2_932_897, -719_163], pa.date32()), ["10000-01-01", "0000-12-31"]),
    "date64": (pa.array([86_400_000, None], pa.date64()), ["1970-01-02", None]),
    "time32": (pa.array([14_706_007, None], pa.time32("ms")), ["04:05:06.007000", None]),
    "time64": (pa.array([14_706_000_007, None], pa.time64("us")), ["04:05:06.000007", None]),
    "time64, nanoseconds": (pa.array([14_706_000_000_007, 10**9], pa.time64("ns")), ["04:05:06.000000007", "00:00:01"]),
    "timestamp": (pa.array([1_500, None], pa.timestamp("ms")), ["1970-01-01T00:00:01.500000", None]),
    "timestamp, nanoseconds": (
        pa.array([1_500_000_000_000_000_001, 10**9], pa.timestamp("ns")),
        ["2017-07-14T02:40:00.000000001", "1970-01-01T00:00:01"],
    ),
    "timestamp, years that Python lacks": (
        pa.array([(FAR + 1) * 1000, (NEAR - 1) * 1000], pa.timestamp("ms")),
        ["10000-01-01T00:00:00", "0000-12-31T23:59:59"],
    ),
    "timestamp, UTC": (pa.array([0, None], pa.timestamp("us", "UTC")), ["1970-01-01T00:00:00+00:00", None]),
    "timestamp, a distance": (
        pa.array([1, None], pa.timestamp("us", "+02:00")),
        ["1970-01-01T02:00:00.000001+02:00", None],
    ),
    "timestamp, Mars": (pa.array([0, None], pa.timestamp("us", "Mars/Tharsis")), ["1970-01-01T00:00:00+00:00", None]),
    "duration": (pa.array([93_600, -1], pa.duration("s")), ["1 day, 2:00:00", "-1 day, 23:59:59"]),
    "duration, nanoseconds": (pa.array([1, None], pa.duration("ns")), ["0:00:00.000000001", None]),
    "duration, longer than Python's": (
        pa.array([10**16, None], pa.duration("s")),
        ["115740740740 days, 17:46:40", None],
    ),
    "interval": (pa.array([(1, 2, -3), None], pa.month_day_nano_interval()), ["P1M2DT-0.000000003S", None]),
    "list": (pa.array([[1, None], None]), [[1, None], None]),
    "large list": (pa.array([[1], None], pa.large_list(pa.int8())), [[1], None]),
    "list view": (pa.array([[1], None], pa.list_view(pa.int8())), [[1], None]),
    "fixed list": (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), [[1, 2], None]),
    "list of times": (
        pa.array([[1], None], pa.list_(pa.timestamp("ns", "UTC"))),
        [["1970-01-01T00:00:00.000000001+00:00"], None],
    ),
    "list of no numbers": (pa.array([[float("nan"), 1.5], None]), [[None, 1.5], None]),
    "list of bytes": (pa.array([[b"a"], None]), [["YQ=="], None]),
    "struct": (pa.array([{"a": 1, "b": ["x"]}, None]), [{"a": 1, "b": ["x"]}, None]),
    "struct, empty": (pa.array([{}, None], pa.struct([])), [{}, None]),
    "map": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int8())), [[["a", 1]], None]),
    "dictionary": (pa.array(["a", None]).dictionary_encode(), ["a", None]),
    "dictionary of numbers": (pa.array([1, None]).dictionary_encode(), [1, None]),
    "dictionary of lists": (pa.DictionaryArray.from_arrays(pa.array([0, None]), pa.array([[1]])), [[1], None]),
    "list of dictionary": (
        pa.array([["a", "a"], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
        [["a", "a"], None],
    ),
    "run ends": (pa.RunEndEncodedArray.from_arrays([2], ["a"]), ["a", "a"]),
    "dense union": (union("dense"), [1, "a"]),
    "sparse union": (union("sparse"), [1, "a"]),
    "uuid": (
        extension(pa.uuid(), pa.array([bytes(16), None], pa.binary(16))),
        [f"{0:08}-0000-0000-0000-{0:012}", None],
    ),
    "json": (extension(pa.json_(), pa.array(['{"a": 1}', None])), ['{"a": 1}', None]),
    "bool8": (extension(pa.bool8(), pa.array([1, None], pa.int8())), [True, None]),
    "opaque": (extension(pa.opaque(pa.string(), "a", "b"), pa.array(["x", None])), ["x", None]),
    "tensor": (
        extension(pa.fixed_shape_tensor(pa.int8(), [2]), pa.array([[1, 2], None], pa.list_(pa.int8(), 2))),
        [[1, 2], None],
    ),
}

ZONES: dict[str, tuple[pa.Array, list[Any], list[Any]]] = {
    "Tokyo": (
        pa.array([0, FAR], pa.timestamp("s", "Asia/Tokyo")).cast(pa.timestamp("ms", "Asia/Tokyo")),
        ["1970-01-01T09:00:00+09:00", "9999-12-31T23:59:59+00:00"],
        ["1970-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"],
    ),
    "New York": (
        pa.array([1, NEAR * 10**6], pa.timestamp("us", "America/New_York")),
        ["1969-12-31T19:00:00.000001-05:00", "0001-01-01T00:00:00+00:00"],
        ["1970-01-01T00:00:00.000001+00:00", "0001-01-01T00:00:00+00:00"],
    ),
    "Berlin, nanoseconds": (
        pa.array([1, None], pa.timestamp("ns", "Europe/Berlin")),
        ["1970-01-01T01:00:00.000000001+01:00", None],
        ["1970-01-01T00:00:00.000000001+00:00", None],
    ),
}
"""Instants in places: their text with a time zone database, and without one."""

NOT_IN_PARQUET = (
    "interval", "struct, empty", "dictionary of lists", "run ends", "dense union", "sparse union"
)  # fmt: skip
