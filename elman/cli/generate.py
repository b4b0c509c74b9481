"""``elman generate``: new strings from a model that learned to write them."""

from typing import Annotated

import typer

from elman.cli.names import check_names
from elman.cli.options import JsonOption, ModelArgument, command_app
from elman.cli.output import print_note, to_cell, to_json, to_line

GeneratedLabelOption = Annotated[
    str | None,
    typer.Option("--label", help="Condition on this label of the model; on none if not given.", show_default=False),
]

app = command_app()


@app.command()
def generate(
    model: ModelArgument,
    label: GeneratedLabelOption = None,
    count: Annotated[int, typer.Option("--count", "-n", help="How many strings to write.")] = 10,
    start: Annotated[str, typer.Option(help="What all of them begin with.", show_default=False)] = "",
    temperature: Annotated[
        float, typer.Option(help="0.05 to 10: below 1 likelier strings, above 1 more unusual ones.")
    ] = 1.0,
    seed: Annotated[
        int | None, typer.Option(help="Of the draw: the same seed writes the same strings.", show_default=False)
    ] = None,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Write no string that was in the training part of the model.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write new strings, one a line, with a model that [bold]elman train --task generate[/bold] made.

    Each symbol is drawn by its probability after those before it. JSON output is an array with one object for each
    string: its log-probability in nats, and whether it was probably in the training part.

    [bold]elman generate runs/names --count 5 --start pa[/bold]  five strings that begin with pa

    [bold]elman generate runs/languages --label Greek --unseen[/bold]  new strings of one label
    """
    from elman.prediction.loading import load_generator

    (start,) = check_names([start])
    samples = load_generator(model).sample(
        label, count=count, start=start, temperature=temperature, seed=seed, unseen=unseen
    )
    if as_json:
        print(to_json([sample.to_dict() for sample in samples], indent=2))
        return
    for sample in samples:
        print(to_cell(sample.text))
    for sample in samples:
        if sample.reason is not None:
            print_note(f"{to_line(sample.text)}: {sample.reason}")
