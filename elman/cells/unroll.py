"""Time, directions and layers: the loop that runs any cell over a batch of sequences of equal length."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, linear

from elman.cells.contract import Cell, State
from elman.errors import SettingError


class Unrolled(nn.Module):
    """A cell written by hand, unrolled over time, in one or two directions and any number of layers.

    Parameters have the names, shapes, order and initial values of torch.nn's recurrent layers
    (``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0``, ``bias_hh_l0``, then ``…_l0_reverse``, ``…_l1`` and so on).

    Args:
        cell: its equations.
        input_size: features of each step, I.
        hidden_size: H.
        layers: L, at least 1.
        directions: D, 1 or 2.
        dropout: share of each layer's outputs dropped in training before the next layer reads them, 0 to 1.

    Raises:
        SettingError: a size is below 1, directions is neither 1 nor 2, or dropout is not between 0 and 1.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        *,
        layers: int = 1,
        directions: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(input_size, hidden_size, layers, directions, dropout)
        self.cell, self.hidden_size = cell, hidden_size
        self.layers, self.directions, self.dropout = layers, directions, dropout
        rows = cell.gates * hidden_size
        for layer in range(layers):
            columns = input_size if layer == 0 else directions * hidden_size
            for suffix in self._suffixes(layer):
                self.register_parameter(f"weight_ih_{suffix}", nn.Parameter(torch.empty(rows, columns)))
                self.register_parameter(f"weight_hh_{suffix}", nn.Parameter(torch.empty(rows, hidden_size)))
                self.register_parameter(f"bias_ih_{suffix}", nn.Parameter(torch.empty(rows)))
                self.register_parameter(f"bias_hh_{suffix}", nn.Parameter(torch.empty(rows)))
        bound = 1 / math.sqrt(hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a batch of sequences.

        Args:
            inputs: (T, B, I), float.
            state: the first state, each (L · D, B, H); zeros if None.

        Returns:
            The outputs of the last layer at each step, (T, B, D · H), and the final state, each (L · D, B, H).

        Raises:
            SettingError: the state does not have these shapes.
        """
        if state is None:
            zeros = inputs.new_zeros(self.layers * self.directions, inputs.shape[1], self.hidden_size)
            state = (zeros,) * self.cell.state_size
        self.check_state(state, inputs.shape[1])
        finals: list[State] = []
        for layer in range(self.layers):
            if layer > 0:
                inputs = dropout(inputs, self.dropout, self.training)
            outputs = []
            for direction, suffix in enumerate(self._suffixes(layer)):
                first = tuple(part[layer * self.directions + direction] for part in state)
                output, final = self._read(inputs, first, suffix, backwards=direction == 1)
                outputs.append(output)
                finals.append(final)
            inputs = torch.cat(outputs, dim=2)
        return inputs, tuple(torch.stack(part) for part in zip(*finals, strict=True))

    def weights(self) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Return the weights of each layer and direction: ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh``."""
        return [self._weights(suffix) for layer in range(self.layers) for suffix in self._suffixes(layer)]

    def check_state(self, state: State, size: int) -> None:
        """Check that a state fits a batch of ``size`` sequences.

        Raises:
            SettingError: its shapes are not those that `forward` takes.
        """
        expected = (self.layers * self.directions, size, self.hidden_size)
        if len(state) != self.cell.state_size or any(part.shape != expected for part in state):
            raise SettingError(
                f"the state must be {self.cell.state_size} of shape {expected}; got {[tuple(s.shape) for s in state]}"
            )

    def _read(self, inputs: Tensor, state: State, suffix: str, *, backwards: bool) -> tuple[Tensor, State]:
        weight_ih, weight_hh, bias_ih, bias_hh = self._weights(suffix)
        projected = linear(inputs, weight_ih, bias_ih)  # the input side of all steps is one product
        steps = list(projected.unbind(0))
        outputs = []
        for step in reversed(steps) if backwards else steps:
            state = self.cell.step(step, state, weight_hh, bias_hh)
            outputs.append(state[0])
        return torch.stack(outputs[::-1] if backwards else outputs), state

    def _weights(self, suffix: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        weight_ih, weight_hh, bias_ih, bias_hh = (
            getattr(self, f"{name}_{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        return weight_ih, weight_hh, bias_ih, bias_hh

    def _suffixes(self, layer: int) -> list[str]:
        return [f"l{layer}", f"l{layer}_reverse"][: self.directions]


def check_sizes(input_size: int, hidden_size: int, layers: int, directions: int, dropout: float) -> None:
    """Check the sizes of a recurrent layer.

    Raises:
        SettingError: a size is below 1, directions is neither 1 nor 2, or dropout is not between 0 and 1.
    """
    if min(input_size, hidden_size, layers) < 1 or directions not in (1, 2) or not 0 <= dropout <= 1:
        raise SettingError(
            "a recurrent layer needs input_size, hidden_size and layers of at least 1, 1 or 2 directions, and dropout "
            f"between 0 and 1; got {input_size}, {hidden_size}, {layers}, {directions} and {dropout}"
        )
