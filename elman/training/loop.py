"""Training: one visible loop.

`train` yields an `EpochResult` after each pass and holds nothing back: whoever iterates prints, plots, saves or stops.
All that a run needs to go on stands in its `TrainingState`, which a checkpoint holds whole, without pickle.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from elman.cells import Fused
from elman.data.batches import EncodedExamples
from elman.errors import NonFiniteLossError, TrainingError
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.metrics import negative_log_likelihood
from elman.files import write_atomically
from elman.records import EpochResult, StepResult
from elman.scoring.probabilities import softmax
from elman.training.config import TrainConfig

OPTIMISER_SETTINGS: dict[str, dict[str, Any]] = {
    "adamw": {"betas": (0.9, 0.99), "fused": True},
    "adam": {"fused": True},
    "sgd": {},
    "rmsprop": {},
}
WARM_UP = 0.25  # share of the one-cycle schedule that rises

Weights = dict[str, Tensor]


class TrainingState:
    """Where a run stands: the network, its optimiser, the random draws to come, and the best weights so far.

    Args:
        model: a module from a batch's inputs to logits, as `elman.training.network.SequenceModel`.
        config: how it is trained.
        steps_in_epoch: how many batches an epoch holds.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, *, steps_in_epoch: int) -> None:
        self.model, self.config = model, config
        for module in model.modules():
            if isinstance(module, Fused):
                module.bfloat16_products = config.products == "bfloat16"
        self.steps_in_epoch = steps_in_epoch
        self.optimiser = _optimiser(model, config)
        self.shuffle = np.random.default_rng(config.seed)
        self.average: Weights = _copied(model.state_dict()) if config.average else {}
        self.best: Weights = {}
        self.history: list[EpochResult] = []

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
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
        """Write a checkpoint, whole or not at all: tensors and JSON in one safetensors file."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for position, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{position}.{slot}": t for slot, t in slots.items() if isinstance(t, Tensor)}
        tensors["random"] = torch.get_rng_state()
        document = {
            "config": self.config.__dict__,
            "shuffle": self.shuffle.bit_generator.state,
            "history": [{name: getattr(result, name) for name in EpochResult.__slots__} for result in self.history],
        }
        content = save({name: t.contiguous() for name, t in tensors.items()}, {"training": json.dumps(document)})
        write_atomically(path, content)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint of the same model and configuration, as if never interrupted.

        Raises:
            TrainingError: the file is not a checkpoint of this run.
        """
        try:
            content = path.read_bytes()
            tensors = load(content)
            length = int.from_bytes(content[:8], "little")
            document = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["training"])
            stored, history, shuffle = document["config"], document["history"], document["shuffle"]
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{path}: is not a checkpoint ({error}); start again without --resume") from None
        if stored != json.loads(json.dumps(self.config.__dict__)):
            raise TrainingError(f"{path}: was made with another training configuration; resume with the same options")
        try:
            self.model.load_state_dict(_under("model.", tensors))
        except RuntimeError:
            raise TrainingError(f"{path}: is a checkpoint of another network; resume with the same options") from None
        self.average, self.best = _under("average.", tensors), _under("best.", tensors)
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("optimiser.", tensors).items():
            position, slot = name.split(".", 1)
            slots.setdefault(int(position), {})[slot] = tensor
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": slots})
        self.shuffle.bit_generator.state = shuffle
        self.history = [EpochResult(**result) for result in history]
        torch.set_rng_state(tensors["random"])


def train(
    state: TrainingState,
    training: EncodedExamples,
    validation: EncodedExamples,
    *,
    on_step: Callable[[StepResult], None] | None = None,
) -> Iterator[EpochResult]:
    """Train until the epochs are done or patience runs out, and yield what each epoch did.

    What the targets are decides the loss: cross-entropy for label ids, of each sequence or of each step, and the
    squared error for numbers. The weights to keep, as a rule those of the epoch with the lowest calibrated validation
    loss, stand in ``state.best`` from the first epoch on.

    Args:
        state: where to start; it moves with the loop, so that stopping the iteration loses only the epoch under way.
        training: what to learn from.
        validation: what to choose the best epoch with.
        on_step: is told of each step, for a progress bar.

    Raises:
        NonFiniteLossError: the loss became infinite or not a number.
    """
    model, config, optimiser = state.model, state.config, state.optimiser
    while not state.finished:
        started, epoch = time.perf_counter(), state.epoch + 1
        model.train()
        seen, total_loss, total_right, rate = 0, 0.0, 0.0, 0.0
        if config.draws is None:
            batches = training.batches(config.batch_size, state.shuffle)
        else:
            batches = training.drawn(config.draws, state.shuffle)
        for step, batch in enumerate(batches, start=1):
            rate = learning_rate(
                config, (epoch - 1) * state.steps_in_epoch + step, state.steps_in_epoch * config.epochs
            )
            for group in optimiser.param_groups:
                group["lr"] = rate
            targets, weights = torch.from_numpy(batch.targets), torch.from_numpy(batch.weights)

            logits = model(torch.from_numpy(batch.inputs))
            losses = example_losses(logits, targets, label_smoothing=config.label_smoothing)
            loss = (losses * weights).mean()
            optimiser.zero_grad(set_to_none=False)  # keeping the tables' large gradients spares the memory allocator
            loss.backward()  # type: ignore[no-untyped-call]
            if config.clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), config.clip)
            optimiser.step()

            value = loss.item()
            if not math.isfinite(value):
                raise NonFiniteLossError(_advice(value, epoch, step, config))
            if config.average:
                _move_average(state.average, model, config.average, (epoch - 1) * state.steps_in_epoch + step)
            right = _share_right(logits.detach(), targets)
            seen += len(weights)
            total_loss += value * len(weights)
            total_right += (right or 0.0) * len(weights)
            if on_step is not None:
                on_step(StepResult(epoch, step, state.steps_in_epoch, value, right, rate))

        with _weights_of(model, state.average):
            validation_loss, validation_accuracy = _validate(model, validation)
            if not math.isfinite(validation_loss):
                raise NonFiniteLossError(_advice(validation_loss, epoch, state.steps_in_epoch, config))
            is_best = validation_loss < min((past.validation_loss for past in state.history), default=math.inf)
            if is_best or config.keep == "last":
                state.best = _copied(model.state_dict())
        result = EpochResult(
            epoch=epoch,
            loss=total_loss / seen,
            accuracy=None if validation_accuracy is None else total_right / seen,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            learning_rate=rate,
            seconds=time.perf_counter() - started,
            is_best=is_best,
        )
        state.history.append(result)
        yield result


def example_losses(logits: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Return the loss of each example, (B,).

    Args:
        logits: (B, C), or (T, B, C) where each step has a target.
        targets: label ids, (B,) or (T, B), int64, for cross-entropy in nats, the mean of an example's steps; or
            numbers, (B,), float, for the squared error of (B, 1).
        label_smoothing: share of the target that is spread over all labels.

    >>> example_losses(torch.zeros(3, 2, 4), torch.zeros(3, 2, dtype=torch.int64))
    tensor([1.3863, 1.3863])
    """
    if targets.is_floating_point():
        return (logits[:, 0] - targets) ** 2
    flat = cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none", label_smoothing=label_smoothing)
    losses = flat.view(targets.shape)
    return losses if targets.ndim == 1 else losses.mean(0)


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """Return the rate of one step.

    One cycle rises from a 25th of the peak over the first quarter and falls to nothing, both along a cosine
    (L. N. Smith, "Super-convergence", 2019).

    Args:
        config: its peak and its schedule.
        step: from 1.
        steps: of the whole run.

    >>> config = TrainConfig(learning_rate=1.0)
    >>> [round(learning_rate(config, step, 100), 2) for step in (1, 25, 100)]
    [0.04, 1.0, 0.0]
    """
    if config.schedule == "constant":
        return config.learning_rate
    rising = max(1.0, WARM_UP * steps)
    if step <= rising:
        low, share = 0.04, 1 - step / rising
    else:
        low, share = 0.0, (step - rising) / max(1.0, steps - rising)
    return config.learning_rate * (low + (1 - low) * (1 + math.cos(math.pi * share)) / 2)


def example_weights(labels: NDArray[np.int64], counts: NDArray[np.int64], config: TrainConfig) -> NDArray[np.float32]:
    """Return how much each example counts in the loss, 1 on average.

    Args:
        labels: label ids, (N,).
        counts: how many copies each example stands for, (N,).
        config: its ``class_weighting`` and ``copy_weighting``.
    """
    weights = counts.astype(np.float64) ** config.copy_weighting
    frequency = np.bincount(labels, weights=counts)
    weights *= frequency[labels] ** -config.class_weighting
    scaled: NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return scaled


def logits_of(model: nn.Module, data: EncodedExamples, *, batch_size: int = 512) -> Tensor:
    """Return the logits of every example in the order of the data, (N, C), dropout off; of one answer a sequence."""
    model.eval()
    parts, positions = [], []
    with torch.inference_mode():
        for batch in data.batches(batch_size):
            parts.append(model(torch.from_numpy(batch.inputs)))
            positions.append(torch.from_numpy(batch.positions))
    logits = torch.cat(parts)
    return logits[torch.argsort(torch.cat(positions))]


def _validate(model: nn.Module, data: EncodedExamples) -> tuple[float, float | None]:
    """Return the calibrated loss and the accuracy, of steps where each has a target; no accuracy for numbers.

    A network that trains on grows too sure of itself long before it stops getting better; the temperature takes the
    first away, so epochs are compared by what would be shipped.
    """
    model.eval()
    outputs, targets = [], []
    with torch.inference_mode():
        for batch in data.batches(512):
            outputs.append(model(torch.from_numpy(batch.inputs)).flatten(0, -2).numpy())
            targets.append(batch.targets.ravel())
    logits, truth = np.concatenate(outputs), np.concatenate(targets)
    if not np.isfinite(logits).all():
        return math.nan, 0.0
    if truth.dtype.kind == "f":
        return float(np.mean((logits[:, 0] - truth) ** 2)), None
    loss = negative_log_likelihood(softmax(logits, fit_temperature(logits, truth)), truth)
    return loss, float((logits.argmax(axis=1) == truth).mean())


def _share_right(logits: Tensor, targets: Tensor) -> float | None:
    return None if targets.is_floating_point() else (logits.argmax(-1) == targets).float().mean().item()


def _optimiser(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
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


def _move_average(average: Weights, model: nn.Module, decay: float, step: int) -> None:
    decay = min(decay, (1 + step) / (10 + step))  # an early average must not cling to the first random weights
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                average[name].lerp_(tensor, 1 - decay)


class _weights_of:  # noqa: N801 - reads as a clause: with _weights_of(model, average)
    """Lend other weights to a model for a while; no weights change nothing."""

    def __init__(self, model: nn.Module, weights: Weights) -> None:
        self.model, self.weights = model, weights

    def __enter__(self) -> None:
        if self.weights:
            self.own = _copied(self.model.state_dict())
            self.model.load_state_dict(self.weights)

    def __exit__(self, *_: object) -> None:
        if self.weights:
            self.model.load_state_dict(self.own)


def _copied(weights: Weights) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def _under(prefix: str, tensors: Weights) -> Weights:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _advice(value: float, epoch: int, step: int, config: TrainConfig) -> str:
    clip = "" if config.clip is not None else " or cut the gradients (--clip 1)"
    return (
        f"the loss became {value} in epoch {epoch}, step {step}; "
        f"start another run with a lower rate (--learning-rate, now {config.learning_rate:g}){clip}"
    )
