"""Runs: one training from examples to a model file; one folder holds all of it.

    config.json              the settings, and the fingerprint of the split
    metrics.jsonl            one line for each epoch
    checkpoint.safetensors   what the run needs to continue
    shards/                  the examples, if they are streamed; removed when the run has finished
    model.safetensors        the model
    report.json, report.md   its scores beside those of the baseline
    curves.png               loss and accuracy by epoch
    confusion.png, reliability.png, abstention.png   of a model that answers with a label

Other models have other pictures. A `Run` trains while its `epochs` are iterated and can stop between any two of them;
`finish` writes the model and its report from the best epoch so far.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from elman.checks import count_of, whole
from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading
from elman.data.pairs import PairReading
from elman.data.splits import NOTHING_KEPT
from elman.data.streaming import StreamedReading
from elman.errors import SettingError, TrainingError
from elman.evaluation.figures import save_figure
from elman.evaluation.plots import draw_pictures, plot_curves
from elman.evaluation.report import write_report
from elman.evaluation.titles import describe_confused, name_part, show_report_rows, title_scores
from elman.evaluation.verdict import decide
from elman.extras import extra
from elman.files import write_atomically
from elman.markup import render_card, render_note, render_table
from elman.model.config import NO_CELL, ModelConfig
from elman.model.file import Artifact
from elman.model.files import dump_model, parse_model, save_model
from elman.model.writing import WriterConfig
from elman.reports import EpochResult, EvalReport, Report, StepResult
from elman.training.config import RunConfig
from elman.training.fitting import describe_origin, start_training
from elman.training.history import History
from elman.training.loop import train
from elman.training.progress import Display, describe_epoch, watch
from elman.training.ranks import Ranks
from elman.training.tasks.registry import build_task
from elman.training.tasks.task import Findings
from elman.version import __version__

CHECKPOINT, CONFIG, METRICS = "checkpoint.safetensors", "config.json", "metrics.jsonl"
SHARDS = "shards"
MODEL, REPORT, REPORT_TEXT = "model.safetensors", "report.json", "report.md"

CHECKPOINT_SECONDS = 1.0
"""Epochs that end sooner than this after the last checkpoint write none."""

CHECKPOINT_STEPS_SECONDS, CHECKPOINT_SHARE = 30.0, 0.05
"""In an epoch a checkpoint is written so often, unless that takes more than this share of the time."""


@dataclass(frozen=True)
class RunReport:
    """The report of a finished run.

    Args:
        folder: of the run.
        values: what ``report.json`` holds.
        test: the model's scores on the test part.
        baseline: the baseline's scores on the same part; None if there is no baseline.
        verdict: whether the model is better than the baseline, in words.
        history: what each epoch did.
    """

    folder: Path
    values: dict[str, Any]
    test: Report
    baseline: Report | None
    verdict: str
    history: History = History()

    def _repr_html_(self) -> str:
        """Return the report as a notebook shows it: scores beside those of the baseline, the verdict and the curves."""
        values = self.values
        columns, rows = show_report_rows(values)
        confused = describe_confused(values)
        return render_card(
            title_scores(values["test"], model=values["name"], data=values["data"]["source"], part=name_part(values)),
            render_table(rows, header=("", *columns)),
            *map(render_note, [values["verdict"], *values["remarks"], *([confused] if confused else [])]),
            self.history._repr_html_() if self.history else "",
            render_note(f"Everything is in {self.folder}; elman.load({str(self.folder)!r}) answers with the model."),
        )


class Run:
    """One training, from examples to a model file.

    Args:
        reading: the examples of a source.
        config: what to do with them.
        folder: of the run.
        resume: continue from the checkpoint in ``folder``.
        tensorboard: also log scalars to ``folder``/tensorboard.
        command: what the report says to run again, if there is such a command; see
            `elman.training.options.write_command`.

    Raises:
        SettingError: the folder already holds a run, and ``resume`` is False.
        TrainingError: there is no run to resume, or it has other data or another configuration.
        DataError: the examples cannot be split.
        MissingExtraError: tensorboard is not installed.
    """

    def __init__(
        self,
        reading: Reading | ImageReading | FeatureReading | PairReading,
        config: RunConfig,
        folder: Path,
        *,
        resume: bool = False,
        tensorboard: bool = False,
        command: str | None = None,
    ) -> None:
        self.folder, self.reading, self.command = folder, reading, command
        if config.train.threads is not None:
            torch.set_num_threads(config.train.threads)
        with _remove_shards(reading, keep=resume):
            self.task = build_task(reading, config)
            self.config = config = self.task.config
            self.model, self.state = start_training(self.task, config, Ranks.of_environment())
            writer = _import_summary_writer() if tensorboard else None
            self._open(resume)
        self._tensorboard = writer(str(folder / "tensorboard")) if writer else None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""
        return self.state.finished

    def epochs(self, *, on_step: Callable[[StepResult], None] | None = None) -> Iterator[EpochResult]:
        """Train, and yield what each epoch did.

        The checkpoint and the metrics are written after every epoch, or once a second if epochs are shorter. In long
        epochs the checkpoint is written every half minute, or less often if that takes more than a twentieth of the
        time. A run that is killed repeats at most that much; a run that stops between two epochs loses nothing.

        Args:
            on_step: as in `elman.training.loop.train`.

        Raises:
            NonFiniteLossError: the loss became infinite or not a number.
        """
        started = written = time.monotonic()
        spent = 0.0

        def save_or_wait(step: StepResult) -> None:
            nonlocal written, spent
            now = time.monotonic()
            if now - written >= CHECKPOINT_STEPS_SECONDS and spent <= CHECKPOINT_SHARE * (now - started):
                self._write_progress()
                written = time.monotonic()
                spent += written - now
            if on_step is not None:
                on_step(step)

        task, calibrate = self.task, self.task.is_calibrated
        for result in train(self.state, task.training, task.validation, on_step=save_or_wait, calibrate=calibrate):
            due = self.finished or result.epoch == 1 or time.monotonic() - written >= CHECKPOINT_SECONDS
            if due:
                self._write_progress()
                written = time.monotonic()
            if self._tensorboard is not None:
                for name, value in asdict(result).items():
                    if value is not None:
                        self._tensorboard.add_scalar(name, float(value), result.epoch)
                self._tensorboard.flush()
            try:
                yield result
            except GeneratorExit:
                if not due:
                    self._write_progress()
                raise

    @property
    def learns_by_heart(self) -> bool:
        """Whether nothing is kept back, so that the run is measured on the examples that it learns from."""
        return self.task.split_kind == NOTHING_KEPT

    def describe(self) -> str:
        """Return the network, the task, the sizes of the parts and the folder of the run, in three lines."""
        model, sizes = self.config.model, self.task.sizes
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        if self.config.writer is not None:
            return (
                f"{self.config.writer.describe()}, {count_of(parameters, 'parameter')}\n"
                f"{whole(self.task.description())}: "
                f"{sizes['train']:,} train, {sizes['validation']:,} validate, {sizes['test']:,} test\n"
                f"folder: {whole(self.folder)}"
            )
        kinds = {"Unrolled": "by hand", "Fused": "fused"}
        hand = kinds.get(type(getattr(self.model, "recurrence", None)).__name__, "torch.nn")
        cells = (
            f"{model.cell} ({hand}), layers: {model.layers}, hidden size: {model.hidden_size}, "
            f"directions: {model.directions}"
            if model.cell != NO_CELL
            else "linear"
        )
        parts = f"{sizes['train']:,} train, {sizes['validation']:,} validate, {sizes['test']:,} test"
        if self.learns_by_heart:
            parts = f"{count_of(sizes['train'], 'example')}, the same to train, to validate and to test"
        return (
            f"{cells}, {count_of(parameters, 'parameter')}\n"
            f"{whole(self.task.description())}: {parts}\n"
            f"folder: {whole(self.folder)}"
        )

    def describe_epoch(self, result: EpochResult) -> str:
        """Return what one epoch did, in one line, with a sample answer of a tagger."""
        line = describe_epoch(result, is_validated=not self.learns_by_heart)
        sample = self.task.sample(self.model)
        return f"{line}  {whole(sample)}" if sample else line

    def describe_measuring(self) -> str:
        """Return what `finish` does, in one line."""
        fitting = "" if self.config.baseline == "none" else " and fitting the baseline"
        return f"Measuring the kept epoch{fitting} …"

    def watch(self, display: Display) -> None:
        """Train to the end under a display."""
        watch(
            lambda on_step: self.epochs(on_step=on_step),
            display,
            epochs=self.config.train.passes,
            steps=self.state.steps_in_epoch,
            done=self.state.step,
            describe=self.describe_epoch,
            by_heart=self.learns_by_heart,
        )

    def _write_progress(self) -> None:
        if not self.state.ranks.is_first:
            return
        self.state.save(self.folder / CHECKPOINT)
        lines = (json.dumps(asdict(past)) + "\n" for past in self.state.history)
        write_atomically(self.folder / METRICS, "".join(lines).encode())

    def finish(self, *, weights: str = "float") -> RunReport:
        """Calibrate the best weights so far, measure them on the test part, and write the model and its report.

        Args:
            weights: as in `elman.model.file.save_artifact`; the report is of the weights as they are stored.

        Raises:
            TrainingError: no epoch is done yet.
        """
        if not self.state.best:
            raise TrainingError("no epoch is done yet, so there is no model to write; wait until the first is done")
        trained = self.task.artifact(self.state.best, self._provenance())
        stored: Any = trained if weights == "float" else parse_model(dump_model(trained, weights=weights), MODEL)
        artifact, findings = self.task.measure(stored)
        figures = {
            "test": _summarise(findings.test),
            "validation": _summarise(findings.validation),
            **({} if findings.baseline is None else {"baseline_test": _summarise(findings.baseline)}),
        }
        part = "all examples" if self.learns_by_heart else "the test part"
        pictures = draw_pictures(findings.evaluation, part=part)
        titles = {file: picture.title for file, picture in pictures.items()}
        values = self._report(findings, artifact, titles)
        shipped = replace(artifact, provenance={**artifact.provenance, "figures": figures})
        save_model(shipped, self.folder / MODEL)
        write_atomically(self.folder / REPORT, (json.dumps(values, indent=2) + "\n").encode())
        write_atomically(self.folder / REPORT_TEXT, write_report(values).encode())
        curves = plot_curves(
            self.state.history,
            self.state.kept_epoch,
            by_heart=self.learns_by_heart,
            drops=_has_dropout(self.config.writer or self.config.model),
            is_calibrated=self.task.is_calibrated,
            marks=_list_marks(findings, part),
        )
        save_figure(curves, self.folder / "curves.png")
        for file, picture in pictures.items():
            save_figure(picture.figure, self.folder / file)
        if self.finished and isinstance(self.reading, StreamedReading):
            self.reading.shards.remove()
        history = History(self.state.history, by_heart=self.learns_by_heart)
        return RunReport(self.folder, values, findings.test, findings.baseline, values["verdict"], history)

    def _open(self, resume: bool) -> None:
        """Start a new run in the folder, or restore the run that it holds."""
        checkpoint = self.folder / CHECKPOINT
        if resume:
            stored = read_run_config(self.folder)
            if stored["fingerprint"] != self.task.fingerprint:
                raise TrainingError(f"{self.folder}: was trained on other data; resume with the same data")
            before = RunConfig.from_dict(stored["config"])
            is_shorter = self.config.train.passes < before.train.passes
            if is_shorter or before.of_any_length() != self.config.of_any_length():
                raise TrainingError(f"{self.folder}: was started with other options; resume with the same options")
            if checkpoint.exists():
                self.state.restore(checkpoint)
            if before != self.config and self.state.ranks.is_first:
                self._write_config()
            return
        if not self.state.ranks.is_first:
            return
        check_new(self.folder)
        self._write_config()

    def _write_config(self) -> None:
        document = {"config": asdict(self.config), "fingerprint": self.task.fingerprint, "version": __version__}
        write_atomically(self.folder / CONFIG, (json.dumps(document, indent=2) + "\n").encode())

    def _provenance(self) -> dict[str, Any]:
        origin = describe_origin(self.task, self.config, self.reading, epochs=self.state.epoch)
        return {
            **origin,
            "split": {
                "kind": self.task.split_kind,
                "seed": self.config.split_seed,
                "test_share": self.config.test_share,
                "validation_share": self.config.validation_share,
                "fingerprint": self.task.fingerprint,
                **self.task.sizes,
                "notes": list(self.task.notes),
            },
        }

    def _report(self, findings: Findings, artifact: Artifact, pictures: Mapping[str, str]) -> dict[str, Any]:
        """Return what ``report.json`` holds; ``pictures`` has the title of each file."""
        baseline = None if findings.baseline is None else findings.baseline.to_dict()
        if baseline is not None and findings.baseline_validation is not None:
            baseline["validation"] = findings.baseline_validation.to_dict()
        return {
            "name": self.config.name,
            "verdict": self.task.verdict(findings),
            "answer": decide(findings.comparisons),
            "comparisons": [comparison.to_dict() for comparison in findings.comparisons],
            "labels": [] if artifact.labels is None else list(artifact.labels.names),
            "test": findings.test.to_dict(),
            "validation": findings.validation.to_dict(),
            "baseline": baseline,
            **findings.values,
            "remarks": list(self.task.remarks(findings)),
            "pictures": dict(pictures),
            "seconds": sum(result.seconds for result in self.state.history),
            "epochs": self.state.epoch,
            "complete": self.finished,
            "parameters": artifact.parameters,
            "data": artifact.provenance["data"],
            "split": artifact.provenance["split"],
            "incomplete_labels": {label: list(parts) for label, parts in self.task.incomplete.items()},
            "config": json.loads(json.dumps(asdict(self.config))),
            "versions": artifact.provenance["versions"],
            "command": self.command,
        }


def check_new(folder: Path) -> None:
    """Check that a new run can use a folder.

    Raises:
        SettingError: it holds a run, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"{folder}: is a file; give a folder for the run with --out")
    if (folder / CONFIG).exists():
        raise SettingError(f"{folder}: already holds a run; continue it with --resume, or use another --out")


def read_run_config(folder: Path) -> dict[str, Any]:
    """Return what ``config.json`` of a run folder holds: ``config`` and ``fingerprint``.

    Raises:
        TrainingError: there is no run in the folder.
    """
    try:
        document: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        RunConfig.from_dict(document["config"])
        return document
    except (OSError, ValueError, KeyError, TypeError):
        raise TrainingError(f"{folder}: there is no run to resume; start one without --resume") from None


def _summarise(report: Report) -> dict[str, Any]:
    """Return the scores of a report without those of each label."""
    return {name: value for name, value in report.to_dict().items() if name != "per_label"}


def _has_dropout(model: ModelConfig | WriterConfig) -> bool:
    """Return whether anything is dropped in training, so that the training part is measured on less than all of it."""
    return any(value > 0 for name, value in asdict(model).items() if name.endswith("dropout"))


def _list_marks(findings: Findings, part: str) -> dict[str, float]:
    """Return the accuracies that the picture of the curves compares with, by their names; ``part`` was measured."""
    baseline, ceiling = findings.baseline_validation, findings.values.get("ceiling")
    of_baseline = {"baseline, validation": baseline.accuracy} if isinstance(baseline, EvalReport) else {}
    return of_baseline | ({} if ceiling is None else {f"ceiling of {part}": float(ceiling)})


@contextmanager
def _remove_shards(reading: Reading | ImageReading | FeatureReading | PairReading, *, keep: bool) -> Iterator[None]:
    """Remove the shards of a new run, if there are any, when it cannot start."""
    try:
        yield
    except BaseException:
        if isinstance(reading, StreamedReading) and not keep and Ranks.of_environment().is_first:
            reading.shards.remove()
        raise


def _import_summary_writer() -> Any:
    with extra("tensorboard"):
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter
