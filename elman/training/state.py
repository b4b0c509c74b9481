"""The state of a training: everything that a run needs to continue, and its checkpoint.

A checkpoint is one safetensors file of tensors and JSON; reading it runs no code.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from elman.cells import Fused
from elman.errors import TrainingError
from elman.files import write_atomically
from elman.records import EpochResult
from elman.training.config import TrainConfig

OPTIMISER_SETTINGS: dict[str, dict[str, Any]] = {
    "adamw": {"betas": (0.9, 0.99), "fused": True},
    "adam": {"fused": True},
    "sgd": {},
    "rmsprop": {},
}

Weights = dict[str, Tensor]


class TrainingState:
    """The network, its optimiser, its random generators, the epochs done, and the weights to keep.

    Args:
        model: a module from the inputs of a batch to logits, as `elman.training.network.SequenceModel`.
        config: how it is trained.
        steps_in_epoch: the number of batches in an epoch.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, *, steps_in_epoch: int) -> None:
        self.model, self.config = model, config
        for module in model.modules():
            if isinstance(module, Fused):
                module.bfloat16_products = config.products == "bfloat16"
        self.steps_in_epoch = steps_in_epoch
        self.optimiser = _build_optimiser(model, config)
        self.shuffle = np.random.default_rng(config.seed)
        self.average: Weights = copy_weights(model) if config.average else {}
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
        return self.epoch >= self.config.epochs or out_of_patience

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for position, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{position}.{slot}": t for slot, t in slots.items() if isinstance(t, Tensor)}
        tensors["random"] = torch.get_rng_state()
        document = {
            "tensors": sorted(tensors),
            "config": self.config.__dict__,
            "shuffle": self.shuffle.bit_generator.state,
            "history": [{name: getattr(result, name) for name in EpochResult.__slots__} for result in self.history],
        }
        content = save({name: t.contiguous() for name, t in tensors.items()}, {"training": json.dumps(document)})
        write_atomically(path, content)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint of the same model and configuration, as if never interrupted.

        Raises:
            TrainingError: the file is not a checkpoint of this run.
        """
        tensors, document = _read_checkpoint(path)
        if document["config"] != json.loads(json.dumps(self.config.__dict__)):
            raise TrainingError(f"{path}: was made with another training configuration; resume with the same options")
        try:
            self.model.load_state_dict(_select("model.", tensors))
        except RuntimeError:
            raise TrainingError(f"{path}: is a checkpoint of another network; resume with the same options") from None
        self._check_complete(path, tensors, document)
        self.average, self.best = _select("average.", tensors), _select("best.", tensors)
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _select("optimiser.", tensors).items():
            position, slot = name.split(".", 1)
            slots.setdefault(int(position), {})[slot] = tensor
        try:
            self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": slots})
            self.shuffle.bit_generator.state = document["shuffle"]
            self.history = [EpochResult(**result) for result in document["history"]]
            torch.set_rng_state(tensors["random"])
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
        for prefix, is_needed in (("average.", self.config.average), ("best.", document["history"])):
            if set(_select(prefix, tensors)) != (names if is_needed else set()):
                raise _incomplete(path, f"it needs {prefix}* of each weight" if is_needed else f"it has {prefix}*")
        shapes = [tensor.shape for group in self.optimiser.param_groups for tensor in group["params"]]
        found = _select("optimiser.", tensors)
        if not found and document["history"] and self.config.optimiser != "sgd":
            raise _incomplete(path, "the state of the optimiser is missing")
        for name, tensor in found.items():
            position = name.split(".", 1)[0]
            shape = shapes[int(position)] if position.isdecimal() and int(position) < len(shapes) else None
            if shape is None or (tensor.ndim and tensor.shape != shape):
                raise _incomplete(path, f"optimiser.{name} has no weight of its shape")


def copy_weights(model: nn.Module) -> Weights:
    """Return a copy of the weights and buffers of a model, by name."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


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
        return tensors, {**found, "tensors": document.get("tensors")}  # older checkpoints do not list them
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path}: is not a checkpoint ({error}); start again without --resume") from None


def _incomplete(path: Path, problem: str) -> TrainingError:
    return TrainingError(f"{path}: is not a complete checkpoint ({problem}); start again without --resume")


def _build_optimiser(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    kinds: dict[str, Any] = {
        "adamw": torch.optim.AdamW,
        "adam": torch.optim.Adam,
        "sgd": torch.optim.SGD,
        "rmsprop": torch.optim.RMSprop,
    }
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimiser: torch.optim.Optimizer = kinds[config.optimiser](
        groups, lr=config.learning_rate, **OPTIMISER_SETTINGS[config.optimiser]
    )
    return optimiser


def _select(prefix: str, tensors: Weights) -> Weights:
    """Return the tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
