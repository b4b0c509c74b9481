"""Finishing: the shipped file has regions, countries, calibration and familiarity, and no path of the training."""

import sys
from dataclasses import replace

import numpy as np
import pytest

import elman
from elman.model.file import load_artifact
from elman.model.packing import find_fewest_bits
from elman.prediction.predictor import Predictor
from elman.scoring.probabilities import softmax
from release.origins import finish as module
from release.origins.paths import fit_factors, take_prior_out
from release.origins.rows import Row


def test_the_file_has_everything_that_answers_need(finished):
    artifact = load_artifact(finished)
    assert artifact.levels.names == ("origin", "region", "continent")
    assert artifact.levels.list_groups("region") == ("Northern Europe", "Eastern Asia", "Eastern Europe")
    assert artifact.sets.strings > 0 and len(artifact.sets.thresholds) == 3
    assert len(artifact.prior) == 3 and artifact.familiarity.noun == "names"
    assert artifact.provenance["countries"] == {"Finnish": "FI", "Japanese": "JP", "Polish": "PL"}


def test_the_counts_are_those_of_the_build_and_no_path_remains(finished, trained):
    provenance = load_artifact(finished).provenance
    assert provenance["data"]["training_examples_per_label"] == {"Finnish": 300, "Japanese": 300, "Polish": 300}
    first, second = module.halve(trained.parts["validation"], 0)  # the first fits the paths
    assert sum(provenance["data"]["validation_examples_per_label"].values()) == len(second)
    assert len(first) + len(second) == 300 and min(len(first), len(second)) > 100
    assert str(trained.built.parent) not in str(provenance) and "split" not in provenance
    assert provenance["figures"]["test"]["examples"] == 180


def test_everything_is_fitted_to_the_weights_of_8_bits(finished, trained):
    from safetensors.numpy import load_file

    assert find_fewest_bits(load_file(finished)) == 8
    again = module.calibrate(load_artifact(finished), module.halve(trained.parts["validation"], 0)[1])
    assert again.temperature == pytest.approx(load_artifact(finished).temperature)


def test_taking_the_prior_out_raises_rare_labels_by_the_power_of_their_share(finished):
    artifact = load_artifact(finished)
    names = ["mäki", "tanaka", "kowalski"]
    before = Predictor(artifact).logits(names)
    taken = take_prior_out(artifact, np.array([900, 90, 0]), 0.5)
    after = Predictor(taken).logits(names)
    expected = -0.5 * np.log(np.array([900, 90, 1]) / 991)
    assert after - before == pytest.approx(np.tile(expected, (3, 1)), abs=2e-3)


def test_family_names_of_one_character_count_as_known_names(trained, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "fit_familiarity", lambda *strings, also, **more: seen.extend(also))
    rows = [Row(name, "Japanese", "faker", "Han", "part") for name in ("林", "鈴木")]
    parts = {"train": [*trained.parts["train"], *rows], "validation": trained.parts["validation"]}
    artifact = load_artifact(trained.run / "model.safetensors")
    module.add_familiarity(artifact, parts)
    assert seen == [artifact.normalisation.apply("林")]


def test_the_page_gets_the_countries(finished):
    from elman.server.models import ServedModel

    facts = ServedModel("origins", elman.load(finished), finished).facts
    assert facts["countries"]["Polish"] == "PL" and facts["origins"]


def test_a_label_without_a_region_is_refused(trained):
    artifact = load_artifact(trained.run / "model.safetensors")
    labels = replace(artifact.labels, names=("Finnish", "Japanese", "Martian"))
    with pytest.raises(elman.errors.DataError, match="Martian"):
        module.find_levels(module.read_labels(), labels.names)


def test_data_of_other_labels_are_refused(finished, trained):
    strangers = [row._replace(label="Greek") for row in trained.parts["validation"]]
    with pytest.raises(ValueError, match="expected names with labels of the model"):
        module.calibrate(load_artifact(finished), strangers)


def test_the_command_says_what_it_wrote(trained, tmp_path, monkeypatch, capsys):
    out = tmp_path / "new" / "origins.safetensors"
    command = ["finish.py", "--run", str(trained.run), "--built", str(trained.built), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", command)
    monkeypatch.setattr(module, "LARGEST", 10)
    module.main()
    printed = capsys.readouterr().out
    assert elman.load(out).name == "origins" and "3 labels" in printed and "larger than" in printed


def test_a_path_that_is_too_sure_counts_less_and_labels_are_shifted():
    draw = np.random.default_rng(0)
    honest, noise = draw.normal(0, 2, (2, 8000, 3))
    wanted = np.array([0.4, -0.1, -0.3])
    truth = (softmax(honest + wanted).cumsum(axis=1) > draw.random((8000, 1))).argmax(axis=1)
    factors, shifts = fit_factors(np.stack([2 * honest, noise]).astype(np.float32), truth)
    assert factors == pytest.approx([0.5, 0], abs=0.05)
    assert shifts - shifts.mean() == pytest.approx(wanted, abs=0.1)
