"""The content of an ONNX file: a graph from symbol ids, or numbers, to calibrated probabilities, and its description.

The graph holds everything after the ids, the temperature included. What comes before, from a string to its ids, is
described in the metadata: vocabulary, normalisation and evidence. The key ``elman`` holds one JSON document.
"""

import json
from dataclasses import asdict
from typing import Any

from elman.errors import SettingError
from elman.export.graph import Graph, Value
from elman.export.network import add_network
from elman.model.file import Artifact
from elman.text.normalisation import LONGEST

FORMAT_VERSION = 1
"""The version of the inputs, outputs and metadata."""

METADATA_KEY = "elman"


def dump_graph(artifact: Artifact) -> bytes:
    """Return a model as the content of an ONNX file.

    Inputs, by what the model reads:

    - strings: ``ids``, (batch, length), int64: the ids of the symbols, −1 after the end of a shorter string;
    - images: ``pixels``, (batch, rows, columns), float32, from 0 (paper) to 1 (ink);
    - features: ``features``, (batch, columns), float32.

    Outputs, by what it answers with, all float32:

    - a label: ``logits`` and ``probabilities``, (batch, labels);
    - tags: the same for each symbol, (batch, length, labels);
    - a number: ``value``, (batch).

    Raises:
        MissingExtraError: the package onnx is not installed.
        SettingError: the model has a part that no operators are known for, or is too large for one file.
    """
    graph = Graph()
    values = _add_input(graph, artifact)
    logits = add_network(graph, artifact.config, artifact.tensors, values)
    if left := sorted(artifact.tensors.keys() - graph.weights):
        raise SettingError(f"this model cannot be exported to ONNX: no operators are known for {', '.join(left)}")
    _add_outputs(graph, artifact, logits)
    return graph.serialise(artifact.name, {METADATA_KEY: json.dumps(describe_artifact(artifact), sort_keys=True)})


def describe_artifact(artifact: Artifact) -> dict[str, Any]:
    """Return the metadata of an exported model: plain JSON values."""
    return {
        "format_version": FORMAT_VERSION,
        "name": artifact.name,
        "digest": artifact.digest,
        "reads": artifact.kind.reads,
        "answers": artifact.kind.answers,
        "labels": list(artifact.labels.names),
        "vocabulary": list(artifact.vocabulary.symbols),
        "normalisation": asdict(artifact.normalisation),
        "evidence": artifact.evidence or ("letters" if artifact.kind.answers == "label" else "all"),
        "longest": LONGEST,
        "temperature": artifact.temperature,
        "columns": list(artifact.columns),
        "picture": list(artifact.picture),
    }


def _add_input(graph: Graph, artifact: Artifact) -> Value:
    """Add the input, and return it with the steps first: (T, B) or (T, B, I)."""
    if artifact.kind.reads == "strings":
        return graph.add("Transpose", graph.add_input("ids", "int64", ("batch", "length")), perm=(1, 0))
    if artifact.kind.reads == "images":
        pixels = graph.add_input("pixels", "float32", ("batch", *artifact.picture))
        return graph.add("Transpose", pixels, perm=(1, 0, 2))
    features = graph.add_input("features", "float32", ("batch", len(artifact.columns)))
    return graph.add("Unsqueeze", features, graph.add_constant([0]))


def _add_outputs(graph: Graph, artifact: Artifact, logits: Value) -> None:
    """Add the outputs; logits are (B, C) or (T, B, C)."""
    labels = len(artifact.labels)
    if artifact.kind.answers == "number":
        graph.add_output("value", graph.add("Squeeze", logits, graph.add_constant([1])), ("batch",))
        return
    shape: tuple[str | int, ...] = ("batch", labels)
    if artifact.kind.answers == "tags":
        shape, logits = ("batch", "length", labels), graph.add("Transpose", logits, perm=(1, 0, 2))
    scaled = graph.add("Div", logits, graph.add_constant(artifact.temperature, "float32"))
    graph.add_output("logits", logits, shape)
    probabilities = graph.add("Softmax", scaled, axis=-1)
    if artifact.floor:
        kept, spread = (graph.add_constant(one, "float32") for one in (1 - artifact.floor, artifact.floor / labels))
        probabilities = graph.add("Add", graph.add("Mul", probabilities, kept), spread)
    graph.add_output("probabilities", probabilities, shape)
