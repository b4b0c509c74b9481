"""What the tasks that read strings share: normalisation, the split, and the vocabulary."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from elman.data.examples import BLANK, Reading
from elman.data.splits import Split, split_examples
from elman.errors import DataError
from elman.records import Example
from elman.text.normalisation import Normalisation
from elman.training.config import RunConfig


def normalise_examples(reading: Reading, normalisation: Normalisation) -> tuple[list[Example], dict[str, int]]:
    """Return the examples with normalised text, and what was dropped by reason: here what normalises to nothing."""
    examples = [Example(normalisation.apply(e.text), e.label, e.count) for e in reading.examples]
    kept = [example for example in examples if example.text]
    dropped = Counter(reading.dropped)
    dropped[BLANK] += len(examples) - len(kept)
    if not kept:
        raise DataError("no example has a symbol left after normalisation")
    return kept, {reason: count for reason, count in dropped.items() if count}


def split_for(config: RunConfig, examples: Sequence[Example]) -> Split:
    """Split normalised examples as a run is asked to."""
    return split_examples(
        examples,
        config.split,
        seed=config.split_seed,
        test_share=config.test_share,
        validation_share=config.validation_share,
        by_label=config.task == "label",
    )


def split_as(examples: Sequence[Example], split: Mapping[str, Any], *, by_label: bool = True) -> Split:
    """Split normalised examples the way a model's provenance says it was done."""
    return split_examples(
        examples,
        split["kind"],
        seed=split["seed"],
        test_share=split["test_share"],
        validation_share=split["validation_share"],
        by_label=by_label,
    )


def sizes_of(split: Split) -> dict[str, int]:
    """Return how many examples each part holds."""
    return {part: len(split.part(part)) for part in ("train", "validation", "test")}
