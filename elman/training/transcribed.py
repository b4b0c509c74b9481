"""Measuring a model of pairs on data: which pairs may be scored, and how well it writes their targets.

Nothing here needs torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elman.checks import count_of, shown
from elman.data.pairs import PairReading, PairSplit, drop_labels, normalise_reading, split_pairs
from elman.data.splits import GIVEN, NOTHING_KEPT
from elman.errors import DataError, SettingError
from elman.evaluation.transcription import score_transcriptions
from elman.prediction.transcriber import Transcriber
from elman.records import Pair
from elman.reports import TranscriptionReport
from elman.training.config import RunConfig

TOP = 3
"""Answers that are looked for."""

MOST_WRONG = 20
"""The surest wrong answers that a report lists."""


@dataclass(frozen=True)
class Transcribed:
    """What a model writes for some pairs, and how good that is.

    Args:
        report: the scores.
        mistakes: the surest wrong answers, as the report of a run lists them.
    """

    report: TranscriptionReport
    mistakes: list[dict[str, Any]]


def transcribe(transcriber: Transcriber, pairs: Sequence[Pair], *, is_told: bool = True) -> Transcribed:
    """Write the best answers to the sources of some pairs, and score them.

    Args:
        transcriber: the model.
        pairs: at least one.
        is_told: tell the model the label of each pair that has one which it knows.
    """
    known = transcriber.labels if is_told else ()
    told = [pair.label if pair.label in known else None for pair in pairs]
    found = transcriber.answer_all([pair.source for pair in pairs], top=TOP, labels=told)
    split = transcriber.artifact.targets.split
    report = score_transcriptions(
        [[split(candidate.label) for candidate in one.top] for one in found],
        [[split(target) for target in pair.targets] for pair in pairs],
        [one.reason for one in found],
        [pair.label for pair in pairs],
    )
    wrong = [
        (one, pair)
        for one, pair in zip(found, pairs, strict=True)
        if one.label is not None and one.label not in pair.targets
    ]
    wrong.sort(key=lambda both: -(both[0].probability or 0.0))
    mistakes = [
        {"text": pair.source, "label": ", ".join(pair.targets), "answer": one.label, "probability": one.probability}
        for one, pair in wrong[:MOST_WRONG]
    ]
    return Transcribed(report, mistakes)


def note_labels(transcriber: Transcriber, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return what a user should know of the labels of pairs that are scored, one sentence each."""
    labels = [pair.label for pair in pairs if pair.label]
    if not transcriber.labels:
        return ()
    unknown = [label for label in labels if label not in transcriber.labels]
    return (
        (
            f"{count_of(len(unknown), 'pair')} of {len(pairs):,} with a label that the model does not know, such as "
            f"{shown(unknown[0])}, answered without it",
        )
        if unknown
        else ()
    )


def config_for_pairs(transcriber: Transcriber, data: str, **reading: Any) -> RunConfig:
    """Return how data are read for a model of pairs.

    Args:
        transcriber: the model.
        data: a named set or a path.
        reading: other fields of `RunConfig` on how data are read.
    """
    writer = transcriber.artifact
    return RunConfig(
        name=transcriber.name,
        data=data,
        task=writer.kind.name,
        writer=writer.config,
        normalisation=writer.normalisation,
        target_symbols=writer.targets.form,
        **reading,
    )


def choose_pairs(transcriber: Transcriber, reading: PairReading, part: str | None) -> tuple[tuple[Pair, ...], str]:
    """Choose what to score. Nothing is called the test part that the model may have learned from.

    Args:
        transcriber: the model; its file says how the data were split.
        reading: the data.
        part: ``train``, ``validation`` or ``test`` of that split, or ``all``; None: the test part if these are the data
            that the model was trained on, otherwise all.

    Returns:
        The pairs, and what part they are.

    Raises:
        SettingError: there is no such part.
        DataError: the part needs the data that the model was trained on, and these are others.
    """
    reading = normalise_reading(reading, transcriber.artifact.normalisation)
    if not transcriber.labels:
        reading = drop_labels(reading)
    split = None if part == "all" else _split_again(transcriber, reading)
    if split is not None:
        chosen = part or ("test" if split.kind != NOTHING_KEPT else "all")
        return split.part(chosen), chosen
    if part not in (None, "all"):
        raise DataError(
            f"--part {part} needs the data that {transcriber.name!r} was trained on, and these are others (the split's "
            "fingerprint differs); leave --part out to score all of them"
        )
    return reading.all, "all"


def _split_again(transcriber: Transcriber, reading: PairReading) -> PairSplit | None:
    """Return the split that the model was trained with; None if these are other data."""
    stored = transcriber.artifact.provenance.get("split")
    if not stored or (stored["kind"] == GIVEN) != reading.is_given:
        return None
    try:
        split = split_pairs(
            reading,
            stored["kind"],
            seed=stored["seed"],
            test_share=stored["test_share"],
            validation_share=stored["validation_share"],
        )
    except (DataError, SettingError):  # too few pairs to split: not the data that the model was trained on
        return None
    return split if split.fingerprint == stored["fingerprint"] else None
