"""Measuring a model file on data: which examples it may be asked about, and the scores that fit its task."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading
from elman.errors import DataError, SettingError
from elman.evaluation.scores import evaluate_encoded, evaluate_numbers, evaluate_tags
from elman.prediction.predictor import Predictor
from elman.records import Example
from elman.training.config import RunConfig
from elman.training.tasks.images import as_steps
from elman.training.tasks.numbers import numbers_of, with_numbers
from elman.training.tasks.strings import normalise_examples, split_as
from elman.training.tasks.task import Report

if TYPE_CHECKING:
    from elman.data.splits import Split
    from elman.prediction.predictor import Predictor
    from elman.records import Example


def measure(
    predictor: Predictor, reading: Reading | ImageReading | FeatureReading, config: RunConfig, part: str | None
) -> tuple[Report, str]:
    """Score a model that answers with tags or a number, or reads images.

    Args:
        predictor: the model.
        reading: what the source held.
        config: its task, and how the source was read.
        part: ``train``, ``validation`` or ``test`` of the split that the model was trained with, or ``all``; where
            None, the test part if these are the data that the model was trained on, else all.

    Returns:
        The scores, and the part that was scored.

    Raises:
        SettingError: the source has no such part.
        DataError: the data are of another kind, or are not those that the model was trained on.
    """
    artifact = predictor.artifact
    kinds = {"strings": Reading, "images": ImageReading, "features": FeatureReading}
    if not isinstance(reading, kinds[artifact.reads]):
        came = next(kind for kind, reading_type in kinds.items() if isinstance(reading, reading_type))
        raise DataError(f"{config.data}: {predictor.name!r} reads {artifact.reads}, and these are {came}")
    if isinstance(reading, ImageReading):
        if part not in (None, "test"):
            raise SettingError(f"images are scored on the source's own test part; got --part {part}")
        if reading.test_images.shape[1:] != artifact.picture or reading.names != artifact.labels.names:
            raise DataError(f"{config.data}: holds other images than {predictor.name!r} was trained on")
        return evaluate_encoded(predictor, as_steps(reading.test_images), reading.test_labels).report, "test"
    if isinstance(reading, FeatureReading):
        if part not in (None, "all"):
            raise SettingError(f"a linear regression is scored on all rows; got --part {part}")
        rows = list(reading.features[:, None].astype(np.float32))
        return evaluate_numbers(predictor, rows, reading.numbers), "all"
    examples, _ = normalise_examples(reading, config.normalisation)
    if config.task == "number":
        examples, _ = with_numbers(examples, config)
    chosen, scored = _chosen(predictor, examples, part)
    if config.task == "tags":
        return evaluate_tags(predictor, chosen), scored
    encoded = [artifact.vocabulary.encode(example.text) for example in chosen]
    return evaluate_numbers(predictor, encoded, numbers_of(chosen)), scored


def _chosen(predictor: Predictor, examples: Sequence[Example], part: str | None) -> tuple[Sequence[Example], str]:
    """Choose what to score, and never call something the test part that the model may have learned from."""
    split = predictor.artifact.provenance.get("split")
    if part != "all" and split is not None:
        try:
            again = split_as(examples, split, by_label=False)
        except DataError:  # too few to split are not what the model was trained on
            again = None
        if again is not None and again.fingerprint == split["fingerprint"]:
            return again.part(part or "test"), part or "test"
    if part in (None, "all"):
        return examples, "all"
    raise DataError(
        f"--part {part} needs the data that {predictor.name!r} was trained on, and these are others "
        "(the split's fingerprint differs); leave --part out to score all of them"
    )


def choose_part(
    predictor: "Predictor", examples: "list[Example]", part: str | None
) -> "tuple[tuple[Example, ...], str, Split | None]":
    """Choose what to score, and never call something the test part that the model may have learned from."""
    from elman.training.tasks.strings import split_as

    split = predictor.artifact.provenance.get("split")
    if part == "all" or split is None:
        return tuple(examples), "all", None
    try:
        again = split_as(examples, split)
        same = again.fingerprint == split["fingerprint"]
    except DataError:  # too few examples to split are not what the model was trained on
        same = False
    if same:
        return again.part(part or "test"), part or "test", again
    if part is None:
        return tuple(examples), "all", None
    raise DataError(
        f"--part {part} needs the data that {predictor.name!r} was trained on, and these are others "
        "(the split's fingerprint differs); leave --part out to score all of them"
    )
