"""What the passes of all cells share: how they read, multiply, and sum gradients over the steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from elman.cells.passes.buffers import BufferPool

sigmoid_gradient = torch.ops.aten.sigmoid_backward.grad_input
"""From ∂L/∂σ(a) and σ(a) to ∂L/∂a = ∂L/∂σ(a) ⊙ σ(a) ⊙ (1 − σ(a)), written to ``grad_input``."""

tanh_gradient = torch.ops.aten.tanh_backward.grad_input
"""From ∂L/∂tanh(a) and tanh(a) to ∂L/∂a = ∂L/∂tanh(a) ⊙ (1 − tanh(a)²), written to ``grad_input``."""

sum_by_row = torch.ops.aten.embedding_dense_backward


@dataclass(frozen=True)
class Steps:
    """The settings of one pass over all steps of a layer.

    Args:
        pool: the buffers that it uses.
        rows: how many rows ``projected`` has.
        from_zeros: whether the first state is zero: then it needs neither a product nor a gradient.
        bfloat16: whether recurrent products are of bfloat16 numbers, summed in float32.
    """

    pool: BufferPool
    rows: int
    from_zeros: bool
    bfloat16: bool

    def shape(self, projected: Tensor, indices: Tensor | None, weight: Tensor) -> torch.Size:
        """Return D, T, B and H."""
        return torch.Size((*(projected.shape[:3] if indices is None else indices.shape), weight.shape[2]))

    def states(self, first: Tensor | None, projected: Tensor, shape: torch.Size) -> Tensor:
        """Return a new tensor for the first state and those after each step, (D, T + 1, B, H), with ``first`` in it."""
        directions, length, size, width = shape
        states = projected.new_empty(directions, length + 1, size, width)
        states[:, 0] = 0 if first is None else first
        return states

    def inputs(self, projected: Tensor, indices: Tensor | None) -> Iterator[Tensor]:
        """Yield the input side of each step, (D, B, G · H); with indices, each overwrites the one before."""
        if indices is None:
            yield from projected.unbind(1)
            return
        directions, _, size = indices.shape
        rows_read = self.pool.take("inputs", projected, directions * size, projected.shape[1])
        for rows in indices.transpose(0, 1).flatten(1):
            yield torch.index_select(projected, 0, rows, out=rows_read).view(directions, size, -1)

    def multiply(self, left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
        """Return the batched product of two tensors, in the precision that is set."""
        if not self.bfloat16:
            return torch.bmm(left, right) if out is None else torch.bmm(left, right, out=out)
        product = torch.bmm(left.bfloat16(), right.bfloat16())
        return product.to(left.dtype) if out is None else out.copy_(product)

    def add_product(self, total: Tensor, left: Tensor, right: Tensor) -> None:
        """Add the product of two tensors to a third."""
        if self.bfloat16:
            total.add_(self.multiply(left, right))
        else:
            total.baddbmm_(left, right)

    def recurrent_side(self, state: Tensor, weight_t: Tensor, out: Tensor, step: int) -> Tensor:
        """Write W_hh h of a step, (D, B, G · H), to ``out``."""
        return out.zero_() if self.from_zeros and step == 0 else self.multiply(state, weight_t, out)

    def backwards(
        self, gradients: Tensor | None, final: Tensor | None, hidden: Tensor
    ) -> tuple[Tensor, list[Tensor | None], list[bool]]:
        """Prepare the loop from the last step to the first.

        Args:
            gradients: ∂L/∂ of the outputs, (D, T, B, H); None if it is zero.
            final: ∂L/∂ of the final state, (D, B, H); None if it is zero.
            hidden: the states before and after all steps, (D, T + 1, B, H).

        Returns:
            ∂L/∂h' to begin with, (D, B, H). For each step, last first: what its output adds to ∂L/∂h', and whether the
            gradient of the state before it is needed.
        """
        length = hidden.shape[1] - 1
        from_outputs: list[Tensor | None] = [None] * length
        if gradients is not None:
            from_outputs = list(gradients.unbind(1)[::-1])
        begin = torch.zeros_like(hidden[:, 0]) if final is None else final.clone()
        return begin, from_outputs, [True] * (length - 1) + [not self.from_zeros]

    def input_gradient(self, gradients: Tensor, indices: Tensor | None) -> Tensor:
        """Return ∂L/∂ of ``projected`` from ∂L/∂p of each step, (D, T, B, N).

        Steps that read the same row each add to the gradient of that row.
        """
        if indices is None:
            return gradients
        summed: Tensor = sum_by_row(gradients.flatten(0, 2), indices.flatten(), self.rows, -1, False)
        return summed

    def weight_gradient(self, gradients: Tensor, hidden: Tensor) -> Tensor:
        """Return ∂L/∂W_hh, (D, N, H), from ∂L/∂a of each step, (D, T, B, N), where a = W_hh h + ….

        Each step adds ∂L/∂a hᵀ; the sum over all steps and sequences is one product.
        """
        read = slice(1 if self.from_zeros else 0, None)  # the steps whose state is not known to be zero
        before = hidden[:, :-1]
        return self.multiply(gradients[:, read].flatten(1, 2).transpose(1, 2), before[:, read].flatten(1, 2))


def save(ctx: Any, steps: Steps, *tensors: Tensor | None) -> None:
    """Save for the backward pass what it reads.

    Autograd saves all of it, buffers too: then `torch.utils.checkpoint` can drop and recompute them, and they
    are released as soon as the backward pass is over.
    """
    ctx.steps = steps
    ctx.save_for_backward(*tensors)
    ctx.set_materialize_grads(False)  # a gradient that is zero is None
