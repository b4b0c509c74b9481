"""Each cell, by hand and fused, against torch.nn with the same weights: outputs, states, every gradient, in float64."""

import numpy as np
import pytest
import torch
from torch import nn

from elman.cells import ElmanCell, Fused, GRUCell, LSTMCell, build_recurrence
from elman.cells.passes import buffers

INPUT, HIDDEN, STEPS, SIZE = 3, 4, 5, 2
LIBRARY = {"elman": nn.RNN, "rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

every_cell = pytest.mark.parametrize(
    ("cell", "activation"), [("elman", "tanh"), ("elman", "relu"), ("rnn", "tanh"), ("gru", "tanh"), ("lstm", "tanh")]
)
every_depth = pytest.mark.parametrize("layers", [1, 2, 3])
every_direction = pytest.mark.parametrize("directions", [1, 2])


@pytest.fixture(autouse=True)
def pool_small_buffers(monkeypatch):
    monkeypatch.setattr(buffers, "LARGE", 1)


def build_both(cell, activation, layers, directions):
    """Return the recurrence by hand and torch.nn's, in float64, with different weights."""
    torch.manual_seed(0)
    return [
        build_recurrence(
            cell,
            INPUT,
            HIDDEN,
            by_hand=by_hand,
            fused=False,
            activation=activation,
            layers=layers,
            directions=directions,
        ).double()
        for by_hand in (True, False)
    ]


def build_fused(cell, activation, layers, directions):
    """Return the fused recurrence, in float64."""
    by_hand = {"gru": GRUCell, "lstm": LSTMCell}.get(cell, lambda: ElmanCell(activation))()
    return Fused(by_hand, INPUT, HIDDEN, layers=layers, directions=directions).double()


def differentiate(recurrence, inputs, state, used="all"):
    """Return outputs and final state, and the gradients of every parameter, of the inputs and of the state."""
    leaves = [tensor.clone().requires_grad_() for tensor in (inputs, *(state or ()))]
    outputs, final = recurrence(leaves[0], tuple(leaves[1:]) if state else None)
    results = {"all": (outputs, *final), "outputs": (outputs,), "final": final}[used]
    torch.manual_seed(1)
    loss = sum((result * torch.randn_like(result)).sum() for result in results)
    return list(results), list(torch.autograd.grad(loss, [*recurrence.parameters(), *leaves]))


@every_cell
@every_depth
@every_direction
@pytest.mark.parametrize("with_state", [True, False], ids=["state", "zeros"])
@pytest.mark.parametrize("loads", ["hand loads library", "library loads hand"])
def test_by_hand_and_library_agree_in_outputs_states_and_every_gradient(
    cell, activation, layers, directions, with_state, loads
):
    hand, library = build_both(cell, activation, layers, directions)
    target, source = (hand, library) if loads == "hand loads library" else (library, hand)
    target.load_state_dict(source.state_dict())
    inputs = torch.randn(STEPS, SIZE, INPUT, dtype=torch.float64)
    parts = 2 if cell == "lstm" else 1
    state = tuple(torch.randn(parts, layers * directions, SIZE, HIDDEN, dtype=torch.float64)) if with_state else None
    (results, gradients), (expected, expected_gradients) = (
        differentiate(hand, inputs, state),
        differentiate(library, inputs, state),
    )
    torch.testing.assert_close(results, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(gradients, expected_gradients, rtol=0, atol=1e-12)


@every_cell
@every_depth
@every_direction
@pytest.mark.parametrize("steps", [1, STEPS])
@pytest.mark.parametrize("with_state", [True, False], ids=["state", "zeros"])
@pytest.mark.parametrize("used", ["all", "outputs", "final"])
def test_fused_and_library_agree_in_outputs_states_and_every_gradient(
    cell, activation, layers, directions, steps, with_state, used
):
    _, library = build_both(cell, activation, layers, directions)
    fast = build_fused(cell, activation, layers, directions)
    fast.load_state_dict(library.state_dict())
    inputs = torch.randn(steps, SIZE, INPUT, dtype=torch.float64)
    parts = 2 if cell == "lstm" else 1
    state = tuple(torch.randn(parts, layers * directions, SIZE, HIDDEN, dtype=torch.float64)) if with_state else None
    (results, gradients), (expected, expected_gradients) = (
        differentiate(one, inputs, state, used) for one in (fast, library)
    )
    torch.testing.assert_close(results, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(gradients, expected_gradients, rtol=0, atol=1e-12)


@every_cell
@every_direction
def test_fused_gradients_equal_finite_differences(cell, activation, directions):
    torch.manual_seed(0)
    fast = build_fused(cell, activation, 1, directions)
    names = list(dict(fast.named_parameters()))
    inputs = torch.randn(3, SIZE, INPUT, dtype=torch.float64, requires_grad=True)
    leaves = [parameter.detach().requires_grad_() for parameter in fast.parameters()]

    def read(inputs, *weights):
        outputs, final = torch.func.functional_call(fast, dict(zip(names, weights, strict=True)), inputs)
        return outputs, *final

    assert torch.autograd.gradcheck(read, [inputs, *leaves])


@every_cell
@every_depth
@every_direction
def test_parameters_have_the_names_shapes_and_order_of_torch_nn(cell, activation, layers, directions):
    reference = LIBRARY[cell](INPUT, HIDDEN, layers, bidirectional=directions == 2)
    expected = [(name, parameter.shape) for name, parameter in reference.named_parameters()]
    for recurrence in build_both(cell, activation, layers, directions):
        assert [(name, parameter.shape) for name, parameter in recurrence.named_parameters()] == expected


@every_cell
def test_one_seed_gives_the_initial_values_of_torch_nn(cell, activation):
    weights = []
    for by_hand in (True, False):
        torch.manual_seed(7)
        recurrence = build_recurrence(
            cell, INPUT, HIDDEN, by_hand=by_hand, fused=False, activation=activation, directions=2
        )
        weights.append(dict(recurrence.named_parameters()))
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=0)


@every_cell
def test_the_library_is_torch_nn_itself_and_by_hand_is_not(cell, activation):
    hand, library = build_both(cell, activation, 1, 1)
    assert isinstance(library, LIBRARY[cell])
    assert not [module for module in hand.modules() if isinstance(module, nn.RNNBase)]


@pytest.mark.parametrize(
    ("activation", "function"), [("sigmoid", lambda x: 1 / (1 + np.exp(-x))), ("none", lambda x: x)]
)
def test_activations_that_torch_nn_lacks_follow_the_equation(activation, function):
    torch.manual_seed(0)
    recurrence = build_recurrence("elman", INPUT, HIDDEN, by_hand=False, activation=activation).double()
    inputs = torch.randn(STEPS, SIZE, INPUT, dtype=torch.float64)
    weight_ih, weight_hh, bias_ih, bias_hh = (parameter.detach().numpy() for parameter in recurrence.parameters())
    hidden = np.zeros((SIZE, HIDDEN))
    for step, output in zip(inputs.numpy(), recurrence(inputs)[0].detach().numpy(), strict=True):
        hidden = function(step @ weight_ih.T + bias_ih + hidden @ weight_hh.T + bias_hh)
        np.testing.assert_allclose(output, hidden, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "cell",
    [ElmanCell("tanh"), ElmanCell("relu"), ElmanCell("sigmoid"), ElmanCell("none"), GRUCell(), LSTMCell()],
    ids=["tanh", "relu", "sigmoid", "none", "gru", "lstm"],
)
def test_the_gradients_of_a_step_equal_finite_differences(cell):
    generator = torch.Generator().manual_seed(3)
    shapes = [(SIZE, cell.gates * HIDDEN), (cell.gates * HIDDEN, HIDDEN), (cell.gates * HIDDEN,)]
    shapes += [(SIZE, HIDDEN)] * cell.state_size
    leaves = [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]

    def step(projected, weight_hh, bias_hh, *state):
        return cell.step(projected, state, weight_hh, bias_hh)

    projected, weight_hh, bias_hh, hidden = leaves[:4]
    # relu has a kink at zero, which a difference of 1e-6 must not cross.
    assert (projected + hidden @ weight_hh.T + bias_hh).abs().min() > 1e-3
    assert torch.autograd.gradcheck(step, leaves)
