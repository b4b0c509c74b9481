"""The fused recurrence and its buffers; `test_oracle` compares its values and gradients with torch.nn's."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.testing import assert_close
from torch.utils.checkpoint import checkpoint

from elman.cells import ElmanCell, Fused, GRUCell, LSTMCell, build_recurrence
from elman.cells.passes import buffers
from elman.errors import SettingError

INPUT, HIDDEN, STEPS, SIZE, SYMBOLS = 3, 4, 5, 2, 6
CELLS = {"elman": ElmanCell, "relu": lambda: ElmanCell("relu"), "gru": GRUCell, "lstm": LSTMCell}

every_cell = pytest.mark.parametrize("cell", CELLS)
every_input = pytest.mark.parametrize("reads", ["numbers", "symbols"])


@pytest.fixture(autouse=True)
def allocations(monkeypatch):
    """Pool every buffer, small as they are here, and list the sizes of those that are new."""
    sizes, allocate = [], buffers._allocate
    monkeypatch.setattr(buffers, "LARGE", 1)
    monkeypatch.setattr(buffers, "_allocate", lambda size: sizes.append(size) or allocate(size))
    return sizes


def fused(cell, *, layers=2, directions=2, dropout=0.0):
    """Return a fused recurrence, in float64."""
    torch.manual_seed(0)
    return Fused(CELLS[cell](), INPUT, HIDDEN, layers=layers, directions=directions, dropout=dropout).double()


def batches(reads, count=2):
    """Return batches: numbers, or symbols with an embedding that all share."""
    draw = torch.Generator().manual_seed(1)
    if reads == "numbers":
        return [(torch.randn(STEPS, SIZE, INPUT, generator=draw, dtype=torch.float64),) for _ in range(count)]
    embedding = torch.randn(SYMBOLS, INPUT, generator=draw, dtype=torch.float64)
    return [(torch.randint(SYMBOLS, (STEPS, SIZE), generator=draw), embedding) for _ in range(count)]


def outputs_of(fast, batch):
    return fast(*batch)[0] if len(batch) == 1 else fast.read_symbols(*batch)[0]


def loss_of(fast, batch):
    return outputs_of(fast, batch).square().sum()


def gradients(fast, batch, **settings):
    return torch.autograd.grad(loss_of(fast, batch), list(fast.parameters()), **settings)


def test_other_activations_are_refused():
    with pytest.raises(SettingError, match="tanh and relu; got 'sigmoid'"):
        Fused(ElmanCell("sigmoid"), INPUT, HIDDEN)


@pytest.mark.parametrize(
    ("cell", "activation"), [("elman", "tanh"), ("elman", "relu"), ("rnn", "tanh"), ("gru", "tanh"), ("lstm", "tanh")]
)
def test_fused_passes_are_the_default(cell, activation):
    assert type(build_recurrence(cell, INPUT, HIDDEN, by_hand=False, activation=activation)) is Fused
    library = build_recurrence(cell, INPUT, HIDDEN, by_hand=False, fused=False, activation=activation)
    assert isinstance(library, {"elman": nn.RNN, "rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell])


@every_cell
@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("with_state", [True, False])
def test_reading_symbols_equals_reading_the_rows_of_their_embedding(cell, layers, directions, with_state):
    fast = fused(cell, layers=layers, directions=directions)
    ids = torch.tensor([[2, 0, 1], [2, 3, 3], [0, 0, 2], [1, 2, 2]])
    embedding = torch.randn(4, INPUT, dtype=torch.float64, requires_grad=True)
    parts = 2 if cell == "lstm" else 1
    state = tuple(torch.randn(parts, layers * directions, 3, HIDDEN, dtype=torch.float64, requires_grad=True))
    leaves = [*fast.parameters(), embedding, *(state if with_state else ())]
    first = state if with_state else None
    results = []
    for outputs, final in (fast.read_symbols(ids, embedding, first), fast(embedding[ids], first)):
        loss = sum((result * result.detach().cos()).sum() for result in (outputs, *final))
        results.append([outputs, *final, *torch.autograd.grad(loss, leaves)])
    assert_close(results[0], results[1], rtol=0, atol=1e-12)


@every_cell
def test_bfloat16_products_are_close_to_float32_and_not_equal(cell):
    fast = fused(cell).float()
    inputs, results = torch.randn(STEPS, SIZE, INPUT), []
    for fast.bfloat16_products in (False, True):
        outputs, _ = fast(inputs)
        results.append([outputs, *torch.autograd.grad(outputs.square().sum(), list(fast.parameters()))])
    assert_close(results[1], results[0], rtol=0.05, atol=0.05)
    assert all((short != exact).any() for short, exact in zip(*results, strict=True))


# Buffers


@every_cell
@every_input
def test_two_forward_passes_before_a_backward_pass(cell, reads):
    fast, both = fused(cell), batches(reads)
    alone = [gradients(fast, batch) for batch in both]
    losses = [loss_of(fast, batch) for batch in both]
    together = torch.autograd.grad(losses[0] + losses[1], list(fast.parameters()))
    assert_close(together, tuple(a + b for a, b in zip(*alone, strict=True)), rtol=0, atol=1e-12)


@every_cell
@every_input
def test_two_backward_passes_through_one_graph_with_another_pass_between(cell, reads):
    fast, (batch, other) = fused(cell), batches(reads)
    expected, loss = gradients(fast, batch), loss_of(fast, batch)
    for _ in range(2):
        found = torch.autograd.grad(loss, list(fast.parameters()), retain_graph=True)
        assert_close(found, expected, rtol=0, atol=0)
        gradients(fast, other)


@every_cell
@every_input
def test_a_pass_that_starts_during_a_backward_pass(cell, reads):
    fast, (batch, other) = fused(cell), batches(reads)
    expected, others = gradients(fast, batch), []

    def unpack(tensor):  # runs where a backward pass reads what was saved for it
        with saved_tensors_hooks(lambda saved: saved, lambda saved: saved), torch.enable_grad():
            others.append(loss_of(fast, other))
        return tensor

    with saved_tensors_hooks(lambda tensor: tensor, unpack):
        loss = loss_of(fast, batch)
    assert_close(torch.autograd.grad(loss, list(fast.parameters())), expected, rtol=0, atol=0)
    assert others


@every_cell
@every_input
@pytest.mark.parametrize("reentrant", [True, False], ids=["reentrant", "non-reentrant"])
def test_gradients_under_checkpoint(cell, reads, reentrant):
    fast, (batch, _) = fused(cell, layers=3, dropout=0.5), batches(reads)
    leaves = [batch[-1].requires_grad_(), *fast.parameters()]

    def run(*inputs):
        return outputs_of(fast, inputs)

    found = []
    for outputs in (run, lambda *inputs: checkpoint(run, *inputs, use_reentrant=reentrant)):
        torch.manual_seed(2)  # of the dropout between layers
        outputs(*batch).square().sum().backward()
        found.append([leaf.grad for leaf in leaves])
        for leaf in leaves:
            leaf.grad = None
    assert_close(found[1], found[0], rtol=0, atol=0)


@every_cell
@every_input
def test_threads_that_share_a_module(cell, reads):
    fast, several = fused(cell), batches(reads, count=3)
    expected = [gradients(fast, batch) for batch in several]
    with ThreadPoolExecutor(len(several)) as threads:
        for _ in range(30):
            found = list(threads.map(lambda batch: gradients(fast, batch), several))
            assert_close(found, expected, rtol=0, atol=0)


def test_threads_that_share_a_graph():
    fast, (batch, _) = fused("gru"), batches("symbols")
    expected, loss = gradients(fast, batch), loss_of(fast, batch)

    def follow(_):
        return torch.autograd.grad(loss, list(fast.parameters()), retain_graph=True)

    with ThreadPoolExecutor(3) as threads:
        for _ in range(30):
            assert_close(list(threads.map(follow, range(3))), [expected] * 3, rtol=0, atol=0)


def run_in_mode(mode):
    def run(fast, batch):
        with mode():
            loss_of(fast, batch)

    return run


USES = {
    "a backward pass": gradients,
    "a graph that is dropped": loss_of,
    "a graph that is kept for a while": lambda fast, batch: gradients(fast, batch, retain_graph=True),
    "no gradient": run_in_mode(torch.no_grad),
    "inference mode": run_in_mode(torch.inference_mode),
    "a checkpoint": lambda fast, batch: torch.autograd.grad(
        checkpoint(loss_of, fast, batch, use_reentrant=False), list(fast.parameters())
    ),
}


@every_cell
@every_input
@pytest.mark.parametrize("use", USES)
def test_buffers_are_used_again_after(cell, reads, use, allocations):
    fast, (batch, _) = fused(cell), batches(reads)
    USES[use](fast, batch)
    count = len(allocations)
    for _ in range(3):
        USES[use](fast, batch)
    assert len(allocations) == count
    assert count or (cell in ("elman", "relu") and reads == "numbers")  # which need no buffers


def test_a_copy_of_a_module_has_the_same_results_and_its_own_buffers():
    fast, (batch, _) = fused("gru"), batches("symbols")
    expected = gradients(fast, batch)
    copied = copy.deepcopy(fast)
    assert_close(gradients(copied, batch), expected, rtol=0, atol=0)
    assert copied._pool is not fast._pool
