"""The gated recurrent unit: two gates decide how much of the past to read and how much to keep.

Source: K. Cho et al., "Learning phrase representations using RNN encoder–decoder", EMNLP 2014, equations 5 to 8, in the
variant that torch.nn and cuDNN compute: the reset gate is applied after the recurrent product, which has a bias.
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import linear

from elman.cells.contract import Cell, State


class GRUCell(Cell):
    """The GRU; its gates are in torch.nn's order: reset, update, candidate.

    >>> projected, hidden = torch.zeros(1, 3), torch.ones(1, 1)
    >>> GRUCell().step(projected, (hidden,), torch.zeros(3, 1), torch.zeros(3))
    (tensor([[0.5000]]),)
    """

    gates: ClassVar[int] = 3

    def step(self, projected: Tensor, state: State, weight_hh: Tensor, bias_hh: Tensor) -> State:
        """Read one step; shapes as in `Cell.step`, with gates = 3."""
        (hidden,) = state
        input_reset, input_update, input_candidate = projected.chunk(3, dim=1)
        hidden_reset, hidden_update, hidden_candidate = linear(hidden, weight_hh, bias_hh).chunk(3, dim=1)
        # r = σ(W_ir x + b_ir + W_hr h + b_hr)          how much of the past the candidate reads
        reset = torch.sigmoid(input_reset + hidden_reset)
        # z = σ(W_iz x + b_iz + W_hz h + b_hz)          how much of the past is kept
        update = torch.sigmoid(input_update + hidden_update)
        # n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn))  what could take its place
        candidate = torch.tanh(input_candidate + reset * hidden_candidate)
        # h' = (1 − z) ⊙ n + z ⊙ h
        return ((1 - update) * candidate + update * hidden,)
