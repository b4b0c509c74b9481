"""Drawings of a model: how it reads one name, and its network unrolled over time.

Each function returns a figure; `elman.evaluation.figures.save_figure` writes it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from elman.evaluation.figures import (
    FAINT,
    FIRST,
    INK,
    LINE,
    QUIET,
    RIGHT_SHADES,
    SANS,
    SECOND,
    SERIF,
    SHEET,
    dress,
    make_figure,
    shorten,
    write_cells,
)
from elman.model.config import NO_CELL, ModelConfig
from elman.model.tensors import HEAD_WEIGHT, NGRAMS, WORDS, name_layer
from elman.prediction.alignment import Alignment
from elman.prediction.explanation import Explanation


def plot_explanation(explanation: Explanation) -> Figure:
    """Draw how the answer changes letter by letter, forwards and backwards, and which letters support it."""
    letters = list(explanation.normalised)
    figure = make_figure(max(7.0, 0.34 * len(letters) + 2.6), 7.0)
    figure.suptitle(
        f"{explanation.name}: {explanation.label} {explanation.probability:.1%}",
        fontsize=14,
        fontfamily=SERIF,
        color=INK,
        parse_math=False,
    )
    forwards, backwards, bars = figure.subplots(3, 1, height_ratios=(1, 1, 1.1))
    places = np.arange(len(letters))
    for axes, steps in ((forwards, explanation.forwards), (backwards, explanation.backwards)):
        shares = 100 * np.array([[step[name] for step in steps] for name in explanation.shown])
        axes.imshow(shares, cmap=RIGHT_SHADES, vmin=0, vmax=100, aspect="auto")
        axes.set_yticks(range(len(explanation.shown)), [shorten(name) for name in explanation.shown], parse_math=False)
        write_cells(axes, shares, shares)
    nats = np.array(explanation.evidence)
    bars.bar(places, nats, width=0.8, color=np.where(nats >= 0, FIRST, SECOND))
    bars.axhline(0, color=INK, linewidth=0.8)
    bars.set_xlim(-0.5, len(letters) - 0.5)
    bars.set_ylabel("nats")
    for axes, title in (
        (forwards, "Read forwards: what the model says if the name ends at this letter (%)"),
        (backwards, "Read backwards: what it says if the name begins at this letter (%)"),
        (bars, f"Evidence for {explanation.label}: what its log-odds lose when the letter is hidden"),
    ):
        axes.set_xticks(places, [letter if letter.strip() else "␣" for letter in letters], parse_math=False)
        dress(axes, title, grid="y" if axes is bars else "", frame=axes is bars)
        axes.tick_params(axis="x", labelsize=12)
    return figure


def plot_alignment(alignment: Alignment) -> Figure:
    """Draw where a model of pairs looks in a string while it writes each symbol of its answer."""
    letters = ["␣" if letter == " " else letter for letter in alignment.normalised]
    figure = make_figure(max(5.5, 0.55 * len(letters) + 2.4), max(3.0, 0.42 * len(alignment.symbols) + 1.8))
    axes = figure.subplots()
    shares = 100 * np.array(alignment.weights)
    axes.imshow(shares, cmap=RIGHT_SHADES, vmin=0, vmax=100, aspect="auto")
    axes.set_xticks(range(len(letters)), letters, parse_math=False)
    rows = [
        f"{shorten(symbol)}  {100 * chance:.0f} %"
        for symbol, chance in zip(alignment.symbols, alignment.chances, strict=True)
    ]
    axes.set_yticks(range(len(rows)), rows, parse_math=False)
    write_cells(axes, shares, shares)
    figure.suptitle(
        f"{alignment.name}: {alignment.label}, {alignment.probability:.1%}",
        fontsize=14,
        fontfamily=SERIF,
        color=INK,
        parse_math=False,
    )
    dress(axes, "Where the model looks (%) while it writes each symbol", grid="", frame=False)
    axes.tick_params(axis="x", labelsize=12)
    return figure


def plot_network(config: ModelConfig, *, symbols: int, labels: int, steps: Sequence[str] = "hello") -> Figure:
    """Draw a network unrolled over time, with the shapes of its weights and of its values at each step.

    The shapes are those of one sequence of T steps; a batch adds B after T.

    Args:
        config: its shape.
        symbols: V, the unknown one included.
        labels: C; 1 if the answer is a number.
        steps: the text of each step; at most ten are drawn.
    """
    steps = list(steps)[:10]
    layers = config.layers if config.cell != NO_CELL else 0
    lanes = [(layer, reverse) for layer in range(layers) for reverse in range(config.directions)]
    figure = make_figure(0.9 * len(steps) + 4.6, 1.0 * len(lanes) + 2.9)
    canvas = Canvas(figure.subplots(), len(steps))
    shapes = config.tensor_shapes(symbols=symbols, labels=labels)
    top = len(lanes) + 1.5
    _draw_inputs(canvas, config, symbols, steps)
    below = _draw_layers(canvas, config, shapes, lanes)
    _draw_head(canvas, config, shapes, labels, top=top, below=below)
    if config.bag_orders:
        orders = ", ".join(map(str, config.bag_orders))
        canvas.note(top + 0.55, f"+ bag of n-grams ({orders}) → ({labels},), straight into the logits")
    if config.reads_words:
        canvas.note(top + 0.25, f"+ hashed first and last word {shapes[WORDS]} → ({labels},), into the logits")
    if config.ngram_orders:
        orders = ", ".join(map(str, config.ngram_orders))
        canvas.note(0.45, f"+ hashed n-grams ({orders}) {shapes[NGRAMS]}")
    canvas.axes.set_ylim(-0.6, top + 0.9)
    return figure


class Canvas:
    """Axes for the parts of a network: what it reads, its states, its answers, and arrows between them.

    The steps of a sequence are columns from 0 on; one unit is one step.

    Args:
        axes: where to draw.
        width: T, the number of columns.
    """

    def __init__(self, axes: Axes, width: int) -> None:
        self.axes, self.width = axes, width
        axes.set_axis_off()
        axes.set_xlim(-0.6, width + 3.4)

    def tile(self, x: float, y: float, text: str) -> None:
        """Draw a symbol of the input, in the letters of the page, on a pale square tile."""
        frame = {"boxstyle": "square,pad=0.4", "facecolor": LINE, "edgecolor": "none"}
        self._write(x, y, text or " ", frame, fontfamily=SERIF, fontsize=13, color=INK)

    def state(self, x: float, y: float, colour: str, text: str = "h") -> None:
        """Draw a hidden state: a filled circle."""
        frame = {"boxstyle": "circle,pad=0.3", "facecolor": colour, "edgecolor": "none"}
        self._write(x, y, text, frame, fontfamily=SANS, fontsize=10, fontstyle="italic", color=SHEET)

    def answer(self, x: float, y: float, text: str = "y") -> None:
        """Draw an answer: a frame with round corners."""
        frame = {"boxstyle": "round,pad=0.35,rounding_size=0.5", "facecolor": SHEET, "edgecolor": INK, "linewidth": 1.6}
        self._write(x, y, text, frame, fontfamily=SANS, fontsize=10, fontstyle="italic", color=INK)

    def _write(self, x: float, y: float, text: str, frame: dict[str, Any], **letters: Any) -> None:
        self.axes.text(x, y, text, ha="center", va="center", bbox=frame, parse_math=False, **letters)

    def note(self, y: float, text: str) -> None:
        """Write a text to the right of the columns."""
        style: dict[str, Any] = {"ha": "left", "va": "center", "fontsize": 9.5, "color": QUIET, "fontfamily": SANS}
        self.axes.text(self.width - 0.35, y, text, parse_math=False, **style)

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], colour: str = INK, *, bow: float = 0.0
    ) -> None:
        """Draw an arrow; ``bow`` bends it."""
        line = {"arrowstyle": "->", "color": colour, "linewidth": 1.0, "connectionstyle": f"arc3,rad={bow}"}
        self.axes.annotate("", xy=end, xytext=start, arrowprops=line)


def _draw_inputs(canvas: Canvas, config: ModelConfig, symbols: int, steps: Sequence[str]) -> None:
    size = config.step_size(symbols)
    canvas.note(0, f"input {'(T,) symbol ids' if not config.input_size else f'(T, {size}) numbers'}")
    if not config.input_size:
        table = f"embedding ({symbols}, {size})" if config.embedding_size else "one-hot"
        canvas.note(0.8, f"{table} → (T, {size})")
    for column, step in enumerate(steps):
        canvas.tile(column, 0, step)


def _draw_layers(
    canvas: Canvas, config: ModelConfig, shapes: Mapping[str, tuple[int, ...]], lanes: Sequence[tuple[int, int]]
) -> float:
    """Draw each layer in each direction; return the height of the states that the head reads."""
    below = 0.0  # the height of what the layer reads
    for row, (layer, reverse) in enumerate(lanes, start=1):
        names, height = name_layer(layer, reverse), row + 0.2
        weights = f"W_ih {shapes[names.weight_ih]}, W_hh {shapes[names.weight_hh]}"
        direction = "backwards" if reverse else "forwards"
        canvas.note(height, f"{config.cell}, layer {layer + 1}, {direction} → (T, {config.hidden_size})\n{weights}")
        for column in range(canvas.width):
            canvas.state(column, height, SECOND if reverse else FIRST)
            canvas.arrow((column, below + 0.28), (column, height - 0.28), FAINT, bow=0.45 if reverse else 0.0)
            if column + 1 < canvas.width:
                ends = [(column + 0.28, height), (column + 0.72, height)]
                canvas.arrow(*(reversed(ends) if reverse else ends))
        if reverse or config.directions == 1:
            below = height
    return below


def _draw_head(
    canvas: Canvas,
    config: ModelConfig,
    shapes: Mapping[str, tuple[int, ...]],
    labels: int,
    *,
    top: float,
    below: float,
) -> None:
    each, both = config.readout == "each", config.directions == 2 and config.cell != NO_CELL
    answer = f"(T, {labels}) logits" if each else f"({labels},) logits" if labels > 1 else "a number"
    head = f"head {shapes[HEAD_WEIGHT]} → {answer}" if config.head != "none" else f"no head: the output is {answer}"
    canvas.note(top, head)
    last = canvas.width - 1
    for column in range(canvas.width) if each else [last]:
        forwards = below - 1 if both else below
        canvas.arrow((column, forwards + 0.28), (column, top - 0.28), bow=0.3 if both else 0.0)
        if each and both:
            canvas.arrow((column, below + 0.28), (column, top - 0.28))
        canvas.answer(column, top)
    if not each and both:
        canvas.arrow((0.2, below + 0.25), (last - 0.25, top - 0.1))
