"""What an ONNX file says of itself: free dimensions, and metadata from which other programs can prepare ids."""

import json
from dataclasses import replace

import numpy as np
import pytest

from elman.errors import MissingExtraError, SettingError
from elman.export.content import METADATA_KEY, describe_artifact, dump_graph

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'elman[onnx]'")
PLAIN = {"ngram_orders": (), "bag_orders": ()}


def read(artifact):
    return onnx.load_from_string(dump_graph(artifact))


def shapes(values):
    return {one.name: [size.dim_param or size.dim_value for size in one.type.tensor_type.shape.dim] for one in values}


def nodes(model, operator):
    return [
        {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        for node in model.graph.node
        if node.op_type == operator
    ]


@pytest.mark.parametrize(
    ("kind", "changes", "inputs", "outputs"),
    [
        ("label", {}, {"ids": ["batch", "length"]}, {"logits": ["batch", 3], "probabilities": ["batch", 3]}),
        (
            "tags",
            {"readout": "each", **PLAIN},
            {"ids": ["batch", "length"]},
            {"logits": ["batch", "length", 3], "probabilities": ["batch", "length", 3]},
        ),
        ("number", {"labels": 1}, {"ids": ["batch", "length"]}, {"value": ["batch"]}),
        (
            "images",
            {"input_size": 4, **PLAIN},
            {"pixels": ["batch", 6, 4]},
            {"logits": ["batch", 3], "probabilities": ["batch", 3]},
        ),
        ("features", {"labels": 1, "input_size": 3, **PLAIN}, {"features": ["batch", 3]}, {"value": ["batch"]}),
    ],
)
def test_batch_and_length_are_free(build, kind, changes, inputs, outputs):
    graph = read(build(kind, **changes)).graph
    assert (shapes(graph.input), shapes(graph.output)) == (inputs, outputs)


def test_metadata_are_one_document_of_plain_values(build):
    artifact = build()
    (entry,) = read(artifact).metadata_props
    assert (entry.key, json.loads(entry.value)) == (METADATA_KEY, describe_artifact(artifact))
    values = json.loads(entry.value)
    assert values["labels"] == ["A", "B", "C"] and values["vocabulary"] == list("'abcdeñ")
    assert values["normalisation"] == {"lower_case": True, "transliterate": True, "accents": True}
    assert (values["format_version"], values["temperature"], values["evidence"]) == (1, 1.3, "letters")
    assert values["digest"] == artifact.digest


def test_a_gru_applies_its_reset_gate_after_the_product_and_has_first_states(build):
    model = read(build(cell="gru", **PLAIN))
    (attributes,) = nodes(model, "GRU")
    assert attributes["linear_before_reset"] == 1
    (node,) = (node for node in model.graph.node if node.op_type == "GRU")
    assert len(node.input) == 6 and all(node.input)  # X, W, R, B, lengths and the first states


def test_weights_that_16_bits_hold_are_written_in_16_bits(build):
    artifact = build(**PLAIN)
    halves = {name: tensor.astype(np.float16).astype(np.float32) for name, tensor in artifact.tensors.items()}
    assert len(dump_graph(replace(artifact, tensors=halves))) < len(dump_graph(artifact))


def test_a_part_without_operators_is_refused_by_its_name(build):
    artifact = build()
    object.__setattr__(artifact, "tensors", {**artifact.tensors, "bag.factors": np.zeros(2, np.float32)})
    with pytest.raises(SettingError, match="no operators are known for bag.factors"):
        dump_graph(artifact)


def test_weights_beyond_one_file_are_refused(build, monkeypatch):
    monkeypatch.setattr("elman.export.graph.LARGEST_FILE", 1000)
    with pytest.raises(SettingError, match="holds less than 2 GiB"):
        dump_graph(build())


def test_a_missing_package_is_named(build, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(
        MissingExtraError, match=r"exporting to ONNX needs the package onnx: pip install 'elman\[onnx\]'"
    ):
        dump_graph(build())
