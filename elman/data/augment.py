"""Augmentation: more training examples from those at hand."""

from collections import Counter
from collections.abc import Sequence

from elman.records import Example
from elman.text import fold_accents

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
