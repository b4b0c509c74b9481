"""Attention against references that share no line with it: values, and gradients by finite differences."""

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn.functional import scaled_dot_product_attention
from torch.testing import assert_close

from elman.cells.attention import ATTENTIONS, build_attention
from elman.errors import SettingError

SIZE, STEPS, QUERY, MEMORY, KEY = 3, 5, 4, 6, 2

every_kind = pytest.mark.parametrize("kind", ATTENTIONS)


def build(kind):
    torch.manual_seed(0)
    attention = build_attention(kind, QUERY, MEMORY, KEY).double()
    query, memory = torch.randn(SIZE, QUERY).double(), torch.randn(SIZE, STEPS, MEMORY).double()
    return attention, query.requires_grad_(), memory.requires_grad_()


def reference(kind, attention, query, memory):
    """The same in one einsum for each sum of the papers."""
    keys = torch.einsum("btm,km->btk", memory, attention.key)
    if kind == "additive":
        asked = torch.einsum("bq,kq->bk", query, attention.query)
        scores = torch.einsum("k,btk->bt", attention.vector, torch.tanh(asked[:, None] + keys))
    else:
        scores = torch.einsum("bq,btq->bt", query, keys) / QUERY**0.5
    weights = scores.exp() / scores.exp().sum(1, keepdim=True)
    return torch.einsum("bt,btm->bm", weights, memory), weights


@every_kind
def test_values_and_gradients_are_those_of_the_equations(kind):
    attention, query, memory = build(kind)
    own, expected = attention(query, attention.keys(memory), memory), reference(kind, attention, query, memory)
    assert_close(own, expected)
    given = (query, memory, *attention.parameters())
    direction = torch.randn(SIZE, MEMORY).double()
    gradients = (torch.autograd.grad(context, given, direction) for context, _ in (own, expected))
    assert_close(*gradients)


@every_kind
def test_gradients_are_finite_differences(kind):
    attention, query, memory = build(kind)
    assert gradcheck(lambda query, memory: attention(query, attention.keys(memory), memory), (query, memory))


def test_dot_attention_is_that_of_torch():
    attention, query, memory = build("dot")
    expected = scaled_dot_product_attention(query[:, None], attention.keys(memory), memory)
    assert_close(attention(query, attention.keys(memory), memory)[0], expected[:, 0])


@every_kind
def test_weights_are_shares_and_one_position_gets_all(kind):
    attention, query, memory = build(kind)
    _, weights = attention(query, attention.keys(memory), memory)
    assert weights.min() > 0
    assert_close(weights.sum(1), torch.ones(SIZE).double())
    context, alone = attention(query, attention.keys(memory[:, :1]), memory[:, :1])
    assert_close(alone, torch.ones(SIZE, 1).double())
    assert_close(context, memory[:, 0])


@every_kind
def test_the_order_of_positions_moves_the_weights_with_it(kind):
    attention, query, memory = build(kind)
    order = torch.tensor([2, 0, 4, 1, 3])
    context, weights = attention(query, attention.keys(memory), memory)
    moved, shuffled = attention(query, attention.keys(memory[:, order]), memory[:, order])
    assert_close(moved, context)
    assert_close(shuffled, weights[:, order])


def test_unknown_kinds_and_sizes_are_refused():
    with pytest.raises(SettingError, match="additive, dot; got 'cosine'"):
        build_attention("cosine", 1, 1, 1)
    with pytest.raises(SettingError, match="at least 1"):
        build_attention("dot", 1, 0, 1)
