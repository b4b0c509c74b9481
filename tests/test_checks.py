"""Checks refuse in one way, missing values are known by one rule, and what messages show is escaped."""

import ast
import math
import re
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import elman
from elman.checks import check_whole, escape_invisible, find_similar, is_missing, shown, suggest
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


# Default_Ignorable_Code_Point of Unicode 15, from DerivedCoreProperties.txt: what no font shows.
IGNORABLE = """00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0
FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF"""
CHARACTERS = [*map(chr, range(sys.maxunicode + 1))]


def ignorable():
    for bounds in IGNORABLE.split():
        first, _, last = bounds.partition("-")
        yield from map(chr, range(int(first, 16), int(last or first, 16) + 1))


def named_invisible():
    """Return the characters whose names say that they show nothing; a filler that is punctuation is a line."""
    words = ("FILLER", "VARIATION SELECTOR", "INVISIBLE", "ZERO WIDTH", "PATTERN BLANK", "GRAPHEME JOINER")
    found = [one for one in CHARACTERS if any(word in unicodedata.name(one, "") for word in words)]
    return [one for one in found if not unicodedata.category(one).startswith("P")]


@pytest.mark.parametrize("around", ["", "a", "中", "\N{ARABIC LETTER DAL}", "🙂"])
def test_every_character_that_no_font_shows_is_escaped(around):
    invisible = [*ignorable(), *named_invisible(), *"\u2800\U00013441\U00013442\U0001d159"]
    kept = [f"{ord(one):04X}" for one in invisible if shown(around + one + around) == around + one + around]
    assert kept == [] and len(invisible) > 4000


def test_texts_that_differ_are_never_shown_alike():
    texts = [one for one in CHARACTERS if one != "\\"]
    assert len({escape_invisible(one) for one in texts}) == len(texts)


def test_characters_that_show_something_are_not_escaped():
    invisible = {*ignorable(), *named_invisible(), *"\u2800\U00013441\U00013442\U0001d159"}
    visible = [one for one in CHARACTERS if one.isprintable() and one not in invisible]
    assert [one for one in visible if escape_invisible(one) != one] == []


ORDINARY = {
    "Persian": "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",  # a non-joiner keeps the parts of the name apart
    "Sinhala": "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # a joiner makes one letter of two
    "Bengali": "\u09b0\u200d\u09cd\u09af\u09be\u09ac",
    "Malayalam": "\u0d05\u0d30\u0d41\u0d23\u0d4d\u200d",
    "Hindi": "\u0930\u093e\u091c\u094d\u200c",
    "Arabic marks": "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f",
    "marks": "n\u0303 x\u0331\u0302",
    "emoji": "🙂 👍🏽 🇯🇵",
}


@pytest.mark.parametrize("name", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_names_stay_readable(name):
    assert shown(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "Smi\u200cth",
        "Smi\u200dth",
        "\u062f\u200c\u062f",  # after a letter that never joins
        "\u06cc\u200c",  # at the end
        "\u06cc\u200d\u06cc",  # they join without it
        "\u06cc\u200c\u200c\u06cc",
        "\u0930\u094d\u200d\u200d\u0930",
    ],
)
def test_joiners_that_change_nothing_are_escaped(name):
    assert r"\u200" in shown(name)


@pytest.mark.parametrize("word", ["Full Name", "full name", "FULLNAME", "full_nam", "Full-Nmae"])
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


# Counts in messages

ROOT = Path(elman.__file__).parent
QUANTITIES = (
    "batches|bytes|cells|characters|columns|epochs|examples|features|files|images|labels|layers|lines|mistakes|"
    "names|numbers|options|others|parameters|parts|pieces|pixels|processes|rows|scores|seconds|seeds|steps|strings|"
    "symbols|tags|tokens|words"
)
ALWAYS_SEVERAL = {
    "len(left)",  # pieces that two or more processes left
    "len(labels) - SHOWN",
    "rows",  # a picture of columns × rows
    "len(per_label)",  # more labels than a table shows
    "len(chosen)",  # as many labels as a picture shows
    "len(set(labels))",  # two or more, as was checked before
    "fit['available']",
    "available",
    "reading.lines",  # a share of them
    "max_characters",
    "columns",
    "self.shape[0]",  # a picture of columns × rows
    "next(iter(options))",  # names is a verb
    *("packed", "expected", "size", "most", "longest"),  # limits, and bytes of files
}
"""What is never 1 where a message counts it; constants in capitals are limits."""


def test_a_count_in_a_message_fits_its_noun():
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {{{ast.unparse(value.value)}}}{text.value[:20]}"
        for path in sorted(ROOT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.JoinedStr)
        for value, text in pairwise(node.values)
        if isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant)
        if re.match(rf" (different |training |other )?({QUANTITIES})\b", text.value)
        if not (ast.unparse(value.value).isupper() or ast.unparse(value.value) in ALWAYS_SEVERAL)
    ]
    assert not wrong, "\n".join(wrong)  # write them with count_of


def test_separators_and_case_are_no_difference():
    assert find_similar("--batch_size", ["--hidden-size", "--batch-size"]) == "--batch-size"
    assert find_similar("given name", ["Given_Name", "given names"]) == "Given_Name"


def test_at_most_a_thousand_choices_are_compared():
    many = [f"{number:04}" for number in range(2000)]
    assert find_similar("abcde", [*many, "abcdf"]) is None and find_similar("abcde", ["abcdf", *many]) == "abcdf"
