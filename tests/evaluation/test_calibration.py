"""One temperature finds how overconfident a network is, and changes nothing else."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.evaluation import calibration
from elman.evaluation.calibration import (
    HIGHEST,
    LOWEST,
    fit_floor,
    fit_prior,
    fit_temperature,
    is_at_bound,
    measure_loss,
)
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


def test_with_many_strings_the_temperature_is_that_of_the_strings_alone():
    # Three of four are right, so the best odds are 3 to 1: e^(4 / T) = 3, T = 4 / ln 3.
    found = fit_temperature(np.array([[4.0, 0.0]] * 40_000), np.array([0, 0, 0, 1] * 10_000))
    assert found == pytest.approx(4 / math.log(3), rel=2e-3)


@pytest.mark.parametrize("margin", [0.5, 8.0, 30.0])
@pytest.mark.parametrize("strings", [1, 2, 5, 30])
def test_few_strings_that_are_all_right_give_no_certainty(strings, margin):
    logits = np.tile([margin, 0.0, 0.0], (strings, 1))
    sure = softmax(logits, fit_temperature(logits, np.zeros(strings, int)))[0, 0]
    assert sure < 0.9985


def test_the_fewer_strings_the_closer_the_temperature_is_to_one():
    logits, truth = make_calibrated_answers()
    found = [fit_temperature(0.25 * logits[:count], truth[:count]) for count in (2, 20, 200, 4000)]
    assert found[0] > 0.7 > 0.5 > found[1] > 0.3
    assert found[2:] == pytest.approx([0.25, 0.25], rel=0.05)


def test_the_symbols_of_one_string_count_as_one_string():
    logits, truth = np.tile([2.0, 0.0], (50, 1)), np.zeros(50, int)
    alone, together = fit_temperature(logits, truth), fit_temperature(logits, truth, strings=1)
    assert together == pytest.approx(fit_temperature(logits[:1], truth[:1]), rel=1e-4)
    assert alone < 0.7 * together


def test_the_temperature_stays_within_its_bounds_and_a_bound_is_recognised():
    logits = np.array([[2.0, 0.0]] * 30_000)
    always_wrong = fit_temperature(logits, np.ones(30_000, np.int64))
    assert 19 < always_wrong <= HIGHEST and is_at_bound(always_wrong)
    tiny = fit_temperature(logits / 1000, np.zeros(30_000, np.int64))
    assert LOWEST <= tiny < 0.0501 and is_at_bound(tiny)
    assert not is_at_bound(fit_temperature(logits, np.zeros(30_000, np.int64)))


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


def test_the_prior_of_a_calibrated_model_is_the_mean_probability():
    random = np.random.default_rng(0)
    rows = random.dirichlet([4, 2, 1], 5000)
    truth = (rows.cumsum(axis=1) < random.random((5000, 1))).sum(axis=1)
    np.testing.assert_allclose(fit_prior(rows, truth), rows.mean(axis=0), atol=0.02)


def test_the_prior_is_found_where_the_training_took_a_part_of_it_out():
    random = np.random.default_rng(0)
    prior = np.array([0.8, 0.15, 0.05])
    truth = random.choice(3, 20_000, p=prior)
    likelihoods = np.exp(1.5 * (1.5 * np.eye(3)[truth] + random.normal(size=(20_000, 3))))
    weakened = np.sqrt(prior) / np.sqrt(prior).sum()
    rows = likelihoods * weakened
    np.testing.assert_allclose(fit_prior(rows / rows.sum(axis=1, keepdims=True), truth), weakened, atol=0.02)


def test_the_loss_needs_no_memory_for_all_probabilities(monkeypatch):
    draw = np.random.default_rng(0)
    logits, truth = draw.normal(size=(4000, 200)).astype(np.float32), draw.integers(0, 200, 4000)
    expected = negative_log_likelihood(softmax(logits, 1.5), truth)
    monkeypatch.setattr(calibration, "BLOCK", 20_000)
    tracemalloc.start()
    try:
        assert measure_loss(logits, truth, 1.5) == pytest.approx(expected, rel=1e-12)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < logits.nbytes / 2  # the probabilities of all take twice as much as the logits


def test_the_floor_is_the_share_of_answers_that_no_logit_tells():
    draw = np.random.default_rng(0)
    logits = draw.normal(0, 3, (40_000, 4))
    truth = (softmax(logits).cumsum(axis=1) > draw.random((40_000, 1))).argmax(axis=1)
    assert fit_floor(2 * logits, truth) < 0.005
    wrong = draw.random(40_000) < 0.05
    truth[wrong] = draw.integers(0, 4, wrong.sum())
    floor = fit_floor(2 * logits, truth)
    assert floor == pytest.approx(0.05, abs=0.01)
    temperature = fit_temperature(2 * logits, truth, floor=floor)
    assert temperature == pytest.approx(2, abs=0.1)
    probabilities = softmax(2 * logits, temperature, floor)
    surest = probabilities.max(axis=1) > 0.9
    right = (logits.argmax(axis=1) == truth)[surest].mean()
    assert probabilities.max(axis=1)[surest].mean() == pytest.approx(right, abs=0.01)


def test_the_surest_answers_are_as_often_right_as_they_say_where_wrong_labels_are_likely_ones():
    draw = np.random.default_rng(0)

    def draw_labels(logits: np.ndarray) -> np.ndarray:
        return (softmax(logits).cumsum(axis=1) > draw.random((len(logits), 1))).argmax(axis=1)

    logits = draw.normal(0, 6, (40_000, 100))
    truth, wrong = draw_labels(logits), draw.random(40_000) < 0.1
    truth[wrong] = draw_labels(logits[wrong] / 3)
    floor = fit_floor(logits[::2], truth[::2])
    probabilities = softmax(logits, fit_temperature(logits[::2], truth[::2], floor=floor), floor)[1::2]
    surest = probabilities.max(axis=1) > 0.93
    right = (probabilities.argmax(axis=1) == truth[1::2])[surest].mean()
    assert probabilities.max(axis=1)[surest].mean() == pytest.approx(right, abs=0.01)


def test_few_examples_give_no_floor():
    assert fit_floor(np.zeros((9_999, 2)), np.zeros(9_999, int)) == 0.0
