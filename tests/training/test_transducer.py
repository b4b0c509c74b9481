"""The network of pairs: packed batches against the usual padded network, gradients, and options of its training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pairs import SHAPE, build_network, draw_ids
from torch import nn
from torch.nn.functional import cross_entropy, embedding, linear
from torch.testing import assert_close

from elman.data.packed import PackedExamples
from elman.training.transducer import shift_targets

SOURCES, TARGETS = 6, 5


def make_batch(count=5, length=3):
    sources = [np.full(length, 1) + one % SOURCES - (one % SOURCES > 4) for one in range(count)]
    sources = [np.random.default_rng(one).integers(1, SOURCES, length) for one in range(count)]
    examples = PackedExamples(sources, draw_ids(count, TARGETS, least=0, seed=1))
    (batch,) = examples.batches(count)
    return torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets), batch.sizes


def score_padded(network, sources, targets, sizes):
    """Score the same targets the usual way: torch.nn's cells, padded targets, and a mask at the end."""
    steps, size = len(sizes), sizes[0]
    padded = torch.zeros(steps, size, dtype=torch.int64)
    mask = torch.arange(size) < torch.tensor(sizes)[:, None]
    padded[mask] = targets
    encoder = nn.GRU(SHAPE.source_size, SHAPE.encoder_size, bidirectional=True).double()
    encoder.load_state_dict(network.encoder.state_dict())
    cell = nn.GRUCell(SHAPE.step_size, SHAPE.hidden_size).double()
    cell.load_state_dict({name.removesuffix("_l0"): part for name, part in network.decoder.state_dict().items()})
    outputs, last = encoder(embedding(sources, network.sources.weight))
    memory = outputs.transpose(0, 1)
    state = torch.tanh(network.bridge(torch.cat([last[0], last[1]], 1)))
    before, logits = torch.zeros(size, dtype=torch.int64), []
    for step in range(steps):
        asked = linear(state, network.attention.query)
        scores = torch.einsum(
            "k,btk->bt", network.attention.vector, torch.tanh(asked[:, None] + memory @ network.attention.key.T)
        )
        context = torch.einsum("bt,btm->bm", scores.softmax(1), memory)
        state = cell(torch.cat([embedding(before, network.targets.weight), context], 1), state)
        known = torch.tanh(network.mix(torch.cat([state, context], 1)))
        logits.append(network.output(known))
        before = padded[step]
    return torch.stack(logits)[mask]


def test_packed_logits_and_gradients_are_those_of_a_padded_network():
    network, batch = build_network().double(), make_batch()
    own, expected = network(*batch), score_padded(network, *batch)
    assert_close(own, expected, rtol=0, atol=1e-10)
    shared = [network.sources.weight, network.attention.key, network.mix.weight, network.targets.weight]
    gradients = [torch.autograd.grad(cross_entropy(logits, batch[1]), shared) for logits in (own, expected)]
    assert_close(*gradients, rtol=0, atol=1e-10)


@pytest.mark.parametrize("attention", ["none", "additive", "dot"])
def test_a_pair_alone_has_the_logits_that_it_has_in_a_batch(attention):
    network = build_network(replace(SHAPE, attention=attention, layers=2)).double()
    sources, targets, sizes = make_batch()
    logits = network(sources, targets, sizes).split(list(sizes))
    steps = targets.split(list(sizes))
    for row in range(sizes[0]):
        own = torch.stack([step[row] for step in steps if row < len(step)])
        alone = network(sources[:, row : row + 1], own, [1] * len(own))
        assert_close(alone, torch.stack([step[row] for step in logits if row < len(step)]), rtol=0, atol=1e-10)


def test_a_network_has_the_tensors_that_its_settings_list():
    for shape in (SHAPE, replace(SHAPE, cell="lstm", layers=2, label_size=4, attention="dot", mix_size=0)):
        labels = 3 if shape.label_size else 0
        network = build_network(shape, labels=labels)
        found = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        assert found == shape.tensor_shapes(symbols=TARGETS, sources=SOURCES, labels=labels)


def test_the_symbols_before_begin_with_the_mark():
    assert shift_targets(torch.tensor([1, 2, 3, 4, 5, 6]), [3, 2, 1]).tolist() == [0, 0, 0, 1, 2, 4]


def test_labels_change_the_logits_and_are_hidden_from_a_share_in_training():
    network, batch = build_network(replace(SHAPE, label_size=4, label_dropout=0.999), labels=3), make_batch()
    one, other = (network(*batch, torch.full((5,), label)) for label in (1, 2))
    assert (one - other).abs().max() > 1e-3
    network.train()
    assert_close(network(*batch, torch.full((5,), 1)), network(*batch, torch.full((5,), 2)))  # both are hidden


def test_scheduled_sampling_reads_symbols_that_the_network_drew():
    sampled, batch = build_network(replace(SHAPE, own_share=0.999)).train(), make_batch()
    torch.manual_seed(1)
    drawn = sampled(*batch)
    with torch.no_grad():
        sampled.config = SHAPE
        taught = sampled(*batch)
    first = batch[2][0]
    assert_close(drawn[:first], taught[:first])  # before the first symbol there is nothing to draw
    assert (drawn[first:] - taught[first:]).abs().max() > 1e-3
    sampled.eval()
    sampled.config = replace(SHAPE, own_share=0.999)
    assert_close(sampled(*batch), taught)  # only training draws


def test_dropout_drops_the_same_numbers_at_each_step_of_a_sequence():
    network = build_network().train()
    steps = network._drop(torch.ones(7, 3, 50), 0.4)
    assert_close(steps, steps[:1].expand(7, -1, -1))
    assert 0.2 < (steps[0] == 0).float().mean() < 0.6


def test_short_products_change_little():
    network, batch = build_network(scale=1.0).train(), make_batch()
    exact = network(*batch)
    network.bfloat16_products = network.encoder.bfloat16_products = True
    short = network(*batch).float()
    assert 0 < (short - exact).abs().max() < 0.05
