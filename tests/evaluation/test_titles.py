"""Titles: each score of a report has one title and one form, and tables leave out what says nothing."""

import numpy as np
import pytest

from elman.evaluation.metrics import score, score_numbers, score_tags
from elman.evaluation.titles import (
    SCORES,
    describe_abstentions,
    group_labels,
    list_scores,
    show_label_rows,
    show_rows,
)

LABELS = score(np.array([[0.5, 0.3, 0.2]]), np.array([1]), ["Dutch", "Greek", "Irish"]).to_dict()
TAGS = score_tags([np.array([0, 1])], [np.array([0, 0])]).to_dict()
NUMBERS = score_numbers(np.array([1.0, 2.0]), np.array([1.0, 3.0])).to_dict()


@pytest.mark.parametrize("report", [LABELS, TAGS, NUMBERS], ids=["labels", "tags", "numbers"])
def test_every_score_of_a_report_has_a_title(report):
    counts = {"examples", "symbols", "per_label", "abstained", "abstentions", "answered_accuracy", "intervals"}
    assert report.keys() - counts == {one.key for one in list_scores(report, labels=99, ranks=(2, 3, 4, 5))}


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("accuracy", 0.8566, "85.7 %"),
        ("top_4", 1.0, "100.0 %"),
        ("nll", 0.47512, "0.475 nats"),
        ("nll", None, "–"),
        ("brier", 0.2114, "0.211"),
        ("r2", 0.99994, "0.9999"),
        ("rmse", 1234.56, "1235"),
        ("mae", 0.000012345, "1.234e-05"),
    ],
)
def test_a_value_is_shown_with_its_unit(key, value, text):
    assert SCORES[key].show(value) == text


@pytest.mark.parametrize(("labels", "ranks"), [(2, []), (3, [2]), (4, [2, 3]), (5, [2, 3]), (6, [2, 3, 5])])
def test_ranks_that_every_label_reaches_are_left_out(labels, ranks):
    found = [one.key for one in list_scores(LABELS, labels=labels)]
    assert [key for key in found if key.startswith("top_")] == [f"top_{k}" for k in ranks]


def test_a_table_has_one_row_for_each_score_and_one_column_for_each_report():
    assert show_rows(TAGS, {**TAGS, "nll": 0.5}, labels=2) == [
        ("symbols right", "50.0 %", "50.0 %"),
        ("whole strings right", "0.0 % (0.0 to 79.3)", "0.0 % (0.0 to 79.3)"),
        ("negative log-likelihood", "–", "0.500 nats"),
    ]


def test_the_order_is_that_of_the_table_and_not_of_the_report():
    titles = [row[0] for row in show_rows(dict(reversed(LABELS.items())), labels=3)]
    assert titles == ["accuracy", "top 2", "macro-F1", "negative log-likelihood", "Brier score", "calibration error"]


def test_abstentions_are_described_by_what_they_mean_for_the_scores():
    abstained = {"examples": 1200, "abstentions": {"blank: x": 1000, "too long: y": 2}}
    start = "the model abstains for 1,002 of 1,200 examples (1,000 blank, 2 too long), "
    assert describe_abstentions({**abstained, "accuracy": 0.5}) == start + "which count as wrong"
    assert describe_abstentions({**abstained, "rmse": 0.5}) == start + "which are not scored"
    assert describe_abstentions({"examples": 9, "abstentions": {}}) is None


def test_few_labels_are_one_group_and_no_labels_none():
    per_label = {name: {"f1": 0.5, "support": 3} for name in "abc"}
    assert group_labels(per_label) == [("", ["a", "b", "c"])]
    assert group_labels({}) == []


def test_many_labels_are_the_largest_the_best_and_the_worst():
    per_label = {k: {"f1": (k * 7 % 101) / 101, "support": (k * 13) % 103} for k in range(100)}
    (_, largest), (_, best), (_, worst) = group_labels(per_label)
    by_score = sorted(per_label, key=lambda k: per_label[k]["f1"])
    assert largest == sorted(per_label, key=lambda k: -per_label[k]["support"])[:10]
    assert (worst, best) == (by_score[:10], by_score[:-11:-1])


def test_labels_of_written_strings_are_ranked_by_their_errors():
    scores = {str(one): {"examples": 9, "word_error_rate": one / 40, "symbol_error_rate": 0.0} for one in range(40)}
    (_, _), (title, worst), (_, best) = group_labels(scores)
    assert title == "the 10 with the most whole strings wrong" and (worst[0], best[0]) == ("39", "0")
    headings, rows = show_label_rows(scores, ["20"])
    assert headings[-1] == "whole strings wrong" and rows == [("20", "9", "0 %", "50 %")]
