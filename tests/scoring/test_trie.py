"""Shared beginnings and endings: for any strings, the scores are those of the reference scorer."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.model.config import ACTIVATIONS, ModelConfig
from elman.scoring import lookups, trie
from elman.scoring.reference import ReferenceScorer, can_share
from elman.scoring.trie import TrieScorer
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


def scorers(config: ModelConfig) -> tuple[ReferenceScorer, TrieScorer]:
    """Return both scorers with the same random weights, and a bag that knows half of all pairs."""
    draw = np.random.default_rng(7)
    codes = inventory([np.array(ALL_PAIRS[k : k + 1]).T for k in range(0, len(ALL_PAIRS), 2)], config.bag_orders, 1)
    labels = config.directions * config.hidden_size if config.head == "none" else LABELS
    shapes = config.tensor_shapes(symbols=SYMBOLS, labels=labels, bag=len(codes))
    tensors: dict[str, Any] = {n: draw.uniform(-0.6, 0.6, shape).astype(np.float32) for n, shape in shapes.items()}
    if config.bag_orders:
        tensors["bag.codes"] = codes
    return ReferenceScorer(config, tensors), TrieScorer(config, tensors)


def agree(config: ModelConfig, strings: list[list[int]], *, threads: int = 1) -> None:
    reference, shared = scorers(config)
    sequences = [np.array(ids) for ids in strings]
    expected, encoded = reference.logits(sequences), EncodedStrings.gather(sequences)
    for found in (shared.logits(encoded, threads=threads), shared.logits_of_few(encoded)):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@settings(max_examples=15, deadline=None)
@given(strings=texts)
def test_any_strings_in_any_order_have_the_scores_of_the_reference(cell, shape, strings):
    agree(replace(SMALL, **cell, **shape), strings)


@pytest.mark.parametrize("reading", READING, ids=str)
@pytest.mark.parametrize("directions", [1, 2])
@settings(max_examples=25, deadline=None)
@given(strings=texts)
def test_all_kinds_of_step_inputs_have_the_scores_of_the_reference(reading, directions, strings):
    agree(replace(SMALL, directions=directions, **reading), strings)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("reading", [{}, NO_NGRAMS], ids=["n-grams", "symbols"])
def test_a_string_differs_from_the_same_string_with_its_last_symbol_repeated(reading, directions):
    again = [[1, 2, 3], [1, 2, 3, 3], [1, 2, 3, 3, 3], [2, 2, 2], [2, 2], [2], [3, 2, 1], [3, 3, 2, 1]]
    agree(replace(SMALL, directions=directions, **reading), again)


def random_strings(count: int, longest: int = 9) -> list[list[int]]:
    draw = np.random.default_rng(5)
    return [draw.integers(0, SYMBOLS, draw.integers(1, longest + 1)).tolist() for _ in range(count)]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("reading", [{}, NO_NGRAMS], ids=["n-grams", "symbols"])
def test_blocks_pieces_parts_and_threads_change_no_score(monkeypatch, reading, threads):
    strings = random_strings(700)
    for name, value in {"BLOCK": 50, "PIECE": 7, "SHARED_PIECE": 16, "LARGEST_PART": 333, "BUDGET": 9000}.items():
        monkeypatch.setattr(trie, name, value)
    for module in (trie, lookups):
        monkeypatch.setattr(module, "LARGEST_ARRAY", 90)
    agree(replace(SMALL, **reading), strings, threads=threads)


def test_strings_that_differ_only_after_the_symbols_they_are_sorted_by_are_distinguished():
    draw = np.random.default_rng(3)
    start = draw.integers(0, SYMBOLS, 60).tolist()
    strings = [[*start, *ending] for ending in random_strings(40)] + [
        [*ending, *start] for ending in random_strings(40)
    ]
    agree(replace(SMALL, **NO_NGRAMS), strings)


@pytest.mark.parametrize("length", range(38, 46))
def test_a_string_is_never_confused_with_a_longer_one_of_the_same_key(length):
    start = np.random.default_rng(3).integers(0, SYMBOLS, length).tolist()
    agree(replace(SMALL, **NO_NGRAMS), [[*start, 1], start, [*start, 2, 2], [1, *start], start])


def test_a_long_string_among_short_ones():
    agree(SMALL, [*random_strings(30), random_strings(1, 1)[0] * 200, *random_strings(30)])


def test_equal_strings_are_read_once_and_each_has_the_score(monkeypatch):
    rows = []
    monkeypatch.setattr(trie, "_take", lambda *a, take=trie._take, **k: rows.append(len(a[1])) or take(*a, **k))
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


def test_no_strings_have_no_scores():
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
def test_only_models_with_exact_sharing_share(changes, possible):
    assert can_share(replace(SMALL, **changes)) is possible


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_numbers_that_are_too_large_give_no_warning_on_any_thread(cell):
    _, shared = scorers(replace(SMALL, **cell))
    huge = {n: np.full_like(t, 3e38) if t.dtype == np.float32 else t for n, t in shared.tensors.items()}
    strings = EncodedStrings.gather([np.array(ids) for ids in random_strings(50)])
    assert not np.isfinite(TrieScorer(shared.config, huge).logits(strings, threads=2)).any()
    assert not np.isfinite(TrieScorer(shared.config, huge).logits_of_few(strings)).any()
