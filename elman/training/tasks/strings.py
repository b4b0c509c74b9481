"""What the tasks that read strings share: normalisation and the split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import count_of
from elman.data.examples import BLANK, Reading
from elman.data.splits import Split, split_examples
from elman.errors import DataError
from elman.records import Example
from elman.text.normalisation import Normalisation
from elman.training.config import RunConfig

Importance = Mapping[tuple[str, str], float]
"""How much an example counts beside others, by its normalised text and its label."""


def look_up(importance: Importance, examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return how much each example counts, (N,), float32; 1 where nothing is known.

    >>> look_up({("ito", "Japanese"): 3.0}, [Example("ito", "Japanese"), Example("lee", "English")]).tolist()
    [3.0, 1.0]
    """
    counted = (importance.get((example.text, example.label), 1.0) for example in examples)
    return np.fromiter(counted, np.float32, len(examples))


def normalise_examples(reading: Reading, normalisation: Normalisation) -> tuple[list[Example], dict[str, int]]:
    """Return the examples with normalised text, and how many were dropped by reason, empty texts included.

    Raises:
        DataError: no example is left.
    """
    texts = normalisation.apply_all([example.text for example in reading.examples])
    examples = [
        example if example.text == text else Example(text, example.label, example.count)
        for example, text in zip(reading.examples, texts, strict=True)
    ]
    kept = [example for example in examples if example.text]
    dropped = Counter(reading.dropped)
    dropped[BLANK] += len(examples) - len(kept)
    counts = {reason: count for reason, count in dropped.items() if count}
    if not kept:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
        message = f"no usable example in {count_of(reading.lines, 'line')}; dropped: {reasons or 'none'}"
        raise DataError(message, code="empty_table")
    return kept, counts


def split_for(
    config: RunConfig,
    examples: Sequence[Example],
    *,
    folds: Mapping[str, str] | None = None,
    by_label: bool | None = None,
) -> Split:
    """Split normalised examples as the config of a run says.

    Args:
        config: of the run.
        examples: with normalised text.
        folds: as in `elman.data.splits.split_examples`.
        by_label: as there; None: if the answer is a label.
    """
    return split_examples(
        examples,
        config.split,
        seed=config.split_seed,
        test_share=config.test_share,
        validation_share=config.validation_share,
        by_label=config.task == "label" if by_label is None else by_label,
        folds=folds,
    )


def split_again(examples: Sequence[Example], split: Mapping[str, Any], *, by_label: bool = True) -> Split:
    """Split normalised examples as the provenance of a model says, which holds the arguments of the first split."""
    return split_examples(
        examples,
        split["kind"],
        seed=split["seed"],
        test_share=split["test_share"],
        validation_share=split["validation_share"],
        by_label=by_label,
    )
