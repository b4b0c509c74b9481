"""torch.nn's recurrent layers with the same call as the cells written by hand.

The only difference is the state: here it is always a tuple, the hidden state first.
"""

from torch import Tensor, nn

from elman.cells.contract import State
from elman.errors import SettingError


class LibraryRNN(nn.RNN):
    """torch.nn.RNN with the call of `elman.cells.unroll.Unrolled`."""

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:  # type: ignore[override]
        """Read a batch: (T, B, I) to the outputs, (T, B, D · H), and the final state, one tensor of (L · D, B, H)."""
        outputs, hidden = super().forward(inputs, _hidden_of(state))
        return outputs, (hidden,)


class LibraryGRU(nn.GRU):
    """torch.nn.GRU with the call of `elman.cells.unroll.Unrolled`."""

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:  # type: ignore[override]
        """Read a batch: (T, B, I) to the outputs, (T, B, D · H), and the final state, one tensor of (L · D, B, H)."""
        outputs, hidden = super().forward(inputs, _hidden_of(state))
        return outputs, (hidden,)


class LibraryLSTM(nn.LSTM):
    """torch.nn.LSTM with the call of `elman.cells.unroll.Unrolled`."""

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:  # type: ignore[override]
        """Read a batch: (T, B, I) to the outputs, (T, B, D · H), and the final state, two tensors of (L · D, B, H)."""
        outputs, final = super().forward(inputs, None if state is None else (state[0], state[1]))
        return outputs, final


def _hidden_of(state: State | None) -> Tensor | None:
    if state is None:
        return None
    if len(state) != 1:
        raise SettingError(f"the state must be one tensor, the hidden state; got {len(state)}")
    return state[0]
