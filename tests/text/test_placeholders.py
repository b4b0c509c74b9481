"""Placeholders are strings that say that something is missing, in any letter case, as whole cells."""

from dataclasses import replace

import pytest

from elman.prediction.inputs import NO_KNOWN_SYMBOL, PLACEHOLDER
from elman.prediction.predictor import Predictor, load
from elman.text.normalisation import Normalisation
from elman.text.placeholders import PLACEHOLDERS, find_placeholders, normalise_placeholders


@pytest.mark.parametrize("text", ["null", "NULL", " N/A ", "Unknown", "et al.", "Et Al", "Not available", "<NA>"])
def test_a_placeholder_has_a_reason_of_its_own(text):
    predictor = load("languages")
    assert predictor.predict(text).reason == PLACEHOLDER
    assert predictor.predict_columns([text, "Nakamura"])[0] == (None, None, PLACEHOLDER)
    assert [one.reason for one in predictor.predict([text] * 20)] == [PLACEHOLDER] * 20


@pytest.mark.parametrize("name", ["Nullmann", "Nan", "Na", "Nil", "Unknownson", "Anonym"])
def test_names_that_only_look_like_placeholders_are_answered(name):
    assert load("languages").predict(name).label is not None


def test_a_model_that_has_learned_such_a_string_answers_it():
    assert set(PLACEHOLDERS) - set(find_placeholders(["Missing", "none"])) == {"missing", "none"}
    learned = replace(load("languages").artifact, placeholders=("null",))
    assert Predictor(learned).predict("Missing").label is not None
    assert Predictor(learned).predict("null").reason == PLACEHOLDER


def test_placeholders_are_found_where_letter_case_is_kept():
    kept = normalise_placeholders(["n/a"], Normalisation(lower_case=False))
    assert {"n/a", "N/A", "N/a"} <= kept


def test_a_script_that_training_never_saw_is_a_reason_to_abstain_where_scripts_are_kept(tiny_artifact):
    kept = replace(tiny_artifact, normalisation=Normalisation(transliterate=False))
    for name in ("吉田", "محمد", "Иванов", "김민수"):
        assert Predictor(kept).predict(name).reason == NO_KNOWN_SYMBOL
