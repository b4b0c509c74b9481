"""Tables that change row by row: sparse gradients, their optimiser, their clipping and their average."""

import numpy as np
import pytest
import torch
from torch import nn

from elman.model.config import ModelConfig
from elman.training import network
from elman.training.averages import RunningAverage
from elman.training.config import TrainConfig
from elman.training.loop import clip_gradients
from elman.training.network import SequenceModel
from elman.training.rows import RowAdam, look_up
from elman.training.state import TrainingState

ROWS, SIZE = 12, 3


def draw_table(seed: int = 0) -> nn.Parameter:
    return nn.Parameter(torch.randn(ROWS, SIZE, generator=torch.Generator().manual_seed(seed)))


def test_rows_that_are_looked_up_are_those_of_the_table_each_once():
    table, rows = draw_table(), torch.tensor([[7, 2], [7, 7]])
    found, places = look_up(table, rows)
    assert found.shape == (2, SIZE)
    assert torch.equal(found[places], table[rows])


def test_the_gradient_of_a_table_is_sparse_and_that_of_a_plain_selection():
    table, rows = draw_table(), torch.tensor([[7, 2], [7, 7]])
    found, places = look_up(table, rows)
    (found[places] ** 2).sum().backward()
    assert table.grad.is_sparse
    assert table.grad.coalesce().indices().tolist() == [[2, 7]]
    plain = draw_table()
    (plain[rows] ** 2).sum().backward()
    assert torch.allclose(table.grad.to_dense(), plain.grad)


def test_only_rows_with_a_gradient_change():
    table = draw_table()
    before = table.detach().clone()
    optimiser = RowAdam([table], lr=0.1)
    for rows in ([1, 4], [4, 9]):
        found, _ = look_up(table, torch.tensor(rows))
        table.grad = None
        found.sum().backward()
        optimiser.step()
    assert torch.nonzero((table != before).any(1)).flatten().tolist() == [1, 4, 9]


def test_rows_of_one_number_that_always_have_a_gradient_change_as_with_adamw_without_a_first_moment():
    rows, plain = nn.Parameter(torch.arange(4.0)[:, None]), nn.Parameter(torch.arange(4.0)[:, None])
    ours = RowAdam([rows], lr=0.1, beta=0.99, weight_decay=0.01)
    theirs = torch.optim.AdamW([plain], lr=0.1, betas=(0.0, 0.99), weight_decay=0.01)
    for step in range(5):
        found, places = look_up(rows, torch.arange(4))
        for parameter, values, optimiser in ((rows, found[places], ours), (plain, plain, theirs)):
            parameter.grad = None
            ((values + step) ** 3).sum().backward()
            optimiser.step()
    assert torch.allclose(rows, plain, atol=1e-5)


def test_the_joint_norm_of_dense_and_sparse_gradients_is_clipped():
    table, dense = draw_table(), nn.Parameter(torch.ones(5))
    found, places = look_up(table, torch.tensor([3, 3, 5]))
    (found[places].sum() * 2 + (dense * 3).sum()).backward()
    clip_gradients([table, dense], 1.0)
    joint = torch.cat([table.grad.to_dense().flatten(), dense.grad])
    assert torch.linalg.vector_norm(joint).item() == pytest.approx(1, rel=1e-4)


def test_gradients_below_the_limit_stay():
    dense = nn.Parameter(torch.ones(5))
    (dense * 1e-3).sum().backward()
    clip_gradients([dense], 1.0)
    assert torch.allclose(dense.grad, torch.full((5,), 1e-3))


def test_the_average_of_a_table_is_that_of_averaging_all_of_it_at_every_step():
    model = nn.Module()
    model.table, model.other = draw_table(), nn.Parameter(torch.randn(4))
    average = RunningAverage(model, ("table",), 0.9)
    expected = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    optimiser = RowAdam([model.table], lr=0.1)
    draw = np.random.default_rng(0)
    for step in range(1, 30):
        found, _ = look_up(model.table, torch.from_numpy(draw.integers(0, ROWS, 3)))
        model.table.grad = None
        (found**2).sum().backward()
        average.before_step()
        optimiser.step()
        with torch.no_grad():
            model.other.add_(0.1)
        average.after_step(step)
        decay = min(0.9, (1 + step) / (10 + step))
        for name, tensor in model.state_dict().items():
            expected[name].lerp_(tensor, 1 - decay)
    found = average.weights()
    assert all(torch.allclose(found[name], tensor, atol=1e-5) for name, tensor in expected.items())


@pytest.mark.parametrize("orders", [(), (2, 3)])
def test_a_network_with_large_tables_has_the_gradients_of_one_with_small_tables(monkeypatch, orders):
    config = ModelConfig(
        hidden_size=4, embedding_size=SIZE, ngram_orders=orders, ngram_buckets=16, bag_size=2, dropout=0.0,
        input_dropout=0.0, ngram_dropout=0.0, bag_dropout=0.0, symbol_dropout=0.0, separator=1,
    )  # fmt: skip
    ids = torch.from_numpy(np.random.default_rng(0).integers(1, 6, (5, 7)))
    codes = network_codes(config, ids)
    gradients = {}
    for least in (1, 10_000):
        monkeypatch.setattr(network, "LARGE", least)
        torch.manual_seed(0)
        model = SequenceModel(config, symbols=6, labels=3, inventory=codes)
        with torch.no_grad():
            model.bag.weight.normal_()
        state = TrainingState(model, TrainConfig(), steps_in_epoch=1)
        assert bool(state.tables) == (least == 1)
        model.train()(ids).square().sum().backward()
        gradients[least] = {name: p.grad.to_dense() for name, p in model.named_parameters()}
    for name, gradient in gradients[1].items():
        assert torch.allclose(gradient, gradients[10_000][name], atol=1e-5), name


def network_codes(config: ModelConfig, ids: torch.Tensor) -> np.ndarray:
    from elman.text.ngrams import inventory

    return inventory([ids.numpy()], config.bag_orders, 1, separator=config.separator)
