"""Prediction sets hold the right label as often as stated, and are no larger than they need to be."""

import math

import numpy as np
import pytest

from elman.evaluation import conformal
from elman.evaluation.conformal import MANY, describe_sets, find_threshold, fit_sets, measure_sets, score_truth
from elman.model.hierarchy import Levels
from elman.model.sets import COVERAGES, Sets
from elman.scoring.probabilities import softmax

LABELS = 12
LEVELS = Levels(("label", "group"), (tuple("aaaabbbbcccc"),))


def draw(count, seed, *, sharpness=2.5):
    """Logits that are overconfident, and true labels drawn from the probabilities at half of them."""
    generator = np.random.default_rng(seed)
    logits = sharpness * generator.normal(size=(count, LABELS))
    chances = softmax(logits, 2.0)
    return logits, (chances.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)


@pytest.mark.parametrize("count", [400, MANY + 500])
def test_sets_of_new_strings_hold_the_right_label_as_often_as_stated(count):
    measured = []
    for seed in range(12):
        sets = fit_sets(*draw(count, seed), levels=LEVELS, seed=seed)
        logits, truth = draw(3000, 1000 + seed)
        measured.append([row["measured"] for row in measure_sets(sets, softmax(logits, 2.0), truth, LEVELS)])
    means = np.mean(measured, axis=0)
    assert means[:3] == pytest.approx(COVERAGES, abs=0.015)
    assert (means[3:] >= np.array(COVERAGES) - 0.015).all()


def test_few_strings_give_sets_of_all_labels():
    sets = fit_sets(*draw(18, 0))
    assert sets.thresholds[0][2] == math.inf
    _, sizes = sets.list_members(softmax(draw(5, 1)[0]), 0.95)
    assert sizes.tolist() == [LABELS] * 5
    assert "come from 18 strings" in describe_sets(measure_sets(sets, softmax(draw(5, 1)[0]), draw(5, 1)[1]), 18)[0]


def test_the_score_of_a_true_label_is_at_most_the_threshold_of_the_sets_that_hold_it():
    logits, truth = draw(200, 3)
    probabilities, scores = softmax(logits), score_truth(softmax(logits), truth, 0.01, 3)
    threshold = find_threshold(scores, 0.9)
    order, sizes = Sets((0.9,), ((threshold,),), 0.01, 3).list_members(probabilities, 0.9)
    held = [label in row[:size] for label, row, size in zip(truth, order, sizes, strict=True)]
    assert held == (scores <= threshold).tolist()


def test_the_same_strings_give_the_same_thresholds():
    assert fit_sets(*draw(MANY, 4), seed=1) == fit_sets(*draw(MANY, 4), seed=1)


def test_the_temperature_that_scores_a_string_was_fitted_without_it(monkeypatch):
    logits, truth = draw(50, 7)
    seen = []
    monkeypatch.setattr(conformal, "fit_temperature", lambda some, true, floor: seen.append(some) or 2.0)
    fit_sets(logits, truth)
    rows = [{row.tobytes() for row in some} for some in seen]
    assert [len(some) for some in rows] == [40] * 5
    assert set.intersection(*rows) == set()


def test_the_report_has_a_row_for_each_level_and_coverage():
    sets = fit_sets(*draw(300, 5), levels=LEVELS)
    rows = measure_sets(sets, softmax(draw(50, 6)[0]), draw(50, 6)[1], LEVELS)
    assert [(row["level"], row["coverage"]) for row in rows] == [
        (level, coverage) for level in LEVELS.names for coverage in COVERAGES
    ]
    assert all(row["interval"][0] <= row["measured"] <= row["interval"][1] for row in rows)
