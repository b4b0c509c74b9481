"""Long short-term memory: a cell state that is changed only by gates, beside the hidden state that is shown.

Source: S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997), with the forget gate of
F. Gers et al., "Learning to forget", Neural Computation 12 (2000).
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import linear

from elman.cells.contract import Cell, State


class LSTMCell(Cell):
    """The LSTM; its gates are in torch.nn's order: input, forget, candidate, output.

    >>> projected, zero = torch.zeros(1, 4), torch.zeros(1, 1)
    >>> LSTMCell().step(projected, (zero, torch.ones(1, 1)), torch.zeros(4, 1), torch.zeros(4))[1]
    tensor([[0.5000]])
    """

    gates: ClassVar[int] = 4
    state_size: ClassVar[int] = 2

    def step(self, projected: Tensor, state: State, weight_hh: Tensor, bias_hh: Tensor) -> State:
        """Read one step; shapes as in `Cell.step`, with gates = 4 and the state (hidden, cell)."""
        hidden, cell = state
        blocks = (projected + linear(hidden, weight_hh, bias_hh)).chunk(4, dim=1)
        # i = σ(W_ii x + b_ii + W_hi h + b_hi)       how much of the candidate is written
        input_gate = torch.sigmoid(blocks[0])
        # f = σ(W_if x + b_if + W_hf h + b_hf)       how much of the cell state stays
        forget_gate = torch.sigmoid(blocks[1])
        # g = tanh(W_ig x + b_ig + W_hg h + b_hg)    what could be written
        candidate = torch.tanh(blocks[2])
        # o = σ(W_io x + b_io + W_ho h + b_ho)       how much of the cell state is shown
        output_gate = torch.sigmoid(blocks[3])
        # c' = f ⊙ c + i ⊙ g
        cell = forget_gate * cell + input_gate * candidate
        # h' = o ⊙ tanh(c')
        return output_gate * torch.tanh(cell), cell
