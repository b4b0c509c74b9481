"""Strings that are no names: two parts that differ in their words and kinds."""

import pytest

from release.origins.nonnames import TEST_KINDS, make_nonnames, words_of
from release.origins.words import CITIES, COMPANY_FORMS, COMPANY_WORDS, MISSING, WORDS


def test_the_same_seed_makes_the_same_strings():
    assert make_nonnames(200, "test") == make_nonnames(200, "test")
    assert make_nonnames(200, "test") != make_nonnames(200, "test", seed=1)


def test_the_parts_share_no_string_but_keyboard_noise_by_chance():
    train, test = ({one.text.casefold() for one in make_nonnames(2000, part)} for part in ("train", "test"))
    assert len(train & test) <= 2


def test_some_kinds_are_in_the_test_part_alone():
    train, test = ({one.kind for one in make_nonnames(500, part)} for part in ("train", "test"))
    assert not train & set(TEST_KINDS)
    assert test == train | set(TEST_KINDS)


@pytest.mark.parametrize("words", [CITIES, COMPANY_FORMS, COMPANY_WORDS, MISSING, WORDS])
def test_a_list_is_split_between_the_parts(words):
    train, test = words_of(words, "train"), words_of(words, "test")
    assert sorted(train + test) == sorted(words)
    assert len(test) > len(words) / 6


def test_as_many_as_asked_and_none_twice():
    made = [one.text.casefold() for one in make_nonnames(3000, "train")]
    assert len(made) == len(set(made)) == 3000


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="expected train or test, found 'validation'"):
        make_nonnames(10, "validation")
