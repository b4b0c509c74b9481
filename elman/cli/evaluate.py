"""``elman evaluate``: measure a model on labelled strings, or on the data of another kind of model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.options import (
    DataArgument,
    DelimiterOption,
    DropOption,
    EncodingOption,
    FolderOption,
    HeaderOption,
    JsonOption,
    LabelOption,
    LongestOption,
    ModelArgument,
    TextOption,
    command_app,
)
from elman.cli.output import to_json
from elman.cli.progress import download_bar
from elman.data.examples import MAX_CHARACTERS
from elman.errors import SettingError

if TYPE_CHECKING:
    from elman.evaluation.scores import Evaluation

app = command_app()


@app.command()
def evaluate(
    model: ModelArgument,
    data: DataArgument,
    part: Annotated[
        str | None,
        typer.Option(
            help="train, validation or test, of the split that the model was trained with; or all.",
            show_default="test if the model was trained on DATA, else all",
        ),
    ] = None,
    text: TextOption = "name",
    label: LabelOption = "label",
    folder: FolderOption = None,
    max_characters: LongestOption = MAX_CHARACTERS,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    on_error: DropOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write report.json, confusion.png and reliability.png here.")
    ] = None,
    with_baseline: Annotated[
        bool, typer.Option("--baseline", help="Also fit the n-gram baseline on the training part, which takes longer.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Score a model on labelled strings that it did not learn from."""
    from elman.data.reading import account
    from elman.prediction.predictor import load
    from elman.training.held_out import config_for, measure
    from elman.training.options import read_for

    if out is not None and out.exists() and not out.is_dir():
        raise SettingError(f"{out}: is a file; give a folder with --out")
    if out is not None and (out / "config.json").exists():
        raise SettingError(f"{out}: holds a run with its own report; choose another folder with --out")
    predictor = load(model)
    config = config_for(
        predictor,
        data,
        label=None if label == "label" else label,
        text_column=text,
        max_characters=max_characters,
        data_folder=None if folder is None else str(folder),
        header=header,
        delimiter=delimiter,
        encoding=encoding,
        on_error=on_error,
    )
    if out is not None and config.task != "label":
        raise SettingError("--out is for models that read strings and answer with a label; leave it out")
    reading = read_for(config, progress=download_bar())
    found = measure(predictor, reading, config, part, with_baseline=with_baseline)
    for note in (*reading.notes, *found.notes):
        print(f"note: {note}", file=sys.stderr)
    scores = found.report.to_dict()
    counts = {"lines": reading.lines, "dropped": dict(found.dropped), "repaired": dict(reading.repaired)}
    values = {"model": predictor.name, "data": data, "part": found.part, **scores, **counts, **found.values}
    if out is not None and found.evaluation is not None:
        _write(out, values, found.evaluation)
    if as_json:
        print(to_json(values, indent=2))
        return
    if config.task == "label":
        print(f"{data}: {account(reading, dict(found.dropped))}")
    _print(values, scores, labels=len(predictor.labels))
    if config.task == "label":
        _print_labels(scores["per_label"])
    if out is not None:
        print(f"Written to {out}: report.json, confusion.png, reliability.png")


def _print(values: dict[str, Any], scores: dict[str, Any], *, labels: int) -> None:
    """Print the scores, and what else is known of the part that was scored, in one table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from elman.evaluation.metrics import TOP
    from elman.evaluation.titles import SCORES, show_rows

    console, show_share = Console(markup=False), SCORES["accuracy"].show
    size = f"{scores['examples']:,} examples" + (f", {scores['symbols']:,} symbols" if "symbols" in scores else "")
    console.print(Text(f"{values['model']} on {values['data']}, {values['part']} ({size})"), soft_wrap=True)
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows = show_rows(scores, labels=labels, ranks=TOP)
    if "calibration_error_before" in values:
        before = SCORES["calibration_error"].show(values["calibration_error_before"])
        rows.append(("calibration error before calibration", before))
    if values.get("abstained"):
        rows.append(("predict would abstain on", f"{values['abstained']:,}"))
        if "answered_accuracy" in values:
            rows.append(("accuracy of the others", show_share(values["answered_accuracy"])))
    if "ceiling" in values:
        rows.append(("ceiling by strings with several labels", show_share(values["ceiling"])))
    if "majority" in values:
        rows.append((f"always {values['majority']['label']}", show_share(values["majority"]["accuracy"])))
    if "baseline" in values:
        rows.append(("baseline's accuracy", show_share(values["baseline"]["accuracy"])))
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
    if "verdict" in values:
        console.print(values["verdict"], style="bold")


def _print_labels(per_label: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    labels = Table("label", *(Column(name, justify="right") for name in ("examples", "precision", "recall", "F1")))
    for name, one in per_label.items():
        shares = (f"{one[key]:.0%}" for key in ("precision", "recall", "f1"))
        labels.add_row(Text(name), str(one["support"]), *shares)
    Console(markup=False).print(labels)


def _write(out: Path, values: dict[str, Any], evaluation: "Evaluation") -> None:
    import json

    from elman.evaluation.plots import draw_pictures, save_figure
    from elman.files import write_atomically

    write_atomically(out / "report.json", (json.dumps(values, indent=2) + "\n").encode())
    for file, picture in draw_pictures(evaluation).items():
        save_figure(picture.figure, out / file)
