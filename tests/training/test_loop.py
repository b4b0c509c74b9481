"""The training loop, its schedule and weights, and the checkpoint that lets it go on."""

import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from elman.data.batches import EncodedExamples
from elman.errors import NonFiniteLossError, TrainingError
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.metrics import negative_log_likelihood
from elman.model.config import ModelConfig
from elman.records import EpochResult, Example, StepResult
from elman.scoring.probabilities import softmax
from elman.text.ngrams import inventory
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.config import OPTIMISERS, SCHEDULES, TrainConfig
from elman.training.loop import TrainingState, example_losses, example_weights, learning_rate, logits_of, train
from elman.training.network import SequenceModel

LABELS = Labels(("Alfa", "Beta", "Gamma"))
VOCABULARY = Vocabulary(tuple("abcmnoxyz"))
PLAIN = {field.name: 0.0 for field in fields(ModelConfig) if field.name.endswith("dropout")}
QUICK = {"batch_size": 64, "learning_rate": 0.05}
CARRIED = [("adamw", 0.0), ("adamw", 0.9), ("adam", 0.0), ("sgd", 0.0), ("sgd", 0.9), ("rmsprop", 0.0)]

TinyModel = Callable[..., ModelConfig]


def encoded(examples: Sequence[Example]) -> EncodedExamples:
    return EncodedExamples.of_strings(examples, VOCABULARY, LABELS)


def strings(count: int, *, seed: int = 0, length: int | None = None) -> list[Example]:
    """Made-up strings whose letters give the label away."""
    draw = np.random.default_rng(seed)
    letters = {"Alfa": "abc", "Beta": "mno", "Gamma": "xyz"}
    return [
        Example("".join(draw.choice(list(letters[label]), length or draw.integers(1, 5))), label)
        for _, label in zip(range(count), LABELS.names * count, strict=False)
    ]


def mislabelled(examples: Sequence[Example]) -> list[Example]:
    """The same strings under other labels: the better they are learned, the worse the loss on these."""
    names = LABELS.names
    return [Example(e.text, names[(names.index(e.label) + 1) % len(names)]) for e in examples]


TRAINING, VALIDATION = encoded(strings(60)), encoded(strings(20, seed=1))


def begin(shape: ModelConfig, data: EncodedExamples = TRAINING, **settings: Any) -> TrainingState:
    """A state before its first step; the seed draws the weights too."""
    config = TrainConfig(**{"epochs": 3, "batch_size": 8, "learning_rate": 0.02, **settings})
    torch.manual_seed(config.seed)
    ngrams = inventory((batch.inputs for batch in data.batches(64)), shape.bag_orders, shape.bag_min_count)
    model = SequenceModel(shape, symbols=len(VOCABULARY), labels=len(LABELS), inventory=ngrams)
    return TrainingState(model, config, steps_in_epoch=config.draws or data.steps(config.batch_size))


def finish(state: TrainingState, data: EncodedExamples = TRAINING, held: EncodedExamples = VALIDATION) -> TrainingState:
    for _ in train(state, data, held):
        pass
    return state


def validation_scores(model: torch.nn.Module) -> tuple[float, float]:
    """Calibrated loss and accuracy, as an epoch should report them."""
    logits, truth = logits_of(model, VALIDATION).numpy(), VALIDATION.targets
    probabilities = softmax(logits, fit_temperature(logits, truth))
    return negative_log_likelihood(probabilities, truth), float((logits.argmax(1) == truth).mean())


def trained(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What training changes, as it stands now."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def outcome(result: EpochResult) -> dict[str, Any]:
    return {name: getattr(result, name) for name in EpochResult.__slots__ if name != "seconds"}


@pytest.mark.parametrize("cell", ["elman", "rnn", "gru", "lstm"])
def test_a_tiny_set_is_overfit(tiny_model, cell):
    config = tiny_model(cell=cell, by_hand=cell == "elman", **PLAIN)
    state = finish(begin(config, epochs=25, **QUICK), TRAINING, TRAINING)
    assert state.history[-1].validation_accuracy == 1.0
    assert state.history[-1].accuracy == 1.0


def test_the_loss_falls(tiny_model):
    history = finish(begin(tiny_model(**PLAIN), epochs=8)).history
    assert history[-1].loss < history[0].loss / 3
    assert history[-1].validation_loss < history[0].validation_loss / 3


def test_the_first_loss_is_about_that_of_a_guess(tiny_model):
    steps: list[StepResult] = []
    next(train(begin(tiny_model()), TRAINING, VALIDATION, on_step=steps.append))
    assert steps[0].loss == pytest.approx(math.log(3), abs=0.4)


def test_one_seed_gives_bit_identical_weights(tiny_model):
    one, other = (finish(begin(tiny_model(), seed=5)) for _ in range(2))
    assert equal(one.model.state_dict(), other.model.state_dict())
    assert equal(one.best, other.best)
    assert list(map(outcome, one.history)) == list(map(outcome, other.history))


def test_another_seed_gives_other_weights(tiny_model):
    one, other = (finish(begin(tiny_model(), seed=seed)) for seed in (5, 6))
    assert not any(torch.equal(one.best[name], other.best[name]) for name in trained(one.model))


def test_every_step_is_told_once_and_in_order(tiny_model):
    steps: list[StepResult] = []
    state = begin(tiny_model(), epochs=2)
    for _ in train(state, TRAINING, VALIDATION, on_step=steps.append):
        pass
    per_epoch = TRAINING.steps(8)
    assert [(step.epoch, step.step) for step in steps] == list(product((1, 2), range(1, per_epoch + 1)))
    assert {step.steps for step in steps} == {per_epoch}
    assert [s.learning_rate for s in steps] == [
        learning_rate(state.config, k, 2 * per_epoch) for k in range(1, 2 * per_epoch + 1)
    ]


def test_an_epoch_reports_the_mean_over_its_examples(tiny_model):
    examples = encoded(strings(5, length=2) + strings(2, length=4))  # a batch of five and a batch of two
    steps: list[StepResult] = []
    result = next(train(begin(tiny_model(), examples), examples, VALIDATION, on_step=steps.append))
    sizes = {5: None, 2: None}
    assert len(steps) == len(sizes)
    means = [(5 * a.loss + 2 * b.loss) / 7 for a, b in (steps, steps[::-1])]
    assert any(result.loss == pytest.approx(mean) for mean in means)


def test_validation_is_scored_with_dropout_off(tiny_model):
    state = begin(tiny_model(dropout=0.9), epochs=1)
    (result,) = train(state, TRAINING, VALIDATION)
    assert (result.validation_loss, result.validation_accuracy) == pytest.approx(validation_scores(state.model))


def test_logits_stand_in_the_order_of_the_data(tiny_model):
    model = begin(tiny_model()).model
    examples = strings(12, seed=4)
    alone = torch.cat([logits_of(model, encoded([example])) for example in examples])
    torch.testing.assert_close(logits_of(model, encoded(examples), batch_size=2), alone, rtol=0, atol=1e-6)


# The learning rate


def test_one_cycle_rises_along_a_cosine_from_a_25th_of_the_peak():
    config = TrainConfig(learning_rate=2.0)  # 200 steps: 50 rise
    assert learning_rate(config, 25, 200) == pytest.approx(2 * (0.04 + 0.96 * 0.5))
    assert learning_rate(config, 50, 200) == pytest.approx(2.0)
    assert learning_rate(config, 1, 200) == pytest.approx(2 * (0.04 + 0.96 * (1 - math.cos(math.pi / 50)) / 2))


def test_one_cycle_falls_along_a_cosine_to_nothing():
    config = TrainConfig(learning_rate=2.0)
    assert learning_rate(config, 125, 200) == pytest.approx(1.0)
    assert learning_rate(config, 200, 200) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 7, 100])
def test_one_cycle_of_any_length_rises_then_falls_within_its_bounds(steps):
    rates = [learning_rate(TrainConfig(learning_rate=1.0), step, steps) for step in range(1, steps + 1)]
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert all(0 <= rate <= 1 for rate in rates)


def test_a_constant_rate_stays():
    config = TrainConfig(learning_rate=0.3, schedule="constant")
    assert {learning_rate(config, step, 10) for step in range(1, 11)} == {0.3}


# Optimisers, clipping, weights


@pytest.mark.parametrize(("optimiser", "schedule"), list(product(OPTIMISERS, SCHEDULES)))
def test_every_optimiser_and_schedule_trains(tiny_model, optimiser, schedule):
    state = begin(tiny_model(**PLAIN), epochs=2, optimiser=optimiser, schedule=schedule)
    before = trained(state.model)
    finish(state)
    after = trained(state.model)
    assert all(weight.isfinite().all() and not torch.equal(before[name], weight) for name, weight in after.items())
    assert state.history[1].loss < state.history[0].loss


def one_step_length(shape: ModelConfig, clip: float | None) -> float:
    """How far one step of plain gradient descent at rate 1 moves the weights: the norm of its gradient."""
    data = encoded(strings(12, length=3))
    settings = {"optimiser": "sgd", "schedule": "constant", "learning_rate": 1.0, "weight_decay": 0.0}
    state = begin(shape, data, epochs=1, batch_size=12, clip=clip, **settings)
    before = trained(state.model)
    finish(state, data)
    moved = [(weight - before[name]).square().sum() for name, weight in trained(state.model).items()]
    return float(torch.stack(moved).sum().sqrt())


def test_clipping_cuts_the_gradient_norm_to_its_limit(tiny_model):
    assert one_step_length(tiny_model(**PLAIN), None) > 0.05
    assert one_step_length(tiny_model(**PLAIN), 0.01) == pytest.approx(0.01, rel=1e-3)


def test_a_gradient_below_the_limit_is_left_alone(tiny_model):
    free = one_step_length(tiny_model(**PLAIN), None)
    assert one_step_length(tiny_model(**PLAIN), 2 * free) == pytest.approx(free, rel=1e-5)


def test_weight_decay_shrinks_matrices_and_spares_biases(tiny_model):
    settings = {"optimiser": "adamw", "schedule": "constant", "learning_rate": 1e-3, "weight_decay": 900.0}
    state = begin(tiny_model(**PLAIN), epochs=1, **settings)
    for weight in state.model.parameters():
        torch.nn.init.ones_(weight)
    finish(state)
    size = {weight.ndim > 1: [] for weight in state.model.parameters()}
    for weight in state.model.parameters():
        size[weight.ndim > 1].append(weight.abs().mean().item())
    assert max(size[True]) < 0.1
    assert min(size[False]) > 0.9


def weights(labels: list[int], counts: list[int], **settings: float) -> list[float]:
    return example_weights(np.array(labels), np.array(counts), TrainConfig(**settings)).tolist()


def test_examples_count_alike_unless_asked_otherwise():
    assert weights([0, 0, 0, 1], [1, 5, 2, 1]) == [1, 1, 1, 1]


def test_class_weighting_of_one_gives_every_label_the_same_say():
    assert weights([0, 0, 0, 1], [1, 1, 1, 1], class_weighting=1.0) == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


def test_class_weighting_of_a_half_takes_the_square_root():
    # 4 and 1 examples: raw weights 1/2 and 1, their mean 3/5
    assert weights([0, 0, 0, 0, 1], [1] * 5, class_weighting=0.5) == pytest.approx([5 / 6] * 4 + [5 / 3])


def test_copy_weighting_of_one_counts_every_copy():
    assert weights([0, 1], [1, 3], copy_weighting=1.0) == pytest.approx([0.5, 1.5])


def test_copy_weighting_of_a_half_takes_the_square_root():
    assert weights([0, 1], [1, 4], copy_weighting=0.5) == pytest.approx([2 / 3, 4 / 3])


def test_copies_make_a_label_frequent():
    assert weights([0, 1], [1, 3], class_weighting=1.0) == pytest.approx([1.5, 0.5])


def test_an_example_of_no_weight_teaches_nothing(tiny_model):
    right, wrong = strings(30), mislabelled(strings(30))
    say = np.array([1.0] * 30 + [0.0] * 30, np.float32)
    data = EncodedExamples.of_strings(right + wrong, VOCABULARY, LABELS, say)
    state = finish(begin(tiny_model(**PLAIN), data, epochs=25, **QUICK), data, encoded(right))
    assert state.history[-1].validation_accuracy == 1.0


def test_label_smoothing_keeps_the_network_from_being_sure(tiny_model):
    def sureness(smoothing: float) -> float:
        state = finish(begin(tiny_model(**PLAIN), epochs=25, label_smoothing=smoothing, **QUICK))
        return logits_of(state.model, VALIDATION).softmax(1).max(1).values.mean().item()

    assert sureness(0.0) > 0.97
    assert sureness(0.3) == pytest.approx(0.8, abs=0.1)  # 1 - 0.3 + 0.3 / 3


# The best epoch


def test_patience_stops_after_that_many_epochs_without_a_better_one(tiny_model):
    held = encoded(mislabelled(strings(60)))
    state = finish(begin(tiny_model(**PLAIN), epochs=50, patience=3), TRAINING, held)
    best = max(result.epoch for result in state.history if result.is_best)
    assert state.epoch == best + 3 < 50
    assert state.finished


def test_without_patience_every_epoch_is_trained(tiny_model):
    held = encoded(mislabelled(strings(60)))
    assert finish(begin(tiny_model(**PLAIN), epochs=7), TRAINING, held).epoch == 7


def test_the_best_weights_are_those_of_the_best_epoch(tiny_model):
    state, held = begin(tiny_model(**PLAIN), epochs=6), encoded(mislabelled(strings(60)))
    after = {result.epoch: trained(state.model) for result in train(state, TRAINING, held)}
    best = min(state.history, key=lambda result: result.validation_loss)
    assert best.epoch < 6
    assert all(torch.equal(state.best[name], weight) for name, weight in after[best.epoch].items())


def test_an_epoch_is_best_where_its_validation_loss_is_the_lowest_so_far(tiny_model):
    history = finish(begin(tiny_model(), epochs=8)).history
    losses = [result.validation_loss for result in history]
    assert [result.is_best for result in history] == [
        loss < min(losses[:k], default=9) for k, loss in enumerate(losses)
    ]


def test_averaged_weights_are_scored_and_kept_while_training_goes_on_with_its_own(tiny_model):
    state = begin(tiny_model(**PLAIN), epochs=1, average=0.9)
    (result,) = train(state, TRAINING, VALIDATION)
    own = trained(state.model)
    assert not any(torch.equal(own[name], state.best[name]) for name in own)
    state.model.load_state_dict(state.best)
    assert (result.validation_loss, result.validation_accuracy) == pytest.approx(validation_scores(state.model))


# A loss that is not finite

WILD = {"optimiser": "sgd", "schedule": "constant", "learning_rate": 1e30, "clip": None}


def test_a_loss_that_is_not_finite_stops_with_advice(tiny_model):
    with pytest.raises(NonFiniteLossError, match=r"--learning-rate, now 1e\+30.*--clip"):
        finish(begin(tiny_model(), **WILD))


def test_a_validation_loss_that_is_not_finite_stops_too(tiny_model):
    data = encoded(strings(8, length=3))  # one step: its own loss is still that of the first weights
    state = begin(tiny_model(), data, epochs=1)

    def overflow(_: StepResult) -> None:
        torch.nn.init.constant_(state.model.head.weight, math.nan)

    with pytest.raises(NonFiniteLossError, match="--learning-rate"):
        next(train(state, data, VALIDATION, on_step=overflow))


def test_the_best_weights_outlive_a_loss_that_is_not_finite(tiny_model):
    state = begin(tiny_model(), epochs=5)
    epochs = train(state, TRAINING, VALIDATION)
    next(epochs)
    kept = {name: tensor.clone() for name, tensor in state.best.items()}
    torch.nn.init.constant_(state.model.head.weight, math.nan)
    with pytest.raises(NonFiniteLossError, match="epoch 2"):
        next(epochs)
    assert equal(state.best, kept)


# Checkpoints


@pytest.mark.parametrize(("optimiser", "average"), CARRIED)
def test_a_restored_run_ends_as_one_that_was_never_interrupted(tiny_model, tmp_path, optimiser, average):
    settings = {"epochs": 4, "optimiser": optimiser, "average": average, "seed": 2}
    whole = finish(begin(tiny_model(), **settings))

    stopped = begin(tiny_model(), **settings)
    for result in train(stopped, TRAINING, VALIDATION):
        if result.epoch == 2:
            stopped.save(tmp_path / "checkpoint")
            break
    del stopped
    torch.rand(100)  # what happened in between must not matter
    again = begin(tiny_model(), **settings)
    again.restore(tmp_path / "checkpoint")
    assert again.epoch == 2
    finish(again)

    assert equal(again.model.state_dict(), whole.model.state_dict())
    assert equal(again.best, whole.best)
    assert list(map(outcome, again.history)) == list(map(outcome, whole.history))


@pytest.fixture
def checkpoint(tiny_model: TinyModel, tmp_path: Path) -> Path:
    state = begin(tiny_model())
    next(train(state, TRAINING, VALIDATION))
    state.save(tmp_path / "checkpoint.safetensors")
    return tmp_path / "checkpoint.safetensors"


def test_a_checkpoint_is_plain_tensors_and_text_and_no_pickle_is_read(tiny_model, checkpoint, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pickle was read")

    for reader in ("load", "loads", "Unpickler", "_Unpickler"):
        monkeypatch.setattr(pickle, reader, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    state = begin(tiny_model())
    state.restore(checkpoint)
    stored = safetensors.numpy.load(checkpoint.read_bytes())
    assert all(np.array_equal(stored[f"model.{name}"], tensor) for name, tensor in state.model.state_dict().items())


def test_restore_refuses_a_missing_file(tiny_model, tmp_path):
    with pytest.raises(TrainingError, match="absent"):
        begin(tiny_model()).restore(tmp_path / "absent")


@pytest.mark.parametrize("content", [b"", b"some text\n", b"\x80\x04N.", bytes(range(256))])
def test_restore_refuses_a_foreign_file(tiny_model, tmp_path, content):
    (tmp_path / "foreign").write_bytes(content)
    with pytest.raises(TrainingError, match="foreign"):
        begin(tiny_model()).restore(tmp_path / "foreign")


def test_restore_refuses_a_model_file(tiny_model, tiny_file):
    with pytest.raises(TrainingError, match="not a checkpoint"):
        begin(tiny_model()).restore(tiny_file)


@pytest.mark.parametrize("text", ["{}", "[]", "3", "{", '{"config": {}}'])
def test_restore_refuses_tensors_with_a_foreign_description(tiny_model, tmp_path, text):
    content = safetensors.numpy.save({"random": np.zeros(1, np.uint8)}, {"training": text})
    (tmp_path / "foreign").write_bytes(content)
    with pytest.raises(TrainingError, match="foreign"):
        begin(tiny_model()).restore(tmp_path / "foreign")


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_restore_refuses_a_truncated_checkpoint(tiny_model, checkpoint, share):
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(share * len(content))])
    with pytest.raises(TrainingError, match="checkpoint"):
        begin(tiny_model()).restore(checkpoint)


@pytest.mark.parametrize("change", [{"epochs": 9}, {"optimiser": "sgd"}, {"seed": 1}, {"clip": None}])
def test_restore_refuses_another_training_configuration(tiny_model, checkpoint, change):
    with pytest.raises(TrainingError, match="configuration"):
        begin(tiny_model(), **change).restore(checkpoint)


@pytest.mark.parametrize("change", [{"hidden_size": 9}, {"cell": "lstm"}, {"layers": 2}])
def test_restore_refuses_a_checkpoint_of_another_network(tiny_model, checkpoint, change):
    with pytest.raises(TrainingError, match="checkpoint"):
        begin(tiny_model(**change)).restore(checkpoint)


# The loss of each example


def random_logits(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_a_label_is_torchs_cross_entropy(smoothing):
    logits, targets = random_logits(6, 4), torch.tensor([0, 1, 2, 3, 3, 0])
    expected = torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)(logits, targets)
    torch.testing.assert_close(example_losses(logits, targets, label_smoothing=smoothing), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_tags_is_the_mean_of_the_steps_of_each_example(smoothing):
    logits, targets = random_logits(5, 3, 4), torch.arange(15).reshape(5, 3) % 4
    torchs = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)
    expected = torch.stack([torchs(logits[:, k], targets[:, k]) for k in range(3)])
    torch.testing.assert_close(example_losses(logits, targets, label_smoothing=smoothing), expected)


def test_the_loss_of_a_number_is_its_squared_error():
    logits, targets = random_logits(6, 1), torch.arange(6.0)
    expected = torch.nn.MSELoss(reduction="none")(logits[:, 0], targets)
    torch.testing.assert_close(example_losses(logits, targets), expected)


# Tags and numbers

NOT_A_BAG = {**PLAIN, "ngram_orders": (), "bag_orders": ()}


def begin_with(config: ModelConfig, data: EncodedExamples, labels: int, **settings: Any) -> TrainingState:
    """A state of a network whose inputs and answers are not those of the made-up strings."""
    torch.manual_seed(0)
    training = TrainConfig(**{"epochs": 60, "batch_size": 8, "learning_rate": 0.05, **settings})
    model = SequenceModel(config, symbols=5, labels=labels)
    return TrainingState(model, training, steps_in_epoch=training.draws or data.steps(training.batch_size))


def reversals() -> EncodedExamples:
    """Strings tagged with themselves read backwards."""
    draw = np.random.default_rng(0)
    inputs = [draw.integers(1, 5, length) for length in (2, 2, 3, 3, 4, 4)]
    return EncodedExamples(inputs, [ids[::-1].copy() for ids in inputs])


def sums() -> EncodedExamples:
    """Rows of numbers, each with a weighted sum of itself."""
    inputs = np.random.default_rng(0).standard_normal((12, 1, 3)).astype(np.float32)
    return EncodedExamples(list(inputs), (inputs[:, 0] @ np.array([1, -2, 0.5], np.float32)))


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_a_tagger_overfits_a_tiny_set(tiny_model, cell):
    data = reversals()
    state = finish(begin_with(tiny_model(cell=cell, readout="each", **NOT_A_BAG), data, 5), data, data)
    assert (state.history[-1].validation_accuracy, state.history[-1].accuracy) == (1.0, 1.0)
    assert state.history[-1].loss < 0.1


def test_a_tagger_is_validated_by_its_symbols(tiny_model):
    data = reversals()
    state = begin_with(tiny_model(readout="each", **NOT_A_BAG), data, 5, epochs=1)
    (result,) = train(state, data, data)
    right = [(state.model(torch.from_numpy(b.inputs)).argmax(2).numpy() == b.targets).ravel() for b in data.batches(9)]
    assert result.validation_accuracy == pytest.approx(np.concatenate(right).mean())


@pytest.mark.parametrize("cell", ["none", "gru"])
def test_a_regressor_overfits_a_tiny_set(tiny_model, cell):
    data = sums()
    state = finish(begin_with(tiny_model(cell=cell, input_size=3, **NOT_A_BAG), data, 1, epochs=120), data, data)
    assert state.history[-1].validation_loss < 0.01 < state.history[0].validation_loss


def test_numbers_have_a_squared_error_and_no_accuracy(tiny_model):
    data, steps = sums(), []
    state = begin_with(tiny_model(input_size=3, **NOT_A_BAG), data, 1, epochs=1)
    (result,) = train(state, data, data, on_step=steps.append)
    assert {result.accuracy, result.validation_accuracy, *(step.accuracy for step in steps)} == {None}
    error = logits_of(state.model, data)[:, 0].numpy() - data.targets
    assert result.validation_loss == pytest.approx(float(np.mean(error**2)), rel=1e-5)


def test_a_checkpoint_of_a_regressor_is_restored(tiny_model, tmp_path):
    data = sums()
    whole, stopped, again = (begin_with(tiny_model(input_size=3, **NOT_A_BAG), data, 1, epochs=2) for _ in range(3))
    finish(whole, data, data)
    next(train(stopped, data, data))
    stopped.save(tmp_path / "checkpoint")
    again.restore(tmp_path / "checkpoint")
    finish(again, data, data)
    assert equal(again.best, whole.best)
    assert list(map(outcome, again.history)) == list(map(outcome, whole.history))


# What is kept, and examples drawn one by one


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_the_last_weights_are_kept_where_the_last_are_asked_for(tiny_model, average):
    held = encoded(mislabelled(strings(60)))
    state = finish(begin(tiny_model(**PLAIN), epochs=6, keep="last", average=average), TRAINING, held)
    assert not state.history[-1].is_best
    assert state.kept_epoch == 6
    assert equal(state.best, state.average if average else state.model.state_dict())


def test_the_kept_epoch_is_the_best_one_unless_asked_otherwise(tiny_model):
    held = encoded(mislabelled(strings(60)))
    state = begin(tiny_model(**PLAIN), epochs=6)
    assert state.kept_epoch is None
    finish(state, TRAINING, held)
    assert state.kept_epoch == min(state.history, key=lambda result: result.validation_loss).epoch < 6


def test_before_the_first_epoch_no_last_one_is_kept(tiny_model):
    assert begin(tiny_model(), keep="last").kept_epoch is None


def test_an_epoch_of_draws_has_that_many_steps_of_one_example(tiny_model):
    steps: list[StepResult] = []
    state = begin(tiny_model(**PLAIN), epochs=2, batch_size=1, draws=7)
    for _ in train(state, TRAINING, VALIDATION, on_step=steps.append):
        pass
    assert [(step.epoch, step.step, step.steps) for step in steps] == [(e, s, 7) for e in (1, 2) for s in range(1, 8)]


def test_examples_drawn_one_by_one_are_learned(tiny_model):
    shape = tiny_model(cell="elman", **PLAIN)
    state = finish(begin(shape, epochs=1, batch_size=1, draws=250, learning_rate=0.01))
    assert state.history[-1].validation_accuracy == 1.0


def test_one_seed_draws_the_same_examples_for_the_same_weights(tiny_model):
    one, again, other = (finish(begin(tiny_model(), epochs=2, batch_size=1, draws=9, seed=s)) for s in (1, 1, 2))
    assert equal(one.best, again.best)
    assert not equal(one.best, other.best)


def test_draws_teach_a_rare_label_that_would_be_passed_over(tiny_model):
    rare, common = strings(3, length=3)[:1], [e for e in strings(120, length=3) if e.label == "Beta"]
    data = encoded(common + rare)
    seen: list[Any] = []
    state = begin(tiny_model(**PLAIN), data, epochs=1, batch_size=1, draws=40)
    state.model.register_forward_pre_hook(lambda model, inputs: seen.append(inputs[0]) if model.training else None)
    finish(state, data)
    known = VOCABULARY.encode(rare[0].text)
    assert 8 < sum(np.array_equal(ids[:, 0].numpy(), known) for ids in seen) < 32  # 20 of 40 draws, not one in 41
