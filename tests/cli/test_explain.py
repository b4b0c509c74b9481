"""``elman explain``: the answer letter by letter, as a table, as JSON, or as a picture."""

import json
import re
from dataclasses import replace

import pytest

from elman.model.file import save_artifact
from elman.model.hierarchy import Levels
from elman.prediction.explanation import explain
from elman.prediction.predictor import Predictor


def error_line(outcome) -> str:
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("elman: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


def test_the_table_has_a_row_for_each_letter(elman_here, model_file, predictor):
    outcome = elman_here("explain", "Abxcd", "--model", model_file)
    explanation = explain(predictor, "Abxcd")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Abxcd: {explanation.label} {explanation.probability:.1%}\n")
    rows = re.findall(r"^ ?([abxcd]) +(\d+) % .*?([+-]\d+\.\d\d)", outcome.out, re.MULTILINE)
    shares = [f"{100 * step[explanation.label]:.0f}" for step in explanation.forwards]
    assert rows == [(*row, f"{nats:+.2f}") for *row, nats in zip("abxcd", shares, explanation.evidence, strict=True)]


def test_another_label_that_leads_at_a_letter_is_named(elman_here, model_file, predictor):
    rival = max(explain(predictor, "mmabcd").forwards[0].items(), key=lambda item: item[1])
    assert f"{rival[0]} {100 * rival[1]:.0f} %" in elman_here("explain", "mmabcd", "-m", model_file).out


def test_the_normalised_name_is_printed_if_it_differs(elman_here, model_file):
    assert "read as baba" in elman_here("explain", "баба", "-m", model_file).out
    assert "read as" not in elman_here("explain", "ABBA", "-m", model_file).out
    assert "␣" in elman_here("explain", "ab cd", "-m", model_file).out


def test_json_is_the_only_output_and_equals_the_explanation_of_python(elman_process, model_file, predictor):
    done = elman_process("explain", "abmx", "--json", "-m", model_file)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == explain(predictor, "abmx").to_dict()


def test_another_label_is_explained_on_request(elman_here, model_file, predictor):
    values = json.loads(elman_here("explain", "abc", "-m", model_file, "--label", "Gamma", "--json").out)
    assert values == explain(predictor, "abc", label="Gamma").to_dict()
    assert elman_here("explain", "abc", "-m", model_file, "--label", "Gamma").out.startswith("abc: Gamma ")


@pytest.mark.parametrize("name", ["drawn.png", "new/drawn.PNG"])
def test_a_picture_is_drawn_on_request(elman_here, model_file, tmp_path, name):
    outcome = elman_here("explain", "abc", "-m", model_file, "--plot", name)
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert (outcome.status, outcome.err) == (0, "")
    assert f"Drawn to {name}" in outcome.out


def test_json_is_the_only_output_even_with_a_picture(elman_here, model_file, tmp_path):
    outcome = elman_here("explain", "abc", "-m", model_file, "--plot", "drawn.png", "--json")
    assert json.loads(outcome.out)["name"] == "abc"
    assert (tmp_path / "drawn.png").exists()


@pytest.mark.parametrize("name", ["drawn.jpg", "drawn", "png"])
def test_a_picture_of_another_kind_is_refused_and_not_written(elman_here, model_file, tmp_path, name):
    assert name in error_line(elman_here("explain", "abc", "-m", model_file, "--plot", name))
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(("name", "reason"), [("", "blank"), ("42", "no letters"), ("жщ" * 150, "too long")])
def test_a_name_that_cannot_be_read_gets_one_line(elman_here, model_file, name, reason):
    assert reason in error_line(elman_here("explain", name, "-m", model_file))


def test_an_unknown_label_gets_one_line(elman_here, model_file):
    assert "'Delta'" in error_line(elman_here("explain", "abc", "-m", model_file, "--label", "Delta"))


def test_an_unknown_model_gets_one_line(elman_here):
    assert "no-such-model" in error_line(elman_here("explain", "abc", "-m", "no-such-model"))


def test_a_tagger_is_refused(elman_here):
    elman_here("train", "hello", "--epochs", 1, "--out", "run")
    assert "tags" in error_line(elman_here("explain", "hello", "-m", "run"))


def test_a_level_is_explained_on_request(elman_here, predictor, tmp_path):
    levels = Levels(("kind", "half"), (("first", "first", "second"),))
    leveled = Predictor(replace(predictor.artifact, levels=levels, sets=None))
    save_artifact(leveled.artifact, tmp_path / "leveled.safetensors")
    command = ("explain", "abxyz", "-m", "leveled.safetensors", "--level", "half")
    values = json.loads(elman_here(*command, "--json").out)
    assert values == explain(leveled, "abxyz", level="half").to_dict()
    outcome = elman_here(*command, "--label", "second", "--plot", "drawn.png")
    assert outcome.out.startswith("abxyz: second ") and "← second" in outcome.out
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")
    assert "did you mean 'half'" in error_line(elman_here(*command[:-1], "hlf"))
    assert "first, second" in error_line(elman_here(*command, "--label", "third"))
