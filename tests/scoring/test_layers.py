"""A layer's step in place computes the equations of the reference."""

from itertools import product

import numpy as np
import pytest

from elman.model.config import ACTIVATIONS, ModelConfig
from elman.model.tensors import name_layer
from elman.scoring.layers import Buffers, build_layer
from elman.scoring.reference import choose_step

CELLS = [*(("elman", activation) for activation in ACTIVATIONS), ("gru", "tanh"), ("lstm", "tanh")]


@pytest.mark.parametrize(("cell", "direction"), list(product(CELLS, (0, 1))))
def test_a_step_of_a_layer_is_that_of_the_reference(cell, direction):
    config = ModelConfig(cell=cell[0], activation=cell[1], hidden_size=4, embedding_size=3)
    draw = np.random.default_rng(3)
    shapes = config.tensor_shapes(symbols=5, labels=2)
    tensors = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    weight_ih, weight_hh, bias_ih, bias_hh = (tensors[name] for name in name_layer(0, direction))
    layer = build_layer(config, tensors, 0, direction)
    rows = draw.standard_normal((6, 3)).astype(np.float32)
    state = tuple(draw.standard_normal((6, 4)).astype(np.float32) for _ in range(layer.parts))
    step, size = choose_step(config.cell, config.activation)
    assert size == layer.parts
    expected = step(rows @ weight_ih.T + bias_ih, state, weight_hh.T, bias_hh)
    recurrent = np.matmul(state[0], layer.recurrent)
    if layer.recurrent_bias is not None:
        recurrent[-1] += layer.recurrent_bias
    found = tuple(np.empty_like(part) for part in state)
    layer.step(layer.project(rows, np.empty((layer.gates, 6, 4), np.float32)), recurrent, state, found)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_buffers_are_reused_if_they_are_large_enough():
    buffers = Buffers()
    first = buffers("a", 2, 4)
    first[:] = 7
    assert (buffers("a", 8) == 7).all()
    assert buffers("a", 2, 2).shape == (2, 2)
    assert buffers("a", 100).shape == (100,) and not np.shares_memory(first, buffers("b", 2, 4))
