"""Intervals of 95 %: how far a score could move if other strings of the same kind were tested.

A share of strings has Wilson's interval, which is never empty: 5 right answers of 5 leave 57 to 100 %. Every other
score has a bootstrap over strings: what they add to it is summed again and again over strings drawn with replacement.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import norm, t

LEVEL = 0.95
DRAWS = 1000
"""Bootstrap samples of each interval."""

BLOCK = 4_000_000
"""Weights of so many strings are held at once, 32 MB."""

Interval = tuple[float, float]
Totals = NDArray[np.float64]


def bound_share(right: float, examples: float) -> Interval:
    """Return Wilson's interval of a share.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Args:
        right: how many are right.
        examples: of how many, above 0.

    >>> [round(end, 3) for end in bound_share(5, 5)]
    [0.566, 1.0]
    """
    z2 = float(norm.ppf((1 + LEVEL) / 2)) ** 2
    centre = (right + z2 / 2) / (examples + z2)
    reach = np.sqrt(z2 * (right * (examples - right) / examples + z2 / 4)) / (examples + z2)
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def bound_share_of(share: float, examples: int) -> Interval:
    """Return Wilson's interval of a share of so many examples."""
    return bound_share(share * examples, examples)


def bound_f1(hits: float, misses: float) -> Interval:
    """Return the interval of an F1.

    It is 2 J / (1 + J) of the share J of hits among the strings that have the label or get it, which has Wilson's.

    Args:
        hits: strings that have the label and get it.
        misses: strings that have it or get it, but not both.

    >>> [round(end, 3) for end in bound_f1(5, 0)]
    [0.722, 1.0]
    """
    low, high = (2 * share / (1 + share) for share in bound_share(hits, hits + misses))
    return low, high


def resample(contributions: csr_array, *, draws: int = DRAWS, seed: int = 0) -> Iterator[Totals]:
    """Yield the sums over strings that are drawn with replacement, as many as there are.

    Source: B. Efron, "Bootstrap methods: another look at the jackknife", 1979.

    Args:
        contributions: what each of N strings adds to each of K sums, (K, N).
        draws: how many samples.
        seed: of the samples; equal seeds and N draw the same strings, so scores of two models are paired.

    Yields:
        (D, K), D samples that fit into memory, together ``draws``.
    """
    random, examples = np.random.default_rng(seed), contributions.shape[1]
    block = max(1, BLOCK // examples)
    for start in range(0, draws, block):
        size = min(block, draws - start)
        weights = np.empty((examples, size))
        for sample in range(size):
            drawn = random.integers(0, examples, examples)
            weights[:, sample] = np.bincount(drawn, minlength=examples)
        yield (contributions @ weights).T


def bound_score(
    value: float, drawn: Totals, *, examples: int, low: float = -np.inf, high: float = np.inf
) -> Interval | None:
    """Return the bootstrap's interval of a score.

    It reaches as far from the score as the ends of the middle of the samples reach from their mean. The mean is taken
    out because samples repeat strings: a calibration error is larger in them than in the part itself. The quantiles
    are those of the expanded percentile interval, which is as wide on few strings as Student's t.

    Source: T. Hesterberg, "What teachers should know about the bootstrap", 2015, section 5.3.

    Args:
        value: the score.
        drawn: the score in each sample, (draws,).
        examples: N, how many strings there are.
        low: the lowest value that the score can have.
        high: the highest.

    Returns:
        None if all samples have the same score: of a single string, or of equal ones, the bootstrap says nothing. If
        all strings are right or all are wrong, a share has Wilson's interval.
    """
    if examples < 2 or np.ptp(drawn) == 0:
        is_whole_share = (low, high) == (0.0, 1.0) and value in (low, high)
        return bound_share(value * examples, examples) if is_whole_share else None
    reach = float(t.ppf((1 - LEVEL) / 2, examples - 1)) * np.sqrt(examples / (examples - 1))
    tail = float(norm.cdf(reach))
    ends = np.quantile(drawn, [tail, 1 - tail]) - drawn.mean() + value
    return float(min(value, max(low, ends[0]))), float(max(value, min(high, ends[1])))
