"""Runs: one training from examples to a model file, with everything worth keeping in one folder.

    config.json              what was asked for, and the split's fingerprint
    metrics.jsonl            one line an epoch
    checkpoint.safetensors   where to go on from
    model.safetensors        the model
    report.json, report.md   its scores beside the baseline's
    curves.png               loss and accuracy by epoch
    confusion.png, reliability.png   of a model that answers with a label

A task may add pictures of its own. A `Run` trains when its `epochs` are iterated and can be stopped between any two of
them; `finish` writes the model and its report from the best epoch so far.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading
from elman.errors import SettingError, TrainingError
from elman.evaluation.plots import plot_curves, save_figure
from elman.files import write_atomically
from elman.model.file import save_artifact
from elman.prediction.predictor import Predictor
from elman.records import EpochResult, StepResult
from elman.training.loop import TrainingState, train
from elman.training.tasks import RunConfig, build_task
from elman.training.tasks.task import Findings, Report, versions
from elman.version import __version__

CHECKPOINT, CONFIG, METRICS = "checkpoint.safetensors", "config.json", "metrics.jsonl"
CHECKPOINT_SECONDS = 1.0
MODEL, REPORT, REPORT_TEXT = "model.safetensors", "report.json", "report.md"


@dataclass(frozen=True)
class RunReport:
    """What a finished run found.

    Args:
        folder: where everything lies.
        values: what ``report.json`` holds.
        test: the model's scores on the test part.
        baseline: the baseline's, on the same part.
        verdict: whether the model earns its place, in words.
    """

    folder: Path
    values: dict[str, Any]
    test: Report
    baseline: Report
    verdict: str


class Run:
    """One training, from examples to a model file.

    Args:
        reading: the examples, as a source gave them.
        config: what to do with them.
        folder: where to keep it.
        resume: go on from the checkpoint in ``folder``.
        tensorboard: also log scalars to ``folder``/tensorboard.

    Raises:
        SettingError: the folder holds a run already and ``resume`` is False.
        TrainingError: there is nothing to resume, or it was made from other data or another configuration.
        DataError: the examples cannot be split.
    """

    def __init__(
        self,
        reading: Reading | ImageReading | FeatureReading,
        config: RunConfig,
        folder: Path,
        *,
        resume: bool = False,
        tensorboard: bool = False,
    ) -> None:
        self.config, self.folder, self.reading = config, folder, reading
        if config.train.threads is not None:
            torch.set_num_threads(config.train.threads)
        self.task = build_task(reading, config)
        torch.manual_seed(config.train.seed)
        self.model = self.task.network()
        steps = config.train.draws or self.task.training.steps(config.train.batch_size)
        self.state = TrainingState(self.model, config.train, steps_in_epoch=steps)
        writer = _summary_writer() if tensorboard else None
        self._open(resume)
        self._tensorboard = writer(str(folder / "tensorboard")) if writer else None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""
        return self.state.finished

    def epochs(self, *, on_step: Callable[[StepResult], None] | None = None) -> Iterator[EpochResult]:
        """Train, and yield what each epoch did.

        The checkpoint and the metrics are written after every epoch, but of very short epochs only once a second: that
        much is the most that a killed or interrupted run does again. Whoever stops between two epochs loses nothing.
        """
        written = -math.inf
        for result in train(self.state, self.task.training, self.task.validation, on_step=on_step):
            due = self.finished or time.monotonic() - written >= CHECKPOINT_SECONDS
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

    def _write_progress(self) -> None:
        self.state.save(self.folder / CHECKPOINT)
        lines = (json.dumps(asdict(past)) + "\n" for past in self.state.history)
        write_atomically(self.folder / METRICS, "".join(lines).encode())

    def finish(self) -> RunReport:
        """Calibrate the best weights so far, look at the test part once, and write the model and its report.

        Raises:
            TrainingError: no epoch is done yet.
        """
        if not self.state.best:
            raise TrainingError("no epoch is done yet, so there is no model to write; let at least one finish")
        artifact = self.task.artifact(self.state.best, self._provenance())
        found = self.task.findings(Predictor(artifact))
        values = self._report(found, artifact.provenance, artifact.parameters)
        figures = {
            "test": _headline(found.test),
            "validation": _headline(found.validation),
            "baseline_test": _headline(found.baseline),
        }
        shipped = replace(artifact, provenance={**artifact.provenance, "figures": figures})
        save_artifact(shipped, self.folder / MODEL)
        write_atomically(self.folder / REPORT, (json.dumps(values, indent=2) + "\n").encode())
        write_atomically(self.folder / REPORT_TEXT, report_text(values).encode())
        save_figure(plot_curves(self.state.history, self.state.kept_epoch), self.folder / "curves.png")
        for file, (_, figure) in found.pictures.items():
            save_figure(figure, self.folder / file)
        return RunReport(self.folder, values, found.test, found.baseline, found.verdict)

    def _open(self, resume: bool) -> None:
        """Claim the folder for a new run, or restore the one that it holds."""
        checkpoint, config = self.folder / CHECKPOINT, self.folder / CONFIG
        if resume:
            stored = read_run_config(self.folder)
            if stored["fingerprint"] != self.task.fingerprint:
                raise TrainingError(f"{self.folder}: was trained on other data; resume with the data it began with")
            if stored["config"] != json.loads(json.dumps(asdict(self.config))):
                raise TrainingError(f"{self.folder}: was begun with other options; resume with the same")
            if checkpoint.exists():
                self.state.restore(checkpoint)
            return
        if self.folder.exists() and not self.folder.is_dir():
            raise SettingError(f"{self.folder}: is a file; give a folder that can hold the run with --out")
        if config.exists():
            raise SettingError(f"{self.folder}: holds a run already; go on with --resume, or choose another --out")
        document = {"config": asdict(self.config), "fingerprint": self.task.fingerprint, "version": __version__}
        write_atomically(config, (json.dumps(document, indent=2) + "\n").encode())

    def _provenance(self) -> dict[str, Any]:
        return {
            "data": {
                "source": self.config.data,
                "lines": self.reading.lines,
                "examples": self.reading.lines - sum(self.task.dropped.values()),
                "dropped": self.task.dropped,
                "repaired": self.reading.repaired,
            },
            "split": {
                "kind": self.task.split_kind,
                "seed": self.config.split_seed,
                "test_share": self.config.test_share,
                "validation_share": self.config.validation_share,
                "fingerprint": self.task.fingerprint,
                **self.task.sizes,
                "notes": list(self.task.notes),
            },
            "train": asdict(self.config.train),
            "epochs": self.state.epoch,
            "versions": versions(),
        }

    def _report(self, found: Findings, provenance: Mapping[str, Any], parameters: int) -> dict[str, Any]:
        return {
            "name": self.config.name,
            "verdict": found.verdict,
            "test": found.test.to_dict(),
            "validation": found.validation.to_dict(),
            "baseline": found.baseline.to_dict(),
            **found.values,
            "rows": [list(row) for row in found.rows],
            "remarks": list(found.remarks),
            "pictures": {file: title for file, (title, _) in found.pictures.items()},
            "seconds": sum(result.seconds for result in self.state.history),
            "epochs": self.state.epoch,
            "complete": self.finished,
            "parameters": parameters,
            "data": provenance["data"],
            "split": provenance["split"],
            "config": json.loads(json.dumps(asdict(self.config))),
            "versions": provenance["versions"],
        }


def train_run(
    reading: Reading | ImageReading | FeatureReading, config: RunConfig, folder: Path | str, *, resume: bool = False
) -> RunReport:
    """Train, evaluate and write a model in one call.

    Args:
        reading: as `elman.read_examples` returns it.
        config: what to do.
        folder: where to keep the run.
        resume: go on from where an earlier call in the same folder stopped.

    Raises:
        ElmanError: as `Run` and its methods.
    """
    run = Run(reading, config, Path(folder), resume=resume)
    for _ in run.epochs():
        pass
    return run.finish()


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
        raise TrainingError(f"{folder}: holds no run to resume; start one without --resume") from None


def report_text(values: Mapping[str, Any]) -> str:
    """Return a report for people, in Markdown, of what ``report.json`` holds."""
    split, data = values["split"], values["data"]
    lines = [
        f"# {values['name']}",
        "",
        values["verdict"],
        "" if values["complete"] else "\nTraining was stopped early; this is the best epoch up to then.\n",
        "| | test | validation | baseline, test |",
        "|---|---:|---:|---:|",
        *(f"| {' | '.join(row)} |" for row in values["rows"]),
    ]
    dropped = ", ".join(f"{count} {reason}" for reason, count in data["dropped"].items()) or "none"
    repaired = ", ".join(f"{count} {repair}" for repair, count in data["repaired"].items()) or "none"
    lines += [
        "",
        *(f"- {remark}" for remark in values["remarks"]),
        f"- Split: {split['kind']}, seed {split['seed']}: {split['train']:,} to train, {split['validation']:,} to "
        f"validate, {split['test']:,} to test; fingerprint {split['fingerprint'][:16]}.",
        f"- Data: {data['source']}, {data['lines']:,} lines; dropped: {dropped}; repaired: {repaired}.",
        f"- {values['parameters']:,} parameters; {values['epochs']} epochs in {values['seconds']:.0f} seconds.",
        *(f"- {note}." for note in split["notes"]),
        "",
        "![Loss and accuracy by epoch](curves.png)",
        *(f"![{title}]({file})" for file, title in values["pictures"].items()),
        *_label_lines(values["test"].get("per_label", {})),
    ]
    return "\n".join(lines) + "\n"


def _label_lines(per_label: Mapping[str, Any]) -> list[str]:
    if not per_label:
        return []
    lines = ["", "## Each label, on the test part", "", "| label | examples | precision | recall | F1 |"]
    lines.append("|---|---:|---:|---:|---:|")
    for label, one in per_label.items():
        shares = " | ".join(f"{one[key] * 100:.0f} %" for key in ("precision", "recall", "f1"))
        lines.append(f"| {label} | {one['support']} | {shares} |")
    return lines


def _headline(report: Report) -> dict[str, Any]:
    return {name: value for name, value in report.to_dict().items() if name != "per_label"}


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise SettingError("--tensorboard needs its package: pip install 'elman[tensorboard]'") from None
    return SummaryWriter
