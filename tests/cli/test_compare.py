"""``elman compare``: one row for each cell, by its validation part; the test part is for the best alone."""

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pictures import write_picture_folder

import elman.training.recipes
from elman.data.catalog import LANGUAGES
from elman.data.examples import read_examples
from elman.training.recipes import Recipe
from elman.training.run import RunConfig

TINY = ("--text", "word", "--label", "kind", "--epochs", 1, "--hidden-size", 4)


@pytest.fixture
def error_line():
    def check(outcome) -> str:
        assert (outcome.status, outcome.out) == (2, "")
        assert outcome.err.startswith("elman: ")
        assert outcome.err.count("\n") == 1
        return outcome.err

    return check


def test_cells_are_compared_on_the_validation_part_and_the_best_alone_on_the_test_part(elman_here, toy_table, tmp_path):
    outcome = elman_here("compare", toy_table, "--cells", "elman,rnn,gru", *TINY, "--seeds", 2, "--out", "runs")
    assert (outcome.status, outcome.err) == (0, "")
    folders = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert folders == ["elman-0", "elman-1", "gru-0", "gru-1"]
    measured = [path.parent.name for path in (tmp_path / "runs").glob("*/report.json")]
    rows = re.findall(r"^[│|] (elman|rnn|gru|lstm) .* ± .* % .* ± .* nats .*$", outcome.out, re.MULTILINE)
    assert len(measured) == 1 and measured == [f"{rows[0]}-0"] and sorted(rows) == ["elman", "gru"]
    values = json.loads((tmp_path / "runs" / measured[0] / "report.json").read_text("utf-8"))
    assert values["verdict"] in outcome.out
    splits = {
        json.loads((tmp_path / "runs" / one / "config.json").read_text("utf-8"))["fingerprint"] for one in folders
    }
    assert splits == {values["split"]["fingerprint"]}


def test_json_is_alone_and_finished_runs_are_not_trained_again(elman_here, toy_table, tmp_path):
    first, second = (elman_here("compare", toy_table, "--cells", "rnn", *TINY, "--json", "-o", "runs") for _ in "12")
    found = json.loads(first.out)
    values = json.loads((tmp_path / "runs" / "elman-0" / "report.json").read_text("utf-8"))
    (row,) = found["cells"]
    assert (found["chosen"], row["cell"], row["seeds"]) == ("elman", "elman", 1)
    assert (row["accuracy_deviation"], row["nll_deviation"]) == (None, None)
    assert row["accuracy"] == pytest.approx(values["validation"]["accuracy"])
    assert row["nll"] == pytest.approx(values["validation"]["nll"], abs=2e-3)
    same = ("test", "baseline", "verdict", "answer", "comparisons")
    assert {key: found[key] for key in same} == {key: values[key] for key in same}
    assert json.loads(second.out) == found


def test_a_query_is_compared_on_as_its_rows_in_a_table(elman_here, toy_table, tmp_path):
    with closing(sqlite3.connect(tmp_path / "hunter2.db")) as database:
        database.execute("create table people (word text, kind text)")
        rows = [(one.text, one.label) for one in read_examples(toy_table, text="word", label="kind").examples]
        database.executemany("insert into people values (?, ?)", rows)
        database.commit()
    source = ("--from-sql", "sqlite:///hunter2.db", "--query", "select * from people")
    outcome = elman_here("compare", *source, "--cells", "elman", *TINY, "--json")
    assert outcome.status == 0 and "hunter2" not in outcome.out + outcome.err
    table = json.loads(elman_here("compare", toy_table, "--cells", "elman", *TINY, "--json").out)
    found = json.loads(outcome.out)
    assert found["folder"] == str(Path("runs", "compare-model", "elman-0"))
    for same in ("test", "baseline", "verdict"):
        assert found[same] == table[same]
    assert b"hunter2" not in (tmp_path / found["folder"] / "config.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to compare on"),
        (("--from-sql", "sqlite:///people.db"), "--from-sql URL and --query SQL go together"),
        (("a.csv", "--from-sql", "sqlite:///a.db", "--query", "select 1"), "--from-sql reads a database instead"),
        (("--tutorials", "--from-sql", "sqlite:///a.db", "--query", "select 1"), "leave --from-sql and --query out"),
        (("--tutorials", "a.csv"), "leave 'a.csv' out"),
    ],
)
def test_one_source_is_compared_on(elman_here, error_line, arguments, message):
    assert message in error_line(elman_here("compare", *arguments))


@pytest.mark.parametrize("cells", ["gru,transformer", "GRU", "gru;lstm"])
def test_an_unknown_cell_is_refused_before_anything_is_trained(elman_here, toy_table, tmp_path, error_line, cells):
    assert "cell" in error_line(elman_here("compare", toy_table, "--cells", cells, *TINY, "--out", "runs"))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("cells", ["", ",", " , "])
def test_no_cells_at_all_are_refused(elman_here, toy_table, error_line, cells):
    assert "cells" in error_line(elman_here("compare", toy_table, "--cells", cells, *TINY))


@pytest.mark.parametrize("options", [("--epochs", 0), ("--hidden-size", 0), ("--split", "random"), ("--seed", -1)])
def test_an_option_that_cannot_work_gets_one_line(elman_here, toy_table, tmp_path, error_line, options):
    outcome = elman_here("compare", toy_table, *TINY, "--cells", "gru", *options, "--out", "runs")
    assert options[0].strip("-").replace("-", "_") in error_line(outcome)
    assert not (tmp_path / "runs").exists()


def test_data_that_are_missing_are_named(elman_here, error_line):
    assert "absent.csv" in error_line(elman_here("compare", "absent.csv"))


# The tutorials


@pytest.fixture
def tiny_recipes(monkeypatch, tiny_model, toy_config, tmp_path):
    """One tutorial's recipe and Elman's own settings, both very small, and a folder of made-up languages."""
    own = replace(toy_config(epochs=9), name="", data="", test_share=0.2, validation_share=0.2)
    tutorial = replace(own, data="languages", split="stratified", model=tiny_model(cell="rnn"))
    other = Recipe("t9", "a recipe of other data", RunConfig(name="", data="hello", task="tags"))
    recipes = {"tiny": Recipe("tiny", "a tiny recipe", tutorial, reported=0.5), "t9": other}
    monkeypatch.setattr(elman.training.recipes, "RECIPES", recipes)
    monkeypatch.setattr(elman.training.recipes, "best_settings", lambda task: own)
    (tmp_path / "names").mkdir()
    for number, label in enumerate(LANGUAGES):
        stems = [f"{chr(97 + number)}{first}{last}" for first in "aeiou" for last in "kl"]
        (tmp_path / "names" / f"{label}.txt").write_text("\n".join(stems), encoding="utf-8")
    return tmp_path / "names"


def test_a_tutorial_is_compared_with_elman_on_the_same_split(elman_here, tiny_recipes, tmp_path):
    arguments = (
        "compare",
        "--tutorials",
        "--data",
        tiny_recipes,
        "--epochs",
        1,
        "--seed",
        3,
        "--out",
        "runs",
        "--json",
    )
    (row,) = json.loads(elman_here(*arguments).out)
    reports = {
        name: json.loads((tmp_path / "runs" / name / "report.json").read_text("utf-8"))
        for name in ("tiny", "elman-stratified")
    }
    own = reports["elman-stratified"]
    assert (row["recipe"], row["split"], row["reported"]) == ("tiny", "stratified", 0.5)
    assert (row["reproduced"], row["elman"]) == (reports["tiny"]["test"]["accuracy"], own["test"]["accuracy"])
    assert row["baseline"] == own["baseline"]["accuracy"]
    for report in reports.values():
        assert (report["epochs"], report["split"]["seed"], report["config"]["train"]["seed"]) == (1, 3, 3)
        sizes = [report["split"][part] for part in ("train", "validation", "test")]
        assert sizes == [own["split"][part] for part in ("train", "validation", "test")]


def test_the_table_shows_reported_and_reproduced_figures_and_other_options_need_another_folder(
    elman_here, tiny_recipes
):
    arguments = ("compare", "--tutorials", "--data", tiny_recipes, "--out", "runs", "--epochs")
    table = elman_here(*arguments, 1)
    assert re.search(r"tiny .*stratified .*50\.00%", table.out)
    assert "tiny: a tiny recipe" in table.out
    again = elman_here(*arguments, 2)
    assert again.status == 2
    assert "choose another --out" in again.err


@pytest.mark.parametrize("data", ["hello", "mnist", "absent.csv"])
def test_tutorials_are_compared_on_languages_alone(elman_here, tmp_path, error_line, data):
    assert repr(data) in error_line(elman_here("compare", data, "--tutorials", "--out", "runs"))
    assert not (tmp_path / "runs").exists()


def test_nothing_to_compare_on_is_refused(elman_here, error_line):
    assert "DATA" in error_line(elman_here("compare"))


def test_images_are_compared_too(elman_here, tmp_path):
    folder = write_picture_folder(tmp_path / "digits", size=28, train=60, test=20)
    outcome = elman_here("compare", "mnist", "--data", folder, "--cells", "gru", "--epochs", 1, "--hidden-size", 4)
    assert (outcome.status, outcome.err) == (0, "")
    assert "mnist, given split, validation part" in outcome.out


def test_tags_are_not_compared(elman_here, error_line):
    assert "tags" in error_line(elman_here("compare", "hello"))
