"""Columns have the values of lists, and are read from Arrow and written to it without an object for each."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.columns import CodedColumn, NumberColumn, TextColumn, view_column
from elman.errors import MissingExtraError

pa = pytest.importorskip("pyarrow")

STRINGS = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=9)
KINDS = st.sampled_from([pa.string(), pa.large_string()])


@given(chunks=st.lists(STRINGS, max_size=3), kind=KINDS, start=st.integers(0, 4), stop=st.integers(0, 30))
def test_a_chunked_column_and_its_parts_have_the_strings_of_the_list(chunks, kind, start, stop):
    column = pa.chunked_array([pa.array(chunk, kind) for chunk in chunks], kind)
    expected = [value for chunk in chunks for value in chunk]
    viewed = view_column(column)
    assert list(viewed) == expected and len(viewed) == len(expected)
    assert [viewed[place - len(expected)] for place in range(len(expected))] == expected
    assert list(viewed[start:stop]) == expected[start:stop]
    assert list(view_column(column.slice(start, stop))) == column.slice(start, stop).to_pylist()


def test_an_array_is_not_copied():
    array = pa.array(["Ada", None, "Müller"])
    viewed = view_column(array)
    assert viewed.data.ctypes.data == array.buffers()[2].address
    assert viewed[1:].data is viewed.data


@pytest.mark.parametrize(
    "values",
    [
        ["Ada"],
        "Ada",
        None,
        np.array(["Ada"]),
        pa.array([1, 2]),
        pa.array([b"Ada"]),
        pa.array(["Ada"]).dictionary_encode(),
        pa.scalar("Ada"),
        pa.table({"name": ["Ada"]}),
    ],
    ids=lambda values: type(values).__name__,
)
def test_other_values_are_left_to_lists(values):
    assert view_column(values) is None


def test_bytes_where_a_string_is_missing_are_not_read():
    offsets, data = np.array([0, 3, 6], np.int32), np.frombuffer(b"AdaBob", np.uint8)
    buffers = [pa.py_buffer(b"\x02"), pa.py_buffer(offsets), pa.py_buffer(data)]
    array = pa.StringArray.from_buffers(2, buffers[1], buffers[2], buffers[0])
    assert array.to_pylist() == [None, "Bob"] and view_column(array) is None


def test_a_column_is_cut_into_adjacent_strings_alone():
    column = TextColumn(np.zeros(0, np.uint8), np.zeros(3, np.int64), np.zeros(2, np.bool_))
    with pytest.raises(ValueError, match="adjacent"):
        column[::2]
    with pytest.raises(IndexError):
        column[2]


ANY_STRINGS = st.lists(st.none() | st.text(max_size=5), max_size=9)  # halves of surrogate pairs included


@given(strings=ANY_STRINGS, start=st.integers(0, 4))
def test_packed_strings_are_those_of_the_list(strings, start):
    column = TextColumn.pack(strings)
    assert list(column) == strings and [column[place] for place in range(len(column))] == strings
    assert list(column[start:]) == strings[start:] and TextColumn.pack(column) is column


@given(strings=STRINGS.filter(len), places=st.lists(st.integers(0, 8), max_size=9), start=st.integers(0, 3))
def test_strings_are_taken_and_joined_as_those_of_a_list(strings, places, start):
    column = TextColumn.pack(["x", "é"] * start + strings)[2 * start :]
    places = np.array([place % len(strings) for place in places], np.int64)
    expected = [strings[place] for place in places]
    assert list(column.take(places)) == expected
    counts = np.array([len(places) // 2, 0, len(places) - len(places) // 2])
    first, second = (expected[: counts[0]], expected[counts[0] :])
    joined = ["".join(text or "" for text in part) if part else None for part in (first, [], second)]
    assert list(column.take(places).join(counts)) == joined


@given(strings=STRINGS, start=st.integers(0, 4))
def test_text_becomes_an_array_of_the_same_strings(strings, start):
    array = TextColumn.pack(strings)[start:].to_arrow()
    array.validate(full=True)
    assert array.type == pa.string() and array.to_pylist() == strings[start:]


@given(codes=st.lists(st.integers(-1, 2), max_size=9), kind=st.sampled_from([np.int8, np.int32, np.int64]))
def test_codes_behave_as_the_strings_and_become_a_dictionary(codes, kind):
    texts = ("a", "é; b", "")
    column, expected = CodedColumn(texts, np.array(codes, kind)), [None if code < 0 else texts[code] for code in codes]
    assert list(column) == expected == [column[place] for place in range(len(column))]
    assert list(column[1:]) == expected[1:] and column.replace([1, 2, 3], 0) == [code + 1 for code in codes]
    array = column.to_arrow()
    array.validate(full=True)
    assert array.to_pylist() == array.cast(pa.string()).to_pylist() == expected


@given(numbers=st.lists(st.none() | st.floats(allow_nan=False), max_size=9))
def test_numbers_behave_as_a_list_and_become_an_array(numbers):
    values = np.array([np.nan if number is None else number for number in numbers], np.float64)
    column = NumberColumn(np.stack([values, values], axis=1)[:, 1])
    assert list(column) == numbers == [column[place] for place in range(len(column))]
    assert list(column[1:]) == numbers[1:]
    assert column.to_arrow().to_pylist() == numbers and column.to_arrow().type == pa.float64()


def test_a_missing_package_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"a column of Arrow needs .* pyarrow: pip install 'elman\[tables\]'"):
        TextColumn.pack(["Ada"]).to_arrow()
