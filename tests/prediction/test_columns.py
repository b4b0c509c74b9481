"""Columns have the answers of single predictions, however long they are."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from elman.errors import SettingError
from elman.prediction.predictor import Predictor, load
from elman.records import ARRAYS
from elman.text import normalisation

STRANGE = [
    "Nakamura", "", None, "  o`hara ", "12", "中村", "Müller", "a" * 300, "Жук", "abc", "abc", "\ud800x", "İi", "abc, ",
    ",", "\ufdfa" * 990, "水" * 50,
]  # fmt: skip


@pytest.fixture(scope="module")
def origins():
    return load("origins")


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


@pytest.mark.parametrize("options", [{"level": "auto", "coverage": 0.9}, {"every": True, "familiar": True}], ids=str)
def test_all_columns_are_joined(origins, monkeypatch, options):
    names = ["Nakamura", "", "Müller", "Papadopoulos Nikos", "N/A", "12", None, "Иванов"] * 40
    whole = origins.predict_columns(names, **options)
    monkeypatch.setattr("elman.prediction.columns.BLOCK", 107)
    cut = origins.predict_columns(names, **options)
    assert cut.levels == whole.levels and set(cut.reasons) == set(whole.reasons)
    assert [cut[k][2] for k in range(len(names))] == [whole[k][2] for k in range(len(names))]
    for name in ARRAYS:
        first, second = getattr(cut, name), getattr(whole, name)
        assert (first is None) == (second is None)
        if first is not None and name != "reason_ids":
            assert first.dtype == second.dtype
            np.testing.assert_allclose(first, second, atol=1e-6)


def test_many_names_take_hardly_more_memory_than_their_answers(predictor, monkeypatch):
    names = ["Papadopoulos", "Nakamura", "Müller"] * 20_000

    def measure(block):
        monkeypatch.setattr("elman.prediction.columns.BLOCK", block)
        tracemalloc.start()
        answers = predictor.predict_columns(names, top=1, threads=1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak - answers.best.nbytes - answers.probabilities.nbytes - answers.reason_ids.nbytes

    measure(3000)
    assert measure(3000) < measure(len(names)) / 5


def test_no_names_make_empty_columns(predictor):
    columns = predictor.predict_columns([])
    assert len(columns) == 0 and columns.best.shape[0] == columns.probabilities.shape[0] == 0


@pytest.mark.parametrize("names", ["Nakamura", 3, [3]])
def test_names_that_are_not_a_column_of_strings_are_refused(predictor, names):
    with pytest.raises(SettingError, match="got (str|int)"):
        predictor.predict_columns(names)


@pytest.mark.parametrize("copies", [1, 300])
@pytest.mark.parametrize("value", [3e38, -3e38])
def test_an_answer_that_is_not_finite_is_never_given(tiny_artifact, copies, value):
    tensors = {n: np.full_like(t, value) if t.dtype == np.float32 else t for n, t in tiny_artifact.tensors.items()}
    broken = Predictor(replace(tiny_artifact, tensors=tensors))
    names = [*("abc", "b'a", None, "12") * copies, *(f"a{'b' * (k % 150)}" for k in range(copies))]
    columns, answers = broken.predict_columns(names, abstain_below=0.2), broken.predict(names, abstain_below=0.2)
    reasons = {"not finite", "missing", "no letters"}
    for position, answer in enumerate(answers):
        assert columns[position] == (None, None, answer.reason)
        assert answer.reason.split(":")[0] in reasons
        assert (answer.label, answer.top, answer.value) == (None, (), None)
    assert (columns.best == -1).all() and np.isnan(columns.probabilities).all()


def test_other_names_are_answered_beside_one_that_is_not_finite(tiny_model, tiny_artifact):
    shape = {"cell": "elman", "activation": "none", "hidden_size": 1, "directions": 1, "embedding_size": 2}
    config = tiny_model(**shape, ngram_orders=(), bag_orders=())
    shapes = config.tensor_shapes(symbols=5, labels=3)
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    tensors["recurrence.weight_ih_l0"][:] = tensors["embedding.weight"][3] = 3e38  # the symbol c
    tensors["head.weight"][:, 0] = (1, -1, 0)
    half = Predictor(replace(tiny_artifact, config=config, tensors=tensors))
    for names in (["ab", "c", "ba"], ["ab", "c", "ba"] * 100):
        answers, columns = half.predict(names), half.predict_columns(names)
        assert [answer.label for answer in answers[:3]] == ["Alfa", None, "Alfa"]
        assert answers[1].reason.startswith("not finite")
        assert [columns[k] for k in range(len(names))] == [(a.label, a.probability, a.reason) for a in answers]


def test_a_mebibyte_of_names_that_compose_to_eighteen_times_their_length_is_hardly_composed(tiny_artifact, monkeypatch):
    tiny, composed = Predictor(tiny_artifact), []
    tiny.predict_columns(["abc"] * 20)  # characters are normalised one by one, once
    monkeypatch.setattr(
        normalisation,
        "compose",
        lambda text, compose=normalisation.compose: composed.append(len(text)) or compose(text),
    )
    names = ["\ufdfa" * 990 + str(k) for k in range(349)]
    columns, answers = tiny.predict_columns(names), tiny.predict(names)
    assert sum(composed) <= 2 * len(names) * normalisation.LONGEST
    assert {columns[k][2] for k in range(len(names))} == {answer.reason for answer in answers}
    assert answers[0].reason.startswith("too long")
