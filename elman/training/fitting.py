"""Fitting: what every training does between its task and its model file, in a run folder or in memory alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch

from elman.data.splits import NOTHING_KEPT
from elman.model.file import Artifact
from elman.training.config import RunConfig
from elman.training.history import History
from elman.training.loop import train
from elman.training.network import SequenceModel
from elman.training.progress import Display, watch
from elman.training.ranks import Ranks, choose_device
from elman.training.state import TrainingState
from elman.training.tasks.task import Task, versions


class Source(Protocol):
    """What the provenance says of the examples: `elman.data.examples.Reading` and its siblings have it."""

    @property
    def lines(self) -> int:
        """How many lines or rows were read."""

    @property
    def repaired(self) -> Mapping[str, int]:
        """How many became an example after a repair, by repair."""


@dataclass(frozen=True)
class Fit:
    """A network that was trained in memory.

    Args:
        artifact: the model of the kept epoch, calibrated.
        history: what each epoch did.
        kept_epoch: the epoch whose weights the model has.
    """

    artifact: Artifact
    history: History
    kept_epoch: int


def start_training(task: Task, config: RunConfig, ranks: Ranks | None = None) -> tuple[SequenceModel, TrainingState]:
    """Return the untrained network of a task, and the state of its training; torch's generator gets the seed.

    Args:
        task: the examples.
        config: how to train.
        ranks: the processes that train together; this one alone if None.
    """
    ranks = ranks or Ranks()
    device = choose_device(config.train.device, ranks.local)
    ranks.start(device)
    torch.manual_seed(config.train.seed)
    model = task.network(fused=device.type == "cpu").to(device)
    steps = config.train.draws or task.training.steps(config.train.batch_size)
    return model, TrainingState(model, config.train, steps_in_epoch=steps, ranks=ranks)


def describe_origin(task: Task, config: RunConfig, source: Source, *, epochs: int) -> dict[str, Any]:
    """Return what every model file says of its origin: data, settings, epochs and versions.

    Args:
        task: that was trained.
        config: of the training.
        source: of the examples.
        epochs: how many are done.
    """
    return {
        "data": {
            "source": config.data,
            "lines": source.lines,
            "examples": source.lines - sum(task.dropped.values()),
            "dropped": task.dropped,
            "repaired": source.repaired,
        },
        "train": asdict(config.train),
        **({} if task.base is None else {"init": {"name": task.base.name, "digest": task.base.digest}}),
        "epochs": epochs,
        "versions": versions(),
    }


def fit(
    task: Task, config: RunConfig, source: Source, display: Display, *, provenance: Mapping[str, Any] | None = None
) -> Fit:
    """Train in memory, without a file, and calibrate the kept epoch.

    torch's generator and its number of threads are afterwards as they were before.

    Args:
        task: the examples.
        config: how to train.
        source: of the examples, for the provenance.
        display: shows how far the training is.
        provenance: what else the model file says of its origin.

    Raises:
        NonFiniteLossError: the loss became infinite or not a number.
    """
    threads, by_heart = torch.get_num_threads(), task.split_kind == NOTHING_KEPT
    device = choose_device(config.train.device)
    if config.train.threads is not None:
        torch.set_num_threads(config.train.threads)
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            _, state = start_training(task, config)
            watch(
                lambda on_step: train(state, task.training, task.validation, on_step=on_step),
                display,
                epochs=config.train.passes,
                steps=state.steps_in_epoch,
                by_heart=by_heart,
            )
            origin = describe_origin(task, config, source, epochs=state.epoch)
            artifact = task.calibrate(task.artifact(state.best, {**origin, **(provenance or {})}))
    finally:
        torch.set_num_threads(threads)
    return Fit(artifact, History(state.history, by_heart=by_heart), state.kept_epoch or 0)
