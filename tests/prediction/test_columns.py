"""Columns have the answers of single predictions, however long they are."""

import numpy as np
import pytest

from elman.errors import SettingError

STRANGE = ["Nakamura", "", None, "  o`hara ", "12", "中村", "Müller", "a" * 300, "Жук", "abc", "abc", "\ud800x", "İi"]


@pytest.mark.parametrize("copies", [1, 40], ids=["few", "many"])
@pytest.mark.parametrize("abstain_below", [0.0, 0.5])
def test_columns_have_the_answers_of_predictions(predictor, copies, abstain_below):
    names = STRANGE * copies
    columns = predictor.predict_columns(names, top=2, abstain_below=abstain_below)
    answers = predictor.predict(names, top=2, abstain_below=abstain_below)
    assert len(columns) == len(names) and columns.model == predictor.name
    for position, answer in enumerate(answers):
        label, probability, reason = columns[position]
        assert (label, reason) == (answer.label, answer.reason)
        assert probability == pytest.approx(answer.probability, abs=1e-6)
        chances = [candidate.probability for candidate in answer.top] or [np.nan, np.nan]
        np.testing.assert_allclose(columns.probabilities[position], chances, atol=1e-6)
        labels = [columns.labels.index(candidate.label) for candidate in answer.top] or [-1, -1]
        assert columns.best[position].tolist() == labels


def test_columns_do_not_depend_on_the_size_of_blocks(predictor, monkeypatch):
    whole = predictor.predict_columns(STRANGE * 3)
    monkeypatch.setattr("elman.prediction.columns.BLOCK", 4)
    cut = predictor.predict_columns(iter(STRANGE * 3))
    np.testing.assert_array_equal(cut.best, whole.best)
    assert [cut[k] for k in range(len(cut))] == [whole[k] for k in range(len(whole))]


def test_no_names_make_empty_columns(predictor):
    columns = predictor.predict_columns([])
    assert len(columns) == 0 and columns.best.shape[0] == columns.probabilities.shape[0] == 0


@pytest.mark.parametrize("names", ["Nakamura", 3, [3]])
def test_names_that_are_not_a_column_of_strings_are_refused(predictor, names):
    with pytest.raises(SettingError, match="got (str|int)"):
        predictor.predict_columns(names)
