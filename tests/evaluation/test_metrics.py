"""Metrics agree with scikit-learn, and with arithmetic that fits in a comment."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn

from elman.evaluation.metrics import (
    brier_score,
    calibration_error,
    calibration_error_by_chance,
    negative_log_likelihood,
    reliability,
    score,
    score_numbers,
    score_tags,
    top_k_accuracy,
)

LABELS = ("Dutch", "Greek", "Irish", "Welsh", "Zulu", "Never")


@pytest.fixture(scope="module")
def answers():
    """Return 300 answers over 6 labels, and true labels that are never the last one."""
    draw = np.random.default_rng(0)
    return draw.dirichlet(np.full(6, 0.7), 300), draw.integers(0, 5, 300)


def test_scores_are_those_of_scikit_learn(answers):
    probabilities, truth = answers
    report, guesses, ids = score(probabilities, truth, LABELS), probabilities.argmax(axis=1), np.arange(6)
    present = {"labels": np.arange(5), "zero_division": 0.0}
    assert report.examples == 300
    assert report.accuracy == pytest.approx(sklearn.accuracy_score(truth, guesses))
    assert report.macro_f1 == pytest.approx(sklearn.f1_score(truth, guesses, average="macro", **present))
    assert report.nll == pytest.approx(sklearn.log_loss(truth, probabilities, labels=ids))
    assert {k: report.top_k[k] for k in (2, 3, 5)} == pytest.approx(
        {k: sklearn.top_k_accuracy_score(truth, probabilities, k=k, labels=ids) for k in (2, 3, 5)}
    )


def test_the_brier_score_of_several_labels_is_the_sum_over_them_of_scikit_learns(answers):
    probabilities, truth = answers
    each = [sklearn.brier_score_loss(truth == k, probabilities[:, k]) for k in range(6)]
    assert brier_score(probabilities, truth) == pytest.approx(sum(each))


def test_each_label_is_scored_as_scikit_learn_scores_it(answers):
    probabilities, truth = answers
    expected = sklearn.classification_report(
        truth,
        probabilities.argmax(axis=1),
        labels=np.arange(6),
        target_names=LABELS,
        output_dict=True,
        zero_division=0.0,
    )
    found = score(probabilities, truth, LABELS).per_label
    assert tuple(found) == LABELS[:5]  # the label without examples has no score
    for name, one in found.items():
        assert [one.precision, one.recall, one.f1, one.support] == pytest.approx(
            [expected[name][key] for key in ("precision", "recall", "f1-score", "support")]
        )


def test_log_likelihood_and_brier_score_worked_by_hand():
    probabilities, truth = np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 0])
    # -(ln 1/2 + ln 1/4) / 2 = 1.5 ln 2
    assert negative_log_likelihood(probabilities, truth) == pytest.approx(1.5 * math.log(2))
    # (0.5² + 0.5² + 0.75² + 0.75²) / 2 = (0.5 + 1.125) / 2
    assert brier_score(probabilities, truth) == pytest.approx(0.8125)


def test_the_brier_score_runs_from_0_to_2():
    sure = np.array([[1.0, 0.0]])
    assert (brier_score(sure, np.array([0])), brier_score(sure, np.array([1]))) == (0.0, 2.0)


def test_a_true_label_of_probability_0_has_a_high_but_finite_loss():
    loss = negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1]))
    assert 700 < loss < math.inf


def test_the_earlier_label_wins_a_tie_as_in_an_answer():
    tied = np.tile([1 / 60, 2 / 60], 20)[None]  # two values that alternate: an unstable sort would mix them
    for rank, label in enumerate([*range(1, 40, 2), *range(0, 40, 2)]):
        assert [top_k_accuracy(tied, np.array([label]), k) for k in (rank, rank + 1)] == [0, 1]


def test_as_many_answers_as_labels_always_include_the_right_one():
    level, truth = np.full((3, 3), 1 / 3), np.array([0, 1, 2])
    assert [top_k_accuracy(level, truth, k) for k in (1, 2, 3, 5)] == pytest.approx([1 / 3, 2 / 3, 1, 1])


# Ten answers over two labels: four of probability 0.9, three of them right; six of 0.6, three of them right.
CONSTRUCTED = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 6)
CONSTRUCTED_TRUTH = np.array([0, 0, 0, 1] + [0, 0, 0, 1, 1, 1])


def test_the_calibration_error_worked_by_hand():
    # (4 · |0.9 − 3/4| + 6 · |0.6 − 3/6|) / 10 = (0.6 + 0.6) / 10
    assert calibration_error(CONSTRUCTED, CONSTRUCTED_TRUTH) == pytest.approx(0.12)


def test_in_a_single_bin_errors_of_both_signs_cancel():
    # mean probability 0.72, 6 of 10 right
    assert calibration_error(CONSTRUCTED, CONSTRUCTED_TRUTH, bins=1) == pytest.approx(0.12)
    # 0.9: all right; 0.6: one of two right. In two bins (2 · 0.1 + 2 · 0.1) / 4, in one bin |0.75 − 0.75|
    probabilities, truth = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]]), np.array([0, 0, 0, 1])
    assert calibration_error(probabilities, truth) == pytest.approx(0.1)
    assert calibration_error(probabilities, truth, bins=1) == pytest.approx(0.0)


def test_reliability_counts_every_answer_once_and_skips_empty_bins(answers):
    count, mean, share = reliability(CONSTRUCTED, CONSTRUCTED_TRUTH)
    assert (count.tolist(), mean.tolist(), share.tolist()) == ([6, 4], pytest.approx([0.6, 0.9]), [0.5, 0.75])
    assert reliability(*answers)[0].sum() == 300


def test_a_certain_answer_falls_in_the_last_bin():
    count, mean, share = reliability(np.array([[1.0, 0.0], [0.96, 0.04]]), np.array([0, 1]))
    assert (count.tolist(), mean.tolist(), share.tolist()) == ([2], pytest.approx([0.98]), [0.5])


def test_answers_that_are_always_right_with_probability_1_have_no_error():
    report = score(np.eye(3), np.arange(3), ["a", "b", "c"])
    assert (report.accuracy, report.macro_f1, report.brier, report.calibration_error) == (1, 1, 0, 0)
    assert report.nll == pytest.approx(0)


def test_a_perfectly_calibrated_model_has_a_calibration_error_that_shrinks_with_more_examples():
    few, many = (np.random.default_rng(1).dirichlet(np.ones(4), size=n) for n in (100, 5000))
    assert calibration_error_by_chance(few) > calibration_error_by_chance(many) > 0
    certain = np.tile([1.0, 0.0], (50, 1))
    assert calibration_error_by_chance(certain) == 0


# Tags and numbers


def test_tags_are_scored_by_symbols_and_by_whole_strings():
    guesses = [np.array([0, 1, 2]), np.array([1]), np.array([2, 2])]
    truth = [np.array([0, 1, 1]), np.array([1]), np.array([0, 0])]
    report = score_tags(guesses, truth, 0.25)
    # 2 of 3, 1 of 1, 0 of 2 symbols; one string of three
    assert (report.examples, report.symbols, report.nll) == (3, 6, 0.25)
    assert (report.symbol_accuracy, report.string_accuracy) == pytest.approx((3 / 6, 1 / 3))


def test_a_long_string_counts_by_its_symbols_and_once_as_a_string():
    long, short = np.zeros(9, int), np.zeros(1, int)
    report = score_tags([long, short], [long, short + 1])
    assert (report.symbol_accuracy, report.string_accuracy, report.nll) == (0.9, 0.5, None)


@pytest.mark.parametrize(
    ("guesses", "truth"), [([np.array([1])], []), ([np.array([1, 2])], [np.array([1, 2, 0])])], ids=["one", "length"]
)
def test_tags_that_do_not_match_their_strings_are_refused(guesses, truth):
    with pytest.raises(ValueError):
        score_tags(guesses, truth)


def test_numbers_are_scored_as_scikit_learn_scores_them():
    draw = np.random.default_rng(0)
    truth = draw.normal(3, 2, 200)
    guesses = truth + draw.normal(0, 1, 200)
    report = score_numbers(guesses, truth)
    assert report.examples == 200
    assert report.r2 == pytest.approx(sklearn.r2_score(truth, guesses))
    assert report.rmse == pytest.approx(sklearn.root_mean_squared_error(truth, guesses))
    assert report.mae == pytest.approx(sklearn.mean_absolute_error(truth, guesses))


def test_numbers_worked_by_hand():
    # errors 1, −1, 0, 2: their squares sum to 6; those of the deviations from the mean, 2, to 4
    report = score_numbers(np.array([2.0, 0.0, 3.0, 5.0]), np.array([1.0, 1.0, 3.0, 3.0]))
    assert (report.r2, report.rmse, report.mae) == pytest.approx((1 - 6 / 4, math.sqrt(6 / 4), 4 / 4))


def test_the_mean_as_the_answer_explains_nothing_and_the_truth_everything():
    truth = np.array([1.0, 2.0, 6.0])
    assert score_numbers(np.full(3, 3.0), truth).r2 == pytest.approx(0)
    perfect = {"examples": 3, "r2": 1.0, "rmse": 0.0, "mae": 0.0, "abstained": 0, "abstentions": {}, "intervals": {}}
    assert score_numbers(truth, truth).to_dict() == perfect


def test_a_single_number_has_an_error_but_no_variance_to_explain():
    report = score_numbers(np.array([5.0]), np.array([2.0]))
    assert (report.examples, report.r2, report.rmse, report.mae) == (1, 0.0, 3.0, 3.0)


# Abstentions

PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]])


def test_an_abstention_is_not_right_and_has_no_probability():
    truth, reasons = np.array([0, 1, 1, 0]), [None, "blank", None, None]
    found, others = score(PROBABILITIES, truth, "ab", reasons=reasons), np.array([0, 2, 3])
    alone = score(PROBABILITIES[others], truth[others], "ab")
    assert (found.examples, found.accuracy, alone.accuracy) == (4, 0.5, 2 / 3)
    assert found.top_k == {k: 0.75 for k in found.top_k}
    assert (found.nll, found.brier, found.calibration_error) == (alone.nll, alone.brier, alone.calibration_error)
    # a: precision 2/3, recall 1; b: never answered, two examples
    assert (found.per_label["a"].precision, found.per_label["a"].recall) == (2 / 3, 1.0)
    assert (found.per_label["b"].recall, found.per_label["b"].support) == (0.0, 2)
    assert found.answered_accuracy == 2 / 3
    values = found.to_dict()
    assert (values["abstained"], values["abstentions"], values["answered_accuracy"]) == (1, {"blank": 1}, 2 / 3)


def test_without_abstentions_the_scores_are_the_same_to_the_last_bit():
    truth = np.array([0, 1, 1, 0])
    assert score(PROBABILITIES, truth, "ab", reasons=[None] * 4) == score(PROBABILITIES, truth, "ab")
    assert score(PROBABILITIES, truth, "ab").abstentions == {}


def test_without_any_answer_nothing_is_right_and_other_scores_are_unknown():
    found = score(PROBABILITIES, np.zeros(4, int), "ab", reasons=["blank", "too long", "blank", "blank"])
    assert (found.examples, found.accuracy, found.macro_f1, set(found.top_k.values())) == (4, 0.0, 0.0, {0.0})
    assert [found.nll, found.brier, found.calibration_error, found.answered_accuracy] == [None] * 4
    assert list(found.abstentions.items()) == [("blank", 3), ("too long", 1)]
