"""What all pictures share: colours, labels that fit, and how a figure becomes a file. They need matplotlib alone."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from elman.checks import escape_invisible
from elman.files import write_atomically

INK, FIRST, SECOND, FAINT = "#222222", "#1f5fa8", "#d1600a", "#bbbbbb"

LONGEST_LABEL = 28
"""The most characters of a label in a picture."""


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


def write_cells(axes: Axes, shares: NDArray[Any]) -> None:
    """Write the per cents of a matrix into its cells; those that round to 0 stay empty."""
    for row, column in np.argwhere(shares >= 0.5):
        colour = "white" if shares[row, column] > 55 else INK
        axes.text(column, row, f"{shares[row, column]:.0f}", ha="center", va="center", fontsize=7, color=colour)
