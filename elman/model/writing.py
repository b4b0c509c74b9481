"""Configuration of a network that writes: decoder alone, or encoder, attention and decoder.

It needs neither torch nor numpy, as `elman.model.config`.
"""

from dataclasses import dataclass

from elman.checks import check_choice, check_share, check_whole
from elman.errors import SettingError
from elman.model.config import CELLS, GATES, LARGEST_SIZE, MOST_LAYERS, NO_CELL, Config
from elman.model.tensors import (
    ATTENTION_KEY,
    ATTENTION_QUERY,
    ATTENTION_VECTOR,
    BRIDGE_BIAS,
    BRIDGE_WEIGHT,
    LABELS,
    MIX_BIAS,
    MIX_WEIGHT,
    OUTPUT_BIAS,
    OUTPUT_WEIGHT,
    SEEN_BITS,
    SOURCES,
    TARGETS,
    Shape,
    name_layer,
)

ATTENTIONS = ("none", "additive", "dot")


@dataclass(frozen=True)
class WriterConfig(Config):
    """The shape of a network that writes one symbol after another.

    At each step the decoder reads x_t = [row of the symbol written before; row of the label, if labels are known;
    context, if there is an encoder], in this order, and its cells make the next state from it. The output layer reads
    [output of the last layer; context], or with ``mix_size`` a layer tanh(mix.weight · [output; context] + mix.bias),
    and gives a logit for each symbol and for the mark, which ends the string. The symbol before the first is the mark
    too.

    Without an encoder the first state is zero. With one, the first hidden state of all layers is
    tanh(bridge.weight · e + bridge.bias), in layers of H numbers, where e is the final hidden state of the last layer
    of the encoder, its directions side by side, (D · K,); the memory of an LSTM begins at zero.

    Attention compares the output s of the last layer before the step with each state h_j of the last layer of the
    encoder, its directions side by side, (D · K,), and the context is the sum of the h_j, each by its share
    a_j = softmax_j(e_j):

        additive  e_j = attention.vector · tanh(attention.query s + attention.key h_j)   (D. Bahdanau et al., 2015)
        dot       e_j = s · attention.key h_j / √H                                      (M.-T. Luong et al., 2015)

    Without attention the context is e at each step (K. Cho et al., 2014).

    Args:
        cell: of the decoder: ``elman`` (also called ``rnn``, with tanh), ``gru`` or ``lstm``.
        by_hand: train with the cell that is written to be read; the weights have the same names and shapes.
        fused: if not ``by_hand``, train with the passes of `elman.cells.fused` where a whole string is known.
        hidden_size: H, at least 1.
        layers: L of the decoder, at least 1.
        embedding_size: E, the numbers of the row of a symbol, at least 1.
        label_size: G, the numbers of the row of a label, at least 1 with labels; 0 without; None: training chooses.
        encoder_cell: the cell of the encoder, or ``none`` if nothing is read.
        encoder_size: K, its hidden size, at least 1.
        encoder_layers: of the encoder, at least 1.
        encoder_directions: D, 1 or 2.
        source_size: F, the numbers of the row of a symbol that is read, at least 1.
        attention: ``none``, ``additive`` or ``dot``; it needs an encoder.
        attention_size: A, of the additive attention, at least 1.
        mix_size: numbers of the layer between decoder and output layer; 0 for none.
        dropout: share of what the output layer reads, and of what passes between layers, dropped in training, 0 up
            to 1. None, here and in the next: training chooses.
        input_dropout: share of the rows of symbols dropped in training.
        label_dropout: share of the strings whose label is hidden in training, which trains the row of no label.
        own_share: share of the symbols before each step that the network draws itself in training, 0 up to 1:
            scheduled sampling (S. Bengio et al., 2015). It needs an encoder.
    """

    cell: str = "gru"
    by_hand: bool = False
    fused: bool = True
    hidden_size: int = 192
    layers: int = 1
    embedding_size: int = 48
    label_size: int | None = None
    encoder_cell: str = NO_CELL
    encoder_size: int = 128
    encoder_layers: int = 1
    encoder_directions: int = 2
    source_size: int = 48
    attention: str = "none"
    attention_size: int = 128
    mix_size: int = 0
    dropout: float | None = None
    input_dropout: float | None = None
    label_dropout: float = 0.1
    own_share: float = 0.0

    def __post_init__(self) -> None:
        """Check every value."""
        check_choice("cell", self.cell, CELLS)
        check_choice("encoder_cell", self.encoder_cell, (*CELLS, NO_CELL))
        check_choice("attention", self.attention, ATTENTIONS)
        for name in ("hidden_size", "embedding_size", "encoder_size", "source_size", "attention_size"):
            check_whole(name, getattr(self, name), 1, most=LARGEST_SIZE)
        for name in ("layers", "encoder_layers"):
            check_whole(name, getattr(self, name), 1, most=MOST_LAYERS)
        check_whole("encoder_directions", self.encoder_directions, 1, most=2)
        if self.label_size is not None:
            check_whole("label_size", self.label_size, 0, most=LARGEST_SIZE)
        for name in ("by_hand", "fused"):
            if not isinstance(getattr(self, name), bool):
                raise SettingError(f"{name} must be true or false; got {getattr(self, name)!r}")
        check_whole("mix_size", self.mix_size, 0, most=LARGEST_SIZE)
        for name in ("dropout", "input_dropout", "label_dropout", "own_share"):
            if getattr(self, name) is not None or name not in ("dropout", "input_dropout"):
                check_share(name, getattr(self, name))
        if self.attention != "none" and not self.has_encoder:
            raise SettingError(
                f"attention looks at what an encoder reads: attention {self.attention} needs an encoder_cell"
            )

        if self.own_share and not self.has_encoder:
            raise SettingError("own_share is of a network that reads strings: it needs an encoder_cell")

    @property
    def has_encoder(self) -> bool:
        """Whether the network reads a string before it writes one."""
        return self.encoder_cell != NO_CELL

    def describe(self) -> str:
        """Return the parts of the network in words.

        >>> WriterConfig().describe()
        'decoder: gru, layers: 1, hidden size: 192'
        """
        decoder = f"decoder: {self.cell}, layers: {self.layers}, hidden size: {self.hidden_size}"
        if not self.has_encoder:
            return decoder
        return (
            f"encoder: {self.encoder_cell}, layers: {self.encoder_layers}, hidden size: {self.encoder_size}, "
            f"directions: {self.encoder_directions}; attention: {self.attention}; {decoder}"
        )

    @property
    def most_layers(self) -> int:
        """How many recurrent layers there are, in both directions."""
        return self.layers + (self.encoder_layers if self.has_encoder else 0)

    @property
    def context_size(self) -> int:
        """How many numbers a context has: D · K with an encoder, 0 without."""
        return self.encoder_directions * self.encoder_size if self.has_encoder else 0

    @property
    def step_size(self) -> int:
        """How many numbers the decoder reads at each step: E + G + context."""
        return self.embedding_size + (self.label_size or 0) + self.context_size

    def tensor_shapes(self, *, symbols: int, sources: int = 0, labels: int = 0, seen: int = 0) -> dict[str, Shape]:
        """Return the name and shape of every tensor.

        Args:
            symbols: S, the symbols that are written, the mark included.
            sources: V, the symbols that the encoder reads, the unknown one included.
            labels: C; 0 without labels.
            seen: words of the filter of training strings; 0 without.
        """
        shapes: dict[str, Shape] = {TARGETS: (symbols, self.embedding_size)}
        if self.label_size:
            shapes[LABELS] = (labels + 1, self.label_size)
        if self.has_encoder:
            shapes |= self._encoder_shapes(sources)
        shapes |= _layer_shapes("decoder", self.cell, self.step_size, self.hidden_size, self.layers, 1)
        known = self.hidden_size + self.context_size
        if self.mix_size:
            shapes |= {MIX_WEIGHT: (self.mix_size, known), MIX_BIAS: (self.mix_size,)}
        shapes |= {OUTPUT_WEIGHT: (symbols, self.mix_size or known), OUTPUT_BIAS: (symbols,)}
        return shapes | ({SEEN_BITS: (seen,)} if seen else {})

    def _encoder_shapes(self, sources: int) -> dict[str, Shape]:
        """Return the name and shape of the tensors of the encoder, the bridge and the attention."""
        read = self.encoder_directions * self.encoder_size
        shapes: dict[str, Shape] = {SOURCES: (sources, self.source_size)}
        sizes = self.source_size, self.encoder_size, self.encoder_layers, self.encoder_directions
        shapes |= _layer_shapes("encoder", self.encoder_cell, *sizes)
        first = self.layers * self.hidden_size
        shapes |= {BRIDGE_WEIGHT: (first, read), BRIDGE_BIAS: (first,)}
        if self.attention == "additive":
            width = self.attention_size
            shapes |= {ATTENTION_QUERY: (width, self.hidden_size), ATTENTION_KEY: (width, read)}
            shapes[ATTENTION_VECTOR] = (width,)
        elif self.attention == "dot":
            shapes[ATTENTION_KEY] = (self.hidden_size, read)
        return shapes


def _layer_shapes(
    part: str, cell: str, input_size: int, hidden_size: int, layers: int, directions: int
) -> dict[str, Shape]:
    """Return the name and shape of the tensors of recurrent layers; see `elman.model.tensors.name_layer`."""
    rows, shapes = GATES[cell] * hidden_size, dict[str, Shape]()
    for layer in range(layers):
        columns = input_size if layer == 0 else directions * hidden_size
        sizes = (rows, columns), (rows, hidden_size), (rows,), (rows,)
        for direction in range(directions):
            shapes |= zip(name_layer(layer, direction, part), sizes, strict=True)
    return shapes
