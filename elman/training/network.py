"""The network: inputs → embedding (+ hashed n-grams) → cells → readout (last | each) → head (+ bag) → logits.

It reads ids or numbers, and knows no strings, files or labels. The same few parts read letters and rows of pixels, and
score a whole sequence or each step, with scores of labels or with a number.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import dropout, embedding, embedding_bag, one_hot, pad, relu

from elman.cells import Fused, State, build_recurrence
from elman.errors import SettingError
from elman.model.config import NO_CELL, ModelConfig
from elman.model.tensors import BAG_WEIGHT, EMBEDDING, NGRAMS, WORDS
from elman.records import UNKNOWN
from elman.text.ngrams import EDGE, bag_codes, bag_parts, find_buckets, ngram_ids, outer_words, word_codes
from elman.training.rows import LARGE, look_up

LookUp = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

REFRACTORY, SMALL = -0.3, 0.05
"""The refractory initialisation: the diagonal of the recurrent weights, and the bound of the random part.

Symbols have no effect at first, and each unit suppresses what it has just shown. If the state itself is the score, the
network need not unlearn random answers (`benchmarks/tutorials.py hello`).
"""


class SequenceModel(nn.Module):
    """Reads sequences and scores answers, for each sequence or for each step.

    Its parameters and buffers have the names and shapes that `ModelConfig.tensor_shapes` lists.

    Args:
        config: the shape of the network.
        symbols: V, including the unknown symbol.
        labels: C; 1 if the answer is a number.
        inventory: codes of the n-grams that have a row in the bag, as `elman.text.ngrams.inventory` collects them.

    Raises:
        SettingError: without a head, D · H is not C.

    >>> model = SequenceModel(ModelConfig(hidden_size=4, embedding_size=3), symbols=5, labels=2)
    >>> model(torch.tensor([[1], [2], [0]])).shape
    torch.Size([1, 2])
    """

    def __init__(
        self, config: ModelConfig, *, symbols: int, labels: int, inventory: NDArray[np.int64] | None = None
    ) -> None:
        super().__init__()
        self.config, self.rates, self.inputs = config, config.rates(), config.step_inputs(symbols)
        self.has_sparse_gradients = False
        inventory = np.empty(0, np.int64) if inventory is None else inventory
        tables = self.inputs.shapes
        if EMBEDDING in tables:
            self.embedding = nn.Embedding(*tables[EMBEDDING])
        if NGRAMS in tables:
            self.ngrams = nn.Embedding(*tables[NGRAMS])
        if config.bag_orders:
            self.bag = NgramBag(config, inventory, labels)
        if config.reads_words:
            self.words = WordTable(config, labels)
        if config.cell != NO_CELL:
            self.recurrence = build_recurrence(
                config.cell,
                self.inputs.size,
                config.hidden_size,
                by_hand=config.by_hand,
                fused=config.fused,
                activation=config.activation,
                layers=config.layers,
                directions=config.directions,
                dropout=config.layer_dropout,
            )
        if config.head != "none":
            self.head = nn.Linear(config.head_size(symbols), labels)
        elif config.head_size(symbols) != labels:
            raise SettingError(
                f"without a head the output is the scores: directions times hidden_size must be {labels}, the number "
                f"of labels; got {config.directions} times {config.hidden_size}"
            )
        self._initialise()

    @property
    def tables(self) -> dict[str, nn.Parameter]:
        """The parameters of which a batch reads a few of many rows."""
        found = {name: self.get_parameter(name) for name in (EMBEDDING, NGRAMS, WORDS, BAG_WEIGHT) if self._has(name)}
        return {name: table for name, table in found.items() if table.numel() >= LARGE}

    def _has(self, name: str) -> bool:
        return hasattr(self, name.split(".", 1)[0])

    def forward(self, inputs: Tensor) -> Tensor:
        """Read a batch of sequences of equal length.

        Args:
            inputs: symbol ids, (T, B), int64, or numbers, (T, B, I), float.

        Returns:
            Logits: (B, C) if the readout is ``last``, (T, B, C) if it is ``each``.
        """
        cells, *bag = self.score_paths(inputs)
        return cells + bag[0] if bag else cells

    def score_paths(self, inputs: Tensor) -> list[Tensor]:
        """Return what each path adds to the logits: that of cells and words, and that of the bag if there is one.

        Args:
            inputs: as for `forward`.
        """
        config = self.config
        if self.training and config.symbol_dropout and self.inputs.are_symbols:
            inputs = inputs.masked_fill(torch.rand(inputs.shape, device=inputs.device) < config.symbol_dropout, UNKNOWN)
        read = self._read(inputs)
        read = dropout(read, self.rates["dropout"], self.training)
        logits: Tensor = self.head(read) if config.head != "none" else read
        if config.reads_words:
            logits = logits + self.words(inputs, self._look_up)
        return [logits, self.bag(inputs, self._look_up)] if config.bag_orders else [logits]

    def _read(self, inputs: Tensor) -> Tensor:
        """Run the cells over all steps, (T, B) or (T, B, I), and return what the head reads: (B, R) or (T, B, R)."""
        config = self.config
        each = config.readout == "each"
        is_drawn = self.training and config.first_state == "drawn"
        state = self._drawn_state(inputs.shape[1], inputs.device) if is_drawn else None
        if self._looks_up and isinstance(self.recurrence, Fused):
            outputs, final = self.recurrence.read_symbols(*self._distinct_rows(inputs), state)
        else:
            steps = self._embed(inputs)
            if config.cell == NO_CELL:
                return steps if each else steps[-1]
            outputs, final = self.recurrence(steps, state)
        if config.head == "concatenation":
            before = torch.zeros_like(outputs[:1]) if state is None else state[0]
            outputs = torch.cat([steps, torch.cat([before, outputs[:-1]])], dim=2)
        elif not each:
            # The final state of each direction of the last layer has read the whole sequence; with it, the outputs
            # need no gradient.
            return torch.cat(tuple(final[0][-config.directions :]), dim=1)
        chosen: Tensor = outputs if each else outputs[-1]
        return chosen

    @property
    def _looks_up(self) -> bool:
        """Whether the cells read one row of a table for each symbol, so that its product can be looked up."""
        config = self.config
        changed = bool(config.ngram_orders) or (self.training and self.rates["input_dropout"] > 0)
        return self.inputs.are_symbols and config.cell != NO_CELL and config.head != "concatenation" and not changed

    def _distinct_rows(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return for each step, (T, B), the place of its row, and the rows that the cells read for symbols, (n, E)."""
        if not self.inputs.are_embedded:
            return ids, torch.eye(self.inputs.symbols, device=ids.device)
        rows, places = self._look_up(self.embedding.weight, ids)
        return places, rows

    def _look_up(self, table: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return a table and the rows to read of it; of a large one only these rows, and the place of each there."""
        large = self.has_sparse_gradients and self.training and table.numel() >= LARGE
        return look_up(table, rows) if large else (table, rows)

    def _drawn_state(self, size: int, device: torch.device) -> State:
        """Draw a first state, each (L · D, B, H), Kaiming-uniform (K. He et al., 2015): tutorial T2's model A."""
        config = self.config
        bound = math.sqrt(6 / config.hidden_size)
        shape = (config.layers * config.directions, size, config.hidden_size)
        parts = 2 if config.cell == "lstm" else 1
        return tuple(torch.empty(shape, device=device).uniform_(-bound, bound) for _ in range(parts))

    def _embed(self, ids: Tensor) -> Tensor:
        """Return what the cells read at each step, (T, B, E)."""
        config = self.config
        if not self.inputs.are_symbols:
            return dropout(ids, self.rates["input_dropout"], self.training)
        if self.inputs.are_embedded:
            table, places = self._look_up(self.embedding.weight, ids)
            inputs = embedding(places, table)
        else:
            inputs = one_hot(ids, self.inputs.symbols).float()
        if config.ngram_orders:
            rows = torch.stack([ngram_ids(ids, n, config.ngram_buckets) for n in config.ngram_orders], dim=-1)
            kept = torch.ones(rows.shape, device=rows.device)
            kept = dropout(kept, self.rates["ngram_dropout"], self.training).flatten(0, 1)  # whole n-grams are dropped
            table, places = self._look_up(self.ngrams.weight, rows.flatten(0, 1))
            sums = embedding_bag(places, table, mode="sum", per_sample_weights=kept)
            inputs = inputs + sums.view_as(inputs)
        return dropout(inputs, self.rates["input_dropout"], self.training)

    def _initialise(self) -> None:
        """Initialise tables with small numbers, and recurrent weights as the config says."""
        config = self.config
        if self.inputs.are_embedded:
            nn.init.normal_(self.embedding.weight, std=0.3)
        if config.ngram_orders:
            nn.init.normal_(self.ngrams.weight, std=0.1)
        if config.initialisation == "uniform" or config.cell == NO_CELL:
            return
        for name, parameter in self.recurrence.named_parameters():
            if "bias" in name or ("weight_ih" in name and config.initialisation == "refractory"):
                nn.init.zeros_(parameter)
            elif "weight_hh" in name:
                for gate in torch.split(parameter.data, config.hidden_size):
                    if config.initialisation == "orthogonal":
                        nn.init.orthogonal_(gate)
                    else:
                        gate.uniform_(-SMALL, SMALL).add_(REFRACTORY * torch.eye(config.hidden_size))


class WordTable(nn.Module):
    """What the first and the last word of a sequence add to its logits: names that a network of cells cannot spell.

    Args:
        config: its ``word_`` settings.
        labels: C.
    """

    def __init__(self, config: ModelConfig, labels: int) -> None:
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(torch.empty(config.word_buckets or 0, config.word_size))
        self.head = nn.Linear(2 * config.word_size, labels, bias=False)
        nn.init.normal_(self.weight, std=0.1)

    def forward(self, ids: Tensor, find: LookUp) -> Tensor:
        """Return what the words of the sequences, (T, B), add to the logits, (B, C); arguments as for the bag."""
        codes = torch.stack(outer_words(ids, self.config.separator or 0), dim=1)
        table, places = find(self.weight, find_buckets(codes, len(self.weight)))
        kept = dropout(torch.ones(*codes.shape, 1, device=ids.device), self.config.word_dropout, self.training)
        logits: Tensor = self.head((embedding(places, table) * kept).flatten(1))
        return logits


class NgramBag(nn.Module):
    """A linear classifier on the n-grams and words of a sequence: a simple baseline inside the network.

    Args:
        config: its ``bag_`` settings.
        inventory: codes of the n-grams and words that have a row, (rows,), int64, in rising order.
        labels: C.
    """

    codes: Tensor

    def __init__(self, config: ModelConfig, inventory: NDArray[np.int64], labels: int) -> None:
        super().__init__()
        self.config, self.rates = config, config.rates()
        self.register_buffer("codes", torch.from_numpy(inventory))
        self.weight = nn.Parameter(torch.zeros(len(inventory), config.bag_size or labels))
        if config.bag_size:  # one of the two factors must not begin at zero
            self.head = nn.Linear(config.bag_size, labels, bias=False)
        if config.bag_size and config.bag_hidden:
            self.hidden = nn.Linear(config.bag_parts * config.bag_size, config.bag_hidden)
            self.output = nn.Linear(config.bag_hidden, labels, bias=False)

    def forward(self, ids: Tensor, find: LookUp) -> Tensor:
        """Return what the n-grams and words of the sequences, (T, B), add to the logits, (B, C).

        Args:
            ids: (T, B), int64.
            find: returns the table and rows to read for a table and rows, as `elman.training.rows.look_up`.
        """
        config, rates = self.config, self.rates
        padded = pad(ids, (0, 0, 1, 1), value=EDGE)
        bags = bag_codes(padded, config.bag_orders)
        scale = config.bag_scale / math.sqrt(max(1, sum(map(len, bags))))
        if config.separator is not None:
            bags += word_codes(ids, config.separator)
        if not bags or len(self.codes) == 0:  # no n-gram fits, or none was frequent
            sums = [self.weight.new_zeros(ids.shape[1], self.weight.shape[1])] * config.bag_parts
        else:
            codes = torch.cat(bags).T.contiguous()
            rows = torch.searchsorted(self.codes, codes).clamp_(max=len(self.codes) - 1)
            known = (self.codes[rows] == codes).float()  # unknown n-grams add nothing
            weights = dropout(known, rates["bag_dropout"], self.training) * scale
            table, places = find(self.weight, rows)
            kept = [weights]
            if config.bag_parts > 1 and config.separator is not None:
                parts = torch.cat(bag_parts(padded, config.bag_orders, config.separator)).T
                kept = [weights * (parts == part) for part in range(config.bag_parts)]
            sums = [embedding_bag(places, table, mode="sum", per_sample_weights=some) for some in kept]
        total = torch.stack(sums).sum(dim=0)
        logits: Tensor = self.head(total) if config.bag_size else total
        if config.bag_size and config.bag_hidden:
            hidden = relu(self.hidden(torch.cat(sums, dim=1)))
            logits = logits + self.output(dropout(hidden, rates["dropout"], self.training))
        return logits
