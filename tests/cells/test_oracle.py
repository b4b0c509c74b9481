"""Each cell by hand and fused against torch.nn with the same weights: outputs, states, every gradient, in float64."""

import numpy as np
import pytest
import torch
from torch import nn

from elman.cells import ElmanCell, Fused, GRUCell, LSTMCell, build_recurrence
from elman.errors import SettingError, TrainingError

INPUT, HIDDEN, STEPS, SIZE = 3, 4, 5, 2
LIBRARY = {"elman": nn.RNN, "rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

every_cell = pytest.mark.parametrize(
    ("cell", "activation"), [("elman", "tanh"), ("elman", "relu"), ("rnn", "tanh"), ("gru", "tanh"), ("lstm", "tanh")]
)
every_depth = pytest.mark.parametrize("layers", [1, 2, 3])
every_direction = pytest.mark.parametrize("directions", [1, 2])


def both(cell, activation, layers, directions):
    """Return the recurrence by hand and torch.nn's, in float64, with weights of their own."""
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


def fused(cell, activation, layers, directions):
    """Return the fused recurrence, in float64."""
    by_hand = {"gru": GRUCell, "lstm": LSTMCell}.get(cell, lambda: ElmanCell(activation))()
    return Fused(by_hand, INPUT, HIDDEN, layers=layers, directions=directions).double()


def traced(recurrence, inputs, state, seen="all"):
    """Return outputs and final state, and the gradient of every parameter, of the input and of the given state."""
    leaves = [tensor.clone().requires_grad_() for tensor in (inputs, *(state or ()))]
    outputs, final = recurrence(leaves[0], tuple(leaves[1:]) if state else None)
    results = {"all": (outputs, *final), "outputs": (outputs,), "final": final}[seen]
    torch.manual_seed(1)
    loss = sum((result * torch.randn_like(result)).sum() for result in results)
    return list(results), list(torch.autograd.grad(loss, [*recurrence.parameters(), *leaves]))


@every_cell
@every_depth
@every_direction
@pytest.mark.parametrize("given", [True, False], ids=["given state", "zeros"])
@pytest.mark.parametrize("loads", ["hand loads library", "library loads hand"])
def test_by_hand_and_library_agree_in_outputs_states_and_every_gradient(
    cell, activation, layers, directions, given, loads
):
    hand, library = both(cell, activation, layers, directions)
    taker, giver = (hand, library) if loads == "hand loads library" else (library, hand)
    taker.load_state_dict(giver.state_dict())
    inputs = torch.randn(STEPS, SIZE, INPUT, dtype=torch.float64)
    parts = 2 if cell == "lstm" else 1
    state = tuple(torch.randn(parts, layers * directions, SIZE, HIDDEN, dtype=torch.float64)) if given else None
    (results, gradients), (expected, expected_gradients) = traced(hand, inputs, state), traced(library, inputs, state)
    torch.testing.assert_close(results, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(gradients, expected_gradients, rtol=0, atol=1e-12)


@every_cell
@every_depth
@every_direction
@pytest.mark.parametrize("steps", [1, STEPS])
@pytest.mark.parametrize("given", [True, False], ids=["given state", "zeros"])
@pytest.mark.parametrize("seen", ["all", "outputs", "final"])
def test_fused_and_library_agree_in_outputs_states_and_every_gradient(
    cell, activation, layers, directions, steps, given, seen
):
    _, library = both(cell, activation, layers, directions)
    fast = fused(cell, activation, layers, directions)
    fast.load_state_dict(library.state_dict())
    inputs = torch.randn(steps, SIZE, INPUT, dtype=torch.float64)
    parts = 2 if cell == "lstm" else 1
    state = tuple(torch.randn(parts, layers * directions, SIZE, HIDDEN, dtype=torch.float64)) if given else None
    (results, gradients), (expected, expected_gradients) = (traced(one, inputs, state, seen) for one in (fast, library))
    torch.testing.assert_close(results, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(gradients, expected_gradients, rtol=0, atol=1e-12)


@every_cell
@every_direction
def test_fused_gradients_are_those_of_finite_differences(cell, activation, directions):
    torch.manual_seed(0)
    fast = fused(cell, activation, 1, directions)
    names = list(dict(fast.named_parameters()))
    inputs = torch.randn(3, SIZE, INPUT, dtype=torch.float64, requires_grad=True)
    leaves = [parameter.detach().requires_grad_() for parameter in fast.parameters()]

    def read(inputs, *weights):
        outputs, final = torch.func.functional_call(fast, dict(zip(names, weights, strict=True)), inputs)
        return outputs, *final

    assert torch.autograd.gradcheck(read, [inputs, *leaves])


def test_a_fused_cell_with_a_strange_activation_is_refused():
    with pytest.raises(SettingError, match="tanh and relu; got 'sigmoid'"):
        Fused(ElmanCell("sigmoid"), INPUT, HIDDEN)


@every_cell
def test_fused_passes_are_what_is_built_unless_asked_otherwise(cell, activation):
    assert type(build_recurrence(cell, INPUT, HIDDEN, by_hand=False, activation=activation)) is Fused
    library = build_recurrence(cell, INPUT, HIDDEN, by_hand=False, fused=False, activation=activation)
    assert isinstance(library, LIBRARY[cell])


@every_cell
@every_depth
@every_direction
@pytest.mark.parametrize("given", [True, False], ids=["given state", "zeros"])
def test_reading_symbols_is_reading_the_rows_of_their_embedding(cell, activation, layers, directions, given):
    fast = fused(cell, activation, layers, directions)
    ids = torch.tensor([[2, 0, 1], [2, 3, 3], [0, 0, 2], [1, 2, 2]])
    embedding = torch.randn(4, INPUT, dtype=torch.float64, requires_grad=True)
    parts = 2 if cell == "lstm" else 1
    state = tuple(torch.randn(parts, layers * directions, 3, HIDDEN, dtype=torch.float64, requires_grad=True))
    leaves = [*fast.parameters(), embedding, *(state if given else ())]
    found, expected = (
        [*results, *torch.autograd.grad(sum((r * r.detach().cos()).sum() for r in results), leaves)]
        for results in (
            (outputs, *final)
            for outputs, final in (
                fast.read_symbols(ids, embedding, state if given else None),
                fast(embedding[ids], state if given else None),
            )
        )
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@every_cell
def test_two_passes_that_wait_for_their_way_back_do_not_disturb_each_other(cell, activation):
    fast = fused(cell, activation, 2, 2)
    batches = torch.randn(2, STEPS, SIZE, INPUT, dtype=torch.float64)
    weights = list(fast.parameters())
    alone = [torch.autograd.grad(fast(batch)[0].square().sum(), weights) for batch in batches]
    losses = [fast(batch)[0].square().sum() for batch in batches]
    together = torch.autograd.grad(losses[0] + losses[1], weights)
    torch.testing.assert_close(together, tuple(a + b for a, b in zip(*alone, strict=True)), rtol=0, atol=1e-12)


@every_cell
def test_short_products_are_near_the_exact_ones_and_not_the_same(cell, activation):
    fast = fused(cell, activation, 2, 2).float()
    inputs, weights = torch.randn(STEPS, SIZE, INPUT), list(fast.parameters())
    results = []
    for fast.memory.short in (False, True):
        outputs, _ = fast(inputs)
        results.append([outputs, *torch.autograd.grad(outputs.square().sum(), weights)])
    torch.testing.assert_close(results[1], results[0], rtol=0.05, atol=0.05)
    assert all((short != exact).any() for short, exact in zip(*results, strict=True))


def test_a_way_back_whose_room_was_taken_is_refused_rather_than_wrong():
    fast = fused("gru", "tanh", 1, 1)
    inputs = torch.randn(STEPS, SIZE, INPUT, dtype=torch.float64)
    loss = fast(inputs)[0].sum()
    loss.backward(retain_graph=True)
    fast(inputs)[0].sum().backward()
    with pytest.raises(TrainingError, match="follow each pass before the next one"):
        loss.backward()


@every_cell
@every_depth
@every_direction
def test_parameters_have_the_names_shapes_and_order_of_torch_nn(cell, activation, layers, directions):
    reference = LIBRARY[cell](INPUT, HIDDEN, layers, bidirectional=directions == 2)
    expected = [(name, parameter.shape) for name, parameter in reference.named_parameters()]
    for recurrence in both(cell, activation, layers, directions):
        assert [(name, parameter.shape) for name, parameter in recurrence.named_parameters()] == expected


@every_cell
def test_one_seed_gives_the_first_values_of_torch_nn(cell, activation):
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
    hand, library = both(cell, activation, 1, 1)
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
def test_the_gradients_of_a_step_are_those_of_finite_differences(cell):
    generator = torch.Generator().manual_seed(3)
    shapes = [(SIZE, cell.gates * HIDDEN), (cell.gates * HIDDEN, HIDDEN), (cell.gates * HIDDEN,)]
    shapes += [(SIZE, HIDDEN)] * cell.state_size
    leaves = [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]

    def step(projected, weight_hh, bias_hh, *state):
        return cell.step(projected, state, weight_hh, bias_hh)

    projected, weight_hh, bias_hh, hidden = leaves[:4]
    kinks = (projected + hidden @ weight_hh.T + bias_hh).abs().min()  # relu's; a difference of 1e-6 must not cross one
    assert kinks > 1e-3
    assert torch.autograd.gradcheck(step, leaves)
