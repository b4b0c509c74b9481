"""Prior: the shares of labels that a model's probabilities assume, and by how many names it knows each label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import shown
from elman.errors import DamagedModelError, SettingError
from elman.model.file import Artifact
from elman.model.prior import assumed_shares
from elman.shares.mixture import PRECISION

Floats = NDArray[np.float64]

TRAINED, VALIDATED = "training_examples_per_label", "validation_examples_per_label"
"""Where the provenance counts the names of each label."""

OF_VALIDATION = 1 / 8
"""Validation names for each training name, for model files that do not count them."""

SMALLEST = 1e-6
"""The smallest share of a label; a smaller one would make a single name decide."""


@dataclass(frozen=True, eq=False)
class Prior:
    """What a model's probabilities assume.

    Args:
        shares: of the labels, above 0, sum 1, (C,).
        known: by how many names each label is known, above 0, (C,).
        is_measured: whether the shares were measured on the validation part; if not, they are those of the training
            part.
    """

    shares: Floats
    known: Floats
    is_measured: bool


def find_prior(artifact: Artifact) -> Prior:
    """Return the prior that a model file states.

    Raises:
        DamagedModelError: the names of a label are not counted by a number of at least 0.
        SettingError: the file states no prior.
    """
    shares, data = assumed_shares(artifact), artifact.provenance.get("data")
    if shares is None:
        raise SettingError(
            f"{shown(artifact.name)} does not say how frequent its labels were in training, which shares need; "
            "train it again with this version of Elman"
        )
    data = data if isinstance(data, Mapping) else {}
    if VALIDATED in data:
        known = _read_numbers(data[VALIDATED], artifact)
    elif TRAINED in data:
        known = _read_numbers(data[TRAINED], artifact) * OF_VALIDATION
    else:
        known = np.zeros(len(shares))
    shares = np.maximum(shares, SMALLEST)
    return Prior(shares / shares.sum(), PRECISION * np.maximum(known, 1.0), artifact.prior is not None)


def _read_numbers(values: Any, artifact: Artifact) -> Floats:
    """Return the number of each label, (C,)."""
    numbers = [values.get(label) for label in artifact.labels.names] if isinstance(values, Mapping) else [None]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one < np.inf for one in numbers):
        raise DamagedModelError(
            f"{shown(artifact.name)}: its counts must be a number of at least 0 for each label; train it again"
        )
    return np.array(numbers, np.float64)
