"""Packing: the weights of a network in the order in which the kernel reads them; kernel.h describes the layouts."""

import ctypes
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig
from elman.model.packing import divide_rows, find_rows, shape_of
from elman.model.tensors import (
    BAG_CODES,
    BAG_HEAD,
    BAG_HIDDEN_BIAS,
    BAG_HIDDEN_WEIGHT,
    BAG_OUTPUT,
    BAG_WEIGHT,
    EMBEDDING,
    HEAD_BIAS,
    HEAD_WEIGHT,
    NGRAMS,
    WORDS,
    WORDS_HEAD,
    count_symbols,
    name_layer,
)
from elman.scoring.kernel.library import Layer, Library, Matrix, Model, Table, Wholes
from elman.scoring.probabilities import allow_overflow
from elman.scoring.reference import can_share, count_answers, count_parts

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

SLOT_BYTES = 16
"""The size of ``elman_slot``."""

LARGEST_IDENTITY = 2048
"""The most states that are answers themselves, in a network without a head: the kernel has a head of ones for them."""

SHORT_ONE = 8192
"""As in kernel.h: 1 in 16 bits."""

LARGEST_SHORT, TINY = 2**15 - 1, 1e-30

WIDE_ONE, CHUNK, LARGEST_WIDE = 16384, 32, 1024
"""As in kernel.h: the largest number of a chunk in 16 bits, the numbers of a chunk, and the most numbers of a row."""

LARGEST_WEIGHT = 2.0**30
"""Weights in 16 bits are used if all weights of the cells are smaller: then no product of floats is infinite."""

WIDE = 2
"""How many vectors of labels the head multiplies together, if there are more labels than one vector has."""


def allocate(size: int) -> NDArray[np.uint8]:
    """Return memory of so many bytes that begins at a multiple of 64, as vectors like it."""
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]


def can_pack(config: ModelConfig) -> bool:
    """Return whether the kernel reads a model: sharing is exact for it, and its states are few if it has no head."""
    return can_share(config) and (config.head != "none" or config.directions * config.hidden_size <= LARGEST_IDENTITY)


class PackedModel:
    """A network as the kernel reads it.

    Args:
        config: the shape of a network for which `can_pack` is true.
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
        self._library = library
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
            self.model.wholes = self._pack_wholes()
            self.model.head = self._pack_head()
        self.model.layers = self._layers
        self._large: Model | None = None
        if config.embedding_size:
            self.model.embedding = self._address(tensors[EMBEDDING])
            if config.ngram_orders:
                self.model.ngrams = self._pack_table(NGRAMS)
        else:
            self.model = self._add_tables()  # one-hot rows have no other form

    @property
    def large(self) -> Model:
        """The model for many strings: a step adds rows of tables. It is made when it is first needed.

        It is the model itself if the tables would be too large.
        """
        if self._large is None:
            with allow_overflow():
                self._large = self._add_tables() if self.can_have_tables else self.model
        return self._large

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

    def _add_tables(self) -> Model:
        """Return the model with all symbols and buckets multiplied with the input weights of the first layer."""
        model = Model.from_buffer_copy(self.model)
        config, tensors = self.config, self.tensors
        ngrams, symbol_rows = [], []
        for direction in range(config.directions):
            layer = self._layers[direction * config.layers]
            if config.embedding_size:
                symbol_rows.append(self._multiply(layer.input, tensors[EMBEDDING]))
            else:
                symbol_rows.append(self._arrange_one_hot(direction))
            if config.ngram_orders:
                without_bias = Matrix.from_buffer_copy(layer.input)
                without_bias.bias = self._address(np.zeros(self._width, np.float32))
                ngrams.append(self._multiply(without_bias, tensors[NGRAMS]))
        self._add_bytes(model.wholes)
        if self._has_shorts:
            for direction, rows in enumerate(symbol_rows):
                self._set_shorts(model, direction, rows, ngrams[direction] if ngrams else None)
        else:
            model.ngram_rows[: len(ngrams)] = [self._address(rows) for rows in ngrams]
            model.symbol_rows[: len(symbol_rows)] = [self._address(rows) for rows in symbol_rows]
        return model

    def _set_shorts(self, model: Model, direction: int, symbol_rows: Array, ngrams: Array | None) -> None:
        """Keep the tables of a direction in 16 bits, with one scale for each column of both: memory is their limit."""
        tables = [symbol_rows] if ngrams is None else [symbol_rows, ngrams]
        # The sum of two rows of n-grams must fit into 16 bits too, when they are rounded.
        largest = np.max([(2 if table is ngrams else 1) * np.abs(table).max(axis=0) for table in tables], axis=0)
        scales = np.maximum(largest, TINY) / (LARGEST_SHORT - 1)
        shorts = [self._keep_shorts(np.rint(table / scales)) for table in tables]
        model.short_scales[direction] = self._address(scales)
        model.symbol_shorts[direction] = shorts[0]
        if ngrams is not None:
            model.ngram_shorts[direction] = shorts[1]

    def _multiply(self, matrix: Matrix, rows: Array) -> Array:
        """Return rows · weights + bias, (n, blocks · gates · lanes)."""
        rows = np.ascontiguousarray(rows, np.float32)
        width = matrix.blocks * matrix.gates * self.lanes
        out = allocate(4 * len(rows) * width).view(np.float32).reshape(len(rows), width)
        self._routines.multiply(ctypes.byref(matrix), rows.ctypes.data, rows.shape[1], len(rows), out.ctypes.data)
        return out

    def _arrange_one_hot(self, direction: int) -> Array:
        """Return the rows of symbols that are read as one-hot rows, as `_multiply` lays them out, (V, width).

        Their product with the weights is the weights themselves, so no square matrix of all symbols is made.
        """
        weight_ih, _, bias, _ = self._scale_layer(0, direction)
        rows = np.moveaxis(weight_ih + bias, 2, 0)  # (V, gates, H)
        padded = np.pad(rows, ((0, 0), (0, 0), (0, -rows.shape[2] % self.lanes)))
        blocks = padded.reshape(len(rows), rows.shape[1], -1, self.lanes)
        arranged: Array = np.ascontiguousarray(np.swapaxes(blocks, 1, 2)).reshape(len(rows), -1)
        return arranged

    def _scale_layer(self, layer: int, direction: int) -> tuple[Array, Array, Array, Array]:
        """Return the weights of the input and of the state, (gates, H, numbers), and the biases, (gates, H, 1)."""
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
        return weight_ih, weight_hh, bias_ih + bias_hh, recurrent_bias

    def _pack_layer(self, layer: int, direction: int) -> Layer:
        weight_ih, weight_hh, bias, recurrent_bias = self._scale_layer(layer, direction)
        recurrent = self._pack(weight_hh, recurrent_bias)
        if self._has_shorts:
            recurrent = self._add_shorts(recurrent, weight_hh, chunk=weight_hh.shape[2], one=SHORT_ONE)
        return Layer(recurrent, self._pack(weight_ih, bias))

    @cached_property
    def _has_shorts(self) -> bool:
        """Whether states, recurrent weights and tables are in 16 bits.

        All states must be between −1 and 1, and no weight so large that a state could be infinite or NaN.
        """
        config = self.config
        if self._routines.bits != 16:
            return False
        if config.cell in ("elman", "rnn") and config.activation not in ("tanh", "sigmoid"):
            return False
        directions = range(config.directions)
        read = [name for d in directions for layer in range(config.layers) for name in name_layer(layer, d)]
        read += [name for name in (EMBEDDING, NGRAMS) if name in self.tensors]
        return all(_is_small(self.tensors[name]) for name in read)

    def _pack_wholes(self) -> Wholes:
        """Return the bag and the table of words."""
        config, tensors = self.config, self.tensors
        wholes = Wholes(parts=1, separator=-1 if config.separator is None else config.separator)
        if config.bag_orders:
            codes = tensors[BAG_CODES]
            mask = 2 ** max(4, int(2 * len(codes)).bit_length()) - 1  # between two and four slots for each code
            slots = self._keep(np.empty((mask + 1) * SLOT_BYTES, np.uint8))
            codes = np.ascontiguousarray(codes, np.int64)
            self._library.index(codes.ctypes.data, len(codes), slots.ctypes.data, mask)
            wholes.slots, wholes.mask = slots.ctypes.data, mask
            wholes.size, wholes.parts = shape_of(tensors, BAG_WEIGHT)[1], count_parts(tensors)
            wholes.scale = config.bag_scale
            if (stored := find_rows(tensors, BAG_WEIGHT)) is not None:
                self._set_bytes(wholes, *stored)
            else:
                wholes.rows = self._address(tensors[BAG_WEIGHT])
            wholes.adds_logits = not config.bag_size
            wholes.order_count = len(config.bag_orders)
            wholes.orders[: len(config.bag_orders)] = config.bag_orders
            if config.bag_size and config.bag_hidden:
                weight = tensors[BAG_HIDDEN_WEIGHT].reshape(-1, wholes.parts, wholes.size)
                wholes.hidden = self._pack_rows([weight], tensors[BAG_HIDDEN_BIAS])
        if config.reads_words:
            wholes.words, wholes.word_buckets = self._pack_table(WORDS), shape_of(tensors, WORDS)[0]
        return wholes

    def _pack_head(self) -> Matrix:
        """Return the head, which reads the features of a string; kernel.h lists them."""
        config, tensors, answers = self.config, self.tensors, self.model.answers
        states = config.directions * config.hidden_size
        weight = np.eye(states, dtype=np.float32) if config.head == "none" else tensors[HEAD_WEIGHT]
        features = [weight.reshape(answers, config.directions, config.hidden_size)]
        if config.bag_orders and config.bag_size:
            features.append(tensors[BAG_HEAD][:, None])
            if config.bag_hidden:
                output = tensors[BAG_OUTPUT]
                columns = self._count_columns(self.model.wholes.hidden)
                features.append(np.pad(output, ((0, 0), (0, columns - output.shape[1])))[:, None])
        if config.reads_words:
            features.append(tensors[WORDS_HEAD][:, None])
        return self._pack_rows(features, tensors[HEAD_BIAS] if config.head != "none" else np.zeros(answers, np.float32))

    def _pack_table(self, name: str) -> Table:
        """Return a table of rows, in 8 bits if the file has them so."""
        if (stored := find_rows(self.tensors, name)) is None:
            return Table(self._address(self.tensors[name]), None, None, self.tensors[name].shape[1])
        rows, scales = self._keep(np.ascontiguousarray(stored[0])), self._address(stored[1])
        return Table(None, rows.ctypes.data, scales, rows.shape[1])

    def _add_bytes(self, wholes: Wholes) -> None:
        """Keep the rows of the bag in 8 bits too, if that loses nothing: they take less time to read."""
        if wholes.size and not wholes.bytes and (rows := divide_rows(self.tensors[BAG_WEIGHT])) is not None:
            self._set_bytes(wholes, *rows)

    def _set_bytes(self, wholes: Wholes, rows: NDArray[np.int8], scales: Array) -> None:
        """Keep rows of the bag in 8 bits, each filled up to whole vectors."""
        more = self._fill_up(rows.shape[1]) - rows.shape[1]
        filled = np.pad(rows, ((0, 0), (0, more))) if more else np.ascontiguousarray(rows)
        wholes.bytes, wholes.scales = self._keep(filled).ctypes.data, self._address(scales)

    def _count_columns(self, matrix: Matrix) -> int:
        return int(matrix.blocks * matrix.gates * self.lanes)

    def _fill_up(self, count: int) -> int:
        return -(-count // self.lanes) * self.lanes

    def _pack_rows(self, features: Sequence[Array], bias: Array) -> Matrix:
        """Return a matrix without gates: its answers are cut into blocks of one or two vectors.

        Args:
            features: what it reads, each (answers, parts, size); each part is filled up to whole vectors.
            bias: (answers,).
        """
        answers = len(bias)
        gates = WIDE if answers > self.lanes else 1
        block = gates * self.lanes
        rows = -(-answers // block) * block
        filled = [
            np.pad(one, ((0, rows - answers), (0, 0), (0, self._fill_up(one.shape[2]) - one.shape[2])))
            for one in features
        ]
        weight = np.concatenate([one.reshape(rows, -1) for one in filled], axis=1)

        def by_gate(numbers: Array) -> Array:  # so that the answers are in their order in memory
            blocks = numbers.reshape(rows // block, gates, self.lanes, -1)
            return blocks.transpose(1, 0, 2, 3).reshape(gates, rows // gates, -1)

        weights = by_gate(weight)
        matrix = self._pack(weights, by_gate(np.pad(bias, (0, rows - answers))[:, None]))
        if self._has_shorts and gates == WIDE and matrix.inner <= LARGEST_WIDE and _is_small(weight):
            return self._add_shorts(matrix, weights, chunk=CHUNK, one=WIDE_ONE)
        return matrix

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
        kept = allocate(4 * blocks * inner * gates * self.lanes).view(np.float32)
        kept.reshape(blocks, inner, gates, self.lanes)[...] = packed[:, :inner]
        return Matrix(self._address(kept), self._address(packed[:, inner]), None, None, gates, inner, blocks)

    def _add_shorts(self, matrix: Matrix, weights: Array, *, chunk: int, one: int) -> Matrix:
        """Return a matrix with its weights in 16 bits too.

        Args:
            matrix: packed.
            weights: as in `_pack`.
            chunk: how many products are summed in 32 bits.
            one: the largest number of a row, in 16 bits.
        """
        gates, columns, inner = weights.shape
        count = -(-inner // chunk)
        filled = np.zeros((gates, matrix.blocks * self.lanes, count * (chunk + chunk % 2)), np.float64)
        filled[:, :columns, :inner] = weights
        chunks = filled.reshape(gates, matrix.blocks, self.lanes, count, -1)
        largest, sums = np.abs(chunks).max(axis=4, keepdims=True), np.abs(chunks).sum(axis=4, keepdims=True)
        # A weight must fit into 16 bits, and the largest sum, of rounded weights, into 32.
        most = (2**31 - 1) // one - chunk
        limits = np.minimum(LARGEST_SHORT / np.maximum(largest, TINY), most / np.maximum(sums, TINY))
        shorts = np.rint(chunks * limits).reshape(filled.shape)[:, :, : inner + inner % 2]
        pairs = shorts.reshape(gates, matrix.blocks, self.lanes, -1, 2).transpose(1, 3, 0, 2, 4)
        matrix.shorts = self._keep_shorts(pairs)
        matrix.scales = self._address((1 / (limits[..., 0] * one)).transpose(1, 3, 0, 2))
        return matrix

    def _keep_shorts(self, numbers: NDArray[Any]) -> int:
        """Return the address of whole numbers in 16 bits, which begin at a multiple of 64."""
        kept = self._keep(allocate(2 * numbers.size).view(np.int16))
        kept.reshape(numbers.shape)[...] = numbers
        address: int = kept.ctypes.data
        return address

    def _address(self, array: Array) -> int:
        """Return the address of an array that is contiguous, and is kept."""
        kept = self._keep(np.ascontiguousarray(array, np.float32))
        address: int = kept.ctypes.data
        return address

    def _keep(self, value: Any) -> Any:
        self._kept.append(value)
        return value


def _is_small(weights: NDArray[Any]) -> bool:
    """Return whether no weight is so large that a product of some of them could be infinite, or is NaN."""
    return bool((np.abs(weights) < LARGEST_WEIGHT).all())
