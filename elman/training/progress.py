"""Progress: what a training says while it runs, on a terminal, in a notebook, and elsewhere.

A terminal gets a bar, a notebook one output that is redrawn, and anything else plain lines, without characters that
move a cursor. All of it goes to standard error, or to the notebook.
"""

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from elman.checks import escape_invisible
from elman.markup import render_bar, render_card, render_note
from elman.reports import EpochResult, StepResult
from elman.training.history import History

if TYPE_CHECKING:
    from rich.console import Console

MOST_LINES = 100
"""A training with more epochs says only what the first and every tenth part of them did."""

REDRAW_SECONDS = 0.25
"""The shortest time between two drawings in a notebook."""

Epochs = Callable[[Callable[[StepResult], None]], Iterator[EpochResult]]
"""Trains: takes what is called after each step, and yields what each epoch did."""


class Display(Protocol):
    """Something that shows how far a training is."""

    def open(self, epochs: int, steps: int, done: int, *, by_heart: bool = False) -> None:
        """Begin: so many epochs in all, steps in each, and steps that are done already.

        With ``by_heart`` nothing is kept back: what validates is what trains.
        """

    def say(self, line: str) -> None:
        """Show a line of text."""

    def show_step(self, step: StepResult) -> None:
        """Show what one step did."""

    def show_epoch(self, result: EpochResult, line: str) -> None:
        """Show what one epoch did, also in words; the line is empty if there are too many epochs for one each."""

    def close(self) -> None:
        """End: the bar disappears, the lines stay."""


class NoDisplay:
    """Shows nothing."""

    def open(self, epochs: int, steps: int, done: int, *, by_heart: bool = False) -> None:
        """See `Display.open`."""

    def say(self, line: str) -> None:
        """See `Display.say`."""

    def show_step(self, step: StepResult) -> None:
        """See `Display.show_step`."""

    def show_epoch(self, result: EpochResult, line: str) -> None:
        """See `Display.show_epoch`."""

    def close(self) -> None:
        """See `Display.close`."""


class LineDisplay(NoDisplay):
    """Prints a line for each epoch on standard error."""

    def say(self, line: str) -> None:
        """See `Display.say`."""
        print(escape_invisible(line, kept="\n"), file=sys.stderr, flush=True)

    def show_epoch(self, result: EpochResult, line: str) -> None:
        """See `Display.show_epoch`."""
        if line:
            self.say(line)


class BarDisplay(NoDisplay):
    """Draws a bar on a terminal, under a line for each epoch.

    Args:
        console: of the terminal; standard error if None.
    """

    def __init__(self, console: "Console | None" = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._console = console or Console(stderr=True, markup=False)
        text = TextColumn("{task.description}", markup=False)
        columns = (text, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=self._console, transient=True)

    def open(self, epochs: int, steps: int, done: int, *, by_heart: bool = False) -> None:
        """See `Display.open`."""
        self._bar = self._progress.add_task("training", total=steps * epochs, completed=done)
        self._progress.start()

    def say(self, line: str) -> None:
        """See `Display.say`."""
        self._console.print(escape_invisible(line, kept="\n"), highlight=False)

    def show_step(self, step: StepResult) -> None:
        """See `Display.show_step`."""
        self._progress.update(self._bar, advance=1, description=describe_step(step))

    def show_epoch(self, result: EpochResult, line: str) -> None:
        """See `Display.show_epoch`."""
        if line:
            self.say(line)

    def close(self) -> None:
        """See `Display.close`."""
        self._progress.stop()


class NotebookDisplay(NoDisplay):
    """Redraws one output of a notebook: a bar, the last step, and the curves of the epochs.

    Args:
        display: IPython's function of that name.
    """

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._handle: Any = None
        self._lines: list[str] = []
        self._results: list[EpochResult] = []
        self._now, self._share, self._drawn = "", 0.0, 0.0
        self._by_heart = False

    def open(self, epochs: int, steps: int, done: int, *, by_heart: bool = False) -> None:
        """See `Display.open`."""
        self._total, self._taken, self._by_heart = max(1, epochs * steps), done, by_heart
        self._redraw()

    def say(self, line: str) -> None:
        """See `Display.say`."""
        self._lines += line.split("\n")
        self._redraw()

    def show_step(self, step: StepResult) -> None:
        """See `Display.show_step`."""
        self._taken += 1
        self._now, self._share = describe_step(step), self._taken / self._total
        if time.monotonic() - self._drawn >= REDRAW_SECONDS:
            self._redraw()

    def show_epoch(self, result: EpochResult, line: str) -> None:
        """See `Display.show_epoch`."""
        self._results.append(result)
        self._redraw()

    def close(self) -> None:
        """See `Display.close`."""
        self._now = ""
        self._redraw()

    def _redraw(self) -> None:
        self._drawn = time.monotonic()
        if self._handle is None:
            self._handle = self._display(self, display_id=True)
        else:
            self._handle.update(self)

    def __repr__(self) -> str:
        """Return what is shown where HTML cannot be."""
        epochs = (describe_epoch(result, is_validated=not self._by_heart) for result in self._results)
        return "\n".join([*self._lines, *epochs])

    def _repr_html_(self) -> str:
        """Return what is shown now."""
        return render_card(
            "",
            *map(render_note, self._lines),
            f"{render_bar(self._share)}{render_note(self._now)}" if self._now else "",
            History(self._results, by_heart=self._by_heart)._repr_html_() if self._results else "",
        )


def choose_display(*, quiet: bool = False) -> Display:
    """Return the display that fits where the program runs.

    >>> type(choose_display(quiet=True)).__name__
    'NoDisplay'
    """
    if quiet:
        return NoDisplay()
    ipython = sys.modules.get("IPython")  # a notebook has imported it already
    shell = ipython.get_ipython() if ipython is not None else None
    if ipython is not None and hasattr(shell, "kernel"):
        return NotebookDisplay(ipython.display.display)
    return BarDisplay() if sys.stderr.isatty() else LineDisplay()


def watch(
    train: Epochs,
    display: Display,
    *,
    epochs: int,
    steps: int,
    done: int = 0,
    describe: Callable[[EpochResult], str] | None = None,
    by_heart: bool = False,
) -> None:
    """Train to the end under a display.

    Args:
        train: takes what is called after each step, and yields what each epoch did.
        display: shows both; it is closed whatever happens.
        epochs: how many there are in all.
        steps: how many there are in an epoch.
        done: steps that are done already.
        describe: returns an epoch in one line; `describe_epoch` if None.
        by_heart: nothing is kept back: what validates is what trains.
    """
    describe = describe or partial(describe_epoch, is_validated=not by_heart)
    every = epochs // 10 if epochs > MOST_LINES else 1
    display.open(epochs, steps, done, by_heart=by_heart)
    try:
        for result in train(display.show_step):
            is_shown = result.epoch % every == 0 or result.epoch in (1, epochs)
            display.show_epoch(result, describe(result) if is_shown else "")
    finally:
        display.close()


def describe_step(step: StepResult) -> str:
    """Return what one step did, in one line."""
    right = "" if step.accuracy is None else f"accuracy {step.accuracy:.0%}  "
    return f"epoch {step.epoch}  loss {step.loss:.3f}  {right}rate {step.learning_rate:.1e}"


def describe_epoch(result: EpochResult, *, is_validated: bool = True) -> str:
    """Return what one epoch did, in one line.

    Args:
        result: of the epoch.
        is_validated: whether other examples validate than train.

    >>> print(describe_epoch(EpochResult(1, 0.9, 0.5, 1.0, 0.4, 0.004, 2.0, True)))
    epoch   1  loss 0.900  50.0%   validation 1.000  40.0%     2.0 s  best
    """
    shares = (result.accuracy, result.validation_accuracy)
    training, validation = ("" if share is None else f" {share:6.1%}" for share in shares)
    line = f"epoch {result.epoch:>3}  loss {result.loss:.3f}{training}"
    if is_validated:
        line += f"   validation {result.validation_loss:.3f}{validation}   {result.seconds:5.1f} s"
        line += "  best" if result.is_best else ""
    return line
