"""Augmentation: more training examples, made from those that exist."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.splits import fold_texts
from elman.records import Example

FOLDED_WEIGHT = 2.0
"""How much a spelling without accents counts in the loss: many people type the name without them."""


def add_folded_spellings(examples: Sequence[Example], *, folds: Mapping[str, str] | None = None) -> tuple[Example, ...]:
    """Add to each accented example its spelling without accents, so that a model learns both.

    Args:
        examples: what to add to.
        folds: their texts without accents, if known; see `elman.data.splits.fold_texts`.

    >>> [example.text for example in add_folded_spellings([Example("müller", "German"), Example("ito", "Japanese")])]
    ['müller', 'ito', 'muller']
    """
    folds = fold_texts(examples) if folds is None else folds
    known = {(example.text, example.label) for example in examples}
    folded: Counter[tuple[str, str]] = Counter()
    for example in examples:
        folded[folds[example.text], example.label] += example.count
    added = (Example(text, label, count) for (text, label), count in folded.items() if text)
    return (*examples, *(example for example in added if (example.text, example.label) not in known))


def shift_images(images: NDArray[Any], most: int, random: np.random.Generator) -> NDArray[Any]:
    """Move each image by up to ``most`` rows and columns in any direction; new pixels are 0.

    Args:
        images: (rows, B, columns), numbers of any type.
        most: at least 0.
        random: draws how far.

    Returns:
        The same shape and type.
    """
    rows, size, columns = images.shape
    wide = np.pad(images, ((most, most), (0, 0), (most, most)))
    down, right = random.integers(0, 2 * most + 1, (2, size))
    row = np.arange(rows)[:, None, None] + down[None, :, None]
    column = np.arange(columns)[None, None, :] + right[None, :, None]
    moved: NDArray[Any] = wide[row, np.arange(size)[None, :, None], column]
    return moved
