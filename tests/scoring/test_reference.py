"""The reference scorer has the scores of the trained network, also where the trie scorer would be faster."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
import torch

from elman.model.config import CELLS, ModelConfig
from elman.model.tensors import StepInputs
from elman.scoring import reference
from elman.scoring.reference import ReferenceScorer, count_answers, embed_inputs
from elman.text.ngrams import ngram_ids

SYMBOLS, LABELS = 9, 4


@pytest.mark.parametrize(("cell", "directions", "layers"), list(product(CELLS, (1, 2), (1, 2))))
def test_every_cell_scores_as_torch_does(network, tiny_model, cell, directions, layers):
    config = tiny_model(cell=cell, directions=directions, layers=layers)
    model = network(config, symbols=SYMBOLS, labels=LABELS).eval()
    scorer = ReferenceScorer(config, {name: tensor.numpy() for name, tensor in model.state_dict().items()})
    sequences = [np.random.default_rng(length).integers(0, SYMBOLS, length) for length in (3, 1, 12, 2, 3)]
    with torch.inference_mode():
        expected = torch.cat([model(torch.from_numpy(ids)[:, None]) for ids in sequences]).numpy()
    np.testing.assert_allclose(scorer.logits(sequences), expected, rtol=1e-5, atol=1e-5)
    assert count_answers(config, scorer.tensors) == LABELS


IDS = np.array([[1, 4], [2, 2], [0, 3]])
DRAW = np.random.default_rng(0)
TABLES = {
    "embedding.weight": DRAW.standard_normal((5, 2)).astype(np.float32),
    "ngrams.weight": DRAW.standard_normal((8, 2)).astype(np.float32),
}


def test_embedded_symbols_are_the_sum_of_their_rows():
    inputs = StepInputs(numbers=0, symbols=5, embedding_size=2, ngram_orders=(2, 3), ngram_buckets=8)
    expected = TABLES["embedding.weight"][IDS]
    for order in (2, 3):
        expected = expected + TABLES["ngrams.weight"][ngram_ids(IDS, order, 8)]
    np.testing.assert_allclose(embed_inputs(inputs, TABLES, IDS), expected, rtol=1e-6)


def test_one_hot_symbols_are_rows_of_the_identity():
    inputs = StepInputs(numbers=0, symbols=5, embedding_size=0, ngram_orders=(), ngram_buckets=8)
    assert np.array_equal(embed_inputs(inputs, {}, IDS), np.eye(5)[IDS])


def test_numbers_are_read_unchanged():
    inputs, values = StepInputs(2, 0, 4, (), 8), DRAW.standard_normal((3, 1, 2)).astype(np.float32)
    assert np.array_equal(embed_inputs(inputs, {}, values), values)


@pytest.mark.parametrize("orders", [(), (2, 3)])
def test_a_single_step_is_the_same_step_of_all(orders):
    inputs = StepInputs(numbers=0, symbols=5, embedding_size=2, ngram_orders=orders, ngram_buckets=8)
    for step in (0, 1, -1):
        assert np.array_equal(embed_inputs(inputs, TABLES, IDS, step), embed_inputs(inputs, TABLES, IDS)[step])


# Memory and large numbers


def ones(config: ModelConfig, symbols: int) -> dict[str, np.ndarray]:
    shapes = config.tensor_shapes(symbols=symbols, labels=LABELS)
    return {name: np.ones(shape, np.float32) for name, shape in shapes.items()}


def test_one_hot_rows_of_many_symbols_take_no_more_memory_than_the_steps_need():
    config = ModelConfig(cell="none", embedding_size=0, ngram_orders=(), bag_orders=())
    scorer = ReferenceScorer(config, ones(config, 100_000))
    tracemalloc.start()
    assert scorer.logits([np.array([1, 99_999, 5])]).shape == (1, LABELS)
    assert tracemalloc.get_traced_memory()[1] < 10 * 3 * 100_000 * 4
    tracemalloc.stop()


@pytest.mark.parametrize("largest", [1, 60, 10**9])
@pytest.mark.parametrize("readout", ["last", "each"])
def test_blocks_shrink_with_the_numbers_of_a_step_and_change_no_score(monkeypatch, largest, readout):
    config = ModelConfig(hidden_size=4, embedding_size=3, ngram_orders=(), bag_orders=(), readout=readout)
    draw = np.random.default_rng(2)
    shapes = config.tensor_shapes(symbols=SYMBOLS, labels=LABELS)
    tensors = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    scorer, sequences = ReferenceScorer(config, tensors), [draw.integers(0, SYMBOLS, 3) for _ in range(9)]
    score = scorer.logits if readout == "last" else scorer.logits_of_steps
    expected, sizes = score(sequences), []
    monkeypatch.setattr(reference, "LARGEST_ARRAY", largest)
    monkeypatch.setattr(scorer, "_read", lambda v, read=scorer._read: sizes.append(v.shape[1]) or read(v))
    np.testing.assert_allclose(score(sequences), expected, rtol=1e-6, atol=1e-6)
    assert max(sizes) == max(1, min(9, largest // (3 * 12)))  # a step of 4 × 3 gates, the widest


@pytest.mark.parametrize("cell", CELLS)
def test_numbers_that_are_too_large_give_no_warning(cell):
    config = ModelConfig(cell=cell, activation="none", hidden_size=4, embedding_size=3, ngram_orders=(), bag_orders=())
    tensors = {name: np.full_like(tensor, 3e38) for name, tensor in ones(config, SYMBOLS).items()}
    logits = ReferenceScorer(config, tensors).logits([np.array([1, 2, 3])])  # a warning is an error here
    assert np.isfinite(logits).all() == (cell == "gru")  # closed gates keep the state at 0
