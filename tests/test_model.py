"""The network: ids in, logits out."""

from collections.abc import Callable
from dataclasses import fields
from itertools import product

import numpy as np
import pytest
import torch

from elman.config import ACTIVATIONS, CELLS, ModelConfig
from elman.model import SequenceModel
from elman.ngrams import inventory

SYMBOLS, LABELS = 7, 3
SHAPES = list(product(CELLS, (True, False), (1, 2), (1, 2)))
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


def test_only_ngrams_that_training_met_add_to_the_logits(tiny_model):
    config, met, unmet = tiny_model(), np.array([[1], [2], [3]]), torch.tensor([[5], [5], [5]])
    codes = inventory([met], config.bag_orders, 1)
    model = SequenceModel(config, symbols=SYMBOLS, labels=LABELS, inventory=codes).eval()
    without = [model(word) for word in (torch.from_numpy(met), unmet)]  # its rows start at zero
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
    model = build(layers=2, **{**NO_DROPOUT, dropout: 0.7}).train()
    assert not torch.equal(model(ids(5, 8)), model(ids(5, 8)))


@pytest.mark.parametrize("dropout", DROPOUTS)
def test_no_dropout_acts_in_evaluation(build, dropout):
    dropping = build(layers=2, **{**NO_DROPOUT, dropout: 0.7}).eval()
    plain = build(layers=2, **NO_DROPOUT).eval()
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
