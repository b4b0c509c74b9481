"""The Elman network over all steps, forward and backward; its equations are those of `elman.cells.elman`."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from elman.cells.passes.steps import Steps, save


class ElmanPass(torch.autograd.Function):
    """The Elman network, D directions at once; see `elman.cells.passes` for the arguments.

    (1) a = p + W_hh h
    (2) h' = f(a)
    """

    @staticmethod
    def forward(
        ctx: Any,
        steps: Steps,
        projected: Tensor,
        indices: Tensor | None,
        weight: Tensor,
        first: Tensor | None,
        activation: str,
    ) -> tuple[Tensor, Tensor]:
        """Return the outputs and the final state; ``activation`` is tanh or relu."""
        hidden = steps.states(first, projected, steps.shape(projected, indices, weight))
        weight_t, activate = weight.transpose(1, 2), torch.relu_ if activation == "relu" else torch.tanh_
        states = (block.unbind(1) for block in (hidden[:, :-1], hidden[:, 1:]))
        for number, (before, after, read) in enumerate(zip(*states, steps.inputs(projected, indices), strict=True)):
            # (1) a = p + W_hh h
            steps.recurrent_side(before, weight_t, after, number).add_(read)
            # (2) h' = f(a)
            activate(after)
        save(ctx, steps, indices, hidden, weight)
        ctx.is_relu = activation == "relu"
        return hidden[:, 1:], hidden[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, output_gradients: Tensor | None, final_gradient: Tensor | None) -> tuple[Any, ...]:
        """Return the gradient of the loss in each argument of `forward`, None if it has none."""
        indices, hidden, weight = ctx.saved_tensors
        steps: Steps = ctx.steps
        after = hidden[:, 1:]
        # (2) h' = f(a):  ∂L/∂a = f'(a) ⊙ ∂L/∂h', where f' follows from h': 1 − h'² of tanh, 1 where h' > 0 of relu.
        # f'(a) of all steps at once; the loop multiplies it by ∂L/∂h'.
        gradients = (after > 0).to(after.dtype) if ctx.is_relu else 1 - after * after
        # gradient is ∂L/∂h'. It begins as that of the final state.
        gradient, from_outputs, needed = steps.backwards(output_gradients, final_gradient, hidden)
        for step, from_output, is_needed in zip(gradients.unbind(1)[::-1], from_outputs, needed, strict=True):
            # h' is an output and the next step's state:  ∂L/∂h' is the sum of both gradients
            if from_output is not None:
                gradient.add_(from_output)
            # (2)  ∂L/∂a = f'(a) ⊙ ∂L/∂h'
            step.mul_(gradient)
            # (1) a = p + W_hh h:  ∂L/∂h = W_hhᵀ ∂L/∂a, which is ∂L/∂h' of the step before
            if is_needed:
                steps.multiply(step, weight, gradient)
        # (1)  ∂L/∂p = ∂L/∂a
        of_projected = steps.input_gradient(gradients, indices)
        # (1)  ∂L/∂W_hh = Σ ∂L/∂a hᵀ over the steps
        of_weight = steps.weight_gradient(gradients, hidden)
        of_first = None if steps.from_zeros else gradient
        return None, of_projected, None, of_weight, of_first, None
