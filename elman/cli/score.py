"""``elman score``: how probable a model that writes strings finds given ones."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from elman.cli.generate import GeneratedLabelOption
from elman.cli.names import check_names, read_names
from elman.cli.options import EncodingOption, JsonOption, ModelArgument, command_app
from elman.cli.output import print_note, to_cell, to_json

app = command_app()


@app.command()
def score(
    model: ModelArgument,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Names to score. If none are given, they are read from standard input, one a line.",
        ),
    ] = None,
    label: GeneratedLabelOption = None,
    encoding: EncodingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how probable a model of [bold]--task generate[/bold] finds names: the more like its own, the more probable.

    Each line has the name, the natural logarithm of the probability of the whole name and its end, and the mean
    surprise of a symbol in nats; or a dash and the reason, if the model cannot write the name.

    [bold]elman score runs/names emma xqzt[/bold]  one name is likely, the other is not
    """
    from elman.prediction.loading import load_generator

    generator = load_generator(model)
    blocks: Iterable[list[str]]
    if names is not None:
        blocks = [check_names(names)]
    else:
        if sys.stdin.isatty():
            print_note("names are read from the terminal, one a line; Ctrl-D ends")
        blocks = read_names(sys.stdin.buffer, encoding)
    found = (one for block in blocks for one in generator.score(block, label=label))
    if as_json:
        print(to_json([one.to_dict() for one in found], indent=2))
        return
    for one in found:
        if one.log_probability is None:
            print(f"{to_cell(one.name)}\t-\t{to_cell(one.reason or '')}")
        else:
            print(f"{to_cell(one.name)}\t{one.log_probability:.4f}\t{one.nats_per_symbol:.4f}")
