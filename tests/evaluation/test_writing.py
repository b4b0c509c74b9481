"""Scores of models that write: nats, bits and perplexity of a symbol, and what is not scored."""

import math

import numpy as np
import pytest

from elman.evaluation.verdict import NATS, compare
from elman.evaluation.writing import score_writing


def test_the_score_is_the_mean_of_a_symbol_and_not_of_a_string():
    report = score_writing([2.0, 8.0], [1, 9])
    assert report.nats_per_symbol == 1.0 and report.symbols == 10
    assert report.bits_per_symbol == pytest.approx(1 / math.log(2))
    assert report.perplexity == pytest.approx(math.e)


def test_a_string_that_cannot_be_written_is_counted_and_not_scored():
    report = score_writing([2.0, math.nan], [2, 1], [None, "unknown symbol"])
    assert (report.examples, report.symbols, report.nats_per_symbol) == (2, 2, 1.0)
    assert report.to_dict()["abstentions"] == {"unknown symbol": 1}


def test_a_model_that_can_write_nothing_has_no_scores():
    report = score_writing([math.nan], [1], ["unknown symbol"])
    assert report.nats_per_symbol is report.perplexity is None and report.intervals == {}


def test_intervals_hold_the_score_and_those_of_bits_and_perplexity_are_the_same_ones():
    nats = np.random.default_rng(0).gamma(4, 3, 300)
    report = score_writing(nats, np.full(300, 6))
    low, high = report.intervals["nats_per_symbol"]
    assert low < report.nats_per_symbol < high
    assert report.intervals["bits_per_symbol"] == pytest.approx((low / math.log(2), high / math.log(2)))
    assert report.intervals["perplexity"] == pytest.approx((math.exp(low), math.exp(high)))
    half = (high - low) / 2
    assert half == pytest.approx(1.96 * nats.std() / 6 / math.sqrt(300), rel=0.15)


def test_two_models_are_compared_in_nats():
    draw = np.random.default_rng(1)
    one = draw.gamma(4, 3, 200)
    own, other = (score_writing(nats, np.full(200, 6)) for nats in (one, one + draw.normal(0.6, 0.5, 200)))
    assert own.outcomes is not None and other.outcomes is not None
    found = compare(own.outcomes, other.outcomes, kind="baseline", name="counts", score="log-probability", unit=NATS)
    assert found.answer == "better" and found.difference == pytest.approx(0.1, abs=0.02)
    assert found.describe().startswith("0.1") and "nats above that of counts" in found.describe()
    assert found.to_dict()["unit"] == "nats"
