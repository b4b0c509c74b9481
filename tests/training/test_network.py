"""The network: ids in, logits out."""

from collections.abc import Callable
from dataclasses import fields
from itertools import product

import numpy as np
import pytest
import torch

from elman.errors import SettingError
from elman.model.config import ACTIVATIONS, CELLS, ModelConfig
from elman.text.ngrams import inventory
from elman.training.network import REFRACTORY, SMALL, SequenceModel

SYMBOLS, LABELS = 7, 3
SHAPES = list(product(CELLS, (True, False), (1, 2), (1, 2)))
WORDS = {"separator": 1, "word_buckets": 7, "word_size": 3}
DROPOUTS = [field.name for field in fields(ModelConfig) if field.name.endswith("dropout")]
NO_DROPOUT = dict.fromkeys(DROPOUTS, 0.0)
NO_NGRAMS = {field.name: () for field in fields(ModelConfig) if field.name.endswith("_orders")}


@pytest.fixture
def build(network, tiny_model) -> Callable[..., SequenceModel]:
    """Build a network of a tiny config; keywords change the config."""
    return lambda **changes: network(tiny_model(**changes), symbols=SYMBOLS, labels=LABELS)


def ids(steps: int, size: int) -> torch.Tensor:
    return torch.randint(0, SYMBOLS, (steps, size), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("cell", "by_hand", "directions", "layers"), SHAPES)
def test_weights_have_the_names_and_shapes_that_the_config_says(build, cell, by_hand, directions, layers):
    model = build(cell=cell, by_hand=by_hand, directions=directions, layers=layers)
    found = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert found == model.config.tensor_shapes(symbols=SYMBOLS, labels=LABELS, bag=len(model.bag.codes))


@pytest.mark.parametrize("steps", [1, 2, 9])
@pytest.mark.parametrize(("cell", "by_hand", "directions", "layers"), SHAPES)
def test_each_sequence_gets_one_logit_for_each_label(build, cell, by_hand, directions, layers, steps):
    model = build(cell=cell, by_hand=by_hand, directions=directions, layers=layers)
    logits = model(ids(steps, 5))
    assert logits.shape == (5, LABELS)
    assert logits.isfinite().all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_of_the_elman_cell_builds(build, activation):
    assert build(cell="elman", activation=activation)(ids(4, 2)).shape == (2, LABELS)


@pytest.mark.parametrize(("cell", "directions", "layers"), list(product(CELLS, (1, 2), (1, 2))))
def test_a_network_by_hand_and_one_of_the_library_agree_on_the_same_weights(build, cell, directions, layers):
    own, library = (
        build(cell=cell, by_hand=by_hand, directions=directions, layers=layers).eval() for by_hand in (True, False)
    )
    library.load_state_dict(own.state_dict())
    torch.testing.assert_close(own(ids(6, 4)), library(ids(6, 4)))


@pytest.mark.parametrize("cell", CELLS)
def test_batch_order_never_changes_a_logit(build, cell):
    model, batch = build(cell=cell).eval(), ids(5, 8)
    order = torch.tensor([3, 0, 7, 1, 2, 6, 5, 4])
    torch.testing.assert_close(model(batch[:, order]), model(batch)[order], rtol=0, atol=1e-6)


def test_the_other_sequences_of_a_batch_never_change_a_logit(build):
    model, batch = build().eval(), ids(5, 8)
    alone = torch.cat([model(batch[:, k : k + 1]) for k in range(8)])
    torch.testing.assert_close(alone, model(batch), rtol=0, atol=1e-6)


def test_the_order_of_symbols_changes_the_logits(build):
    model = build(**NO_NGRAMS).eval()
    forwards = torch.tensor([[1], [2], [3]])
    assert not torch.allclose(model(forwards), model(forwards.flip(0)), atol=1e-4)


def test_only_ngrams_of_the_inventory_add_to_the_logits(tiny_model):
    config, met, unmet = tiny_model(), np.array([[1], [2], [3]]), torch.tensor([[5], [5], [5]])
    codes = inventory([met], config.bag_orders, 1)
    model = SequenceModel(config, symbols=SYMBOLS, labels=LABELS, inventory=codes).eval()
    without = [model(word) for word in (torch.from_numpy(met), unmet)]  # its rows are zero at first
    torch.nn.init.ones_(model.bag.weight)
    assert (model(torch.from_numpy(met)) > without[0] + 0.5).all()
    assert torch.equal(model(unmet), without[1])


@pytest.mark.parametrize("orders", NO_NGRAMS)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_sequence_shorter_than_any_ngram_is_scored_too(build, orders, steps):
    assert build(**{orders: (6,)}).eval()(ids(steps, 2)).isfinite().all()


def test_the_first_and_the_last_symbol_reach_the_logits_of_one_direction(build):
    model, word = build(directions=1, **NO_NGRAMS).eval(), torch.tensor([[1], [2], [3], [4]])
    for position in (0, -1):
        other = word.clone()
        other[position] = 5
        assert not torch.allclose(model(word), model(other), atol=1e-5)


@pytest.mark.parametrize("dropout", DROPOUTS)
def test_each_dropout_acts_in_training(build, dropout):
    model = build(layers=2, **WORDS, **{**NO_DROPOUT, dropout: 0.7}).train()
    assert not torch.equal(model(ids(5, 8)), model(ids(5, 8)))


@pytest.mark.parametrize("dropout", DROPOUTS)
def test_no_dropout_acts_in_evaluation(build, dropout):
    dropping = build(layers=2, **WORDS, **{**NO_DROPOUT, dropout: 0.7}).eval()
    plain = build(layers=2, **WORDS, **NO_DROPOUT).eval()
    assert torch.equal(dropping(ids(5, 8)), dropping(ids(5, 8)))
    assert torch.equal(dropping(ids(5, 8)), plain(ids(5, 8)))


def test_without_any_dropout_training_and_evaluation_compute_the_same(build):
    model = build(layers=2, **NO_DROPOUT)
    torch.testing.assert_close(model.train()(ids(5, 8)), model.eval()(ids(5, 8)))


@pytest.mark.parametrize(("share", "trained"), [(0.0, False), (0.5, True)])
def test_symbol_dropout_alone_trains_the_embedding_of_the_unknown_symbol(build, share, trained):
    model = build(**{**NO_DROPOUT, "symbol_dropout": share}).train()
    known = ids(6, 8).clamp(min=1)
    for _ in range(3):
        model(known).square().sum().backward()
    assert bool(model.embedding.weight.grad[0].any()) is trained


def test_every_weight_gets_a_gradient(build):
    model = build(layers=2)
    model(ids(6, 8)).square().sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()] == []


# Readouts, heads and inputs

ONE_WAY = {**NO_NGRAMS, "directions": 1}


@pytest.mark.parametrize(("cell", "directions", "layers"), list(product((*CELLS, "none"), (1, 2), (1, 2))))
def test_each_step_gets_one_logit_for_each_label_with_readout_each(build, cell, directions, layers):
    model = build(cell=cell, directions=directions, layers=layers, readout="each", **NO_NGRAMS)
    assert model(ids(4, 5)).shape == (4, 5, LABELS)


@pytest.mark.parametrize("cell", CELLS)
def test_in_one_direction_the_last_logits_of_each_are_those_of_last(build, cell):
    last, each = (build(cell=cell, readout=readout, **ONE_WAY).eval() for readout in ("last", "each"))
    torch.testing.assert_close(each(ids(5, 3))[-1], last(ids(5, 3)))


@pytest.mark.parametrize(("directions", "depends"), [(1, False), (2, True)])
def test_the_logits_of_a_step_depend_on_later_symbols_only_in_two_directions(build, directions, depends):
    model, word = build(directions=directions, readout="each", **NO_NGRAMS).eval(), ids(5, 1)
    other = word.clone()
    other[-1] = (word[-1] + 1) % SYMBOLS
    assert (not torch.allclose(model(word)[:-1], model(other)[:-1], atol=1e-6)) is depends


@pytest.mark.parametrize(("cell", "directions"), list(product(CELLS, (1, 2))))
def test_one_hot_rows_are_an_embedding_with_the_identity_for_weights(build, cell, directions):
    shape = {"cell": cell, "directions": directions, **NO_NGRAMS}
    one_hot, table = (build(embedding_size=size, **shape).eval() for size in (0, SYMBOLS))
    table.load_state_dict({"embedding.weight": torch.eye(SYMBOLS), **one_hot.state_dict()})
    torch.testing.assert_close(one_hot(ids(5, 4)), table(ids(5, 4)))


@pytest.mark.parametrize("cell", CELLS)
def test_a_concatenation_is_of_the_last_input_and_the_state_before_it(build, cell):
    model = build(cell=cell, head="concatenation", **ONE_WAY).eval()
    word = ids(5, 3)
    steps = model.embedding(word)
    states, _ = model.recurrence(steps)
    expected = model.head(torch.cat([steps[-1], states[-2]], dim=1))  # [x_T, h_(T-1)]
    torch.testing.assert_close(model(word), expected)


def test_a_concatenation_of_the_first_step_is_of_its_input_and_zeros(build):
    model = build(head="concatenation", **ONE_WAY).eval()
    steps = model.embedding(ids(1, 3))[0]
    torch.testing.assert_close(model(ids(1, 3)), model.head(torch.cat([steps, torch.zeros(3, 8)], dim=1)))


@pytest.mark.parametrize(("directions", "hidden_size"), [(1, LABELS), (2, 4)])
def test_without_a_head_the_output_of_the_cells_is_the_answer(network, tiny_model, directions, hidden_size):
    config = tiny_model(head="none", hidden_size=hidden_size, readout="each", **{**NO_NGRAMS, "directions": directions})
    model = network(config, symbols=SYMBOLS, labels=directions * hidden_size).eval()
    torch.testing.assert_close(model(ids(5, 3)), model.recurrence(model.embedding(ids(5, 3)))[0])


@pytest.mark.parametrize(("directions", "hidden_size"), [(1, 4), (2, LABELS), (2, 1)])
def test_without_a_head_an_output_of_another_size_is_refused(build, directions, hidden_size):
    complaint = f"directions times hidden_size must be {LABELS}, .* got {directions} times {hidden_size}"
    with pytest.raises(SettingError, match=complaint):
        build(head="none", hidden_size=hidden_size, **{**NO_NGRAMS, "directions": directions})


def test_without_cells_the_answer_is_linear_in_the_last_input(build):
    model, steps = build(cell="none", input_size=5, **NO_NGRAMS).eval(), torch.randn(4, 3, 5)
    torch.testing.assert_close(model(steps), torch.nn.functional.linear(steps[-1], model.head.weight, model.head.bias))


@pytest.mark.parametrize("cell", CELLS)
def test_numbers_go_straight_into_the_cells(build, cell):
    model, steps = build(cell=cell, input_size=5, **ONE_WAY).eval(), torch.randn(4, 3, 5)
    torch.testing.assert_close(model(steps), model.head(model.recurrence(steps)[0][-1]))


def test_input_dropout_acts_on_numbers_and_symbol_dropout_does_not(build):
    steps = torch.randn(4, 3, 5)
    for dropout, acts in (("input_dropout", True), ("symbol_dropout", False)):
        model = build(input_size=5, **NO_NGRAMS, **{**NO_DROPOUT, dropout: 0.7}).train()
        assert (not torch.equal(model(steps), model(steps))) is acts


# How a network starts


@pytest.mark.parametrize(("cell", "directions", "layers"), list(product(CELLS, (1, 2), (1, 2))))
@pytest.mark.parametrize("by_hand", [True, False])
def test_a_first_state_is_drawn_in_training_and_zeros_in_evaluation(build, cell, directions, layers, by_hand):
    shape = {"cell": cell, "by_hand": by_hand, "directions": directions, "layers": layers, **NO_DROPOUT, **NO_NGRAMS}
    drawn, zeros = (build(first_state=first, **shape) for first in ("drawn", "zeros"))
    assert not torch.allclose(drawn.train()(ids(3, 4)), drawn(ids(3, 4)), atol=1e-6)
    assert torch.equal(zeros.train()(ids(3, 4)), zeros(ids(3, 4)))
    assert torch.equal(drawn.eval()(ids(3, 4)), zeros.eval()(ids(3, 4)))


def test_a_drawn_first_state_differs_for_each_sequence_and_stays_within_its_bound(build):
    model = build(first_state="drawn", head="concatenation", **ONE_WAY, **NO_DROPOUT).train()
    seen = model._read(torch.ones(1, 500, dtype=torch.int64))[:, 4:].detach()
    bound = (6 / 8) ** 0.5  # Kaiming-uniform of 8 hidden units
    assert seen.abs().max() < bound
    assert seen.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    assert len(seen.unique(dim=0)) == 500


def fresh(**changes) -> SequenceModel:
    """An untrained network of 16 hidden units."""
    torch.manual_seed(0)
    return SequenceModel(ModelConfig(hidden_size=16, **{**NO_NGRAMS, **changes}), symbols=SYMBOLS, labels=LABELS)


@pytest.mark.parametrize(("cell", "gates"), [("elman", 1), ("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_a_refractory_start_ignores_inputs_and_suppresses_each_unit(cell, gates):
    for name, weight in fresh(cell=cell, initialisation="refractory", layers=2).recurrence.named_parameters():
        if "weight_hh" in name:
            rest = weight - REFRACTORY * torch.eye(16).repeat(gates, 1)
            assert 0 < rest.abs().max() <= SMALL + 1e-6 < -REFRACTORY
        else:
            assert not weight.any()


@pytest.mark.parametrize("cell", CELLS)
def test_an_orthogonal_start_is_orthogonal_in_each_gate(cell):
    for name, weight in fresh(cell=cell).recurrence.named_parameters():
        if "weight_hh" in name:
            for gate in weight.split(16):
                torch.testing.assert_close(gate @ gate.T, torch.eye(16), rtol=0, atol=1e-5)
        elif "bias" in name:
            assert not weight.any()


@pytest.mark.parametrize("cell", CELLS)
def test_a_uniform_start_is_that_of_torch(cell):
    bound = 16**-0.5  # torch.nn draws every recurrent weight and bias from U(−1/√H, 1/√H)
    for weight in fresh(cell=cell, initialisation="uniform").recurrence.parameters():
        assert 0.7 * bound < weight.abs().max() <= bound
