"""HTML for notebooks: small tables, bars and curves, escaped, for light and dark pages.

Objects that a notebook shows have a method ``_repr_html_`` built from these parts. They have no script, no style sheet
and no background, and take the page's own colour of text.
"""

import html
from collections.abc import Sequence

from elman.checks import shown

TRAINING, VALIDATION = "#3b82f6", "#f59e0b"
"""Colours of curves and bars; both can be seen on white and on black."""

LONGEST, LONGEST_NOTE = 200, 1000
"""The most characters of a text that comes from data or from a file, in a cell and in a note."""

_WIDTH, _HEIGHT, _MARGIN = 300, 130, 34  # of one plot, in pixels


def escape(text: object, limit: int = LONGEST) -> str:
    r"""Return a text as a page may show it: no markup, nothing that does not print, and not too long.

    >>> escape("<script>\x1b")
    '&lt;script&gt;\\x1b'
    """
    return html.escape(shown(str(text), limit))


def render_card(title: str, *parts: str) -> str:
    """Return a block: a title in bold, if it is not empty, which is escaped; and parts that are HTML already."""
    body = "".join(part for part in parts if part)
    heading = f"<div><b>{escape(title)}</b></div>" if title else ""
    return f'<div style="max-width:44em;line-height:1.4">{heading}{body}</div>'


def render_note(text: str) -> str:
    """Return a line of small text, escaped; nothing for an empty text."""
    return f'<div style="opacity:.7;font-size:90%">{escape(text, LONGEST_NOTE)}</div>' if text else ""


def render_table(rows: Sequence[Sequence[str]], *, header: Sequence[str] = (), escaped: bool = False) -> str:
    """Return a table: the first column is aligned to the left, the others to the right.

    Args:
        rows: the cells of each row.
        header: the titles of the columns, if they have any.
        escaped: whether the cells are HTML already.

    >>> "<td" in render_table([["a", "1"]]), "&lt;b&gt;" in render_table([["<b>"]])
    (True, True)
    """
    lines = [_render_row("th", [escape(title) for title in header])] if header else []
    lines += [_render_row("td", list(row) if escaped else [escape(cell) for cell in row]) for row in rows]
    return f'<table style="border-collapse:collapse;margin:.3em 0">{"".join(lines)}</table>'


def render_bar(share: float, colour: str = TRAINING) -> str:
    """Return a bar for a share from 0 to 1."""
    width = round(100 * min(1.0, max(0.0, share)))
    return (
        '<div style="width:8em;border-radius:2px;background:rgba(128,128,128,.2)">'
        f'<div style="width:{width}%;min-width:1px;height:.7em;border-radius:2px;background:{colour}"></div></div>'
    )


def render_curves(title: str, curves: Sequence[tuple[str, str, Sequence[float]]], *, mark: int | None = None) -> str:
    """Return a plot of curves over the epochs, as SVG.

    Args:
        title: of the plot.
        curves: the name, the colour and the values of each; all have one value for each epoch.
        mark: the epoch that is marked with a vertical line, from 1.
    """
    values = [value for _, _, curve in curves for value in curve]
    low, high = min(values), max(values)
    epochs = max(len(curve) for _, _, curve in curves)

    def place(epoch: int, value: float) -> str:
        across = _MARGIN + (_WIDTH - _MARGIN - 8) * ((epoch - 1) / max(1, epochs - 1) if epochs > 1 else 0.5)
        down = 22 + (_HEIGHT - 22 - 20) * (1 - (value - low) / ((high - low) or 1.0))
        return f"{across:.1f},{down:.1f}"

    parts = [_render_text(_MARGIN, 12, title, weight="bold")]
    spans = (f'<tspan fill="{colour}" dx="8">{escape(name)}</tspan>' for name, colour, _ in curves)
    parts += [f'<text x="{_WIDTH - 8}" y="12" text-anchor="end">{"".join(spans)}</text>']
    parts += [_render_text(_MARGIN - 4, 26, _format_value(high), anchor="end")]
    parts += [_render_text(_MARGIN - 4, _HEIGHT - 18, _format_value(low), anchor="end")]
    parts += [_render_text(_MARGIN, _HEIGHT - 4, "epoch 1"), _render_text(_WIDTH - 8, _HEIGHT - 4, str(epochs), "end")]
    if mark is not None:
        across = place(mark, low).partition(",")[0]
        parts.append(
            f'<line x1="{across}" x2="{across}" y1="20" y2="{_HEIGHT - 20}" stroke="currentColor" '
            'stroke-opacity=".4" stroke-dasharray="3 3"/>'
        )
    for name, colour, curve in curves:
        points = " ".join(place(epoch, value) for epoch, value in enumerate(curve, 1))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-linecap="round">'
            f"<title>{escape(name)}</title></polyline>"
        )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" style="font:11px sans-serif;max-width:100%">{"".join(parts)}</svg>'
    )


def _format_value(value: float) -> str:
    """Return a value of an axis in at most five characters, if it is from 0.01 up to 99,999."""
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _render_row(kind: str, cells: Sequence[str]) -> str:
    style = "padding:.1em .8em .1em 0;border-bottom:1px solid rgba(128,128,128,.25);text-align:"
    aligned = [("left" if place == 0 else "right", cell) for place, cell in enumerate(cells)]
    return "<tr>" + "".join(f'<{kind} style="{style}{side}">{cell}</{kind}>' for side, cell in aligned) + "</tr>"


def _render_text(across: int, down: int, text: str, anchor: str = "start", *, weight: str = "normal") -> str:
    return (
        f'<text x="{across}" y="{down}" fill="currentColor" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )
