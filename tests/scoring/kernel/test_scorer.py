"""The compiled kernel: for any strings and every instruction set, the answers are those of the reference scorer."""

from dataclasses import replace
from itertools import islice, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import elman
from elman.model.config import ACTIVATIONS, ModelConfig
from elman.model.packing import quantise, round_rows, unpack
from elman.scoring.kernel import packing, scorer
from elman.scoring.kernel.library import NATIVE, SHORT, Choice, Library, open_library
from elman.scoring.kernel.scorer import NativeScorer
from elman.scoring.probabilities import best_of, softmax
from elman.scoring.reference import ReferenceScorer
from elman.text.encoded import EncodedStrings
from elman.text.ngrams import inventory

LIBRARY = open_library()
ROUTINES = list(LIBRARY.routines) if isinstance(LIBRARY, Library) else []
pytestmark = pytest.mark.skipif(not ROUTINES, reason="the kernel is not compiled: python -m elman.scoring.kernel.build")

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
    {"ngram_orders": (), "head": "none"},
    {"bag_size": 3},
    {"bag_size": 17, "bag_words": True, "separator": 1},
    {"bag_size": 3, "bag_hidden": 5, "bag_words": True, "separator": 1},
    {"bag_words": True, "separator": 1, "word_buckets": 7, "word_size": 5},
    {"bag_orders": (), "separator": 1, "word_buckets": 7, "word_size": 3},
]
texts = st.lists(st.lists(st.integers(0, SYMBOLS - 1), min_size=1, max_size=12), min_size=1, max_size=40)


def tensors_of(config: ModelConfig, labels: int = LABELS) -> dict[str, NDArray[Any]]:
    """Random weights with which no state grows without limit, and a bag that knows half of all pairs."""
    draw = np.random.default_rng(7)
    pairs = [[a, b][: 1 + (a + b) % 2] for a in range(SYMBOLS) for b in range(SYMBOLS)]
    codes = inventory([np.array([pair]).T for pair in pairs[::2]], config.bag_orders, 1, separator=config.separator)
    labels = config.directions * config.hidden_size if config.head == "none" else labels
    shapes = config.tensor_shapes(symbols=SYMBOLS, labels=labels, bag=len(codes))
    bound = min(0.6, 1.2 * config.hidden_size**-0.5)
    tensors: dict[str, Any] = {n: draw.uniform(-bound, bound, shape).astype(np.float32) for n, shape in shapes.items()}
    return tensors | ({"bag.codes": codes} if config.bag_orders else {})


def agree(config: ModelConfig, strings: list[list[int]], *, threads: int = 1, labels: int = LABELS) -> None:
    """Compare all instruction sets with the reference, without tables of inputs and with them."""
    tensors, sequences = tensors_of(config, labels), [np.array(ids) for ids in strings]
    expected, encoded = ReferenceScorer(config, tensors).logits(sequences), EncodedStrings.gather(sequences)
    for routines in ROUTINES:
        native = NativeScorer(config, tensors, Choice(NATIVE, routines, "a test"))
        limit = 2e-3 if routines in SHORT else 1e-5
        np.testing.assert_allclose(native.logits(encoded, threads=threads), expected, rtol=limit, atol=limit)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scorer, "WORTH_TABLES", 0 if len(strings) <= scorer.WORTH_TABLES else len(strings))
            np.testing.assert_allclose(native.logits(encoded, threads=threads), expected, rtol=limit, atol=limit)


def random_strings(count: int, longest: int = 9) -> list[list[int]]:
    draw = np.random.default_rng(5)
    return [draw.integers(0, SYMBOLS, draw.integers(1, longest + 1)).tolist() for _ in range(count)]


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@settings(max_examples=10)
@given(strings=texts)
def test_any_strings_in_any_order_have_the_scores_of_the_reference(cell, shape, strings):
    agree(replace(SMALL, **cell, **shape), strings)


@pytest.mark.parametrize("reading", READING, ids=str)
@pytest.mark.parametrize("directions", [1, 2])
@settings(max_examples=10)
@given(strings=texts)
def test_all_kinds_of_step_inputs_have_the_scores_of_the_reference(reading, directions, strings):
    agree(replace(SMALL, directions=directions, **reading), strings)


@pytest.mark.parametrize("cell", CELLS[-3:], ids=str)
@pytest.mark.parametrize("size", [1, 3, 8, 15, 16, 17, 33, 64])
def test_any_width_has_the_scores_of_the_reference(cell, size):
    agree(replace(SMALL, hidden_size=size, **cell), random_strings(60))
    agree(replace(SMALL, hidden_size=size, **cell, directions=1, layers=2), random_strings(60))


@pytest.mark.parametrize("labels", [1, 2, 15, 16, 17, 32, 33, 48, 49, 100])
def test_any_number_of_labels_has_the_scores_of_the_reference(labels):
    agree(SMALL, random_strings(70), labels=labels)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 17])
def test_any_number_of_strings_has_the_scores_of_the_reference(count):
    agree(SMALL, random_strings(count))


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("reading", [{}, NO_NGRAMS], ids=["n-grams", "symbols"])
def test_a_string_differs_from_the_same_string_with_its_last_symbol_repeated(reading, directions):
    again = [[1, 2, 3], [1, 2, 3, 3], [1, 2, 3, 3, 3], [2, 2, 2], [2, 2], [2], [3, 2, 1], [3, 3, 2, 1], [2, 2]]
    agree(replace(SMALL, directions=directions, **reading), again)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_parts_and_threads_change_no_score(monkeypatch, threads):
    monkeypatch.setattr(scorer, "PART", 90)
    agree(SMALL, random_strings(700), threads=threads)


@pytest.mark.parametrize("length", [1, 15, 16, 17, 40])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_string_alone_has_the_scores_of_the_reference(shape, length):
    agree(replace(SMALL, **shape), [np.random.default_rng(length).integers(0, SYMBOLS, length).tolist()])


def test_a_string_alone_in_its_block_has_the_scores_of_the_reference(monkeypatch):
    monkeypatch.setattr(packing, "LARGEST_TABLES", 10)
    agree(replace(SMALL, hidden_size=2), [list(ids) for ids in islice(product(range(SYMBOLS), repeat=6), 4097)])


def test_more_strings_than_a_block_are_all_scored():
    agree(replace(SMALL, **NO_NGRAMS, hidden_size=2), random_strings(9000, 12))


def test_tables_that_would_be_too_large_are_not_made(monkeypatch):
    monkeypatch.setattr(packing, "LARGEST_TABLES", 10)
    native = NativeScorer(SMALL, tensors_of(SMALL), Choice(NATIVE, ROUTINES[0], "a test"))
    assert native._packed.large is native._packed.model
    agree(SMALL, random_strings(20))


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("size", [0, 3, 16, 18])
def test_rows_of_a_bag_that_fit_are_read_in_8_bits(size, bits, monkeypatch):
    monkeypatch.setattr("elman.model.packing.TABLE", 1)
    config, encoded = replace(SMALL, bag_size=size), EncodedStrings.gather([np.array(i) for i in random_strings(99)])
    tensors = tensors_of(config)
    tensors["bag.weight"] = round_rows(tensors["bag.weight"], bits)
    expected = ReferenceScorer(config, tensors).logits(encoded.split())
    for routines in ROUTINES:
        native = NativeScorer(config, tensors, Choice(NATIVE, routines, "a test"))
        assert native._packed.large.wholes.bytes
        limit = 2e-3 if routines in SHORT else 1e-5
        np.testing.assert_allclose(native.logits(encoded), expected, rtol=limit, atol=limit)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("sizes", [(3, 5), (16, 32), (18, 34)])
def test_rows_that_a_file_has_in_few_bits_are_read_so(sizes, bits, monkeypatch):
    monkeypatch.setattr("elman.model.packing.TABLE", 1)
    embedding, word = sizes
    words = {"bag_words": True, "separator": 1, "word_buckets": 7, "word_size": word}
    config = replace(SMALL, embedding_size=embedding, bag_size=embedding, **words)
    stored: dict[str, Any] = {}
    for name, tensor in tensors_of(config).items():
        stored |= (
            quantise(name, tensor, bits) if name in ("ngrams.weight", "words.weight", "bag.weight") else {name: tensor}
        )
    wide = dict(unpack(stored))
    for strings in (random_strings(1), random_strings(70)):
        encoded = EncodedStrings.gather([np.array(ids) for ids in strings])
        expected = ReferenceScorer(config, wide).logits(encoded.split())
        for routines in ROUTINES:
            native = NativeScorer(config, unpack(stored), Choice(NATIVE, routines, "a test"))
            model = native._packed.model
            assert model.ngrams.bytes and model.wholes.words.bytes and model.wholes.bytes and not model.ngrams.floats
            limit = 2e-3 if routines in SHORT else 1e-5
            np.testing.assert_allclose(native.logits(encoded), expected, rtol=limit, atol=limit)


def test_strings_that_differ_only_late_are_distinguished():
    start = random_strings(1, 1)[0] * 70
    strings = [[*start, *ending] for ending in random_strings(40)] + [
        [*ending, *start] for ending in random_strings(40)
    ]
    agree(replace(SMALL, **NO_NGRAMS), [*strings, *strings[::3]])


@pytest.mark.parametrize("longer", [63, 64, 65, 130])
def test_a_string_shares_its_beginning_with_a_long_one_before_it(longer):
    start = random_strings(1, 1)[0] + random_strings(1)[0] * 8
    strings = [[*start, 1, *[0, 3, 2] * longer][:longer], *([*start, *ending] for ending in ([2], [2, 4], [3, 1, 1]))]
    agree(replace(SMALL, bag_orders=(1, 2, 3)), strings)


def test_a_long_string_among_short_ones():
    agree(SMALL, [*random_strings(30), random_strings(1, 1)[0] * 200, *random_strings(30)])


@pytest.mark.parametrize("routines", ROUTINES)
@pytest.mark.parametrize("top", [1, 2, 5, 40])
@pytest.mark.parametrize("count", [3, 200])
def test_the_best_answers_are_those_of_the_logits(routines, top, count):
    config, encoded = replace(SMALL, **NO_NGRAMS), EncodedStrings.gather([np.array(i) for i in random_strings(count)])
    tensors = tensors_of(config, 40)
    tensors["head.weight"][7], tensors["head.bias"][7] = tensors["head.weight"][9], tensors["head.bias"][9]  # a tie
    native = NativeScorer(config, tensors, Choice(NATIVE, routines, "a test"))
    labels, chances = native.best(encoded, top=top, temperature=0.7, floor=0.1)
    expected = best_of(native.logits(encoded), top, 0.7, 0.1)
    np.testing.assert_array_equal(labels, expected[0])
    np.testing.assert_allclose(chances, expected[1], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("routines", ROUTINES)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_no_number_makes_no_probability(routines, wrong):
    config = replace(SMALL, **NO_NGRAMS)
    tensors = tensors_of(config)
    tensors["head.bias"] = np.array([0, wrong, 0], np.float32)
    native = NativeScorer(config, tensors, Choice(NATIVE, routines, "a test"))
    encoded = EncodedStrings.gather([np.array([1, 2])])
    found, expected = native.best(encoded, top=3, temperature=1.0), best_of(native.logits(encoded), 3)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_numbers_that_are_too_large_give_no_finite_score(cell):
    config = replace(SMALL, **cell)
    huge = {n: np.full_like(t, 3e38) if t.dtype == np.float32 else t for n, t in tensors_of(config).items()}
    encoded = EncodedStrings.gather([np.array(ids) for ids in random_strings(50)])
    for routines in ROUTINES:
        assert not np.isfinite(NativeScorer(config, huge, Choice(NATIVE, routines, "a test")).logits(encoded)).any()


@pytest.mark.parametrize(("ids", "lengths"), [([5], [1]), ([-1], [1]), ([2**31 - 1], [1]), ([1], [0]), ([1], [1, 0])])
def test_symbols_that_the_model_does_not_have_are_refused(ids, lengths):
    native = NativeScorer(SMALL, tensors_of(SMALL), Choice(NATIVE, ROUTINES[0], "a test"))
    with pytest.raises(IndexError, match="these strings cannot be scored"):
        native.logits(EncodedStrings(np.array(ids), np.array(lengths)))


def test_no_strings_have_no_scores():
    native = NativeScorer(SMALL, tensors_of(SMALL), Choice(NATIVE, ROUTINES[0], "a test"))
    nothing = EncodedStrings.gather([])
    assert native.logits(nothing).shape == (0, LABELS)
    assert [part.shape for part in native.best(nothing, top=2, temperature=1.0)] == [(0, 2), (0, 2)]
    assert list(native.parts(nothing)) == []


needs_short = pytest.mark.skipif(not set(SHORT) & set(ROUTINES), reason="this processor has no products of 16 bits")


@needs_short
@pytest.mark.parametrize("model", ["origins", "languages"])
def test_products_of_16_bits_change_no_probability_by_a_thousandth(model):
    predictor = elman.load(model)
    names = [
        f"{one}{two}" for one in ("Ana ", "Zheng", "Müller-", "O'") for two in ("Ito", "Kowalska", "da Silva", "Ali")
    ]
    strings = predictor.artifact.vocabulary.encode_all([name.lower() for name in names * 5])
    config, tensors = predictor.artifact.config, predictor.artifact.tensors
    exact, short = (
        softmax(NativeScorer(config, tensors, Choice(NATIVE, routines, "a test")).logits(strings))
        for routines in (ROUTINES[0], *SHORT)
    )
    assert 0 < np.abs(short - exact).max() < 1e-3


@needs_short
@pytest.mark.parametrize("activation", ["relu", "none"])
def test_states_without_a_limit_have_exact_products(activation):
    config, encoded = replace(SMALL, cell="elman", activation=activation), EncodedStrings.gather([np.array([1, 2, 3])])
    exact, short = (
        NativeScorer(config, tensors_of(config), Choice(NATIVE, routines, "a test")).logits(encoded)
        for routines in ("avx512", *SHORT)
    )
    np.testing.assert_array_equal(short, exact)


@needs_short
@pytest.mark.parametrize("cell", [{"cell": "elman"}, {"cell": "lstm"}], ids=str)
def test_the_largest_sums_of_16_bit_products_fit(cell):
    config = replace(SMALL, **NO_NGRAMS, **cell, hidden_size=33)
    tensors = {n: t if "embedding" in n else np.full_like(t, 9) for n, t in tensors_of(config).items()}
    encoded = EncodedStrings.gather([np.array([1] * 9), np.array([2, 3, 4])])
    found = NativeScorer(config, tensors, Choice(NATIVE, SHORT[0], "a test")).logits(encoded)
    np.testing.assert_allclose(found, ReferenceScorer(config, tensors).logits(encoded.split()), rtol=1e-4)


@needs_short
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_sums_of_rows_and_of_features_in_16_bits_fit(monkeypatch, sign):
    monkeypatch.setattr(scorer, "WORTH_TABLES", 0)
    config = replace(SMALL, hidden_size=33, ngram_orders=(2, 3, 4, 5), bag_size=40, bag_hidden=40)
    tensors = tensors_of(config, 40)
    for name in ("ngrams.weight", "embedding.weight", "bag.weight", "head.weight", "bag.output.weight"):
        tensors[name] = np.full_like(tensors[name], 9 * sign)
    encoded = EncodedStrings.gather([np.array([1] * 9), np.array([2, 3, 4])])
    found = NativeScorer(config, tensors, Choice(NATIVE, SHORT[0], "a test")).logits(encoded)
    np.testing.assert_allclose(found, ReferenceScorer(config, tensors).logits(encoded.split()), rtol=2e-4)


@needs_short
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_multiplied_in_floats(wrong):
    config, encoded = replace(SMALL, bag_size=20), EncodedStrings.gather([np.array(i) for i in random_strings(9)])
    tensors = tensors_of(config, 40)
    tensors["bag.weight"][:] = wrong
    found = NativeScorer(config, tensors, Choice(NATIVE, SHORT[0], "a test")).logits(encoded)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(
            np.isfinite(found), np.isfinite(ReferenceScorer(config, tensors).logits(encoded.split()))
        )


def test_products_are_exact_unless_others_are_asked_for():
    assert ROUTINES[0] not in SHORT
