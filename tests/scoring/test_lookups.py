"""Contexts and bags give each string what the reference computes for it, from one computation per different run."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.model.config import ModelConfig
from elman.scoring import lookups
from elman.scoring.lookups import Bag, Contexts, score_bags, score_wholes
from elman.scoring.reference import ReferenceScorer, embed_inputs
from elman.text.encoded import EncodedStrings
from elman.text.ngrams import add_edges, bag_codes, inventory

SYMBOLS, LABELS = 5, 3
TEXTS = st.lists(st.lists(st.integers(0, SYMBOLS - 1), min_size=1, max_size=6), min_size=1, max_size=12)
every_way_to_number = pytest.mark.parametrize("few_codes", [lookups.FEW_CODES, 0], ids=["counted", "sorted"])


def tensors_of(config: ModelConfig, bag: int = 0) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(7)
    shapes = config.tensor_shapes(symbols=SYMBOLS, labels=LABELS, bag=bag)
    return {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


@every_way_to_number
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("orders", [(), (2,), (2, 4)])
@given(texts=TEXTS)
def test_the_input_of_a_context_is_that_of_each_of_its_steps(few_codes, backwards, orders, texts):
    config = ModelConfig(cell="none", embedding_size=3, ngram_buckets=16, ngram_orders=orders, bag_orders=())
    tensors, strings = tensors_of(config), EncodedStrings.gather([np.array(ids) for ids in texts])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookups, "FEW_CODES", few_codes)
        contexts = Contexts(config, tensors, strings)
    inputs, rows = contexts.inputs(slice(None)), np.arange(len(texts))
    tokens = contexts.read(rows, strings.lengths, backwards=backwards)
    for row, ids in enumerate(texts):
        expected = embed_inputs(config.step_inputs(SYMBOLS), tensors, np.array(ids)[:, None])[:, 0]
        found = inputs[tokens[: len(ids), row]]
        np.testing.assert_allclose(found[::-1] if backwards else found, expected, rtol=1e-6, atol=1e-6)


def test_equal_runs_have_one_context():
    strings = EncodedStrings.gather([np.array([1, 2, 3])] * 9)
    config = ModelConfig(cell="none", embedding_size=3, ngram_buckets=16, bag_orders=())
    assert len(Contexts(config, tensors_of(config), strings)) == 3


@every_way_to_number
@pytest.mark.parametrize("orders", [(1,), (2,), (1, 2, 5)])
@given(texts=TEXTS, seen=TEXTS)
def test_a_bag_adds_the_scaled_sum_of_the_rows_of_known_ngrams(few_codes, orders, texts, seen):
    codes = inventory([np.array(ids)[:, None] for ids in seen], orders, 1)
    config = ModelConfig(cell="none", embedding_size=3, ngram_orders=(), bag_orders=orders, bag_scale=2.0)
    tensors = {**tensors_of(config, bag=len(codes)), "bag.codes": codes}
    table = dict(zip(codes.tolist(), tensors["bag.weight"], strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookups, "FEW_CODES", few_codes)
        found = Bag(config, tensors, EncodedStrings.gather([np.array(ids) for ids in texts])).logits()
    for ids, logits in zip(texts, found, strict=True):
        ngrams, total = ngrams_of(ids, orders), np.zeros(LABELS)
        for code in ngrams:
            total += table.get(code, 0.0)
        np.testing.assert_allclose(logits, 2.0 * total / max(len(ngrams), 1) ** 0.5, rtol=1e-5, atol=1e-5)


def ngrams_of(ids: list[int], orders: tuple[int, ...]) -> list[int]:
    """The code of every n-gram of one string, as often as it occurs."""
    return [int(code) for bag in bag_codes(add_edges(np.array(ids)[:, None]), orders) for code in bag[:, 0]]


@pytest.mark.parametrize("largest", [1, 12, 40, 10**9])
@given(texts=TEXTS)
def test_bags_that_are_scored_in_parts_are_those_of_all(largest, texts):
    codes = inventory([np.array(ids)[:, None] for ids in texts[::2]], (1, 2), 1)
    config = ModelConfig(cell="none", embedding_size=3, ngram_orders=(), bag_orders=(1, 2))
    tensors = {**tensors_of(config, bag=len(codes)), "bag.codes": codes}
    strings, sizes = EncodedStrings.gather([np.array(ids) for ids in texts]), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookups, "LARGEST_ARRAY", largest * LABELS)
        patch.setattr(lookups, "Bag", lambda *a: sizes.append(len(a[2].ids) + len(a[2])) or Bag(*a))
        found = score_bags(config, tensors, strings)
    np.testing.assert_allclose(found, Bag(config, tensors, strings).logits(), rtol=1e-6, atol=1e-6)
    assert max(sizes) <= max(largest + 6, 7)  # the last string of a part can begin in it


def test_symbols_that_do_not_occur_have_no_context():
    config = ModelConfig(cell="none", embedding_size=3, ngram_orders=(), bag_orders=())
    contexts = Contexts(config, tensors_of(config), EncodedStrings.gather([np.array([1, 4, 1])]))
    assert (len(contexts), contexts.size) == (2, 3)


@pytest.mark.parametrize(("size", "hidden"), [(0, 0), (2, 0), (2, 3)])
@pytest.mark.parametrize("separator", [None, 1])
@given(texts=TEXTS, seen=TEXTS)
def test_bags_with_words_a_head_and_hidden_units_are_those_of_the_reference(size, hidden, separator, texts, seen):
    codes = inventory([np.array(ids)[:, None] for ids in seen], (1, 2, 3), 1, separator=separator)
    config = ModelConfig(
        cell="none", embedding_size=3, ngram_orders=(), bag_orders=(1, 2, 3),
        bag_size=size, bag_hidden=hidden, separator=separator,
    )  # fmt: skip
    tensors = {**tensors_of(config, bag=len(codes)), "bag.codes": codes}
    sequences = [np.array(ids) for ids in texts]
    found = score_bags(config, tensors, EncodedStrings.gather(sequences))
    without = replace(config, bag_orders=(), bag_size=0, bag_hidden=0, separator=None)
    expected = ReferenceScorer(config, tensors).logits(sequences) - ReferenceScorer(without, tensors).logits(sequences)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@given(texts=TEXTS)
def test_a_table_of_words_adds_what_it_does_in_the_reference(texts):
    shape = {"cell": "none", "embedding_size": 3, "ngram_orders": (), "bag_orders": (), "separator": 1}
    config = ModelConfig(**shape, word_buckets=5, word_size=2)
    tensors, sequences = tensors_of(config), [np.array(ids) for ids in texts]
    found = score_wholes(config, tensors, EncodedStrings.gather(sequences))
    others = {name: tensor for name, tensor in tensors.items() if not name.startswith("words")}
    without = ReferenceScorer(ModelConfig(**shape), others).logits(sequences)
    np.testing.assert_allclose(
        found, ReferenceScorer(config, tensors).logits(sequences) - without, rtol=1e-4, atol=1e-4
    )
