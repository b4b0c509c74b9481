"""Tensors: their names and shapes, and what the cells of a network read at each step.

The names are those of the model file and of the parameters of `elman.training.network.SequenceModel`; no other module
spells them. To add an input, describe it in `StepInputs` and implement it twice: for torch in
`SequenceModel`, for numpy in `elman.scoring.reference.embed_inputs`.

`ModelConfig` builds on this module, so nothing here depends on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMBEDDING = "embedding.weight"
"""A row for each symbol, (V, E)."""

NGRAMS = "ngrams.weight"
"""A row for each bucket of hashed n-grams, (buckets, E)."""

BAG_CODES = "bag.codes"
"""Codes of the n-grams and words that have a row in the bag, (rows,), int64, in rising order."""

BAG_WEIGHT = "bag.weight"
"""What each of these adds: to the logits, (rows, C), or to what the bag's head reads, (rows, R)."""

BAG_HEAD = "bag.head.weight"
"""From the sum of the bag's rows to the logits, (C, R)."""

BAG_HIDDEN_WEIGHT, BAG_HIDDEN_BIAS = "bag.hidden.weight", "bag.hidden.bias"
"""From the sums of the parts of a string to the hidden layer of the bag, (U, parts · R) and (U,)."""

BAG_OUTPUT = "bag.output.weight"
"""From the hidden layer of the bag to the logits, (C, U)."""

WORDS = "words.weight"
"""A row for each bucket of hashed words, (buckets, W)."""

WORDS_HEAD = "words.head.weight"
"""From the rows of the first and the last word of a string to the logits, (C, 2 · W)."""

HEAD_WEIGHT = "head.weight"
"""(C, size of what the head reads)."""

HEAD_BIAS = "head.bias"
"""(C,)."""

TARGETS = "targets.weight"
"""A row for each symbol that a decoder reads back, the mark first, (S, E)."""

LABELS = "labels.weight"
"""A row for each label that a decoder is given, the one for no label first, (C + 1, G)."""

SOURCES = "sources.weight"
"""A row for each symbol that an encoder reads, (V, F)."""

BRIDGE_WEIGHT, BRIDGE_BIAS = "bridge.weight", "bridge.bias"
"""From the final state of the encoder to the first state of the decoder, (L · H, D · K) and (L · H,)."""

ATTENTION_QUERY, ATTENTION_KEY, ATTENTION_VECTOR = "attention.query", "attention.key", "attention.vector"
"""What compares a state of the decoder with each state of the encoder; see `WriterConfig`."""

MIX_WEIGHT, MIX_BIAS = "mix.weight", "mix.bias"
"""Of the layer between the decoder and the output layer, (mix_size, H + context) and (mix_size,)."""

OUTPUT_WEIGHT, OUTPUT_BIAS = "output.weight", "output.bias"
"""From what the decoder knows at a step to a logit for each symbol that it can write, the mark first."""

SEEN_BITS = "seen.bits"
"""The bits of the filter of training strings, (words,), int64; see `elman.model.seen`."""

Shape = tuple[int, ...]


class LayerNames(NamedTuple):
    """Names of the tensors of one recurrent layer in one direction; shapes and order of gates as in torch.nn.

    Args:
        weight_ih: input to hidden, (gates · H, I).
        weight_hh: hidden to hidden, (gates · H, H).
        bias_ih: (gates · H,).
        bias_hh: (gates · H,).
    """

    weight_ih: str
    weight_hh: str
    bias_ih: str
    bias_hh: str


def name_layer(layer: int, direction: int, part: str = "recurrence") -> LayerNames:
    """Return the names of the tensors of a recurrent layer.

    Args:
        layer: from 0.
        direction: 0 reads forwards, 1 backwards.
        part: of the network: ``recurrence``, ``encoder`` or ``decoder``.

    >>> name_layer(1, 1).weight_hh
    'recurrence.weight_hh_l1_reverse'
    """
    suffix = f"l{layer}_reverse" if direction else f"l{layer}"
    return LayerNames(*(f"{part}.{name}_{suffix}" for name in LayerNames._fields))


def dtype_of(name: str) -> str:
    """Return the number type of a tensor: ``int64`` for codes and bits, ``float32`` for all others."""
    return "int64" if name in (BAG_CODES, SEEN_BITS) else "float32"


def count_symbols(tensors: "Mapping[str, NDArray[Any]]") -> int:
    """Return V, including the unknown symbol, of a network that reads symbols."""
    if EMBEDDING in tensors:
        return len(tensors[EMBEDDING])
    first = name_layer(0, 0).weight_ih  # one-hot inputs: a column for each symbol
    return int(tensors[first if first in tensors else HEAD_WEIGHT].shape[1])


@dataclass(frozen=True, slots=True)
class StepInputs:
    """What the cells read at each step: numbers as they are, or for a symbol the sum of its rows.

    A symbol has a row of the embedding, or a one-hot row. The hashed n-grams that end at the symbol each add a row of
    one common table.

    Args:
        numbers: how many numbers a step has; 0 if the network reads symbols.
        symbols: V, including the unknown symbol.
        embedding_size: E; 0 for one-hot rows.
        ngram_orders: lengths of the n-grams that add a row.
        ngram_buckets: rows of the table of n-grams.
    """

    numbers: int
    symbols: int
    embedding_size: int
    ngram_orders: tuple[int, ...]
    ngram_buckets: int

    @property
    def are_symbols(self) -> bool:
        """Whether the network reads symbols rather than numbers."""
        return self.numbers == 0

    @property
    def are_embedded(self) -> bool:
        """Whether symbols have rows of an embedding; one-hot rows otherwise."""
        return self.are_symbols and self.embedding_size > 0

    @property
    def size(self) -> int:
        """How many numbers the cells read at each step."""
        return self.numbers or self.embedding_size or self.symbols

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Name and shape of the tables that the rows come from."""
        shapes = {}
        if self.are_embedded:
            shapes[EMBEDDING] = (self.symbols, self.embedding_size)
        if self.ngram_orders:
            shapes[NGRAMS] = (self.ngram_buckets, self.embedding_size)
        return shapes
