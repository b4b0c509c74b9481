"""Each path answers, and the answers are the same as in Python."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from client import error_message, explain, make_app, make_generator, make_regression, make_tagger, predict, send

import elman.prediction.explanation
from elman.model.hierarchy import Levels


@pytest.fixture(scope="module")
def app(predictor):
    return make_app(predictor, make_tagger(), make_regression())


# Predictions


@pytest.mark.parametrize("top", [1, 3, 1000])
def test_predictions_are_those_of_python_in_number_and_order(app, predictor, top):
    names = ["abcabc", "", None, "xyz", "abcabc", "42", "вода", 'a"b\\c', "🙂", "\ud800x", "a\x00b", "y" * 300]
    answer = predict(app, names, top=top, abstain_below=0.4)
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"model", "predictions"}
    assert body["model"] == predictor.name
    expected = [one.to_dict() for one in predictor.predict(names, top=top, abstain_below=0.4)]
    probabilities = [one.pop("probability") for one in body["predictions"]]
    assert probabilities == pytest.approx([one.pop("probability") for one in expected], abs=1e-6)
    for row, wanted in zip(body["predictions"], expected, strict=True):
        ours, theirs = row.pop("top"), wanted.pop("top")
        assert [one["label"] for one in ours] == [one["label"] for one in theirs]
        assert [one["probability"] for one in ours] == pytest.approx([one["probability"] for one in theirs], abs=1e-6)
    assert body["predictions"] == expected


@pytest.mark.parametrize(("names", "count"), [("abc", 1), ([], 0), ([""], 1), ([None, None], 2)])
def test_a_single_name_is_a_list_of_one(app, names, count):
    assert len(predict(app, names).json()["predictions"]) == count


def test_by_default_three_labels_are_listed_and_the_model_does_not_abstain(app, predictor):
    (row,) = predict(app, "abcxyz").json()["predictions"]
    expected = predictor.predict("abcxyz")
    assert ([one["label"] for one in row["top"]], row["abstained"]) == ([one.label for one in expected.top], False)


def test_letters_are_not_escaped_in_the_answer(app):
    assert "é" in predict(app, "é").text


def test_answers_are_plain_json(app):
    assert json.loads(predict(app, "abc").content)["model"] == "toy"


def test_other_kinds_of_models_predict_too(app):
    answers = [predict(app, "abca", model="tagger"), predict(app, "1.5,2", model="rent")]
    assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
    (tags,), (number,) = (answer.json()["predictions"] for answer in answers)
    assert (tags["label"], tags["model"]) == (make_tagger().predict("abca").label, "tagger")
    assert number["value"] == pytest.approx(make_regression().predict("1.5,2").value)


def test_input_that_a_model_of_numbers_cannot_read_is_an_error(app):
    message = error_message(predict(app, ["1,2", "1;2"], model="rent"), 422, "unreadable_input")
    assert "2 numbers" in message
    assert "1;2" not in message


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # from numpy
def test_a_model_abstains_rather_than_answer_with_an_infinite_number(app):
    (answer,) = predict(app, "3e38,-3e38", model="rent").json()["predictions"]
    assert answer["abstained"] and answer["reason"].startswith("not finite") and "value" not in answer


# Explanations


def test_explanations_are_those_of_python(app, predictor):
    answer = explain(app, "abcx", label="Beta")
    expected = elman.prediction.explanation.explain(predictor, "abcx", label="Beta").to_dict()
    assert answer.json().keys() == expected.keys()
    assert (answer.json()["label"], answer.json()["normalised"]) == ("Beta", "abcx")
    for letter, wanted in zip(answer.json()["letters"], expected["letters"], strict=True):
        assert letter["letter"] == wanted["letter"]
        assert letter["evidence"] == pytest.approx(wanted["evidence"], abs=1e-4)
        assert letter["forwards"] == pytest.approx(wanted["forwards"], abs=1e-6)
        assert letter["backwards"] == pytest.approx(wanted["backwards"], abs=1e-6)


def test_without_a_label_the_answer_itself_is_explained(app, predictor):
    answer = explain(app, "xyz", label=None)
    assert answer.json()["label"] == predictor.predict("xyz").label


@pytest.mark.parametrize("name", ["", "42", "\ud800", "a" * 201])
def test_a_name_that_the_model_cannot_read_is_an_error_with_the_reason(app, predictor, name):
    message = error_message(explain(app, name), 422, "unreadable_name")
    assert message == predictor.predict(name).reason


def test_an_unknown_label_is_an_error_that_lists_the_known_ones(app):
    answer = explain(app, "abc", label="Delta")
    message = error_message(answer, 422, "unknown_label")
    assert "Alfa, Beta, Gamma" in message
    assert "Delta" not in message


def test_a_level_is_explained_as_in_python(predictor):
    levels = Levels(("kind", "half"), (("first", "first", "second"),))
    leveled = elman.Predictor(replace(predictor.artifact, levels=levels, sets=None))
    app = make_app(leveled)
    for options in ({"level": "half"}, {"level": "half", "label": "second"}, {"level": "auto"}, {}):
        answer = explain(app, "abcx", **options)
        assert answer.status_code == 200, answer.text
        assert answer.json() == leveled.explain("abcx", **options).to_dict()
    error_message(explain(app, "abcx", level="region"), 422, "unknown_option")
    message = error_message(explain(app, "abcx", level="half", label="Alfa"), 422, "unknown_label")
    assert "first, second at this level" in message
    error_message(explain(app, "abcx", level="auto", label="Delta"), 422, "unknown_label")
    error_message(explain(make_app(predictor), "abcx", level="half"), 422, "unknown_option")


@pytest.mark.parametrize("model", ["tagger", "rent"])
def test_only_classifiers_of_strings_can_explain(app, model):
    answer = explain(app, "abc", model=model)
    assert "reads strings and answers with a label" in error_message(answer, 422, "other_kind_of_model")


# The page


class PageFiles(HTMLParser):
    """The addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for key, value in attrs if key == "src" or (key == "href" and tag == "link")]


def test_the_page_and_all_its_files_are_served_and_revalidated(app):
    page, files = send(app, "GET", "/"), PageFiles()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    files.feed(page.text)
    assert {"page/style.css", "page/script.js"} <= set(files.found)
    for file in files.found:
        answer = send(app, "GET", f"/{file}")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        again = send(app, "GET", f"/{file}", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


def test_a_service_of_models_that_write_new_strings_alone_opens_with_their_page(app):
    writing = send(app, "GET", "/write")
    assert "page/write.js" in writing.text
    assert send(make_app(make_generator()), "GET", "/").text == writing.text
    assert "page/script.js" in send(make_app(make_generator(), make_tagger()), "GET", "/").text
    files = PageFiles()
    files.feed(writing.text)
    assert {send(app, "GET", f"/{file}").status_code for file in files.found} == {200}


# What an answer says


NAMES = ["abc", "mnop", "vwxyz", "abmx", "zzqé7", "42", None]
OPTIONS = {
    "half": {"level": "half"},
    "auto": {"level": "auto", "abstain_below": 0.7},
    "uniform": {"prior": "uniform"},
    "balanced": {"prior": "balanced"},
    "shares": {"prior": {"Alfa": 1, "Gamma": 9}},
    "set": {"coverage": 0.9},
    "never unfamiliar": {"unfamiliar_below": 0},
    "all at once": {"level": "half", "prior": "uniform", "coverage": 0.8, "unfamiliar_below": 0.1},
    "no options": {},
}


@pytest.fixture(scope="module")
def full_app(full):
    return make_app(full)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_predictions_are_answered_as_in_python(full_app, full, options):
    answer = predict(full_app, NAMES, **options)
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == [one.to_dict() for one in full.predict(NAMES, **options)]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"level": "region"}, "unknown_option"),
        ({"coverage": 0.85}, "unknown_option"),
        ({"prior": {"Delta": 1}}, "unknown_option"),
        ({"prior": "flat"}, "invalid"),
        ({"unfamiliar_below": 2}, "invalid"),
    ],
)
def test_what_the_model_does_not_have_is_refused(full_app, options, code):
    message = error_message(predict(full_app, "abc", **options), 422, code)
    assert code == "invalid" or "its levels are kind, half or auto; its coverages are 0.8, 0.9" in message
