"""The state of a training: everything that a run needs to continue, and its checkpoint.

A checkpoint is one safetensors file of tensors and JSON; reading it runs no code.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from elman.cells import Fused
from elman.errors import SettingError, TrainingError
from elman.files import write_atomically
from elman.reports import EpochResult
from elman.training.averages import RunningAverage, Weights
from elman.training.config import TrainConfig
from elman.training.network import SequenceModel
from elman.training.ranks import Ranks
from elman.training.rows import RowAdam
from elman.training.transducer import Transducer

OPTIMISER_SETTINGS: dict[str, dict[str, Any]] = {
    "adamw": {"betas": (0.9, 0.99), "fused": True},
    "adam": {"fused": True},
    "sgd": {},
    "rmsprop": {},
}

ADAMS = ("adamw", "adam")
"""Optimisers with which large tables change row by row."""

ROW_FACTOR = 4.0
"""The learning rate of these rows over that of other weights: many rows are read rarely. They do not decay."""


@dataclass
class Progress:
    """What is done of an epoch.

    Args:
        step: how many steps.
        seen: how many examples.
        loss: the sum of their losses.
        right: how many of them were answered correctly.
        seconds: the time that the steps took.
        shuffle: the state of the generator of the order when the epoch began.
    """

    step: int = 0
    seen: int = 0
    loss: float = 0.0
    right: float = 0.0
    seconds: float = 0.0
    shuffle: dict[str, Any] = field(default_factory=dict)


class TrainingState:
    """The network, its optimisers, its random generators, the epochs and steps done, and the weights to keep.

    Args:
        model: a module from the inputs of a batch to logits, as `elman.training.network.SequenceModel`.
        config: how it is trained.
        steps_in_epoch: the number of batches in an epoch.
        ranks: the processes that train together; this one alone if None.
    """

    def __init__(
        self, model: nn.Module, config: TrainConfig, *, steps_in_epoch: int, ranks: Ranks | None = None
    ) -> None:
        self.model, self.config, self.ranks = model, config, ranks or Ranks()
        self.device = next(model.parameters()).device
        self.is_short = config.products == "bfloat16"
        for module in model.modules():
            if isinstance(module, Fused | Transducer):
                module.bfloat16_products = self.is_short
        self.steps_in_epoch = steps_in_epoch
        tables = model.tables if isinstance(model, SequenceModel) and config.optimiser in ADAMS else {}
        if isinstance(model, SequenceModel):
            model.has_sparse_gradients = bool(tables)
        self.tables = tuple(tables)
        self.optimisers = _build_optimisers(model, config, tables)
        self.shuffle = np.random.default_rng(config.seed)
        self.progress = Progress()
        self.average = RunningAverage(model, self.tables, config.average) if config.average else None
        self.best: Weights = {}
        self.history: list[EpochResult] = []

    @property
    def epoch(self) -> int:
        """The number of epochs that are done."""
        return len(self.history)

    @property
    def kept_epoch(self) -> int | None:
        """The epoch whose weights are kept; None before the first."""
        if self.config.keep == "last":
            return self.epoch or None
        return max((result.epoch for result in self.history if result.is_best), default=None)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train: all epochs are done, or patience ran out."""
        since_best = next((since for since, result in enumerate(reversed(self.history)) if result.is_best), 0)
        out_of_patience = self.config.patience is not None and since_best >= self.config.patience
        return self.epoch >= self.config.passes or out_of_patience

    @property
    def step(self) -> int:
        """The number of steps that are done."""
        return self.epoch * self.steps_in_epoch + self.progress.step

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.tensors.items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for prefix, optimiser in self._named_optimisers():
            for position, slots in optimiser.state_dict()["state"].items():
                tensors |= {f"{prefix}{position}.{slot}": t for slot, t in slots.items() if isinstance(t, Tensor)}
        tensors["random"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["random_cuda"] = torch.cuda.get_rng_state(self.device)
        document = {
            "tensors": sorted(tensors),
            "config": self.config.__dict__,
            "shuffle": self.shuffle.bit_generator.state,
            "progress": asdict(self.progress),
            "history": [{name: getattr(result, name) for name in EpochResult.__slots__} for result in self.history],
        }
        content = save({name: t.cpu().contiguous() for name, t in tensors.items()}, {"training": json.dumps(document)})
        write_atomically(path, content)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint of the same model and configuration, as if never interrupted.

        Raises:
            TrainingError: the file is not a checkpoint of this run.
        """
        tensors, document = _read_checkpoint(path)
        try:
            before = TrainConfig.from_dict(document["config"]).of_any_length()
        except (SettingError, TypeError):
            before = None
        if before != self.config.of_any_length():
            raise TrainingError(f"{path}: was made with another training configuration; resume with the same options")
        try:
            self.model.load_state_dict(_select("model.", tensors))
        except RuntimeError:
            raise TrainingError(f"{path}: is a checkpoint of another network; resume with the same options") from None
        self._check_complete(path, tensors, document)
        self.best = _select("best.", tensors)
        if self.average is not None:
            self.average.tensors = _select("average.", tensors)
        try:
            for prefix, optimiser in self._named_optimisers():
                slots: dict[int, dict[str, Tensor]] = {}
                for name, tensor in _select(prefix, tensors).items():
                    position, slot = name.split(".", 1)
                    slots.setdefault(int(position), {})[slot] = tensor
                optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})
            self.shuffle.bit_generator.state = document["shuffle"]
            self.progress = Progress(**document["progress"])
            self.history = [EpochResult(**result) for result in document["history"]]
            torch.set_rng_state(tensors["random"])
            if self.device.type == "cuda" and "random_cuda" in tensors:
                torch.cuda.set_rng_state(tensors["random_cuda"], self.device)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise _incomplete(path, str(error).splitlines()[0]) from None

    def _check_complete(self, path: Path, tensors: Weights, document: dict[str, Any]) -> None:
        """Check that nothing is missing that a training needs to continue as if it was never interrupted.

        Raises:
            TrainingError: something is missing, or a tensor of the optimiser has another shape than its parameter.
        """
        missing = sorted(set(document["tensors"] or ("random",)) - set(tensors))
        if missing:
            raise _incomplete(path, f"{missing[0]} is missing")
        names = set(self.model.state_dict())
        averages = set(self.average.tensors) if self.average is not None else set()
        best = names if document["history"] else set()
        for prefix, needed in (("average.", averages), ("best.", best)):
            if set(_select(prefix, tensors)) != needed:
                raise _incomplete(path, f"it needs {prefix}* of each weight" if needed else f"it has {prefix}*")
        for prefix, optimiser in self._named_optimisers():
            self._check_slots(path, prefix, optimiser, _select(prefix, tensors), is_used=self._has_steps(document))

    def _check_slots(
        self, path: Path, prefix: str, optimiser: torch.optim.Optimizer, found: Weights, *, is_used: bool
    ) -> None:
        """Check that what an optimiser keeps is complete, and has the shape of its weight or of the weight's rows."""
        weights = [tensor for group in optimiser.param_groups for tensor in group["params"]]
        if weights and not found and is_used and self.config.optimiser != "sgd":
            raise _incomplete(path, "the state of the optimiser is missing")
        for name, tensor in found.items():
            position = name.split(".", 1)[0]
            shape = weights[int(position)].shape if position.isdecimal() and int(position) < len(weights) else None
            if shape is None or (tensor.ndim and tensor.shape not in (shape, (shape[0], 1))):
                raise _incomplete(path, f"{prefix}{name} has no weight of its shape")

    def _has_steps(self, document: dict[str, Any]) -> bool:
        return bool(document["history"] or document["progress"]["step"])

    def _named_optimisers(self) -> list[tuple[str, torch.optim.Optimizer]]:
        """Return the optimisers with what the names of their tensors in a checkpoint begin with."""
        return list(zip(("optimiser.", "rows."), self.optimisers, strict=False))


def copy_weights(model: nn.Module) -> Weights:
    """Return a copy of the weights and buffers of a model, by name, in the memory of the processor."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in model.state_dict().items()}


@contextmanager
def use_weights(model: nn.Module, weights: Weights) -> Iterator[None]:
    """Give a model other weights inside the context; empty ``weights`` change nothing."""
    if not weights:
        yield
        return
    own = copy_weights(model)
    model.load_state_dict(weights)
    try:
        yield
    finally:
        model.load_state_dict(own)


def _read_checkpoint(path: Path) -> tuple[Weights, dict[str, Any]]:
    """Return the tensors of a checkpoint, and its document: ``config``, ``shuffle``, ``history``, ``tensors``."""
    try:
        content = path.read_bytes()
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        document = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["training"])
        found = {name: document[name] for name in ("config", "shuffle", "history")}
        progress = document.get("progress", asdict(Progress()))  # older checkpoints were written between epochs,
        return tensors, {**found, "progress": progress, "tensors": document.get("tensors")}  # and did not list tensors
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path}: is not a checkpoint ({error}); start again without --resume") from None


def _incomplete(path: Path, problem: str) -> TrainingError:
    return TrainingError(f"{path}: is not a complete checkpoint ({problem}); start again without --resume")


def _build_optimisers(
    model: nn.Module, config: TrainConfig, tables: Mapping[str, nn.Parameter]
) -> list[torch.optim.Optimizer]:
    """Return the optimiser of the config, and one for tables that change row by row if there are any."""
    kinds: dict[str, Any] = {
        "adamw": torch.optim.AdamW,
        "adam": torch.optim.Adam,
        "sgd": torch.optim.SGD,
        "rmsprop": torch.optim.RMSprop,
    }
    others = [parameter for name, parameter in model.named_parameters() if name not in tables]
    matrices = [parameter for parameter in others if parameter.ndim > 1]
    vectors = [parameter for parameter in others if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    settings = OPTIMISER_SETTINGS[config.optimiser]
    optimisers = [kinds[config.optimiser](groups, lr=config.learning_rate, **settings)]
    if tables:
        group = {"params": list(tables.values()), "factor": ROW_FACTOR}
        optimisers.append(RowAdam([group], lr=ROW_FACTOR * config.learning_rate))
    return optimisers


def _select(prefix: str, tensors: Weights) -> Weights:
    """Return the tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
