"""Splits: every example is in one part, no string is in two, and the tutorials' split is that of scikit-learn."""

import random
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from elman.checks import count_of
from elman.data.splits import (
    BY_HEART,
    GROUPED,
    PARTS,
    STRATIFIED,
    STRING_SPLITS,
    Split,
    ceiling,
    fold_texts,
    split_examples,
)
from elman.errors import DataError, SettingError
from elman.records import Example
from elman.text.normalisation import fold_accents

few_texts = st.text("aeéèöøłl", min_size=1, max_size=3)
examples_of_few_texts = st.lists(
    st.builds(Example, few_texts, st.sampled_from(["Dutch", "Greek", "Irish"]), st.integers(1, 3)),
    min_size=25,
    max_size=60,
)


def split_or_skip(examples, **how):
    """Split, or skip a generated case that is too small for the shares."""
    try:
        return split_examples(examples, **how)
    except DataError:
        assume(False)


def make(**counts) -> list[Example]:
    """Return different strings for each label, in an order that mixes the labels."""
    examples = [Example(f"{label.lower()} {k}", label) for label, count in counts.items() for k in range(count)]
    random.Random(0).shuffle(examples)
    return examples


@given(examples_of_few_texts, st.integers(0, 5))
def test_no_string_is_in_two_grouped_parts_with_or_without_its_accents(examples, seed):
    split = split_or_skip(examples, seed=seed, test_share=0.3, validation_share=0.3)
    for fold in (str, fold_accents):
        strings = [{fold(example.text) for example in split.part(name)} for name in PARTS]
        assert not (strings[0] & strings[1] or strings[0] & strings[2] or strings[1] & strings[2])


@pytest.mark.parametrize("spellings", [("müller", "muller"), ("ødegård", "odegard"), ("ǿ", "ø", "o"), ("ß", "ss")])
def test_all_spellings_of_one_string_stay_together(spellings):
    for seed in range(10):
        split = split_examples(make(Dutch=20, Greek=20) + [Example(text, "Dutch") for text in spellings], seed=seed)
        assert {len({e.text for e in split.part(name)} & set(spellings)) for name in PARTS} == {0, len(spellings)}


@given(examples_of_few_texts, st.integers(0, 5))
def test_a_grouped_split_counts_every_copy_of_every_labelled_string(examples, seed):
    split = split_or_skip(examples, seed=seed, test_share=0.3, validation_share=0.3)
    copies, kept = Counter(), Counter()
    for example in examples:
        copies[example.text, example.label] += example.count
    for example in split.part("all"):
        assert (example.text, example.label) not in kept
        kept[example.text, example.label] = example.count
    assert kept == copies


@given(st.integers(0, 99), st.sampled_from([0.1, 0.25, 0.4]))
def test_a_stratified_split_puts_every_line_in_one_part(seed, share):
    examples = make(Dutch=20, Greek=15, Irish=12) * 2  # copies are lines of their own
    split = split_examples(examples, "stratified", seed=seed, test_share=share, validation_share=share)
    assert Counter(split.part("all")) == Counter(examples)
    assert all(split.part(name) for name in PARTS)


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("test_share", [0.1, 0.2])
def test_the_stratified_test_part_is_that_of_scikit_learn(seed, test_share):
    examples = make(Dutch=40, Greek=25, Irish=10)
    _, expected = train_test_split(
        examples, test_size=test_share, random_state=seed, stratify=[example.label for example in examples]
    )
    assert sorted(split_examples(examples, "stratified", seed=seed, test_share=test_share).test, key=str) == sorted(
        expected, key=str
    )


@pytest.mark.parametrize("kind", ["grouped", "stratified"])
@pytest.mark.parametrize("label", ["Dutch", "Greek"])
def test_every_label_has_its_share_in_every_part(kind, label):
    counts = {"Dutch": 200, "Greek": 100}
    split = split_examples(make(**counts), kind, test_share=0.1, validation_share=0.2)
    for name, share in {"train": 0.7, "validation": 0.2, "test": 0.1}.items():
        found = sum(example.label == label for example in split.part(name))
        assert found == pytest.approx(share * counts[label], abs=1)  # scikit-learn rounds a part up


@pytest.mark.parametrize("kind", ["grouped", "stratified"])
def test_a_seed_draws_the_same_split_again_and_another_seed_another(kind):
    examples = make(Dutch=40, Greek=40)
    one, again, other = (split_examples(examples, kind, seed=seed) for seed in (1, 1, 2))
    assert one == again and one.fingerprint == again.fingerprint
    assert one.fingerprint != other.fingerprint


def test_a_fingerprint_depends_on_the_parts_but_not_on_the_order():
    a, b, c = Example("a", "x"), Example("b", "y"), Example("c", "x", 2)
    split = Split((a, b), (c,), (), "grouped", 0)
    assert split.fingerprint == Split((b, a), (c,), (), "stratified", 7).fingerprint
    others = [Split((a,), (b, c), (), "grouped", 0), Split((a, b), (Example("c", "x"),), (), "grouped", 0)]
    assert len({split.fingerprint, *(other.fingerprint for other in others)}) == 3


def test_a_string_with_several_labels_is_in_one_part_with_all_of_them():
    shared = [Example("lee", "Dutch"), Example("léé", "Greek"), Example("lee", "Greek")]
    for seed in range(5):
        split = split_examples(make(Dutch=20, Greek=20) + shared, seed=seed)
        holding = [name for name in PARTS if {e.text for e in split.part(name)} & {"lee", "léé"}]
        assert len(holding) == 1
        assert set(shared) <= set(split.part(holding[0]))


@pytest.mark.parametrize("kind", [GROUPED, STRATIFIED])
def test_labels_too_rare_for_three_parts_are_in_the_training_part_alone_and_noted(kind):
    split = split_examples(make(Dutch=20, Greek=20, Irish=2, Arabic=1), kind)
    assert split.notes == ("2 labels have too few examples to be in every part: Arabic, Irish",)
    assert split.incomplete == {"Arabic": ("validation", "test"), "Irish": ("validation", "test")}
    assert {e.label for e in (*split.validation, *split.test)} == {"Dutch", "Greek"}
    assert Counter(e.label for e in split.train)["Irish"] == 2


def test_one_label_that_is_too_rare_has_a_note_of_its_own():
    (note,) = split_examples(make(Dutch=20, Greek=20, Irish=2)).notes
    assert note == "Irish: too few examples to split; none of them is in the validation or test part"


def test_many_labels_that_are_too_rare_are_one_line():
    rare = {f"label {k:03}": 2 for k in range(150)}
    split = split_examples(make(Dutch=40, Greek=40, **rare))
    assert split.notes == (
        "150 labels have too few examples to be in every part: label 000, label 001, label 002 and 147 others, which "
        "the report lists",
    )
    assert len(split.incomplete) == 150


@pytest.mark.parametrize("counts", [{"Dutch": 3, "Greek": 3}, {f"label {k}": 5 for k in range(10)}, {"a": 900, "b": 3}])
@pytest.mark.parametrize("share", [0.001, 0.998])
def test_the_shares_that_are_said_to_be_large_enough_are(counts, share):
    with pytest.raises(DataError, match="or --test-share") as error:
        split_examples(make(**counts), test_share=share, validation_share=0.001)
    test, validation = map(float, re.findall(r"-share ([.\d]+)", str(error.value)))
    assert all(split_examples(make(**counts), test_share=test, validation_share=validation).sizes.values())


def test_many_copies_of_one_string_are_too_few_for_a_grouped_split():
    copies = [Example("nader", "Arabic")] * 50
    assert split_examples(make(Dutch=20, Greek=20) + copies).notes
    assert not split_examples(make(Dutch=20, Greek=20) + copies, "stratified").notes


def test_a_label_that_shares_its_strings_and_is_missing_in_a_part_is_noted():
    irish = [Example(text, "Irish") for text in ("i1", "i2")]
    shared = [Example("i3", "Irish"), Example("i3", "Dutch"), Example("i3", "Dutch")]
    assert any(note.startswith("Irish") for note in split_examples(make(Dutch=20, Greek=20) + irish + shared).notes)


def test_common_labels_leave_no_note():
    assert split_examples(make(Dutch=20, Greek=20)).notes == ()


def test_all_is_the_three_parts_and_an_unknown_part_is_refused():
    split = split_examples(make(Dutch=20, Greek=20))
    assert split.part("all") == split.train + split.validation + split.test
    with pytest.raises(SettingError, match="one of train, validation, test or all; got 'dev'"):
        split.part("dev")


@pytest.mark.parametrize("kind", ["random", "given", ""])
def test_a_kind_of_split_that_strings_do_not_have_is_refused(kind):
    with pytest.raises(SettingError, match=f"split must be one of grouped, stratified, hashed, none; got '{kind}'"):
        split_examples(make(Dutch=20, Greek=20), kind)


@pytest.mark.parametrize("kind", STRING_SPLITS)
def test_sizes_count_the_examples_of_each_part(kind):
    split = split_examples(make(Dutch=20, Greek=20), kind)
    assert split.kind == kind
    assert split.sizes == {name: len(split.part(name)) for name in ("train", "validation", "test")}


# Accents


def test_texts_are_folded_once_each_and_ascii_ones_not_at_all(monkeypatch):
    folded = []
    monkeypatch.setattr("elman.data.splits.fold_accents", lambda text: folded.append(text) or fold_accents(text))
    examples = [Example(text, label) for text in ("müller", "ito", "ødegård") for label in ("Dutch", "Greek")] * 3
    assert fold_texts(examples) == {"müller": "muller", "ito": "ito", "ødegård": "odegard"}
    assert folded == ["müller", "ødegård"]


@given(st.lists(st.builds(Example, st.text(max_size=4), st.just("Dutch"))))
def test_folds_are_the_texts_without_accents(examples):
    assert fold_texts(examples) == {example.text: fold_accents(example.text) for example in examples}


def test_known_folds_give_the_same_split_and_are_not_computed_again(monkeypatch):
    examples = [*make(Dutch=20, Greek=20), Example("müller", "Dutch"), Example("muller", "Dutch")]
    expected, folds = split_examples(examples), fold_texts(examples)
    monkeypatch.setattr("elman.data.splits.fold_accents", None)
    assert split_examples(examples, folds=folds) == expected


@pytest.mark.parametrize("shares", [(0, 0.1), (0.1, 0), (0.5, 0.5), (-0.1, 0.1), (0.1, 1.0)])
def test_shares_that_leave_no_three_parts_are_refused(shares):
    with pytest.raises(SettingError, match="above 0 and together below 1"):
        split_examples(make(Dutch=20, Greek=20), test_share=shares[0], validation_share=shares[1])


@pytest.mark.parametrize(
    ("counts", "complaint"),
    [
        ({}, "at least two labels with 3 or more examples; found 0"),
        ({"Dutch": 20}, "found 1"),
        ({"Dutch": 20, "Greek": 2}, "found 1"),
        ({"Dutch": 3, "Greek": 3}, "too few examples to split: the smallest part would hold 0 of 6"),
    ],
)
def test_too_few_examples_are_refused(counts, complaint):
    with pytest.raises(DataError, match=complaint):
        split_examples(make(**counts))


def test_the_ceiling_is_the_best_accuracy_from_the_text_alone():
    # "lee" three times, twice English: 2 of its 3 can be right; "ito" always: (2 + 1) / 4
    examples = [Example("lee", label) for label in ("English", "English", "Chinese")] + [Example("ito", "Japanese")]
    assert ceiling(examples) == 3 / 4
    assert ceiling(make(Dutch=5, Greek=5)) == 1.0


@given(examples_of_few_texts)
def test_no_classifier_of_the_text_alone_exceeds_the_ceiling(examples):
    answers = np.random.default_rng(0)
    guess = {e.text: answers.choice(["Dutch", "Greek", "Irish"]) for e in examples}
    best = {e.text: Counter(o.label for o in examples if o.text == e.text).most_common(1)[0][0] for e in examples}
    reached = [np.mean([by[e.text] == e.label for e in examples]) for by in (guess, best)]
    assert reached[0] <= ceiling(examples) == pytest.approx(reached[1])


# Nothing kept back


def test_nothing_kept_back_puts_every_example_in_every_part_and_says_so():
    examples = [Example("hello", "ohlol"), Example("a", "b"), Example("a", "b")]
    split = split_examples(examples, "none", seed=3)
    assert split.train == split.validation == split.test == tuple(examples)
    assert (split.kind, split.notes) == ("none", (BY_HEART,))


@pytest.mark.parametrize("by_label", [True, False])
def test_a_single_example_is_enough_if_nothing_is_kept_back(by_label):
    assert split_examples([Example("hello", "ohlol")], "none", by_label=by_label).test == (Example("hello", "ohlol"),)


# Labels that are tags or numbers


def make_tagged(count):
    """Return different strings, each with its own label."""
    return [Example(f"{k:04d}", f"{k * 7 % 1000:04d}") for k in range(count)]


@given(examples_of_few_texts, st.integers(0, 5))
def test_no_string_is_in_two_parts_whatever_its_label(examples, seed):
    split = split_or_skip(examples, seed=seed, test_share=0.3, validation_share=0.3, by_label=False)
    strings = [{fold_accents(example.text) for example in split.part(name)} for name in PARTS]
    assert not (strings[0] & strings[1] or strings[0] & strings[2] or strings[1] & strings[2])
    assert sum(e.count for e in split.part("all")) == sum(e.count for e in examples)
    assert {(e.text, e.label) for e in split.part("all")} == {(e.text, e.label) for e in examples}


@pytest.mark.parametrize("kind", [GROUPED, STRATIFIED])
@pytest.mark.parametrize(("test_share", "validation_share"), [(0.1, 0.05), (0.25, 0.5)])
def test_every_part_has_its_share_whatever_the_labels(kind, test_share, validation_share):
    how = {"test_share": test_share, "validation_share": validation_share, "by_label": False}
    split = split_examples(make_tagged(200), kind, **how)
    assert (len(split.test), len(split.validation)) == (200 * test_share, 200 * validation_share)
    assert sorted(split.part("all"), key=str) == make_tagged(200)
    assert (split.kind, split.notes) == (kind, ())


@pytest.mark.parametrize("kind", [GROUPED, STRATIFIED])
def test_a_seed_draws_the_same_split_again_whatever_the_labels(kind):
    one, again, other = (split_examples(make_tagged(60), kind, seed=seed, by_label=False) for seed in (1, 1, 2))
    assert one == again and one.fingerprint == again.fingerprint
    assert one.fingerprint != other.fingerprint


def test_parts_are_drawn_from_all_examples_and_not_from_the_first_ones():
    held = split_examples(make_tagged(200), test_share=0.25, validation_share=0.25, by_label=False).test
    assert min(held, key=str).text < "0050" and max(held, key=str).text > "0150"


@pytest.mark.parametrize(
    ("examples", "shares"),
    [([], (0.1, 0.05)), (make_tagged(1), (0.4, 0.4)), (make_tagged(9), (0.1, 0.05)), (make_tagged(2) * 50, (0.3, 0.3))],
)
def test_too_few_different_strings_are_refused_whatever_the_labels(examples, shares):
    different = count_of(len(set(examples)), "different string")
    with pytest.raises(DataError, match=f"too few examples to split: {different}; .* --split none"):
        split_examples(examples, test_share=shares[0], validation_share=shares[1], by_label=False)


@pytest.mark.parametrize("count", [3, 4, 9])
def test_the_shares_of_a_split_without_labels_that_are_said_to_be_large_enough_are(count):
    with pytest.raises(DataError, match="give more, --test-share") as error:
        split_examples(make_tagged(count), test_share=0.02, validation_share=0.02, by_label=False)
    test, validation = map(float, re.findall(r"-share ([.\d]+)", str(error.value)))
    split = split_examples(make_tagged(count), test_share=test, validation_share=validation, by_label=False)
    assert all(split.sizes.values())
