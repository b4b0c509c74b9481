"""Prediction: every input gets an answer or a reason."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import elman
from elman.errors import ModelFileError, NotAModelError, SettingError
from elman.model.file import save_artifact
from elman.model.shipped import find_model, shipped_models
from elman.prediction.predictor import Predictor, load
from elman.records import Prediction
from elman.text.normalisation import LONGEST

WORDS = ["abcabc", "MNOP", "", "xyz", "abcabc", " xyz ", "kkk", "42", "b", "vwxyzvw"]


# What an answer contains


def test_a_learned_string_gets_its_label(predictor):
    assert [answer.label for answer in predictor.predict(["abcdab", "mnopqm", "vwxyzv"])] == ["Alfa", "Beta", "Gamma"]


def test_one_string_gets_one_answer_and_a_list_gets_a_list(predictor):
    assert isinstance(predictor.predict("abc"), Prediction)
    assert predictor.predict(["abc"]) == [predictor.predict("abc")]


def test_the_label_is_the_most_likely_one(predictor):
    for word in ("abc", "mxz", "vvv"):
        probabilities = predictor.probabilities([word])[0]
        answer = predictor.predict(word)
        assert answer.label == predictor.labels[probabilities.argmax()] == answer.top[0].label
        assert answer.probability == pytest.approx(probabilities.max()) == answer.top[0].probability


def test_probabilities_of_all_labels_fall_and_sum_to_one(predictor):
    for answer in predictor.predict(["abc", "mxz", "a", "vwxyz" * 20], top=99):
        shares = [candidate.probability for candidate in answer.top]
        assert sorted(candidate.label for candidate in answer.top) == sorted(predictor.labels)
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize(("top", "listed"), [(1, 1), (2, 2), (3, 3), (4, 3), (10**6, 3)])
def test_top_limits_the_labels_that_are_listed(predictor, top, listed):
    assert len(predictor.predict("abc", top=top).top) == listed


def test_probabilities_are_the_logits_over_the_temperature(predictor):
    powers = np.exp(predictor.logits(["abc", "xyz"]).astype(float) / predictor.artifact.temperature)
    np.testing.assert_allclose(predictor.probabilities(["abc", "xyz"]), powers / powers.sum(axis=1, keepdims=True))


def test_probabilities_are_of_the_strings_that_predict_reads(predictor):
    plain, *others = predictor.probabilities(["abcdé", "  ABCDÉ ", "abcde\u0301", b"abcd\xc3\xa9"])
    assert all(np.array_equal(plain, other) for other in others)
    answers = predictor.predict(WORDS, top=3)
    for answer, row in zip(answers, predictor.probabilities(WORDS), strict=True):
        if answer.abstained:
            assert np.isnan(row).all()
        else:
            assert dict(zip(predictor.labels, row, strict=True)) == pytest.approx(
                {candidate.label: candidate.probability for candidate in answer.top}
            )
    assert predictor.probabilities([None, ""]).shape == (2, 3)
    assert predictor.probabilities([]).shape == (0, 3)


def test_an_answer_has_the_string_before_and_after_normalisation(predictor):
    answer = predictor.predict("  ABC ")
    assert (answer.name, answer.normalised, answer.script) == ("  ABC ", "abc", "Latin")
    assert (answer.model, answer.reason, answer.abstained) == (predictor.name, None, False)


def test_spellings_that_normalise_alike_get_one_answer(predictor):
    plain, *others = predictor.predict(["abcdé", "ABCDÉ", "abcde\u0301", " abcdé\n", "ａｂｃｄé"])
    assert {(one.label, one.probability, one.normalised) for one in others} == {
        (plain.label, plain.probability, "abcdé")
    }


def test_unknown_symbols_are_reported_once_and_in_order(predictor):
    answer = predictor.predict("aklka")
    assert answer.unknown == ("k", "l")
    assert not answer.abstained
    assert predictor.predict("abc").unknown == ()


def test_another_script_is_read_in_latin_letters_and_the_answer_says_so(predictor):
    answer = predictor.predict("вода")
    assert (answer.script, answer.transliterated, answer.normalised) == ("Cyrillic", True, "voda")
    assert not predictor.predict("voda").transliterated


def test_a_few_letters_of_another_script_are_reported_too(predictor):
    answer = predictor.predict("abcabc вода")
    assert answer.normalised == "abcabc voda"
    assert answer.transliterated


def test_to_dict_is_plain_json(predictor):
    for answer in predictor.predict([*WORDS, None, "вода"]):
        assert json.loads(json.dumps(answer.to_dict())) == answer.to_dict()
        assert answer.to_dict()["abstained"] is answer.abstained


# Many strings


def test_order_and_length_are_those_of_the_input(predictor):
    answers = predictor.predict(WORDS)
    assert [answer.name for answer in answers] == WORDS
    alone = [predictor.predict(word) for word in WORDS]
    assert [answer.label for answer in answers] == [answer.label for answer in alone]
    assert [answer.probability for answer in answers] == pytest.approx(
        [answer.probability for answer in alone], abs=1e-6
    )


@given(words=st.lists(st.sampled_from([*WORDS, None, "mno", "zzzz"]), max_size=30))
def test_an_answer_never_depends_on_its_neighbours(predictor, words):
    for word, answer in zip(words, predictor.predict(words), strict=True):
        alone = predictor.predict(word)
        assert (answer.name, answer.label, answer.reason) == (alone.name, alone.label, alone.reason)
        assert answer.probability == pytest.approx(alone.probability, abs=1e-6)


def test_thousands_of_strings_get_as_many_answers(predictor):
    words = [f"{'abc' * (k % 5)}{'xyz'[k % 3]}" for k in range(3000)]
    assert [answer.name for answer in predictor.predict(words)] == words


@pytest.mark.parametrize("word", ["abc,", " abc , ", "abc,,\t,"])
def test_trailing_separators_are_removed_as_in_training(predictor, word):
    assert replace(predictor.predict(word), name="abc") == predictor.predict("abc")


def test_a_string_of_separators_is_blank(predictor):
    assert predictor.predict(" ,, ").reason == "blank: there is nothing to read"


def test_any_iterable_of_strings_will_do(predictor):
    expected = predictor.predict(["abc", "xyz"])
    assert predictor.predict(word for word in ("abc", "xyz")) == expected
    assert predictor.predict(("abc", "xyz")) == predictor.predict({"abc": 1, "xyz": 2}.keys()) == expected
    assert predictor.predict(np.array(["abc", "xyz"])) == expected


def test_no_strings_get_no_answers(predictor):
    assert predictor.predict([]) == []
    assert predictor.predict(iter(())) == []


# Reasons to abstain


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (None, "missing"),
        ("", "blank"),
        ("   ", "blank"),
        ("\t\r\n\u3000\xa0", "blank"),
        ("\0\x07\u200b\ufeff", "blank"),
        ("\ud800\udfff", "blank"),
        ("42", "no letters"),
        ("٤٢", "no letters"),
        ("-- '.", "no letters"),
        ("🙂🙃", "no letters"),
        ("kkk", "no known symbol"),
        ("a" * (LONGEST + 1), "too long"),
        ("a" * 1_000_000, "too long"),
        ("ab " * 350_000, "too long"),
    ],
)
def test_an_unreadable_string_gets_a_reason_and_no_label(predictor, word, reason):
    answer = predictor.predict(word)
    assert answer.abstained
    assert answer.reason.startswith(reason)
    assert (answer.label, answer.probability, answer.top) == (None, None, ())
    assert answer.name == (word or "")


def test_the_longest_string_that_is_read_is_answered(predictor):
    assert predictor.predict("a" * LONGEST).label == "Alfa"


@pytest.mark.parametrize("word", ["abc\ud800", "abc 🙂", "abc42", "a-b", "'abc'", "a\0b\0c"])
def test_a_readable_part_is_enough_for_an_answer(predictor, word):
    assert predictor.predict(word).label in predictor.labels


def test_an_unsure_answer_abstains_but_still_lists_its_candidates(predictor):
    answer = predictor.predict("mxz", top=2, abstain_below=1.0)
    assert answer.reason == "unsure: no label reaches the probability 1"
    assert (answer.label, answer.probability, len(answer.top)) == (None, None, 2)


def test_a_probability_that_reaches_the_bound_is_answered(predictor):
    probability = predictor.predict("mxz").probability
    assert not predictor.predict("mxz", abstain_below=probability).abstained
    assert predictor.predict("mxz", abstain_below=min(1, probability + 1e-9)).abstained


anything = st.text(st.characters(exclude_categories=()))


@given(word=anything | st.text("abcxyz é'-кβ中ア٣\u0301\ud800", max_size=12), top=st.integers(1, 5))
def test_any_string_gets_an_answer_or_a_reason(predictor, word, top):
    answer = predictor.predict(word, top=top)
    assert answer.name == word
    assert answer.abstained == (answer.label is None) == (answer.probability is None) == (answer.reason is not None)
    assert answer.abstained or (answer.label in predictor.labels and 0 < answer.probability <= 1)
    assert answer == predictor.predict([word], top=top)[0]


@given(words=st.lists(st.none() | anything, max_size=8))
def test_any_list_gets_as_many_answers(predictor, words):
    assert [answer.name for answer in predictor.predict(words)] == [word or "" for word in words]


# Wrong arguments


@pytest.mark.parametrize("top", [0, -1, 1.5, "3", None])
def test_an_invalid_top_is_refused(predictor, top):
    with pytest.raises(SettingError, match="top"):
        predictor.predict("abc", top=top)


@pytest.mark.parametrize("bound", [-0.1, 1.1, float("nan"), "half", None])
def test_a_bound_that_is_not_a_probability_is_refused(predictor, bound):
    with pytest.raises(SettingError, match="abstain_below"):
        predictor.predict("abc", abstain_below=bound)


def test_a_single_value_of_any_kind_gets_one_answer(predictor):
    expected, missing = predictor.predict("abc"), predictor.predict(None)
    for one in (b"abc", np.str_("abc"), np.array("abc")):
        assert predictor.predict(one) == expected
    assert predictor.predict(float("nan")) == missing
    assert predictor.predict([b"abc", float("nan")]) == [expected, missing]


@pytest.mark.parametrize("answer", ["predict", "predict_columns"])
def test_a_table_is_refused_in_one_line(predictor, answer):
    with pytest.raises(SettingError, match=r"got a table \(dict\): .*annotate_frame"):
        getattr(predictor, answer)({"abc": 1, "xyz": 2})


@pytest.mark.parametrize("scores", ["probabilities", "logits"])
def test_the_scores_of_a_single_string_are_refused(predictor, scores):
    with pytest.raises(SettingError, match=r"^names must be a list .*; got [a-z ]+: give \[name\]$"):
        getattr(predictor, scores)("abc")


@pytest.mark.parametrize("names", [["abc", 5], [b"ab\xff"], b"ab\xff", [["abc"]], [1.5]])
def test_a_name_that_is_not_a_string_is_refused_with_its_type(predictor, names):
    with pytest.raises(SettingError, match="string|UTF-8"):
        predictor.predict(names)


@pytest.mark.parametrize("names", [5, 2.5, object()])
def test_names_that_are_not_strings_are_refused(predictor, names):
    with pytest.raises(SettingError, match="string"):
        predictor.predict(names)


# Finding a model


def test_a_model_is_loaded_by_its_file_or_its_run_folder(model_file, predictor):
    for place in (model_file, str(model_file), model_file.parent, str(model_file.parent)):
        assert load(place).predict("abc") == predictor.predict("abc")
    assert find_model(model_file.parent) == model_file


def test_the_package_loads_a_model(model_file, predictor):
    assert elman.load(model_file).predict("abc") == predictor.predict("abc")


@pytest.mark.parametrize(
    "model", ["no-such-model", "", "no/such/file.safetensors", pytest.param("x" * 300, id="long"), Path("absent")]
)
def test_an_unknown_model_is_refused_by_name(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotAModelError, match=re.escape(repr(str(model)))):
        load(model)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(NotAModelError, match=str(tmp_path)):
        load(tmp_path)


def test_a_damaged_file_is_refused_before_any_prediction(tiny_file):
    tiny_file.write_bytes(tiny_file.read_bytes()[:-4])
    with pytest.raises(ModelFileError, match=str(tiny_file)):
        load(tiny_file)


def test_a_saved_copy_gives_the_same_answers(predictor, tmp_path):
    save_artifact(predictor.artifact, tmp_path / "copy")
    assert load(tmp_path / "copy").predict(WORDS) == predictor.predict(WORDS)


def test_a_string_without_known_letters_abstains_even_if_its_other_symbols_are_known(tiny_artifact):
    tiny = Predictor(tiny_artifact)
    assert tiny.predict("'").reason.startswith("no")
    assert tiny.predict("'a").label in tiny.labels


def test_every_shipped_model_answers():
    models = shipped_models()
    if not models:
        pytest.skip("no model is shipped")
    for name in models:
        model = elman.load(name)
        answer = model.predict("Nakamura")
        assert answer.label in model.labels if isinstance(model, Predictor) else answer.label


def test_a_prediction_loads_no_torch(python_process, model_file):
    code = (
        "import sys, elman\n"
        "print(elman.load(sys.argv[1]).predict(['abcabc', 'вода', ''])[0].label)\n"
        "print(sorted({'torch', 'sklearn', 'scipy', 'matplotlib', 'typer'} & sys.modules.keys()))"
    )
    assert python_process(code, model_file) == "Alfa\n[]\n"
