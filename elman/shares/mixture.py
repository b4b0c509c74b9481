"""Mixture: the shares of labels behind many names, from the probabilities of each name. numpy alone.

A model's probabilities assume a prior, the shares of labels that it learned with. Divided by the prior they are
likelihoods, and the shares of another group are those under which its names are most likely. The EM algorithm finds
them: M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities",
Neural Computation 14, 2002, section 2.2. `benchmarks/shares.py` compares it with other estimators.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 200
"""Bootstrap samples of a group."""

ROUNDS, SAMPLE_ROUNDS = 1000, 100
"""Most rounds of EM, for the estimate and for a bootstrap sample, which starts near its end."""

TOLERANCE = 1e-6
"""EM ends when the shares change by less in one round, summed over the labels."""

SMALLEST = 1e-12
"""Smaller probabilities count as this one: no name excludes a label for certain."""

PSEUDO_NAMES = 0.1
"""Mean weight of a made-up name of each label in a bootstrap sample. Without it a label that no name of a small group
points to would have no upper limit but 0."""

PRECISION = 0.5
"""How many names of the group a validation name is worth as knowledge of a label's names. Below 1, because the network
did not learn from it. Chosen for the coverage that `benchmarks/shares.py` measures."""

LEVEL = 0.95


def estimate_mixture(probabilities: Floats, prior: Floats) -> Floats:
    """Return the most likely shares of the labels.

    Args:
        probabilities: of the labels for each name, (N, C), N at least 1.
        prior: the shares that the probabilities assume, above 0, (C,).

    Returns:
        (C,), sum 1.

    >>> estimate_mixture(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0.9, 0.1])).round(2).tolist()
    [0.0, 1.0]
    """
    likelihoods = _find_likelihoods(probabilities, prior)
    shares = np.full(likelihoods.shape[1], 1 / likelihoods.shape[1])
    for _ in range(ROUNDS):
        before = shares
        shares = shares * (likelihoods.T @ (1 / (likelihoods @ shares))) / len(likelihoods)
        shares = shares / shares.sum()
        if np.abs(shares - before).sum() < TOLERANCE:
            break
    return shares


def draw_mixtures(
    probabilities: Floats, prior: Floats, shares: Floats, known: Floats, *, draws: int = DRAWS, seed: int = 0
) -> Floats:
    """Return the shares of bootstrap samples, whose spread is that of the estimate.

    Two things vary from sample to sample. The names of the group are drawn again, as random weights: M. A. Newton,
    A. E. Raftery, "Approximate Bayesian inference with the weighted likelihood bootstrap", 1994. And so are the names
    that each label is known by: in a large group the estimate is only as good as the likelihoods.

    Args:
        probabilities: (N, C), as in `estimate_mixture`.
        prior: (C,), likewise.
        shares: the estimate, (C,).
        known: by how many names each label is known, above 0, (C,).
        draws: D.
        seed: of the samples.

    Returns:
        (D, C); each row sums to 1.
    """
    random, labels = np.random.default_rng(seed), probabilities.shape[1]
    likelihoods = _find_likelihoods(probabilities, prior)
    weights = _draw_weights(likelihoods * shares, known, draws, random)
    pseudo = random.gamma(PSEUDO_NAMES, size=(labels, draws))
    samples = np.repeat((0.9 * shares + 0.1 / labels)[:, None], draws, axis=1)
    for _ in range(SAMPLE_ROUNDS):
        before = samples
        samples = samples * (likelihoods.T @ (weights / (likelihoods @ samples))) + pseudo
        samples = samples / samples.sum(axis=0)
        if np.abs(samples - before).sum(axis=0).max() < TOLERANCE * 10:
            break
    return samples.T


def _find_likelihoods(probabilities: Floats, prior: Floats) -> Floats:
    """Return how likely each name is under each label, but for a factor for each name, (N, C); all above 0."""
    likelihoods: Floats = np.maximum(probabilities, SMALLEST) / prior
    return likelihoods


def _draw_weights(joint: Floats, known: Floats, draws: int, random: np.random.Generator) -> Floats:
    """Return random weights of the names, (N, D), with mean 1.

    Args:
        joint: likelihood times share, (N, C).
        known: as in `draw_mixtures`.
        draws: D.
        random: draws them.
    """
    sums = joint.cumsum(axis=1)
    expected = (joint / sums[:, -1:]).sum(axis=0)  # names of each label in the group
    precision = np.clip(known / np.maximum(expected, 1e-9), 1e-3, 1e4)
    weights = random.exponential(size=(len(joint), draws))
    for sample in range(draws):
        # A label for each name, as likely as the estimate says.
        label = (sums < random.random((len(joint), 1)) * sums[:, -1:]).sum(axis=1).clip(max=joint.shape[1] - 1)
        column = weights[:, sample]
        varied = column * random.gamma(precision[label]) / precision[label]
        # Which names a label has varies, but not how many.
        total = np.bincount(label, column, joint.shape[1]) / np.maximum(
            np.bincount(label, varied, joint.shape[1]), 1e-9
        )
        weights[:, sample] = varied * total[label]
    return weights


def bound_mixture(shares: Floats, samples: Floats, names: int) -> tuple[Floats, Floats]:
    """Return the lower and upper ends of the intervals of 95 %, both (C,).

    The ends are percentiles of the samples. Noise moves a sample's names from frequent labels to rare ones, so the
    upper end of a label with several names is at least as far above the estimate as the lower one is below. A lower end
    of less than half a name is 0.

    Args:
        shares: the estimate, (C,).
        samples: as `draw_mixtures` returns them, (D, C).
        names: N, of the group.
    """
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    high = np.where(shares * names > 3, np.maximum(high, 2 * shares - low), high)
    low = np.where(low < 0.5 / names, 0.0, low)
    return np.minimum(low, shares), np.clip(np.maximum(high, shares), 0.0, 1.0)
