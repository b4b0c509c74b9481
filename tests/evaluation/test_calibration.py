"""One temperature finds how overconfident a network is, and changes nothing else."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.evaluation.calibration import HIGHEST, LOWEST, fit_temperature
from elman.evaluation.metrics import calibration_error, negative_log_likelihood, score
from elman.scoring.probabilities import softmax


def make_calibrated_answers(count=4000, labels=5):
    """Return logits, and true labels drawn with the probabilities of these logits."""
    draw = np.random.default_rng(0)
    logits = draw.normal(0, 1.5, (count, labels))
    return logits, (logits + draw.gumbel(size=logits.shape)).argmax(axis=1)  # the Gumbel trick draws from the softmax


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0, 8.0])
def test_the_factor_that_makes_a_network_overconfident_is_found(factor):
    logits, truth = make_calibrated_answers()
    assert fit_temperature(factor * logits, truth) == pytest.approx(factor, rel=0.05)


def test_calibration_lowers_the_error_and_the_loss():
    logits, truth = make_calibrated_answers()
    before, after = softmax(3 * logits), softmax(3 * logits, fit_temperature(3 * logits, truth))
    assert calibration_error(before, truth) > 0.1
    assert calibration_error(after, truth) < 0.03
    assert negative_log_likelihood(after, truth) < negative_log_likelihood(before, truth)


def test_the_temperature_worked_by_hand():
    # Three of four are right, so the best odds are 3 to 1: e^(4 / T) = 3, T = 4 / ln 3.
    found = fit_temperature(np.array([[4.0, 0.0]] * 4), np.array([0, 0, 0, 1]))
    assert found == pytest.approx(4 / math.log(3), rel=1e-3)


def test_the_temperature_stays_within_its_bounds():
    logits = np.array([[2.0, 0.0]] * 3)
    always_right, always_wrong = np.zeros(3, np.int64), np.ones(3, np.int64)
    assert LOWEST <= fit_temperature(logits, always_right) < 0.1
    assert 19 < fit_temperature(logits, always_wrong) <= HIGHEST


@given(
    st.lists(st.permutations(range(4)), min_size=1, max_size=10),
    st.floats(LOWEST, HIGHEST),
    st.floats(0.01, 10.0),
)
def test_no_temperature_changes_the_accuracy_or_the_order_of_answers(rows, temperature, scale):
    logits = scale * np.array(rows, dtype=np.float64)
    truth = np.arange(len(rows)) % 4
    sharp, warm = softmax(logits), softmax(logits, temperature)
    assert np.array_equal(np.argsort(warm, axis=1), np.argsort(sharp, axis=1))
    labels = ["a", "b", "c", "d"]
    assert score(warm, truth, labels).accuracy == score(sharp, truth, labels).accuracy
