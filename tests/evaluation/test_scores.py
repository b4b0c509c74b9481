"""Evaluation: worked numbers, and the baseline that every model is held against."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from elman.errors import DataError
from elman.evaluation.scores import evaluate, evaluate_baseline, fit_baseline, majority, verdict
from elman.records import EvalReport, Example
from elman.text.vocabulary import Labels

LABELS = Labels(("Alfa", "Beta", "Gamma"))

# What the stand-in answers at temperature 1, as odds. Divided by a temperature of a half, they are squared.
ODDS = {"a": (2, 1, 1), "b": (1, 3, 1), "c": (3, 2, 1), "d": (1, 1, 2)}
STAND_IN = SimpleNamespace(
    artifact=SimpleNamespace(labels=LABELS, temperature=0.5),
    logits=lambda texts: np.log(np.array([ODDS[text] for text in texts], np.float32)),
)
EXAMPLES = [Example("a", "Alfa"), Example("b", "Beta"), Example("c", "Beta"), Example("d", "Gamma")]


def words(letters: str, label: str, count: int) -> list[Example]:
    return [Example("".join(letters[(k * j) % len(letters)] for j in range(1, 5)), label) for k in range(1, count + 1)]


def test_worked_scores_of_four_strings():
    report = evaluate(STAND_IN, EXAMPLES).report
    assert (report.examples, report.accuracy) == (4, 0.75)
    assert report.top_k == {2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0}
    # Alfa: precision 1/2, recall 1; Beta: precision 1, recall 1/2; Gamma: both 1
    assert report.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert (report.per_label["Beta"].precision, report.per_label["Beta"].recall) == (1.0, 0.5)
    assert report.per_label["Beta"].support == 2


def test_scores_are_those_of_calibrated_probabilities():
    evaluation = evaluate(STAND_IN, EXAMPLES)
    np.testing.assert_allclose(evaluation.probabilities[2], [9 / 14, 4 / 14, 1 / 14], rtol=1e-6)
    np.testing.assert_allclose(evaluation.uncalibrated_probabilities[2], [3 / 6, 2 / 6, 1 / 6], rtol=1e-6)
    calibrated, plain = (4 / 6, 9 / 11, 4 / 14, 4 / 6), (2 / 4, 3 / 5, 2 / 6, 2 / 4)
    assert evaluation.report.nll == pytest.approx(-sum(map(math.log, calibrated)) / 4, rel=1e-6)
    assert evaluation.uncalibrated.nll == pytest.approx(-sum(map(math.log, plain)) / 4, rel=1e-6)


def test_the_truth_stands_as_label_ids():
    assert evaluate(STAND_IN, EXAMPLES).truth.tolist() == [0, 1, 1, 2]


def test_a_label_that_the_model_cannot_give_is_refused_by_name():
    with pytest.raises(DataError, match="Delta"):
        evaluate(STAND_IN, [*EXAMPLES, Example("a", "Delta")])


def test_a_real_model_is_scored_as_it_predicts(predictor, finished_run):
    test = finished_run.run.task.split.test
    right = [predictor.predict(example.text).label == example.label for example in test]
    assert evaluate(predictor, test).report.accuracy == pytest.approx(sum(right) / len(right))


# The baseline


def test_the_baseline_learns_what_letters_tell():
    baseline = fit_baseline(words("abc", "Alfa", 20) + words("mno", "Beta", 20) + words("xyz", "Gamma", 20))
    report = evaluate_baseline(baseline, [*words("cab", "Alfa", 5), *words("zxy", "Gamma", 5)], LABELS)
    assert report.accuracy == 1.0
    assert report.nll < 0.5


def test_copies_count_in_the_baseline():
    examples = [Example("abab", "Alfa", 1), Example("abab", "Beta", 9)]
    for preferred, data in (("Beta", examples), ("Alfa", [replace(e, count=10 - e.count) for e in examples])):
        assert evaluate_baseline(fit_baseline(data), [Example("abab", preferred)], LABELS).accuracy == 1.0


def test_labels_that_the_baseline_never_saw_get_probability_zero():
    baseline = fit_baseline(words("abc", "Alfa", 9) + words("xyz", "Gamma", 9))
    report = evaluate_baseline(baseline, [Example("abca", "Beta")], LABELS)
    assert report.nll == pytest.approx(-math.log(np.finfo(float).tiny))
    assert (report.accuracy, report.top_k[2], report.top_k[3]) == (0.0, 0.0, 1.0)


def test_the_majority_counts_copies_and_is_asked_of_the_other_part():
    training = [Example("a", "Alfa"), Example("b", "Alfa"), Example("c", "Beta", 3)]
    assert majority(training, [Example("d", "Beta"), Example("e", "Alfa"), *[Example("f", "Gamma")] * 2]) == (
        "Beta",
        0.25,
    )


# The verdict


def report(accuracy: float, examples: int = 4) -> EvalReport:
    return EvalReport(
        examples=examples, accuracy=accuracy, top_k={}, macro_f1=0, nll=0, brier=0, calibration_error=0, per_label={}
    )


# One standard error of one half over four examples is exactly one quarter.


def test_a_model_more_than_a_standard_error_ahead_beats_the_baseline():
    assert verdict(report(0.76), report(0.5)) == "The model beats the baseline by 26.0 points of accuracy."


@pytest.mark.parametrize(("accuracy", "points"), [(0.75, "25.0"), (0.6, "10.0"), (0.5, "0.0")])
def test_a_model_up_to_a_standard_error_ahead_is_called_even(accuracy, points):
    said = verdict(report(accuracy), report(0.5))
    assert f"{points} points" in said
    assert "within one standard error (25.0): call it even" in said


@pytest.mark.parametrize(("accuracy", "points"), [(0.4999, "0.0"), (0.4, "10.0"), (0.0, "50.0")])
def test_a_model_behind_the_baseline_is_told_so(accuracy, points):
    said = verdict(report(accuracy), report(0.5))
    assert said.startswith(f"The model does NOT beat the baseline: it is {points} points")


def test_a_larger_test_part_needs_a_smaller_lead():
    assert "even" in verdict(report(0.52, 400), report(0.5, 400))
    assert "beats" in verdict(report(0.52, 4000), report(0.5, 4000))


def test_a_perfect_baseline_can_only_be_equalled():
    assert "even" in verdict(report(1.0), report(1.0))
