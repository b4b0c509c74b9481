"""Strings that belong to strings: answers, reasons to abstain, and where the model looks."""

from dataclasses import replace
from itertools import product
from math import prod

import numpy as np
import pytest
from pairs import SHAPE, build_writer

import elman
from elman.errors import SettingError
from elman.model.writer import save_writer
from elman.prediction.alignment import END_MARK
from elman.prediction.pronouncer import pronounce, pronounce_parts
from elman.prediction.transcriber import Transcriber
from elman.text.targets import MARK


@pytest.fixture(scope="module")
def model():
    return Transcriber(build_writer())


def test_answers_keep_the_order_and_the_number_of_the_strings(model):
    strings = ["abc", "", "dea", "abc", None, "x", "ABC"]
    answers = model.predict(strings)
    assert [one.name for one in answers] == ["abc", "", "dea", "abc", "", "x", "ABC"]
    assert answers[0] == answers[3] and answers[0].label == answers[6].label
    alone = model.predict("abc")
    assert alone.label == answers[0].label and alone.probability == pytest.approx(answers[0].probability, abs=1e-6)


def test_the_best_answers_come_first_with_their_probabilities(model):
    answer = model.predict("bad", top=4)
    chances = [one.probability for one in answer.top]
    assert len(chances) == 4 and chances == sorted(chances, reverse=True) and sum(chances) < 1
    assert (answer.label, answer.probability) == (answer.top[0].label, chances[0])
    assert len({one.label for one in answer.top}) == 4


@pytest.mark.parametrize(
    ("string", "reason"),
    [
        ("", "blank"),
        ("  ", "blank"),
        ("zzz", "no known symbol"),
        ("abz?", "unknown symbol: the model has never read z ?"),
        ("ab" * 101, "too long: more than 200"),
        (None, "missing"),
    ],
)
def test_a_string_that_cannot_be_read_gets_a_reason_and_no_answer(model, string, reason):
    (answer, other) = model.predict([string, "abc"])
    assert answer.label is None and answer.top == () and answer.reason.startswith(reason)
    assert other.reason is None


def test_a_string_of_the_greatest_length_is_answered_or_has_a_reason(model):
    answer = model.predict("abcde" * 40)
    assert (answer.label is None) == (answer.reason is not None)


def test_a_model_that_does_not_end_says_so():
    writer = build_writer(longest=3)
    tensors = {**writer.tensors, "output.bias": writer.tensors["output.bias"].copy()}
    tensors["output.bias"][MARK] = -1e4
    answer = Transcriber(replace(writer, tensors=tensors)).predict("abc")
    assert answer.reason == "no end: the model wrote 3 symbols, the most for such a string, and no end"


def test_labels_change_answers_and_unknown_ones_are_refused(model):
    told = Transcriber(build_writer(labels=("Greek", "Polish")))
    answers = told.predict(["abc"] * 3, label=[None, "Greek", "Polish"])
    assert len({one.probability for one in answers}) == 3
    assert told.predict("abc", label="Greek").probability == pytest.approx(answers[1].probability, abs=1e-6)
    with pytest.raises(SettingError, match="has no label 'Dutch'; it has 2 labels: Greek, Polish"):
        told.predict("abc", label="Dutch")
    with pytest.raises(SettingError, match="has no label 'greek'; did you mean 'Greek'"):
        told.predict("abc", label="greek")
    with pytest.raises(SettingError, match="no label 'Greek'; leave it out"):
        model.predict("abc", label="Greek")
    with pytest.raises(SettingError, match="one label for each string; got 1 for 2"):
        told.predict(["abc", "abd"], label=["Greek"])


@pytest.mark.parametrize("options", [{"top": 0}, {"beam": 0}, {"beam": 10_000}, {"length_power": 3.0}])
def test_options_that_cannot_work_are_refused(model, options):
    with pytest.raises(SettingError, match=next(iter(options))):
        model.predict("abc", **options)


def test_a_file_gives_the_same_answers(model, tmp_path):
    save_writer(model.artifact, tmp_path / "model.safetensors")
    loaded = elman.load(tmp_path / "model.safetensors")
    assert isinstance(loaded, Transcriber) and "writes strings" in repr(loaded)
    assert loaded.predict("abc", top=3) == model.predict("abc", top=3)


def test_an_alignment_has_the_answer_and_its_probability(model):
    answer, shown = model.predict("abc"), model.explain("abc")
    assert shown.label == answer.label and shown.probability == pytest.approx(answer.probability, rel=1e-4)
    assert shown.symbols == (*answer.label.split(), END_MARK)
    assert np.array(shown.weights).shape == (len(shown.symbols), 3)
    assert np.prod(shown.chances) == pytest.approx(shown.probability)
    other = model.explain("abc", answer="B B")
    assert other.label == "B B" and other.probability < answer.probability
    assert "abc" in other._repr_html_() and len(other.to_dict()["symbols"]) == 3


def test_what_cannot_be_explained_says_why(model):
    with pytest.raises(SettingError, match="cannot be written: the symbol 'ZZ'"):
        model.explain("abc", answer="ZZ")
    with pytest.raises(SettingError, match="never read z"):
        model.explain("az")
    with pytest.raises(SettingError, match="missing"):
        model.explain(None)
    blind = Transcriber(build_writer(shape=replace(SHAPE, attention="none")))
    with pytest.raises(SettingError, match="has no attention"):
        blind.explain("abc")


def test_a_name_is_said_word_by_word(model):
    one, two, whole = pronounce(model, ["abc", "de", "Abc-De"], top=2)
    assert whole.top[0].arpabet == f"{one.top[0].arpabet} {two.top[0].arpabet}"
    assert whole.top[0].ipa == f"{one.top[0].ipa} {two.top[0].ipa}"
    assert whole.top[0].probability == pytest.approx(one.top[0].probability * two.top[0].probability)
    best = sorted((a.probability * b.probability for a in one.top for b in two.top), reverse=True)
    assert [each.probability for each in whole.top] == pytest.approx(best[:2])


def test_the_likeliest_of_all_combinations_are_found_for_a_name_of_many_words(model):
    words = ["abc", "de", "a", "bad"]
    parts = [one.top for one in pronounce(model, words, top=6)]
    every = sorted((prod(one.probability for one in chosen) for chosen in product(*parts)), reverse=True)
    (whole,) = pronounce(model, [" ".join(words)], top=6)
    assert [one.probability for one in whole.top] == pytest.approx(every[:6])
    assert len({one.arpabet for one in whole.top}) == 6


def test_names_are_said_in_parts_as_all_at_once(model):
    names = ["abc", "de abc", None, "a-b-c-d", "abc", ""]
    parts = list(pronounce_parts(model, names, [None] * 6, top=2, beam=3, size=2))
    assert [len(part) for part in parts if part] == [2, 2, 2] and max(map(len, parts)) == 2 and [] in parts
    together = pronounce(model, names, top=2, beam=3)
    for one, other in zip((one for part in parts for one in part), together, strict=True):
        assert (one.name, one.reason) == (other.name, other.reason)
        assert [each.arpabet for each in one.top] == [each.arpabet for each in other.top]


def test_a_name_that_is_too_long_is_not_said(model):
    short, *others = pronounce(model, ["a " * 100, "a " * 101, "a" * 5000, "\ufdfa" * 219])
    assert short.reason is None and {one.reason for one in others} == {"too long: more than 200 characters is no name"}


def test_every_name_has_one_label_to_be_said(model):
    with pytest.raises(SettingError, match="one label for each name; got 1 for 2"):
        pronounce(model, ["abc", "de"], labels=[None])
    with pytest.raises(SettingError, match="top must be"):
        pronounce(model, [], top=0)


def test_names_in_other_scripts_are_said_and_others_have_a_reason(model):
    latin, greek, blank, missing, unknown = pronounce(model, ["da", "δα", " ", None, "abz"])
    assert greek.top == latin.top
    assert [one.top for one in (blank, missing, unknown)] == [()] * 3
    assert blank.reason.startswith("blank") and missing.reason.startswith("missing")
    assert unknown.reason.startswith("unknown symbol") and unknown.to_dict()["top"] == []


def test_a_model_that_writes_no_phonemes_says_no_names():
    with pytest.raises(SettingError, match="'QQ', which is no symbol of ARPAbet"):
        pronounce(Transcriber(build_writer(("AH", "QQ"))), ["abc"])
