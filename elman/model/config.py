"""Configuration: the shape of a network and the way it is trained, as plain records that check themselves.

They stand apart from the model and the loop because the torch-free runtime reads them too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from elman.checks import check_choice, check_number, check_share, check_whole
from elman.errors import SettingError

CELLS = ("elman", "rnn", "gru", "lstm")
"""``rnn`` is the Elman network's other name, as torch.nn calls it."""


NO_CELL = "none"
"""A network without recurrence: the readout sees the inputs themselves."""


ACTIVATIONS = ("tanh", "relu", "sigmoid", "none")


READOUTS = ("last", "each")


HEADS = ("output", "concatenation", "none")


FIRST_STATES = ("zeros", "drawn")


INITIALISATIONS = ("orthogonal", "uniform", "refractory")


_GATES = {"elman": 1, "rnn": 1, "gru": 3, "lstm": 4, NO_CELL: 0}


@dataclass(frozen=True)
class Config:
    """What both configurations share: they are built from plain values and refuse unknown names."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build a config from plain values, as JSON holds them.

        Raises:
            SettingError: a name is unknown or missing, or a value cannot work.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(values.keys() - known):
            raise SettingError(f"unknown setting {', '.join(unknown)}; the settings are {', '.join(sorted(known))}")
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of a network: inputs → embedding (+ n-grams) → cells → readout (last or each) → head → logits.

    Beside the recurrent path a linear one may run, as in H.-T. Cheng et al., "Wide & deep learning", 2016: a bag of all
    n-grams of the sequence, straight into the logits. It is the simple baseline inside the network.

    Args:
        cell: ``elman`` (also called ``rnn``), ``gru`` or ``lstm``; ``none`` leaves the recurrence out.
        by_hand: train with the cell that is written for reading; the weights are the same in any case.
        fused: otherwise train with the passes of `elman.cells.fused`. False: with torch.nn's layers.
        activation: of the Elman network: ``tanh``, ``relu``, ``sigmoid`` or ``none``.
        hidden_size: H, at least 1.
        layers: L, at least 1.
        directions: D, 1 or 2.
        input_size: numbers in each step, where the inputs are numbers rather than symbols; 0 for symbols.
        embedding_size: E; 0 feeds symbols as one-hot rows, so that the input weights themselves are the table.
        readout: ``last`` reads the last output of each direction: many-to-one. ``each`` reads every step's: in step.
        head: what the scores are a linear layer of: the ``output`` of the cells, or the ``concatenation`` of the step's
            input and the state before it. ``none``: the output itself is the scores, so D · H must be C.
        first_state: ``zeros``, or ``drawn`` for every training sequence, Kaiming-uniform; answers start from zeros.
        initialisation: how recurrent weights start: ``orthogonal`` for each gate; ``uniform``, as in torch.nn; or
            ``refractory``, no input weights, and recurrent ones near zero but for −0.3 on the diagonal.
        ngram_orders: lengths of the n-grams whose hashed embeddings are added to each symbol's, each at least 2.
        ngram_buckets: rows of the table that all orders share, at least 1.
        bag_orders: lengths of the n-grams that go straight into the logits, each at least 1; none switches that off.
        bag_min_count: rarer n-grams of the training part have no row in the bag, at least 1.
        bag_scale: what the bag's sum is multiplied by; larger trains it faster beside the recurrent path.
        dropout: share of the final state dropped in training, 0 up to 1.
        input_dropout: share of each step's input dropped in training.
        ngram_dropout: share of whole n-grams dropped from each step's input in training.
        bag_dropout: share of whole n-grams dropped from the bag in training.
        symbol_dropout: share of symbols replaced by the unknown one in training; trains the unknown id.
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
    bag_scale: float = 3.0
    dropout: float = 0.5
    input_dropout: float = 0.3
    ngram_dropout: float = 0.5
    bag_dropout: float = 0.3
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
        for name in ("hidden_size", "layers", "ngram_buckets", "bag_min_count"):
            check_whole(name, getattr(self, name), 1)
        for name in ("input_size", "embedding_size"):
            check_whole(name, getattr(self, name), 0)
        check_whole("directions", self.directions, 1)
        if self.directions > 2:
            raise SettingError(f"directions must be 1 or 2; got {self.directions!r}")
        _check_orders("ngram_orders", self.ngram_orders, 2)
        _check_orders("bag_orders", self.bag_orders, 1)
        check_number("bag_scale", self.bag_scale, above=0)
        for name in ("dropout", "input_dropout", "ngram_dropout", "bag_dropout", "symbol_dropout", "layer_dropout"):
            check_share(name, getattr(self, name))
        self._check_parts_fit()

    def _check_parts_fit(self) -> None:
        if self.input_size and (self.ngram_orders or self.bag_orders):
            raise SettingError("numbers have no n-grams: input_size needs ngram_orders and bag_orders to be empty")
        if not self.input_size and not self.embedding_size and self.ngram_orders:
            raise SettingError("one-hot rows have no room for n-grams: embedding_size 0 needs ngram_orders to be empty")
        if self.readout == "each" and self.bag_orders:
            raise SettingError("a bag of n-grams is of a whole sequence: readout each needs bag_orders to be empty")
        if self.head == "none" and self.cell == NO_CELL:
            raise SettingError("without cells the head is all there is: cell none needs head output")
        if self.head == "concatenation" and (self.layers > 1 or self.directions > 1 or self.cell == NO_CELL):
            raise SettingError("head concatenation is of one layer in one direction; set layers and directions to 1")

    def step_size(self, symbols: int) -> int:
        """Return how many numbers the cells read at each step.

        Args:
            symbols: V, the unknown one included.
        """
        return self.input_size or self.embedding_size or symbols

    def head_size(self, symbols: int) -> int:
        """Return how many numbers the head reads.

        Args:
            symbols: V, the unknown one included.
        """
        if self.cell == NO_CELL:
            return self.step_size(symbols)
        beside = self.step_size(symbols) if self.head == "concatenation" else 0
        return beside + self.directions * self.hidden_size

    def tensor_shapes(self, *, symbols: int, labels: int, bag: int = 0) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every tensor.

        Args:
            symbols: V, the unknown one included.
            labels: C, or 1 where the answer is a number.
            bag: how many n-grams have a row in the bag.
        """
        shapes: dict[str, tuple[int, ...]] = {}
        if self.embedding_size and not self.input_size:
            shapes["embedding.weight"] = (symbols, self.embedding_size)
        if self.ngram_orders:
            shapes["ngrams.weight"] = (self.ngram_buckets, self.embedding_size)
        if self.bag_orders:
            shapes["bag.codes"] = (bag,)
            shapes["bag.weight"] = (bag, labels)
        rows = _GATES[self.cell] * self.hidden_size
        for layer in range(self.layers if rows else 0):
            columns = self.step_size(symbols) if layer == 0 else self.directions * self.hidden_size
            for suffix in (f"l{layer}", f"l{layer}_reverse")[: self.directions]:
                shapes[f"recurrence.weight_ih_{suffix}"] = (rows, columns)
                shapes[f"recurrence.weight_hh_{suffix}"] = (rows, self.hidden_size)
                shapes[f"recurrence.bias_ih_{suffix}"] = (rows,)
                shapes[f"recurrence.bias_hh_{suffix}"] = (rows,)
        if self.head != "none":
            shapes["head.weight"] = (labels, self.head_size(symbols))
            shapes["head.bias"] = (labels,)
        return shapes


def _check_orders(name: str, values: object, least: int) -> None:
    if not isinstance(values, tuple):
        raise SettingError(f"{name} must be a list of whole numbers of at least {least}; got {values!r}")
    for value in values:
        check_whole(f"each of {name}", value, least)
