"""Scores of models that write new strings: how surprising they find strings that they have not seen.

The mean surprise of a symbol is its negative log-likelihood after the symbols before it; the end of a string counts as
a symbol. In bits it is the length of the shortest code for a symbol (C. E. Shannon, "Prediction and entropy of printed
English", 1951). Its exponential is the perplexity: so many equally likely symbols would be as surprising.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from elman.evaluation.counted import CountedModel, LabelledModel
from elman.evaluation.intervals import Interval, bound_score, resample
from elman.prediction.generator import Generator
from elman.records import Example
from elman.reports import Intervals, Outcomes, WritingReport

NATS_OF_A_BIT = math.log(2)


def score_writing(nats: Any, symbols: Any, reasons: Sequence[str | None] | None = None) -> WritingReport:
    """Return the scores of a model on strings.

    Args:
        nats: the surprise of each string and its end, (N,); NaN for a string that the model cannot write.
        symbols: how many symbols each has, with the end, (N,).
        reasons: why a string cannot be written, N of them; None where it can.

    >>> report = score_writing([2 * math.log(4), 3 * math.log(4)], [2, 3])
    >>> report.symbols, round(report.bits_per_symbol, 6), round(report.perplexity, 6)
    (5, 2.0, 4.0)
    """
    surprise, sizes = np.asarray(nats, np.float64), np.asarray(symbols, np.float64)
    known = ~np.isnan(surprise)
    mean = float(surprise[known].sum() / sizes[known].sum()) if known.any() else None
    interval = None if mean is None else _bound(mean, surprise[known], sizes[known])
    return WritingReport(
        examples=len(surprise),
        symbols=int(sizes[known].sum()),
        nats_per_symbol=mean,
        bits_per_symbol=None if mean is None else mean / NATS_OF_A_BIT,
        perplexity=None if mean is None else math.exp(mean),
        abstentions=dict(Counter(reason for reason in reasons or () if reason is not None)),
        intervals={} if interval is None else _convert(interval),
        outcomes=Outcomes(-surprise, sizes),
    )


def _bound(mean: float, nats: NDArray[np.float64], sizes: NDArray[np.float64]) -> Interval | None:
    """Return the interval of the mean surprise of a symbol: a bootstrap over strings."""
    totals = np.concatenate(list(resample(csr_array(np.stack([nats, sizes])))))
    return bound_score(mean, totals[:, 0] / totals[:, 1], examples=len(nats), low=0.0)


def _convert(interval: Interval) -> Intervals:
    low, high = interval
    return {
        "nats_per_symbol": interval,
        "bits_per_symbol": (low / NATS_OF_A_BIT, high / NATS_OF_A_BIT),
        "perplexity": (math.exp(low), math.exp(high)),
    }


def score_generator(generator: Generator, examples: Sequence[Example]) -> WritingReport:
    """Return the scores of a model on normalised strings, each given its label if the model knows it."""
    known = set(generator.labels)
    labels = [example.label if example.label in known else None for example in examples]
    nats, symbols, reasons = np.full(len(examples), np.nan), np.ones(len(examples)), [""] * len(examples)
    for label in dict.fromkeys(labels):
        places = [place for place, own in enumerate(labels) if own == label]
        for place, found in zip(
            places, generator.score_all([examples[place].text for place in places], label=label), strict=True
        ):
            reasons[place] = found.reason or ""
            if found.log_probability is not None:
                nats[place], symbols[place] = -found.log_probability, found.symbols
    return score_writing(nats, symbols, [reason.partition(":")[0] or None for reason in reasons])


def score_counted(model: CountedModel | LabelledModel, examples: Sequence[Example]) -> WritingReport:
    """Return the scores of a counted model on strings; those with a symbol that it has not counted are not scored."""
    texts = [example.text for example in examples]
    if isinstance(model, LabelledModel):
        joint, scores = model.joint, model.score(texts, [example.label for example in examples])
    else:
        joint, scores = model, model.score(texts)
    known = set(joint.symbols)
    reasons = [None if known.issuperset(text) else "unknown symbol" for text in texts]
    nats = np.where([reason is None for reason in reasons], scores.nats, np.nan)
    return score_writing(nats, scores.symbols, reasons)
