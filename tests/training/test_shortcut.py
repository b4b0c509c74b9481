"""One call trains from data of any form, and says what it does."""

from dataclasses import replace

import numpy as np
import pandas
import polars
import pyarrow
import pytest

import elman
import elman.training.shortcut
from elman.data.examples import read_features
from elman.errors import DataError, SettingError
from elman.markup import LONGEST_NOTE, escape
from elman.records import Example
from elman.training.config import TrainConfig

STARTS = ["ka", "mi", "ta", "no", "ri", "se", "yo", "ha", "ku", "ma", "pe", "lo", "da", "vi", "zu"]
PAIRS = [(start + end, label) for label, end in (("Japanese", "moto"), ("Greek", "akis")) for start in STARTS]
NAMES, LABELS = map(list, zip(*PAIRS, strict=True))


@pytest.fixture
def config(toy_config):
    return replace(toy_config(epochs=1), name="", data="")


def table(library):
    columns = {"surname": NAMES, "country": LABELS}
    return {
        "pandas": lambda: pandas.DataFrame(columns),
        "polars": lambda: polars.DataFrame(columns),
        "pyarrow": lambda: pyarrow.table(columns),
        "dict": lambda: columns,
    }[library]()


@pytest.mark.parametrize(
    "data",
    [
        PAIRS,
        (NAMES, LABELS),
        (np.array(NAMES), pandas.Series(LABELS)),
        [Example(*pair) for pair in PAIRS],
        iter([list(pair) for pair in PAIRS]),
    ],
    ids=["pairs", "two lists", "array and series", "examples", "iterator"],
)
def test_strings_and_labels_in_memory_train_the_same_model(data, config, tmp_path):
    report = elman.train_run(data, config, tmp_path / "run", quiet=True)
    assert (report.values["data"]["examples"], report.values["labels"]) == (30, ["Greek", "Japanese"])
    expected = elman.train_run(PAIRS, config, tmp_path / "other", quiet=True)
    assert report.test == expected.test
    assert elman.load(report.folder).predict("kamoto").label in ("Greek", "Japanese")


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "dict"])
def test_a_frame_is_read_by_the_names_of_its_columns(library, config, tmp_path):
    report = elman.train_run(table(library), config, tmp_path / "run", text="surname", label="country", quiet=True)
    assert report.values["data"]["examples"] == 30
    with pytest.raises(DataError, match="has no column 'contry'; .*did you mean 'country'"):
        elman.train_run(table(library), config, tmp_path / "other", text="surname", label="contry")


def test_labels_may_be_numbers_and_a_number_may_be_the_answer(config, tmp_path):
    report = elman.train_run((NAMES, [len(label) for label in LABELS]), config, tmp_path / "run", quiet=True)
    assert report.values["labels"] == ["5", "8"]
    frame = pandas.DataFrame({"name": NAMES, "length": [position + 0.5 for position in range(30)]})
    weighed = elman.train_run(frame, replace(config, task="number"), tmp_path / "n", number="length", quiet=True)
    assert isinstance(elman.load(weighed.folder).predict("abc").value, float)


def test_a_path_trains_with_a_name_from_the_file(toy_table, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = elman.train_run(toy_table, config, text="word", label="kind", quiet=True)
    assert (report.folder.as_posix(), report.values["name"]) == ("runs/toy", "toy")
    assert report.values["data"]["source"] == str(toy_table)


def test_a_call_without_settings_takes_the_best_ones(monkeypatch, tmp_path):
    taken = []
    monkeypatch.setattr(elman.training.shortcut, "Run", lambda reading, config, *_, **__: taken.append(config) or 1 / 0)
    for data, options in ((PAIRS, {}), (table("dict"), {"text": "surname", "number": "country"})):
        with pytest.raises(ZeroDivisionError):
            elman.train_run(data, **options)
    best = elman.best_settings("label")
    assert taken[0] == replace(best, name="model", data="data in memory")
    assert (taken[1].task, taken[1].text_column, taken[1].label_column) == ("number", "surname", "country")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (3, r"data must be a name or a path, .*; got int"),
        (b"people.csv", "got bytes"),
        (NAMES, "got str at position 0: give .strings, labels. for two columns"),
        ((NAMES, LABELS[:-1]), "one label for each string; got 30 and 29"),
        ((NAMES, "Greek"), "labels must be a list or a column; got str"),
        (([1, 2], LABELS[:2]), "each name must be a string; got int at position 0"),
        (polars.LazyFrame({"a": [1]}), "got LazyFrame: collect it first"),
        (elman.Prediction, "got type"),
    ],
)
def test_other_data_are_refused_in_one_line(data, message, config, tmp_path):
    with pytest.raises((SettingError, DataError), match=message) as refusal:
        elman.train_run(data, config, tmp_path / "run")
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "run").exists()


def test_tags_in_memory_and_columns_of_examples_are_refused(config, toy_reading, tmp_path):
    tags = elman.best_settings("tags")
    with pytest.raises(SettingError, match="the settings are for tags: give a path"):
        elman.train_run([("hello", "ohlol")], tags, tmp_path / "run")
    with pytest.raises(SettingError, match="text names a column of a table"):
        elman.train_run(toy_reading, config, tmp_path / "run", text="word")


def test_a_call_says_what_it_does_and_quiet_says_nothing(config, tmp_path, capsys):
    report = elman.train_run(PAIRS, config, tmp_path / "run")
    out, err = capsys.readouterr()
    assert out == "" and "\r" not in err and "\x1b" not in err
    lines = err.splitlines()
    assert lines[0] == "data in memory: 30 lines read, 30 examples"
    assert any(line.startswith("epoch   1  loss ") for line in lines)
    assert lines[-2:] == [report.verdict, f"Everything is in {tmp_path / 'run'}"]
    elman.train_run(PAIRS, config, tmp_path / "other", quiet=True)
    assert capsys.readouterr() == ("", "")


def test_a_report_is_shown_with_its_scores_and_curves(finished_run):
    page = finished_run.report._repr_html_()
    assert "toy on made up, test part" in page and "accuracy" in page and "<polyline" in page
    assert escape(finished_run.report.verdict, LONGEST_NOTE) in page
    assert finished_run.report.history == tuple(finished_run.run.state.history)


def test_rows_of_numbers_need_no_settings(tmp_path, monkeypatch):
    (tmp_path / "flats.csv").write_text("rent,area\n" + "".join(f"{10 * area + 3},{area}\n" for area in range(60)))
    reading = read_features(tmp_path / "flats.csv", features=["area"], number="rent")
    short = replace(elman.best_settings("features"), train=TrainConfig(epochs=2))
    monkeypatch.setattr(elman.training.shortcut, "best_settings", lambda task: short)
    report = elman.train_run(reading, folder=tmp_path / "run", quiet=True)
    assert elman.load(report.folder).artifact.columns == ("area",)
