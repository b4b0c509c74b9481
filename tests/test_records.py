"""Columns of answers become the same table whichever way they are read."""

import sys

import pytest

from elman.errors import MissingExtraError
from elman.prediction.predictor import load

NAMES = ["Nakamura", None, "Müller", "N/A", "", "García Márquez", "12", "Иванов"]
SETTINGS = [
    {"top": 1},
    {"top": 3, "abstain_below": 0.9},
    {"top": 200, "level": "continent", "coverage": 0.8},
    {"level": "auto", "coverage": 0.95, "top": 2},
    {"prior": "uniform", "unfamiliar_below": 0.5},
]


@pytest.fixture(scope="module")
def origins():
    return load("origins")


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_table_of_arrow_says_what_predictions_say(origins, settings):
    table = origins.predict_columns(NAMES, familiar=True, **settings).to_arrow()
    table.validate(full=True)
    answers = origins.predict(NAMES, **settings)
    for row, answer in zip(table.to_pylist(), answers, strict=True):
        assert (row["label"], row["reason"]) == (answer.label, answer.reason)
        assert row["familiar"] == pytest.approx(answer.familiar, abs=1e-4)
        top = () if answer.abstained else answer.top
        for rank in range(settings.get("top", 3)):
            which = f"_{rank + 1}" if rank else ""
            if f"label{which}" in row:
                expected = (top[rank].label, top[rank].probability) if rank < len(top) else (None, None)
                assert row[f"label{which}"] == expected[0]
                assert row[f"probability{which}"] == pytest.approx(expected[1], abs=1e-5)
        if "coverage" in settings:
            assert row["set"] == ("; ".join(answer.set) if answer.set else None)
        if settings.get("level") == "auto" and not answer.abstained:
            assert row["level"] == answer.level


def test_every_probability_has_a_column(origins):
    columns = origins.predict_columns(["Nakamura", None], every=True, level="continent")
    table = columns.to_arrow()
    assert [name for name in table.column_names if name.startswith("p_")] == [f"p_{label}" for label in columns.labels]
    japan, missing = (list(row.values())[-len(columns.labels) :] for row in table.to_pylist())
    assert japan == columns.every[0].tolist() and set(missing) == {None}


def test_no_names_are_an_empty_table(origins):
    assert origins.predict_columns([], coverage=0.9, level="region", every=True).to_arrow().num_rows == 0


def test_numbers_are_not_copied(origins):
    columns = origins.predict_columns(["Nakamura", "Müller"], top=1, familiar=True)
    buffer = columns.to_arrow()["familiar"].chunk(0).buffers()[1]
    assert buffer.address == columns.familiar.ctypes.data


def test_a_missing_package_is_one_line(origins, monkeypatch):
    columns = origins.predict_columns(["Nakamura"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'elman\[tables\]'"):
        columns.to_arrow()
