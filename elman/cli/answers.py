"""Predictions for people and programs: a table on a terminal, tab-separated lines elsewhere, or JSON."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from elman.checks import shown
from elman.cli.output import to_cell, to_json, to_line
from elman.records import Candidate, Prediction

MEMORY = 2**24
"""Characters of JSON that wait in memory; more of them wait in a file without a name."""


def print_answers(blocks: Iterable[Sequence[Prediction]]) -> None:
    """Print answers as a table on a terminal, or as tab-separated lines elsewhere."""
    if sys.stdout.isatty():
        for block in blocks:
            print_table(block)
        return
    for block in blocks:
        for answer in block:
            print("\t".join(map(to_cell, _cells(answer))))


def print_json(blocks: Iterable[Sequence[Prediction]]) -> None:
    """Print one JSON array, when all answers are known: an error must not leave an incomplete array."""
    import shutil
    from tempfile import SpooledTemporaryFile

    with SpooledTemporaryFile(MEMORY, "w+", encoding="utf-8", errors="surrogatepass", newline="") as waiting:
        _write_json(blocks, waiting)
        waiting.seek(0)
        shutil.copyfileobj(waiting, sys.stdout)


def _write_json(blocks: Iterable[Sequence[Prediction]], file: IO[str]) -> None:
    separator = "[\n"
    for block in blocks:
        if block:
            file.write(separator + ",\n".join(to_json(answer.to_dict()) for answer in block))
            separator = ",\n"
    file.write("[]\n" if separator == "[\n" else "\n]\n")


def _cells(answer: Prediction) -> Sequence[str]:
    """Return the cells of a line: name, answer or ``-``, then label and probability pairs or the reason.

    A level above that of the labels and a prediction set follow, each after its name.
    """
    if answer.reason is not None:
        return answer.name, "-", answer.reason
    if answer.value is not None:
        return answer.name, f"{answer.value:.6g}"
    pairs = (part for one in answer.top[1:] for part in (one.label, f"{one.probability:.4f}"))
    more = [] if answer.level in (None, *list(answer.levels or {})[:1]) else [f"level: {answer.level}"]
    more += [] if answer.set is None else [f"set: {'; '.join(answer.set)}"]
    return answer.name, str(answer.label), f"{answer.probability:.4f}", *pairs, *more


def print_table(answers: Sequence[Prediction]) -> None:
    """Print answers as a table for a terminal, and below it what else a reader should know."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    for answer in answers:
        name = Text(to_line(answer.name), style="bold")
        if answer.value is not None:
            table.add_row(name, Text(f"{answer.value:.6g}", style="green"))
        elif answer.top:
            best, *others = (f"{shown(one.label)} {one.probability * 100:.1f} %" for one in answer.top)
            first = Text(best, style="yellow" if answer.abstained else "green")
            table.add_row(name, first, *(Text(other, style="dim") for other in others))
        else:
            table.add_row(name, Text("–", style="yellow"))
    console = Console()
    console.print(table)
    for note in dict.fromkeys(filter(None, map(_describe, answers))):
        console.print(Text(note, style="dim"))


def _describe(answer: Prediction) -> str:
    """Return what else a reader should know about an answer."""
    if answer.abstained and not answer.top:
        return f"{to_line(answer.name) or '(blank)'}: {shown(answer.reason or '', 200)}"
    notes = []
    if answer.transliterated:
        notes.append(f"{answer.script} was read as '{shown(answer.normalised)}'")
    if answer.unknown:
        notes.append(f"unknown to the model: {shown(' '.join(answer.unknown))}")
    if answer.set is not None:
        notes.append(f"set: {shown(', '.join(answer.set), 200)}")
    notes += [f"{name}: {shown(best.label)} {best.probability * 100:.1f} %" for name, best in _best_above(answer)]
    if answer.abstained and answer.top:
        notes.append(f"abstained: {answer.reason}")
    return f"{to_line(answer.name)}: {'; '.join(notes)}" if notes else ""


def _best_above(answer: Prediction) -> Iterator[tuple[str, Candidate]]:
    """Yield the name and the best group of each level that is coarser than the answer's."""
    levels = list((answer.levels or {}).items())
    place = [name for name, _ in levels].index(answer.level) if answer.level is not None else len(levels)
    for name, top in levels[place + 1 :]:
        if top:
            yield name, top[0]
