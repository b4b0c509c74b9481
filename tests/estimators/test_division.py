"""What is held out: a share of every label, no string in both parts, and at least one string of each label trains."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import SettingError
from elman.estimators.division import divide
from elman.records import Example


def part(examples, **changes):
    given = {"validation": None, "share": 0.1, "seed": 0, "by_label": True, **changes}
    return divide(examples, np.ones(len(examples)), **given)


def many(counts):
    return [Example(f"{label}{number}", label) for label, count in counts.items() for number in range(count)]


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 30), min_size=2),
    st.sampled_from([0.01, 0.05, 0.2, 0.5]),
    st.integers(0, 5),
    st.booleans(),
)
def test_every_label_trains_and_no_string_is_in_both_parts(counts, share, seed, by_label):
    examples = many(counts)
    if by_label and max(counts.values()) < 2:
        return
    split = part(examples, share=share, seed=seed, by_label=by_label).split
    assert len(split.train) + len(split.validation) == len(examples) and split.validation
    assert not {one.text for one in split.train} & {one.text for one in split.validation}
    if by_label:
        assert {one.label for one in split.train} == set(counts)


def test_each_label_gives_its_share():
    held = Counter(one.label for one in part(many({"a": 1000, "b": 200, "c": 40})).split.validation)
    assert held["a"] == pytest.approx(100, abs=1) and held["b"] == pytest.approx(20, abs=1)
    assert held["c"] == pytest.approx(4, abs=1)


def test_small_sets_hold_out_as_many_strings_as_there_are_labels():
    assert len(part(many({"a": 10, "b": 10, "c": 10}), share=0.01).split.validation) == 3
    assert len(part(many({"a": 2, "b": 2}), share=0.01).split.validation) == 1


def test_spellings_with_and_without_accents_are_in_one_part():
    examples = [Example(text + end, "a") for end in "bcdfghjk" for text in ("é", "e")] + many({"z": 8})
    for seed in range(5):
        split = part(examples, share=0.3, seed=seed).split
        assert not {one.text[-1] for one in split.train if one.label == "a"} & {
            one.text[-1] for one in split.validation if one.label == "a"
        }


def test_copies_count_each_and_share_their_mean_weight():
    examples = [Example("müll", "a"), Example("müll", "a"), Example("b", "b"), Example("c", "b")]
    division = divide(examples, np.array([1.0, 3.0, 1.0, 1.0]), validation=[], share=0.1, seed=0, by_label=True)
    assert division.split.train == tuple(examples)
    assert division.importance["müll", "a"] == division.importance["mull", "a"] == 2 * division.importance["b", "b"]
    assert sum(division.importance[one.text, one.label] for one in examples) == pytest.approx(len(examples))
    assert part(examples).importance == {}


def test_another_seed_holds_out_others():
    examples = many({"a": 50, "b": 50})
    assert part(examples, seed=1).split.validation != part(examples).split.validation
    assert part(examples).split == part(examples).split


def test_without_a_share_what_trains_validates():
    split = part(many({"a": 5, "b": 5}), share=0.0).split
    assert split.kind == "none" and split.train == split.validation


def test_too_few_strings_are_refused_with_what_to_do():
    with pytest.raises(SettingError, match="too few different strings .*: 2, .*validation_fraction=0"):
        part(many({"a": 1, "b": 1}))
