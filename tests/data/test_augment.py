"""Augmentation adds spellings without accents, and takes nothing away."""

from hypothesis import given
from hypothesis import strategies as st

from elman.data.augment import with_folded_spellings
from elman.records import Example
from elman.text import fold_accents

some_examples = st.lists(
    st.builds(Example, st.text("aäâoøłß\u0301", min_size=1, max_size=3), st.sampled_from(["x", "y"]), st.integers(1, 2))
)


@given(some_examples)
def test_the_examples_stand_first_and_only_new_plain_spellings_follow(examples):
    result = with_folded_spellings(examples)
    added = result[len(examples) :]
    assert list(result[: len(examples)]) == examples
    assert len(set(added)) == len(added)
    for example in added:
        assert example.text == fold_accents(example.text) != ""
        assert (example.text, example.label) not in {(e.text, e.label) for e in examples}


@given(some_examples)
def test_every_accented_example_can_be_found_without_accents(examples):
    found = {(example.text, example.label) for example in with_folded_spellings(examples)}
    assert {(fold_accents(e.text), e.label) for e in examples if fold_accents(e.text)} <= found


def test_a_plain_spelling_keeps_its_label_and_count():
    assert with_folded_spellings([Example("müller", "German", 3)])[1:] == (Example("muller", "German", 3),)


def test_a_plain_spelling_that_is_there_already_is_not_added_again():
    examples = [Example("müller", "German"), Example("muller", "German"), Example("ito", "Japanese")]
    assert with_folded_spellings(examples) == tuple(examples)


def test_a_plain_spelling_under_another_label_does_not_count_as_there():
    added = with_folded_spellings([Example("müller", "German"), Example("muller", "English")])[2:]
    assert added == (Example("muller", "German"),)


def test_nothing_comes_of_nothing():
    assert with_folded_spellings([]) == ()
    assert with_folded_spellings([Example("\u0301", "x")]) == (Example("\u0301", "x"),)
