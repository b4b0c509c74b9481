"""The estimate of shares: right where the answer is known, and as certain as it should be."""

import numpy as np
import pytest

from elman.shares.mixture import bound_mixture, draw_mixtures, estimate_mixture


def simulate(shares, names, *, prior, distance=2.0, seed=0):
    """Return calibrated probabilities (names, C) of a group: each label's names are normal around a corner."""
    random = np.random.default_rng(seed)
    labels = len(shares)
    truth = random.choice(labels, names, p=shares)
    points = distance * np.eye(labels)[truth] + random.normal(size=(names, labels))
    logs = distance * points + np.log(prior)
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


PRIOR = np.array([0.9, 0.07, 0.03])


def test_names_without_doubt_are_counted():
    found = estimate_mixture(np.eye(3)[[0, 0, 1, 2]], PRIOR)
    np.testing.assert_allclose(found, [0.5, 0.25, 0.25], atol=1e-6)


def test_a_far_mixture_is_found_where_counting_follows_the_prior():
    shares = np.array([0.1, 0.2, 0.7])
    rows = simulate(shares, 20_000, prior=PRIOR)
    counted = np.bincount(rows.argmax(axis=1), minlength=3) / len(rows)
    assert np.abs(counted - shares).max() > 0.15
    np.testing.assert_allclose(estimate_mixture(rows, PRIOR), shares, atol=0.02)


def test_the_estimate_is_a_maximum_of_the_likelihood():
    rows = simulate([0.3, 0.3, 0.4], 300, prior=PRIOR)
    found = estimate_mixture(rows, PRIOR)
    best = np.log((rows / PRIOR) @ found).sum()
    others = np.random.default_rng(1).dirichlet(300 * found + 1, 200)
    assert (np.log((rows / PRIOR) @ others.T).sum(axis=0) <= best + 1e-6).all()


def test_names_that_say_nothing_leave_all_shares_possible():
    rows = np.repeat(PRIOR[None], 100, axis=0)
    found = estimate_mixture(rows, PRIOR)
    samples = draw_mixtures(rows, PRIOR, found, np.full(3, 1e6))
    assert samples.shape == (200, 3) and (np.ptp(samples, axis=0) > 0.3).all()


def test_intervals_contain_the_truth_as_often_as_they_say():
    random, covered = np.random.default_rng(0), []
    for seed in range(150):
        shares = random.dirichlet(np.ones(3))
        rows = simulate(shares, 150, prior=PRIOR, seed=seed)
        found = estimate_mixture(rows, PRIOR)
        low, high = bound_mixture(found, draw_mixtures(rows, PRIOR, found, np.full(3, 1e6), seed=seed), 150)
        covered.append((low <= shares) & (shares <= high))
    assert 0.91 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize("known", [10.0, 100.0])
def test_few_names_to_learn_from_make_intervals_wider_however_large_the_group(known):
    rows = simulate([0.5, 0.3, 0.2], 5000, prior=PRIOR, distance=1.0)
    found = estimate_mixture(rows, PRIOR)
    widths = []
    for names in (np.full(3, known), np.full(3, 1e6)):
        low, high = bound_mixture(found, draw_mixtures(rows, PRIOR, found, names, draws=100), len(rows))
        widths.append((high - low).mean())
    assert widths[0] > 1.5 * widths[1]


def test_an_interval_contains_its_estimate_and_stays_between_0_and_1():
    rows = simulate([0.97, 0.03, 0.0], 40, prior=PRIOR)
    found = estimate_mixture(rows, PRIOR)
    low, high = bound_mixture(found, draw_mixtures(rows, PRIOR, found, np.full(3, 5.0)), 40)
    assert (low >= 0).all() and (low <= found).all() and (found <= high).all() and (high <= 1).all()


def test_a_label_that_no_name_points_to_still_has_an_upper_limit():
    rows = np.eye(3)[[0] * 20]
    found = estimate_mixture(rows, PRIOR)
    _, high = bound_mixture(found, draw_mixtures(rows, PRIOR, found, np.full(3, 1e6)), 20)
    assert (high[1:] > 0.01).all()


def test_extreme_probabilities_give_numbers():
    rows = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] * 30)
    found = estimate_mixture(rows, PRIOR)
    assert np.isfinite(draw_mixtures(rows, PRIOR, found, np.full(3, 1e-3))).all()


def test_equal_seeds_draw_equal_samples():
    rows = simulate([0.2, 0.3, 0.5], 50, prior=PRIOR)
    found, known = estimate_mixture(rows, PRIOR), np.full(3, 20.0)
    first, again, other = (draw_mixtures(rows, PRIOR, found, known, draws=50, seed=seed) for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
