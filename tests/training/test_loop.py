"""The training loop: its schedule, optimisers, losses and weights."""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from states import (
    LABELS,
    NO_NGRAMS,
    PLAIN,
    TRAINING,
    VALIDATION,
    VOCABULARY,
    are_equal,
    begin,
    begin_with,
    copy_trained,
    encode,
    finish,
    mislabel,
    outcome,
    strings,
    sums,
)

from elman.data.batches import EncodedExamples
from elman.errors import NonFiniteLossError
from elman.evaluation import calibration
from elman.evaluation.calibration import fit_temperature
from elman.evaluation.metrics import negative_log_likelihood
from elman.model.config import ModelConfig
from elman.reports import StepResult
from elman.scoring.probabilities import softmax
from elman.training.config import OPTIMISERS, SCHEDULES, TrainConfig
from elman.training.loop import example_losses, example_weights, learning_rate, logits_of, train

QUICK = {"batch_size": 64, "learning_rate": 0.05}


def validation_scores(model: torch.nn.Module) -> tuple[float, float]:
    """Return the calibrated loss and the accuracy, as an epoch should report them."""
    logits, truth = logits_of(model, VALIDATION).numpy(), VALIDATION.targets
    probabilities = softmax(logits, fit_temperature(logits, truth))
    return negative_log_likelihood(probabilities, truth), float((logits.argmax(1) == truth).mean())


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
    assert are_equal(one.model.state_dict(), other.model.state_dict())
    assert are_equal(one.best, other.best)
    assert list(map(outcome, one.history)) == list(map(outcome, other.history))


def test_another_seed_gives_other_weights(tiny_model):
    one, other = (finish(begin(tiny_model(), seed=seed)) for seed in (5, 6))
    assert not any(torch.equal(one.best[name], other.best[name]) for name in copy_trained(one.model))


def test_every_step_is_reported_once_and_in_order(tiny_model):
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
    examples = encode(strings(5, length=2) + strings(2, length=4))  # a batch of five and a batch of two
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


def test_logits_are_in_the_order_of_the_data(tiny_model):
    model = begin(tiny_model()).model
    examples = strings(12, seed=4)
    alone = torch.cat([logits_of(model, encode([example])) for example in examples])
    torch.testing.assert_close(logits_of(model, encode(examples), batch_size=2), alone, rtol=0, atol=1e-6)


# The learning rate


def test_one_cycle_rises_along_a_cosine_from_a_25th_of_the_peak():
    config = TrainConfig(learning_rate=2.0)  # 200 steps: 50 rise
    assert learning_rate(config, 25, 200) == pytest.approx(2 * (0.04 + 0.96 * 0.5))
    assert learning_rate(config, 50, 200) == pytest.approx(2.0)
    assert learning_rate(config, 1, 200) == pytest.approx(2 * (0.04 + 0.96 * (1 - math.cos(math.pi / 50)) / 2))


def test_one_cycle_falls_along_a_cosine_to_0():
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


def test_a_constant_rate_does_not_change():
    config = TrainConfig(learning_rate=0.3, schedule="constant")
    assert {learning_rate(config, step, 10) for step in range(1, 11)} == {0.3}


# Optimisers, clipping, weights


@pytest.mark.parametrize(("optimiser", "schedule"), list(product(OPTIMISERS, SCHEDULES)))
def test_every_optimiser_and_schedule_trains(tiny_model, optimiser, schedule):
    state = begin(tiny_model(**PLAIN), epochs=2, optimiser=optimiser, schedule=schedule)
    before = copy_trained(state.model)
    finish(state)
    after = copy_trained(state.model)
    assert all(weight.isfinite().all() and not torch.equal(before[name], weight) for name, weight in after.items())
    assert state.history[1].loss < state.history[0].loss


def one_step_length(shape: ModelConfig, clip: float | None) -> float:
    """Return the norm of the gradient: how far one step of gradient descent at rate 1 moves the weights."""
    data = encode(strings(12, length=3))
    settings = {"optimiser": "sgd", "schedule": "constant", "learning_rate": 1.0, "weight_decay": 0.0}
    state = begin(shape, data, epochs=1, batch_size=12, clip=clip, **settings)
    before = copy_trained(state.model)
    finish(state, data)
    moved = [(weight - before[name]).square().sum() for name, weight in copy_trained(state.model).items()]
    return float(torch.stack(moved).sum().sqrt())


def test_clipping_cuts_the_gradient_norm_to_its_limit(tiny_model):
    assert one_step_length(tiny_model(**PLAIN), None) > 0.05
    assert one_step_length(tiny_model(**PLAIN), 0.01) == pytest.approx(0.01, rel=1e-3)


def test_a_gradient_below_the_limit_is_unchanged(tiny_model):
    free = one_step_length(tiny_model(**PLAIN), None)
    assert one_step_length(tiny_model(**PLAIN), 2 * free) == pytest.approx(free, rel=1e-5)


def test_weight_decay_shrinks_matrices_but_not_biases(tiny_model):
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


def test_examples_count_alike_by_default():
    assert weights([0, 0, 0, 1], [1, 5, 2, 1]) == [1, 1, 1, 1]


def test_class_weighting_of_1_makes_all_labels_count_alike():
    assert weights([0, 0, 0, 1], [1, 1, 1, 1], class_weighting=1.0) == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


def test_class_weighting_of_a_half_takes_the_square_root():
    # 4 and 1 examples: raw weights 1/2 and 1, their mean 3/5
    assert weights([0, 0, 0, 0, 1], [1] * 5, class_weighting=0.5) == pytest.approx([5 / 6] * 4 + [5 / 3])


def test_copy_weighting_of_1_counts_every_copy():
    assert weights([0, 1], [1, 3], copy_weighting=1.0) == pytest.approx([0.5, 1.5])


def test_copy_weighting_of_a_half_takes_the_square_root():
    assert weights([0, 1], [1, 4], copy_weighting=0.5) == pytest.approx([2 / 3, 4 / 3])


def test_copies_make_a_label_frequent():
    assert weights([0, 1], [1, 3], class_weighting=1.0) == pytest.approx([1.5, 0.5])


def test_an_example_of_weight_0_teaches_nothing(tiny_model):
    right, wrong = strings(30), mislabel(strings(30))
    weights = np.array([1.0] * 30 + [0.0] * 30, np.float32)
    data = EncodedExamples.of_strings(right + wrong, VOCABULARY, LABELS, weights)
    state = finish(begin(tiny_model(**PLAIN), data, epochs=25, **QUICK), data, encode(right))
    assert state.history[-1].validation_accuracy == 1.0


def test_label_smoothing_lowers_the_probability_of_the_answers(tiny_model):
    def mean_probability(smoothing: float) -> float:
        state = finish(begin(tiny_model(**PLAIN), epochs=25, label_smoothing=smoothing, **QUICK))
        return logits_of(state.model, VALIDATION).softmax(1).max(1).values.mean().item()

    assert mean_probability(0.0) > 0.97
    assert mean_probability(0.3) == pytest.approx(0.8, abs=0.1)  # 1 - 0.3 + 0.3 / 3


def test_each_path_learns_to_answer_alone_if_its_own_loss_counts(tiny_model):
    def losses_alone(weight: float) -> list[float]:
        config = tiny_model(bag_orders=(1, 2), bag_size=4, **PLAIN)
        state = finish(begin(config, epochs=4, path_weight=weight, **QUICK))
        model, batch = state.model.eval(), next(iter(VALIDATION.batches(64)))
        with torch.no_grad():
            paths = model.score_paths(torch.from_numpy(batch.inputs))
            torch.testing.assert_close(sum(paths), model(torch.from_numpy(batch.inputs)))
        return [example_losses(2 * path, torch.from_numpy(batch.targets)).mean().item() for path in paths]

    apart, together = losses_alone(0.5), losses_alone(0.0)
    assert len(apart) == 2
    assert max(apart) < max(together)


def test_the_loss_of_a_step_is_that_of_the_answer_whatever_the_paths_count(tiny_model):
    def first_loss(weight: float) -> float:
        seen = []
        state = begin(tiny_model(bag_orders=(1, 2), **PLAIN), epochs=1, path_weight=weight)
        next(iter(train(state, TRAINING, VALIDATION, on_step=lambda step: seen.append(step.loss))))
        return seen[0]

    assert first_loss(0.5) == first_loss(0.0)


def test_the_validation_loss_has_the_floor_that_the_report_has(tiny_model, monkeypatch):
    monkeypatch.setattr(calibration, "MANY_STRINGS", 10)
    held = encode(mislabel(strings(60)))  # labels that no string tells
    state = finish(begin(tiny_model(**PLAIN), epochs=4, keep="last", **QUICK), TRAINING, held)
    logits, truth = logits_of(state.model, held).numpy(), held.targets
    floor = calibration.fit_floor(logits, truth)
    expected = negative_log_likelihood(softmax(logits, fit_temperature(logits, truth, floor=floor), floor), truth)
    assert floor > 0.01
    assert state.history[-1].validation_loss == pytest.approx(expected, rel=1e-6)


# The best epoch


def test_patience_stops_after_that_many_epochs_without_a_better_one(tiny_model):
    held = encode(mislabel(strings(60)))
    state = finish(begin(tiny_model(**PLAIN), epochs=50, patience=3), TRAINING, held)
    best = max(result.epoch for result in state.history if result.is_best)
    assert state.epoch == best + 3 < 50
    assert state.finished


def test_without_patience_every_epoch_is_trained(tiny_model):
    held = encode(mislabel(strings(60)))
    assert finish(begin(tiny_model(**PLAIN), epochs=7), TRAINING, held).epoch == 7


def test_the_best_weights_are_those_of_the_best_epoch(tiny_model):
    state, held = begin(tiny_model(**PLAIN), epochs=6), encode(mislabel(strings(60)))
    after = {result.epoch: copy_trained(state.model) for result in train(state, TRAINING, held)}
    best = min(state.history, key=lambda result: result.validation_loss)
    assert best.epoch < 6
    assert all(torch.equal(state.best[name], weight) for name, weight in after[best.epoch].items())


def test_an_epoch_is_best_if_its_validation_loss_is_the_lowest_so_far(tiny_model):
    history = finish(begin(tiny_model(), epochs=8)).history
    losses = [result.validation_loss for result in history]
    assert [result.is_best for result in history] == [
        loss < min(losses[:k], default=9) for k, loss in enumerate(losses)
    ]


def test_averaged_weights_are_scored_and_kept_while_training_continues_with_its_own(tiny_model):
    state = begin(tiny_model(**PLAIN), epochs=1, average=0.9)
    (result,) = train(state, TRAINING, VALIDATION)
    own = copy_trained(state.model)
    assert not any(torch.equal(own[name], state.best[name]) for name in own)
    state.model.load_state_dict(state.best)
    assert (result.validation_loss, result.validation_accuracy) == pytest.approx(validation_scores(state.model))


# A loss that is not finite

WILD = {"optimiser": "sgd", "schedule": "constant", "learning_rate": 1e30, "clip": None}


def test_a_loss_that_is_not_finite_stops_the_training_with_advice(tiny_model):
    with pytest.raises(NonFiniteLossError, match=r"--learning-rate, now 1e\+30.*--clip"):
        finish(begin(tiny_model(), **WILD))


def test_a_validation_loss_that_is_not_finite_stops_the_training_too(tiny_model):
    data = encode(strings(8, length=3))  # one step: its loss is that of the first weights
    state = begin(tiny_model(), data, epochs=1)

    def overflow(_: StepResult) -> None:
        torch.nn.init.constant_(state.model.head.weight, math.nan)

    with pytest.raises(NonFiniteLossError, match="--learning-rate"):
        next(train(state, data, VALIDATION, on_step=overflow))


def test_the_best_weights_survive_a_loss_that_is_not_finite(tiny_model):
    state = begin(tiny_model(), epochs=5)
    epochs = train(state, TRAINING, VALIDATION)
    next(epochs)
    kept = {name: tensor.clone() for name, tensor in state.best.items()}
    torch.nn.init.constant_(state.model.head.weight, math.nan)
    with pytest.raises(NonFiniteLossError, match="epoch 2"):
        next(epochs)
    assert are_equal(state.best, kept)


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


def reversals() -> EncodedExamples:
    """Return strings; the tags of each are its symbols backwards."""
    draw = np.random.default_rng(0)
    inputs = [draw.integers(1, 5, length) for length in (2, 2, 3, 3, 4, 4)]
    return EncodedExamples(inputs, [ids[::-1].copy() for ids in inputs])


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_a_tagger_overfits_a_tiny_set(tiny_model, cell):
    data = reversals()
    state = finish(begin_with(tiny_model(cell=cell, readout="each", **NO_NGRAMS), data, 5), data, data)
    assert (state.history[-1].validation_accuracy, state.history[-1].accuracy) == (1.0, 1.0)
    assert state.history[-1].loss < 0.1


def test_a_tagger_is_validated_by_its_symbols(tiny_model):
    data = reversals()
    state = begin_with(tiny_model(readout="each", **NO_NGRAMS), data, 5, epochs=1)
    (result,) = train(state, data, data)
    right = [(state.model(torch.from_numpy(b.inputs)).argmax(2).numpy() == b.targets).ravel() for b in data.batches(9)]
    assert result.validation_accuracy == pytest.approx(np.concatenate(right).mean())


@pytest.mark.parametrize("cell", ["none", "gru"])
def test_a_regressor_overfits_a_tiny_set(tiny_model, cell):
    data = sums()
    state = finish(begin_with(tiny_model(cell=cell, input_size=3, **NO_NGRAMS), data, 1, epochs=120), data, data)
    assert state.history[-1].validation_loss < 0.01 < state.history[0].validation_loss


def test_numbers_have_a_squared_error_and_no_accuracy(tiny_model):
    data, steps = sums(), []
    state = begin_with(tiny_model(input_size=3, **NO_NGRAMS), data, 1, epochs=1)
    (result,) = train(state, data, data, on_step=steps.append)
    assert {result.accuracy, result.validation_accuracy, *(step.accuracy for step in steps)} == {None}
    error = logits_of(state.model, data)[:, 0].numpy() - data.targets
    assert result.validation_loss == pytest.approx(float(np.mean(error**2)), rel=1e-5)


# What is kept, and examples drawn one by one


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_the_last_weights_are_kept_on_request(tiny_model, average):
    held = encode(mislabel(strings(60)))
    state = finish(begin(tiny_model(**PLAIN), epochs=6, keep="last", average=average), TRAINING, held)
    assert not state.history[-1].is_best
    assert state.kept_epoch == 6
    weights = state.model.state_dict() if state.average is None else state.average.weights()
    assert are_equal(state.best, weights)


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
    assert are_equal(one.best, again.best)
    assert not are_equal(one.best, other.best)


def test_draws_show_a_rare_label_as_often_as_the_others(tiny_model):
    rare, common = strings(3, length=3)[:1], [e for e in strings(120, length=3) if e.label == "Beta"]
    data = encode(common + rare)
    seen: list[Any] = []
    state = begin(tiny_model(**PLAIN), data, epochs=1, batch_size=1, draws=40)
    state.model.register_forward_pre_hook(lambda model, inputs: seen.append(inputs[0]) if model.training else None)
    finish(state, data)
    known = VOCABULARY.encode(rare[0].text)
    assert 8 < sum(np.array_equal(ids[:, 0].numpy(), known) for ids in seen) < 32  # 20 of 40 draws, not one in 41
