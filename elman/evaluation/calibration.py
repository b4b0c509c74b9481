"""Calibration: one temperature that makes probabilities match the share of answers that is right.

Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from elman.evaluation.metrics import LabelIds, negative_log_likelihood
from elman.scoring.probabilities import softmax

LOWEST, HIGHEST = 0.05, 20.0


def fit_temperature(logits: NDArray[np.floating], truth: LabelIds) -> float:
    """Return the temperature with the lowest negative log-likelihood; logits are divided by it.

    Args:
        logits: (N, C), of examples that did not train the network.
        truth: label ids, (N,).

    Returns:
        Between 0.05 and 20; above 1 if the network is overconfident.

    >>> round(fit_temperature(np.array([[4.0, 0.0]] * 4), np.array([0, 0, 0, 1])), 2)
    3.64
    """

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(softmax(logits, float(np.exp(log_temperature))), truth)

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded")
    return float(np.exp(found.x))
