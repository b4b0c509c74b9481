"""The reference scorer has the scores of the trained network, also where the trie scorer would be faster."""

from itertools import product

import numpy as np
import pytest
import torch

from elman.model.config import CELLS
from elman.model.tensors import StepInputs
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
