"""The LSTM over all steps, forward and backward; its equations are those of `elman.cells.lstm`."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from elman.cells.passes.steps import Steps, save, sigmoid_gradient, tanh_gradient


class LSTMPass(torch.autograd.Function):
    """The LSTM, D directions at once; see `elman.cells.passes` for the arguments.

    p_i, p_f, p_g and p_o are the four blocks of the input side, with both biases.

    (1) i = σ(p_i + W_hi h)
    (2) f = σ(p_f + W_hf h)
    (3) g = tanh(p_g + W_hg h)
    (4) o = σ(p_o + W_ho h)
    (5) c' = f ⊙ c + i ⊙ g
    (6) s = tanh(c')
    (7) h' = o ⊙ s
    """

    @staticmethod
    def forward(
        ctx: Any,
        steps: Steps,
        projected: Tensor,
        indices: Tensor | None,
        weight: Tensor,
        first: Tensor | None,
        first_cell: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the outputs, the final state and the final cell state; ``first_cell`` is c of the first step."""
        *sizes, width = shape = steps.shape(projected, indices, weight)
        gates = steps.pool.take("gates", projected, *sizes, 4 * width)
        shown = steps.pool.take("shown", projected, *shape)
        hidden, cells = steps.states(first, projected, shape), steps.states(first_cell, projected, shape)
        weight_t = weight.transpose(1, 2)
        blocks = (
            *(hidden[:, :-1], hidden[:, 1:], cells[:, :-1], cells[:, 1:], shown),
            *(gates, gates[..., : 2 * width], *gates.chunk(4, dim=3)),
        )
        each_step = zip(*(block.unbind(1) for block in blocks), steps.inputs(projected, indices), strict=True)
        for number, (before, after, cell, next_cell, shows, gate, first_two, *four, read) in enumerate(each_step):
            input_gate, forget_gate, candidate, output_gate = four
            # p + W_hh h of all four blocks in one product
            steps.recurrent_side(before, weight_t, gate, number).add_(read)
            # (1) i = σ(p_i + W_hi h)
            # (2) f = σ(p_f + W_hf h)
            first_two.sigmoid_()
            # (3) g = tanh(p_g + W_hg h)
            candidate.tanh_()
            # (4) o = σ(p_o + W_ho h)
            output_gate.sigmoid_()
            # (5) c' = f ⊙ c + i ⊙ g
            torch.mul(forget_gate, cell, out=next_cell).addcmul_(input_gate, candidate)
            # (6) s = tanh(c')
            # (7) h' = o ⊙ s
            torch.mul(output_gate, torch.tanh(next_cell, out=shows), out=after)
        save(ctx, steps, indices, hidden, cells, weight, gates, shown)
        return hidden[:, 1:], hidden[:, -1].clone(), cells[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, output_gradients: Tensor | None, final_gradient: Tensor | None, final_cell_gradient: Tensor | None
    ) -> tuple[Any, ...]:
        """Return the gradient of the loss in each argument of `forward`, None if it has none."""
        indices, hidden, cells, weight, gates, shown = ctx.saved_tensors
        steps: Steps = ctx.steps
        input_gate, forget_gate, candidate, output_gate = gates.chunk(4, dim=3)
        # The gradients of p_i, p_f and p_g are each ∂L/∂c' times a factor that does not depend on the loss, and that of
        # p_o is ∂L/∂h' times one. Here are the factors of all steps at once; the loop multiplies them.
        shape = (*shown.shape[:3], 4, shown.shape[3])
        gradients = hidden.new_empty(shape) if indices is None else steps.pool.take("gradients", hidden, *shape)
        into_cell = steps.pool.take("into_cell", hidden, *shown.shape)
        of_input, of_forget, of_candidate, of_output = gradients.unbind(3)
        # (5) c' = f ⊙ c + i ⊙ g:     ∂L/∂i = g ⊙ ∂L/∂c'
        # (1) i = σ(p_i + W_hi h):    ∂L/∂p_i = i ⊙ (1 − i) ⊙ ∂L/∂i
        sigmoid_gradient(candidate, input_gate, grad_input=of_input)
        # (5)                         ∂L/∂f = c ⊙ ∂L/∂c'
        # (2) f = σ(p_f + W_hf h):    ∂L/∂p_f = f ⊙ (1 − f) ⊙ ∂L/∂f
        sigmoid_gradient(cells[:, :-1], forget_gate, grad_input=of_forget)
        # (5)                         ∂L/∂g = i ⊙ ∂L/∂c'
        # (3) g = tanh(p_g + W_hg h): ∂L/∂p_g = (1 − g²) ⊙ ∂L/∂g
        tanh_gradient(input_gate, candidate, grad_input=of_candidate)
        # (7) h' = o ⊙ s:             ∂L/∂o = s ⊙ ∂L/∂h'
        # (4) o = σ(p_o + W_ho h):    ∂L/∂p_o = o ⊙ (1 − o) ⊙ ∂L/∂o
        sigmoid_gradient(shown, output_gate, grad_input=of_output)
        # (7)                         ∂L/∂s = o ⊙ ∂L/∂h'
        # (6) s = tanh(c'):           ∂L/∂c' = (1 − s²) ⊙ ∂L/∂s, the part of it that comes through h'
        tanh_gradient(output_gate, shown, grad_input=into_cell)
        flat = gradients.flatten(3)
        # gradient is ∂L/∂h', cell_gradient is ∂L/∂c'. They begin as those of the final state.
        gradient, from_outputs, needed = steps.backwards(output_gradients, final_gradient, hidden)
        cell_gradient = torch.zeros_like(gradient) if final_cell_gradient is None else final_cell_gradient.clone()
        blocks = (block.unbind(1)[::-1] for block in (flat, gradients[..., :3, :], of_output, into_cell, forget_gate))
        for of_gates, of_three, of_fourth, shows, keeps, from_output, is_needed in zip(
            *blocks, from_outputs, needed, strict=True
        ):
            # h' is an output and the next step's state:  ∂L/∂h' is the sum of both gradients
            if from_output is not None:
                gradient.add_(from_output)
            # c' reaches the loss through h' and through the next step:  ∂L/∂c' is the sum of both gradients
            cell_gradient.addcmul_(gradient, shows)
            # the factor above times ∂L/∂h':  ∂L/∂p_o
            of_fourth.mul_(gradient)
            # the factors above times ∂L/∂c':  ∂L/∂p_i, ∂L/∂p_f, ∂L/∂p_g
            of_three.mul_(cell_gradient[:, :, None])
            if is_needed:
                # (5)  ∂L/∂c = f ⊙ ∂L/∂c'
                cell_gradient.mul_(keeps)
                # (1) to (4)  ∂L/∂h = W_hiᵀ ∂L/∂p_i + W_hfᵀ ∂L/∂p_f + W_hgᵀ ∂L/∂p_g + W_hoᵀ ∂L/∂p_o, one product
                steps.multiply(of_gates, weight, gradient)
        # (1) to (4)  ∂L/∂W_hi = Σ ∂L/∂p_i hᵀ over the steps, and so on: the four blocks of rows of one product
        of_weight = steps.weight_gradient(flat, hidden)
        of_first = (None, None) if steps.from_zeros else (gradient, cell_gradient)
        return None, steps.input_gradient(flat, indices), None, of_weight, *of_first
