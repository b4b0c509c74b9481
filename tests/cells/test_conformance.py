"""One set of tests for every recurrence: by hand, fused and torch.nn's."""

import pytest
import torch
from torch.testing import assert_close

from elman.cells import CELLS, Cell, ElmanCell, Fused, GRUCell, LSTMCell, build_recurrence
from elman.errors import SettingError

INPUT, HIDDEN, STEPS, SIZE = 3, 4, 6, 5

HAND_CELLS = {"elman": ElmanCell, "rnn": ElmanCell, "gru": GRUCell, "lstm": LSTMCell}
KINDS = [
    *((cell, "tanh", kind) for cell in CELLS for kind in ("hand", "fused", "library")),
    *(("elman", "relu", kind) for kind in ("hand", "fused", "library")),
    *(("elman", activation, "hand") for activation in ("sigmoid", "none")),
]
every_recurrence = pytest.mark.parametrize(
    ("cell", "activation", "kind"), KINDS, ids=["-".join(kind) for kind in KINDS]
)
every_shape = pytest.mark.parametrize(("layers", "directions"), [(1, 1), (2, 1), (1, 2), (3, 2)])


def build(cell, activation, kind, **shape):
    torch.manual_seed(0)
    if kind == "fused":
        by_hand = ElmanCell(activation) if cell in ("elman", "rnn") else HAND_CELLS[cell]()
        return Fused(by_hand, INPUT, HIDDEN, **shape).double().eval()
    recurrence = build_recurrence(
        cell, INPUT, HIDDEN, by_hand=kind == "hand", fused=False, activation=activation, **shape
    )
    return recurrence.double().eval()


def draw_inputs(steps=STEPS):
    return torch.randn(steps, SIZE, INPUT, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@every_recurrence
@every_shape
@pytest.mark.parametrize("steps", [1, STEPS])
def test_outputs_and_states_have_their_shapes(cell, activation, kind, layers, directions, steps):
    outputs, state = build(cell, activation, kind, layers=layers, directions=directions)(draw_inputs(steps))
    assert outputs.shape == (steps, SIZE, directions * HIDDEN)
    assert isinstance(state, tuple) and len(state) == (2 if cell == "lstm" else 1)
    assert {part.shape for part in state} == {(layers * directions, SIZE, HIDDEN)}


@every_recurrence
@every_shape
def test_batch_order_never_changes_a_result(cell, activation, kind, layers, directions):
    recurrence = build(cell, activation, kind, layers=layers, directions=directions)
    order = torch.tensor([3, 0, 4, 2, 1])
    outputs, state = recurrence(draw_inputs())
    shuffled, shuffled_state = recurrence(draw_inputs()[:, order])
    assert_close(shuffled, outputs[:, order], rtol=0, atol=1e-12)
    assert_close(shuffled_state, tuple(part[:, order] for part in state), rtol=0, atol=1e-12)


@every_recurrence
@every_shape
def test_a_sequence_alone_has_the_same_result_as_in_a_batch(cell, activation, kind, layers, directions):
    recurrence = build(cell, activation, kind, layers=layers, directions=directions)
    alone, _ = recurrence(draw_inputs()[:, 2:3])
    assert_close(alone, recurrence(draw_inputs())[0][:, 2:3], rtol=0, atol=1e-12)


@every_recurrence
@pytest.mark.parametrize("layers", [1, 3])
def test_reading_two_halves_and_carrying_the_state_equals_reading_at_once(cell, activation, kind, layers):
    recurrence = build(cell, activation, kind, layers=layers)
    whole, end = recurrence(draw_inputs())
    first, middle = recurrence(draw_inputs()[:2])
    second, carried_end = recurrence(draw_inputs()[2:], middle)
    assert_close(torch.cat([first, second]), whole, rtol=0, atol=1e-12)
    assert_close(carried_end, end, rtol=0, atol=1e-12)


@every_recurrence
def test_no_state_equals_a_state_of_zeros(cell, activation, kind):
    recurrence = build(cell, activation, kind, layers=2, directions=2)
    zeros = (torch.zeros(4, SIZE, HIDDEN, dtype=torch.float64),) * (2 if cell == "lstm" else 1)
    assert_close(recurrence(draw_inputs(), zeros), recurrence(draw_inputs()), rtol=0, atol=0)


@every_recurrence
def test_the_final_state_is_the_last_output_of_each_direction(cell, activation, kind):
    outputs, state = build(cell, activation, kind, directions=2)(draw_inputs())
    assert_close(state[0][0], outputs[-1, :, :HIDDEN], rtol=0, atol=0)
    assert_close(state[0][1], outputs[0, :, HIDDEN:], rtol=0, atol=0)


@every_recurrence
def test_an_output_depends_on_every_step_before_it_and_on_none_after(cell, activation, kind):
    inputs = draw_inputs().requires_grad_()
    outputs, _ = build(cell, activation, kind)(inputs)
    (slope,) = torch.autograd.grad(outputs[3].sum(), inputs)
    assert slope[:4].abs().amax(dim=(1, 2)).min() > 0
    assert slope[4:].abs().max() == 0


@every_recurrence
def test_dropout_between_layers_acts_in_training_only(cell, activation, kind):
    recurrence = build(cell, activation, kind, layers=2, dropout=0.5)
    plain, _ = build(cell, activation, kind, layers=2)(draw_inputs())
    assert_close(recurrence(draw_inputs())[0], plain, rtol=0, atol=0)
    assert not torch.allclose(recurrence.train()(draw_inputs())[0], plain)


@every_recurrence
def test_dropout_does_not_change_a_single_layer(cell, activation, kind):
    recurrence = build(cell, activation, kind, dropout=0.5).train()
    assert_close(recurrence(draw_inputs())[0], build(cell, activation, kind)(draw_inputs())[0], rtol=0, atol=0)


@every_recurrence
@pytest.mark.parametrize("shape", [{"hidden_size": 0}, {"layers": 0}, {"directions": 0}, {"directions": 3}], ids=str)
def test_an_invalid_size_is_refused_by_name(cell, activation, kind, shape):
    size = {"input_size": INPUT, "hidden_size": HIDDEN, **shape}
    with pytest.raises(ValueError, match=f"{next(iter(shape))}|num_layers"):  # SettingError is a ValueError
        build_recurrence(cell, by_hand=kind == "hand", fused=kind == "fused", activation=activation, **size)


@pytest.mark.parametrize("by_hand", [True, False])
def test_an_unknown_cell_is_refused_with_the_known_ones(by_hand):
    with pytest.raises(SettingError, match="cell must be one of elman, rnn, gru, lstm; got 'transformer'"):
        build_recurrence("transformer", INPUT, HIDDEN, by_hand=by_hand)


@pytest.mark.parametrize("by_hand", [True, False])
def test_an_unknown_activation_is_refused_with_the_known_ones(by_hand):
    with pytest.raises(SettingError, match="activation must be one of tanh, relu, sigmoid, none; got 'softplus'"):
        build_recurrence("elman", INPUT, HIDDEN, by_hand=by_hand, activation="softplus")


@pytest.mark.parametrize("cell", [ElmanCell(), GRUCell(), LSTMCell()])
def test_a_cell_holds_no_weights_and_returns_a_state_like_the_one_it_took(cell):
    assert isinstance(cell, Cell) and not isinstance(cell, torch.nn.Module)
    state = tuple(torch.zeros(SIZE, HIDDEN) for _ in range(cell.state_size))
    rows = cell.gates * HIDDEN
    after = cell.step(torch.ones(SIZE, rows), state, torch.ones(rows, HIDDEN), torch.ones(rows))
    assert [part.shape for part in after] == [part.shape for part in state]
