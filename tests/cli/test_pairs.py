"""The commands on a model of pairs: one line for each string, in order, and clear refusals."""

import csv
import io
import json
from itertools import product
from pathlib import Path

import pytest
from pairs import build_writer
from typer.testing import CliRunner

import elman
from elman.cli import app
from elman.model.writer import save_writer
from elman.prediction.transcriber import Transcriber


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("writer") / "model.safetensors"
    save_writer(build_writer(), path)
    return str(path)


@pytest.fixture(scope="module")
def answer(model):
    return Transcriber(build_writer()).predict("abc", top=2)


def run(*arguments, text=None):
    done = CliRunner().invoke(app, list(arguments), input=text)
    return done, "" if done.exception is None else str(done.exception)


def test_predict_prints_the_best_answers(model, answer):
    done, _ = run("predict", "--model", model, "--top", "2", "abc", "a?")
    first, second = done.output.splitlines()
    cells = [part for one in answer.top for part in (one.label, f"{one.probability:.4f}")]
    assert first.split("\t") == ["abc", *cells]
    assert second.split("\t") == ["a?", "-", "unknown symbol: the model has never read ?"]


def test_predict_reads_lines_and_writes_json(model, answer):
    done, _ = run("predict", "--model", model, "--json", "--top", "2", text="abc\n\nabc\n")
    found = json.loads(done.output)
    assert [one["label"] for one in found] == [answer.label, None, answer.label]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--level", "region"], "--level has no effect"),
        (["--set", "0.9"], "--set has no effect"),
        (["--label", "Greek"], "no label 'Greek'"),
        (["--beam", "0"], "beam must be"),
    ],
)
def test_predict_refuses_options_that_have_no_effect(model, options, message):
    assert message in run("predict", "--model", model, *options, "abc")[1]


def test_options_of_pairs_are_refused_by_other_models():
    assert "--beam is for models of pairs" in run("predict", "--model", "languages", "--beam", "3", "Ito")[1]


def test_pronounce_prints_both_alphabets(model, answer):
    done, _ = run("pronounce", "--model", model, "abc", "")
    first, second = done.output.splitlines()
    name, arpabet, ipa, chance = first.split("\t")
    assert (name, arpabet, chance) == ("abc", answer.label, f"{answer.probability:.4f}") and ipa
    assert second == "\t-\tblank: there is nothing to read"
    (spoken,) = json.loads(run("pronounce", "--model", model, "--json", "abc")[0].output)
    assert spoken["top"][0]["ipa"] == ipa


def test_pronounce_refuses_models_that_cannot_say_names(model):
    assert "need a model of pairs" in run("pronounce", "--model", "languages", "Ito")[1]
    assert "has none; leave it out" in run("pronounce", "--model", model, "--origin", "auto", text="")[1]


def test_the_origin_of_a_name_is_told_or_predicted(tmp_path):
    languages = elman.load("languages").predict(["bacca", "eade", ""])
    assert [one.label for one in languages] == ["Italian", "English", None]
    known = build_writer(labels=("Italian", "Greek"))
    save_writer(known, tmp_path / "known.safetensors")
    save_writer(build_writer(labels=("Mars",)), tmp_path / "other.safetensors")

    def say(*options):
        done, problem = run("pronounce", "--model", str(tmp_path / "known.safetensors"), *options, "bacca", "eade", "")
        return done.output.splitlines() or problem

    auto, italian, plain = say("--origin", "auto"), say("--origin", "Italian"), say()
    assert auto == [italian[0], plain[1], plain[2]] and plain[0] != auto[0]
    assert "did you mean 'Greek'" in say("--origin", "Greke")
    other = run("pronounce", "--model", str(tmp_path / "other.safetensors"), "--origin", "auto", "bacca")[1]
    assert "has none of its labels; name one that it has: Mars" in other


def test_explain_shows_where_the_model_looks(model, answer, tmp_path):
    picture = tmp_path / "heat.png"
    done, _ = run("explain", "--model", model, "abc", "--plot", str(picture))
    assert answer.label in done.output and "■" in done.output and picture.read_bytes().startswith(b"\x89PNG")
    shown = json.loads(run("explain", "--model", model, "abc", "--json")[0].output)
    assert [len(one["weights"]) for one in shown["symbols"]] == [3] * (len(answer.label.split()) + 1)
    assert "--level is for models" in run("explain", "--model", model, "abc", "--level", "region")[1]


def test_annotate_adds_the_answers_to_every_row(model, answer, tmp_path):
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("id,name\n1,abc\n2,\n3,a?\n4,abc\n", encoding="utf-8")
    run("annotate", str(table), str(out), "--model", model, "--top", "2", "--add", "script,unknown")
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [row["elman_label"] for row in rows] == [answer.label, "", "", answer.label]
    assert rows[0]["elman_label_2"] == answer.top[1].label and rows[0]["elman_script"] == "Latin"
    assert float(rows[0]["elman_probability"]) == pytest.approx(answer.probability, abs=1e-6)
    assert rows[2]["elman_unknown"] == "?" and rows[2]["elman_reason"].startswith("unknown symbol")
    assert "--all has no effect" in run("annotate", str(table), "-", "--model", model, "--all")[1]


def test_annotate_tells_the_label_of_each_row_or_of_all(tmp_path):
    told = Transcriber(build_writer(labels=("Greek", "Polish")))
    save_writer(told.artifact, tmp_path / "model.safetensors")
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("name,from\nabc, Greek\nabc,\nabc,Mars\n,Mars\n", encoding="utf-8")
    expected = [round(told.predict("abc", label=label).probability, 6) for label in ("Greek", None, "Polish")]

    def annotate(*options):
        more = ["--model", str(tmp_path / "model.safetensors"), "--overwrite", *options]
        problem = run("annotate", str(table), str(out), *more)[1]
        return problem or list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))

    first, second, third, fourth = annotate("--label-column", "from")
    assert [float(row["elman_probability"]) for row in (first, second)] == expected[:2]
    assert third["elman_label"] == "" and third["elman_reason"] == "unknown label: the model does not know Mars"
    assert fourth["elman_reason"].startswith("blank")
    assert float(annotate("--label", "Polish", "--beam", "5")[2]["elman_probability"]) == expected[2]
    assert "--label-column 'from'" in annotate("--label-column", "fron")
    assert "did you mean 'Greek'" in annotate("--label", "Greke")
    assert "leave one out" in annotate("--label", "Greek", "--label-column", "from")


def test_a_label_is_refused_where_nothing_reads_it(model, tmp_path):
    table = tmp_path / "in.csv"
    table.write_text("name\nabc\n", encoding="utf-8")
    assert "learned without labels" in run("annotate", str(table), "-", "--model", model, "--label-column", "name")[1]
    assert "--label-column is for models of pairs" in run("annotate", str(table), "-", "--label-column", "name")[1]


def test_evaluate_scores_pairs(model, tmp_path):
    lines = tmp_path / "pairs.tsv"
    right = Transcriber(build_writer()).predict("abc").label
    lines.write_text(f"abc\t{right}\nbcd\tAH AH AH AH AH AH\nab?\tB\n", encoding="utf-8")
    scores = json.loads(run("evaluate", model, str(lines), "--json")[0].output)
    assert scores["examples"] == 3 and scores["word_error_rate"] == pytest.approx(2 / 3)
    assert scores["abstained"] == 1 and scores["part"] == "all"
    assert "--text is for models" in run("evaluate", model, str(lines), "--text", "x")[1]
    assert "in 3 columns, got 2" in run("evaluate", model, str(lines), "--label", "3", "--on-error", "stop")[1]
    assert "these are others" in run("evaluate", model, str(lines), "--part", "test")[1]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A model that knows the labels of the pairs in a table, whose columns were swapped, and that table."""
    folder = tmp_path_factory.mktemp("labelled")
    names = ["".join(letters) for letters in product("abc", repeat=3)]
    rows = [f"{name.upper()},{name[::-1]},back" for name in names] + [f"{name},{name}," for name in names]
    table = folder / "pairs.csv"
    table.write_text("written,said,way\n" + "\n".join(rows) + "\n", encoding="utf-8")
    sizes = ["--hidden-size", "8", "--encoder-size", "8", "--encoder-layers", "1", "--epochs", "1", "--threads", "1"]
    how = ["--source", "written", "--target", "said", "--label", "way", "--swap"]
    done, problem = run("train", str(table), "--task", "pairs", *how, *sizes, "--out", str(folder / "run"))
    assert not problem and "1 label" in done.output
    return str(folder / "run"), [str(table), *how]


def test_swapped_pairs_with_labels_are_trained_and_evaluated(labelled):
    model, data = labelled
    values = json.loads(Path(model, "report.json").read_text(encoding="utf-8"))
    assert "--swap" in values["command"] and "--label way" in values["command"]
    assert elman.load(model).artifact.targets.symbols == tuple("ABCabc")
    scores = json.loads(run("evaluate", model, *data, "--json")[0].output)
    assert scores["part"] == "test" and scores["per_label"].keys() == {"back"}
    done, _ = run("evaluate", model, *data, "--part", "all")
    assert "back" in done.output and "whole strings wrong" in done.output
    assert "--swap are for models of pairs" in run("evaluate", "languages", *data)[1]


def test_a_label_is_told_by_name(labelled):
    model, _ = labelled
    told, plain = (
        json.loads(run("explain", "--model", model, "abc", "--json", *label)[0].output)
        for label in (["--label", "back"], [])
    )
    assert told["probability"] != plain["probability"]
    (answer,) = json.loads(run("predict", "--model", model, "abc", "--label", "back", "--json")[0].output)
    assert answer["probability"] == pytest.approx(told["probability"], rel=1e-4)
    assert "did you mean 'back'" in run("predict", "--model", model, "abc", "--label", "bakc")[1]


def test_labels_that_a_model_does_not_know_are_counted(labelled, model, tmp_path):
    table = tmp_path / "others.csv"
    table.write_text("source,target,label\nabc,B,back\nab,B,forth\n", encoding="utf-8")
    done, _ = run("evaluate", labelled[0], str(table))
    assert "1 pair of 2 with a label that the model does not know, such as forth" in " ".join(done.output.split())
    assert json.loads(run("evaluate", model, str(table), "--json")[0].output)["examples"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--swap"], "only pairs can be swapped"),
        (["--task", "pairs", "--target-symbols", "blanks", "--swap"], "cannot be swapped"),
        (["--task", "pairs", "--tags"], "different answers"),
        (["--task", "pairs", "--plain"], "--plain has no effect on pairs"),
        (["--task", "pears"], "task must be one of"),
        (["--task", "pairs", "--attention", "cosine"], "attention must be one of"),
        (["--task", "pairs", "--target-symbols", "words"], "target_symbols must be one of"),
    ],
)
def test_train_refuses_what_cannot_work(arguments, message, tmp_path):
    lines = tmp_path / "pairs.tsv"
    lines.write_text("a\tb\n", encoding="utf-8")
    assert message in run("train", str(lines), "--out", str(tmp_path / "run"), *arguments)[1]
    assert not (tmp_path / "run").exists()
