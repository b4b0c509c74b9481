"""Packing: the weights of a network in the order in which the kernel reads them; kernel.h describes the layouts."""

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig
from elman.model.tensors import EMBEDDING, HEAD_BIAS, HEAD_WEIGHT, NGRAMS, count_symbols, name_layer
from elman.scoring.kernel.library import Layer, Library, Matrix, Model
from elman.scoring.probabilities import allow_overflow
from elman.scoring.reference import count_answers

Array = NDArray[np.float32]

LARGEST_TABLES = 2**26
"""How many numbers the tables of all directions can have. Without tables, a step multiplies what it reads."""

_SIGMOID, _TANH = -np.log2(np.e), 2 * np.log2(np.e)
"""Scales with which σ(x) = 1 / (1 + 2^x) and tanh(x) = 1 − 2 / (1 + 2^x)."""

_SCALES = {
    "gru": (_SIGMOID, _SIGMOID, _TANH),
    "lstm": (_SIGMOID, _SIGMOID, _TANH, _SIGMOID),
    "tanh": (_TANH,),
    "sigmoid": (_SIGMOID,),
    "relu": (1.0,),
    "none": (1.0,),
}
_CELLS = {"elman": 0, "rnn": 0, "gru": 1, "lstm": 2}
_ACTIVATIONS = {"tanh": 0, "relu": 1, "sigmoid": 2, "none": 3}

WIDE = 3
"""How many blocks of labels the head multiplies together, if there are more than two of them."""


class PackedModel:
    """A network as the kernel reads it.

    Args:
        config: the shape of a network for which `elman.scoring.reference.can_share` is true.
        tensors: its weights by name.
        library: the kernel.
        routines: the name of its instruction set.

    Attributes:
        model: the structure that the kernel gets. It points to arrays that this object keeps.
    """

    def __init__(
        self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], library: Library, routines: str
    ) -> None:
        self.config, self.tensors = config, tensors
        self._routines, self._kept = library.routines[routines].contents, list[Any]()
        self.lanes = int(self._routines.lanes)
        self.model = Model(
            routines=ctypes.cast(library.routines[routines], ctypes.c_void_p),
            buckets=config.ngram_buckets,
            cell=_CELLS[config.cell],
            activation=_ACTIVATIONS[config.activation],
            hidden_size=config.hidden_size,
            embedding_size=config.embedding_size,
            layer_count=config.layers,
            directions=config.directions,
            symbols=count_symbols(tensors),
            answers=count_answers(config, tensors),
            order_count=len(config.ngram_orders),
        )
        self.model.orders[: len(config.ngram_orders)] = config.ngram_orders
        with allow_overflow():
            layers = [
                self._pack_layer(layer, direction)
                for direction in range(config.directions)
                for layer in range(config.layers)
            ]
            self._layers = self._keep((Layer * len(layers))(*layers))
            if config.head != "none":
                self.model.head = self._pack_head()
        self.model.layers = self._layers
        if config.embedding_size:
            self.model.embedding = self._address(tensors[EMBEDDING])
            self.model.ngrams = self._address(tensors[NGRAMS]) if config.ngram_orders else None
        else:
            self.add_tables()  # one-hot rows have no other form

    @property
    def has_tables(self) -> bool:
        """Whether a step adds rows of tables, rather than to multiply what it reads."""
        return bool(self.model.symbol_rows[0])

    @property
    def can_have_tables(self) -> bool:
        """Whether the tables are small enough."""
        rows = self.model.symbols + (self.config.ngram_buckets if self.config.ngram_orders else 0)
        return bool(rows * self._width * self.config.directions <= LARGEST_TABLES)

    @property
    def _width(self) -> int:
        """How many numbers the row of a table has."""
        recurrent = self._layers[0].recurrent
        return int(recurrent.blocks * recurrent.gates * self.lanes)

    def add_tables(self) -> None:
        """Multiply all symbols and buckets with the input weights of the first layer, once."""
        config, tensors = self.config, self.tensors
        symbols = tensors[EMBEDDING] if config.embedding_size else np.eye(self.model.symbols, dtype=np.float32)
        ngrams, symbol_rows = [], []
        for direction in range(config.directions):
            layer = self._layers[direction * config.layers]
            symbol_rows.append(self._multiply(layer.input, symbols))
            if config.ngram_orders:
                without_bias = Matrix.from_buffer_copy(layer.input)
                without_bias.bias = self._address(np.zeros(self._width, np.float32))
                ngrams.append(self._multiply(without_bias, tensors[NGRAMS]))
        self.model.ngram_rows[: len(ngrams)] = [self._address(rows) for rows in ngrams]
        self.model.symbol_rows[: len(symbol_rows)] = [self._address(rows) for rows in symbol_rows]

    def _multiply(self, matrix: Matrix, rows: Array) -> Array:
        """Return rows · weights + bias, (n, blocks · gates · lanes)."""
        rows = np.ascontiguousarray(rows, np.float32)
        out = np.empty((len(rows), matrix.blocks * matrix.gates * self.lanes), np.float32)
        self._routines.multiply(ctypes.byref(matrix), rows.ctypes.data, rows.shape[1], len(rows), out.ctypes.data)
        return out

    def _pack_layer(self, layer: int, direction: int) -> Layer:
        config = self.config
        scales = np.array(_SCALES[config.cell if config.cell in _SCALES else config.activation], np.float32)
        weight_ih, weight_hh, bias_ih, bias_hh = (
            self.tensors[name].reshape(len(scales), config.hidden_size, -1) * scales[:, None, None]
            for name in name_layer(layer, direction)
        )
        recurrent_bias = np.zeros_like(bias_hh)
        if config.cell == "gru":  # r ⊙ (W h + b): the bias of the candidate is on the recurrent side
            recurrent_bias[2] = bias_hh[2]
            bias_hh[2] = 0
        return Layer(self._pack(weight_hh, recurrent_bias), self._pack(weight_ih, bias_ih + bias_hh))

    def _pack_head(self) -> Matrix:
        """Return the head, whose labels are cut into blocks of one or three vectors.

        It reads the final states of all directions, each of which is filled up to whole vectors.
        """
        size, directions, answers = self.config.hidden_size, self.config.directions, self.model.answers
        gates = WIDE if answers > 2 * self.lanes else 1
        block = gates * self.lanes
        weight = np.zeros((-(-answers // block) * block, directions, -(-size // self.lanes) * self.lanes), np.float32)
        weight[:answers, :, :size] = self.tensors[HEAD_WEIGHT].reshape(answers, directions, size)
        bias = np.zeros((len(weight), 1), np.float32)
        bias[:answers, 0] = self.tensors[HEAD_BIAS]

        def by_gate(numbers: Array) -> Array:  # so that the labels are in their order in memory
            blocks = numbers.reshape(len(weight) // block, gates, self.lanes, -1)
            return blocks.transpose(1, 0, 2, 3).reshape(gates, len(weight) // gates, -1)

        return self._pack(by_gate(weight), by_gate(bias))

    def _pack(self, weights: Array, bias: Array) -> Matrix:
        """Return a matrix as the kernel reads it.

        Args:
            weights: (gates, columns, inner).
            bias: (gates, columns, 1).
        """
        gates, columns, inner = weights.shape
        blocks = -(-columns // self.lanes)
        both = np.zeros((gates, blocks * self.lanes, inner + 1), np.float32)
        both[:, :columns, :inner], both[:, :columns, inner:] = weights, bias
        packed = both.reshape(gates, blocks, self.lanes, inner + 1).transpose(1, 3, 0, 2)
        return Matrix(self._address(packed[:, :inner]), self._address(packed[:, inner]), gates, inner, blocks)

    def _address(self, array: Array) -> int:
        """Return the address of an array that is contiguous, and is kept."""
        kept = self._keep(np.ascontiguousarray(array, np.float32))
        address: int = kept.ctypes.data
        return address

    def _keep(self, value: Any) -> Any:
        self._kept.append(value)
        return value
