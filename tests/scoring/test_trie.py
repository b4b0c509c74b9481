"""Shared beginnings and endings: whatever the strings, the answers are those of the plain path."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.model.config import ACTIVATIONS, ModelConfig
from elman.scoring import trie as sharing
from elman.scoring.probabilities import best_of, softmax
from elman.scoring.reference import PlainScorer
from elman.scoring.scorer import FEW, MANY, Scorer
from elman.scoring.trie import SharingScorer, can_share
from elman.text.encoded import EncodedStrings
from elman.text.ngrams import inventory

SYMBOLS, LABELS = 5, 3
SMALL = ModelConfig(hidden_size=4, embedding_size=3, ngram_buckets=16)
NO_NGRAMS: dict[str, Any] = {"ngram_orders": (), "bag_orders": ()}
CELLS = [*({"cell": "elman", "activation": a} for a in ACTIVATIONS), {"cell": "gru"}, {"cell": "lstm"}]
SHAPES = [{"directions": 1}, {"directions": 2}, {"directions": 1, "layers": 3}]
READING = [
    {},
    NO_NGRAMS,
    {**NO_NGRAMS, "embedding_size": 0},
    {"ngram_orders": (), "bag_orders": (1,)},
    {"ngram_orders": (3,), "bag_orders": ()},
    {"ngram_orders": (2,), "bag_orders": (5, 2)},
    {**NO_NGRAMS, "head": "none"},
]

texts = st.lists(st.lists(st.integers(0, SYMBOLS - 1), min_size=1, max_size=12), min_size=1, max_size=40)
ALL_PAIRS = [[a, b][: 1 + (a + b) % 2] for a in range(SYMBOLS) for b in range(SYMBOLS)]


def scorers(config: ModelConfig) -> tuple[PlainScorer, SharingScorer]:
    """Return both paths with the same random weights, and a bag that knows half of all pairs."""
    draw = np.random.default_rng(7)
    codes = inventory([np.array(ALL_PAIRS[k : k + 1]).T for k in range(0, len(ALL_PAIRS), 2)], config.bag_orders, 1)
    labels = config.directions * config.hidden_size if config.head == "none" else LABELS
    shapes = config.tensor_shapes(symbols=SYMBOLS, labels=labels, bag=len(codes))
    tensors: dict[str, Any] = {n: draw.uniform(-0.6, 0.6, shape).astype(np.float32) for n, shape in shapes.items()}
    if config.bag_orders:
        tensors["bag.codes"] = codes
    return PlainScorer(config, tensors), SharingScorer(config, tensors)


def agree(config: ModelConfig, strings: list[list[int]], *, threads: int = 1) -> None:
    plain, shared = scorers(config)
    sequences = [np.array(ids) for ids in strings]
    expected, gathered = plain.logits(sequences), EncodedStrings.gather(sequences)
    for found in (shared.logits(gathered, threads=threads), shared.logits_of_few(gathered)):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@settings(max_examples=15, deadline=None)
@given(strings=texts)
def test_any_strings_in_any_order_get_the_answers_of_the_plain_path(cell, shape, strings):
    agree(replace(SMALL, **cell, **shape), strings)


@pytest.mark.parametrize("reading", READING, ids=str)
@pytest.mark.parametrize("directions", [1, 2])
@settings(max_examples=25, deadline=None)
@given(strings=texts)
def test_whatever_a_step_reads_the_answers_are_those_of_the_plain_path(reading, directions, strings):
    agree(replace(SMALL, directions=directions, **reading), strings)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("reading", [{}, NO_NGRAMS], ids=["n-grams", "symbols"])
def test_a_string_and_the_same_with_its_last_symbol_again_are_two_strings(reading, directions):
    again = [[1, 2, 3], [1, 2, 3, 3], [1, 2, 3, 3, 3], [2, 2, 2], [2, 2], [2], [3, 2, 1], [3, 3, 2, 1]]
    agree(replace(SMALL, directions=directions, **reading), again)


def random_strings(count: int, longest: int = 9) -> list[list[int]]:
    draw = np.random.default_rng(5)
    return [draw.integers(0, SYMBOLS, draw.integers(1, longest + 1)).tolist() for _ in range(count)]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("reading", [{}, NO_NGRAMS], ids=["n-grams", "symbols"])
def test_blocks_pieces_parts_and_threads_change_no_answer(monkeypatch, reading, threads):
    strings = random_strings(700)
    for name, value in {"BLOCK": 50, "PIECE": 7, "SHARED_PIECE": 16, "LARGEST_PART": 333, "BUDGET": 9000}.items():
        monkeypatch.setattr(sharing, name, value)
    agree(replace(SMALL, **reading), strings, threads=threads)


def test_strings_that_differ_only_behind_what_they_are_sorted_by_are_told_apart():
    draw = np.random.default_rng(3)
    start = draw.integers(0, SYMBOLS, 60).tolist()
    strings = [[*start, *ending] for ending in random_strings(40)] + [
        [*ending, *start] for ending in random_strings(40)
    ]
    agree(replace(SMALL, **NO_NGRAMS), strings)


@pytest.mark.parametrize("length", range(38, 46))
def test_a_string_is_never_taken_for_a_longer_one_that_it_is_sorted_with(length):
    start = np.random.default_rng(3).integers(0, SYMBOLS, length).tolist()
    agree(replace(SMALL, **NO_NGRAMS), [[*start, 1], start, [*start, 2, 2], [1, *start], start])


def test_a_long_string_among_short_ones():
    agree(SMALL, [*random_strings(30), random_strings(1, 1)[0] * 200, *random_strings(30)])


def test_the_same_string_many_times_is_read_once_and_answered_each_time(monkeypatch):
    rows = []
    monkeypatch.setattr(sharing, "_take", lambda *a, take=sharing._take, **k: rows.append(len(a[1])) or take(*a, **k))
    _, shared = scorers(replace(SMALL, directions=1, **NO_NGRAMS))
    answers = shared.logits(EncodedStrings.gather([np.array([1, 2, 3])] * 500))
    assert max(rows) == 1
    assert answers.shape == (500, LABELS) and (answers == answers[0]).all()


def test_common_beginnings_are_multiplied_once(monkeypatch):
    rows = []
    monkeypatch.setattr(
        np, "matmul", lambda a, *rest, multiply=np.matmul, **k: rows.append(len(a)) or multiply(a, *rest, **k)
    )
    _, shared = scorers(replace(SMALL, directions=1, **NO_NGRAMS))
    shared.logits(EncodedStrings.gather([np.array([1, 2, 3, last]) for last in (0, 1, 2, 4)]))
    # The table of all symbols; then one product a level, for the empty beginning and for 1, 12 and 123.
    assert rows == [SYMBOLS, 1, 1, 1, 1]


def test_no_strings_get_no_answers():
    _, shared = scorers(SMALL)
    assert shared.logits(EncodedStrings.gather([])).shape == (0, LABELS)


@pytest.mark.parametrize(
    ("changes", "possible"),
    [
        ({}, True),
        ({"layers": 2}, False),
        ({"layers": 2, "directions": 1}, True),
        ({**NO_NGRAMS, "input_size": 3}, False),
        ({**NO_NGRAMS, "readout": "each"}, False),
        ({**NO_NGRAMS, "cell": "none"}, False),
        ({**NO_NGRAMS, "directions": 1, "head": "concatenation"}, False),
    ],
    ids=str,
)
def test_only_models_where_sharing_is_exact_share(changes, possible):
    assert can_share(replace(SMALL, **changes)) is possible


# The door


def scorer(config: ModelConfig = SMALL) -> Scorer:
    plain, _ = scorers(config)
    return Scorer(config, plain.tensors)


@pytest.mark.parametrize("count", [1, FEW - 1, FEW, FEW + 1, MANY + 1])
@pytest.mark.parametrize("layers", [1, 2], ids=["shared", "plain"])
def test_few_or_many_the_door_answers_as_the_plain_path(count, layers):
    config = replace(SMALL, layers=layers)
    sequences = [np.array(ids) for ids in random_strings(count)]
    expected = scorers(config)[0].logits(sequences)
    np.testing.assert_allclose(scorer(config).logits(sequences), expected, rtol=1e-5, atol=1e-5)
    gathered = scorer(config).logits(EncodedStrings.gather(sequences))
    np.testing.assert_allclose(gathered, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("count", [3, 300])
@pytest.mark.parametrize("top", [1, 2, 3, 9])
def test_the_best_answers_are_the_most_probable_ones(count, top):
    sequences = [np.array(ids) for ids in random_strings(count)]
    expected = softmax(scorer().logits(sequences), 1.7)
    labels, chances = scorer().best(sequences, top=top, temperature=1.7)
    assert labels.shape == chances.shape == (count, min(top, LABELS))
    np.testing.assert_allclose(chances, -np.sort(-expected, axis=1)[:, :top], rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(expected, labels.astype(int), axis=1), chances, rtol=0, atol=1e-6)


@pytest.mark.parametrize("top", [1, 2, 12])
def test_equal_answers_stand_in_the_order_of_the_labels(top):
    labels, _ = best_of(np.zeros((2, 12), np.float32), top)
    assert labels.tolist() == [list(range(top))] * 2
