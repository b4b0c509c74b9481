"""What every recurrent cell provides.

A cell is its equations and nothing else: one step of time for a batch, as a function of its weights. The weights, time,
directions and layers belong to `elman.cells.unroll`. So one loop runs every cell, the input side of all steps is one
matrix product, and each cell fits on one screen.

The weights have torch.nn's names, shapes and order of gates, so that each can load the other's:

    weight_ih  (gates · H, I)    input to hidden          bias_ih  (gates · H,)
    weight_hh  (gates · H, H)    hidden to hidden         bias_hh  (gates · H,)
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

State = tuple[Tensor, ...]
"""What a cell carries from one step to the next: tensors of shape (B, H), the output first."""


class Cell(ABC):
    """One step of a recurrent network, without its weights.

    Attributes:
        gates: how many blocks of H rows ``weight_ih`` and ``weight_hh`` hold.
        state_size: how many tensors of shape (B, H) the state holds.
    """

    gates: ClassVar[int]
    state_size: ClassVar[int] = 1

    @abstractmethod
    def step(self, projected: Tensor, state: State, weight_hh: Tensor, bias_hh: Tensor) -> State:
        """Read one step.

        Args:
            projected: W_ih x + b_ih of this step, (B, gates · H), float.
            state: what the step before returned, each (B, H).
            weight_hh: (gates · H, H).
            bias_hh: (gates · H,).

        Returns:
            The next state, each (B, H); its first tensor is the output of the step.
        """
