"""Scripts: letters are told apart by writing system, and other letters than Latin ones get a Latin spelling."""

import pytest
from anyascii import anyascii
from hypothesis import given
from hypothesis import strategies as st

from elman.text import scripts
from elman.text.normalisation import Normalisation, compose
from elman.text.scripts import has_letter, is_foreign, script_of, script_of_character, transliterate

ANY_TEXT = st.text(st.characters(), max_size=30)  # surrogates included


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("Иванов", "Cyrillic"),
        ("김", "Hangul"),
        ("王", "Han"),
        ("Γιώργος", "Greek"),
        ("カトウ", "Katakana"),
        ("محفوظ", "Arabic"),
        ("Łukasz", "Latin"),
        ("Ivanov", "Latin"),
    ],
)
def test_the_script_of_a_name_is_found(name, script):
    assert script_of(name) == script


def test_the_script_is_that_of_most_letters():
    assert script_of("Нakamura") == "Latin"  # the first letter is a Cyrillic Н
    assert script_of("Иванов II") == "Cyrillic"
    assert script_of("々") == "Han"  # the mark that repeats an ideograph, as in 佐々木


def test_compatibility_forms_have_the_script_of_what_they_compose_to():
    assert script_of(compose("ｱｲｳ")) == script_of("アイウ") == "Katakana"
    assert script_of(compose("Ｍｕｒａｔａ")) == "Latin"


@pytest.mark.parametrize("text", ["", "42", "--", "１２", "\ud800", "☃", "\u0301"])
def test_without_a_letter_there_is_no_script(text):
    assert script_of(text) == "None"
    assert not has_letter(text)


@given(ANY_TEXT)
def test_a_script_is_named_exactly_if_a_letter_remains(text):
    assert (script_of(compose(text)) != "None") == has_letter(Normalisation(False, False).apply(text))


@pytest.mark.parametrize("name", ["Müller", "O'Hara", "Łukasz", "ẖ\u0331", "42", ""])
def test_latin_letters_with_any_accent_are_not_foreign(name):
    assert not is_foreign(name)
    assert transliterate(name) == name


@given(ANY_TEXT)
def test_only_foreign_text_is_changed_by_transliteration(text):
    assert is_foreign(text) or transliterate(text) == text


def test_of_two_scripts_with_as_many_letters_the_first_counts():
    assert [script_of("яa"), script_of("aя"), script_of("aяbж")] == ["Cyrillic", "Latin", "Latin"]


@given(ANY_TEXT)
def test_each_letter_is_spelled_by_itself(text):
    foreign = {c for c in text if is_foreign(c)}
    assert transliterate(text) == "".join(anyascii(c) if c in foreign else c for c in text)


def test_spellings_in_memory_are_bounded(monkeypatch):
    monkeypatch.setattr(scripts, "CACHED", 3)
    monkeypatch.setattr(scripts, "_LATIN", type(scripts._LATIN)())
    assert transliterate("абвгдабвгд") == "abvgdabvgd"
    assert len(scripts._LATIN) <= 3


def test_a_character_without_a_name_has_an_unnamed_script():
    assert script_of_character("\ue000") == "Unnamed"


def test_rare_letters_do_not_keep_later_ones_out_of_memory(monkeypatch):
    monkeypatch.setattr(scripts, "CACHED", 100)
    monkeypatch.setattr(scripts, "_LATIN", spellings := scripts._LatinSpellings())
    transliterate("".join(map(chr, range(0x4E00, 0x4E00 + 150))))
    assert transliterate("Иванов") == "Ivanov"
    assert ord("И") in spellings and len(spellings) <= 100
