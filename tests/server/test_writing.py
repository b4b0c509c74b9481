"""Models that write are served: the same strings as in Python, their bounds, and what is refused in one line."""

import asyncio
import threading

import pytest
from client import (
    PATIENCE,
    Connection,
    annotate,
    error_message,
    estimate,
    explain,
    generate,
    make_app,
    make_generator,
    make_pronouncer,
    make_tagger,
    make_transcriber,
    post_json,
    predict,
    pronounce,
    score,
    send,
)

from elman.prediction import pronouncer

NAMES = ["abc", "", None, "xyz", "cab", "a" * 300, "\ud800", "abc"]


@pytest.fixture(scope="module")
def generator():
    return make_generator()


@pytest.fixture(scope="module")
def transcriber():
    return make_transcriber()


@pytest.fixture(scope="module")
def phonemes():
    return make_pronouncer()


@pytest.fixture(scope="module")
def spoken(generator, transcriber, phonemes):
    return make_app(generator, transcriber, phonemes, make_tagger(), names=20, characters=400)


@pytest.fixture(scope="module")
def app(generator, transcriber):
    return make_app(generator, transcriber, make_tagger(), names=20, characters=400)


def test_new_strings_are_those_of_python(app, generator):
    order = {"label": "Greek", "count": 7, "start": "a", "temperature": 1.5, "seed": 3}
    body = generate(app, **order).json()
    assert body == {"model": "names", "samples": [one.to_dict() for one in generator.sample(**order)]}
    assert len(generate(app).json()["samples"]) == 10


def test_unseen_strings_were_not_in_the_training_part(app, generator):
    order = {"count": 20, "seed": 1, "unseen": True}
    samples = generate(app, **order).json()["samples"]
    assert samples == [one.to_dict() for one in generator.sample(**order)]
    assert {one["is_seen"] for one in samples} == {False}


def test_scores_are_those_of_python_and_say_what_cannot_be_written(app, generator):
    body = score(app, NAMES, label="Dutch").json()
    assert body == {"model": "names", "scores": [one.to_dict() for one in generator.score(NAMES, label="Dutch")]}
    assert "the model cannot write x y z" in body["scores"][3]["reason"]
    assert [len(score(app, names).json()["scores"]) for names in ("abc", [], [None])] == [1, 0, 1]


EACH = [["Greek", None, "Dutch"][place % 3] for place in range(len(NAMES))]


@pytest.mark.parametrize(
    "options",
    [{}, {"top": 4, "label": "Greek"}, {"top": 1, "beam": 1}, {"label": EACH}],
    ids=["", "all", "beam", "each"],
)
def test_models_of_pairs_predict_as_in_python(app, transcriber, options):
    body = predict(app, NAMES, model="sounds", **options).json()
    expected = [one.to_dict() for one in transcriber.predict(NAMES, **{"top": 3, **options})]
    assert body["model"] == "sounds"
    for row, wanted in zip(body["predictions"], expected, strict=True):
        ours, theirs = row.pop("top"), wanted.pop("top")
        assert [one["label"] for one in ours] == [one["label"] for one in theirs]
        for key in ("probability",):
            assert row.pop(key) == pytest.approx(wanted.pop(key), abs=1e-6)
        assert row == wanted


SPOKEN = ["abc", "Abc-cab bac", "", None, "xyz", "абв", "a " * 101, "a" * 300, "\ud800", "abc"]


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({}, {}),
        ({"top": 40, "label": "Greek"}, {"top": 40, "labels": ["Greek"] * 10}),
        (
            {"top": 2, "beam": 3, "label": ["Dutch", *[None] * 9]},
            {"top": 2, "beam": 3, "labels": ["Dutch", *[None] * 9]},
        ),
    ],
    ids=["", "all", "each"],
)
def test_pronunciations_are_those_of_python(spoken, phonemes, options, same):
    body = pronounce(spoken, SPOKEN, **options).json()
    expected = [one.to_dict() for one in pronouncer.pronounce(phonemes, SPOKEN, **same)]
    assert body["model"] == "phonemes"
    for row, wanted in zip(body["pronunciations"], expected, strict=True):
        ours, theirs = row.pop("top"), wanted.pop("top")
        assert row == wanted
        assert [(one["arpabet"], one["ipa"]) for one in ours] == [(one["arpabet"], one["ipa"]) for one in theirs]
        assert [one["probability"] for one in ours] == pytest.approx([one["probability"] for one in theirs], abs=1e-6)
    assert [bool(one["reason"]) for one in body["pronunciations"]] == [False, False, *[True] * 7, False]
    assert "too long" in body["pronunciations"][6]["reason"]


def test_one_name_has_one_pronunciation_unless_more_are_asked_for(spoken):
    (row,) = pronounce(spoken, "abc").json()["pronunciations"]
    assert (row["name"], len(row["top"]), row["model"]) == ("abc", 1, "phonemes")
    assert pronounce(spoken, []).json() == {"model": "phonemes", "pronunciations": []}


@pytest.mark.parametrize(
    ("order", "code", "part"),
    [
        ({"model": "sounds"}, "other_kind_of_model", "writes ARPAbet: phonemes"),
        (
            {"model": "names"},
            "other_kind_of_model",
            "names reads labels and writes strings; this needs a model of pairs",
        ),
        ({"model": "tagger"}, "other_kind_of_model", "writes ARPAbet: phonemes"),
        ({"label": "Maori"}, "unknown_label", "it has Dutch, Greek"),
        ({"label": ["Greek", None]}, "invalid", "one label or null for each of 1 name; it has 2"),
        ({"top": 101}, "invalid", "top"),
        ({"beam": 0}, "invalid", "beam"),
        ({"abstain_below": 0.5}, "invalid", "no other fields than names, top, beam, label, model"),
        ({"names": ["a"] * 21}, "too_many_names", "20 names"),
        ({"names": "a" * 401}, "name_too_long", "400 characters"),
    ],
    ids=str,
)
def test_what_cannot_be_said_is_refused_in_one_line(spoken, order, code, part):
    assert part in error_message(post_json(spoken, "/v1/pronounce", {"names": "abc", **order}), 422, code)


def test_the_default_is_the_first_model_that_pronounces(app, spoken, predictor):
    assert "and the service has none" in error_message(pronounce(app, "abc"), 422, "other_kind_of_model")
    assert "and the service has none" in error_message(pronounce(app, "a", model="sounds"), 422, "other_kind_of_model")
    several = make_app(predictor, make_pronouncer("one", ()), make_pronouncer("two"))
    assert pronounce(several, "abc").json()["model"] == "one"
    assert "leave label out" in error_message(pronounce(several, "abc", label="Greek"), 422, "unknown_label")
    assert pronounce(several, "abc", label="Greek", model="two").json()["model"] == "two"
    models = send(spoken, "GET", "/v1/models").json()["models"]
    assert {one["name"]: one["pronounces"] for one in models} == {
        "names": False,
        "sounds": False,
        "phonemes": True,
        "tagger": False,
    }


def test_nothing_more_is_said_for_a_client_that_has_left(monkeypatch):
    model, parts, resume = make_pronouncer(), [], threading.Event()
    app = make_app(model)
    answer_all = model.answer_all

    def wait_and_answer(words, **options):
        parts.append(len(words))
        assert resume.wait(PATIENCE)
        return answer_all(words, **options)

    monkeypatch.setattr(model, "answer_all", wait_and_answer)
    names = "".join(f'"{a}{b}{c}", ' for a in "abc" for b in "abc" for c in "abc")
    body = f'{{"names": [{names}"abc cab"], "top": 100}}'.encode()

    async def leave():
        connection = Connection(app, "/v1/pronounce", content_type="application/json", content_length=str(len(body)))
        connection.send(body, is_last=True)
        while not parts:
            await asyncio.sleep(0.001)
        connection.leave()
        await connection.response()

    asyncio.run(leave())
    resume.set()
    app.state.service._writing.submit(int).result(PATIENCE)
    assert parts == [5]
    assert 'elman_requests_total{route="/v1/pronounce",status="499"} 1.0' in send(app, "GET", "/metrics").text


def test_models_that_write_are_listed_with_their_kind(app):
    models = {one["name"]: one for one in send(app, "GET", "/v1/models").json()["models"]}
    assert {name: (one["kind"], one["default"], one["unseen"]) for name, one in models.items()} == {
        "names": ("generate", True, True),
        "sounds": ("pairs", True, False),
        "tagger": ("tags", False, False),
    }
    assert (models["names"]["labels"], models["names"]["accuracy"]) == (["Dutch", "Greek"], None)
    assert "Reads labels and writes strings" in send(app, "GET", "/v1/models/names/card").text


@pytest.mark.parametrize(
    ("order", "code", "part"),
    [
        ({"count": 21}, "too_many_names", "may ask for 20 strings"),
        ({"count": 0}, "invalid", "count"),
        ({"count": True}, "invalid", "whole number"),
        ({"start": "Q"}, "unreadable_start", "start must have symbols that it writes"),
        ({"start": "a" * 12}, "unreadable_start", "fewer than the 12"),
        ({"start": "a" * 401}, "name_too_long", "400 characters"),
        ({"label": "Maori"}, "unknown_label", "it has Dutch, Greek"),
        ({"temperature": 0}, "invalid", "temperature"),
        ({"temperature": 11}, "invalid", "temperature"),
        ({"seed": -1}, "invalid", "seed"),
        ({"model": "sounds"}, "other_kind_of_model", "sounds reads strings and writes strings"),
        ({"model": "tagger"}, "other_kind_of_model", "--task generate"),
        ({"unknown": 1}, "invalid", "no other fields"),
    ],
    ids=str,
)
def test_what_cannot_be_written_is_refused_in_one_line(app, order, code, part):
    assert part in error_message(generate(app, **order), 422, code)


def test_unseen_needs_a_filter_and_enough_new_strings(generator):
    app = make_app(make_generator("plain", ()))
    assert "learned without labels" in error_message(generate(app, label="Dutch"), 422, "unknown_label")
    assert "start or lower" in error_message(
        generate(app, count=50, temperature=0.05, start="a", unseen=True), 422, "too_few_unseen"
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"abstain_below": 0.5}, "unknown_option"),
        ({"level": "region"}, "unknown_option"),
        ({"top": 101}, "unknown_option"),
        ({"beam": 101}, "invalid"),
        ({"label": "Maori"}, "unknown_label"),
        ({"label": ["Maori"]}, "unknown_label"),
        ({"label": ["Greek", None]}, "invalid"),
        ({"label": [1]}, "invalid"),
        ({"label": {}}, "invalid"),
    ],
    ids=str,
)
def test_options_that_models_of_pairs_lack_are_refused(app, options, code):
    error_message(predict(app, "abc", model="sounds", **options), 422, code)


def test_other_models_take_no_label_and_no_beam(app):
    for option in ({"label": "Dutch"}, {"beam": 3}):
        assert "models of pairs" in error_message(predict(app, "abc", model="tagger", **option), 422, "unknown_option")


def test_requests_are_bounded_as_those_of_other_models(app):
    for path in ("/v1/score", "/v1/predict"):
        error_message(post_json(app, path, {"names": ["a"] * 21}), 422, "too_many_names")
        error_message(post_json(app, path, {"names": ["a" * 401]}), 422, "name_too_long")
    error_message(generate(app, model="other"), 404, "unknown_model")


def test_a_model_that_writes_is_never_the_default_of_routes_that_need_another(app, generator, transcriber, predictor):
    writers = make_app(generator)
    for answer in (predict(writers, "abc"), explain(writers, "abc"), annotate(writers, "name\na\n")):
        assert "and the service has none" in error_message(answer, 422, "other_kind_of_model")
    assert "and the service has none" in error_message(generate(make_app(predictor)), 422, "other_kind_of_model")
    for answer in (explain(app, "abc", model="names"), estimate(app, "name\na\n", model="sounds")):
        assert "answers with a label" in error_message(answer, 422, "other_kind_of_model")
    assert "/v1/generate" in error_message(predict(app, "abc", model="names"), 422, "other_kind_of_model")
    both = make_app(generator, transcriber, predictor)
    assert explain(both, "abc").json()["model"] == predictor.name
    assert predict(both, "abc").json()["model"] == "sounds"
