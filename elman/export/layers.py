"""Recurrent layers in a graph: ONNX's own RNN, GRU and LSTM, with their order of gates and explicit first states."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.export.graph import Graph, Value
from elman.model.config import ModelConfig
from elman.model.tensors import LayerNames, name_layer

OPERATORS = {"elman": "RNN", "rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}

GATES = {
    "RNN": (0,),
    "GRU": (1, 0, 2),  # ONNX: update, reset, hidden; torch and Elman: reset, update, candidate
    "LSTM": (0, 3, 1, 2),  # ONNX: input, output, forget, cell; torch and Elman: input, forget, candidate, output
}
"""The position of each of ONNX's gates in Elman's order."""

ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid", "none": "Affine"}


def add_layer(
    graph: Graph, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], layer: int, inputs: Value, lengths: Value
) -> tuple[Value, Value]:
    """Run one layer, in all its directions.

    Args:
        graph: receives the operators.
        config: the shape of the network.
        tensors: its weights by name.
        layer: from 0.
        inputs: (T, B, I), float32.
        lengths: how many steps each sequence has, (B,), int32.

    Returns:
        The outputs, (T, B, D · H), and the final state of each direction side by side, (B, D · H).
    """
    operator, directions = OPERATORS[config.cell], [name_layer(layer, d) for d in range(config.directions)]
    first = graph.fill(0.0, "float32", config.directions, graph.size(inputs, 1), config.hidden_size)
    states = [first, first] if operator == "LSTM" else [first]
    outputs, final = graph.add_many(
        operator,
        inputs,
        *_add_weights(graph, tensors, directions, operator, layer),
        lengths,
        *states,
        results=2,
        hidden_size=config.hidden_size,
        direction="bidirectional" if config.directions == 2 else "forward",
        **_choose_formulas(config, operator),
    )
    outputs = graph.add("Transpose", outputs, perm=(0, 2, 1, 3))  # (T, D, B, H) → (T, B, D, H)
    final = graph.add("Transpose", final, perm=(1, 0, 2))  # (D, B, H) → (B, D, H)
    width = config.directions * config.hidden_size
    return (
        graph.add("Reshape", outputs, graph.add_constant([0, 0, width])),
        graph.add("Reshape", final, graph.add_constant([0, width])),
    )


def _add_weights(
    graph: Graph, tensors: Mapping[str, NDArray[Any]], directions: list[LayerNames], operator: str, layer: int
) -> list[Value]:
    """Add W (D, gates · H, I), R (D, gates · H, H) and B (D, 2 · gates · H) of one layer."""
    weight_ih, weight_hh, bias_ih, bias_hh = (
        np.stack([_order_gates(tensors[name], operator) for name in names]) for names in zip(*directions, strict=True)
    )
    graph.weights |= {name for names in directions for name in names}
    return [
        graph.add_weight(f"cells.input_{layer}", weight_ih),
        graph.add_weight(f"cells.hidden_{layer}", weight_hh),
        graph.add_weight(f"cells.bias_{layer}", np.concatenate([bias_ih, bias_hh], axis=1)),
    ]


def _order_gates(weights: NDArray[Any], operator: str) -> NDArray[Any]:
    """Return weights of all gates, (gates · H, …), in ONNX's order."""
    gates = np.split(weights, len(GATES[operator]))
    return np.concatenate([gates[place] for place in GATES[operator]])


def _choose_formulas(config: ModelConfig, operator: str) -> dict[str, Any]:
    """Return the attributes that say which of ONNX's formulas a cell has."""
    if operator == "GRU":
        return {"linear_before_reset": 1}  # r ⊙ (W_hn h + b_hn), as torch has it
    if operator == "RNN":
        formulas: dict[str, Any] = {"activations": [ACTIVATIONS[config.activation]] * config.directions}
        if config.activation == "none":  # 1 · x + 0
            formulas |= {"activation_alpha": [1.0] * config.directions, "activation_beta": [0.0] * config.directions}
        return formulas
    return {}
