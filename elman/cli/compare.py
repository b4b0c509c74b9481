"""``elman compare``: several cells on the same data and split, or the tutorials' recipes, in one table."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.checks import count_of, whole
from elman.cli.options import (
    DelimiterOption,
    DropOption,
    EncodingOption,
    FolderOption,
    FromSqlOption,
    HeaderOption,
    JsonOption,
    LabelOption,
    LongestOption,
    QueryOption,
    TextOption,
    command_app,
    complete_data,
)
from elman.cli.output import to_json
from elman.cli.progress import download_bar, print_notes, show_report, train_with_bar
from elman.data.examples import MAX_CHARACTERS
from elman.errors import SettingError

if TYPE_CHECKING:
    from rich.console import Console

    from elman.training.config import RunConfig
    from elman.training.run import Run, RunReport

app = command_app()


@app.command()
def compare(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="As in `elman train`; left out with --from-sql and with --tutorials.",
            show_default=False,
            autocompletion=complete_data,
        ),
    ] = None,
    from_sql: FromSqlOption = None,
    query: QueryOption = None,
    tutorials: Annotated[
        bool, typer.Option("--tutorials", help="The tutorials' name classifiers beside Elman's own, on `languages`.")
    ] = False,
    cells: Annotated[str, typer.Option(help="Cells to compare, separated by commas.")] = "elman,gru,lstm",
    text: TextOption = "name",
    label: LabelOption = "label",
    folder: FolderOption = None,
    max_characters: LongestOption = MAX_CHARACTERS,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    on_error: DropOption = None,
    split: Annotated[
        str | None, typer.Option(help="grouped or stratified.", show_default="grouped, of strings")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training part, for each cell.")] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Numbers in the hidden state, for each cell.")] = None,
    seed: Annotated[int, typer.Option(help="Of the split and of the first training of each cell.")] = 0,
    seeds: Annotated[
        int,
        typer.Option(
            min=1, max=1000, help="Trainings of each cell, with the seeds that follow --seed; shows their spread."
        ),
    ] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the runs; runs/compare-DATA if not given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train each cell with its recipe on the same split, and compare them by their scores on the validation part.

    The best one is then measured on the test part, once, beside the baseline. [bold]rnn[/bold] is another name for
    [bold]elman[/bold]. With [bold]--tutorials[/bold]: each tutorial's network, trained as its author does, beside
    Elman's.
    """
    from rich.console import Console

    from elman.data.reading import find_source, name_source, read_source
    from elman.tables.formats import TextOptions
    from elman.training.comparison import cell_configs, list_cells, seed_configs
    from elman.training.options import fit_config, name_of

    console = Console(stderr=as_json, markup=False)
    if tutorials:
        if data not in (None, "languages") or from_sql or query:
            other = "--from-sql and --query" if from_sql or query else repr(data)
            raise SettingError(f"--tutorials compares on languages; leave {other} out (--data gives its folder)")
        _compare_tutorials(folder, seed, epochs, out or Path("runs", "compare-tutorials"), console, as_json)
        return
    if not (data or from_sql or query):
        raise SettingError(
            "nothing to compare on: give DATA, or --from-sql URL and --query SQL, or --tutorials; see `elman compare "
            "--help`"
        )
    source = find_source(data, from_sql, query)
    title, name = name_source(source), name_of(data or "")
    options = {"split": split, "seed": seed, "epochs": epochs, "hidden_size": hidden_size}
    wanted = (cell.strip() for cell in cells.split(",") if cell.strip())
    configs = cell_configs(title, name, wanted, {key: value for key, value in options.items() if value is not None})
    reading = read_source(
        source,
        folder,
        text=text,
        label=label,
        max_characters=max_characters,
        options=TextOptions(delimiter, encoding, header),
        on_error=on_error,
        progress=download_bar(),
    )
    print_notes(reading)
    configs = {cell: fit_config(config, reading) for cell, config in configs.items()}
    place = out or Path("runs", f"compare-{name}")
    runs = {
        cell: [_train(reading, one, place / folder, console) for folder, one in each.items()]
        for cell, each in seed_configs(configs, seeds).items()
    }
    rows = list_cells(runs)
    chosen = runs[rows[0]["cell"]][0]
    report = chosen.finish()
    if as_json:
        keys = ("test", "baseline", "verdict", "answer", "comparisons")
        found = {key: report.values[key] for key in keys}
        print(to_json({"cells": rows, "chosen": rows[0]["cell"], "folder": str(chosen.folder), **found}, indent=2))
        return
    _print_cells(rows, console, f"{title}, {chosen.config.split} split, validation part")
    if len(rows) > 1:
        console.print(f"The best, by its log-likelihood, is {rows[0]['cell']}; it alone is measured on the test part.")
    if seeds == 1:
        console.print("One training of each cell does not show how much is chance: --seeds 3 does.", style="dim")
    show_report(report, console)


def _compare_tutorials(
    folder: Path | None, seed: int, epochs: int | None, out: Path, console: "Console", as_json: bool
) -> None:
    """Train the tutorials' name classifiers, and Elman's own on the same splits, and print one table."""
    from elman.data.reading import read_source
    from elman.training.comparison import list_tutorials, tutorial_configs, tutorial_recipes

    reading = read_source("languages", folder, progress=download_bar())
    recipes = tutorial_recipes()
    configs = tutorial_configs(recipes, seed=seed, epochs=epochs, folder=folder)
    rows = list_tutorials(recipes, _train_each(reading, configs, out, console))
    if as_json:
        print(to_json(rows, indent=2))
    else:
        _print_tutorials(rows, console)


def _train_each(
    reading: Any, configs: "Mapping[str, RunConfig]", out: Path, console: "Console"
) -> "dict[str, RunReport]":
    """Train each of several runs, or continue it, and return their reports."""
    return {name: _train(reading, config, out / name, console).finish() for name, config in configs.items()}


def _train(reading: Any, config: "RunConfig", folder: Path, console: "Console") -> "Run":
    """Train one run, or continue it, and return it without a measurement."""
    from elman.training.comparison import open_run

    run = open_run(reading, config, folder)
    console.print(f"{folder.name} in {whole(run.folder)}", style="bold")
    if train_with_bar(run, console):
        console.print(f"Interrupted; the same command continues (in {whole(folder.parent)}).")
        raise typer.Exit(130)
    return run


def _print_cells(rows: list[dict[str, Any]], console: "Console", title: str) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    from elman.evaluation.titles import SCORES

    scores = [SCORES["accuracy"], SCORES["nll"]]
    numbers = (Column(name, justify="right") for name in (*(one.title for one in scores), "seconds", "parameters"))
    table = Table("cell", *numbers, title=Text(title), title_justify="left")
    for row in rows:
        shown = (score.show_spread(row[score.key], row[f"{score.key}_deviation"]) for score in scores)
        table.add_row(row["cell"], *shown, f"{row['seconds']:.0f}", f"{row['parameters']:,}")
    console.print(table)
    if rows[0]["seeds"] > 1:
        console.print(f"± is the standard deviation over {count_of(rows[0]['seeds'], 'seed')}.", style="dim")


def _print_tutorials(rows: list[dict[str, Any]], console: "Console") -> None:
    from rich.table import Column, Table
    from rich.text import Text

    title = Text("The tutorials' networks on languages, accuracy on the test part")
    headings = ("reported", "reproduced", "seconds", "Elman", "seconds", "n-gram baseline")
    columns = (Column(name, justify="right") for name in headings)
    table = Table("recipe", "split", *columns, title=title, title_justify="left")
    for row in rows:
        reported = "–" if row["reported"] is None else f"{row['reported']:.2%}"
        table.add_row(
            *(row["recipe"], row["split"], reported, f"{row['reproduced']:.2%}", f"{row['seconds']:.0f}"),
            *(f"{row['elman']:.2%}", f"{row['elman_seconds']:.0f}", f"{row['baseline']:.2%}"),
        )
    console.print(table)
    for row in rows:
        console.print(f"{row['recipe']}: {row['about']}", highlight=False)
