"""The forward pass of pairs in numpy: torch's values, and searches against an exhaustive one."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from pairs import SHAPE, build_network, draw_ids, list_tensors

from elman.data.packed import PackedExamples
from elman.scoring.transducer import TransducerScorer, bound_length, log_softmax
from elman.text.targets import MARK

SHAPES = [
    replace(SHAPE, cell=cell, encoder_cell=cell, attention=attention, **parts)
    for cell in ("elman", "gru", "lstm")
    for attention in ("none", "additive", "dot")
    for parts in ({}, {"layers": 2, "encoder_layers": 2, "label_size": 4}, {"encoder_directions": 1, "mix_size": 0})
]
every_shape = pytest.mark.parametrize(
    "shape", SHAPES, ids=[f"{s.cell}-{s.attention}-{s.layers}{s.mix_size}" for s in SHAPES]
)


def build(shape=SHAPE, *, targets=5, longest=None, **parts):
    labels = 3 if shape.label_size else 0
    network = build_network(shape, targets=targets, labels=labels, **parts)
    return network, TransducerScorer(shape, list_tensors(network), longest=longest)


@every_shape
def test_logits_are_those_of_torch(shape):
    network, scorer = build(shape)
    labels = np.array([0, 1, 2, 3, 1, 2]) if shape.label_size else None
    examples = PackedExamples(draw_ids(6, 6, longest=3), draw_ids(6, 5, least=0, seed=1), labels=labels)
    expected = []
    for batch in examples.batches(4):
        told = None if batch.labels is None else torch.from_numpy(batch.labels)
        with torch.inference_mode():
            logits = network(torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets), batch.sizes, told)
        expected.append(logits.softmax(1).numpy())
    logits, truth = scorer.score_batches(examples.batches(4))
    assert_allclose(np.exp(log_softmax(logits)), np.concatenate(expected), rtol=0, atol=1e-5)
    assert len(truth) == examples.answers


@every_shape
def test_each_answer_has_the_probability_that_its_symbols_have_one_by_one(shape):
    _, scorer = build(shape)
    sources, labels = draw_ids(7, 6), [0, 1, 2, 3, 1, 2, 0] if shape.label_size else None
    for position, found in enumerate(scorer.write(sources, beam=4, top=3, labels=labels)):
        assert list(found.scores) == sorted(found.scores, reverse=True)
        for symbols, score in zip(found.symbols, found.scores, strict=True):
            told = None if labels is None else labels[position]
            logs, weights = scorer.score(sources[position], symbols.tolist(), told)
            assert score == pytest.approx(logs.sum(), abs=1e-5)
            assert_allclose(weights.sum(1), 1, rtol=1e-5)


def test_a_wide_beam_finds_what_an_exhaustive_search_finds():
    _, scorer = build(targets=4, longest=4)
    source = np.array([1, 3, 2])
    every = [
        (float(scorer.score(source, symbols)[0].sum()), symbols)
        for length in range(1, 5)
        for symbols in itertools.product((1, 2, 3), repeat=length)
    ]
    every.sort(reverse=True)
    (found,) = scorer.write([source], beam=400, top=5)
    assert [tuple(symbols.tolist()) for symbols in found.symbols] == [symbols for _, symbols in every[:5]]
    assert_allclose(found.scores, [score for score, _ in every[:5]], atol=1e-5)


def test_ranking_by_length_is_that_of_an_exhaustive_search():
    _, scorer = build(targets=4, longest=4)
    source = np.array([2, 2])
    every = [
        (float(scorer.score(source, symbols)[0].sum()) / (len(symbols) + 1), symbols)
        for length in range(1, 5)
        for symbols in itertools.product((1, 2, 3), repeat=length)
    ]
    (found,) = scorer.write([source], beam=400, top=3, length_power=1.0)
    assert [tuple(symbols.tolist()) for symbols in found.symbols] == [one for _, one in sorted(every, reverse=True)[:3]]


def test_a_beam_of_one_takes_the_likeliest_symbol_at_each_step():
    _, scorer = build()
    for source in draw_ids(8, 6):
        (found,) = scorer.write([source], beam=1)
        memory = scorer.encode(source[:, None])
        state, symbol, written = memory.state, MARK, []
        while len(written) <= found.most:
            logits, state, _ = scorer.step(np.array([symbol]), state, memory.outputs, memory.keys)
            if not written:
                logits[:, MARK] = -np.inf
            symbol = int(logits[0].argmax())
            if symbol == MARK:
                break
            written.append(symbol)
        assert [one.tolist() for one in found.symbols] == ([written] if len(written) <= found.most else [])


@pytest.mark.parametrize("beam", [1, 3])
def test_other_strings_and_their_order_never_change_an_answer(beam):
    _, scorer = build()
    sources = draw_ids(30, 6)
    together = scorer.write(sources, beam=beam, top=beam)
    order = np.random.default_rng(0).permutation(len(sources))
    shuffled = scorer.write([sources[place] for place in order], beam=beam, top=beam)
    for place, found in zip(order, shuffled, strict=True):
        assert [one.tolist() for one in found.symbols] == [one.tolist() for one in together[place].symbols]
        assert_allclose(found.scores, together[place].scores, atol=1e-5)
        (alone,) = scorer.write([sources[place]], beam=beam, top=beam)
        assert [one.tolist() for one in alone.symbols] == [one.tolist() for one in found.symbols]


def test_a_decoder_that_never_ends_stops_at_the_bound():
    network, _ = build()
    with torch.no_grad():
        network.output.bias[MARK] = -1e4
    for longest, most in ((None, bound_length(3)), (6, 6)):
        scorer = TransducerScorer(SHAPE, list_tensors(network), longest=longest)
        (found,) = scorer.write([np.array([1, 2, 3])], beam=2, top=2)
        assert (found.symbols, found.scores, found.most) == ((), (), most)


def test_the_temperature_flattens_probabilities():
    network, scorer = build()
    flat = TransducerScorer(SHAPE, list_tensors(network), temperature=1e6)
    logs, _ = flat.score(np.array([1, 2]), [1, 2])
    assert_allclose(logs, -np.log(5), atol=1e-4)
    assert not np.allclose(scorer.score(np.array([1, 2]), [1, 2])[0], logs, atol=0.1)
