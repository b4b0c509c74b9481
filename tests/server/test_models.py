"""What clients see of a model: its facts and its card."""

import math
from dataclasses import replace

import pytest
from client import error_message, make_app, make_image_reader, make_regression, make_tagger, send

from elman.errors import SettingError
from elman.model.file import save_artifact
from elman.prediction.predictor import Predictor, load
from elman.server.app import create_app
from elman.server.models import ServedModel


@pytest.fixture(scope="module")
def app(predictor):
    return make_app(predictor, make_tagger(), make_regression())


def test_models_are_listed_with_their_facts(app, predictor):
    first, *others = send(app, "GET", "/v1/models").json()["models"]
    assert first == {
        "name": "toy",
        "kind": "label",
        "default": True,
        "reads": "strings",
        "answers": "label",
        "labels": list(predictor.labels),
        "levels": [],
        "estimates": True,
        "coverages": list(predictor.artifact.sets.coverages),
        "parameters": predictor.artifact.parameters,
        "bytes": sum(tensor.nbytes for tensor in predictor.artifact.tensors.values()),
        "accuracy": predictor.artifact.provenance["figures"]["test"]["accuracy"],
        "reference": first["reference"],
        "origins": False,
        "countries": {},
        "examples": [],
        "unseen": False,
        "pronounces": False,
    }
    assert first["reference"].startswith("Learned from ")
    assert [(one["name"], one["default"], one["accuracy"], one["estimates"]) for one in others] == [
        ("tagger", False, None, False),
        ("rent", False, None, False),
    ]


def test_a_model_file_has_a_size_and_the_card_beside_it(predictor, tmp_path):
    file = tmp_path / "toy.safetensors"
    save_artifact(predictor.artifact, file)
    file.with_suffix(".md").write_text(
        "# Toys\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))\n\n| a |\n|--|\n| b |"
    )
    app = create_app({"toy": load(file)}, files={"toy": file})
    assert send(app, "GET", "/v1/models").json()["models"][0]["bytes"] == file.stat().st_size
    card = send(app, "GET", "/v1/models/toy/card")
    assert card.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Toys</h1>" in card.text
    assert "<td>b</td>" in card.text
    assert "<script" not in card.text
    assert "href" not in card.text


def test_a_model_without_a_card_gets_a_short_one(app):
    card = send(app, "GET", "/v1/models/rent/card").text
    assert "<h1>rent</h1>" in card
    assert "Accuracy: unknown." in card
    assert "no evidence of a person" in card


def test_the_shipped_model_states_what_it_learned_from():
    app = make_app(load("languages"))
    (model,) = send(app, "GET", "/v1/models").json()["models"]
    assert "20,000 surnames of 18 languages" in model["reference"]


NOT_FINITE = {"figures": {"test": {"accuracy": math.nan}}, "data": {"source": None, "examples": math.inf}}


@pytest.mark.parametrize(
    "provenance", [{"figures": [], "data": "x"}, {"figures": {"test": {"accuracy": "?"}}}, {"data": 3}, NOT_FINITE]
)
def test_the_provenance_of_a_model_file_may_be_any_json(provenance):
    model = make_regression()
    model.artifact.provenance.update(provenance)
    (facts,) = send(make_app(model), "GET", "/v1/models").json()["models"]
    assert (facts["accuracy"], facts["reference"]) == (None, "Its file does not say what it learned from.")


def test_the_card_of_an_unknown_model_is_an_error(app):
    error_message(send(app, "GET", "/v1/models/other/card"), 404, "unknown_model")


def test_a_model_that_reads_files_is_not_served():
    with pytest.raises(SettingError, match="digits reads picture files"):
        make_app(make_image_reader())


@pytest.mark.parametrize(
    ("countries", "known"),
    [
        ({"Alfa": "NO", "Beta": "GB-SCT"}, {"Alfa": "NO", "Beta": "GB-SCT"}),
        ({"Alfa": "Norway", "Beta": 578, "Other": "NO"}, {}),
        (["NO"], {}),
    ],
)
def test_the_countries_of_labels_are_codes(predictor, countries, known):
    provenance = {**predictor.artifact.provenance, "countries": countries}
    model = Predictor(replace(predictor.artifact, provenance=provenance))
    (facts,) = send(make_app(model), "GET", "/v1/models").json()["models"]
    assert (facts["countries"], facts["origins"]) == (known, bool(known))


def test_the_labels_of_the_shipped_model_are_origins():
    (facts,) = send(make_app(load("languages")), "GET", "/v1/models").json()["models"]
    assert (facts["origins"], facts["countries"]) == (True, {})


def test_what_was_learned_by_heart_has_no_accuracy_on_unseen_strings(predictor):
    provenance = {"split": {"kind": "none"}, "figures": {"test": {"accuracy": 1.0}}}
    predictor = Predictor(replace(predictor.artifact, provenance=provenance))
    assert ServedModel("m", predictor).facts["accuracy"] is None
