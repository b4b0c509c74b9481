"""``elman evaluate``: a model and labelled strings in, its scores out."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.options import (
    DataArgument,
    FolderOption,
    JsonOption,
    LabelOption,
    LongestOption,
    ModelArgument,
    TextOption,
    command_app,
)
from elman.cli.progress import to_json
from elman.data.examples import MAX_CHARACTERS
from elman.errors import DataError, SettingError

if TYPE_CHECKING:
    from elman.evaluation.scores import Evaluation
    from elman.prediction.predictor import Predictor
from elman.training.held_out import choose_part

NAMES = {
    "symbol_accuracy": "symbols right",
    "string_accuracy": "whole strings right",
    "nll": "negative log-likelihood (nats)",
    "r2": "R²",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
    "macro_f1": "macro-F1",
    "brier": "Brier score",
}
"""How scores are called for people, where the field's name is not it."""


app = command_app()


@app.command()
def evaluate(
    model: ModelArgument,
    data: DataArgument,
    part: Annotated[
        str | None,
        typer.Option(
            help="train, validation or test, of the split that the model was trained with; or all.",
            show_default="test where DATA is what the model was trained on, else all",
        ),
    ] = None,
    text: TextOption = "name",
    label: LabelOption = "label",
    folder: FolderOption = None,
    max_characters: LongestOption = MAX_CHARACTERS,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write report.json, confusion.png and reliability.png here.")
    ] = None,
    with_baseline: Annotated[
        bool, typer.Option("--baseline", help="Also fit the n-gram baseline on the training part, which takes longer.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Score a model on labelled strings that it did not learn from."""
    from elman.cli.progress import account, download_bar
    from elman.data.examples import Reading
    from elman.data.reading import read_source
    from elman.data.splits import ceiling
    from elman.evaluation.scores import evaluate as score
    from elman.evaluation.scores import evaluate_baseline, fit_baseline, majority, verdict
    from elman.prediction.predictor import load
    from elman.training.tasks.strings import normalise_examples

    if out is not None and out.exists() and not out.is_dir():
        raise SettingError(f"{out}: is a file; give a folder with --out")
    if out is not None and (out / "config.json").exists():
        raise SettingError(f"{out}: holds a run with its own report; choose another folder with --out")
    predictor = load(model)
    if (predictor.artifact.reads, predictor.artifact.answers) != ("strings", "label"):
        if out is not None or with_baseline:
            raise SettingError("--out and --baseline are for models that read strings and answer with a label")
        given = None if label == "label" else label
        _evaluate_other(predictor, data, folder, text, given, max_characters, part, as_json)
        return
    reading = read_source(data, folder, text=text, label=label, longest=max_characters, progress=download_bar())
    if not isinstance(reading, Reading):
        raise DataError(f"{data}: holds images; {predictor.name!r} reads strings")
    examples, dropped = normalise_examples(reading, predictor.artifact.normalisation)
    chosen, asked, split = choose_part(predictor, examples, part)
    if with_baseline and split is None:
        raise DataError(f"--baseline needs the data that {predictor.name!r} was trained on, to fit it on the same part")
    evaluation = score(predictor, chosen)
    _warn_if_learned(predictor)
    if asked == "all" and part is None:
        note = f"these are not the data that {predictor.name!r} was trained on; strings that both hold were learned"
        print(f"note: {note}", file=sys.stderr)
    part = asked
    values: dict[str, Any] = {
        "model": predictor.name,
        "data": data,
        "part": part,
        **evaluation.report.to_dict(),
        "calibration_error_before": evaluation.uncalibrated.calibration_error,
        "ceiling": ceiling(chosen),
    }
    if split is not None:
        label_of_most, share = majority(split.train, chosen)
        values["majority"] = {"label": label_of_most, "accuracy": share}
    if with_baseline and split is not None:
        baseline = evaluate_baseline(fit_baseline(split.train), chosen, predictor.artifact.labels)
        values |= {"baseline": baseline.to_dict(), "verdict": verdict(evaluation.report, baseline)}
    if out is not None:
        _write(out, values, evaluation, predictor)
    if as_json:
        print(to_json(values, indent=2))
        return
    _print(values, evaluation, account(reading, dropped))
    if out is not None:
        print(f"Written to {out}: report.json, confusion.png, reliability.png")


def _evaluate_other(
    predictor: "Predictor",
    data: str,
    folder: Path | None,
    text: str,
    label: str | None,
    longest: int,
    part: str | None,
    as_json: bool,
) -> None:
    """Score a model that answers with tags or a number, or reads images, and print what it is measured by."""
    from elman.cli.progress import download_bar
    from elman.training.config import RunConfig
    from elman.training.held_out import measure
    from elman.training.options import read_for

    artifact = predictor.artifact
    task = {"images": "images", "features": "features"}.get(artifact.reads, artifact.answers)
    config = RunConfig(
        name=predictor.name,
        data=data,
        task=task,
        normalisation=artifact.normalisation,
        text_column=text,
        label_column=label or (artifact.labels.names[0] if task in ("number", "features") else "label"),
        max_characters=longest,
        feature_columns=artifact.columns,
        data_folder=None if folder is None else str(folder),
    )
    report, scored = measure(predictor, read_for(config, progress=download_bar()), config, part)
    if part is None and scored == "all":
        print(
            "note: all examples are scored; those that the model was trained on are among them, if any", file=sys.stderr
        )
    _warn_if_learned(predictor)
    if as_json:
        print(to_json({"model": predictor.name, "data": data, "part": scored, **report.to_dict()}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{predictor.name} on {data}, {scored} ({report.examples:,} examples)")
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in report.to_dict().items():
        if name not in ("examples", "per_label") and value is not None:
            shown = f"{value:.1%}" if "accuracy" in name or name.startswith(("top_", "macro")) else f"{value:,.4g}"
            table.add_row(NAMES.get(name, name.replace("_", " ")), shown)
    Console(markup=False).print(table)


def _warn_if_learned(predictor: "Predictor") -> None:
    from elman.data.splits import BY_HEART, NOTHING_KEPT

    if predictor.artifact.provenance.get("split", {}).get("kind") == NOTHING_KEPT:
        print(f"note: {BY_HEART}", file=sys.stderr)


def _print(values: dict[str, Any], evaluation: "Evaluation", said: str) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    console, report = Console(markup=False), evaluation.report
    console.print(f"{values['data']}: {said}", highlight=False)
    title = Text(f"{values['model']} on {values['data']}, {values['part']} ({report.examples:,} examples)")
    summary = Table(title=title, title_justify="left", show_header=False)
    summary.add_column()
    summary.add_column(justify="right")
    summary.add_row("accuracy", f"{report.accuracy:.1%}")
    for k, share in report.top_k.items():
        if k < evaluation.probabilities.shape[1]:
            summary.add_row(f"top {k}", f"{share:.1%}")
    summary.add_row("macro-F1", f"{report.macro_f1:.1%}")
    summary.add_row("negative log-likelihood (nats)", f"{report.nll:.3f}")
    summary.add_row("Brier score", f"{report.brier:.3f}")
    before = evaluation.uncalibrated.calibration_error
    summary.add_row("calibration error, before and after", f"{before:.3f}, {report.calibration_error:.3f}")
    summary.add_row("ceiling by strings with several labels", f"{values['ceiling']:.1%}")
    if "majority" in values:
        summary.add_row(Text(f"always {values['majority']['label']}"), f"{values['majority']['accuracy']:.1%}")
    if "baseline" in values:
        summary.add_row("baseline's accuracy", f"{values['baseline']['accuracy']:.1%}")
    console.print(summary)
    if "verdict" in values:
        console.print(values["verdict"], style="bold")
    labels = Table("label", *(Column(name, justify="right") for name in ("examples", "precision", "recall", "F1")))
    for name, one in report.per_label.items():
        labels.add_row(Text(name), str(one.support), f"{one.precision:.0%}", f"{one.recall:.0%}", f"{one.f1:.0%}")
    console.print(labels)


def _write(out: Path, values: dict[str, Any], evaluation: "Evaluation", predictor: "Predictor") -> None:
    from elman.evaluation.plots import plot_confusion, plot_reliability, save_figure
    from elman.files import write_atomically

    write_atomically(out / "report.json", (json.dumps(values, indent=2) + "\n").encode())
    confusion = plot_confusion(evaluation.probabilities, evaluation.truth, predictor.labels)
    save_figure(confusion, out / "confusion.png")
    reliability = plot_reliability(evaluation.uncalibrated_probabilities, evaluation.probabilities, evaluation.truth)
    save_figure(reliability, out / "reliability.png")
