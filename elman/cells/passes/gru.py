"""The GRU over all steps, forward and backward; its equations are those of `elman.cells.gru`."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from elman.cells.passes.steps import Steps, save, sigmoid_gradient, tanh_gradient


class GRUPass(torch.autograd.Function):
    """The GRU, D directions at once; see `elman.cells.passes` for the arguments.

    p_r, p_z and p_n are the three blocks of the input side, the first two with both biases.

    (1) r = σ(p_r + W_hr h)
    (2) z = σ(p_z + W_hz h)
    (3) m = W_hn h + b_hn
    (4) n = tanh(p_n + r ⊙ m)
    (5) h' = (1 − z) ⊙ n + z ⊙ h
    """

    @staticmethod
    def forward(
        ctx: Any,
        steps: Steps,
        projected: Tensor,
        indices: Tensor | None,
        weight: Tensor,
        first: Tensor | None,
        candidate_bias: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the outputs and the final state; ``candidate_bias`` is b_hn, (D, H)."""
        *sizes, width = shape = steps.shape(projected, indices, weight)
        # The three blocks W_hh h of each step; r and z then overwrite the first two, m the third.
        gates = steps.pool.take("gates", projected, *sizes, 3 * width)
        candidates = steps.pool.take("candidates", projected, *shape)
        hidden = steps.states(first, projected, shape)
        both, last = slice(2 * width), slice(2 * width, None)
        weight_t, bias = weight.transpose(1, 2), candidate_bias[:, None]
        blocks = (hidden[:, :-1], hidden[:, 1:], candidates, gates, gates[..., both], *gates.chunk(3, dim=3))
        each_step = zip(*(block.unbind(1) for block in blocks), steps.inputs(projected, indices), strict=True)
        for number, (before, after, candidate, gate, first_two, reset, update, recurrent, read) in enumerate(each_step):
            # W_hr h, W_hz h and W_hn h in one product
            steps.recurrent_side(before, weight_t, gate, number)
            # (1) r = σ(p_r + W_hr h)
            # (2) z = σ(p_z + W_hz h)
            first_two.add_(read[..., both]).sigmoid_()
            # (3) m = W_hn h + b_hn
            recurrent.add_(bias)
            # (4) n = tanh(p_n + r ⊙ m)
            torch.addcmul(read[..., last], reset, recurrent, out=candidate).tanh_()
            # (5) h' = (1 − z) ⊙ n + z ⊙ h
            torch.lerp(candidate, before, update, out=after)
        save(ctx, steps, indices, hidden, weight, gates, candidates)
        return hidden[:, 1:], hidden[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, output_gradients: Tensor | None, final_gradient: Tensor | None) -> tuple[Any, ...]:
        """Return the gradient of the loss in each argument of `forward`, None if it has none."""
        indices, hidden, weight, gates, candidates = ctx.saved_tensors
        steps: Steps = ctx.steps
        before, width = hidden[:, :-1], hidden.shape[3]
        reset, update, recurrent = gates.chunk(3, dim=3)
        # The gradients of m, p_r, p_z and p_n are each ∂L/∂h' times a factor that does not depend on the loss. Here are
        # the factors of all steps at once; the loop multiplies them by ∂L/∂h'. The first three blocks are what the
        # recurrent weights get, the last three what the input side gets.
        shape = (*candidates.shape[:3], 4, width)
        gradients = hidden.new_empty(shape) if indices is None else steps.pool.take("gradients", hidden, *shape)
        spare = steps.pool.take("spare", hidden, *candidates.shape)
        of_recurrent, of_reset, of_update, of_candidate = gradients.unbind(3)
        # (5) h' = (1 − z) ⊙ n + z ⊙ h:  ∂L/∂n = (1 − z) ⊙ ∂L/∂h'
        # (4) n = tanh(p_n + r ⊙ m):     ∂L/∂p_n = (1 − n²) ⊙ ∂L/∂n
        tanh_gradient(torch.sub(1, update, out=spare), candidates, grad_input=of_candidate)
        # (4)                            ∂L/∂m = r ⊙ ∂L/∂p_n
        torch.mul(of_candidate, reset, out=of_recurrent)
        # (4)                            ∂L/∂r = m ⊙ ∂L/∂p_n
        # (1) r = σ(p_r + W_hr h):       ∂L/∂p_r = r ⊙ (1 − r) ⊙ ∂L/∂r
        sigmoid_gradient(torch.mul(of_candidate, recurrent, out=spare), reset, grad_input=of_reset)
        # (5)                            ∂L/∂z = (h − n) ⊙ ∂L/∂h'
        # (2) z = σ(p_z + W_hz h):       ∂L/∂p_z = z ⊙ (1 − z) ⊙ ∂L/∂z
        sigmoid_gradient(torch.sub(before, candidates, out=spare), update, grad_input=of_update)
        flat = gradients.flatten(3)
        recurrent_blocks, input_blocks = flat[..., : 3 * width], flat[..., width:]
        weight_by_blocks = weight.roll(width, 1)  # W_hn, W_hr, W_hz: the order of m, p_r, p_z
        # gradient is ∂L/∂h'. It begins as that of the final state.
        gradient, from_outputs, needed = steps.backwards(output_gradients, final_gradient, hidden)
        blocks = (block.unbind(1)[::-1] for block in (gradients, recurrent_blocks, update))
        for step, of_gates, keeps, from_output, is_needed in zip(*blocks, from_outputs, needed, strict=True):
            # h' is an output and the next step's state:  ∂L/∂h' is the sum of both gradients
            if from_output is not None:
                gradient.add_(from_output)
            # the factors above times ∂L/∂h':  ∂L/∂m, ∂L/∂p_r, ∂L/∂p_z, ∂L/∂p_n
            step.mul_(gradient[:, :, None])
            # (5), (3), (1), (2)  ∂L/∂h = z ⊙ ∂L/∂h' + W_hnᵀ ∂L/∂m + W_hrᵀ ∂L/∂p_r + W_hzᵀ ∂L/∂p_z
            if is_needed:
                gradient.mul_(keeps)
                steps.add_product(gradient, of_gates, weight_by_blocks)
        # (3), (1), (2)  ∂L/∂W_hn = Σ ∂L/∂m hᵀ, ∂L/∂W_hr = Σ ∂L/∂p_r hᵀ, ∂L/∂W_hz = Σ ∂L/∂p_z hᵀ over the steps,
        # then back in torch.nn's order
        of_weight = steps.weight_gradient(recurrent_blocks, hidden).roll(-width, 1)
        of_first = None if steps.from_zeros else gradient
        if indices is None:
            # (3) m = W_hn h + b_hn:  ∂L/∂b_hn = Σ ∂L/∂m over steps and sequences
            return None, input_blocks, None, of_weight, of_first, of_recurrent.sum((1, 2))
        # All four blocks are summed by row, so the sum of ∂L/∂m over the rows of a direction is ∂L/∂b_hn.
        rows = steps.input_gradient(flat, indices)
        of_bias = rows[:, :width].view(len(weight), -1, width).sum(1)
        return None, rows[:, width:], None, of_weight, of_first, of_bias
