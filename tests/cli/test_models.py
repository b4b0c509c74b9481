"""``elman models``: list shipped models, show what a model file contains, and shrink it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from elman.model.file import load_artifact, save_artifact
from elman.model.shipped import shipped_models
from elman.text.vocabulary import Labels


def test_list_has_a_line_for_each_shipped_model(elman_here):
    outcome = elman_here("models", "list")
    assert (outcome.status, outcome.err) == (0, "")
    assert [line.split(":")[0] for line in outcome.out.splitlines()] == list(shipped_models())


def test_list_describes_each_model(elman_here, model_file, monkeypatch):
    monkeypatch.setattr("elman.model.shipped.shipped_models", lambda: {"toy": model_file})
    outcome = elman_here("models", "list")
    assert outcome.out.startswith("toy: 3 labels, ")
    assert "parameters" in outcome.out


def test_show_prints_the_contents_of_a_model_file_as_json(elman_here, model_file, predictor):
    values = json.loads(elman_here("models", "show", model_file, "--json").out)
    assert values["name"] == predictor.name
    assert values["labels"] == list(predictor.labels)
    assert values["temperature"] == predictor.artifact.temperature
    assert values["parameters"] == predictor.artifact.parameters
    assert values["provenance"] == predictor.artifact.provenance
    assert values["config"]["hidden_size"] == 8


def test_show_takes_a_run_folder(elman_here, model_file):
    by_file, by_folder = (elman_here("models", "show", path, "--json").out for path in (model_file, model_file.parent))
    assert by_file == by_folder


def test_a_model_without_a_card_gets_one_from_its_facts(elman_here, model_file, predictor):
    outcome = elman_here("models", "show", model_file)
    assert (outcome.status, outcome.err) == (0, "")
    words = " ".join(outcome.out.split())
    for text in ("toy", "Alfa, Beta, Gamma", "elman predict --model", "on the test part", "baseline", "Trained for"):
        assert text in words
    assert f"{predictor.artifact.parameters:,} parameters" in words and "{" not in words


def test_the_card_of_a_model_with_many_labels_is_short(elman_here, tiny_artifact, tmp_path):
    labels = Labels.from_names(f"label {number:04}" for number in range(3000))
    shape = tiny_artifact.config.tensor_shapes(symbols=len(tiny_artifact.vocabulary), labels=3000)
    tensors = {name: np.zeros(size, np.float32) for name, size in shape.items() if not name.startswith("bag")}
    config = replace(tiny_artifact.config, bag_orders=())
    save_artifact(replace(tiny_artifact, config=config, labels=labels, tensors=tensors), tmp_path / "many.safetensors")
    outcome = elman_here("models", "show", tmp_path / "many.safetensors")
    assert "and 2,940 more" in " ".join(outcome.out.split()) and len(outcome.out) < 4000


def test_show_prints_the_card_beside_a_model(elman_here, tiny_file):
    tiny_file.with_suffix(".md").write_text("# The card of Tiny\n\nNot for anything.\n", encoding="utf-8")
    outcome = elman_here("models", "show", tiny_file)
    assert "The card of Tiny" in outcome.out
    assert "Not for anything." in outcome.out


@pytest.mark.parametrize("model", ["no-such-model", "absent.safetensors"])
def test_show_names_a_missing_model(elman_here, model):
    outcome = elman_here("models", "show", model)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert model in outcome.err


def test_a_file_that_is_not_a_model_gets_one_line(elman_here, toy_table):
    outcome = elman_here("models", "show", toy_table)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "toy.csv" in outcome.err


def test_the_shipped_model_shows_its_card(elman_here):
    card = elman_here("models", "show", "languages").out
    for text in ("Japanese", "split", "not for"):
        assert text.lower() in card.lower()


def test_shrink_writes_a_smaller_model_that_answers(elman_here, tmp_path):
    whole, small = tmp_path / "whole.safetensors", tmp_path / "small.safetensors"
    shipped = load_artifact(shipped_models()["languages"])  # its weights have 8 bits; in the next file they have 32
    changed = {
        name: one * np.float32(1.0001) if one.dtype == np.float32 else one for name, one in shipped.tensors.items()
    }
    save_artifact(replace(shipped, tensors=changed), whole)
    outcome = elman_here("models", "shrink", whole, small)
    assert (outcome.status, outcome.err) == (0, "") and outcome.out.startswith(str(small))
    assert small.stat().st_size < 0.8 * whole.stat().st_size
    assert elman_here("predict", "--model", small, "Nakamura").out.startswith("Nakamura\tJapanese")
    outcome = elman_here("models", "shrink", whole, tmp_path / "smaller.safetensors", "--bits", "4")
    assert (outcome.status, outcome.err) == (0, "")
    assert (tmp_path / "smaller.safetensors").stat().st_size < 0.7 * small.stat().st_size
    assert elman_here("predict", "--model", tmp_path / "smaller.safetensors", "Nakamura").out.startswith(
        "Nakamura\tJap"
    )


def test_bits_that_a_weight_cannot_have_are_refused(elman_here, model_file, tmp_path):
    outcome = elman_here("models", "shrink", model_file, tmp_path / "small.safetensors", "--bits", "3")
    assert outcome.status == 2 and "--bits must be 8 or 4; got 3" in outcome.err
    assert not (tmp_path / "small.safetensors").exists()


def test_shrink_never_overwrites(elman_here, model_file, tmp_path):
    outcome = elman_here("models", "shrink", model_file, model_file)
    assert outcome.status == 2 and "already exists" in outcome.err
