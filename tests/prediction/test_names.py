"""Names: every kind of column of names is understood alike, and a table is refused."""

import math
import sys
from collections import OrderedDict, UserList, deque
from datetime import datetime

import numpy as np
import pytest

from elman.errors import SettingError
from elman.prediction.names import is_one_name, list_names, read_name

NAMES = ["Nakamura", None, "", "nan", "Müller"]
BYTES = [None if name is None else name.encode() for name in NAMES]
FLOATS = [math.nan if name is None else name for name in NAMES]


def pandas_columns():
    pd = pytest.importorskip("pandas")
    return {
        "object": pd.Series(NAMES, dtype=object),
        "NaN": pd.Series(FLOATS, dtype=object),
        "NA": [pd.NA if name is None else name for name in NAMES],
        "NaT": [pd.NaT if name is None else name for name in NAMES],
        "string": pd.Series(NAMES, dtype="string"),
        "str": pd.Series(NAMES, dtype="str"),
        "categories": pd.Series(NAMES, dtype="category"),
        "index": pd.Index(NAMES, dtype=object),
        "array": pd.array(NAMES, dtype="string"),
        "other index": pd.Series(NAMES, index=[5, 3, 1, 0, 2], dtype=object),
        "index of methods": pd.Series(NAMES, index=["to_pylist", "ndim", "as_py", "columns", "tolist"], dtype=object),
        "one column of a frame": pd.DataFrame({"name": NAMES}, dtype=object)["name"],
    }


def arrow_columns():
    pa = pytest.importorskip("pyarrow")
    strings, binary = pa.array(NAMES, pa.string()), pa.array(BYTES, pa.binary())
    return {
        **{str(kind): strings.cast(kind) for kind in (pa.string(), pa.large_string(), pa.string_view())},
        **{str(kind): binary.cast(kind) for kind in (pa.binary(), pa.large_binary(), pa.binary_view())},
        "dictionary": strings.dictionary_encode(),
        "chunked": pa.chunked_array([strings[:2], strings[2:2], strings[2:]]),
        "slice": pa.concat_arrays([strings, strings])[len(NAMES) :],
        "scalars": list(strings),
        "run ends": pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3, 4, 5], pa.int32()), strings),
    }


def other_columns():
    pl = pytest.importorskip("polars")
    return {
        "tuple": tuple(NAMES),
        "iterator": iter(NAMES),
        "generator": (name for name in NAMES),
        "deque": deque(NAMES),
        "list of a class": UserList(NAMES),
        "values": {k: name for k, name in enumerate(NAMES)}.values(),
        "bytes": BYTES,
        "numpy": np.array(NAMES, object),
        "numpy, masked": np.ma.masked_array(["Nakamura", "x", "", "nan", "Müller"], [0, 1, 0, 0, 0]),
        "numpy's scalars": [None if n is None else np.str_(n) for n in NAMES],
        "numpy's NaN": [np.float32("nan") if n is None else n for n in NAMES],
        "numpy's NaT": [np.datetime64("NaT") if n is None else n for n in NAMES],
        "polars": pl.Series(NAMES, dtype=pl.String),
        "polars, binary": pl.Series(BYTES, dtype=pl.Binary),
        "polars, categories": pl.Series(NAMES, dtype=pl.Categorical),
        "polars, objects": pl.Series(NAMES, dtype=pl.Object),
    }


@pytest.mark.parametrize("columns", [pandas_columns, arrow_columns, other_columns])
def test_every_kind_of_column_is_the_same_list(columns):
    for kind, column in columns().items():
        listed = list_names(column)
        assert listed == NAMES, kind
        assert set(map(type, listed)) == {str, type(None)}, kind


@pytest.mark.parametrize("dtype", [object, "U8", "S8"])
def test_arrays_of_numpy_are_read_whatever_their_type(dtype):
    assert list_names(np.array(["abc", "", "Muller"], dtype)) == ["abc", "", "Muller"]


def test_columns_without_any_name_are_all_missing():
    pa, pd, pl = (pytest.importorskip(package) for package in ("pyarrow", "pandas", "polars"))
    for column in (pa.nulls(2), pd.Series([math.nan] * 2), pl.Series([None, None]), np.full(2, np.nan), [None] * 2):
        assert list_names(column) == [None, None]
    for column in (pa.array([], pa.string()), pd.Series([], dtype=object), pl.Series([]), np.array([]), iter([])):
        assert list_names(column) == []


def test_an_array_without_dimensions_and_scalars_are_one_name():
    pa, pd = pytest.importorskip("pyarrow"), pytest.importorskip("pandas")
    for one in (np.array("abc"), np.array("abc", object), np.str_("abc"), pa.scalar("abc"), b"abc", pa.scalar(b"abc")):
        assert is_one_name(one) and read_name(one) == "abc" and type(read_name(one)) is str
    missing = (None, math.nan, pd.NA, pd.NaT, pa.scalar(None, pa.string()), np.array(None), np.datetime64("NaT"))
    for one in missing:
        assert is_one_name(one) and read_name(one) is None
    assert list_names(np.array("abc")) == ["abc"]
    for column in ([], [math.nan], np.array([np.nan]), pd.Series(["a"]), pa.array(["a"]), iter("a"), {"a": 1}):
        assert not is_one_name(column)


def tables():
    pa, pd, pl = (pytest.importorskip(package) for package in ("pyarrow", "pandas", "polars"))
    values = {"name": ["abc"], "label": ["x"]}
    frame = pd.DataFrame(values)
    return [
        values,
        OrderedDict(values),
        frame,
        pl.DataFrame(values),
        pl.LazyFrame(values),
        pa.table(values),
        pa.RecordBatch.from_pydict(values),
        pa.table(values).to_reader(),
        frame.to_records(),
        frame.iloc[:0],
    ]


def test_a_table_is_refused_in_one_line_that_says_what_to_do():
    advice = r'as predict\(table\["name"\]\), or use elman\.annotate_frame\(table, column="name"\)$'
    for table in tables():
        with pytest.raises(SettingError, match=rf"one column; got a table \({type(table).__name__}\): .*{advice}"):
            list_names(table)


def test_more_dimensions_than_one_are_refused():
    pd = pytest.importorskip("pandas")
    for names in (np.array([["a", "b"]]), pd.DataFrame({"name": ["a"]}).to_numpy(), np.empty((0, 2), object)):
        with pytest.raises(SettingError, match="one column; got 2 dimensions: give one of the columns"):
            list_names(names)


@pytest.mark.parametrize("names", ["abc", b"abc", 5, object(), datetime(2026, 1, 1), list])
def test_what_is_no_column_is_refused_with_its_type(names):
    with pytest.raises(SettingError, match=f"strings; got {type(names).__name__}"):
        list_names(names)


@pytest.mark.parametrize("wrong", [5, 0, True, 2.5, ["abc"], {"name": "abc"}, np.int64(3), ("a",), bytearray(b"abc")])
def test_an_item_that_is_not_a_string_is_refused_with_its_type_and_position(wrong):
    with pytest.raises(SettingError, match=r"each name must be a string; got \w+ at position 2"):
        list_names(["abc", None, wrong])


def test_a_column_of_numbers_is_refused():
    pa, pd, pl = (pytest.importorskip(package) for package in ("pyarrow", "pandas", "polars"))
    for column in (pd.Series([1, 2]), pl.Series([1, 2]), pa.array([1, 2]), np.arange(2), np.array([1.5, 2])):
        with pytest.raises(SettingError, match="each name must be a string; got (int|float) at position 0"):
            list_names(column)


def test_bytes_that_are_not_utf_8_are_refused_with_their_position():
    with pytest.raises(SettingError, match=r"must be UTF-8; got b'vw\\xe9' at position 1"):
        list_names([b"abc", b"vw\xe9"])
    with pytest.raises(SettingError, match=r"must be UTF-8; got b'vw\\xe9'$"):
        read_name(b"vw\xe9")


def test_the_names_of_a_list_are_not_copied_one_by_one():
    names = ["abc", None]
    assert list_names(names) == names and list_names(names) is not names


def test_no_package_of_columns_is_imported(python_process):
    code = (
        "import sys\nfrom elman.prediction.names import list_names\nlist_names(['a', float('nan'), b'b'])\n"
        "print(sorted({'pandas', 'polars', 'pyarrow', 'narwhals'} & sys.modules.keys()))"
    )
    assert python_process(code) == "[]\n"
    assert "elman" in sys.modules
