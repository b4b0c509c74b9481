"""The network: ids → embedding (+ hashed n-grams) → cells → last output of each direction → head (+ bag) → logits.

It knows ids and lengths; it knows no names, files or labels.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import dropout, embedding_bag, pad

from elman.cells import build_recurrence
from elman.config import ModelConfig
from elman.ngrams import EDGE, bag_codes, ngram_ids
from elman.records import UNKNOWN


class SequenceClassifier(nn.Module):
    """Reads sequences of ids and scores labels: many-to-one.

    Args:
        config: the shape of the network.
        symbols: V, the unknown one included.
        labels: C.
        inventory: codes of the n-grams that have a row in the bag, as `elman.ngrams.inventory` collects them.

    >>> model = SequenceClassifier(ModelConfig(hidden_size=4, embedding_size=3), symbols=5, labels=2)
    >>> model(torch.tensor([[1], [2], [0]])).shape
    torch.Size([1, 2])
    """

    def __init__(
        self, config: ModelConfig, *, symbols: int, labels: int, inventory: NDArray[np.int64] | None = None
    ) -> None:
        super().__init__()
        self.config = config
        inventory = np.empty(0, np.int64) if inventory is None else inventory
        self.embedding = nn.Embedding(symbols, config.embedding_size)
        if config.ngram_orders:
            self.ngrams = nn.Embedding(config.ngram_buckets, config.embedding_size)
        if config.bag_orders:
            self.bag = NgramBag(config, inventory, labels)
        self.recurrence = build_recurrence(
            config.cell,
            config.embedding_size,
            config.hidden_size,
            by_hand=config.by_hand,
            activation=config.activation,
            layers=config.layers,
            directions=config.directions,
            dropout=config.layer_dropout,
        )
        self.head = nn.Linear(config.directions * config.hidden_size, labels)
        self._initialise()

    def forward(self, ids: Tensor) -> Tensor:
        """Score a batch of sequences of equal length: (T, B), int64, to logits, (B, C)."""
        config = self.config
        if self.training and config.symbol_dropout:
            ids = ids.masked_fill(torch.rand(ids.shape) < config.symbol_dropout, UNKNOWN)
        outputs, _ = self.recurrence(self._embed(ids))
        # Each direction has read the whole sequence at its own end.
        final = outputs[-1, :, : config.hidden_size]
        if config.directions == 2:
            final = torch.cat([final, outputs[0, :, config.hidden_size :]], dim=1)
        logits: Tensor = self.head(dropout(final, config.dropout, self.training))
        return logits + self.bag(ids) if config.bag_orders else logits

    def _embed(self, ids: Tensor) -> Tensor:
        """Return the input of each step, (T, B, E)."""
        config = self.config
        inputs: Tensor = self.embedding(ids)
        if config.ngram_orders:
            rows = torch.stack([ngram_ids(ids, n, config.ngram_buckets) for n in config.ngram_orders], dim=-1)
            kept = dropout(torch.ones(rows.shape), config.ngram_dropout, self.training)  # an n-gram is dropped whole
            flat = (part.flatten(0, 1) for part in (rows, kept))
            sums = embedding_bag(next(flat), self.ngrams.weight, mode="sum", per_sample_weights=next(flat))
            inputs = inputs + sums.view_as(inputs)
        return dropout(inputs, config.input_dropout, self.training)

    def _initialise(self) -> None:
        """Start with a small table, orthogonal recurrent weights for each gate, and no bias."""
        nn.init.normal_(self.embedding.weight, std=0.3)
        if self.config.ngram_orders:
            nn.init.normal_(self.ngrams.weight, std=0.1)
        for name, parameter in self.recurrence.named_parameters():
            if "weight_hh" in name:
                for gate in torch.split(parameter.data, self.config.hidden_size):
                    nn.init.orthogonal_(gate)
            elif "bias" in name:
                nn.init.zeros_(parameter)


class NgramBag(nn.Module):
    """A linear classifier on the n-grams of a sequence: the simple baseline inside the network.

    Args:
        config: its ``bag_`` settings.
        inventory: codes of the n-grams that have a row, (rows,), int64, in rising order.
        labels: C.
    """

    codes: Tensor

    def __init__(self, config: ModelConfig, inventory: NDArray[np.int64], labels: int) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("codes", torch.from_numpy(inventory))
        self.weight = nn.Parameter(torch.zeros(len(inventory), labels))

    def forward(self, ids: Tensor) -> Tensor:
        """Return what the n-grams of the sequences, (T, B), add to the logits, (B, C)."""
        config = self.config
        bags = bag_codes(pad(ids, (0, 0, 1, 1), value=EDGE), config.bag_orders)
        if not bags or len(self.codes) == 0:  # a sequence shorter than any n-gram, or no n-gram frequent enough
            return self.weight.new_zeros(ids.shape[1], self.weight.shape[1])
        codes = torch.cat(bags).T.contiguous()
        rows = torch.searchsorted(self.codes, codes).clamp(max=len(self.codes) - 1)
        known = (self.codes[rows] == codes).float()  # an n-gram that training did not meet adds nothing
        scale = config.bag_scale / math.sqrt(codes.shape[1])
        weights = dropout(known, config.bag_dropout, self.training) * scale
        return embedding_bag(rows, self.weight, mode="sum", per_sample_weights=weights)
