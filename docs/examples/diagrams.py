"""Diagrams of the learners' pages: one step of each cell, backpropagation, the five shapes, and a step of training.

`draw.py` writes them. They have the colours and letters of all pictures (`elman.evaluation.figures`).
"""

from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from elman.evaluation.drawings import Canvas
from elman.evaluation.figures import FAINT, FIRST, INK, LINE, QUIET, SANS, SECOND, SERIF, SHEET, make_figure

Point = tuple[float, float]


class Sketch(Canvas):
    """A canvas with boxes, operations and bent lines besides the parts of a network.

    Lines are behind all else, so that they can begin in the middle of what they come from.

    Args:
        width: of the figure and of its content, in inches.
        height: of the figure and of its content, in inches.
        title: of the figure.
    """

    def __init__(self, width: float, height: float, title: str = "") -> None:
        self.figure = make_figure(width, height)
        super().__init__(self.figure.subplots(), 0)
        self.axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        if title:
            self.say(0.1, height - 0.3, title, colour=INK, size=13, ha="left", va="baseline", fontfamily=SERIF)

    def box(self, x: float, y: float, text: str, *, colour: str = FIRST) -> None:
        """Draw something that is computed: a filled box."""
        frame = {"boxstyle": "round,pad=0.5,rounding_size=0.25", "facecolor": colour, "edgecolor": "none"}
        self._write(x, y, text, frame, fontfamily=SANS, fontsize=10, color=SHEET, linespacing=1.4)

    def value(self, x: float, y: float, text: str) -> None:
        """Draw a tensor that comes in or goes out: a pale tile with its shape."""
        frame = {"boxstyle": "square,pad=0.45", "facecolor": LINE, "edgecolor": "none"}
        self._write(x, y, text, frame, fontfamily=SANS, fontsize=10, color=INK, linespacing=1.4)

    def operation(self, x: float, y: float, text: str) -> None:
        """Draw an operation on each number: a circle."""
        frame = {"boxstyle": "circle,pad=0.2", "facecolor": SHEET, "edgecolor": INK, "linewidth": 1.4}
        self._write(x, y, text, frame, fontfamily=SANS, fontsize=12, color=INK)

    def copy(self, x: float, y: float, text: str) -> None:
        """Draw what a network reads because it wrote it: a tile with an outline alone."""
        frame = {"boxstyle": "square,pad=0.4", "facecolor": SHEET, "edgecolor": FAINT, "linestyle": (0, (2, 1.5))}
        self._write(x, y, text, frame, fontfamily=SERIF, fontsize=11, color=QUIET)

    def say(self, x: float, y: float, text: str, *, colour: str = QUIET, size: float = 9.5, **more: Any) -> None:
        """Write a text."""
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontfamily": SANS, "linespacing": 1.4, **more}
        self.axes.text(x, y, text, fontsize=size, color=colour, parse_math=False, **style)

    def line(self, *points: Point, colour: str = INK, arrow: bool = True, style: Any = "-") -> None:
        """Draw a line through points, with an arrow at its end."""
        look: dict[str, Any] = {"color": colour, "linewidth": 1.3, "linestyle": style}
        bends = points[:-1] if arrow else points
        if len(bends) > 1:
            self.axes.plot(*zip(*bends, strict=True), zorder=1, **look)
        if arrow:
            ends = {"arrowstyle": "-|>,head_length=0.5,head_width=0.22", "shrinkA": 0, "shrinkB": 0}
            self.axes.annotate("", xy=points[-1], xytext=points[-2], arrowprops={**ends, **look}, zorder=1)


def draw_elman_cell() -> Figure:
    """Draw one step of the Elman cell."""
    sketch = Sketch(7.6, 3.1, "One step of the Elman cell")
    upper, lower, total = 1.65, 0.5, 3.9
    sketch.line((0.7, upper), (1.75, upper))
    sketch.line((0.7, lower), (1.75, lower))
    sketch.line((2.4, upper), (total - 0.23, upper))
    sketch.line((2.4, lower), (total, lower), (total, upper - 0.23))
    sketch.line((total, 2.3), (total, upper + 0.23))
    sketch.line((total, upper), (4.7, upper))
    sketch.line((5.0, upper), (6.1, upper))
    sketch.value(0.7, upper, "state h\n(B, H)")
    sketch.value(0.7, lower, "input x\n(B, I)")
    sketch.box(2.4, upper, "weight_hh\n(H, H)")
    sketch.box(2.4, lower, "weight_ih\n(H, I)")
    sketch.operation(total, upper, "+")
    sketch.say(total, 2.42, "both biases (H,)")
    sketch.box(5.05, upper, "tanh", colour=SECOND)
    sketch.value(6.75, upper, "next state h'\n(B, H)")
    sketch.say(5.8, lower, "h' is the output of this step\nand the state of the next")
    return sketch.figure


def draw_gru_cell() -> Figure:
    """Draw one step of the GRU."""
    sketch = Sketch(7.8, 4.6, "One step of the GRU")
    update, reset, candidate, top, gates, bus = 2.0, 3.8, 5.7, 3.6, 1.6, 0.55
    sketch.line((0.7, top), (update - 0.23, top))
    sketch.line((update, top), (candidate - 0.23, top))
    sketch.line((candidate, top), (6.75, top))
    sketch.line((0.7, bus), (candidate, bus), colour=QUIET, arrow=False)
    for column in (update, reset, candidate):
        sketch.line((column, bus), (column, gates - 0.3), colour=QUIET)
    sketch.line((update, gates), (update, top - 0.23))
    sketch.line((update, 2.6), (candidate - 0.23, 2.6))
    sketch.line((reset, gates), (candidate - 0.6, gates))
    sketch.line((candidate, gates), (candidate, 2.37))
    sketch.line((candidate, 2.6), (candidate, top - 0.23))
    sketch.value(0.7, top, "state h\n(B, H)")
    sketch.value(0.7, bus, "x (B, I)\nh (B, H)")
    sketch.box(update, gates, "update z\nσ")
    sketch.box(reset, gates, "reset r\nσ")
    sketch.box(candidate, gates, "candidate n\ntanh", colour=SECOND)
    for column, height, text in ((update, top, "⊙"), (candidate, 2.6, "⊙"), (candidate, top, "+")):
        sketch.operation(column, height, text)
    sketch.value(7.2, top, "next h'\n(B, H)")
    sketch.say(update + 0.12, 3.1, "z: keep", ha="left")
    sketch.say(3.8, 2.77, "1 − z: replace")
    sketch.say(3.8, top + 0.18, "z ⊙ h: what stays of the past")
    sketch.say(4.78, gates + 0.42, "how much of h\nn reads", size=9)
    sketch.say(candidate + 0.12, 3.1, "(1 − z) ⊙ n", ha="left")
    sketch.say(4.3, 0.2, "weight_ih (3 · H, I), weight_hh (3 · H, H), biases (3 · H,); each gate (B, H)")
    return sketch.figure


def draw_lstm_cell() -> Figure:
    """Draw one step of the LSTM."""
    sketch = Sketch(8.4, 4.7, "One step of the LSTM")
    forget, written, proposed, shown, last = 1.85, 3.05, 4.45, 5.75, 6.75
    middle, top, gates, bus = (written + proposed) / 2, 3.7, 1.6, 0.55
    sketch.line((0.7, top), (forget - 0.23, top))
    sketch.line((forget, top), (middle - 0.23, top))
    sketch.line((middle, top), (7.35, top))
    sketch.line((0.7, bus), (shown, bus), colour=QUIET, arrow=False)
    for column in (forget, written, proposed, shown):
        sketch.line((column, bus), (column, gates - 0.3), colour=QUIET)
    sketch.line((forget, gates), (forget, top - 0.23))
    sketch.line((written, gates), (written, 2.6), (middle - 0.23, 2.6))
    sketch.line((proposed, gates), (proposed, 2.6), (middle + 0.23, 2.6))
    sketch.line((middle, 2.6), (middle, top - 0.23))
    sketch.line((last, top), (last, 2.88))
    sketch.line((last, 2.7), (last, gates + 0.23))
    sketch.line((shown, gates), (last - 0.23, gates))
    sketch.line((last, gates), (7.35, gates))
    sketch.value(0.7, top, "cell c\n(B, H)")
    sketch.value(0.7, bus, "x (B, I)\nh (B, H)")
    for column, name in ((forget, "forget f"), (written, "input i"), (shown, "output o")):
        sketch.box(column, gates, f"{name}\nσ")
    sketch.box(proposed, gates, "candidate g\ntanh", colour=SECOND)
    sketch.box(last, 2.7, "tanh", colour=SECOND)
    for column, height, text in ((forget, top, "⊙"), (middle, 2.6, "⊙"), (middle, top, "+"), (last, gates, "⊙")):
        sketch.operation(column, height, text)
    sketch.value(7.8, top, "next c'\n(B, H)")
    sketch.value(7.8, gates, "next h'\n(B, H)")
    sketch.say(forget + 0.12, 3.1, "f: what stays", ha="left")
    sketch.say(middle + 0.12, 3.2, "i ⊙ g: what is written", ha="left")
    sketch.say(last + 0.12, 2.2, "o: what is shown", ha="left")
    sketch.say(4.4, 0.2, "weight_ih (4 · H, I), weight_hh (4 · H, H), biases (4 · H,); each gate (B, H)")
    return sketch.figure


def draw_backpropagation() -> Figure:
    """Draw the network unrolled, and the way of the gradient back through it."""
    sketch = Sketch(8.0, 3.7, "The same cell at every step, and the way back of the gradient")
    letters, start, gap, height = "hello", 1.45, 1.2, 1.6
    columns = [start + gap * step for step in range(len(letters))]
    sketch.say(0.4, 0.45, "read")
    sketch.say(0.4, height, "h = 0")
    sketch.line((0.75, height), (columns[0] - 0.2, height))
    for step, (column, letter) in enumerate(zip(columns, letters, strict=True)):
        sketch.line((column, 0.5), (column, height - 0.22))
        sketch.say(column + 0.07, 0.95, "W_ih", size=8.5, ha="left")
        if step + 1 < len(letters):
            sketch.line((column, height), (columns[step + 1] - 0.2, height))
            sketch.say(column + gap / 2, height + 0.16, "W_hh", size=8.5)
            back = ((columns[step + 1] - 0.12, height - 0.25), (column + 0.12, height - 0.25))
            sketch.line(*back, colour=SECOND)
        sketch.tile(column, 0.45, letter)
        sketch.state(column, height, FIRST)
    last = columns[-1]
    sketch.line((last, height), (last, 2.48))
    sketch.answer(last, 2.7, "y")
    sketch.line((last + 0.16, 2.48), (last + 0.16, height + 0.22), colour=SECOND)
    sketch.say(last - 0.3, 2.7, "the answer, after the last letter", ha="right")
    sketch.say(last + 0.28, 2.15, "gradient of\nthe loss", ha="left", colour=SECOND)
    sketch.say(start + 1.6 * gap, 2.2, "one set of weights: every step adds to its gradient")
    return sketch.figure


@dataclass(frozen=True)
class Shape:
    """One shape of a recurrent network, with an example.

    Args:
        title: its name.
        about: what the example does.
        reads: what each step reads; a step after them reads what the step before wrote.
        writes: what each step writes; empty if nothing.
        left: the place of its first step.
        decodes: the first step of a second network, if there are two.
    """

    title: str
    about: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    left: float
    decodes: int | None = None


SHAPES = (
    (
        Shape("one to one", "numbers → a rent", ("7, 90",), ("2,260",), 0.8),
        Shape("one to many", "a label → a name", ("Greek",), ("N", "i", "k", "end"), 2.3),
        Shape("many to one", "a name → its language", tuple("Ito"), ("", "", "Japanese"), 5.75),
    ),
    (
        Shape("N to M", "letters → sounds", tuple("ax"), ("", "", "AE", "K", "S", "end"), 0.7, decodes=2),
        Shape("in step", "a letter for each letter", tuple("hello"), tuple("ohlol"), 5.0),
    ),
)
"""The five shapes, in two rows."""


def draw_shapes() -> Figure:
    """Draw the five shapes of recurrent networks, with an example of each."""
    sketch = Sketch(8.0, 6.5)
    for row, shapes in enumerate(SHAPES):
        base = 3.4 * (1 - row)
        for shape in shapes:
            columns = [shape.left + 0.64 * step for step in range(len(shape.writes))]
            middle = (columns[0] + columns[-1]) / 2
            _draw_shape(sketch, shape, columns, base)
            sketch.say(middle, base + 2.75, shape.title, colour=INK, size=13, fontfamily=SERIF, va="baseline")
            sketch.say(middle, base + 0.15, shape.about, va="baseline")
    return sketch.figure


def _draw_shape(sketch: Sketch, shape: Shape, columns: list[float], base: float) -> None:
    reading, state, writing = base + 0.72, base + 1.5, base + 2.3
    for step, column in enumerate(columns):
        if step:
            sketch.line((columns[step - 1], state), (column - 0.2, state))
        before = shape.writes[step - 1] if step else ""
        if step < len(shape.reads):
            sketch.line((column, reading), (column, state - 0.22))
            sketch.tile(column, reading, shape.reads[step])
        elif before:
            sketch.line((column, reading), (column, state - 0.22), colour=FAINT)
            sketch.copy(column, reading, before)
        if shape.writes[step]:
            sketch.line((column, state), (column, writing - 0.2))
            sketch.answer(column, writing, shape.writes[step])
        sketch.state(column, state, FIRST if shape.decodes is None or step < shape.decodes else SECOND)


def draw_training_step() -> Figure:
    """Draw the order of one step of training."""
    sketch = Sketch(8.0, 2.6, "One step of training")
    parts = (
        ("batch", "ids (T, B)\nlabels (B,)"),
        ("forward", "logits =\nmodel(ids)"),
        ("loss", "cross_entropy(\nlogits, labels)"),
        ("backward", "zero_grad(),\nbackward()"),
        ("update", "clip,\nstep()"),
    )
    columns = [0.9 + 1.55 * place for place in range(len(parts))]
    for place, (column, (_, code)) in enumerate(zip(columns, parts, strict=True)):
        if place:
            sketch.line((columns[place - 1], 1.65), (column - 0.5, 1.65))
        sketch.say(column, 1.0, code)
    sketch.value(columns[0], 1.65, parts[0][0])
    for column, (name, _), colour in zip(columns[1:], parts[1:], (FIRST, FIRST, SECOND, SECOND), strict=True):
        sketch.box(column, 1.65, name, colour=colour)
    sketch.line((columns[-1], 0.68), (columns[-1], 0.2), (columns[0], 0.2), (columns[0], 0.68), colour=QUIET)
    sketch.say((columns[0] + columns[-1]) / 2, 0.38, "the next batch, with the new weights")
    return sketch.figure
