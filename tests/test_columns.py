"""Columns of Arrow are read as lists of the same strings, whatever their type, their slices and their chunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.columns import TextColumn, view_column

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
