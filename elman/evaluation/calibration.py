"""Calibration: one temperature that makes probabilities match the share of answers that is right.

Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2. Few strings cannot say much
about the temperature: if all answers are right, the most likely one is 0, and every answer would be certain. Two priors
prevent that, and weigh less the more strings there are:

- One more answer that is half right and half wrong, Jeffreys' prior of a share: after n right answers of n, the next
  one is right with a probability of (n + ½) / (n + 1). J. Platt, "Probabilistic outputs for support vector machines",
  1999, section 2.2, adds one right and one wrong answer for the same reason.
- The logarithm of the temperature is normally distributed around 0, so without evidence the temperature is 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from elman.evaluation.metrics import LabelIds, lose_likelihood
from elman.scoring.probabilities import softmax

LOWEST, HIGHEST = 0.05, 20.0

PRIOR_DEVIATION = float(np.log(2))
"""Standard deviation of the logarithm of the temperature before any string is seen: 1/2 to 2 is usual."""

SHIFT_DEVIATION = 0.5
"""Standard deviation of how far a label's log-odds are from those of a calibrated model, before any string is seen."""

MANY_STRINGS = 10_000
"""Fewer examples say too little about the floor of probabilities."""

BLOCK = 4_000_000
"""Logits that are divided at once."""


def fit_temperature(
    logits: NDArray[np.floating], truth: LabelIds, *, strings: int | None = None, floor: float = 0.0
) -> float:
    """Return the most likely temperature, given the priors; logits are divided by it.

    Args:
        logits: (N, C), of examples that did not train the network.
        truth: label ids, (N,).
        strings: how many strings the N examples come from, if they are symbols of strings; N if None. Symbols of one
            string depend on each other, so all of them count as one observation.
        floor: of the probabilities, as in `elman.scoring.probabilities.softmax`.

    Returns:
        Between 0.05 and 20; above 1 if the network is overconfident.

    >>> round(fit_temperature(np.array([[4.0, 0.0]] * 400), np.array([0, 0, 0, 1] * 100)), 2)
    3.55
    """
    examples = len(truth)
    weight = (examples if strings is None else strings) / examples
    rows = max(1, BLOCK // logits.shape[1])
    blocks = [(logits[start : start + rows], truth[start : start + rows]) for start in range(0, examples, rows)]

    def loss(log_temperature: float) -> float:
        temperature = float(np.exp(log_temperature))
        sums = np.sum([_sum_losses(some, true, temperature, floor) for some, true in blocks], axis=0)
        of_truth, of_one_more = weight * sums[0], sums[1] / examples
        return float(of_truth + of_one_more + (log_temperature / PRIOR_DEVIATION) ** 2 / 2)

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded")
    return float(np.exp(found.x))


def fit_floor(logits: NDArray[np.floating], truth: LabelIds) -> float:
    """Return the most likely floor of probabilities, beside the temperature that goes with it.

    Some labels are wrong, and some names come from elsewhere: no string tells. A temperature alone then makes the
    surest answers too sure and the others not sure enough. The floor is the share of such answers, spread evenly over
    the labels. It is 0 with fewer than `MANY_STRINGS` examples, which cannot tell it from chance.

    What is most likely is whether each first answer is right, which calibration measures, rather than the truth: wrong
    labels are not spread evenly, so the likelihood of the truth makes the floor too low. C. Gupta and A. Ramdas,
    "Top-label calibration and multiclass-to-binary reductions", ICLR 2022, has other methods for the same aim.

    Args:
        logits: (N, C), of examples that did not train the network.
        truth: label ids, (N,).

    >>> fit_floor(np.eye(4), np.arange(4))
    0.0
    """
    if len(truth) < MANY_STRINGS:
        return 0.0
    some = slice(None, None, -(-logits.size // BLOCK))  # so many examples are enough
    logits, truth = logits[some], truth[some]

    right = logits.argmax(axis=1) == truth
    scaled = (logits - logits.max(axis=1, keepdims=True)).astype(np.float64)

    def loss(point: NDArray[np.float64]) -> float:
        log_temperature, log_odds = point
        floor, alone = _squash(log_odds), 1 / np.exp(scaled / np.exp(log_temperature)).sum(axis=1)
        first = (1 - floor) * alone + floor / logits.shape[1]
        return float(-np.log(np.where(right, first, np.maximum(1 - first, np.finfo(np.float64).tiny))).mean())

    start = np.array([np.log(fit_temperature(logits, truth)), np.log(0.01 / 0.99)])
    simplex = np.array([start, start + (0.1, 0.0), start + (0.0, 1.0)])
    options: Any = {"initial_simplex": simplex, "xatol": 0.01, "fatol": 1e-6, "maxiter": 100}
    found = minimize(loss, start, method="Nelder-Mead", options=options)
    return float(f"{_squash(found.x[1]):.3g}")


def fit_prior(probabilities: NDArray[np.float64], truth: LabelIds) -> NDArray[np.float64]:
    """Return the shares of labels that a model's probabilities assume.

    They are not the shares of the training part if the network weighted its labels, or learned rare ones badly. Each
    label's log-odds are shifted until the probabilities are calibrated on the examples: the bias of A. Alexandari,
    A. Kundaje, A. Shrikumar, "Maximum likelihood with bias-corrected calibration is hard-to-beat at label shift
    adaptation", ICML 2020. What the shifted probabilities assume is their mean; taking the shift out gives the prior.

    Args:
        probabilities: of examples that did not train the network, (N, C).
        truth: label ids, (N,).

    Returns:
        (C,), above 0, sum 1.

    >>> fit_prior(np.array([[0.5, 0.5]] * 400), np.array([0, 0, 0, 1] * 100)).round(1).tolist()
    [0.5, 0.5]
    """
    some = slice(None, None, -(-probabilities.size // BLOCK))  # so many examples are enough
    probabilities, truth = probabilities[some], truth[some]
    logs = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    strings, labels = np.arange(len(truth)), probabilities.shape[1]
    counts = np.bincount(truth, minlength=labels)

    def loss(shift: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shifted = softmax(logs + shift)
        likelihoods = np.maximum(shifted[strings, truth], np.finfo(np.float64).tiny)
        penalty = float(shift @ shift) / (2 * SHIFT_DEVIATION**2)
        return penalty - float(np.log(likelihoods).sum()), shifted.sum(axis=0) - counts + shift / SHIFT_DEVIATION**2

    shift = minimize(loss, np.zeros(labels), jac=True, method="L-BFGS-B").x
    assumed = np.maximum(softmax(logs + shift).mean(axis=0), np.finfo(np.float64).tiny) * np.exp(-shift)
    prior: NDArray[np.float64] = assumed / assumed.sum()
    return prior


def measure_loss(logits: NDArray[np.floating], truth: LabelIds, temperature: float = 1.0, floor: float = 0.0) -> float:
    """Return the mean negative log-likelihood of the truth, nats, without memory for all probabilities.

    Args:
        logits: (N, C).
        truth: label ids, (N,).
        temperature: what logits are divided by, above 0.
        floor: as in `elman.scoring.probabilities.softmax`.

    >>> round(measure_loss(np.zeros((3, 4)), np.array([0, 1, 2])), 4)
    1.3863
    """
    rows = max(1, BLOCK // logits.shape[1])
    blocks = (slice(start, start + rows) for start in range(0, len(truth), rows))
    losses = [lose_likelihood(softmax(logits[block], temperature, floor), truth[block]) for block in blocks]
    return float(np.concatenate(losses).mean())


def is_at_bound(temperature: float) -> bool:
    """Return whether a temperature is as low or as high as `fit_temperature` allows.

    >>> is_at_bound(19.9999), is_at_bound(1.5)
    (True, False)
    """
    return not 1.01 * LOWEST < temperature < HIGHEST / 1.01


def _squash(log_odds: float) -> float:
    """Return the share with these log-odds."""
    return float(1 / (1 + np.exp(-log_odds)))


def _sum_losses(
    logits: NDArray[np.floating], truth: LabelIds, temperature: float, floor: float = 0.0
) -> tuple[float, float]:
    """Return the summed negative log-likelihoods of the true labels, and of answers half right and half wrong."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    strings = np.arange(len(truth))
    own = scaled[strings, truth]
    odds = np.exp(scaled)  # of the answer: 1
    normaliser = np.log(odds.sum(axis=1))
    odds[strings, scaled.argmax(axis=1)] = 0.0
    wrong = np.log(np.maximum(odds.sum(axis=1), np.finfo(np.float64).tiny))
    losses = normaliser - own
    if floor:
        losses = -np.log((1 - floor) * np.exp(-losses) + floor / logits.shape[1])
    return float(losses.sum()), float((normaliser - wrong / 2).sum())
