"""Evaluation: scores worked by hand, the majority and the verdict."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from elman.errors import DataError
from elman.evaluation.metrics import count_reasons, score_numbers, score_tags
from elman.evaluation.scores import (
    evaluate,
    evaluate_logits,
    evaluate_numbers,
    evaluate_tag_logits,
    evaluate_tags,
    find_majority,
)
from elman.prediction.inputs import NOT_FINITE
from elman.records import Example
from elman.text.vocabulary import Labels

LABELS = Labels(("Alfa", "Beta", "Gamma"))

# What the fake model answers at temperature 1, as odds. A temperature of a half squares them.
ODDS = {"a": (2, 1, 1), "b": (1, 3, 1), "c": (3, 2, 1), "d": (1, 1, 2)}
FAKE = SimpleNamespace(
    artifact=SimpleNamespace(labels=LABELS, temperature=0.5, floor=0.0, familiarity=None),
    logits=lambda texts: np.log(np.array([ODDS[text] for text in texts], np.float32)),
    abstentions=lambda texts: [None] * len(texts),
)
EXAMPLES = [Example("a", "Alfa"), Example("b", "Beta"), Example("c", "Beta"), Example("d", "Gamma")]


def test_worked_scores_of_four_strings():
    report = evaluate(FAKE, EXAMPLES).report
    assert (report.examples, report.accuracy) == (4, 0.75)
    assert report.top_k == {2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0}
    # Alfa: precision 1/2, recall 1; Beta: precision 1, recall 1/2; Gamma: both 1
    assert report.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert (report.per_label["Beta"].precision, report.per_label["Beta"].recall) == (1.0, 0.5)
    assert report.per_label["Beta"].support == 2


def test_scores_are_those_of_calibrated_probabilities():
    evaluation = evaluate(FAKE, EXAMPLES)
    np.testing.assert_allclose(evaluation.probabilities[2], [9 / 14, 4 / 14, 1 / 14], rtol=1e-6)
    np.testing.assert_allclose(evaluation.uncalibrated_probabilities[2], [3 / 6, 2 / 6, 1 / 6], rtol=1e-6)
    calibrated, plain = (4 / 6, 9 / 11, 4 / 14, 4 / 6), (2 / 4, 3 / 5, 2 / 6, 2 / 4)
    assert evaluation.report.nll == pytest.approx(-sum(map(math.log, calibrated)) / 4, rel=1e-6)
    assert evaluation.uncalibrated.nll == pytest.approx(-sum(map(math.log, plain)) / 4, rel=1e-6)


def test_the_truth_is_in_label_ids():
    assert evaluate(FAKE, EXAMPLES).truth.tolist() == [0, 1, 1, 2]


def test_an_unknown_label_is_refused_by_name():
    with pytest.raises(DataError, match="Delta"):
        evaluate(FAKE, [*EXAMPLES, Example("a", "Delta")])


def test_an_evaluation_keeps_the_names_of_its_labels_and_no_images():
    evaluation = evaluate(FAKE, EXAMPLES)
    assert (evaluation.labels, evaluation.images) == (LABELS.names, None)


def test_a_real_model_is_scored_as_it_predicts(predictor, finished_run):
    test = finished_run.run.task.split.test
    right = [predictor.predict(example.text).label == example.label for example in test]
    assert evaluate(predictor, test).report.accuracy == pytest.approx(sum(right) / len(right))


# Abstentions


def test_strings_that_the_model_abstains_for_are_counted_and_never_right():
    silent = SimpleNamespace(**{**vars(FAKE), "abstentions": lambda texts: [None, "blank", None, None]})
    evaluation = evaluate(silent, EXAMPLES)
    assert (evaluation.report.accuracy, evaluation.report.abstentions) == (0.5, {"blank": 1})
    assert (len(evaluation.probabilities), evaluation.truth.tolist()) == (3, [0, 1, 2])
    assert evaluation.uncalibrated.abstentions == {"blank": 1}
    only = evaluate(FAKE, [EXAMPLES[0], *EXAMPLES[2:]]).report
    assert (evaluation.report.nll, evaluation.report.calibration_error) == (only.nll, only.calibration_error)


def test_an_answer_that_is_not_finite_is_an_abstention():
    logits = np.array([[0, 1, 0], [np.inf, 0, 0], [np.nan, 0, 0]], np.float32)
    evaluation = evaluate_logits(logits, np.array([1, 0, 0]), LABELS, 1.0, images=np.arange(3)[:, None, None])
    assert evaluation.report.abstentions == {NOT_FINITE: 2}
    assert (evaluation.report.accuracy, evaluation.images.tolist()) == (1 / 3, [[[0]]])


def test_a_real_model_is_scored_as_it_predicts_also_where_it_abstains(predictor):
    texts = ["abcab", "42", "-", "mnop", "a" * 201, "kkk", "vwxyz"]
    examples = [Example(text, "Alfa") for text in texts]
    answers = predictor.predict(texts)
    report = evaluate(predictor, examples).report
    assert report.accuracy == pytest.approx(sum(answer.label == "Alfa" for answer in answers) / len(texts))
    assert report.abstentions == count_reasons(answer.reason for answer in answers)
    assert sum(report.abstentions.values()) == 4


def test_a_model_that_reads_nothing_of_the_data_has_no_rows_and_no_pictures(predictor):
    evaluation = evaluate(predictor, [Example("42", "Alfa"), Example("7", "Beta")])
    assert (evaluation.report.accuracy, evaluation.report.nll, len(evaluation.truth)) == (0.0, None, 0)
    assert sum(evaluation.report.abstentions.values()) == 2


# The majority


def test_the_majority_counts_copies_and_is_scored_on_the_other_part():
    training = [Example("a", "Alfa"), Example("b", "Alfa"), Example("c", "Beta", 3)]
    assert find_majority(training, [Example("d", "Beta"), Example("e", "Alfa"), *[Example("f", "Gamma")] * 2]) == (
        "Beta",
        0.25,
    )


# Tags and numbers

TAG_LOGITS = [np.log(np.array([[3, 1], [1, 1], [1, 3]], np.float32)), np.log(np.array([[1, 3]], np.float32))]
TAG_TRUTH = [np.array([0, 1, 1]), np.array([0])]


def test_tags_are_scored_by_calibrated_probabilities():
    found = evaluate_tag_logits(TAG_LOGITS, TAG_TRUTH, 0.5)
    # odds of 3 to 1 are squared: 9/10, 1/2, 9/10 and 1/10 for the true tags
    assert found.nll == pytest.approx(-sum(map(math.log, (0.9, 0.5, 0.9, 0.1))) / 4, rel=1e-6)
    guesses = [np.array([0, 0, 1]), np.array([1])]
    assert (found.symbol_accuracy, found.string_accuracy) == (0.5, 0.0)
    assert replace(score_tags(guesses, TAG_TRUTH, found.nll), intervals=found.intervals) == found


def test_a_string_with_more_tags_than_symbols_is_refused():
    with pytest.raises(DataError, match="each symbol needs one tag"):
        evaluate_tags(FAKE, [Example("ab", "xyz")])


def test_numbers_keep_their_answers_and_the_truth():
    scorer = SimpleNamespace(logits=lambda sequences: np.array([[1.0], [3.0]], np.float32))
    found = evaluate_numbers(SimpleNamespace(scorer=scorer, labels=("rent",)), ["a", "b"], np.array([1.0, 2.0]))
    assert (found.answers.tolist(), found.truth.tolist(), found.name) == ([1, 3], [1, 2], "rent")
    assert (found.report.mae, found.answers.dtype) == (0.5, np.float64)


def test_the_tags_of_a_string_that_is_not_answered_are_not_right():
    found = evaluate_tag_logits(TAG_LOGITS, TAG_TRUTH, 0.5, reasons=[None, "too long"])
    alone = evaluate_tag_logits(TAG_LOGITS[:1], TAG_TRUTH[:1], 0.5)
    assert (found.examples, found.symbols, found.nll) == (2, 4, alone.nll)
    assert (found.symbol_accuracy, found.string_accuracy, found.abstentions) == (0.5, 0.0, {"too long": 1})
    none = evaluate_tag_logits(TAG_LOGITS, TAG_TRUTH, 0.5, reasons=["blank", "blank"])
    assert (none.symbol_accuracy, none.nll) == (0.0, None)
    infinite = evaluate_tag_logits([TAG_LOGITS[0], np.full((1, 2), np.inf, np.float32)], TAG_TRUTH, 0.5)
    assert infinite.abstentions == {NOT_FINITE: 1}


def test_numbers_that_are_not_answered_are_counted_and_not_scored():
    scorer = SimpleNamespace(logits=lambda sequences: np.array([[1.0], [3.0], [np.inf], [5.0]], np.float32))
    fake, truth = SimpleNamespace(scorer=scorer, labels=("rent",)), np.array([1.0, 2.0, 3.0, 4.0])
    found = evaluate_numbers(fake, list("abcd"), truth, reasons=[None, None, None, "too long"])
    assert (found.report.examples, found.report.abstentions) == (4, {NOT_FINITE: 1, "too long": 1})
    assert (found.answers.tolist(), found.truth.tolist()) == ([1, 3], [1, 2])
    assert found.report.mae == score_numbers(np.array([1.0, 3.0]), np.array([1.0, 2.0])).mae
    none = evaluate_numbers(fake, list("abcd"), truth, reasons=["blank"] * 4).report
    assert (none.examples, none.r2, none.rmse, none.mae, none.abstentions) == (4, None, None, None, {"blank": 4})
