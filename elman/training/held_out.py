"""Measuring a model file on data: which examples may be scored, and the scores that fit its answers.

Nothing here needs torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elman.checks import check_choice
from elman.data.catalog import CATALOG
from elman.data.columns import list_tables
from elman.data.examples import FeatureReading, Reading
from elman.data.held_back import HeldBackReading, hold_back
from elman.data.images import ImageReading, has_images
from elman.data.numbers import parse_numbers, select_numbers
from elman.data.pairs import PairReading
from elman.data.splits import BY_HEART, HASHED, NOTHING_KEPT, Split, ceiling
from elman.data.steps import features_to_steps, images_to_steps
from elman.errors import DataError, SettingError
from elman.evaluation.baseline import evaluate_baseline
from elman.evaluation.intervals import bound_share_of
from elman.evaluation.scores import (
    NGRAM_BASELINE,
    Evaluation,
    compare_labels,
    evaluate,
    evaluate_logits,
    evaluate_numbers,
    evaluate_tags,
    find_majority,
    list_findings,
    list_selected,
    list_sets,
    measure_calibration,
)
from elman.evaluation.verdict import decide, write_verdict
from elman.evaluation.writing import score_generator
from elman.model.writer import Writer
from elman.prediction.generator import Generator
from elman.prediction.predictor import Predictor
from elman.records import Example
from elman.reports import Report
from elman.tables.sql.queries import Query
from elman.training.allowance import fit_for
from elman.training.config import BASELINES, RunConfig
from elman.training.reading import read_data
from elman.training.tasks.strings import normalise_examples, split_again

OTHER_DATA = "these are not the data that {model!r} was trained on; strings that are in both were learned"
ALL_SCORED = "all examples are scored, also those that the model was trained on, if any"


@dataclass(frozen=True)
class Measurement:
    """What a model scores on data.

    Args:
        report: the scores.
        part: what was scored: ``train``, ``validation``, ``test`` or ``all``.
        dropped: how many lines of the source did not become an example, by reason.
        notes: what a user should know of the scores.
        evaluation: the numbers of pictures, if the answers are labels.
        values: other values for JSON, by their key there.
    """

    report: Report
    part: str
    dropped: Mapping[str, int]
    notes: tuple[str, ...] = ()
    evaluation: Evaluation | None = None
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """The examples to score.

    Args:
        examples: with normalised text.
        part: what they are: ``train``, ``validation``, ``test`` or ``all``.
        split: the split that the model was trained with; None if these are other data, the part is ``all``, or the
            training part is not in memory.
        trained: examples with the labels and the counts of the training part; empty if these are other data, or the
            part is ``all``.
    """

    examples: Sequence[Example]
    part: str
    split: Split | None
    trained: Sequence[Example] = ()


def config_for(predictor: Predictor | Generator, data: str, *, label: str | None = None, **reading: Any) -> RunConfig:
    """Return how data are read for a model.

    Args:
        predictor: the model.
        data: a named set or a path.
        label: the column of labels or numbers; None: ``label``, or the column that the model was trained on.
        reading: other fields of `RunConfig` on how data are read.
    """
    artifact = predictor.artifact
    kind = artifact.kind
    if isinstance(artifact, Writer):
        return RunConfig(
            name=predictor.name,
            data=data,
            task=kind.name,
            normalisation=artifact.normalisation,
            label_column=label or "label",
            writer=artifact.config,
            **reading,
        )
    return RunConfig(
        name=predictor.name,
        data=data,
        task=kind.name,
        normalisation=artifact.normalisation,
        label_column=label or (artifact.labels.names[0] if kind.answers == "number" else "label"),
        feature_columns=artifact.columns,
        **reading,
    )


def read_held_out(
    predictor: Predictor | Generator,
    config: RunConfig,
    source: str | Query | None = None,
    part: str | None = None,
    *,
    baseline: str = "none",
    progress: Any = False,
) -> Reading | ImageReading | FeatureReading | PairReading:
    """Read what `measure` needs to score a model on a part of its data.

    The data are in memory, unless they can be larger: of a table, a folder or a query that a hashed split divides only
    the validation and the test part are kept, if no more is needed. Other data than those that the model was trained on
    are then read a second time.

    Args:
        predictor: the model.
        config: as in `measure`.
        source: what to read instead of ``config.data``.
        part: as in `measure`.
        baseline: as in `measure`.
        progress: as `elman.data.download.fetch` takes it.

    Raises:
        ElmanError: as `elman.training.reading.read_data`.
    """
    stored = predictor.artifact.provenance.get("split", {})
    if stored.get("kind") == HASHED and part not in ("train", "all") and baseline == "none":
        found = _hold_back(config, config.data if source is None else source, stored)
        if found is not None and found.fingerprint == stored["fingerprint"]:
            return found
    return read_data(config, source, progress=progress)


def _hold_back(config: RunConfig, source: str | Query, split: Mapping[str, Any]) -> HeldBackReading | None:
    """Return what a hashed split keeps back of labelled strings; None if the source is another one."""
    if config.task != "label" or config.data_folder is not None:
        return None
    if not isinstance(source, Query):
        path = Path(source)
        is_folder = path.is_dir() and not has_images(path)
        if source in CATALOG or not (is_folder or list_tables(path)):
            return None
    return hold_back(
        source,
        normalisation=config.normalisation,
        seed=split["seed"],
        test_share=split["test_share"],
        validation_share=split["validation_share"],
        text=config.text_column,
        label=config.label_column,
        max_characters=config.max_characters,
        options=config.text_options(),
        on_error=config.on_error or "skip",
    )


def measure(
    predictor: Predictor | Generator,
    reading: Reading | ImageReading | FeatureReading | PairReading,
    config: RunConfig,
    part: str | None = None,
    *,
    baseline: str = "none",
) -> Measurement:
    """Score a model on data.

    Args:
        predictor: the model.
        reading: the data; see `read_held_out`.
        config: its task, and how the data were read; see `config_for`.
        part: ``train``, ``validation`` or ``test`` of the split that the model was trained with, or ``all``. None: the
            test part if these are the data that the model was trained on, otherwise all.
        baseline: also fit this one of `elman.training.config.BASELINES` on the training part; of models that answer
            strings with a label.

    Raises:
        SettingError: the source has no such part, or the model no such baseline.
        DataError: the data are of another kind, or are not those that the model was trained on.
    """
    _check_kind(predictor, reading, config)
    check_choice("baseline", baseline, BASELINES)
    if baseline != "none" and config.task != "label":
        raise SettingError("--baseline is for models that read strings and answer with a label; leave it out")
    if isinstance(predictor, Generator):
        return _measure_writing(predictor, reading, config, part)
    if isinstance(reading, ImageReading):
        return _measure_images(predictor, reading, config, part)
    if isinstance(reading, FeatureReading):
        return _measure_features(predictor, reading, part)
    if isinstance(reading, PairReading):
        answers = predictor.artifact.kind.answers
        raise DataError(f"{config.data}: {predictor.name!r} answers with {answers}, and these are pairs of strings")
    if config.task == "label":
        return _measure_labels(predictor, reading, config, part, baseline)
    return _measure_strings(predictor, reading, config, part)


def choose_part(
    predictor: Predictor | Generator, examples: Sequence[Example], part: str | None, *, by_label: bool = True
) -> Selection:
    """Choose what to score. Nothing is called the test part that the model may have learned from.

    Args:
        predictor: the model; its file says how the data were split.
        examples: with normalised text.
        part: as in `measure`.
        by_label: as in `elman.data.splits.split_examples`.

    Raises:
        SettingError: there is no such part.
        DataError: the part needs the data that the model was trained on, and these are others.
    """
    stored = predictor.artifact.provenance.get("split")
    if part != "all" and stored is not None:
        try:
            split = split_again(examples, stored, by_label=by_label)
        except DataError:  # too few examples to split: not the data that the model was trained on
            split = None
        if split is not None and split.fingerprint == stored["fingerprint"]:
            return Selection(split.part(part or "test"), part or "test", split, split.train)
    if part in (None, "all"):
        return Selection(examples, "all", None)
    raise DataError(
        f"--part {part} needs the data that {predictor.name!r} was trained on, and these are others "
        "(the split's fingerprint differs); leave --part out to score all of them"
    )


def _check_kind(
    predictor: Predictor | Generator, reading: Reading | ImageReading | FeatureReading | PairReading, config: RunConfig
) -> None:
    kind = predictor.artifact.kind
    if reading.reads != kind.examples:
        raise DataError(f"{config.data}: {predictor.name!r} reads {kind.examples}, and these are {reading.reads}")


def _measure_labels(
    predictor: Predictor, reading: Reading, config: RunConfig, part: str | None, baseline: str
) -> Measurement:
    if isinstance(reading, HeldBackReading):
        chosen, dropped = _choose_held_back(reading, part), reading.dropped
    else:
        examples, dropped = normalise_examples(reading, config.normalisation)
        chosen = choose_part(predictor, examples, part)
    if baseline != "none" and chosen.split is None:
        raise DataError(
            f"--baseline needs the data that {predictor.name!r} was trained on, to fit the baseline on the same part"
        )
    evaluation = evaluate(predictor, chosen.examples)
    values: dict[str, Any] = {"ceiling": ceiling(chosen.examples)}
    if chosen.trained:
        label, share = find_majority(chosen.trained, chosen.examples)
        interval = list(bound_share_of(share, len(chosen.examples)))
        values["majority"] = {"label": label, "accuracy": share, "interval": interval}
    values["calibration"] = measure_calibration(evaluation, predictor.artifact.temperature)
    values |= list_sets(evaluation, predictor.artifact) | list_selected(evaluation)
    values |= list_findings(evaluation, evaluation.select([example.text for example in chosen.examples]))
    if baseline != "none" and chosen.split is not None:
        fitted = fit_for(predictor.artifact, chosen.split.train, baseline)
        simple = evaluate_baseline(fitted, chosen.examples, predictor.artifact.labels)
        truth = [example.label for example in chosen.examples]
        comparisons = compare_labels(evaluation.report, truth, label, simple, name=NGRAM_BASELINE)
        values |= {
            "baseline": simple.to_dict(),
            "baseline_fit": fitted.to_dict(),
            "verdict": write_verdict(comparisons, by_heart=chosen.split.kind == NOTHING_KEPT),
            "answer": decide(comparisons),
            "comparisons": [comparison.to_dict() for comparison in comparisons],
        }
    notes = _write_notes(predictor, part, chosen.part, OTHER_DATA)
    return Measurement(evaluation.report, chosen.part, dropped, notes, evaluation, values)


def _choose_held_back(reading: HeldBackReading, part: str | None) -> Selection:
    return Selection(reading.part(part or "test"), part or "test", None, reading.list_labels())


def _measure_strings(predictor: Predictor, reading: Reading, config: RunConfig, part: str | None) -> Measurement:
    """Score a model that answers strings with tags or a number."""
    examples, dropped = normalise_examples(reading, config.normalisation)
    if config.task == "number":
        examples, _ = select_numbers(examples, config.label_column, config.data)
    chosen = choose_part(predictor, examples, part, by_label=False)
    report: Report
    if config.task == "tags":
        report = evaluate_tags(predictor, chosen.examples)
    else:
        texts = [example.text for example in chosen.examples]
        encoded = [predictor.artifact.vocabulary.encode(text) for text in texts]
        truth, reasons = parse_numbers(chosen.examples), predictor.abstentions(texts)
        report = evaluate_numbers(predictor, encoded, truth, reasons=reasons).report
    return Measurement(report, chosen.part, dropped, _write_notes(predictor, part, chosen.part))


def _measure_writing(generator: Generator, reading: Any, config: RunConfig, part: str | None) -> Measurement:
    """Score a model that writes new strings: how surprising it finds given ones."""
    examples, dropped = normalise_examples(reading, config.normalisation)
    chosen = choose_part(generator, examples, part, by_label=bool(generator.labels))
    report = score_generator(generator, chosen.examples)
    return Measurement(report, chosen.part, dropped, _write_notes(generator, part, chosen.part))


def _measure_images(predictor: Predictor, reading: ImageReading, config: RunConfig, part: str | None) -> Measurement:
    artifact = predictor.artifact
    if part not in (None, "test"):
        raise SettingError(f"images are scored on the source's own test part; got --part {part}")
    if reading.test_images.shape[1:] != artifact.picture or reading.names != artifact.labels.names:
        raise DataError(f"{config.data}: holds other images than {predictor.name!r} was trained on")
    logits = predictor.scorer.logits(images_to_steps(reading.test_images))
    evaluation = evaluate_logits(
        logits, reading.test_labels, artifact.labels, artifact.temperature, floor=artifact.floor
    )
    return Measurement(evaluation.report, "test", reading.dropped, _write_notes(predictor, part, "test"), evaluation)


def _measure_features(predictor: Predictor, reading: FeatureReading, part: str | None) -> Measurement:
    if part not in (None, "all"):
        raise SettingError(f"a linear regression is scored on all rows; got --part {part}")
    evaluation = evaluate_numbers(predictor, features_to_steps(reading.features), reading.numbers)
    return Measurement(evaluation.report, "all", reading.dropped, _write_notes(predictor, part, "all"))


def _write_notes(
    predictor: Predictor | Generator, wanted: str | None, scored: str, note: str = ALL_SCORED
) -> tuple[str, ...]:
    """Return what a user should know if the model may have learned from what was scored."""
    learned = predictor.artifact.provenance.get("split", {}).get("kind") == NOTHING_KEPT
    other = [note.format(model=predictor.name)] if wanted is None and scored == "all" else []
    return (*([BY_HEART] if learned else []), *other)
