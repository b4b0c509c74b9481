"""Training: one visible loop.

`train` yields an `EpochResult` after each pass. The caller prints, plots, saves or stops.
"""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from elman.data.batches import EncodedExamples
from elman.errors import NonFiniteLossError
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.metrics import negative_log_likelihood
from elman.records import EpochResult, StepResult
from elman.scoring.probabilities import softmax
from elman.training.config import TrainConfig
from elman.training.state import TrainingState, Weights, copy_weights, use_weights

WARM_UP = 0.25  # share of the one-cycle schedule that rises


def train(
    state: TrainingState,
    training: EncodedExamples,
    validation: EncodedExamples,
    *,
    on_step: Callable[[StepResult], None] | None = None,
) -> Iterator[EpochResult]:
    """Train until the epochs are done or patience runs out, and yield what each epoch did.

    The targets decide the loss: cross-entropy for label ids, one for each sequence or for each step, and the squared
    error for numbers. From the first epoch on ``state.best`` holds the weights to keep: by default those of the epoch
    with the lowest calibrated validation loss.

    Args:
        state: where to start; it changes with each step, so a caller that stops loses only the epoch in progress.
        training: what to learn from.
        validation: what to choose the best epoch with.
        on_step: called after each step, for a progress bar.

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
            batches = training.draw(config.draws, state.shuffle)
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
            optimiser.zero_grad(set_to_none=False)  # keep the memory of the tables' large gradients
            loss.backward()  # type: ignore[no-untyped-call]
            if config.clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), config.clip)
            optimiser.step()

            value = loss.item()
            if not math.isfinite(value):
                raise NonFiniteLossError(_advise(value, epoch, step, config))
            if config.average:
                _move_average(state.average, model, config.average, (epoch - 1) * state.steps_in_epoch + step)
            right = _share_right(logits.detach(), targets)
            seen += len(weights)
            total_loss += value * len(weights)
            total_right += (right or 0.0) * len(weights)
            if on_step is not None:
                on_step(StepResult(epoch, step, state.steps_in_epoch, value, right, rate))

        with use_weights(model, state.average):
            validation_loss, validation_accuracy = _validate(model, validation)
            if not math.isfinite(validation_loss):
                raise NonFiniteLossError(_advise(validation_loss, epoch, state.steps_in_epoch, config))
            is_best = validation_loss < min((past.validation_loss for past in state.history), default=math.inf)
            if is_best or config.keep == "last":
                state.best = copy_weights(model)
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
        logits: (B, C), or (T, B, C) if each step has a target.
        targets: label ids, (B,) or (T, B), int64, for cross-entropy in nats, the mean over the steps of an example;
            or numbers, (B,), float, for the squared error of (B, 1).
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

    One cycle rises from a 25th of the peak over the first quarter and falls to 0, both along a cosine
    (L. N. Smith, "Super-convergence", 2019).

    Args:
        config: its peak and its schedule.
        step: from 1.
        steps: the number of steps of the whole run.

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
        counts: how many copies each example represents, (N,).
        config: its ``class_weighting`` and ``copy_weighting``.
    """
    weights = counts.astype(np.float64) ** config.copy_weighting
    frequency = np.bincount(labels, weights=counts)
    weights *= frequency[labels] ** -config.class_weighting
    scaled: NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return scaled


def logits_of(model: nn.Module, data: EncodedExamples, *, batch_size: int = 512) -> Tensor:
    """Return the logits of sequences with one answer each, (N, C), without dropout, in the order of the data."""
    model.eval()
    parts, positions = [], []
    with torch.inference_mode():
        for batch in data.batches(batch_size):
            parts.append(model(torch.from_numpy(batch.inputs)))
            positions.append(torch.from_numpy(batch.positions))
    logits = torch.cat(parts)
    return logits[torch.argsort(torch.cat(positions))]


def _validate(model: nn.Module, data: EncodedExamples) -> tuple[float, float | None]:
    """Return the calibrated loss and the accuracy, of steps if each has a target; no accuracy for numbers.

    A network becomes overconfident long before its answers stop getting better. The temperature removes that, so epochs
    are compared by the model that would be shipped.
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


def _move_average(average: Weights, model: nn.Module, decay: float, step: int) -> None:
    decay = min(decay, (1 + step) / (10 + step))  # early on, forget the first random weights faster
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                average[name].lerp_(tensor, 1 - decay)


def _advise(value: float, epoch: int, step: int, config: TrainConfig) -> str:
    clip = "" if config.clip is not None else " or cut the gradients (--clip 1)"
    return (
        f"the loss became {value} in epoch {epoch}, step {step}; "
        f"start another run with a lower rate (--learning-rate, now {config.learning_rate:g}){clip}"
    )
