"""What all pictures share: the page's colours and letters, labels that fit, and how a figure becomes a file.

They need matplotlib alone.
"""

import io
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from elman.checks import escape_invisible
from elman.files import write_atomically

SHEET, INK, QUIET, FAINT, LINE = "#fffffc", "#16211c", "#536059", "#a9b3ac", "#d8ddd3"
"""Paper, text, what is said beside it, reference lines, and rules: the light colours of `server/page/style.css`."""

FIRST, SECOND = "#0d6b4f", "#9a4f08"
"""Green glass for what is right, or for an answer; brass for what is wrong, or against it. They differ in grey too."""

RIGHT_SHADES = LinearSegmentedColormap.from_list("right", (SHEET, "#a9cdbd", FIRST, "#07402f"))
WRONG_SHADES = LinearSegmentedColormap.from_list("wrong", (SHEET, "#e5c7a4", SECOND, "#5c2e04"))
"""Shades of a share, from 0 to 100 per cent."""

SERIF, SANS = "DejaVu Serif", "DejaVu Sans"
"""The letters of titles and of all else. matplotlib brings both, so that a picture is the same everywhere."""

LONGEST_LABEL = 28
"""The most characters of a label in a picture."""


def make_figure(width: float, height: float) -> Figure:
    """Return an empty figure on the page's paper, in inches."""
    return Figure(figsize=(width, height), layout="constrained", facecolor=SHEET)


def dress(axes: Axes, title: str = "", *, grid: Literal["both", "x", "y", ""] = "both", frame: bool = True) -> None:
    """Give axes the look of the page, once everything is drawn.

    Args:
        axes: the axes.
        title: what they show, at their left.
        grid: the axes that have grid lines.
        frame: whether the left and the bottom have a line.
    """
    axes.set_facecolor(SHEET)
    for side, spine in axes.spines.items():
        spine.set_visible(frame and side in ("left", "bottom"))
        spine.set_color(FAINT)
    axes.tick_params(colors=QUIET, labelcolor=INK, labelsize=9, length=3 if frame else 0)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=LINE, linewidth=0.8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=QUIET, fontsize=9.5)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label):
        text.set_fontfamily(SANS)
    if title:
        axes.set_title(title, loc="left", fontsize=11, fontfamily=SERIF, color=INK, parse_math=False)
    legend = axes.get_legend()
    for text in legend.get_texts() if legend is not None else ():
        text.set(color=INK, fontfamily=SANS)


def save_figure(figure: Figure, path: Path, *, dots_per_inch: int = 120) -> None:
    """Write a figure as PNG, whole or not at all."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a label in a script that is not in the font
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")  # a script to be shaped
        figure.savefig(buffer, format="png", dpi=dots_per_inch)
    write_atomically(path, buffer.getvalue())


def shorten(label: str) -> str:
    """Return a label as a picture shows it: in one line, and not longer than `LONGEST_LABEL`.

    >>> shorten("the United Kingdom of Great Britain and Northern Ireland")
    'the United Kingdom of Great…'
    """
    line = escape_invisible(" ".join(label.split()))
    return line if len(line) <= LONGEST_LABEL else line[: LONGEST_LABEL - 1].rstrip() + "…"


def write_cells(axes: Axes, numbers: NDArray[Any], shares: NDArray[Any], *, size: float = 7.5) -> None:
    """Write numbers into the cells of a matrix that is shaded by shares in per cent; zeros stay empty."""
    for row, column in np.argwhere(numbers >= 0.5):
        colour = SHEET if shares[row, column] > 55 else INK
        number = f"{numbers[row, column]:,.0f}"
        axes.text(column, row, number, ha="center", va="center", fontsize=size, color=colour, fontfamily=SANS)
