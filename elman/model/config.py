"""Configuration: the shape of a network and the way it is trained, as plain records that check themselves.

They stand apart from the model and the loop because the torch-free runtime reads them too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from elman.errors import SettingError

CELLS = ("elman", "rnn", "gru", "lstm")
"""``rnn`` is the Elman network's other name, as torch.nn calls it."""

NO_CELL = "none"
"""A network without recurrence: the readout sees the inputs themselves."""

ACTIVATIONS = ("tanh", "relu", "sigmoid", "none")
OPTIMISERS = ("adamw", "adam", "sgd", "rmsprop")
SCHEDULES = ("one-cycle", "constant")
KEEPS = ("best", "last")
PRODUCTS = ("float32", "bfloat16")
READOUTS = ("last", "each")
HEADS = ("output", "concatenation", "none")
FIRST_STATES = ("zeros", "drawn")
INITIALISATIONS = ("orthogonal", "uniform", "refractory")

LARGEST_RATE = 1e30
"""Beyond any use; torch refuses rates that float32 cannot hold."""

_GATES = {"elman": 1, "rnn": 1, "gru": 3, "lstm": 4, NO_CELL: 0}


@dataclass(frozen=True)
class _Config:
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
class ModelConfig(_Config):
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
        _check_choice("cell", self.cell, (*CELLS, NO_CELL))
        _check_choice("activation", self.activation, ACTIVATIONS)
        _check_choice("readout", self.readout, READOUTS)
        _check_choice("head", self.head, HEADS)
        _check_choice("first_state", self.first_state, FIRST_STATES)
        _check_choice("initialisation", self.initialisation, INITIALISATIONS)
        for name in ("hidden_size", "layers", "ngram_buckets", "bag_min_count"):
            _check_whole(name, getattr(self, name), 1)
        for name in ("input_size", "embedding_size"):
            _check_whole(name, getattr(self, name), 0)
        _check_whole("directions", self.directions, 1)
        if self.directions > 2:
            raise SettingError(f"directions must be 1 or 2; got {self.directions!r}")
        _check_orders("ngram_orders", self.ngram_orders, 2)
        _check_orders("bag_orders", self.bag_orders, 1)
        _check_number("bag_scale", self.bag_scale, above=0)
        for name in ("dropout", "input_dropout", "ngram_dropout", "bag_dropout", "symbol_dropout", "layer_dropout"):
            _check_share(name, getattr(self, name))
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


@dataclass(frozen=True)
class TrainConfig(_Config):
    """How a network is trained.

    Args:
        epochs: passes over the training part, at least 1.
        batch_size: sequences of one length in a step, at least 1.
        optimiser: ``adamw``, ``adam``, ``sgd`` or ``rmsprop``.
        learning_rate: the highest rate of the schedule, above 0.
        schedule: ``one-cycle`` rises and falls over all steps; ``constant``.
        weight_decay: of matrices, not biases; decoupled in ``adamw``.
        clip: the gradient norm is cut to this, above 0; None leaves it.
        label_smoothing: share of the target spread over all labels, 0 up to 1.
        class_weighting: labels count 1 / frequency to this power in the loss: 0 not at all, 1 all labels alike.
        copy_weighting: copies of a string count as their number to this power: 0 as one, 1 as all of them.
        average: decay of the running average of the weights that is evaluated and kept, 0 up to 1; 0 keeps the last.
        draws: steps in an epoch, each of one example: a label drawn uniformly, then an example of it by its weight;
            batch_size must be 1. None: every example once.
        keep: ``best``, the weights of the epoch with the lowest validation loss; or ``last``.
        patience: stop after so many epochs without a better validation loss; None never.
        seed: of weights, order and dropout.
        threads: for torch; None leaves its default.
        products: ``float32``, or ``bfloat16`` for the recurrent products of fused passes: faster on processors that
            multiply bfloat16 in hardware, slower on others, and a little less exact.
    """

    epochs: int = 18
    batch_size: int = 128
    optimiser: str = "adamw"
    learning_rate: float = 4e-3
    schedule: str = "one-cycle"
    weight_decay: float = 0.01
    clip: float | None = 1.0
    label_smoothing: float = 0.0
    class_weighting: float = 0.0
    copy_weighting: float = 0.0
    average: float = 0.0
    draws: int | None = None
    keep: str = "best"
    patience: int | None = None
    seed: int = 0
    threads: int | None = None
    products: str = "float32"

    def __post_init__(self) -> None:
        """Check every value."""
        _check_choice("products", self.products, PRODUCTS)
        _check_choice("optimiser", self.optimiser, OPTIMISERS)
        _check_choice("schedule", self.schedule, SCHEDULES)
        _check_choice("keep", self.keep, KEEPS)
        for name in ("epochs", "batch_size"):
            _check_whole(name, getattr(self, name), 1)
        _check_whole("seed", self.seed, 0)
        for name in ("draws", "patience", "threads"):
            if getattr(self, name) is not None:
                _check_whole(name, getattr(self, name), 1)
        if self.draws is not None and self.batch_size != 1:
            raise SettingError(f"examples are drawn one by one: draws needs batch_size 1; got {self.batch_size}")
        _check_number("learning_rate", self.learning_rate, above=0, most=LARGEST_RATE)
        if self.clip is not None:
            _check_number("clip", self.clip, above=0)
        for name in ("weight_decay", "class_weighting", "copy_weighting"):
            _check_number(name, getattr(self, name), least=0)
        for name in ("label_smoothing", "average"):
            _check_share(name, getattr(self, name))


def recipe(cell: str, *, by_hand: bool = False) -> tuple[ModelConfig, TrainConfig]:
    """Return the best settings found for a cell; `benchmarks/accuracy.py` measures them.

    Raises:
        SettingError: the cell has no such name.
    """
    return ModelConfig(cell=cell, by_hand=by_hand), TrainConfig()


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingError(f"{name} must be one of {', '.join(choices)}; got {value!r}")


def _check_whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SettingError(f"{name} must be a whole number of at least {least}; got {value!r}")


def _check_orders(name: str, values: object, least: int) -> None:
    if not isinstance(values, tuple):
        raise SettingError(f"{name} must be a list of whole numbers of at least {least}; got {values!r}")
    for value in values:
        _check_whole(f"each of {name}", value, least)


def _check_number(
    name: str, value: object, *, above: float = -math.inf, least: float = -math.inf, most: float = math.inf
) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and above < value and least <= value <= most:  # type: ignore[operator,arg-type]
        return
    lower = f"above {above:g}" if math.isfinite(above) else f"of at least {least:g}"
    upper = f" and at most {most:g}" if math.isfinite(most) else ""
    raise SettingError(f"{name} must be a number {lower}{upper}; got {value!r}")


def _check_share(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise SettingError(f"{name} must be at least 0 and below 1; got {value!r}")
