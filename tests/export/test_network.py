"""The graph answers as Elman does: every kind of model, every cell, batches of any size, strings of any length."""

import numpy as np
import pytest

from elman.export.content import dump_graph
from elman.scoring.probabilities import softmax
from elman.scoring.reference import ReferenceScorer
from elman.text.ngrams import word_codes

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'elman[onnx]'")

TOLERANCE = 1e-5
PLAIN = {"ngram_orders": (), "bag_orders": ()}
LABELS = {
    "the default": {},
    "gru": {"cell": "gru", **PLAIN},
    "gru, one direction": {"cell": "gru", "directions": 1, **PLAIN},
    "gru, three layers": {"cell": "gru", "layers": 3, **PLAIN},
    "lstm": {"cell": "lstm", **PLAIN},
    "lstm, one direction": {"cell": "lstm", "directions": 1, **PLAIN},
    "lstm, two layers": {"cell": "lstm", "layers": 2},
    "elman": {"cell": "elman", **PLAIN},
    "rnn, two layers": {"cell": "rnn", "layers": 2},
    "elman, relu": {"cell": "elman", "activation": "relu", **PLAIN},
    "elman, sigmoid": {"cell": "elman", "activation": "sigmoid", "directions": 1},
    "elman, no activation": {"cell": "elman", "activation": "none", "layers": 2, **PLAIN},
    "no cell": {"cell": "none"},
    "one-hot": {"embedding_size": 0, **PLAIN},
    "one-hot and a bag": {"embedding_size": 0, "ngram_orders": (), "cell": "lstm"},
    "no head": {"head": "none", "directions": 1, "hidden_size": 3, **PLAIN},
    "no head and a bag": {"head": "none", "directions": 1, "hidden_size": 3},
    "concatenation": {"head": "concatenation", "directions": 1},
    "concatenation of one-hot rows": {"head": "concatenation", "directions": 1, "embedding_size": 0, **PLAIN},
    "n-grams of each step alone": {"bag_orders": ()},
    "a bag alone": {"cell": "none", "embedding_size": 0, "ngram_orders": ()},
    "long n-grams": {"ngram_orders": (2, 7), "bag_orders": (1, 3, 9)},
    "a bag without single symbols": {"bag_orders": (2, 5)},
    "a bag with a head": {"bag_size": 2},
    "a bag of words": {"separator": 1, "bag_orders": (1, 2)},
    "a bag of words with a head": {"separator": 2, "bag_size": 4, "ngram_orders": ()},
    "a bag with hidden units": {"bag_size": 4, "bag_hidden": 5},
    "a bag of words with hidden units": {"separator": 2, "bag_size": 4, "bag_hidden": 5, "ngram_orders": ()},
    "a table of words": {"separator": 1, "word_buckets": 7, "word_size": 3, "bag_orders": ()},
    "a table of words and a bag": {"separator": 1, "word_buckets": 7, "word_size": 3, "directions": 1},
    "an n-gram twice": {"bag_orders": (1, 1, 2)},
}
TAGS = {
    "gru": {"ngram_orders": (2, 3)},
    "lstm, two layers": {"cell": "lstm", "layers": 2, "ngram_orders": ()},
    "elman, concatenation": {"cell": "elman", "head": "concatenation", "directions": 1, "ngram_orders": ()},
    "no head": {"cell": "elman", "head": "none", "directions": 1, "hidden_size": 3, "embedding_size": 0, **PLAIN},
    "no cell": {"cell": "none", "ngram_orders": (2,)},
}
SHAPES = [(1, 1), (1, 6), (4, 2), (5, 13)]  # strings and symbols of each


def test_words_of_the_drawn_strings_are_in_the_bag(build):
    artifact = build(**LABELS["a bag of words"])
    ids = draw_ids(artifact, 5, 13)
    codes = np.concatenate(word_codes(ids.T, 1))
    known = np.isin(codes, artifact.tensors["bag.codes"]).sum(axis=1)
    assert known[:13].sum() > 5 and known[13:].sum() > 0  # words, and pairs of words


def draw_ids(artifact, strings, length):
    draw = np.random.default_rng(length)
    ids = draw.integers(0, len(artifact.vocabulary), (strings, length))
    if artifact.config.separator is not None:
        ids[draw.random(ids.shape) < 0.4] = artifact.config.separator
    return ids


def check(artifact, run_graph, batches):
    content = dump_graph(artifact)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    scorer = ReferenceScorer(artifact.config, artifact.tensors)
    for values in batches:
        found = run_graph(content, values)
        if artifact.kind.answers == "tags":
            logits = np.stack(scorer.logits_of_steps(list(values)))
        else:
            logits = scorer.logits(list(values[:, None] if artifact.kind.reads == "features" else values))
        if artifact.kind.answers == "number":
            np.testing.assert_allclose(found["value"], logits[:, 0], atol=TOLERANCE, rtol=0)
            continue
        np.testing.assert_allclose(found["logits"], logits, atol=TOLERANCE, rtol=0)
        chances = softmax(logits, artifact.temperature, artifact.floor)
        np.testing.assert_allclose(found["probabilities"], chances, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_those_of_elman_for_batches_of_any_shape(build, run_graph, name):
    artifact = build(**LABELS[name])
    check(artifact, run_graph, [draw_ids(artifact, *shape) for shape in SHAPES])


@pytest.mark.parametrize("name", TAGS)
def test_tags_are_those_of_elman_for_batches_of_any_shape(build, run_graph, name):
    artifact = build("tags", **{"readout": "each", "bag_orders": (), **TAGS[name]})
    check(artifact, run_graph, [draw_ids(artifact, *shape) for shape in SHAPES])


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm", "none"])
def test_numbers_are_those_of_elman(build, run_graph, cell):
    artifact = build("number", labels=1, cell=cell)
    check(artifact, run_graph, [draw_ids(artifact, *shape) for shape in SHAPES])


@pytest.mark.parametrize("changes", [{"cell": "gru"}, {"cell": "lstm", "layers": 2}, {"cell": "elman"}])
def test_images_are_read_as_elman_reads_them(build, run_graph, changes):
    artifact = build("images", input_size=4, **PLAIN, **changes)
    draw = np.random.default_rng(1)
    check(artifact, run_graph, [draw.random((size, 6, 4), np.float32) for size in (1, 7)])


@pytest.mark.parametrize("cell", ["none", "gru"])
def test_features_are_read_as_elman_reads_them(build, run_graph, cell):
    artifact = build("features", labels=1, input_size=3, cell=cell, **PLAIN)
    draw = np.random.default_rng(1)
    check(artifact, run_graph, [draw.random((size, 3), np.float32) for size in (1, 7)])


@pytest.mark.parametrize("name", LABELS)
def test_strings_of_several_lengths_share_a_batch(build, run_graph, name):
    artifact = build(**LABELS[name])
    content = dump_graph(artifact)
    strings = [draw_ids(artifact, 1, length)[0] for length in (3, 1, 9, 2, 9)]
    padded = np.full((5, 11), -1)
    for row, string in zip(padded, strings, strict=True):
        row[: len(string)] = string
    alone = np.concatenate([run_graph(content, string[None])["logits"] for string in strings])
    np.testing.assert_allclose(run_graph(content, padded)["logits"], alone, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", TAGS)
def test_tags_of_strings_of_several_lengths_share_a_batch(build, run_graph, name):
    artifact = build("tags", **{"readout": "each", "bag_orders": (), **TAGS[name]})
    content, (short,), (long,) = dump_graph(artifact), draw_ids(artifact, 1, 3), draw_ids(artifact, 1, 8)
    padded = np.stack([np.concatenate([short, np.full(5, -1)]), long])
    found = run_graph(content, padded)["logits"]
    np.testing.assert_allclose(found[0, :3], run_graph(content, short[None])["logits"][0], atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(found[1], run_graph(content, long[None])["logits"][0], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_a_network_of_torch_gets_the_same_logits(network, build, run_graph, cell):
    from dataclasses import replace

    import torch

    artifact = build(cell=cell, layers=2)
    model = network(artifact.config, symbols=len(artifact.vocabulary), labels=3).eval()
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    content = dump_graph(replace(artifact, tensors=tensors))
    for strings, length in SHAPES:
        ids = draw_ids(artifact, strings, length)
        with torch.inference_mode():
            expected = model(torch.from_numpy(ids.T.copy())).numpy()
        np.testing.assert_allclose(run_graph(content, ids)["logits"], expected, atol=3e-5, rtol=0)
