"""Passes: a whole layer as one node of autograd, with a backward pass by hand for each cell.

Every pass takes these arguments, then those of its cell:

    steps      its settings: `Steps`
    projected  the input side of each step with the biases that can be added to it, (D, T, B, G · H); with ``indices``
               the rows to read, (D · V, G · H)
    indices    which row each step reads, (D, T, B), int64; or None
    weight     the recurrent weights, (D, G · H, H)
    first      the first state, (D, B, H), or None if it is zero

It returns the outputs, (D, T, B, H), and the final state, each (D, B, H). In the comments L is the loss, p the input
side of a step, h the state before it and h' the state after it.
"""

from elman.cells.passes.buffers import BufferPool
from elman.cells.passes.elman import ElmanPass
from elman.cells.passes.gru import GRUPass
from elman.cells.passes.lstm import LSTMPass
from elman.cells.passes.steps import Steps

__all__ = ["BufferPool", "ElmanPass", "GRUPass", "LSTMPass", "Steps"]
