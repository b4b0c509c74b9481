"""``elman predict``: answers for names, in the same order."""

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import typer

from elman.cli.options import AbstainOption, JsonOption, ModelOption, TopOption, command_app
from elman.cli.progress import to_json
from elman.errors import DataError
from elman.prediction.predictor import Predictor, load
from elman.records import Prediction

BLOCK = 4096
"""Names that are answered together: bounds the memory for long input."""

app = command_app()


@app.command()
def predict(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names to answer for; without any, the lines of standard input, or a prompt."),
    ] = None,
    model: ModelOption = "languages",
    top: TopOption = 3,
    abstain_below: AbstainOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Predict where names come from: calibrated probabilities, or a reason to abstain.

    Models of other kinds answer with a tag for each letter, or with a number; models of images read picture files, and
    linear regressions read rows such as 1.5,2. JSON output is an array with one object for each name.

    An answer is an estimate from spelling alone. It is no evidence of a person's identity, ancestry or citizenship.

    [bold]elman predict Nakamura[/bold]  one name

    [bold]elman predict < names.txt[/bold]  one name a line, tab-separated answers

    [bold]elman predict[/bold]  a prompt, until quit or Ctrl-D
    """
    predictor = load(model)
    if names is None and sys.stdin.isatty():
        _prompt(predictor, top, abstain_below)
        return
    blocks: Iterable[list[str]] = [names] if names is not None else _blocks_of_lines()
    if as_json:
        blocks = list(blocks)  # read all lines first: a bad one must not leave an incomplete array
    answers = (predictor.predict(block, top=top, abstain_below=abstain_below) for block in blocks)
    if as_json:
        _print_json(list(answers))
    elif sys.stdout.isatty():
        for block in answers:
            _print_table(block)
    else:
        for block in answers:
            for answer in block:
                print("\t".join(_cells(answer)))


def _blocks_of_lines() -> Iterator[list[str]]:
    """Yield the lines of standard input in blocks; the answers keep their number and order."""
    block: list[str] = []
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            block.append(line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n"))
        except UnicodeDecodeError as error:
            byte = line[error.start]
            raise DataError(
                f"standard input, line {number}: byte 0x{byte:02x} is not UTF-8; convert the input to UTF-8"
            ) from None
        if len(block) == BLOCK:
            yield block
            block = []
    yield block


def _print_json(blocks: Iterable[list[Prediction]]) -> None:
    separator = "[\n"
    for block in blocks:
        for answer in block:
            print(separator + to_json(answer.to_dict()), end="")
            separator = ",\n"
    print("[]" if separator == "[\n" else "\n]")


def _cells(answer: Prediction) -> Sequence[str]:
    """Return the tab-separated form: name, answer or ``-``, then label and probability pairs or the reason."""
    name = " ".join(answer.name.split())
    if answer.reason is not None:
        return name, "-", answer.reason
    if answer.value is not None:
        return name, f"{answer.value:.6g}"
    pairs = (part for one in answer.top[1:] for part in (one.label, f"{one.probability:.4f}"))
    return name, str(answer.label), f"{answer.probability:.4f}", *pairs


def _print_table(answers: Sequence[Prediction]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    for answer in answers:
        name = Text(" ".join(answer.name.split()), style="bold")
        if answer.value is not None:
            table.add_row(name, Text(f"{answer.value:.6g}", style="green"))
        elif answer.top:
            best, *others = (f"{one.label} {one.probability * 100:.1f} %" for one in answer.top)
            first = Text(best, style="yellow" if answer.abstained else "green")
            table.add_row(name, first, *(Text(other, style="dim") for other in others))
        else:
            table.add_row(name, Text("–", style="yellow"))
    console = Console()
    console.print(table)
    for note in dict.fromkeys(filter(None, map(_note, answers))):
        console.print(Text(note, style="dim"))


def _note(answer: Prediction) -> str:
    """Return what else a reader should know about an answer."""
    if answer.abstained and not answer.top:
        return f"{answer.name or '(blank)'}: {answer.reason}"
    notes = []
    if answer.transliterated:
        notes.append(f"{answer.script} was read as {answer.normalised!r}")
    if answer.unknown:
        notes.append(f"unknown to the model: {' '.join(answer.unknown)}")
    if answer.abstained and answer.top:
        notes.append(f"abstained: {answer.reason}")
    return f"{answer.name}: {'; '.join(notes)}" if notes else ""


def _prompt(predictor: Predictor, top: int, abstain_below: float) -> None:
    """Answer each typed name until ``quit`` or the end of input."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="backslashreplace")  # an invalid byte is an unknown symbol and does not end it
    kind = predictor.artifact.kind
    answers = f"{len(predictor.labels)} labels" if kind.answers == "label" else kind.answers
    print(f"{predictor.name}: {answers}. Type {kind.prompt}; quit or Ctrl-D ends.")
    while True:
        try:
            name = input("name> ")
        except EOFError:
            print()
            return
        if name.strip().lower() in ("quit", "exit"):
            return
        try:
            _print_table([predictor.predict(name, top=top, abstain_below=abstain_below)])
        except DataError as error:  # a mistyped path or row does not end the prompt
            print(error)
