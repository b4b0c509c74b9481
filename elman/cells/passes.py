"""Passes: whole sequences through a cell as one node of autograd, with backward passes by hand."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from elman.errors import TrainingError

sigmoid_gradient = torch.ops.aten.sigmoid_backward.grad_input
tanh_gradient = torch.ops.aten.tanh_backward.grad_input
sum_by_symbol = torch.ops.aten.embedding_dense_backward


class Memory:
    """What the passes of one module share: rooms to use again, and how exact products are to be."""

    def __init__(self) -> None:
        self.free: list[_Room] = []
        self.short = False
        """Whether recurrent products are of bfloat16 numbers, summed up in float32."""


class _Room:
    """Memory for one pass, from its forward to its backward half."""

    def __init__(self) -> None:
        self.uses = 0
        self._kept: dict[str, Tensor] = {}

    def __call__(self, name: str, like: Tensor, *shape: int) -> Tensor:
        """Return room for a tensor of this shape, its numbers left over from any earlier use of the name."""
        size = torch.Size(shape).numel()
        kept = self._kept.get(name)
        if kept is None or kept.numel() < size or kept.dtype != like.dtype or kept.device != like.device:
            kept = self._kept[name] = like.new_empty(size)
        return kept[:size].view(shape)


def _enter(ctx: Any, memory: Memory, source: Tensor, places: Tensor | None, first: Tensor | None) -> _Room:
    """Take a room for a pass, and note what its way back will ask for."""
    # Without a way back nobody returns the room; and what inference mode made may not be changed outside of it.
    room = memory.free.pop() if memory.free and any(ctx.needs_input_grad) else _Room()
    room.uses += 1
    ctx.room, ctx.use, ctx.memory, ctx.rows = room, room.uses, memory, len(source)
    ctx.from_zeros, ctx.short = first is None, memory.short
    ctx.set_materialize_grads(False)
    return room


def _read(room: _Room, source: Tensor, places: Tensor | None) -> Iterator[Tensor]:
    """Yield what each step reads, (D, B, G · H): the same memory each time where it is looked up."""
    if places is None:
        yield from source.unbind(1)
        return
    directions, _, size = places.shape
    found = room("read", source, directions * size, source.shape[1])
    for rows in places.transpose(0, 1).flatten(1):
        yield torch.index_select(source, 0, rows, out=found).view(directions, size, -1)


def _return(ctx: Any) -> _Room:
    """Return the room of a pass for its way back, and leave it to the next pass."""
    if ctx.room.uses != ctx.use:
        raise TrainingError(
            "a fused pass was followed backwards after a later pass had taken its room; follow each pass before the "
            "next one, or train with fused=False"
        )
    if ctx.room not in ctx.memory.free:
        ctx.memory.free.append(ctx.room)
    room: _Room = ctx.room
    return room


def _shape(source: Tensor, places: Tensor | None, weight: Tensor) -> torch.Size:
    """Return D, T, B and H of a pass."""
    return torch.Size((*(source.shape[:3] if places is None else places.shape), weight.shape[2]))


def _states(first: Tensor | None, source: Tensor, shape: torch.Size) -> Tensor:
    """Return room for the states before and after all steps, (D, T + 1, B, H), with the first one in it."""
    directions, length, size, width = shape
    states = source.new_empty(directions, length + 1, size, width)
    states[:, 0] = 0 if first is None else first
    return states


def _product(ctx: Any, left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the batched product of two tensors, as exact as the module is asked to be."""
    if not ctx.short:
        return torch.bmm(left, right) if out is None else torch.bmm(left, right, out=out)
    product = torch.bmm(left.bfloat16(), right.bfloat16())
    return product.to(left.dtype) if out is None else out.copy_(product)


def _times(ctx: Any, state: Tensor, weight_t: Tensor, out: Tensor, step: int) -> Tensor:
    """Write the product of a state, (D, B, H), and the recurrent weights; of known zeros it needs no arithmetic."""
    return out.zero_() if ctx.from_zeros and step == 0 else _product(ctx, state, weight_t, out)


def _way_back(of_outputs: Tensor | None, of_final: Tensor | None, hidden: Tensor) -> tuple[Tensor, list[Tensor | None]]:
    """Return the gradient that the last state starts with, and what each output adds to it, last step first."""
    wanted: list[Tensor | None] = [None] * (hidden.shape[1] - 1)
    if of_outputs is not None:
        wanted = list(of_outputs.unbind(1)[::-1])
    return torch.zeros_like(hidden[:, 0]) if of_final is None else of_final.clone(), wanted


def _more(ctx: Any, steps: Tensor) -> list[bool]:
    """Return, last step first, whether anyone asks for the gradient of the state before the step."""
    return [True] * (steps.shape[1] - 1) + [not ctx.from_zeros]


def _of_source(ctx: Any, change: Tensor, places: Tensor | None) -> Tensor:
    """Return the gradient of what the steps read, (D, T, B, N), or of the rows that they looked up."""
    return change if places is None else sum_by_symbol(change.flatten(0, 2), places.flatten(), ctx.rows, -1, False)


def _of_recurrent(ctx: Any, change: Tensor, hidden: Tensor) -> Tensor:
    """Return the gradient of the recurrent weights, (D, N, H): one product over all steps that read a state."""
    seen = slice(1 if ctx.from_zeros else 0, None)
    before = hidden[:, :-1]
    return _product(ctx, change[:, seen].flatten(1, 2).transpose(1, 2), before[:, seen].flatten(1, 2))


class ElmanPass(torch.autograd.Function):
    """h' = f(p + W_hh h) over all steps, where p is the input side with both biases.

    Arguments of every pass: the memory to use; the input side of each step, (D, T, B, G · H), or where there are places
    the rows, (D · V, G · H), that each step looks up there, (D, T, B); the recurrent weights, (D, G · H, H); and the
    first state, each (D, B, H), or None where it is known to be zero.
    """

    @staticmethod
    def forward(
        ctx: Any,
        memory: Memory,
        source: Tensor,
        places: Tensor | None,
        weight: Tensor,
        first: Tensor | None,
        activation: str,
    ) -> tuple[Tensor, Tensor]:
        room = _enter(ctx, memory, source, places, first)
        hidden = _states(first, source, _shape(source, places, weight))
        weight_t, activate = weight.transpose(1, 2), torch.relu_ if activation == "relu" else torch.tanh_
        steps = zip(*(x.unbind(1) for x in (hidden[:, :-1], hidden[:, 1:])), _read(room, source, places), strict=True)
        for number, (state, step, read) in enumerate(steps):
            activate(_times(ctx, state, weight_t, step, number).add_(read))
        ctx.save_for_backward(places, hidden, weight)
        ctx.is_relu = activation == "relu"
        return hidden[:, 1:], hidden[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_outputs: Tensor | None, of_final: Tensor | None) -> tuple[Any, ...]:
        _return(ctx)
        places, hidden, weight = ctx.saved_tensors
        after = hidden[:, 1:]
        # f'(…) in terms of what f gave: 1 − h² of tanh, 1 or 0 of relu
        change = (after > 0).to(after.dtype) if ctx.is_relu else 1 - after * after
        gradient, wanted = _way_back(of_outputs, of_final, hidden)
        for step, of_output, more in zip(change.unbind(1)[::-1], wanted, _more(ctx, change), strict=True):
            if of_output is not None:
                gradient.add_(of_output)
            step.mul_(gradient)
            if more:
                _product(ctx, step, weight, gradient)
        of_first = None if ctx.from_zeros else gradient
        return None, _of_source(ctx, change, places), None, _of_recurrent(ctx, change, hidden), of_first, None


class GRUPass(torch.autograd.Function):
    """The GRU's equations over all steps; its arguments end with the candidate's recurrent bias, (D, H)."""

    @staticmethod
    def forward(
        ctx: Any,
        memory: Memory,
        source: Tensor,
        places: Tensor | None,
        weight: Tensor,
        first: Tensor | None,
        candidate_bias: Tensor,
    ) -> tuple[Tensor, Tensor]:
        room = _enter(ctx, memory, source, places, first)
        *sizes, width = shape = _shape(source, places, weight)
        # r and z stand where their recurrent sides stood; the third block keeps W_hn h + b_hn.
        gates = room("gates", source, *sizes, 3 * width)
        candidates = room("candidates", source, *shape)
        hidden = _states(first, source, shape)
        both, last = slice(2 * width), slice(2 * width, None)
        weight_t, bias = weight.transpose(1, 2), candidate_bias[:, None]
        blocks = (hidden[:, :-1], hidden[:, 1:], candidates, gates, gates[..., both], *gates.chunk(3, dim=3))
        steps = zip(*(block.unbind(1) for block in blocks), _read(room, source, places), strict=True)
        for number, (state, step, candidate, gate, opened, reset, update, recurrent, read) in enumerate(steps):
            _times(ctx, state, weight_t, gate, number)
            opened.add_(read[..., both]).sigmoid_()
            recurrent.add_(bias)
            torch.addcmul(read[..., last], reset, recurrent, out=candidate).tanh_()
            torch.lerp(candidate, state, update, out=step)
        ctx.save_for_backward(places, hidden, weight)
        ctx.kept = gates, candidates
        return hidden[:, 1:], hidden[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_outputs: Tensor | None, of_final: Tensor | None) -> tuple[Any, ...]:
        room = _return(ctx)
        (places, hidden, weight), (gates, candidates) = ctx.saved_tensors, ctx.kept
        before = hidden[:, :-1]
        width = hidden.shape[3]
        reset, update, recurrent = gates.chunk(3, dim=3)
        # What each block's gradient is for each unit of the hidden state's: recurrent candidate, reset, update,
        # candidate. The first three are those of the recurrent side, the last three those of the input side.
        shape = (*candidates.shape[:3], 4, width)
        change = hidden.new_empty(shape) if places is None else room("change", hidden, *shape)
        spare = room("spare", hidden, *candidates.shape)
        of_recurrent, of_reset, of_update, of_candidate = change.unbind(3)
        tanh_gradient(torch.sub(1, update, out=spare), candidates, grad_input=of_candidate)
        torch.mul(of_candidate, reset, out=of_recurrent)
        sigmoid_gradient(torch.mul(of_candidate, recurrent, out=spare), reset, grad_input=of_reset)
        sigmoid_gradient(torch.sub(before, candidates, out=spare), update, grad_input=of_update)
        by_blocks = weight.roll(width, 1)
        gradient, wanted = _way_back(of_outputs, of_final, hidden)
        flat = change.flatten(3)
        blocks = (x.unbind(1)[::-1] for x in (change, flat[..., : 3 * width], update))
        for step, of_gates, kept, of_output, more in zip(*blocks, wanted, _more(ctx, change), strict=True):
            if of_output is not None:
                gradient.add_(of_output)
            step.mul_(gradient[:, :, None])
            if more:
                gradient.mul_(kept)
                gradient.add_(_product(ctx, of_gates, by_blocks)) if ctx.short else gradient.baddbmm_(
                    of_gates, by_blocks
                )
        of_weight = _of_recurrent(ctx, flat[..., : 3 * width], hidden).roll(-width, 1)
        of_first = None if ctx.from_zeros else gradient
        if places is None:
            return None, flat[..., width:], None, of_weight, of_first, of_recurrent.sum((1, 2))
        rows = _of_source(ctx, flat, places)  # all four blocks: the recurrent candidate's sum is its bias's gradient
        of_bias = rows[:, :width].view(len(weight), -1, width).sum(1)
        return None, rows[:, width:], None, of_weight, of_first, of_bias


class LSTMPass(torch.autograd.Function):
    """The LSTM's equations over all steps."""

    @staticmethod
    def forward(
        ctx: Any,
        memory: Memory,
        source: Tensor,
        places: Tensor | None,
        weight: Tensor,
        first: Tensor | None,
        first_cell: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        room = _enter(ctx, memory, source, places, first)
        *sizes, width = shape = _shape(source, places, weight)
        gates, shown = room("gates", source, *sizes, 4 * width), room("shown", source, *shape)
        hidden, cells = _states(first, source, shape), _states(first_cell, source, shape)
        weight_t = weight.transpose(1, 2)
        blocks = (
            *(hidden[:, :-1], hidden[:, 1:], cells[:, :-1], cells[:, 1:], shown),
            *(gates, gates[..., : 2 * width], *gates.chunk(4, dim=3)),
        )
        steps = zip(*(block.unbind(1) for block in blocks), _read(room, source, places), strict=True)
        for number, (state, step, cell, next_cell, seen, gate, opened, *four, read) in enumerate(steps):
            input_gate, forget_gate, candidate, output_gate = four
            _times(ctx, state, weight_t, gate, number).add_(read)
            opened.sigmoid_()
            candidate.tanh_()
            output_gate.sigmoid_()
            torch.mul(forget_gate, cell, out=next_cell).addcmul_(input_gate, candidate)
            torch.mul(output_gate, torch.tanh(next_cell, out=seen), out=step)
        ctx.save_for_backward(places, hidden, cells, weight)
        ctx.kept = gates, shown
        return hidden[:, 1:], hidden[:, -1].clone(), cells[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, of_outputs: Tensor | None, of_final: Tensor | None, of_cell: Tensor | None
    ) -> tuple[Any, ...]:
        room = _return(ctx)
        (places, hidden, cells, weight), (gates, shown) = ctx.saved_tensors, ctx.kept
        input_gate, forget_gate, candidate, output_gate = gates.chunk(4, dim=3)
        # What each gate's gradient is for each unit of the cell's (the first three) and of the hidden state's (the
        # last).
        shape = (*shown.shape[:3], 4, shown.shape[3])
        change = hidden.new_empty(shape) if places is None else room("change", hidden, *shape)
        into_cell = room("into_cell", hidden, *shown.shape)
        of_input, of_forget, of_candidate, of_output_gate = change.unbind(3)
        sigmoid_gradient(candidate, input_gate, grad_input=of_input)
        sigmoid_gradient(cells[:, :-1], forget_gate, grad_input=of_forget)
        tanh_gradient(input_gate, candidate, grad_input=of_candidate)
        sigmoid_gradient(shown, output_gate, grad_input=of_output_gate)
        tanh_gradient(output_gate, shown, grad_input=into_cell)
        gradient, wanted = _way_back(of_outputs, of_final, hidden)
        cell_gradient = torch.zeros_like(gradient) if of_cell is None else of_cell.clone()
        flat = change.flatten(3)
        blocks = (x.unbind(1)[::-1] for x in (flat, change[..., :3, :], of_output_gate, into_cell, forget_gate))
        for of_gates, of_three, of_fourth, shows, kept, of_output, more in zip(
            *blocks, wanted, _more(ctx, change), strict=True
        ):
            if of_output is not None:
                gradient.add_(of_output)
            cell_gradient.addcmul_(gradient, shows)
            of_fourth.mul_(gradient)
            of_three.mul_(cell_gradient[:, :, None])
            if more:
                cell_gradient.mul_(kept)
                _product(ctx, of_gates, weight, gradient)
        of_weight = _of_recurrent(ctx, flat, hidden)
        of_first = (None, None) if ctx.from_zeros else (gradient, cell_gradient)
        return None, _of_source(ctx, flat, places), None, of_weight, *of_first
