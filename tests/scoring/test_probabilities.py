"""Logits become probabilities, and the best answers come first."""

import numpy as np
import pytest

from elman.scoring.probabilities import FEW_ANSWERS, best_of, softmax


def test_softmax_of_worked_numbers():
    np.testing.assert_allclose(softmax(np.log([[1.0, 2.0, 5.0]])), [[0.125, 0.25, 0.625]])


def test_a_temperature_of_two_takes_the_square_root_of_the_odds():
    np.testing.assert_allclose(softmax(np.log([[1.0, 4.0]]), 2.0), [[1 / 3, 2 / 3]])


def test_softmax_of_extreme_logits_stays_finite():
    logits = np.array([[3e38, -3e38], [-3e38, -3e38], [1e4, 1e4 + 1]], np.float32)
    probabilities = softmax(logits, 0.05)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities[:2], [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("top", [1, 2, FEW_ANSWERS, FEW_ANSWERS + 1, 12, 20])
def test_equal_answers_are_in_the_order_of_the_labels(top):
    labels, _ = best_of(np.zeros((2, 12), np.float32), top)
    assert labels.tolist() == [list(range(min(top, 12)))] * 2


@pytest.mark.parametrize("top", [1, FEW_ANSWERS, FEW_ANSWERS + 1, 12])
def test_the_best_answers_are_sorted_by_probability(top):
    logits = np.random.default_rng(0).standard_normal((5, 12)).astype(np.float32)
    labels, chances = best_of(logits, top, temperature=0.7)
    expected = softmax(logits, 0.7)
    assert np.array_equal(labels, np.argsort(-expected, axis=1)[:, :top])
    assert np.array_equal(chances, np.take_along_axis(expected, labels.astype(int), axis=1))


def test_logits_that_are_not_finite_give_no_probability():
    logits = np.array([[np.inf, 1], [np.nan, 1], [-np.inf, -np.inf], [-np.inf, 1], [1, 2]], np.float32)
    assert np.isfinite(softmax(logits)).all(axis=1).tolist() == [False, False, False, True, True]
    for top in (1, 2, FEW_ANSWERS + 1):
        _, chances = best_of(logits, top)
        assert np.isfinite(chances[:, 0]).tolist() == [False, False, False, True, True]
    assert np.isnan(softmax(np.array([[1e10, 0.0]]), 1e-300)).any()
