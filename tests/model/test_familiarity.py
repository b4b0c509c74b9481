"""Familiarity: what measures how much a string is like those that a model learned from, and its place in the file."""

import base64
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest

from elman.errors import DamagedModelError, DataError
from elman.model.familiarity import MOST_SLOTS, Familiarity, count_ngrams, measure_logits
from elman.model.file import dump_artifact, load_artifact, parse_artifact
from elman.scoring.probabilities import softmax
from elman.text.encoded import EncodedStrings

LEARNED = [np.array(ids) for ids in ([1, 2, 3], [1, 2, 3, 1], [1, 2])] * 20


def make(**changes):
    counts, total = count_ngrams(EncodedStrings.gather(LEARNED), slots=1024)
    return Familiarity(**{"counts": counts, "total": total, "weights": (0, 0, 1, 0), "ranks": (-9, -3, -1), **changes})


def test_strings_like_those_learned_are_more_likely_and_their_ngrams_known():
    likelihood, known = make().measure_ngrams(EncodedStrings.gather([np.array(one) for one in ([1, 2, 3], [3, 3, 2])]))
    assert likelihood[0] > likelihood[1] + 1
    assert (known[0], known[1]) == (1.0, 0.0)


def test_the_likelihood_is_that_of_the_longest_known_ngrams():
    likelihood, _ = make(total=300).measure_ngrams(EncodedStrings.gather([np.array([1, 2, 3])]))
    # the start: 1 in all 60 strings, 2 in all, 3 in 40 of 60, and then the end in 20 of those 40; orders 2, 3, 4, 4
    expected = 2 * np.log(1) + np.log(40 / 60) + np.log(20 / 40) - 0.916 * (2 + 1)
    assert likelihood[0] * 4 == pytest.approx(expected, abs=0.2)


def test_the_measures_of_a_string_do_not_depend_on_the_others():
    strings = [np.array(one) for one in ([1], [3, 3, 2], [1, 2, 3, 1, 2])]
    together = np.stack(make().measure_ngrams(EncodedStrings.gather(strings)), axis=1)
    for row, one in zip(together, strings, strict=True):
        assert row == pytest.approx(np.stack(make().measure_ngrams(EncodedStrings.gather([one])), axis=1)[0])


def test_confidence_and_energy_are_those_of_the_sources():
    logits = np.random.default_rng(0).normal(size=(5, 4)) * 3
    confidence, energy = measure_logits(logits, 2.0)
    best = softmax(logits, 2.0).max(axis=1)
    assert confidence == pytest.approx(np.log(best / (1 - best)))
    assert energy == pytest.approx(np.log(np.exp(logits / 2).sum(axis=1)))


def test_familiarity_is_the_share_of_known_names_that_are_less_familiar():
    measures, strings = np.array([[0, 0, score, 0] for score in (-20, -9, -3, -2, 0)]), [np.array([1])] * 5
    assert make().rank(measures, EncodedStrings.gather(strings)).tolist() == [0, 0, 0.5, 0.75, 1]


def test_a_script_has_ranks_of_its_own():
    familiarity = make(groups=(0, 0, 1, 0), ranks_of_groups=((-19.0, -9.0),))
    strings = EncodedStrings.gather([np.array(ids) for ids in ([1, 3], [1, 2], [2])])
    assert familiarity.find_groups(strings).tolist() == [0, 1, 1]
    assert familiarity.rank(np.array([[0, 0, -9, 0]] * 3), strings).tolist() == [0, 1, 1]
    assert Familiarity.from_dict(json.loads(json.dumps(familiarity.to_dict()))) == familiarity


def test_familiarity_is_read_back_from_the_model_file(tiny_artifact):
    measured = replace(tiny_artifact, familiarity=make(noun="names"))
    assert parse_artifact(dump_artifact(measured), "model").familiarity == make(noun="names")
    assert make(noun="names") != make()


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": np.zeros(3, np.uint8)},
        {"counts": np.zeros(0, np.uint8)},
        {"counts": np.zeros(2 * MOST_SLOTS, np.uint8)},
        {"counts": np.zeros(4, np.int64)},
        {"total": 0},
        {"weights": (1, 2)},
        {"weights": (1, 2, 3, float("nan"))},
        {"ranks": (1,)},
        {"groups": (0, 1)},
        {"groups": (0, True), "ranks_of_groups": ((0, 1),)},
        {"groups": (0, 1), "ranks_of_groups": ((1, 0),)},
        {"groups": (0, 1), "ranks_of_groups": ((1, 2),) * 33},
        {"ranks": (2, 1)},
        {"threshold": 2},
        {"noun": ""},
        {"noun": "a\x1b"},
    ],
)
def test_values_out_of_range_are_refused(changes):
    with pytest.raises(DataError, match="familiarity"):
        make(**changes)


@pytest.mark.parametrize(
    "change",
    [
        {"counts": "not packed \\"},
        {"counts": base64.b64encode(zlib.compress(bytes(2**24))).decode()},
        {"counts": 3},
        {"slots": 512},
        {"weights": "abcd"},
        {"ranks": [None, 1]},
        {"total": 1.5},
        {"noun": 3},
    ],
)
def test_a_file_with_an_invalid_measure_is_damaged(forge, change):
    values = {**json.loads(json.dumps(make().to_dict())), **change}
    with pytest.raises(DamagedModelError):
        load_artifact(forge(lambda document, tensors: document.update(familiarity=values)))


@pytest.mark.parametrize("placeholders", ["abc", [3], ["a"] * 101, ["a" * 1001], {"a": 1}])
def test_a_file_with_invalid_placeholders_is_damaged_or_harmless(forge, placeholders):
    path = forge(lambda document, tensors: document.update(placeholders=placeholders))
    if placeholders in ("abc", {"a": 1}):  # strings of one character
        assert all(len(one) == 1 for one in load_artifact(path).placeholders)
        return
    with pytest.raises(DamagedModelError, match="placeholders"):
        load_artifact(path)
