"""The decoder as a language model: it reads the symbols of a string, and at each step scores the one that comes next.

In training all symbols are known beforehand (teacher forcing, R. J. Williams & D. Zipser, 1989), so the cells read a
whole string at once, as those of any other network; only writing goes step by step (`elman.scoring.decoder`).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, embedding

from elman.cells import Fused, build_recurrence
from elman.model.writing import WriterConfig

NO_LABEL = 0
"""The row of no label; label k has row k + 1."""


class LanguageModel(nn.Module):
    """Scores the next symbol at each step of a string, with a label or without.

    Its parameters have the names and shapes that `WriterConfig.tensor_shapes` lists.

    Args:
        config: the shape of the network, without an encoder; None for a rate means 0.
        symbols: S, the mark included.
        labels: C; 0 without labels.

    >>> model = LanguageModel(WriterConfig(hidden_size=4, embedding_size=3), symbols=5)
    >>> model(torch.tensor([[0], [0], [2]])).shape  # no label; the mark and a symbol
    torch.Size([2, 1, 5])
    """

    def __init__(self, config: WriterConfig, *, symbols: int, labels: int = 0) -> None:
        super().__init__()
        self.config = config
        self.rates = {"dropout": config.dropout or 0.0, "input_dropout": config.input_dropout or 0.0}
        self.targets = nn.Embedding(symbols, config.embedding_size)
        if config.label_size:
            self.labels = nn.Embedding(labels + 1, config.label_size)
        self.decoder = build_recurrence(
            config.cell,
            config.step_size,
            config.hidden_size,
            by_hand=config.by_hand,
            fused=config.fused,
            layers=config.layers,
            dropout=self.rates["dropout"],
        )
        self.output = nn.Linear(config.hidden_size, symbols)
        self._initialise()

    def forward(self, inputs: Tensor) -> Tensor:
        """Score the next symbol at each step of a batch of strings of equal length.

        Args:
            inputs: (T + 1, B), int64: in the first row of each string the row of its label, `NO_LABEL` if it has none;
                then the mark and its symbols.

        Returns:
            Logits of the symbols and of the mark, which comes after the last one, (T, B, S).
        """
        labels, symbols = inputs[0], inputs[1:]
        rate = self.rates["input_dropout"] if self.training else 0.0
        if isinstance(self.decoder, Fused) and not self.config.label_size and not rate:
            outputs, _ = self.decoder.read_symbols(symbols, self.targets.weight)
        else:
            outputs, _ = self.decoder(self._embed(symbols, labels, rate))
        logits: Tensor = self.output(dropout(outputs, self.rates["dropout"], self.training))
        return logits

    def _embed(self, symbols: Tensor, labels: Tensor, rate: float) -> Tensor:
        """Return what the cells read at each step: the row of the symbol before, and the row of the label."""
        rows = dropout(embedding(symbols, self.targets.weight), rate, self.training)
        if not self.config.label_size:
            return rows
        if self.training and self.config.label_dropout:
            hidden = torch.rand(labels.shape, device=labels.device) < self.config.label_dropout
            labels = labels.masked_fill(hidden, NO_LABEL)
        given = embedding(labels, self.labels.weight)
        return torch.cat([rows, given.expand(len(symbols), -1, -1)], dim=2)

    def _initialise(self) -> None:
        """Initialise tables with small numbers, and the recurrent weights of each gate as orthogonal matrices."""
        nn.init.normal_(self.targets.weight, std=0.3)
        if self.config.label_size:
            nn.init.normal_(self.labels.weight, std=0.3)
        for name, parameter in self.decoder.named_parameters():
            if "bias" in name:
                nn.init.zeros_(parameter)
            elif "weight_hh" in name:
                for gate in torch.split(parameter.data, self.config.hidden_size):
                    nn.init.orthogonal_(gate)
