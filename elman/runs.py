"""Runs: one training from labelled strings to a model file, with everything worth keeping in one folder.

    config.json              what was asked for, and the split's fingerprint
    metrics.jsonl            one line an epoch
    checkpoint.safetensors   where to go on from
    model.safetensors        the model
    report.json, report.md   its scores beside the baseline's
    curves.png, confusion.png, reliability.png

A `Run` trains when its `epochs` are iterated and can be stopped between any two of them; `finish` writes the model and
its report from the best epoch so far.
"""

import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elman.artifact import Artifact, save_artifact
from elman.calibration import fit_temperature
from elman.config import ModelConfig, TrainConfig
from elman.data.augment import FOLDED_WEIGHT, with_folded_spellings
from elman.data.batches import EncodedExamples
from elman.data.sources import BLANK, MAX_CHARACTERS, Reading
from elman.data.splits import Split, ceiling, split_examples
from elman.errors import DataError, SettingError, TrainingError
from elman.evaluation import Evaluation, evaluate, evaluate_baseline, fit_baseline, majority, verdict
from elman.files import write_atomically
from elman.metrics import calibration_error_by_chance
from elman.model import SequenceClassifier
from elman.ngrams import inventory
from elman.plots import plot_confusion, plot_curves, plot_reliability, save_figure
from elman.predictor import Predictor
from elman.records import EpochResult, EvalReport, Example, StepResult
from elman.text import Normalisation
from elman.training import TrainingState, example_weights, train
from elman.version import __version__
from elman.vocab import Labels, Vocabulary

CHECKPOINT, CONFIG, METRICS = "checkpoint.safetensors", "config.json", "metrics.jsonl"
MODEL, REPORT, REPORT_TEXT = "model.safetensors", "report.json", "report.md"


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes.

    Args:
        name: what the model will be called.
        data: where the examples come from, as the user gave it.
        model: the shape of the network.
        train: the way it is trained.
        split: ``grouped`` or ``stratified``.
        split_seed: of the shuffle before the split.
        test_share: kept for one last look.
        validation_share: chooses the epoch and the temperature.
        normalisation: how strings are prepared.
        symbol_min_count: rarer symbols are unknown ones.
        text_column: of a table.
        label_column: of a table.
        max_characters: longer strings are dropped.
        data_folder: where a named set lies.
    """

    name: str
    data: str
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    split: str = "grouped"
    split_seed: int = 0
    test_share: float = 0.1
    validation_share: float = 0.05
    normalisation: Normalisation = field(default_factory=Normalisation)
    symbol_min_count: int = 1
    text_column: str = "name"
    label_column: str = "label"
    max_characters: int = MAX_CHARACTERS
    data_folder: str | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunConfig":
        """Build a config from plain values, as ``config.json`` holds them."""
        plain = dict(values)
        return cls(
            model=ModelConfig.from_dict(plain.pop("model")),
            train=TrainConfig.from_dict(plain.pop("train")),
            normalisation=Normalisation(**plain.pop("normalisation")),
            **plain,
        )


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
    test: EvalReport
    baseline: EvalReport
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
        reading: Reading,
        config: RunConfig,
        folder: Path,
        *,
        resume: bool = False,
        tensorboard: bool = False,
    ) -> None:
        self.config, self.folder, self.reading = config, folder, reading
        if config.train.threads is not None:
            torch.set_num_threads(config.train.threads)
        examples, self.dropped = normalise_examples(reading, config.normalisation)
        self.labels = Labels.from_names(example.label for example in examples)
        self.split = split_examples(
            examples,
            config.split,
            seed=config.split_seed,
            test_share=config.test_share,
            validation_share=config.validation_share,
        )
        learned = with_folded_spellings(self.split.train)
        self.vocabulary = Vocabulary.from_texts((e.text for e in learned), min_count=config.symbol_min_count)
        counts = np.array([example.count for example in learned])
        weights = example_weights(self.labels.encode([e.label for e in learned]), counts, config.train)
        weights[len(self.split.train) :] *= FOLDED_WEIGHT
        self._training = EncodedExamples(learned, self.vocabulary, self.labels, weights)
        self._validation = EncodedExamples(self.split.validation, self.vocabulary, self.labels)
        torch.manual_seed(config.train.seed)
        ngrams = inventory(
            (batch.inputs for batch in self._training.batches(4096)),
            config.model.bag_orders,
            config.model.bag_min_count,
        )
        self.model = SequenceClassifier(
            config.model, symbols=len(self.vocabulary), labels=len(self.labels), inventory=ngrams
        )
        steps = self._training.steps(config.train.batch_size)
        self.state = TrainingState(self.model, config.train, steps_in_epoch=steps)
        writer = _summary_writer() if tensorboard else None
        self._open(resume)
        self._tensorboard = writer(str(folder / "tensorboard")) if writer else None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""
        return self.state.finished

    def epochs(self, *, on_step: Callable[[StepResult], None] | None = None) -> Iterator[EpochResult]:
        """Train, and yield what each epoch did once its checkpoint and its line of metrics are on disk."""
        for result in train(self.state, self._training, self._validation, on_step=on_step):
            self.state.save(self.folder / CHECKPOINT)
            lines = (json.dumps(asdict(past)) + "\n" for past in self.state.history)
            write_atomically(self.folder / METRICS, "".join(lines).encode())
            if self._tensorboard is not None:
                for name, value in asdict(result).items():
                    self._tensorboard.add_scalar(name, float(value), result.epoch)
                self._tensorboard.flush()
            yield result

    def finish(self) -> RunReport:
        """Calibrate the best weights so far, look at the test part once, and write the model and its report.

        Raises:
            TrainingError: no epoch is done yet.
        """
        if not self.state.best:
            raise TrainingError("no epoch is done yet, so there is no model to write; let at least one finish")
        predictor = Predictor(self._artifact())
        test, validation = evaluate(predictor, self.split.test), evaluate(predictor, self.split.validation)
        fitted = fit_baseline(self.split.train, seed=self.config.train.seed)
        baseline = evaluate_baseline(fitted, self.split.test, self.labels)
        words = verdict(test.report, baseline)
        values = self._report(test, validation, baseline, words, predictor.artifact)
        values["baseline"]["validation"] = evaluate_baseline(fitted, self.split.validation, self.labels).to_dict()
        figures = {
            "test": _headline(test.report),
            "validation": _headline(validation.report),
            "baseline_test": _headline(baseline),
        }
        artifact = predictor.artifact
        shipped = Artifact(**{**artifact.__dict__, "provenance": {**artifact.provenance, "figures": figures}})
        save_artifact(shipped, self.folder / MODEL)
        write_atomically(self.folder / REPORT, (json.dumps(values, indent=2) + "\n").encode())
        write_atomically(self.folder / REPORT_TEXT, report_text(values).encode())
        save_figure(plot_curves(self.state.history), self.folder / "curves.png")
        confusion = plot_confusion(test.probabilities, test.truth, self.labels.names)
        save_figure(confusion, self.folder / "confusion.png")
        save_figure(
            plot_reliability(test.uncalibrated_probabilities, test.probabilities, test.truth),
            self.folder / "reliability.png",
        )
        return RunReport(self.folder, values, test.report, baseline, words)

    def _open(self, resume: bool) -> None:
        """Claim the folder for a new run, or restore the one that it holds."""
        checkpoint, config = self.folder / CHECKPOINT, self.folder / CONFIG
        if resume:
            stored = read_run_config(self.folder)
            if stored["fingerprint"] != self.split.fingerprint:
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
        document = {"config": asdict(self.config), "fingerprint": self.split.fingerprint, "version": __version__}
        write_atomically(config, (json.dumps(document, indent=2) + "\n").encode())

    def _artifact(self) -> Artifact:
        """Return the best weights, rounded to float16 and calibrated on the validation part."""
        tensors = {name: _rounded(tensor).numpy() for name, tensor in self.state.best.items()}
        counts = Counter(example.label for example in self.split.train)
        artifact = Artifact(
            name=self.config.name,
            config=self.config.model,
            tensors=tensors,
            vocabulary=self.vocabulary,
            labels=self.labels,
            normalisation=self.config.normalisation,
            temperature=1.0,
            provenance={
                "data": {
                    "source": self.config.data,
                    "lines": self.reading.lines,
                    "examples": len(self.reading.examples),
                    "dropped": self.dropped,
                    "repaired": self.reading.repaired,
                    "training_examples_per_label": {name: counts[name] for name in self.labels.names},
                },
                "split": self._split_values(),
                "train": asdict(self.config.train),
                "epochs": self.state.epoch,
                "versions": {
                    "elman": __version__,
                    "python": platform.python_version(),
                    "torch": torch.__version__,
                    "numpy": np.__version__,
                },
            },
        )
        logits = Predictor(artifact).logits([example.text for example in self.split.validation])
        truth = self.labels.encode([example.label for example in self.split.validation])
        return Artifact(**{**artifact.__dict__, "temperature": fit_temperature(logits, truth)})

    def _split_values(self) -> dict[str, Any]:
        return {
            "kind": self.split.kind,
            "seed": self.split.seed,
            "test_share": self.config.test_share,
            "validation_share": self.config.validation_share,
            "fingerprint": self.split.fingerprint,
            **{part: len(self.split.part(part)) for part in ("train", "validation", "test")},
            "notes": list(self.split.notes),
        }

    def _report(
        self, test: Evaluation, validation: Evaluation, baseline: EvalReport, words: str, artifact: Artifact
    ) -> dict[str, Any]:
        label, share = majority(self.split.train, self.split.test)
        return {
            "name": self.config.name,
            "verdict": words,
            "test": test.report.to_dict(),
            "validation": validation.report.to_dict(),
            "baseline": baseline.to_dict(),
            "majority": {"label": label, "accuracy": share},
            "ceiling": ceiling(self.split.test),
            "calibration": {
                "temperature": artifact.temperature,
                "error_before": test.uncalibrated.calibration_error,
                "error_after": test.report.calibration_error,
                "error_by_chance": calibration_error_by_chance(test.probabilities),
            },
            "seconds": sum(result.seconds for result in self.state.history),
            "epochs": self.state.epoch,
            "complete": self.finished,
            "parameters": artifact.parameters,
            "data": artifact.provenance["data"],
            "split": self._split_values(),
            "config": json.loads(json.dumps(asdict(self.config))),
            "versions": artifact.provenance["versions"],
        }


def train_run(reading: Reading, config: RunConfig, folder: Path | str, *, resume: bool = False) -> RunReport:
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


def normalise_examples(reading: Reading, normalisation: Normalisation) -> tuple[list[Example], dict[str, int]]:
    """Return the examples with normalised text, and what was dropped by reason: here what normalises to nothing."""
    examples = [Example(normalisation.apply(e.text), e.label, e.count) for e in reading.examples]
    kept = [example for example in examples if example.text]
    dropped = Counter(reading.dropped)
    dropped[BLANK] += len(examples) - len(kept)
    if not kept:
        raise DataError("no example has a symbol left after normalisation")
    return kept, {reason: count for reason, count in dropped.items() if count}


def split_as(examples: Sequence[Example], split: Mapping[str, Any]) -> Split:
    """Split normalised examples the way a model's provenance says it was done."""
    return split_examples(
        examples,
        split["kind"],
        seed=split["seed"],
        test_share=split["test_share"],
        validation_share=split["validation_share"],
    )


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
    test, validation, baseline = values["test"], values["validation"], values["baseline"]
    split, data, calibration = values["split"], values["data"], values["calibration"]
    rows = [
        ("accuracy", "accuracy", 100, "%"),
        ("one of the top 2", "top_2", 100, "%"),
        ("one of the top 3", "top_3", 100, "%"),
        ("one of the top 5", "top_5", 100, "%"),
        ("macro-F1", "macro_f1", 100, "%"),
        ("negative log-likelihood", "nll", 1, "nats"),
        ("Brier score", "brier", 1, ""),
        ("calibration error", "calibration_error", 1, ""),
    ]
    lines = [
        f"# {values['name']}",
        "",
        values["verdict"],
        "" if values["complete"] else "\nTraining was stopped early; this is the best epoch up to then.\n",
        "| | test | validation | baseline, test |",
        "|---|---:|---:|---:|",
    ]
    for title, key, factor, unit in rows:
        digits = 1 if factor == 100 else 3
        cells = (f"{part[key] * factor:.{digits}f} {unit}".strip() for part in (test, validation, baseline))
        lines.append(f"| {title} | {' | '.join(cells)} |")
    dropped = ", ".join(f"{count} {reason}" for reason, count in data["dropped"].items()) or "none"
    repaired = ", ".join(f"{count} {repair}" for repair, count in data["repaired"].items()) or "none"
    lines += [
        "",
        "- The baseline is logistic regression on character n-grams of 1 to 5, fitted on the same training part.",
        f"- Always answering {values['majority']['label']}: {values['majority']['accuracy'] * 100:.1f} %.",
        f"- The ceiling set by strings with several labels: {values['ceiling'] * 100:.1f} %.",
        f"- Calibration error {calibration['error_before']:.3f} before and {calibration['error_after']:.3f} after "
        f"dividing the logits by {calibration['temperature']:.2f}; a perfectly calibrated model would measure "
        f"{calibration['error_by_chance']:.3f} on so few examples.",
        f"- Split: {split['kind']}, seed {split['seed']}: {split['train']:,} to train, {split['validation']:,} to "
        f"validate, {split['test']:,} to test; fingerprint {split['fingerprint'][:16]}.",
        f"- Data: {data['source']}, {data['lines']:,} lines; dropped: {dropped}; repaired: {repaired}.",
        f"- {values['parameters']:,} parameters; {values['epochs']} epochs in {values['seconds']:.0f} seconds.",
        *(f"- {note}." for note in split["notes"]),
        "",
        "![Loss and accuracy by epoch](curves.png)",
        "![Confusion matrix of the test part](confusion.png)",
        "![Reliability of the test part](reliability.png)",
        "",
        "## Each label, on the test part",
        "",
        "| label | examples | precision | recall | F1 |",
        "|---|---:|---:|---:|---:|",
    ]
    for label, one in test["per_label"].items():
        shares = " | ".join(f"{one[key] * 100:.0f} %" for key in ("precision", "recall", "f1"))
        lines.append(f"| {label} | {one['support']} | {shares} |")
    return "\n".join(lines) + "\n"


def _rounded(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half().float()
    return half if bool(half.isfinite().all()) else tensor  # weights beyond float16 stay as they are


def _headline(report: EvalReport) -> dict[str, float]:
    values = report.to_dict()
    del values["per_label"]
    return values


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise SettingError("--tensorboard needs its package: pip install 'elman[tensorboard]'") from None
    return SummaryWriter
