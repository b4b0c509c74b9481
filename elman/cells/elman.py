"""The Elman network: a hidden layer that reads its own last state together with the next input.

Source: J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990), section "Networks with memory".
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import linear

from elman.cells.contract import Cell, State
from elman.errors import SettingError

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "none": lambda tensor: tensor,
}


class ElmanCell(Cell):
    """The simple recurrent cell; torch.nn's RNN if the activation is tanh or relu.

    Args:
        activation: ``tanh``, ``relu``, ``sigmoid`` or ``none``.

    Raises:
        SettingError: the activation is unknown.

    >>> state = ElmanCell().step(torch.zeros(1, 2), (torch.zeros(1, 2),), torch.eye(2), torch.tensor([0.0, 1.0]))
    >>> [round(float(value), 3) for value in state[0][0]]
    [0.0, 0.762]
    """

    gates: ClassVar[int] = 1

    def __init__(self, activation: str = "tanh") -> None:
        if activation not in ACTIVATIONS:
            raise SettingError(f"activation must be one of {', '.join(ACTIVATIONS)}; got {activation!r}")
        self.name, self.activation = activation, ACTIVATIONS[activation]

    def step(self, projected: Tensor, state: State, weight_hh: Tensor, bias_hh: Tensor) -> State:
        """Read one step; shapes as in `Cell.step`, with gates = 1."""
        (hidden,) = state
        # h' = f(W_ih x + b_ih + W_hh h + b_hh)
        return (self.activation(projected + linear(hidden, weight_hh, bias_hh)),)
