"""The intervals of the scores of a report, from what each string adds to them."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from elman.evaluation.intervals import DRAWS, Interval, Totals, bound_score, resample

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

SHARE = (0.0, 1.0)
"""The lowest and the highest value of a share."""


def bound_label_scores(
    values: Mapping[str, float],
    *,
    truth: Ids,
    guesses: Ids,
    answered: NDArray[np.bool_],
    losses: Mapping[str, Floats],
    confidence: Floats,
    bins: Ids,
    labels: int,
    draws: int = DRAWS,
) -> dict[str, Interval]:
    """Return the bootstrap's intervals of the scores of a classifier that are not shares of strings.

    Args:
        values: the scores ``macro_f1``, ``calibration_error`` and those of ``losses``.
        truth: label ids, (N,).
        guesses: the answered ids, (N,); −1 for a string that is not answered.
        answered: which strings are, (N,); A of them.
        losses: of each answered string, (A,), by the name of the score that is their mean.
        confidence: the probability of the answer, (A,).
        bins: the bin of the calibration error, (A,).
        labels: C.
        draws: bootstrap samples.
    """
    strings, places = np.arange(len(truth)), np.flatnonzero(answered)
    hits, right = guesses == truth, (guesses == truth)[answered]
    each, count = np.ones(len(places)), int(bins.max(initial=0)) + 1
    blocks = [
        _Block(1, np.zeros(len(places), np.int64), places, each),
        *(_Block(1, np.zeros(len(places), np.int64), places, loss) for loss in losses.values()),
        *(_Block(count, bins, places, added) for added in (each, confidence, right.astype(float))),
        _Block(labels, truth, strings, np.ones(len(truth))),
        _Block(labels, guesses[answered], places, each),
        _Block(labels, truth[hits], strings[hits], np.ones(int(hits.sum()))),
    ]
    samples: dict[str, list[Totals]] = {name: [] for name in values}
    for totals in resample(_stack(blocks, len(truth)), draws=draws):
        parts = list(_cut(totals, blocks))
        answers = parts[0][:, 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            for name, part in zip(losses, parts[1:], strict=False):
                samples[name].append(part[:, 0] / answers)
            _, sure, correct, true, guessed, both = parts[1 + len(losses) :]
            samples["calibration_error"].append(np.abs(sure - correct).sum(axis=1) / answers)
            samples["macro_f1"].append(_average_f1(true, guessed, both))
    limits = {"macro_f1": SHARE, "calibration_error": SHARE, "brier": (0.0, 2.0)}
    return _bound_all(values, samples, examples=len(truth), limits=limits)


def bound_ranking(
    values: Mapping[str, float], scores: Floats, positive: NDArray[np.bool_], *, draws: int = DRAWS
) -> dict[str, Interval]:
    """Return the bootstrap's intervals of ``roc_auc`` and ``pr_auc``.

    Args:
        values: the two.
        scores: the probability of the positive label, (N,).
        positive: whether it is the true one, (N,).
        draws: bootstrap samples.
    """
    distinct, places = np.unique(scores, return_inverse=True)
    strings = np.arange(len(scores))
    blocks = [
        _Block(len(distinct), places[chosen], strings[chosen], np.ones(int(chosen.sum())))
        for chosen in (positive, ~positive)
    ]
    samples: dict[str, list[Totals]] = {name: [] for name in values}
    for totals in resample(_stack(blocks, len(scores)), draws=draws):
        found = measure_ranking(*_cut(totals, blocks))
        for name, drawn in zip(("roc_auc", "pr_auc"), found, strict=True):
            samples[name].append(drawn)
    rarer = int(min(positive.sum(), (~positive).sum()))  # a curve is as uncertain as its fewer examples
    return _bound_all(values, samples, examples=rarer, limits=dict.fromkeys(values, SHARE))


def measure_ranking(positives: Totals, negatives: Totals) -> tuple[Totals, Totals]:
    """Return the areas under ROC curves and precision-recall curves, both (D,), NaN without both kinds of examples.

    Args:
        positives: how many positive examples have each score, lowest first, (D, scores).
        negatives: how many others.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        below = np.cumsum(negatives, axis=1) - negatives / 2  # a tie counts as half
        roc = (positives * below).sum(axis=1) / (positives.sum(axis=1) * negatives.sum(axis=1))
        hits = np.cumsum(positives[:, ::-1], axis=1)
        answers = hits + np.cumsum(negatives[:, ::-1], axis=1)
        precision = np.divide(hits, answers, out=np.zeros_like(hits), where=answers > 0)
        pr = (positives[:, ::-1] * precision).sum(axis=1) / hits[:, -1]
    return roc, pr


def bound_tag_scores(
    values: Mapping[str, float], *, right: Floats, symbols: Floats, losses: Floats | None = None
) -> dict[str, Interval]:
    """Return the bootstrap's intervals of ``symbol_accuracy`` and ``nll``; strings are drawn, not symbols.

    Args:
        values: the scores.
        right: how many symbols of each string are tagged right, (N,).
        symbols: how many it has, (N,).
        losses: the sum of the losses of its symbols, (N,); NaN for a string that is not answered.
    """
    rows = [right, symbols]
    if losses is not None:
        answered = np.isfinite(losses)
        rows += [np.where(answered, losses, 0.0), np.where(answered, symbols, 0.0)]
    samples: dict[str, list[Totals]] = {name: [] for name in values}
    for totals in resample(csr_array(np.stack(rows))):
        with np.errstate(invalid="ignore", divide="ignore"):
            samples["symbol_accuracy"].append(totals[:, 0] / totals[:, 1])
            if losses is not None:
                samples["nll"].append(totals[:, 2] / totals[:, 3])
    return _bound_all(values, samples, examples=len(right), limits={"symbol_accuracy": SHARE})


def bound_number_scores(values: Mapping[str, float], guesses: Floats, truth: Floats) -> dict[str, Interval]:
    """Return the bootstrap's intervals of ``r2``, ``rmse`` and ``mae``; both arguments are (N,)."""
    centred, errors = truth - truth.mean(), guesses - truth
    rows = np.stack([np.ones(len(truth)), centred, centred**2, errors**2, np.abs(errors)])
    samples: dict[str, list[Totals]] = {name: [] for name in values}
    for totals in resample(csr_array(rows)):
        count, total, squares, errors2, distances = totals.T
        with np.errstate(invalid="ignore", divide="ignore"):
            samples["r2"].append(1 - errors2 / (squares - total**2 / count))
        samples["rmse"].append(np.sqrt(errors2 / count))
        samples["mae"].append(distances / count)
    limits = {"r2": (-np.inf, 1.0), "rmse": (0.0, np.inf), "mae": (0.0, np.inf)}
    return _bound_all(values, samples, examples=len(truth), limits=limits)


class _Block:
    """Rows of a matrix of contributions, (size, N): what some strings add to one row each.

    Args:
        size: how many rows.
        rows: the row of each contribution, from 0.
        strings: which string it is of.
        added: how much it adds.
    """

    def __init__(self, size: int, rows: Ids, strings: Ids, added: Floats) -> None:
        self.size, self.rows, self.strings, self.added = size, rows, strings, added


def _stack(blocks: Sequence[_Block], examples: int) -> csr_array:
    starts = np.cumsum([0, *(block.size for block in blocks)])
    rows = np.concatenate([start + block.rows for start, block in zip(starts, blocks, strict=False)])
    strings = np.concatenate([block.strings for block in blocks])
    added = np.concatenate([block.added for block in blocks])
    return csr_array(coo_array((added, (rows, strings)), shape=(int(starts[-1]), examples)))


def _cut(totals: Totals, blocks: Sequence[_Block]) -> Iterator[Totals]:
    """Yield the sums of each block, (D, size)."""
    end = 0
    for block in blocks:
        start, end = end, end + block.size
        yield totals[:, start:end]


def _average_f1(true: Totals, guessed: Totals, both: Totals) -> Totals:
    """Return the macro-F1 of each sample, over the labels that have examples in it."""
    present = true > 0
    f1 = 2 * both / np.maximum(true + guessed, 1)
    average: Totals = (f1 * present).sum(axis=1) / present.sum(axis=1)
    return average


def _bound_all(
    values: Mapping[str, float],
    samples: Mapping[str, Sequence[Totals]],
    *,
    examples: int,
    limits: Mapping[str, tuple[float, float]],
) -> dict[str, Interval]:
    """Return the interval of each score that the samples tell something about."""
    found = {}
    for name, value in values.items():
        drawn = np.concatenate(samples[name])
        drawn = drawn[np.isfinite(drawn)]
        low, high = limits.get(name, (0.0, np.inf))
        interval = bound_score(value, drawn, examples=examples, low=low, high=high) if len(drawn) else None
        if interval is not None:
            found[name] = interval
    return found
