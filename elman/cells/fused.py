"""The same cells, fast: forward passes that keep what the way back needs, and backward passes written by hand.

A cell by hand is followed step by step by autograd: each small operation is a node, and each step has a product of its
own for the gradient of the recurrent weights. Here the whole sequence is one node. On the way back all that does not
depend on the gradient is computed for every step at once; the loop then carries only the gradient of the hidden state;
and the gradient of the recurrent weights is one product over all steps, as cuDNN does it.

The equations are those of `elman.cells.elman`, `gru` and `lstm`; the tests hold them against each other, values and
gradients. Read those files first: this one is for speed (`benchmarks/tutorials.py digits-speed`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, pad

from elman.cells.contract import Cell, State
from elman.cells.elman import ElmanCell
from elman.cells.gru import GRUCell
from elman.cells.lstm import LSTMCell
from elman.cells.unroll import Unrolled
from elman.errors import SettingError

sigmoid_gradient = torch.ops.aten.sigmoid_backward.grad_input
tanh_gradient = torch.ops.aten.tanh_backward.grad_input


class Fused(Unrolled):
    """`Unrolled` with fused passes: the same parameters, the same results, the same call.

    Raises:
        SettingError: the cell has no fused pass; its activation is neither tanh nor relu.
    """

    def __init__(self, cell: Cell, input_size: int, hidden_size: int, **settings: Any) -> None:
        super().__init__(cell, input_size, hidden_size, **settings)
        if isinstance(cell, ElmanCell) and cell.name not in ("tanh", "relu"):
            raise SettingError(f"the fused Elman cell has the activations tanh and relu; got {cell.name!r}")

    def _read(self, inputs: Tensor, state: State, suffix: str, *, backwards: bool) -> tuple[Tensor, State]:
        weight_ih, weight_hh, bias_ih, bias_hh = self._weights(suffix)
        if isinstance(
            self.cell, GRUCell
        ):  # its candidate's bias stands inside the reset; all others can be added before
            width = 2 * self.hidden_size
            projected = linear(inputs, weight_ih, bias_ih + pad(bias_hh[:width], (0, self.hidden_size)))
            run: Any = _GRUPass.apply
            outputs, *final = run(projected, *state, weight_hh, bias_hh[width:], backwards)
        elif isinstance(self.cell, LSTMCell):
            projected = linear(inputs, weight_ih, bias_ih + bias_hh)
            run = _LSTMPass.apply
            outputs, *final = run(projected, *state, weight_hh, backwards)
        else:
            projected, name = linear(inputs, weight_ih, bias_ih + bias_hh), getattr(self.cell, "name", "")
            run = _ElmanPass.apply
            outputs, *final = run(projected, *state, weight_hh, backwards, name)
        return outputs, tuple(final)


class _ElmanPass(torch.autograd.Function):
    """h' = f(p + W_hh h) over all steps, where p is the input side with both biases."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, first: Tensor, weight: Tensor, backwards: bool, activation: str
    ) -> tuple[Tensor, Tensor]:
        hidden, before, after = _states(first, len(projected), backwards)
        weight_t = weight.t()
        activate = torch.relu_ if activation == "relu" else torch.tanh_
        steps = (block.unbind(0)[:: _way(backwards)] for block in (before, after, projected))
        for state, step, step_input in zip(*steps, strict=True):
            activate(torch.mm(state, weight_t, out=step).add_(step_input))
        ctx.save_for_backward(hidden, weight)
        ctx.backwards, ctx.is_relu = backwards, activation == "relu"
        ctx.set_materialize_grads(False)
        return after, after[0 if backwards else -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_outputs: Tensor | None, of_final: Tensor | None) -> tuple[Any, ...]:
        hidden, weight = ctx.saved_tensors
        before, after = (hidden[1:], hidden[:-1]) if ctx.backwards else (hidden[:-1], hidden[1:])
        # f'(…) in terms of what f gave: 1 − h² of tanh, 1 or 0 of relu
        change = (after > 0).to(after.dtype) if ctx.is_relu else 1 - after * after
        gradient = torch.zeros_like(hidden[0]) if of_final is None else of_final.clone()
        steps = change.unbind(0)[:: -_way(ctx.backwards)]
        for step, wanted in zip(steps, _wanted(of_outputs, len(change), ctx.backwards), strict=True):
            if wanted is not None:
                gradient.add_(wanted)
            torch.mm(step.mul_(gradient), weight, out=gradient)
        return change, gradient, _of_recurrent(change, before), None, None


class _GRUPass(torch.autograd.Function):
    """The GRU's equations over all steps."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, first: Tensor, weight: Tensor, candidate_bias: Tensor, backwards: bool
    ) -> tuple[Tensor, Tensor]:
        length, size, _ = projected.shape
        width = first.shape[1]
        # r and z stand where their recurrent sides stood; the third block keeps W_hn h + b_hn.
        gates, candidates = torch.empty_like(projected), projected.new_empty(length, size, width)
        hidden, before, after = _states(first, length, backwards)
        both, weight_t = slice(2 * width), weight.t()
        blocks = (
            *(before, after, gates, gates[..., both], *gates.chunk(3, dim=2)),
            *(projected[..., both], projected[..., 2 * width :], candidates),
        )
        for state, step, gate, opened, reset, update, recurrent, gate_input, candidate_input, candidate in zip(
            *(block.unbind(0)[:: _way(backwards)] for block in blocks), strict=True
        ):
            torch.mm(state, weight_t, out=gate)
            opened.add_(gate_input).sigmoid_()
            recurrent.add_(candidate_bias)
            torch.addcmul(candidate_input, reset, recurrent, out=candidate).tanh_()
            torch.lerp(candidate, state, update, out=step)
        ctx.save_for_backward(gates, candidates, hidden, weight)
        ctx.backwards = backwards
        ctx.set_materialize_grads(False)
        return after, after[0 if backwards else -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_outputs: Tensor | None, of_final: Tensor | None) -> tuple[Any, ...]:
        gates, candidates, hidden, weight = ctx.saved_tensors
        length, size, width = candidates.shape
        before = hidden[1:] if ctx.backwards else hidden[:-1]
        reset, update, recurrent = gates.chunk(3, dim=2)
        # What each block's gradient is for each unit of the hidden state's: recurrent candidate, reset, update,
        # candidate. The first three are those of the recurrent side, the last three those of the input side.
        change = hidden.new_empty(length, size, 4, width)
        of_recurrent, of_reset, of_update, of_candidate = change.unbind(2)
        tanh_gradient(1 - update, candidates, grad_input=of_candidate)
        torch.mul(of_candidate, reset, out=of_recurrent)
        sigmoid_gradient(of_candidate * recurrent, reset, grad_input=of_reset)
        sigmoid_gradient(before - candidates, update, grad_input=of_update)
        by_blocks = torch.cat([weight[2 * width :], weight[: 2 * width]])
        gradient = torch.zeros_like(hidden[0]) if of_final is None else of_final.clone()
        blocks = change, change.view(length, size, -1)[..., : 3 * width], update
        steps = zip(*(block.unbind(0)[:: -_way(ctx.backwards)] for block in blocks), strict=True)
        for (step, of_gates, kept), wanted in zip(steps, _wanted(of_outputs, length, ctx.backwards), strict=True):
            if wanted is not None:
                gradient.add_(wanted)
            step.mul_(gradient[:, None])
            gradient.mul_(kept).addmm_(of_gates, by_blocks)
        flat = change.view(length, size, -1)
        of_weight = _of_recurrent(flat[..., : 3 * width], before)
        of_weight = torch.cat([of_weight[width:], of_weight[:width]])
        return flat[..., width:], gradient, of_weight, of_recurrent.sum((0, 1)), None


class _LSTMPass(torch.autograd.Function):
    """The LSTM's equations over all steps."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, first: Tensor, first_cell: Tensor, weight: Tensor, backwards: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        length, size, _ = projected.shape
        width = first.shape[1]
        gates, shown = torch.empty_like(projected), projected.new_empty(length, size, width)
        hidden, before, after = _states(first, length, backwards)
        cells, cells_before, cells_after = _states(first_cell, length, backwards)
        weight_t = weight.t()
        blocks = (
            *(before, after, cells_before, cells_after, shown, projected, gates),
            *(gates[..., : 2 * width], *gates.chunk(4, dim=2)),
        )
        steps = (block.unbind(0)[:: _way(backwards)] for block in blocks)
        for state, step, cell, next_cell, seen, step_input, gate, opened, *four in zip(*steps, strict=True):
            input_gate, forget_gate, candidate, output_gate = four
            torch.mm(state, weight_t, out=gate).add_(step_input)
            opened.sigmoid_()
            candidate.tanh_()
            output_gate.sigmoid_()
            torch.mul(forget_gate, cell, out=next_cell).addcmul_(input_gate, candidate)
            torch.mul(output_gate, torch.tanh(next_cell, out=seen), out=step)
        ctx.save_for_backward(gates, shown, cells, hidden, weight)
        ctx.backwards = backwards
        ctx.set_materialize_grads(False)
        last = 0 if backwards else -1
        return after, after[last].clone(), cells_after[last].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, of_outputs: Tensor | None, of_final: Tensor | None, of_cell: Tensor | None
    ) -> tuple[Any, ...]:
        gates, shown, cells, hidden, weight = ctx.saved_tensors
        length, size, width = shown.shape
        before, cells_before = (part[1:] if ctx.backwards else part[:-1] for part in (hidden, cells))
        input_gate, forget_gate, candidate, output_gate = gates.chunk(4, dim=2)
        # What each gate's gradient is for each unit of the cell's (the first three) and of the hidden state's (the
        # last).
        change, into_cell = hidden.new_empty(length, size, 4, width), torch.empty_like(shown)
        of_input, of_forget, of_candidate, of_output = change.unbind(2)
        sigmoid_gradient(candidate, input_gate, grad_input=of_input)
        sigmoid_gradient(cells_before, forget_gate, grad_input=of_forget)
        tanh_gradient(input_gate, candidate, grad_input=of_candidate)
        sigmoid_gradient(shown, output_gate, grad_input=of_output)
        tanh_gradient(output_gate, shown, grad_input=into_cell)
        gradient = torch.zeros_like(hidden[0]) if of_final is None else of_final.clone()
        cell_gradient = torch.zeros_like(hidden[0]) if of_cell is None else of_cell.clone()
        flat = change.view(length, size, -1)
        blocks = (flat, change[:, :, :3], of_output, into_cell, forget_gate)
        steps = zip(*(block.unbind(0)[:: -_way(ctx.backwards)] for block in blocks), strict=True)
        for step, wanted in zip(steps, _wanted(of_outputs, length, ctx.backwards), strict=True):
            of_gates, of_three, of_fourth, shows, kept = step
            if wanted is not None:
                gradient.add_(wanted)
            cell_gradient.addcmul_(gradient, shows)
            of_fourth.mul_(gradient)
            of_three.mul_(cell_gradient[:, None])
            cell_gradient.mul_(kept)
            torch.mm(of_gates, weight, out=gradient)
        return flat, gradient, cell_gradient, _of_recurrent(flat, before), None


def _way(backwards: bool) -> int:
    return -1 if backwards else 1


def _states(first: Tensor, length: int, backwards: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return room for all states, (T + 1, B, H), with the first one in it, and its parts before and after each step."""
    states = first.new_empty(length + 1, *first.shape)
    states[-1 if backwards else 0] = first
    return (states, states[1:], states[:-1]) if backwards else (states, states[:-1], states[1:])


def _wanted(of_outputs: Tensor | None, length: int, backwards: bool) -> Sequence[Tensor | None]:
    """Return the gradient that each step's output has from outside, in the order of the way back."""
    return [None] * length if of_outputs is None else of_outputs.unbind(0)[:: -_way(backwards)]


def _of_recurrent(change: Tensor, before: Tensor) -> Tensor:
    """Return the gradient of the recurrent weights: one product over all steps."""
    return change.flatten(0, 1).t() @ before.flatten(0, 1)
