"""The network of pairs: an encoder reads a string, and a decoder with attention writes another one, symbol by symbol.

    sources → embedding → encoder → memory, one row for each symbol of the source
    symbol before, label, context → decoder → state
    state, context → mix → output → logits of the next symbol

The context is what attention reads of the memory with the state before the step, as in D. Bahdanau, K. Cho and Y.
Bengio, "Neural machine translation by jointly learning to align and translate", ICLR 2015; without attention it is the
last state of the encoder at each step, as in K. Cho et al., "Learning phrase representations using RNN
encoder–decoder", EMNLP 2014. It knows no strings and no files.

A batch has sources of one length. Its targets differ in length, so they are sorted, the longest first: step t then
reads the first n_t rows, and no row is padded. The targets of all steps follow each other, those of the first step
first: that is what *packed* means here, as in `torch.nn.utils.rnn.PackedSequence`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, linear

from elman.cells import Fused, State, build_recurrence
from elman.cells.attention import build_attention
from elman.model.writing import WriterConfig
from elman.text.targets import MARK


class Transducer(nn.Module):
    """Reads sources, and scores each symbol of their targets.

    Its parameters have the names and shapes that `WriterConfig.tensor_shapes` lists.

    Attributes:
        bfloat16_products: whether products are of bfloat16 numbers in training, on a processor. False at first.

    Args:
        config: the shape of the network.
        sources: V, including the unknown symbol.
        targets: S, including the mark.
        labels: C, how many labels the decoder knows; 0 if none.
    """

    def __init__(self, config: WriterConfig, *, sources: int, targets: int, labels: int = 0) -> None:
        super().__init__()
        self.config = config
        self.rates = {"dropout": config.dropout or 0.0, "input_dropout": config.input_dropout or 0.0}
        context, hidden = config.context_size, config.hidden_size
        self.sources = nn.Embedding(sources, config.source_size)
        self.encoder = build_recurrence(
            config.encoder_cell,
            config.source_size,
            config.encoder_size,
            by_hand=config.by_hand,
            fused=config.fused,
            layers=config.encoder_layers,
            directions=config.encoder_directions,
            dropout=self.rates["dropout"],
        )
        self.bridge = nn.Linear(context, config.layers * hidden)
        if config.attention != "none":
            self.attention = build_attention(config.attention, hidden, context, config.attention_size)
        self.targets = nn.Embedding(targets, config.embedding_size)
        if config.label_size:
            self.labels = nn.Embedding(labels + 1, config.label_size)
        self.decoder = build_recurrence(config.cell, config.step_size, hidden, by_hand=True, layers=config.layers)
        if config.mix_size:
            self.mix = nn.Linear(hidden + context, config.mix_size)
        self.output = nn.Linear(config.mix_size or hidden + context, targets)
        self.bfloat16_products = False
        if isinstance(self.encoder, Fused):
            self.encoder.has_short_inputs = True
        self._initialise()

    def forward(self, sources: Tensor, targets: Tensor, sizes: Sequence[int], labels: Tensor | None = None) -> Tensor:
        """Score the targets of a batch, each symbol given those before it.

        Args:
            sources: ids, (T, B), int64, the sources with the longest targets first.
            targets: ids of all steps with the end marks, packed, (N,), int64.
            sizes: n_t, how many targets have a symbol at step t; falling, the first is B, their sum is N.
            labels: ids, (B,), int64, 0 for no label; None if the network knows no labels.

        Returns:
            Logits, packed, (N, S).
        """
        memory, keys, state = self.encode(sources)
        before = shift_targets(targets, sizes)
        if labels is not None and self.training:  # the row of no label is trained, too
            labels = labels * (torch.rand(labels.shape, device=labels.device) >= self.config.label_dropout)
        if self.training and self.config.own_share:
            before = self._mix_own(before, memory, keys, state, sizes, labels)
        with self._products():
            return self._decode(before, memory, keys, state, sizes, labels)

    def encode(self, sources: Tensor) -> tuple[Tensor, Tensor | None, list[State]]:
        """Read sources, (T, B).

        Returns:
            The memory, (B, T, M), what attention compares of it, (B, T, K), None without attention, and the first
            state of each layer of the decoder, (B, H).
        """
        share = self.rates["dropout"]
        outputs, final = self.encoder(self._drop(self.sources(sources), self.rates["input_dropout"]))
        last = torch.cat(tuple(final[0][-self.config.encoder_directions :]), 1)
        hidden = self.bridge(last).tanh().split(self.config.hidden_size, 1)
        state: list[State] = [(h, torch.zeros_like(h)) if self.config.cell == "lstm" else (h,) for h in hidden]
        if self.config.attention == "none":
            return self._drop(last[None], share)[0][:, None], None, state
        memory = self._drop(outputs, share).transpose(0, 1).contiguous()
        with self._products():
            return memory, _widen(self.attention.keys(memory)), state

    def _decode(
        self,
        before: Tensor,
        memory: Tensor,
        keys: Tensor | None,
        state: list[State],
        sizes: Sequence[int],
        labels: Tensor | None,
    ) -> Tensor:
        """Return the logits of all steps, (N, S), given the symbol before each, (N,)."""
        config, share = self.config, self.rates["dropout"]
        read = dropout(self.targets(before), self.rates["input_dropout"], self.training)
        if labels is not None:
            read = torch.cat([read, self.labels(torch.cat([labels[:size] for size in sizes]))], 1)
        (weight_ih, weight_hh, bias_ih, bias_hh), *above = self.decoder.weights()
        of_read, of_context = weight_ih.split([read.shape[1], config.context_size], 1)
        states, contexts = [], []
        # The input side of all steps is one product, but for the context.
        for side in _widen(linear(read, of_read, bias_ih)).split(list(sizes)):
            size = len(side)
            if size < len(memory):  # the shortest targets are complete
                memory, keys = memory[:size], None if keys is None else keys[:size]
                state = [tuple(part[:size] for part in parts) for parts in state]
            context = memory[:, 0] if keys is None else self.attention(state[-1][0], keys, memory)[0]
            below = self.decoder.cell.step(side + linear(context, of_context), state[0], weight_hh, bias_hh)
            after = [below]
            for past, (upper_ih, upper_hh, upper_bias_ih, upper_bias_hh) in zip(state[1:], above, strict=True):
                inputs = _widen(linear(dropout(below[0], share, self.training), upper_ih, upper_bias_ih))
                below = self.decoder.cell.step(inputs, past, upper_hh, upper_bias_hh)
                after.append(below)
            state = after
            states.append(below[0])
            contexts.append(context)
        return self.score(torch.cat(states), torch.cat(contexts))

    def score(self, state: Tensor, context: Tensor) -> Tensor:
        """Return the logits of the next symbol, (N, S), from the states, (N, H), and the contexts, (N, M)."""
        share = self.rates["dropout"]
        known = torch.cat([dropout(state, share, self.training), context], 1)
        if self.config.mix_size:
            known = dropout(_widen(self.mix(known)).tanh(), share, self.training)
        logits: Tensor = self.output(known)
        return logits

    def _products(self) -> torch.autocast:
        """Return a context in which products are of bfloat16 numbers, if the training asks for that."""
        is_short = self.training and self.bfloat16_products and self.bridge.weight.device.type == "cpu"
        return torch.autocast("cpu", torch.bfloat16, enabled=is_short)

    def _drop(self, steps: Tensor, share: float) -> Tensor:
        """Drop a share of the numbers of sequences, (T, B, N), the same ones at each step of a sequence.

        Source: Y. Gal and Z. Ghahramani, "A theoretically grounded application of dropout in recurrent neural
        networks", 2016. One mask for all steps is also drawn faster.
        """
        if not self.training or not share:
            return steps
        return steps * dropout(steps.new_ones(steps.shape[1:]), share)

    @torch.no_grad()
    def _mix_own(
        self,
        before: Tensor,
        memory: Tensor,
        keys: Tensor | None,
        state: list[State],
        sizes: Sequence[int],
        labels: Tensor | None,
    ) -> Tensor:
        """Return the symbols before each step, (N,), a share of which the network drew itself.

        Scheduled sampling (S. Bengio et al., 2015) for all steps at once: one pass over the true symbols says what to
        draw from at each step (D. Duckworth et al., "Parallel scheduled sampling", 2019).
        """
        with self._products():
            logits = self._decode(before, memory, keys, state, sizes, labels).float()
        drawn = torch.multinomial(logits.softmax(1), 1)[:, 0]
        own = torch.rand(before.shape, device=before.device) < self.config.own_share
        own[: sizes[0]] = False  # the first step reads the mark of the start
        return torch.where(own, shift_targets(drawn, sizes), before)

    def _initialise(self) -> None:
        """Initialise tables with small numbers, and recurrent weights orthogonally, gate by gate."""
        for table in (self.sources, self.targets, getattr(self, "labels", None)):
            if table is not None:
                nn.init.normal_(table.weight, std=0.3)
        for module, size in ((self.encoder, self.config.encoder_size), (self.decoder, self.config.hidden_size)):
            for name, parameter in module.named_parameters():
                if "weight_hh" in name:
                    for gate in torch.split(parameter.data, size):
                        nn.init.orthogonal_(gate)
                elif "bias" in name:
                    nn.init.zeros_(parameter)


def shift_targets(targets: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return the symbol before each symbol, (N,); before the first is the mark of the end, which also begins.

    Args:
        targets: packed, (N,).
        sizes: n_t, falling.

    >>> shift_targets(torch.tensor([5, 6, 7, 0, 0]), [2, 2, 1])
    tensor([0, 0, 5, 6, 7])
    """
    steps = targets.split(list(sizes))
    first = targets.new_full((sizes[0],), MARK)
    return torch.cat([first, *(past[:size] for past, size in zip(steps, sizes[1:], strict=False))])


def _widen(product: Tensor) -> Tensor:
    """Return a product of bfloat16 numbers as float32, others as they are: sums and functions of it stay exact."""
    return product.float() if product.dtype == torch.bfloat16 else product
