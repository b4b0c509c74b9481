"""Recurrent cells: written by hand, one screen each, and torch.nn's with the same call. They know nothing of names."""

from torch import nn

from elman.cells.contract import Cell, State
from elman.cells.elman import ACTIVATIONS, ElmanCell
from elman.cells.fused import Fused
from elman.cells.gru import GRUCell
from elman.cells.library import LibraryGRU, LibraryLSTM, LibraryRNN
from elman.cells.lstm import LSTMCell
from elman.cells.unroll import Unrolled, check_sizes
from elman.errors import SettingError

CELLS = ("elman", "rnn", "gru", "lstm")
"""``rnn`` is the Elman network's other name, as torch.nn calls it."""

__all__ = [
    "ACTIVATIONS",
    "CELLS",
    "Cell",
    "ElmanCell",
    "Fused",
    "GRUCell",
    "LSTMCell",
    "LibraryGRU",
    "LibraryLSTM",
    "LibraryRNN",
    "State",
    "Unrolled",
    "build_recurrence",
]


def build_recurrence(
    cell: str,
    input_size: int,
    hidden_size: int,
    *,
    by_hand: bool,
    fused: bool = True,
    activation: str = "tanh",
    layers: int = 1,
    directions: int = 1,
    dropout: float = 0.0,
) -> nn.Module:
    """Return the recurrent part of a network: a module from (T, B, I) to ((T, B, D · H), final state).

    Args:
        cell: one of `CELLS`.
        input_size: I.
        hidden_size: H.
        by_hand: use the cell written for reading, which autograd follows step by step.
        fused: otherwise use the passes of `elman.cells.fused` rather than torch.nn's layer. The weights are the same.
        activation: of the Elman network; sigmoid and none are always by hand.
        layers: L.
        directions: D, 1 or 2.
        dropout: between layers, 0 to 1.

    Raises:
        SettingError: the cell or the activation is unknown, or a size is invalid.
    """
    hand: Cell
    check_sizes(input_size, hidden_size, layers, directions, dropout)
    match cell:
        case "elman" | "rnn":
            hand = ElmanCell(activation)
            by_hand = by_hand or activation not in ("tanh", "relu")
        case "gru":
            hand = GRUCell()
        case "lstm":
            hand = LSTMCell()
        case _:
            raise SettingError(f"cell must be one of {', '.join(CELLS)}; got {cell!r}")
    if by_hand:
        return Unrolled(hand, input_size, hidden_size, layers=layers, directions=directions, dropout=dropout)
    if fused:
        return Fused(hand, input_size, hidden_size, layers=layers, directions=directions, dropout=dropout)
    between = dropout if layers > 1 else 0.0  # torch.nn warns if dropout has no second layer
    both = directions == 2
    if isinstance(hand, GRUCell):
        return LibraryGRU(input_size, hidden_size, layers, bidirectional=both, dropout=between)
    if isinstance(hand, LSTMCell):
        return LibraryLSTM(input_size, hidden_size, layers, bidirectional=both, dropout=between)
    return LibraryRNN(input_size, hidden_size, layers, nonlinearity=activation, bidirectional=both, dropout=between)
