"""Training: one visible loop.

`train` yields an `EpochResult` after each pass. The caller prints, plots, saves or stops.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from elman.data.batches import Batch, BatchSource, EncodedExamples
from elman.errors import NonFiniteLossError
from elman.evaluation.calibration import fit_floor, fit_temperature, measure_loss
from elman.reports import EpochResult, StepResult
from elman.training.config import TrainConfig
from elman.training.rows import RowAdam
from elman.training.state import Progress, TrainingState, copy_weights, use_weights

OnStep = Callable[[StepResult], None]

WARM_UP = 0.25  # share of the one-cycle schedule that rises


def train(
    state: TrainingState,
    training: BatchSource,
    validation: EncodedExamples,
    *,
    on_step: OnStep | None = None,
    calibrate: bool = True,
) -> Iterator[EpochResult]:
    """Train until the epochs are done or patience runs out, and yield what each epoch did.

    The targets decide the loss: cross-entropy for label ids, one for each sequence or for each step, and the squared
    error for numbers. From the first epoch on ``state.best`` holds the weights to keep: by default those of the epoch
    with the lowest calibrated validation loss.

    Args:
        state: where to start; it changes with each step. It can be saved in ``on_step`` and between epochs.
        training: what to learn from.
        validation: what to choose the best epoch with.
        on_step: called after each step, for a progress bar.
        calibrate: measure the validation loss after calibration; False if the model will not be calibrated.

    Raises:
        NonFiniteLossError: the loss became infinite or not a number.
    """
    while not state.finished:
        _read_epoch(state, training, on_step)
        yield _close_epoch(state, validation, calibrate=calibrate)


def _read_epoch(state: TrainingState, training: BatchSource, on_step: OnStep | None) -> None:
    """Train on each batch of the epoch that is not done yet."""
    model, config, progress = state.model, state.config, state.progress
    if progress.step == 0:
        progress.shuffle = dict(state.shuffle.bit_generator.state)
    else:  # the same order as before the interruption
        state.shuffle.bit_generator.state = progress.shuffle
    if config.draws is None:
        batches = training.batches(config.batch_size, state.shuffle, skip=progress.step)
    else:
        batches = islice(training.draw(config.draws, state.shuffle), progress.step, None)
    model.train()
    epoch, clock = state.epoch + 1, time.perf_counter()
    for batch in batches:
        progress.step += 1
        rate = learning_rate(config, state.step, state.steps_in_epoch * config.passes)
        loss, right = take_step(state, batch, rate)
        if not math.isfinite(loss):
            raise NonFiniteLossError(_advise(loss, epoch, progress.step, config))
        progress.seen += len(batch.weights)
        progress.loss += loss * len(batch.weights)
        progress.right += (right or 0.0) * len(batch.weights)
        progress.seconds += time.perf_counter() - clock
        clock = time.perf_counter()
        if on_step is not None:
            on_step(StepResult(epoch, progress.step, state.steps_in_epoch, loss, right, rate))


def take_step(state: TrainingState, batch: Batch, rate: float) -> tuple[float, float | None]:
    """Change the weights by one batch, and return its loss and the share that was right, None for numbers."""
    model, config, ranks, device = state.model, state.config, state.ranks, state.device
    ranks.seed(config.seed, state.step)
    share = ranks.share(batch)
    for optimiser in state.optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        optimiser.zero_grad(set_to_none=isinstance(optimiser, RowAdam))  # keep the memory of dense gradients
    loss, right = 0.0, 0.0
    if len(share.weights):
        targets, weights = (torch.from_numpy(part).to(device) for part in (share.targets, share.weights))
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda" and state.is_short):
            paths = _score_paths(model, share, device, apart=bool(config.path_weight))
        logits = sum(paths[1:], paths[0])
        losses = example_losses(logits, targets, label_smoothing=config.label_smoothing)
        total = (losses * weights).sum() / len(batch.weights)
        (total + _lose_alone(paths, targets, weights, config) / len(batch.weights)).backward()  # type: ignore[no-untyped-call]
        loss, right = total.item(), _count_right(logits.detach(), targets) / len(batch.weights)
    loss, right = ranks.add_gradients(model, state.tables, (loss, right), device)
    if config.clip is not None:
        clip_gradients(model.parameters(), config.clip)
    if state.average is not None:
        state.average.before_step()
    for optimiser in state.optimisers:
        optimiser.step()
    if state.average is not None:
        state.average.after_step(state.step)
    return loss, None if batch.targets.dtype.kind == "f" else right


def _close_epoch(state: TrainingState, validation: EncodedExamples, *, calibrate: bool) -> EpochResult:
    """Validate the weights, keep them if they are the best, and return what the epoch did."""
    model, config, progress = state.model, state.config, state.progress
    epoch = state.epoch + 1
    with use_weights(model, state.average.weights() if state.average is not None else {}):
        validation_loss, validation_accuracy = _validate(model, validation, calibrate=calibrate)
        if not math.isfinite(validation_loss):
            raise NonFiniteLossError(_advise(validation_loss, epoch, progress.step, config))
        is_best = validation_loss < min((past.validation_loss for past in state.history), default=math.inf)
        if is_best or config.keep == "last":
            state.best = copy_weights(model)
    result = EpochResult(
        epoch=epoch,
        loss=progress.loss / progress.seen,
        accuracy=None if validation_accuracy is None else progress.right / progress.seen,
        validation_loss=validation_loss,
        validation_accuracy=validation_accuracy,
        learning_rate=learning_rate(config, state.step, state.steps_in_epoch * config.passes),
        seconds=progress.seconds,
        is_best=is_best,
    )
    state.history.append(result)
    state.progress = Progress()
    return result


def _score_paths(model: nn.Module, batch: Batch, device: torch.device, *, apart: bool) -> list[Tensor]:
    """Return the logits, or what each path of the network adds to them if that is asked for."""
    if not apart:
        return [score_batch(model, batch, device).float()]
    scored: list[Tensor] = model.score_paths(torch.from_numpy(batch.inputs).to(device))  # type: ignore[operator]
    return [logits.float() for logits in scored]


def score_batch(model: nn.Module, batch: Batch, device: torch.device) -> Tensor:
    """Return the logits of a batch; a network that writes strings reads the targets, too, each before the next one."""
    inputs = torch.from_numpy(batch.inputs).to(device)
    if batch.sizes is None:
        logits: Tensor = model(inputs)
        return logits
    labels = None if batch.labels is None else torch.from_numpy(batch.labels).to(device)
    written: Tensor = model(inputs, torch.from_numpy(batch.targets).to(device), batch.sizes, labels)
    return written


def _lose_alone(paths: list[Tensor], targets: Tensor, weights: Tensor, config: TrainConfig) -> Tensor | float:
    """Return the weighted losses of the paths as if each answered alone; the answer is then the mean of theirs."""
    if not config.path_weight or len(paths) == 1:
        return 0.0
    alone = torch.stack([len(paths) * path for path in paths])
    losses = [example_losses(logits, targets, label_smoothing=config.label_smoothing) for logits in alone]
    return config.path_weight * (torch.stack(losses) * weights).sum()


def clip_gradients(parameters: Iterable[nn.Parameter], most: float) -> None:
    """Scale all gradients, sparse ones too, so that their joint norm is at most ``most``."""
    values = []
    for parameter in parameters:
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()  # autograd forgets that it is
            values.append(parameter.grad.values())
        elif parameter.grad is not None:
            values.append(parameter.grad)
    norms = [torch.linalg.vector_norm(value) for value in values]
    factor = (most / (torch.linalg.vector_norm(torch.stack(norms)) + 1e-6)).clamp(max=1)
    for value in values:
        value.mul_(factor)


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
    weights = weigh(labels, counts, np.bincount(labels, weights=counts).astype(np.float64), config)
    scaled: NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return scaled


def weigh(
    labels: NDArray[np.int64], counts: NDArray[np.int64], frequency: NDArray[np.float64], config: TrainConfig
) -> NDArray[np.float64]:
    """Return how much each example counts in the loss, before all of them are divided by their mean, (N,).

    Args:
        labels: as in `example_weights`.
        counts: as there.
        frequency: how many copies of examples each label has, (C,).
        config: as there.
    """
    weights: NDArray[np.float64] = counts.astype(np.float64) ** config.copy_weighting
    weights *= frequency[labels] ** -config.class_weighting
    return weights


def logits_of(model: nn.Module, data: EncodedExamples, *, batch_size: int = 512) -> Tensor:
    """Return the logits of sequences with one answer each, (N, C), without dropout, in the order of the data."""
    model.eval()
    device = next(model.parameters()).device
    parts, positions = [], []
    with torch.inference_mode():
        for batch in data.batches(batch_size):
            parts.append(model(torch.from_numpy(batch.inputs).to(device)).cpu())
            positions.append(torch.from_numpy(batch.positions))
    logits = torch.cat(parts)
    return logits[torch.argsort(torch.cat(positions))]


def _validate(model: nn.Module, data: EncodedExamples, *, calibrate: bool) -> tuple[float, float | None]:
    """Return the loss and the accuracy, of steps if each has a target; no accuracy for numbers.

    The loss is that of the report: after calibration, if the model will be calibrated.

    A network becomes overconfident long before its answers stop getting better. The temperature removes that, so epochs
    are compared by the model that would be shipped.
    """
    model.eval()
    device = next(model.parameters()).device
    logits, start = np.empty((0, 0), np.float32), 0
    targets: list[NDArray[np.generic]] = []
    with torch.inference_mode():
        for batch in data.batches(512):
            output = score_batch(model, batch, device).float().flatten(0, -2).cpu().numpy()
            if not np.isfinite(output).all():
                return math.nan, 0.0
            if not targets:  # all logits are in memory once, 4 bytes each, and nothing else grows with the labels
                logits = np.empty((data.answers, output.shape[1]), np.float32)
            logits[start : start + len(output)] = output
            targets.append(batch.targets.ravel())
            start += len(output)
    truth = np.concatenate(targets)
    if truth.dtype.kind == "f":
        return float(np.mean((logits[:, 0] - truth) ** 2)), None
    temperature, floor = 1.0, 0.0
    if calibrate:  # as the model of the report; the tags of a string have no floor
        floor = fit_floor(logits, truth) if len(truth) == len(data) else 0.0
        temperature = fit_temperature(logits, truth, strings=len(data), floor=floor)
    return measure_loss(logits, truth, temperature, floor), float((logits.argmax(axis=1) == truth).mean())


def _count_right(logits: Tensor, targets: Tensor) -> float:
    """Return how many examples were answered correctly; the shares of their steps, if each step has a target."""
    if targets.is_floating_point():
        return 0.0
    right = (logits.argmax(-1) == targets).float()
    return float(right.mean(0).sum() if right.ndim > 1 else right.sum())


def _advise(value: float, epoch: int, step: int, config: TrainConfig) -> str:
    clip = "" if config.clip is not None else " or cut the gradients (--clip 1)"
    return (
        f"the loss became {value} in epoch {epoch}, step {step}; "
        f"start another run with a lower rate (--learning-rate, now {config.learning_rate:g}){clip}"
    )
