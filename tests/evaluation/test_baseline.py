"""The baseline: quick and bounded, or full."""

import math
from dataclasses import replace

import numpy as np
import pytest

from elman.errors import SettingError
from elman.evaluation.baseline import (
    FULL,
    LEAST_PASSES,
    LEAST_PRODUCTS,
    QUICK,
    count_products,
    describe_fit,
    evaluate_baseline,
    fit_baseline,
    plan_fit,
)
from elman.records import Example
from elman.text.vocabulary import Labels

LABELS = Labels(("Alfa", "Beta", "Gamma"))


def words(letters: str, label: str, count: int) -> list[Example]:
    return [Example("".join(letters[(k * j) % len(letters)] for j in range(1, 5)), label) for k in range(1, count + 1)]


both = pytest.mark.parametrize("kind", [QUICK, FULL])


@both
def test_the_baseline_learns_which_letters_a_label_has(kind):
    examples = words("abc", "Alfa", 20) + words("mno", "Beta", 20) + words("xyz", "Gamma", 20)
    tested = [*words("cab", "Alfa", 5), *words("zxy", "Gamma", 5)]
    report = evaluate_baseline(fit_baseline(examples, kind), tested, LABELS)
    assert report.accuracy == 1.0
    assert report.nll < 0.5


@both
def test_copies_count_in_the_baseline(kind):
    examples = [Example("abab", "Alfa", 1), Example("abab", "Beta", 9)]
    for preferred, data in (("Beta", examples), ("Alfa", [replace(e, count=10 - e.count) for e in examples])):
        baseline = fit_baseline(data, kind)
        assert evaluate_baseline(baseline, [Example("abab", preferred)], LABELS).accuracy == 1.0


@both
def test_labels_missing_in_the_baselines_training_part_get_probability_zero(kind):
    baseline = fit_baseline(words("abc", "Alfa", 9) + words("xyz", "Gamma", 9), kind)
    report = evaluate_baseline(baseline, [Example("abca", "Beta")], LABELS)
    assert report.nll == pytest.approx(-math.log(np.finfo(float).tiny))
    assert (report.accuracy, report.top_k[2], report.top_k[3]) == (0.0, 0.0, 1.0)


def noisy(count: int, seed: int) -> list[Example]:
    """Words of three labels; each label prefers its own letters a little."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, count)
    kinds = np.where(random.random((count, 6)) < 0.3, truth[:, None], random.integers(0, 3, (count, 6)))
    letters = np.array([list("abcd"), list("efgh"), list("ijkl")])[kinds, random.integers(0, 4, (count, 6))]
    return [Example("".join(row), LABELS.names[label]) for row, label in zip(letters, truth, strict=True)]


def test_the_quick_baseline_is_about_as_strong_as_the_full_one():
    quick, full = (
        evaluate_baseline(fit_baseline(noisy(500, 0), kind), noisy(500, 1), LABELS) for kind in (QUICK, FULL)
    )
    assert full.accuracy > 0.6
    assert quick.accuracy > full.accuracy - 0.05
    assert quick.nll < full.nll + 0.1


def test_passes_are_given_up_before_strings_are():
    examples = noisy(1000, 0) * 100
    one = count_products(examples, labels=3)
    assert one / LEAST_PRODUCTS > 2  # otherwise the floor decides
    assert plan_fit(examples[:500], labels=3) == (20, 500)
    assert plan_fit(examples, labels=3) == (2, len(examples))
    assert plan_fit(examples[:30_000], labels=3, allowed=1.5 * one) == (5, 30_000)
    assert plan_fit(examples, labels=3, allowed=2.0 * one) == (2, len(examples))
    passes, strings = plan_fit(examples, labels=3, allowed=one)
    assert (passes, strings) == (LEAST_PASSES, pytest.approx(len(examples) / 2, rel=1e-3))


def test_a_baseline_that_sees_a_sample_says_so_and_knows_all_labels():
    examples = noisy(3000, 0)
    many = [replace(example, label=f"{example.label} {place % 4000}") for place, example in enumerate(examples)]
    baseline = fit_baseline(many, allowed=1.0)
    assert 0 < baseline.strings < baseline.available == 3000
    assert f"{baseline.strings:,} of the 3,000 strings" in describe_fit(baseline.to_dict())
    assert len(baseline.model.classes_) == len({example.label for example in many})
    assert baseline.to_dict() == {"kind": QUICK, "strings": baseline.strings, "available": 3000}
    again = fit_baseline(many, allowed=1.0)
    assert np.array_equal(again.model.predict_proba(["abcd"]), baseline.model.predict_proba(["abcd"]))


def test_a_baseline_that_sees_all_strings_says_what_it_is():
    quick, full = (describe_fit(fit_baseline(noisy(20, 0), kind).to_dict()) for kind in (QUICK, FULL))
    assert quick.endswith("hashed character n-grams of 1 to 5, fitted on the same training part.")
    assert full == quick.replace("hashed ", "")


def test_another_kind_of_baseline_is_refused():
    with pytest.raises(SettingError, match="baseline must be one of quick, full; got 'slow'"):
        fit_baseline(noisy(20, 0), "slow")
