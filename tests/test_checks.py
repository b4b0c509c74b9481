"""Checks refuse in one way, missing values are known by one rule, and what messages show is escaped."""

import math

import numpy as np
import pyarrow as pa
import pytest

from elman.checks import check_whole, is_missing, shown, suggest
from elman.errors import SettingError


@pytest.mark.parametrize(
    "value", [None, math.nan, np.float32("nan"), np.datetime64("NaT"), pa.scalar(None), pa.scalar(None, pa.string())]
)
def test_these_are_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", ["", "nan", "None", "NA", b"", 0, 0.0, False, [], np.array([1, 2]), pa.scalar("a")])
def test_these_are_not_missing(value):
    assert not is_missing(value)


def test_what_pandas_calls_missing_is_missing():
    pandas = pytest.importorskip("pandas")
    assert is_missing(pandas.NA) and is_missing(pandas.NaT) and not is_missing(pandas.Timestamp(0))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Müller 中村", "Müller 中村"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("nul\0", r"nul\x00"),
        ("right\u202eleft\u200b", r"right\u202eleft\u200b"),
        ("\ud800", r"\ud800"),
        ("a" * 61, "a" * 59 + "…"),
    ],
)
def test_what_does_not_print_is_escaped_and_long_texts_are_cut(text, escaped):
    assert shown(text) == escaped


@pytest.mark.parametrize("word", ["Full Name", "full name", "FULLNAME", "full_nam"])
def test_the_choice_most_like_a_word_is_suggested(word):
    assert suggest(word, ["name", "Full Name", "label"]) == "; did you mean 'Full Name'?"


@pytest.mark.parametrize("word", ["", "surname of", "Ω"])
def test_a_word_like_no_choice_gets_no_suggestion(word):
    assert suggest(word, ["Full Name", "label"]) == suggest(word, []) == ""


def test_a_suggestion_is_escaped():
    assert suggest("abcd", ["abc\x1bd"]) == r"; did you mean 'abc\x1bd'?"


@pytest.mark.parametrize("value", [0, 11, True, 1.0, "1", None])
def test_a_number_outside_its_range_is_refused(value):
    with pytest.raises(SettingError, match="shift must be a whole number of pixels from 1 to 10; got"):
        check_whole("shift", value, 1, most=10, unit="pixels")
