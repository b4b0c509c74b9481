"""The intervals of reports: each sample is scored as the report itself would score it."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from elman.evaluation import intervals
from elman.evaluation.metrics import score, score_numbers, score_tags
from elman.evaluation.uncertainty import measure_ranking


def draw_answers(count, labels=4, seed=0):
    draw = np.random.default_rng(seed)
    return draw.dirichlet(np.full(labels, 0.5), count), draw.integers(0, labels, count)


def test_every_score_has_an_interval_around_it():
    probabilities, truth = draw_answers(200)
    report = score(probabilities, truth, "abcd")
    scores = {"accuracy", "answered_accuracy", "macro_f1", "nll", "brier", "calibration_error"}
    assert report.intervals.keys() == scores | {"top_2", "top_3"}  # one of four is always among the first four
    values = report.to_dict()
    for name, (low, high) in report.intervals.items():
        assert low < values[name] < high
        assert values["intervals"][name] == [low, high]
    for one in report.per_label.values():
        assert one.intervals.keys() == {"precision", "recall", "f1"}
        assert all(low <= getattr(one, name) <= high for name, (low, high) in one.intervals.items())


def test_the_samples_are_scored_like_the_report():
    """With weights instead of copies, each sample must have the scores of the strings that it drew."""
    probabilities, truth = draw_answers(60)
    random, found = np.random.default_rng(0), {"macro_f1": [], "nll": [], "brier": [], "calibration_error": []}
    for _ in range(40):
        drawn = random.integers(0, 60, 60)
        sample = score(probabilities[drawn], truth[drawn], "abcd", draws=0)
        for name, values in found.items():
            values.append(getattr(sample, name))
    report = score(probabilities, truth, "abcd", draws=40)
    for name, values in found.items():
        value = getattr(report, name)
        expected = intervals.bound_score(value, np.array(values), examples=60, low=0.0, high=np.inf)
        assert report.intervals[name] == pytest.approx(expected)


def test_more_strings_make_narrower_intervals():
    widths = []
    for count in (50, 800):
        ends = score(*draw_answers(count), "abcd").intervals
        widths.append([high - low for low, high in ends.values()])
    assert (np.array(widths[0]) > 2 * np.array(widths[1])).all()


def test_a_perfect_part_of_five_strings_is_no_certainty():
    report = score(np.tile([0.9, 0.1], (5, 1)), np.zeros(5, int), "ab")
    for name in ("accuracy", "macro_f1"):
        low, high = report.intervals[name]
        assert low < 0.6 and high == 1.0


def test_a_single_string_has_the_interval_of_a_share_and_no_other():
    found = score(np.array([[0.9, 0.1]]), np.array([0]), "ab").intervals
    assert found.keys() == {"accuracy", "answered_accuracy", "macro_f1"}


def test_abstentions_are_drawn_too():
    probabilities, truth = draw_answers(40)
    report = score(probabilities, truth, "abcd", reasons=[None, "blank"] * 20)
    low, high = report.intervals["nll"]
    assert low < report.nll < high
    nothing = score(probabilities, truth, "abcd", reasons=["blank"] * 40).intervals
    assert nothing.keys() == {"accuracy", "top_2", "top_3"}


# Two labels


def test_areas_under_the_curves_are_those_of_scikit_learn():
    draw = np.random.default_rng(0)
    scores, positive = draw.integers(0, 12, 300) / 12, draw.random(300) < 0.3
    weights = draw.integers(0, 3, 300)
    distinct = np.unique(scores)
    counts = [
        np.array([[weights[(scores == s) & (positive == kind)].sum() for s in distinct]]) for kind in (True, False)
    ]
    roc, pr = measure_ranking(*(count.astype(float) for count in counts))
    assert roc[0] == pytest.approx(roc_auc_score(positive, scores, sample_weight=weights))
    assert pr[0] == pytest.approx(average_precision_score(positive, scores, sample_weight=weights))


def test_two_labels_have_areas_of_the_rarer_one_with_intervals():
    draw = np.random.default_rng(1)
    truth = (draw.random(300) < 0.2).astype(int)
    chances = np.clip(0.3 * truth + draw.random(300) * 0.7, 0, 1)
    report = score(np.stack([1 - chances, chances], axis=1), truth, ["ok", "fraud"])
    assert report.positive == "fraud"
    assert report.roc_auc == pytest.approx(roc_auc_score(truth, chances))
    assert report.pr_auc == pytest.approx(average_precision_score(truth, chances))
    for name in ("roc_auc", "pr_auc"):
        low, high = report.intervals[name]
        assert low < getattr(report, name) < high


def test_one_label_alone_has_no_curve_and_three_have_none_either():
    alone = score(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 0]), "ab")
    assert (alone.positive, alone.roc_auc, alone.pr_auc) == ("b", None, None)
    assert "roc_auc" not in score(*draw_answers(9), "abcd").to_dict()


# Tags and numbers


def test_tags_are_drawn_by_string():
    long = [np.zeros(50, int)] * 4
    truth = [np.zeros(50, int), np.ones(50, int)] * 2
    low, high = score_tags(long, truth).intervals["symbol_accuracy"]
    assert low < 0.05 and high > 0.95  # 100 of 200 symbols, but of four strings only
    alone = score_tags(long[:1], truth[:1]).intervals
    assert alone["symbol_accuracy"] == alone["string_accuracy"] == intervals.bound_share(1, 1)


def test_numbers_have_intervals_in_their_own_unit():
    draw = np.random.default_rng(0)
    truth = draw.normal(1e6, 10, 400)
    guesses = truth + draw.normal(0, 5, 400)
    report = score_numbers(guesses, truth)
    low, high = report.intervals["rmse"]
    assert 4 < low < report.rmse < high < 6
    low, high = report.intervals["r2"]
    assert 0.6 < low < report.r2 < high < 0.85
