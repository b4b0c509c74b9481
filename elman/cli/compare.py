"""``elman compare``: several cells on the same data and split, in one table beside the baseline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.output import to_json
from elman.cli.source import DataArgument, FolderOption, LabelOption, LongestOption, TextOption
from elman.data.sources import MAX_CHARACTERS
from elman.errors import SettingError, TrainingError

if TYPE_CHECKING:
    from rich.console import Console

    from elman.runs import RunReport


app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def compare(
    data: DataArgument,
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON alone.")] = False,
) -> None:
    """Train each cell with its recipe on the same split, and show them in one table beside the baseline.

    [bold]elman[/bold] is the Elman network written by hand, [bold]rnn[/bold] the same network as torch.nn runs it.
    """
    from rich.console import Console

    from elman.cli.source import read_source
    from elman.cli.train import new_config, train_with_bar
    from elman.config import recipe
    from elman.runs import Run

    wanted = list(dict.fromkeys(cell.strip() for cell in cells.split(",") if cell.strip()))
    if not wanted:
        raise SettingError("--cells names no cell; give some of elman, rnn, gru, lstm, separated by commas")
    for cell in wanted:
        recipe(cell)  # an unknown name is refused before anything is trained
    console = Console(stderr=as_json, markup=False)
    reading = read_source(data, folder, text=text, label=label, longest=max_characters)
    called = Path(data).name.split(".")[0]
    out = out or Path("runs", f"compare-{called}")
    asked = {"split": split, "seed": seed, "epochs": epochs, "hidden_size": hidden_size}
    given = {option: value for option, value in asked.items() if value is not None}
    reports = {}
    if not wanted:
        raise SettingError("--cells names no cell; give some of elman, rnn, gru, lstm, separated by commas")
    for cell in wanted:
        config = new_config(data, f"{called}-{cell}", cell, {**given, "hand": cell == "elman"})
        try:
            run = Run(reading, config, out / cell, resume=(out / cell / "config.json").exists())
        except TrainingError:
            raise SettingError(f"{out}: holds a comparison with other options or data; choose another --out") from None
        console.print(f"{cell} in {out / cell}", style="bold")
        if train_with_bar(run, console):
            console.print(f"Interrupted; the same command goes on where it stopped (in {out}).")
            raise typer.Exit(130)
        reports[cell] = run.finish()
    rows = _rows(reports)
    if as_json:
        print(to_json(rows, indent=2))
    else:
        _print(rows, console, f"{data}, {split} split, test part")


def _rows(reports: "dict[str, RunReport]") -> list[dict[str, Any]]:
    rows = [
        {
            "cell": cell,
            "accuracy": report.test.accuracy,
            "macro_f1": report.test.macro_f1,
            "seconds": report.values["seconds"],
            "parameters": report.values["parameters"],
        }
        for cell, report in reports.items()
    ]
    baseline = next(iter(reports.values())).baseline
    none = {"seconds": None, "parameters": None}
    return [*rows, {"cell": "baseline", "accuracy": baseline.accuracy, "macro_f1": baseline.macro_f1, **none}]


def _print(rows: list[dict[str, Any]], console: "Console", title: str) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    numbers = (Column(name, justify="right") for name in ("accuracy", "macro-F1", "seconds", "parameters"))
    table = Table("cell", *numbers, title=Text(title), title_justify="left")
    for row in rows:
        cost = ("", "") if row["seconds"] is None else (f"{row['seconds']:.0f}", f"{row['parameters']:,}")
        table.add_row(row["cell"], f"{row['accuracy']:.1%}", f"{row['macro_f1']:.1%}", *cost)
    console.print(table)
