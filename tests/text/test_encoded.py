"""Many encoded strings in two arrays behave as the list of their arrays."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from elman.text.encoded import EncodedStrings

LISTS = st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6)


def as_lists(strings: EncodedStrings) -> list[list[int]]:
    return [ids.tolist() for ids in strings.split()]


@given(LISTS)
def test_gathered_strings_are_split_into_the_same_arrays(lists):
    strings = EncodedStrings.gather([np.array(ids, np.int64) for ids in lists])
    assert as_lists(strings) == lists
    assert len(strings) == len(lists)
    assert [strings[position].tolist() for position in range(len(strings))] == lists


@given(LISTS, st.data())
def test_strings_are_selected_in_the_order_of_the_rows(lists, data):
    rows = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=8)) if lists else []
    strings = EncodedStrings.gather([np.array(ids, np.int64) for ids in lists])
    assert as_lists(strings.select(np.array(rows, np.int64))) == [lists[row] for row in rows]


def test_strings_in_two_arrays_already_are_returned_unchanged():
    strings = EncodedStrings.gather([np.array([1, 2])])
    assert EncodedStrings.gather(strings) is strings
