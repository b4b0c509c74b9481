"""Configuration: the shape of a network, as a plain record that checks itself.

It needs neither torch nor numpy, so that training and the torch-free runtime share it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from elman.checks import check_choice, check_number, check_share, check_whole
from elman.errors import SettingError
from elman.model.tensors import (
    BAG_CODES,
    BAG_HEAD,
    BAG_HIDDEN_BIAS,
    BAG_HIDDEN_WEIGHT,
    BAG_OUTPUT,
    BAG_WEIGHT,
    HEAD_BIAS,
    HEAD_WEIGHT,
    WORDS,
    WORDS_HEAD,
    Shape,
    StepInputs,
    name_layer,
)

CELLS = ("elman", "rnn", "gru", "lstm")
"""``rnn`` is torch.nn's name for the Elman network."""

NO_CELL = "none"
"""A network without recurrence: the readout reads the inputs themselves."""

ACTIVATIONS = ("tanh", "relu", "sigmoid", "none")
READOUTS = ("last", "each")
HEADS = ("output", "concatenation", "none")
LONGEST_NGRAM, MOST_ORDERS = 32, 32
"""The most symbols of an n-gram, and the most lengths of n-grams: each costs time and memory for each symbol read."""

LARGEST_SIZE, MOST_LAYERS = 8192, 64
"""The largest hidden state and embedding, and the most layers: a cell of that size has gigabytes of weights."""

LARGEST_BAG_SCALE = 1e6

PARTS = 3
"""The parts of a string that the hidden layer of a bag reads: its first word, the words between, and its last word."""

FIRST_STATES = ("zeros", "drawn")
INITIALISATIONS = ("orthogonal", "uniform", "refractory")

RATES = {"dropout": (0.5, 0.2), "input_dropout": (0.3, 0.1), "ngram_dropout": (0.5, 0.2), "bag_dropout": (0.3, 0.25)}
"""Shares that training drops where the config does not say, with `FEW` examples and with `MANY`."""

FEW, MANY = 20_000, 1_000_000
"""Examples of the training part; between the two, shares follow the logarithm of their number."""

GATES = {"elman": 1, "rnn": 1, "gru": 3, "lstm": 4, NO_CELL: 0}
"""How many blocks of H rows the weights of a cell have."""


@dataclass(frozen=True)
class Config:
    """What all configurations share: they are built from plain values, and unknown names are errors."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build a config from plain values, as JSON holds them.

        Raises:
            SettingError: a name is unknown, or a value is invalid.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(values.keys() - known):
            raise SettingError(f"unknown setting {', '.join(unknown)}; the settings are {', '.join(sorted(known))}")
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of a network: inputs → embedding (+ n-grams) → cells → readout (last or each) → head → logits.

    A linear path can be added to the recurrent one, as in H.-T. Cheng et al., "Wide & deep learning", 2016: a bag of
    all n-grams of the sequence adds to the logits. It is a simple baseline inside the network. With many labels, its
    rows have fewer numbers than there are labels, and a linear layer makes logits of their sum, as in A. Joulin et al.,
    "Bag of tricks for efficient text classification", 2017. The recurrent path can know whole words, too: the first and
    the last word of a string each have a row of a hashed table.

    Args:
        cell: ``elman`` (also called ``rnn``), ``gru`` or ``lstm``; ``none`` for a network without recurrence.
        by_hand: train with the cell that is written to be read; the weights have the same names and shapes.
        fused: if not ``by_hand``, train with the passes of `elman.cells.fused`; False: with torch.nn's layers.
        activation: of the Elman network: ``tanh``, ``relu``, ``sigmoid`` or ``none``.
        hidden_size: H, at least 1.
        layers: L, at least 1.
        directions: D, 1 or 2.
        input_size: how many numbers each step has; 0 if the inputs are symbols.
        embedding_size: E; 0 feeds symbols as one-hot rows, so that the input weights are the table.
        readout: ``last`` reads the last output of each direction: many-to-one. ``each`` reads the output of each step.
        head: the linear layer that makes the scores reads the ``output`` of the cells, or the ``concatenation`` of the
            step's input and the state before it. ``none``: the output itself is the scores, so D · H must be C.
        first_state: ``zeros``, or ``drawn`` at random for each training sequence, Kaiming-uniform; predictions start
            from zeros.
        initialisation: of the recurrent layers: ``orthogonal`` for each gate; ``uniform``, as in torch.nn; or
            ``refractory``: input weights of zero, recurrent ones near zero except −0.3 on the diagonal.
        ngram_orders: lengths of the n-grams whose hashed embeddings are added to each symbol's, each at least 2.
        ngram_buckets: rows of the table that all orders share, at least 1.
        bag_orders: lengths of the n-grams that add to the logits, each at least 1; empty for no bag.
        bag_min_count: how often an n-gram must occur in the training part to have a row in the bag, at least 1.
        bag_most: the most n-grams and words with a row, at least 1; the most frequent ones are kept.
        bag_scale: factor of the bag's sum; a larger one trains the bag faster than the recurrent path.
        bag_size: R, the numbers of a row of the bag, from which a linear layer makes logits; 0: a row has a number for
            each label. None: training chooses.
        bag_hidden: U, the units of a hidden layer of the bag. It reads the sums of the first word, of the last word and
            of those between apart, so that it can learn which words go together, and adds to the logits. It needs
            ``bag_size``; 0: no such layer. None: training chooses.
        bag_words: whether words, and pairs of adjacent words, are in the bag like n-grams. None: training chooses.
        separator: the id of the symbol between words, at least 1; set by training if ``bag_words`` is true or there is
            a table of words.
        word_buckets: rows of the table of words that the recurrent path reads; 0: no such table. None: training
            chooses.
        word_size: W, the numbers of such a row.
        word_dropout: share of words dropped from the recurrent path in training.
        dropout: share of the final state dropped in training, 0 up to 1. None, here and in the next three: training
            chooses; see `rates`.
        input_dropout: share of each step's input dropped in training.
        ngram_dropout: share of whole n-grams dropped from each step's input in training.
        bag_dropout: share of whole n-grams dropped from the bag in training.
        symbol_dropout: share of symbols replaced by the unknown one in training, which trains the unknown id.
        layer_dropout: share dropped between layers in training.
    """

    cell: str = "gru"
    by_hand: bool = False
    fused: bool = True
    activation: str = "tanh"
    hidden_size: int = 128
    layers: int = 1
    directions: int = 2
    input_size: int = 0
    embedding_size: int = 64
    readout: str = "last"
    head: str = "output"
    first_state: str = "zeros"
    initialisation: str = "orthogonal"
    ngram_orders: tuple[int, ...] = (2, 3, 4)
    ngram_buckets: int = 4096
    bag_orders: tuple[int, ...] = (1, 2, 3, 4)
    bag_min_count: int = 2
    bag_most: int = 262_144
    bag_scale: float = 3.0
    bag_size: int | None = None
    bag_hidden: int | None = None
    bag_words: bool | None = None
    separator: int | None = None
    word_buckets: int | None = None
    word_size: int = 32
    word_dropout: float = 0.5
    dropout: float | None = None
    input_dropout: float | None = None
    ngram_dropout: float | None = None
    bag_dropout: float | None = None
    symbol_dropout: float = 0.02
    layer_dropout: float = 0.0

    def __post_init__(self) -> None:
        """Check every value."""
        check_choice("cell", self.cell, (*CELLS, NO_CELL))
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("readout", self.readout, READOUTS)
        check_choice("head", self.head, HEADS)
        check_choice("first_state", self.first_state, FIRST_STATES)
        check_choice("initialisation", self.initialisation, INITIALISATIONS)
        check_whole("hidden_size", self.hidden_size, 1, most=LARGEST_SIZE)
        check_whole("layers", self.layers, 1, most=MOST_LAYERS)
        for name in ("ngram_buckets", "bag_min_count", "bag_most"):
            check_whole(name, getattr(self, name), 1)
        check_whole("word_size", self.word_size, 1, most=LARGEST_SIZE)
        if self.word_buckets is not None:
            check_whole("word_buckets", self.word_buckets, 0)
        for name in ("bag_size", "bag_hidden"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 0, most=LARGEST_SIZE)
        if self.separator is not None:
            check_whole("separator", self.separator, 1)
        if self.bag_words not in (None, True, False):
            raise SettingError(f"bag_words must be true, false or null; got {self.bag_words!r}")
        check_whole("input_size", self.input_size, 0)
        check_whole("embedding_size", self.embedding_size, 0, most=LARGEST_SIZE)
        check_whole("directions", self.directions, 1)
        if self.directions > 2:
            raise SettingError(f"directions must be 1 or 2; got {self.directions!r}")
        for name in ("by_hand", "fused"):
            if not isinstance(getattr(self, name), bool):
                raise SettingError(f"{name} must be true or false; got {getattr(self, name)!r}")
        _check_orders("ngram_orders", self.ngram_orders, 2)
        _check_orders("bag_orders", self.bag_orders, 1)
        check_number("bag_scale", self.bag_scale, above=0, most=LARGEST_BAG_SCALE)
        for name in (*RATES, "symbol_dropout", "layer_dropout", "word_dropout"):
            if getattr(self, name) is not None or name not in RATES:
                check_share(name, getattr(self, name))
        self._check_parts_fit()

    def _check_parts_fit(self) -> None:
        if self.input_size and (self.ngram_orders or self.bag_orders):
            raise SettingError("numbers have no n-grams: input_size needs ngram_orders and bag_orders to be empty")
        if not self.input_size and not self.embedding_size and self.ngram_orders:
            raise SettingError("one-hot inputs take no n-grams: embedding_size 0 needs ngram_orders to be empty")
        if self.bag_hidden and self.bag_size == 0:
            raise SettingError("the hidden layer of a bag reads sums of rows: bag_hidden needs bag_size to be above 0")
        if self.readout == "each" and self.bag_orders:
            raise SettingError("a bag of n-grams scores whole sequences: readout each needs bag_orders to be empty")
        if self.word_buckets and (self.input_size or self.readout == "each"):
            raise SettingError("a table of words is for whole strings: word_buckets needs symbols and readout last")
        if self.word_buckets and self.bag_orders and self.bag_words is False:
            raise SettingError("a bag beside a table of words has words: word_buckets needs bag_words true or null")
        if self.head == "none" and self.cell == NO_CELL:
            raise SettingError("a network without cells needs a head: cell none needs head output")
        if self.head == "concatenation" and (self.layers > 1 or self.directions > 1 or self.cell == NO_CELL):
            raise SettingError(
                "head concatenation needs cells of one layer and direction: set layers and directions to 1"
            )

    def rates(self, examples: int = FEW) -> dict[str, float]:
        """Return the shares that training drops, by the name of their setting; those left open are chosen.

        Args:
            examples: of the training part. The more there are, the less is dropped.

        >>> [ModelConfig().rates(examples)["dropout"] for examples in (200, 20_000, 150_000, 1_000_000)]
        [0.5, 0.5, 0.35, 0.2]
        >>> ModelConfig(dropout=0.1).rates()
        {'dropout': 0.1, 'input_dropout': 0.3, 'ngram_dropout': 0.5, 'bag_dropout': 0.3}
        """
        part = math.log(min(max(examples, FEW), MANY) / FEW) / math.log(MANY / FEW)
        rates = {}
        for name, (few, many) in RATES.items():
            chosen = getattr(self, name)
            rates[name] = round(few + part * (many - few), 2) if chosen is None else chosen
        return rates

    def step_inputs(self, symbols: int) -> StepInputs:
        """Return what the cells read at each step.

        Args:
            symbols: V, including the unknown symbol.
        """
        return StepInputs(self.input_size, symbols, self.embedding_size, self.ngram_orders, self.ngram_buckets)

    def step_size(self, symbols: int) -> int:
        """Return how many numbers the cells read at each step; ``symbols`` as for `step_inputs`."""
        return self.step_inputs(symbols).size

    def head_size(self, symbols: int) -> int:
        """Return how many numbers the head reads; ``symbols`` as for `step_inputs`."""
        if self.cell == NO_CELL:
            return self.step_size(symbols)
        inputs = self.step_size(symbols) if self.head == "concatenation" else 0
        return inputs + self.directions * self.hidden_size

    @property
    def reads_words(self) -> bool:
        """Whether the recurrent path has a table of words; strings without a separator are one word."""
        return bool(self.word_buckets) and self.separator is not None

    @property
    def reads_wholes(self) -> bool:
        """Whether something beside the cells reads whole strings: the bag, or the table of words."""
        return bool(self.bag_orders) or self.reads_words

    @property
    def bag_parts(self) -> int:
        """How many parts of a string the bag sums apart; see `elman.text.ngrams.find_parts`."""
        return PARTS if self.bag_hidden and self.separator is not None else 1

    def tensor_shapes(self, *, symbols: int, labels: int, bag: int = 0) -> dict[str, Shape]:
        """Return the name and shape of every tensor.

        Args:
            symbols: V, including the unknown symbol.
            labels: C; 1 if the answer is a number.
            bag: how many n-grams have a row in the bag.
        """
        inputs = self.step_inputs(symbols)
        shapes: dict[str, Shape] = {**inputs.shapes}
        if self.bag_orders:
            shapes |= {BAG_CODES: (bag,), BAG_WEIGHT: (bag, self.bag_size or labels)}
            shapes |= {BAG_HEAD: (labels, self.bag_size)} if self.bag_size else {}
            if self.bag_size and self.bag_hidden:
                units = self.bag_hidden
                shapes |= {BAG_HIDDEN_WEIGHT: (units, self.bag_parts * self.bag_size), BAG_HIDDEN_BIAS: (units,)}
                shapes |= {BAG_OUTPUT: (labels, units)}
        if self.reads_words and self.word_buckets:
            shapes |= {WORDS: (self.word_buckets, self.word_size), WORDS_HEAD: (labels, 2 * self.word_size)}
        rows = GATES[self.cell] * self.hidden_size
        for layer in range(self.layers if rows else 0):
            columns = inputs.size if layer == 0 else self.directions * self.hidden_size
            for direction in range(self.directions):
                sizes = (rows, columns), (rows, self.hidden_size), (rows,), (rows,)
                shapes |= zip(name_layer(layer, direction), sizes, strict=True)
        if self.head != "none":
            shapes |= {HEAD_WEIGHT: (labels, self.head_size(symbols)), HEAD_BIAS: (labels,)}
        return shapes


def _check_orders(name: str, values: object, least: int) -> None:
    if not isinstance(values, tuple):
        raise SettingError(f"{name} must be a list of whole numbers of at least {least}; got {values!r}")
    if len(values) > MOST_ORDERS:
        raise SettingError(f"{name} must have at most {MOST_ORDERS} numbers; got {len(values)}")
    for value in values:
        check_whole(f"each of {name}", value, least, most=LONGEST_NGRAM)
