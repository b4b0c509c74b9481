"""``elman compare``: one row for each cell, and the baseline below."""

import json
import re

import pytest

TINY = ("--text", "word", "--label", "kind", "--epochs", 1, "--hidden-size", 4)


@pytest.fixture
def error_line():
    def check(outcome) -> str:
        assert (outcome.status, outcome.out) == (2, "")
        assert outcome.err.startswith("elman: ")
        assert outcome.err.count("\n") == 1
        return outcome.err

    return check


def test_every_cell_gets_a_row_and_the_baseline_the_last(elman_here, toy_table, tmp_path):
    outcome = elman_here("compare", toy_table, "--cells", "elman,gru", *TINY, "--out", "runs")
    assert (outcome.status, outcome.err) == (0, "")
    rows = re.findall(r"^[│|] (elman|rnn|gru|lstm|baseline) .*$", outcome.out, re.MULTILINE)
    assert rows == ["elman", "gru", "baseline"]
    reports = {cell: json.loads((tmp_path / "runs" / cell / "report.json").read_text("utf-8")) for cell in rows[:2]}
    for cell, values in reports.items():
        assert values["config"]["model"]["cell"] == cell
        assert re.search(rf"{cell} .*{values['test']['accuracy']:.1%}.*{values['parameters']:,} ", outcome.out)
    assert reports["elman"]["config"]["model"]["by_hand"]
    assert reports["elman"]["split"]["fingerprint"] == reports["gru"]["split"]["fingerprint"]


def test_json_is_alone_and_done_runs_are_not_trained_again(elman_here, toy_table, tmp_path):
    first, second = (elman_here("compare", toy_table, "--cells", "rnn", *TINY, "--json", "-o", "runs") for _ in "12")
    rnn, baseline = json.loads(first.out)
    values = json.loads((tmp_path / "runs" / "rnn" / "report.json").read_text("utf-8"))
    assert rnn == {
        "cell": "rnn",
        "accuracy": values["test"]["accuracy"],
        "macro_f1": values["test"]["macro_f1"],
        "seconds": values["seconds"],
        "parameters": values["parameters"],
    }
    assert baseline["cell"] == "baseline"
    assert (baseline["accuracy"], baseline["macro_f1"]) == (
        values["baseline"]["accuracy"],
        values["baseline"]["macro_f1"],
    )
    assert json.loads(second.out) == json.loads(first.out)


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
