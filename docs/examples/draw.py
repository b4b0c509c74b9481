"""Draw the pictures of the learners' pages: `docs/by-hand.md`, `docs/shapes.md` and `docs/tutorials/`.

    python docs/examples/draw.py                 all of them, into docs/pictures/
    python docs/examples/draw.py gradients       some of them
    python docs/examples/draw.py --out FOLDER    into another folder

The diagrams are in `diagrams.py`. Every number in the other pictures is computed here, with Elman's cells.
"""

import argparse
import doctest
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import diagrams
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch.nn.functional import one_hot

import elman
from elman.cells import Cell, ElmanCell, GRUCell, LSTMCell, Unrolled
from elman.data.reading import read_named
from elman.evaluation.drawings import plot_alignment, plot_network
from elman.evaluation.figures import (
    FIRST,
    INK,
    QUIET,
    RIGHT_SHADES,
    SANS,
    SECOND,
    SHEET,
    dress,
    make_figure,
    save_figure,
)
from elman.prediction.transcriber import Transcriber
from elman.training.recipes import RECIPES, named_recipe
from elman.training.run import Run

DOCS = Path(__file__).parents[1]
PICTURES, PAGE = DOCS / "pictures", DOCS / "shapes.md"
BOTH_SIGNS = LinearSegmentedColormap.from_list("signs", (SECOND, "#e5c7a4", SHEET, "#a9cdbd", FIRST))
"""Brass for numbers below zero, green for those above."""

SYMBOLS, LANGUAGES = 56, 18
"""V and C of the 18 languages, as the recipes of T1 and T5 read them (seed 0)."""


# Gradients over steps


def measure_gradients(
    cell: Cell, *, orthogonal: bool, gate: int | None = None, steps: int = 60, hidden_size: int = 64
) -> NDArray[np.float64]:
    """Return how large the gradient of the last output is in the input of each step before it.

    Inputs are drawn from a normal distribution; the mean is over 32 sequences.

    Args:
        cell: which one.
        orthogonal: start as Elman's networks do, with orthogonal recurrent weights and biases of zero; otherwise as
            torch.nn's.
        gate: add 2 to the bias of this gate, so that it begins nearly open.
        steps: T.
        hidden_size: H.

    Returns:
        (T,), the last step first, which is 1.
    """
    torch.manual_seed(0)
    network = Unrolled(cell, 16, hidden_size)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if orthogonal and "bias" in name:
                parameter.zero_()
            elif orthogonal and "weight_hh" in name:
                for block in parameter.split(hidden_size):
                    torch.nn.init.orthogonal_(block)
        if gate is not None:
            network.bias_hh_l0[gate * hidden_size : (gate + 1) * hidden_size] += 2
    inputs = torch.randn(steps, 32, 16, requires_grad=True)
    outputs, _ = network(inputs)
    (gradient,) = torch.autograd.grad((outputs[-1] * torch.randn(32, hidden_size)).sum(), inputs)
    sizes = gradient.norm(dim=2).mean(dim=1).flip(0)
    return (sizes / sizes[0]).double().numpy()


UPDATE, FORGET = 1, 1
"""The places of the GRU's update gate and of the LSTM's forget gate among the blocks of their weights."""


def draw_gradients() -> Figure:
    """Draw the size of gradients over steps for each cell."""
    figure = make_figure(8.0, 4.4)
    axes = figure.subplots()
    lines: Sequence[tuple[str, Any, NDArray[np.float64], str]] = (
        ("LSTM, forget gate open", "-", measure_gradients(LSTMCell(), orthogonal=True, gate=FORGET), FIRST),
        ("GRU, update gate open", "--", measure_gradients(GRUCell(), orthogonal=True, gate=UPDATE), FIRST),
        ("Elman, orthogonal", "-", measure_gradients(ElmanCell(), orthogonal=True), SECOND),
        ("GRU, gates half open", ":", measure_gradients(GRUCell(), orthogonal=True), QUIET),
        ("LSTM, gates half open", "-.", measure_gradients(LSTMCell(), orthogonal=True), QUIET),
        ("Elman, as torch.nn starts", "--", measure_gradients(ElmanCell(), orthogonal=False), SECOND),
    )
    ends = [2.0, 0.008, 5e-5, 3e-8, 5e-10, 1e-15]
    for (name, style, sizes, colour), end in zip(lines, ends, strict=True):
        axes.plot(np.arange(len(sizes)), sizes, style, color=colour, linewidth=1.6)
        axes.text(len(sizes) + 0.5, end, name, color=colour, fontsize=9.5, fontfamily=SANS, va="center")
    axes.set(yscale="log", xlim=(0, 82), ylim=(1e-16, 20), xlabel="steps back from the last one")
    axes.set_xticks(range(0, 61, 10))
    axes.set_ylabel("gradient, relative to the last step")
    dress(axes, "How much of the gradient arrives so many steps back", grid="y")
    return figure


# The network that reads hello


def train_hello() -> tuple[Run, NDArray[np.float32]]:
    """Train the network of T3, and return the run and the states while it reads `hello`, (5, 4)."""
    config = replace(named_recipe("t3").config, name="hello")
    with tempfile.TemporaryDirectory() as folder:
        run = Run(read_named("hello"), config, Path(folder, "run"))
        for _ in run.epochs():
            pass
    ids = torch.from_numpy(run.task.vocabulary.encode("hello"))[:, None]
    with torch.no_grad():
        outputs, _ = run.model.recurrence(one_hot(ids, len(run.task.vocabulary)).float())
    return run, outputs[:, 0].numpy()


def draw_hidden_states() -> Figure:
    """Draw the four numbers of the state while `hello` is read, and the letter that each state says."""
    run, states = train_hello()
    answers = run.task.labels.names
    figure = make_figure(6.0, 4.4)
    axes = figure.subplots()
    _shade(axes, states.T, limit=1)
    for step, state in enumerate(states):
        best = int(state.argmax())
        axes.add_patch(Rectangle((step - 0.5, best - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=2))
    written = [answers[int(state.argmax())] for state in states]
    axes.set_xticks(range(5), [f"{read}\n→ {said}" for read, said in zip("hello", written, strict=True)])
    axes.set_yticks(range(4), [f"h[{place}] scores {name}" for place, name in enumerate(answers)])
    dress(axes, "The state after each letter of hello", grid="", frame=False)
    axes.tick_params(axis="x", labelsize=12)
    return figure


def draw_look_up() -> Figure:
    """Draw that a one-hot row times the input weights is one row of them."""
    run, _ = train_hello()
    table = run.model.recurrence.weight_ih_l0.detach().numpy().T  # (V, H)
    names = ["?", *run.task.vocabulary.symbols]
    chosen = names.index("l")
    hot = np.zeros((1, len(names)))
    hot[0, chosen] = 1
    figure = make_figure(8.0, 3.3)
    row, weights, result = figure.subplots(1, 3, width_ratios=(5, 4, 4))
    _shade(row, hot, limit=1, digits=0)
    row.set_xticks(range(len(names)), names)
    row.set_yticks([])
    _shade(weights, table, limit=float(np.abs(table).max()))
    weights.set_yticks(range(len(names)), [f"{place} {name}" for place, name in enumerate(names)])
    weights.add_patch(Rectangle((-0.5, chosen - 0.5), table.shape[1], 1, fill=False, edgecolor=INK, linewidth=2))
    _shade(result, table[[chosen]], limit=float(np.abs(table).max()))
    result.set_yticks([])
    for axes, title in (
        (row, "one-hot row of l, (1, V)   ×"),
        (weights, "input weights, (V, H)   ="),
        (result, "their row 3, (1, H)"),
    ):
        if axes is not row:
            axes.set_xticks([])
        dress(axes, title, grid="", frame=False)
    return figure


def _shade(axes: Axes, numbers: NDArray[Any], *, limit: float, digits: int = 2) -> None:
    """Draw numbers as a heat map, and write them into its cells."""
    axes.imshow(numbers, cmap=BOTH_SIGNS, vmin=-limit, vmax=limit, aspect="equal")
    for (place, column), number in np.ndenumerate(numbers):
        colour = SHEET if abs(number) > 0.75 * limit else INK
        text = f"{number:.{digits}f}".replace("-", "−")
        axes.text(column, place, text, ha="center", va="center", fontsize=9, color=colour, fontfamily=SANS)


# Attention


def attend_by_hand(word: str) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Run the encoder–decoder of `docs/shapes.md`, and return what it writes for a word and the shares of attention.

    The code is the page's own: all of its section on N to M.

    Returns:
        M sounds, and shares, (M, T).
    """
    section = PAGE.read_text("utf-8").partition("## N to M by hand")[2].partition("\n## ")[0]
    names: dict[str, Any] = {}
    for example in doctest.DocTestParser().get_examples(section):
        exec(example.source, names)
    written, shares = names["transcribe"](word)
    return written, np.array(shares)


def draw_attention() -> Figure:
    """Draw the attention of the encoder–decoder of `docs/shapes.md` while it writes."""
    word = "shaxo"
    written, shares = attend_by_hand(word)
    figure = make_figure(5.6, 4.6)
    axes = figure.subplots()
    _shade(axes, shares, limit=1)
    axes.set_xticks(range(len(word)), list(word))
    axes.set_yticks(range(len(written)), list(written))
    axes.set(xlabel="read", ylabel="written")
    dress(axes, "Shares of attention", grid="", frame=False)
    axes.tick_params(labelsize=12)
    return figure


def draw_pronunciation() -> Figure:
    """Draw the attention of the shipped model `pronunciation` while it writes the sounds of a surname."""
    model = elman.load("pronunciation")
    assert isinstance(model, Transcriber)
    return plot_alignment(model.explain("schneider"))


# An image as a sequence


def make_seven() -> NDArray[np.float64]:
    """Return an image of a seven, (28, 28), from 0 to 1."""
    rows, columns = np.mgrid[:28, :28]
    bar = np.clip(1.8 - np.abs(rows - 6.5), 0, 1) * ((columns >= 7) & (columns <= 20))
    stem = np.clip(1.8 - np.abs(columns - (20 - 0.52 * (rows - 6))), 0, 1) * ((rows >= 6) & (rows <= 23))
    return np.maximum(bar, stem).astype(np.float64)


def draw_rows() -> Figure:
    """Draw an image, and one of its rows as the numbers of one step."""
    seven, step = make_seven(), 13
    figure = make_figure(8.0, 3.4)
    picture, numbers = figure.subplots(1, 2, width_ratios=(1, 1.5))
    picture.imshow(seven, cmap=RIGHT_SHADES, vmin=0, vmax=1)
    picture.add_patch(Rectangle((-0.5, step - 0.5), 28, 1, fill=False, edgecolor=SECOND, linewidth=2))
    picture.set_xticks([0, 27], ["1", "28"])
    picture.set_yticks([0, step, 27], ["step 1", f"step {step + 1}", "step 28"])
    dress(picture, "An image: 28 steps", grid="", frame=False)
    numbers.bar(range(28), seven[step], width=0.8, color=SECOND)
    numbers.set(ylim=(0, 1.05), xlim=(-0.7, 27.7), xlabel="pixel")
    numbers.set_xticks([0, 9, 18, 27], ["1", "10", "19", "28"])
    dress(numbers, f"What step {step + 1} reads: 28 numbers", grid="y")
    return figure


# Networks, unrolled


def _draw_network(recipe: str, steps: Sequence[str], *, symbols: int = SYMBOLS, labels: int = LANGUAGES) -> Figure:
    return plot_network(RECIPES[recipe].config.model, symbols=symbols, labels=labels, steps=steps)


DRAWN: Mapping[str, Callable[[], Figure]] = {
    "cell-elman": diagrams.draw_elman_cell,
    "cell-gru": diagrams.draw_gru_cell,
    "cell-lstm": diagrams.draw_lstm_cell,
    "backpropagation": diagrams.draw_backpropagation,
    "shapes": diagrams.draw_shapes,
    "training-step": diagrams.draw_training_step,
    "gradients": draw_gradients,
    "hidden-states": draw_hidden_states,
    "look-up": draw_look_up,
    "attention": draw_attention,
    "pronunciation": draw_pronunciation,
    "rows": draw_rows,
    "network-t1": lambda: _draw_network("t1", "Ito"),
    "network-t2": lambda: _draw_network("t2b", "Ito", symbols=57),
    "network-t3": lambda: _draw_network("t3", "hello", symbols=5, labels=4),
    "network-t4": lambda: _draw_network("t4", ["row 1", "row 2", "…", "row 28"], symbols=1, labels=10),
}
"""Every picture by the name of its file."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(DRAWN)}; all if not given")
    parser.add_argument("--out", type=Path, default=PICTURES, help="the folder; docs/pictures if not given")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(DRAWN)):
        parser.error(f"no picture is named {', '.join(unknown)}; the pictures are {', '.join(DRAWN)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or DRAWN:
        save_figure(DRAWN[name](), arguments.out / f"{name}.png")
        print(arguments.out / f"{name}.png")
