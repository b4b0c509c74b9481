"""``elman compare``: several cells on the same data and split, or the tutorials' recipes, in one table."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.options import FolderOption, JsonOption, LabelOption, LongestOption, TextOption, command_app
from elman.cli.progress import to_json
from elman.data.examples import MAX_CHARACTERS
from elman.errors import SettingError, TrainingError

if TYPE_CHECKING:
    from rich.console import Console

    from elman.training.run import RunReport
    from elman.training.tasks import RunConfig


app = command_app()


@app.command()
def compare(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="As in `elman train`; left out with --tutorials.", show_default=False)
    ] = "",
    tutorials: Annotated[
        bool, typer.Option("--tutorials", help="The tutorials' name classifiers beside Elman's own, on `languages`.")
    ] = False,
    cells: Annotated[str, typer.Option(help="Cells to compare, separated by commas.")] = "elman,rnn,gru,lstm",
    text: TextOption = "name",
    label: LabelOption = "label",
    folder: FolderOption = None,
    max_characters: LongestOption = MAX_CHARACTERS,
    split: Annotated[str, typer.Option(help="grouped or stratified.")] = "grouped",
    epochs: Annotated[int | None, typer.Option(help="Passes over the training part, for each cell.")] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Numbers in the hidden state, for each cell.")] = None,
    seed: Annotated[int, typer.Option(help="Of the split and of each training.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the runs; runs/compare-DATA where not given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train each cell with its recipe on the same split, and show them in one table beside the baseline.

    [bold]elman[/bold] is the Elman network written by hand, [bold]rnn[/bold] the same network with fused passes.
    With [bold]--tutorials[/bold]: each tutorial's network, trained as its author does, beside Elman's.
    """
    from rich.console import Console

    from elman.cli.progress import download_bar
    from elman.data.catalog import CATALOG
    from elman.data.reading import read_source
    from elman.training.options import new_config
    from elman.training.recipes import recipe

    if tutorials:
        if data not in ("", "languages"):
            raise SettingError(f"--tutorials compares on languages; leave {data!r} out (--data says where they lie)")
        _compare_tutorials(folder, seed, epochs, out or Path("runs", "compare-tutorials"), as_json)
        return
    if not data:
        raise SettingError("nothing to compare on: give DATA, or --tutorials; see `elman compare --help`")
    if data in CATALOG and CATALOG[data].task == "tags":
        raise SettingError(f"{data!r} has tags as answers; elman compare is for answers that are labels")
    wanted = list(dict.fromkeys(cell.strip() for cell in cells.split(",") if cell.strip()))
    if not wanted:
        raise SettingError("--cells names no cell; give some of elman, rnn, gru, lstm, separated by commas")
    for cell in wanted:
        recipe(cell)  # an unknown name is refused before anything is trained
    console = Console(stderr=as_json, markup=False)
    reading = read_source(data, folder, text=text, label=label, longest=max_characters, progress=download_bar())
    called = Path(data).name.split(".")[0]
    out = out or Path("runs", f"compare-{called}")
    asked = {"split": split, "seed": seed, "epochs": epochs, "hidden_size": hidden_size}
    given = {option: value for option, value in asked.items() if value is not None}
    reports = {}
    for cell in wanted:
        config = new_config(data, f"{called}-{cell}", {**given, "cell": cell, "hand": cell == "elman"})
        reports[cell] = _trained(reading, config, out, cell, console)
    rows = _rows(reports)
    if as_json:
        print(to_json(rows, indent=2))
    else:
        _print(rows, console, f"{data}, {split} split, test part")


def _trained(reading: Any, config: "RunConfig", out: Path, called: str, console: "Console") -> "RunReport":
    """Train one of several, or go on where an earlier call stopped, and return its report."""
    from elman.cli.progress import train_with_bar
    from elman.training.run import Run

    try:
        run = Run(reading, config, out / called, resume=(out / called / "config.json").exists())
    except TrainingError:
        raise SettingError(f"{out}: holds a comparison with other options or data; choose another --out") from None
    console.print(f"{called} in {out / called}", style="bold")
    if train_with_bar(run, console):
        console.print(f"Interrupted; the same command goes on where it stopped (in {out}).")
        raise typer.Exit(130)
    return run.finish()


def _compare_tutorials(folder: Path | None, seed: int, epochs: int | None, out: Path, as_json: bool) -> None:
    """Train the tutorials' name classifiers, and Elman's default on the same splits, and print one table."""
    from rich.console import Console

    from elman.cli.progress import download_bar
    from elman.data.reading import read_source
    from elman.training.recipes import RECIPES, Recipe, best_settings

    console = Console(stderr=as_json, markup=False)
    reading = read_source("languages", folder, progress=download_bar())
    recipes = [one for one in RECIPES.values() if one.config.data == "languages"]
    reports = {}
    own = best_settings("label")
    for split in dict.fromkeys(one.config.split for one in recipes):
        recipes.append(Recipe(f"elman-{split}", "", replace(own, data="languages", split=split)))
    for one in recipes:
        train = replace(one.config.train, seed=seed, epochs=one.config.train.epochs if epochs is None else epochs)
        place = None if folder is None else str(folder)
        config = replace(one.config, name=one.name, train=train, split_seed=seed, data_folder=place)
        reports[one.name] = _trained(reading, config, out, one.name, console)
    rows = []
    for one in (one for one in recipes if one.about):
        own_report = reports[f"elman-{one.config.split}"]
        rows.append(
            {
                "recipe": one.name,
                "about": one.about,
                "split": one.config.split,
                "reported": one.reported,
                "reproduced": reports[one.name].values["test"]["accuracy"],
                "seconds": reports[one.name].values["seconds"],
                "elman": own_report.values["test"]["accuracy"],
                "elman_seconds": own_report.values["seconds"],
                "baseline": own_report.values["baseline"]["accuracy"],
            }
        )
    if as_json:
        print(to_json(rows, indent=2))
    else:
        _print_tutorials(rows, console)


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


def _rows(reports: "dict[str, RunReport]") -> list[dict[str, Any]]:
    rows = [
        {
            "cell": cell,
            "accuracy": report.values["test"]["accuracy"],
            "macro_f1": report.values["test"]["macro_f1"],
            "seconds": report.values["seconds"],
            "parameters": report.values["parameters"],
        }
        for cell, report in reports.items()
    ]
    baseline = next(iter(reports.values())).values["baseline"]
    none = {"seconds": None, "parameters": None}
    return [*rows, {"cell": "baseline", "accuracy": baseline["accuracy"], "macro_f1": baseline["macro_f1"], **none}]


def _print(rows: list[dict[str, Any]], console: "Console", title: str) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    numbers = (Column(name, justify="right") for name in ("accuracy", "macro-F1", "seconds", "parameters"))
    table = Table("cell", *numbers, title=Text(title), title_justify="left")
    for row in rows:
        cost = ("", "") if row["seconds"] is None else (f"{row['seconds']:.0f}", f"{row['parameters']:,}")
        table.add_row(row["cell"], f"{row['accuracy']:.1%}", f"{row['macro_f1']:.1%}", *cost)
    console.print(table)
