"""Verdicts: whether a model is better than its baseline, worse, or whether so few strings cannot tell.

A model is compared with a baseline, and with always giving the one answer that suits the training part best. It is
better if it is better than both, and worse if it is worse than one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import binomtest, norm

from elman.checks import count_of
from elman.evaluation.intervals import DRAWS, LEVEL, Interval, bound_score, resample
from elman.reports import Outcomes

BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"

FLIPS = 9_999
"""Random signs of the test of scores that are not shares of strings."""

POINTS, NATS = "points", "nats"
"""Units of a difference: hundredths of a score between 0 and 1, and nats of a log-probability."""

BASELINE, CONSTANT = "baseline", "constant"
"""What a model is compared with: a simple model, and one answer for all strings."""


@dataclass(frozen=True)
class Comparison:
    """A model and something simpler, on the same strings.

    Args:
        kind: ``baseline`` or ``constant``.
        name: what the other is.
        score: what is compared, in words.
        examples: how many strings both answer.
        difference: the score of the model minus that of the other.
        interval: of the difference.
        p_value: how often chance alone makes so large a difference if both are equally good.
        unit: ``points`` of a score between 0 and 1, or ``nats``.
    """

    kind: str
    name: str
    score: str
    examples: int
    difference: float
    interval: Interval
    p_value: float
    unit: str = POINTS

    @property
    def answer(self) -> str:
        """``better``, ``worse`` or ``cannot tell``; the interval of a difference that chance can make has 0 in it."""
        low, high = self.interval
        return BETTER if low > 0 else WORSE if high < 0 else CANNOT_TELL

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values for JSON."""
        return {
            "with": self.kind,
            "name": self.name,
            "score": self.score,
            "examples": self.examples,
            "difference": self.difference,
            "interval": list(self.interval),
            "p_value": self.p_value,
            "answer": self.answer,
            **({} if self.unit == POINTS else {"unit": self.unit}),
        }

    def describe(self) -> str:
        """Return the difference and its interval.

        >>> Comparison("baseline", "a coin", "accuracy", 50, 0.25, (0.1, 0.4), 0.01).describe()
        '25.0 points above that of a coin (10.0 to 40.0)'
        """
        factor, digits = (100, 1) if self.unit == POINTS else (1, 3)
        points, (low, high) = factor * self.difference, (factor * end for end in self.interval)
        side = "above" if points > 0 else "below"
        size = f"{abs(points):.{digits}f} {self.unit} {side}" if round(points, digits) else "equal to"
        return f"{size} that of {self.name} ({_sign(low, digits)} to {_sign(high, digits)})"


def compare(
    own: Outcomes, other: Outcomes, *, kind: str, name: str, score: str = "accuracy", unit: str = POINTS
) -> Comparison:
    """Compare two models on the same strings, by a paired test.

    If each string is right or wrong, the test is McNemar's, exact (Q. McNemar, "Note on the sampling error of the
    difference between correlated proportions or percentages", 1947; T. G. Dietterich, "Approximate statistical tests
    for comparing supervised classification learning algorithms", 1998, recommends it for a single test part), and the
    interval is that of D. G. Bonett and R. M. Price, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data", 2012. Otherwise the signs of the strings' differences are drawn at random
    (R. A. Fisher, "The design of experiments", 1935, section 21; McNemar's is the same test of shares), and the
    interval is a bootstrap. An interval reaches 0 if the test finds that chance can make such a difference.

    Args:
        own: of the model, on N strings.
        other: of the other, on the same N strings in the same order; strings that one of them does not answer, whose
            gain is NaN, are left out.
        kind: as in `Comparison`.
        name: as in `Comparison`.
        score: as in `Comparison`.
        unit: as in `Comparison`.

    >>> own, other = Outcomes(np.ones(9), np.ones(9)), Outcomes(np.arange(9) > 7.0, np.ones(9))
    >>> found = compare(own, other, kind="baseline", name="a coin")
    >>> found.answer, round(found.difference, 3), round(found.p_value, 4)
    ('better', 0.889, 0.0078)
    """
    both = np.isfinite(own.gains) & np.isfinite(other.gains)
    differences, sizes = (own.gains - other.gains)[both], own.sizes[both]
    if not len(sizes) or not sizes.sum():
        return Comparison(kind, name, score, len(sizes), 0.0, (-1.0, 1.0), 1.0, unit)
    difference = float(differences.sum() / sizes.sum())
    if (sizes == 1).all() and np.isin(differences, (-1, 0, 1)).all():
        better, worse = int((differences > 0).sum()), int((differences < 0).sum())
        p_value = float(binomtest(better, better + worse).pvalue) if better + worse else 1.0
        low, high = _bound_paired_shares(better, worse, len(sizes))
    else:
        p_value = _flip_signs(differences)
        low, high = _bound_paired_scores(difference, differences, sizes)
    if p_value > 1 - LEVEL:
        low, high = min(low, 0.0), max(high, 0.0)
    return Comparison(kind, name, score, len(sizes), difference, (low, high), p_value, unit)


def decide(comparisons: Sequence[Comparison]) -> str:
    """Return ``better`` if a model is better than all that it is compared with, ``worse`` if it is worse than one.

    >>> coin = Comparison("baseline", "a coin", "accuracy", 50, 0.25, (0.1, 0.4), 0.01)
    >>> decide([coin]), decide([])
    ('better', 'cannot tell')
    """
    answers = [comparison.answer for comparison in comparisons]
    if WORSE in answers:
        return WORSE
    return BETTER if answers and set(answers) == {BETTER} else CANNOT_TELL


def write_verdict(comparisons: Sequence[Comparison], *, by_heart: bool = False) -> str:
    """Return in words whether a model is better than what it is compared with.

    Args:
        comparisons: at least one.
        by_heart: nothing was kept back, so the scores say nothing of new strings.

    >>> coin = Comparison("baseline", "a coin", "accuracy", 50, 0.25, (0.1, 0.4), 0.01)
    >>> write_verdict([coin])
    'Better: on 50 strings the accuracy of the model is 25.0 points above that of a coin (10.0 to 40.0).'
    """
    first = comparisons[0]
    strings = f"{count_of(first.examples, 'string')}"
    parts = " and ".join(comparison.describe() for comparison in comparisons)
    found = f"on {strings} the {first.score} of the model is {parts}"
    if by_heart:
        return f"Cannot tell, because nothing was kept back to test on: {found}."
    answer = decide(comparisons)
    if answer == BETTER:
        return f"Better: {found}."
    if answer == WORSE:
        return f"Worse: {found}. {_advise(comparisons)}"
    return f"Cannot tell on so few: {found}. More strings to test on would tell."


def _advise(comparisons: Sequence[Comparison]) -> str:
    worse = next(comparison for comparison in comparisons if comparison.answer == WORSE)
    other = "the baseline" if worse.kind == BASELINE else "that one answer"
    return f"Use {other}, more data, or another setting."


def _sign(points: float, digits: int) -> str:
    zero = f"{0:.{digits}f}"
    return f"{points:.{digits}f}".replace(f"-{zero}", zero).replace("-", "−")


def _bound_paired_shares(better: int, worse: int, examples: int) -> Interval:
    """Return the interval of a difference of two shares of the same strings, one string added to each side."""
    gained, lost = (better + 1) / (examples + 2), (worse + 1) / (examples + 2)
    centre = gained - lost
    reach = float(norm.ppf((1 + LEVEL) / 2) * np.sqrt((gained + lost - centre**2) / (examples + 2)))
    return max(-1.0, centre - reach), min(1.0, centre + reach)


def _bound_paired_scores(difference: float, differences: Any, sizes: Any) -> Interval:
    contributions = csr_array(np.stack([differences, sizes]))
    totals = np.concatenate(list(resample(contributions, draws=DRAWS)))
    totals = totals[totals[:, 1] > 0]
    found = bound_score(difference, totals[:, 0] / totals[:, 1], examples=len(sizes))
    return found or (-1.0, 1.0)


def _flip_signs(differences: Any, *, seed: int = 0) -> float:
    """Return the share of random signs that make a sum at least as far from 0, of both signs together."""
    random, observed, further = np.random.default_rng(seed), abs(differences.sum()), 0
    kept = np.abs(differences[differences != 0])
    block = max(1, 4_000_000 // max(1, len(kept)))
    for start in range(0, FLIPS, block):
        signs = random.integers(0, 2, (min(block, FLIPS - start), len(kept)), dtype=np.int8)
        sums = 2 * (signs @ kept) - kept.sum()
        further += int((np.abs(sums) >= observed * (1 - 1e-12)).sum())
    return (further + 1) / (FLIPS + 1)
