"""The same cells, fast: a whole layer is one node of autograd, with the passes of `elman.cells.passes`.

Autograd follows a cell written by hand step by step: each small operation is a node, and each step has a product of its
own for the gradient of the recurrent weights. Here the whole sequence is one node, both directions together. The
backward pass computes what does not depend on the gradient for all steps at once, its loop carries only the gradient of
the hidden state, and the gradient of the recurrent weights is one product over all steps, as in cuDNN.

If the inputs are symbols, the input weights are multiplied with the embedding once, V rows rather than T · B, and each
step looks its row up; the backward pass sums the gradients of the rows by symbol. What the passes keep between forward
and backward is in reusable buffers, because new memory costs more than much of the arithmetic in it.

The tests compare values and gradients with the equations of `elman.cells.elman`, `gru` and `lstm`. Read those files
first: this one is for speed (`benchmarks/speed.py --parts training`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import dropout, linear, pad

from elman.cells.contract import Cell, State
from elman.cells.elman import ElmanCell
from elman.cells.gru import GRUCell
from elman.cells.lstm import LSTMCell
from elman.cells.passes import BufferPool, ElmanPass, GRUPass, LSTMPass, Steps
from elman.cells.unroll import Unrolled
from elman.errors import SettingError


class Fused(Unrolled):
    """`Unrolled` with fused passes: the same parameters, the same results, the same call.

    Attributes:
        bfloat16_products: whether recurrent products are of bfloat16 numbers, summed in float32. False at first.
        has_short_inputs: whether the products of the inputs then are, too. False at first.

    Raises:
        SettingError: the cell has no fused pass; its activation is neither tanh nor relu.
    """

    def __init__(self, cell: Cell, input_size: int, hidden_size: int, **settings: Any) -> None:
        super().__init__(cell, input_size, hidden_size, **settings)
        if isinstance(cell, ElmanCell) and cell.name not in ("tanh", "relu"):
            raise SettingError(f"the fused Elman cell has the activations tanh and relu; got {cell.name!r}")
        self.bfloat16_products = self.has_short_inputs = False
        self._pool = BufferPool()

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a batch of sequences; see `Unrolled.forward`."""
        if state is not None:
            self.check_state(state, inputs.shape[1])
        return self._run_layers(inputs, None, state)

    def read_symbols(self, ids: Tensor, embedding: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a batch of symbols: the same as `forward` of ``embedding[ids]``, without an input product in each step.

        Args:
            ids: (T, B), int64.
            embedding: (V, I), float.
            state: as in `forward`.

        Returns:
            As `forward`.
        """
        if state is not None:
            self.check_state(state, ids.shape[1])
        return self._run_layers(embedding, ids, state)

    def _run_layers(self, inputs: Tensor, ids: Tensor | None, state: State | None) -> tuple[Tensor, State]:
        """Read numbers, (T, B, I), or with ids rows of an embedding, (V, I)."""
        finals: list[State] = []
        for layer in range(self.layers):
            if layer > 0:
                inputs = dropout(inputs, self.dropout, self.training)
            weights = [self._weights(suffix) for suffix in self._suffixes(layer)]
            of_layer = slice(layer * self.directions, (layer + 1) * self.directions)
            first = None if state is None else tuple(part[of_layer] for part in state)
            sides = self._project(inputs, weights)
            if ids is not None and layer == 0:
                indices = torch.stack([ids, ids.flip(0) + len(inputs)][: self.directions])
                outputs, final = self._run_layer(torch.cat(sides), indices, first, weights)
            else:
                projected = torch.stack(sides) if len(sides) > 1 else sides[0][None]
                outputs, final = self._run_layer(projected, None, first, weights)
            inputs = torch.cat([outputs[0], outputs[1].flip(0)], dim=2) if self.directions == 2 else outputs[0]
            finals.append(final)
        return inputs, tuple(torch.cat(part) for part in zip(*finals, strict=True))

    def _project(self, inputs: Tensor, weights: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
        """Return for each direction the input side of its gates, with all biases that can be added beforehand.

        Args:
            inputs: (T, B, I), or rows of an embedding, (V, I).
            weights: of each direction.

        Returns:
            Each (…, G · H), steps in the order in which the direction reads them.
        """
        sides = []
        for direction, (weight_ih, _, bias_ih, bias_hh) in enumerate(weights):
            steps = inputs.flip(0) if direction == 1 and inputs.ndim == 3 else inputs
            if isinstance(self.cell, GRUCell):  # the reset gate multiplies b_hn too, so it cannot be added here
                bias_hh = pad(bias_hh[: 2 * self.hidden_size], (0, self.hidden_size))
            if self.bfloat16_products and self.has_short_inputs and inputs.ndim == 3:
                side = linear(steps.bfloat16(), weight_ih.bfloat16()).float() + (bias_ih + bias_hh)
            else:
                side = linear(steps, weight_ih, bias_ih + bias_hh)
            sides.append(side)
        return sides

    def _run_layer(
        self, projected: Tensor, indices: Tensor | None, first: State | None, weights: Sequence[tuple[Tensor, ...]]
    ) -> tuple[Tensor, State]:
        """Run one layer: see `elman.cells.passes`. Return outputs, (D, T, B, H), and final state, each (D, B, H)."""
        start = first or (None,) * self.cell.state_size
        recurrent = torch.stack([weight_hh for _, weight_hh, _, _ in weights])
        steps = Steps(self._pool, rows=len(projected), from_zeros=first is None, bfloat16=self.bfloat16_products)
        run: Any
        if isinstance(self.cell, GRUCell):
            bias = torch.stack([bias_hh[2 * self.hidden_size :] for _, _, _, bias_hh in weights])
            run = GRUPass.apply
            outputs, *final = run(steps, projected, indices, recurrent, *start, bias)
        elif isinstance(self.cell, LSTMCell):
            run = LSTMPass.apply
            outputs, *final = run(steps, projected, indices, recurrent, *start)
        else:
            run = ElmanPass.apply
            outputs, *final = run(steps, projected, indices, recurrent, *start, getattr(self.cell, "name", ""))
        return outputs, tuple(final)
