"""Verdicts: three answers, by a paired test, and hardly ever a win on noise."""

import numpy as np
import pytest
from scipy.stats import binomtest

from elman.evaluation.verdict import (
    BASELINE,
    BETTER,
    CANNOT_TELL,
    CONSTANT,
    WORSE,
    Comparison,
    _bound_paired_shares,
    compare,
    decide,
    write_verdict,
)
from elman.reports import Outcomes


def shares(right):
    return Outcomes(np.asarray(right, float), np.ones(len(right)))


def compare_counts(better, worse, examples):
    """Compare two models of which the one is right on ``better`` strings alone, the other on ``worse``."""
    own = np.zeros(examples)
    other = np.zeros(examples)
    own[:better], other[better : better + worse] = 1, 1
    return compare(shares(own), shares(other), kind=BASELINE, name="a coin")


@pytest.mark.parametrize(
    ("better", "worse", "examples", "answer"),
    [
        (6, 0, 20, BETTER),
        (5, 0, 20, CANNOT_TELL),
        (0, 6, 20, WORSE),
        (0, 0, 5, CANNOT_TELL),
        (60, 40, 200, CANNOT_TELL),
        (600, 400, 2000, BETTER),
    ],
)
def test_the_answer_is_that_of_mcnemars_exact_test(better, worse, examples, answer):
    found = compare_counts(better, worse, examples)
    assert found.answer == answer
    assert found.difference == pytest.approx((better - worse) / examples)
    assert found.p_value == pytest.approx(binomtest(better, better + worse).pvalue if better + worse else 1)
    low, high = found.interval
    assert low < high  # never empty, not even if both are right on all strings


def test_an_interval_excludes_zero_if_and_only_if_the_test_rejects():
    for examples in (1, 5, 20, 100):
        for better in range(examples + 1):
            for worse in range(examples - better + 1):
                if better + worse and binomtest(better, better + worse).pvalue <= 0.05:
                    low, high = _bound_paired_shares(better, worse, examples)
                    assert low > 0 or high < 0
                    if examples > 20:
                        break


def test_scores_by_string_are_compared_by_random_signs():
    draw = np.random.default_rng(0)
    lengths = draw.integers(3, 9, 40).astype(float)
    strong, weak = Outcomes(lengths - 1, lengths), Outcomes(np.maximum(lengths - draw.integers(1, 4, 40), 0), lengths)
    assert compare(strong, weak, kind=BASELINE, name="x").answer == BETTER
    assert compare(weak, strong, kind=BASELINE, name="x").answer == WORSE
    few = compare(Outcomes(lengths[:5], lengths[:5]), Outcomes(lengths[:5] - 1, lengths[:5]), kind=BASELINE, name="x")
    assert few.answer == CANNOT_TELL  # five signs are equal once in 16
    assert few.p_value == pytest.approx(2 / 32, abs=0.01)


def test_strings_that_one_of_them_does_not_answer_are_left_out():
    own, other = np.array([1.0, np.nan, 1.0]), np.array([0.0, 1.0, np.nan])
    found = compare(Outcomes(own, np.ones(3)), Outcomes(other, np.ones(3)), kind=BASELINE, name="x")
    assert (found.examples, found.difference) == (1, 1.0)
    nothing = compare(Outcomes(np.full(3, np.nan), np.ones(3)), shares([1, 1, 1]), kind=BASELINE, name="x")
    assert (nothing.examples, nothing.answer) == (0, CANNOT_TELL)


def test_coins_hardly_ever_beat_coins():
    draw, wins = np.random.default_rng(0), 0
    for _ in range(400):
        own, other, always = (shares(draw.random(20) < 0.5) for _ in range(3))
        comparisons = [
            compare(own, other, kind=BASELINE, name="a coin"),
            compare(own, always, kind=CONSTANT, name="a side"),
        ]
        wins += decide(comparisons) == BETTER
    assert wins <= 0.025 * 400


def comparison(difference, interval, kind=BASELINE, name="the other"):
    return Comparison(kind, name, "accuracy", 120, difference, interval, 0.5)


def test_better_means_better_than_both_and_worse_than_one_is_enough():
    up, even, down = (comparison(d, (d - 0.1, d + 0.1)) for d in (0.2, 0.0, -0.2))
    assert decide([up, up]) == BETTER
    assert decide([up, even]) == decide([even, up]) == decide([even, even]) == CANNOT_TELL
    assert decide([up, down]) == decide([down, even]) == WORSE


def test_a_verdict_names_what_it_compares_with_and_says_what_to_do():
    constant = comparison(0.3, (0.2, 0.4), CONSTANT, "always answering Greek")
    assert write_verdict([comparison(0.1, (0.05, 0.15)), constant]) == (
        "Better: on 120 strings the accuracy of the model is 10.0 points above that of the other (5.0 to 15.0) "
        "and 30.0 points above that of always answering Greek (20.0 to 40.0)."
    )
    worse = write_verdict([comparison(-0.1, (-0.15, -0.05)), constant])
    assert worse.startswith("Worse: ") and "10.0 points below that of the other (−15.0 to −5.0)" in worse
    assert worse.endswith("Use the baseline, more data, or another setting.")
    unsure = write_verdict([comparison(0.0, (-0.05, 0.05)), constant])
    assert unsure.startswith("Cannot tell on so few: ") and "is equal to that of the other (−5.0 to 5.0)" in unsure


def test_what_was_learned_by_heart_is_no_win():
    verdict = write_verdict([comparison(0.9, (0.8, 1.0))], by_heart=True)
    assert verdict.startswith("Cannot tell, because nothing was kept back to test on: ")
