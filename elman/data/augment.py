"""Augmentation: more training examples from those at hand."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.records import Example
from elman.text.normalisation import fold_accents

FOLDED_WEIGHT = 2.0
"""How much a spelling without accents counts in the loss: it stands for everybody who types the name without them."""


def with_folded_spellings(examples: Sequence[Example]) -> tuple[Example, ...]:
    """Add to each accented example its spelling without accents, so that a model answers both.

    >>> [example.text for example in with_folded_spellings([Example("müller", "German"), Example("ito", "Japanese")])]
    ['müller', 'ito', 'muller']
    """
    known = {(example.text, example.label) for example in examples}
    folded: Counter[tuple[str, str]] = Counter()
    for example in examples:
        folded[fold_accents(example.text), example.label] += example.count
    added = (Example(text, label, count) for (text, label), count in folded.items() if text)
    return (*examples, *(example for example in added if (example.text, example.label) not in known))


def shifted(images: NDArray[Any], most: int, random: np.random.Generator) -> NDArray[Any]:
    """Move each image by up to ``most`` rows and columns, each way; what comes in from outside is 0.

    Args:
        images: (rows, B, columns), of any kind of number.
        most: at least 0.
        random: draws how far.

    Returns:
        The same shape and kind.
    """
    rows, size, columns = images.shape
    wide = np.pad(images, ((most, most), (0, 0), (most, most)))
    down, right = random.integers(0, 2 * most + 1, (2, size))
    row = np.arange(rows)[:, None, None] + down[None, :, None]
    column = np.arange(columns)[None, None, :] + right[None, :, None]
    moved: NDArray[Any] = wide[row, np.arange(size)[None, :, None], column]
    return moved
