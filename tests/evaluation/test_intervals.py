"""Intervals cover the truth as often as they say, are never empty without a reason, and need little memory."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import binomtest

from elman.evaluation.intervals import bound_f1, bound_score, bound_share, resample


@pytest.mark.parametrize(("right", "examples"), [(0, 1), (5, 5), (1, 7), (850, 1000)])
def test_a_share_has_the_interval_that_scipy_calls_wilsons(right, examples):
    expected = binomtest(right, examples).proportion_ci(method="wilson")
    assert bound_share(right, examples) == pytest.approx((expected.low, expected.high))


def test_all_of_five_right_is_no_certainty():
    low, high = bound_share(5, 5)
    assert low < 0.6 and high == 1.0
    assert bound_f1(5, 0)[0] < 0.75


def test_an_f1_is_inside_its_interval():
    for hits, misses in ((1, 9), (4, 4), (9, 1)):
        low, high = bound_f1(hits, misses)
        assert low < 2 * hits / (2 * hits + misses) < high


def means(values, seed=0):
    sums = np.concatenate(list(resample(csr_array(np.stack([values, np.ones(len(values))])), seed=seed)))
    return sums[:, 0] / sums[:, 1]


@pytest.mark.parametrize("examples", [8, 100])
def test_the_bootstrap_of_a_mean_covers_the_truth_about_as_often_as_it_says(examples):
    draw, covered = np.random.default_rng(0), 0
    for seed in range(200):
        values = draw.exponential(1.0, examples)
        low, high = bound_score(values.mean(), means(values, seed), examples=examples)
        covered += low <= 1.0 <= high
    assert 0.86 < covered / 200 <= 0.99  # 0.95, and less for skew values of which there are few


def test_samples_do_not_depend_on_how_many_fit_into_memory(monkeypatch):
    values = np.random.default_rng(0).normal(size=50)
    whole = means(values)
    monkeypatch.setattr("elman.evaluation.intervals.BLOCK", 120)
    np.testing.assert_allclose(means(values), whole)


def test_the_bias_of_samples_is_taken_out():
    drawn = np.random.default_rng(0).normal(0.05, 0.01, 1000)  # samples of a calibration error are larger than itself
    low, high = bound_score(0.03, drawn, examples=500, low=0.0, high=1.0)
    assert (low, high) == pytest.approx((0.01, 0.05), abs=0.002)


def test_what_no_sample_changes_has_wilsons_interval_if_it_is_a_share_and_none_otherwise():
    same = np.ones(100)
    assert bound_score(1.0, same, examples=5, low=0.0, high=1.0) == bound_share(5, 5)
    assert bound_score(1.0, same, examples=5) is None
    assert bound_score(0.3, np.full(100, 0.3), examples=1, low=0.0) is None
