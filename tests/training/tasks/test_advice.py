"""Advice: what the data say about settings, and labels that are several labels in one cell."""

from collections import Counter

import numpy as np
import pytest

from elman.data.examples import Reading
from elman.errors import DataError
from elman.records import Example
from elman.text.normalisation import Normalisation
from elman.training.tasks.advice import note_case, note_dropped, refuse_several_labels
from elman.training.tasks.strings import normalise_examples


def reading_of(pairs, **changes):
    examples = tuple(Example(text, label) for text, label in pairs)
    return Reading(examples, **{"lines": len(examples), "dropped": {}, "repaired": {}, **changes})


def labelled(*labels):
    return Counter(labels)


@pytest.mark.parametrize("several", ["a;b", "b; a", "a|b", "a,c", "a/b", "a;b;c"])
def test_a_label_of_several_labels_is_refused_with_what_to_do(several):
    with pytest.raises(DataError, match="several labels in one cell, as in 2 of the rows") as refused:
        refuse_several_labels(labelled("a", "b", "c", several, several))
    assert repr(several) in str(refused.value) and "write a row for each label" in str(refused.value)


@pytest.mark.parametrize("own", ["a;d", "R&B; soul", "a;", ";", "and/or", "a b"])
def test_a_label_whose_parts_are_not_all_labels_is_a_label(own):
    refuse_several_labels(labelled("a", "b", "c", own))


STEMS = ["".join(np.random.default_rng(k).choice(list("abcdefgh"), 5)) for k in range(120)]


STYLES = [(stem.title(), "class") if place % 2 else (stem, "name") for place, stem in enumerate(STEMS)]


def test_case_is_noted_if_it_tells_labels_apart():
    pairs = [
        (stem.title() if place % 2 else stem, "class" if place % 2 else "name") for place, stem in enumerate(STEMS)
    ]
    reading = reading_of(pairs)
    training, _ = normalise_examples(reading, Normalisation())
    (note,) = note_case(reading, training, Normalisation())
    assert "--keep-case" in note
    assert note_case(reading, training, Normalisation(lower_case=False)) == ()


def test_case_that_says_nothing_is_not_noted():
    draw = np.random.default_rng(0)
    pairs = [(stem.title() if draw.random() < 0.5 else stem, draw.choice(["class", "name"])) for stem in STEMS * 3]
    reading = reading_of(pairs)
    training, _ = normalise_examples(reading, Normalisation())
    assert note_case(reading, training, Normalisation()) == ()


def test_case_is_measured_on_the_training_part_alone():
    pairs = [
        (stem.title() if place % 2 else stem, "class" if place % 2 else "name") for place, stem in enumerate(STEMS)
    ]
    assert note_case(reading_of(pairs), [Example("other", "name")], Normalisation()) == ()


def test_a_limit_that_drops_much_is_noted():
    reading = reading_of([("abc", "a")], lines=100, dropped={"too long": 3})
    (note,) = note_dropped(reading, 20)
    assert note.startswith("3 of 100 strings have more than 20 characters") and "--max-characters" in note
    assert note_dropped(reading_of([("abc", "a")], lines=1000, dropped={"too long": 3}), 20) == ()
