"""``elman evaluate``: measure a model on labelled strings, or on the data of another kind of model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.checks import shown, whole
from elman.cli.options import (
    CountOption,
    DelimiterOption,
    DropOption,
    EncodingOption,
    FolderOption,
    FromSqlOption,
    HeaderOption,
    JsonOption,
    LabelOption,
    LongestOption,
    ModelArgument,
    OptionalDataArgument,
    QueryOption,
    SourceOption,
    SwapOption,
    TargetOption,
    TextOption,
    command_app,
)
from elman.cli.output import print_note, to_json
from elman.cli.progress import download_bar, print_scores
from elman.data.examples import MAX_CHARACTERS
from elman.errors import SettingError

if TYPE_CHECKING:
    from elman.evaluation.scores import Evaluation
    from elman.prediction.transcriber import Transcriber
    from elman.tables.sql.queries import Query

app = command_app()


@app.command()
def evaluate(
    model: ModelArgument,
    data: OptionalDataArgument = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="train, validation or test, of the split that the model was trained with; or all.",
            show_default="test if the model was trained on DATA, else all",
        ),
    ] = None,
    from_sql: FromSqlOption = None,
    query: QueryOption = None,
    text: TextOption = "name",
    label: LabelOption = "label",
    folder: FolderOption = None,
    max_characters: LongestOption = MAX_CHARACTERS,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    on_error: DropOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write report.json and the pictures here.")
    ] = None,
    baseline: Annotated[
        str,
        typer.Option(help="Also fit this baseline on the training part: quick or full, as in `elman train`; or none."),
    ] = "none",
    source: SourceOption = None,
    target: TargetOption = None,
    count: CountOption = None,
    swap: SwapOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score a model on labelled strings that it did not learn from."""
    from elman.data.reading import account, find_source, name_source
    from elman.extras import extra
    from elman.prediction.loading import load_any
    from elman.prediction.transcriber import Transcriber

    with extra("evaluate"):
        from elman.training.held_out import config_for, measure, read_held_out

    if out is not None and out.exists() and not out.is_dir():
        raise SettingError(f"{out}: is a file; give a folder with --out")
    if out is not None and (out / "config.json").exists():
        raise SettingError(f"{out}: holds a run with its own report; choose another folder with --out")
    place = find_source(data, from_sql, query)
    title = name_source(place)
    predictor = load_any(model)
    how: dict[str, Any] = {
        "max_characters": max_characters,
        "data_folder": None if folder is None else str(folder),
        "header": header,
        "delimiter": delimiter,
        "encoding": encoding,
        "on_error": on_error,
    }
    columns = {"source_column": source, "target_column": target, "count_column": count, "swap": swap}
    if isinstance(predictor, Transcriber):
        for option, given in {"out": out, "text": text != "name"}.items():
            if given:
                raise SettingError(f"--{option} is for models that answer with a label; leave it out")
        _evaluate_pairs(predictor, place, {**how, **columns, "label_column": label}, part, as_json=as_json)
        return
    if any(columns.values()):
        raise SettingError("--source, --target, --count and --swap are for models of pairs; leave them out")
    config = config_for(predictor, title, label=None if label == "label" else label, text_column=text, **how)
    if out is not None and config.task != "label":
        raise SettingError("--out is for models that read strings and answer with a label; leave it out")
    reading = read_held_out(predictor, config, place, part, baseline=baseline, progress=download_bar())
    found = measure(predictor, reading, config, part, baseline=baseline)
    for note in (*reading.notes, *found.notes):
        print_note(note)
    scores = found.report.to_dict()
    counts = {"lines": reading.lines, "dropped": dict(found.dropped), "repaired": dict(reading.repaired)}
    values = {"model": predictor.name, "data": title, "part": found.part, **scores, **counts, **found.values}
    if out is not None and found.evaluation is not None:
        _write(out, values, found.evaluation)
    values.pop("surest_mistakes", None)  # strings of the user's data are in files alone
    if as_json:
        print(to_json(values, indent=2))
        return
    if config.task == "label":
        print(f"{whole(title)}: {account(reading, dict(found.dropped))}")
    _print(values, scores, labels=len(predictor.labels), part=found.part)
    if config.task == "label":
        _print_labels(scores["per_label"])
    if out is not None:
        print(f"Written to {whole(out)}: report.json, confusion.png, reliability.png, abstention.png")


def _evaluate_pairs(
    transcriber: "Transcriber", place: "str | Query", how: dict[str, Any], part: str | None, *, as_json: bool
) -> None:
    """Score a model of pairs, and print its scores."""
    from elman.data.pairs import PairReading
    from elman.data.reading import account, name_source
    from elman.training.reading import read_data
    from elman.training.transcribed import choose_pairs, config_for_pairs, note_labels, transcribe

    title = name_source(place)
    reading = read_data(config_for_pairs(transcriber, title, **how), place, progress=download_bar())
    if not isinstance(reading, PairReading):
        raise SettingError(f"{shown(title)} holds no pairs, and {shown(transcriber.name)} {transcriber.artifact.kind}")
    pairs, chosen = choose_pairs(transcriber, reading, part)
    for note in (*reading.notes, *note_labels(transcriber, pairs)):
        print_note(note)
    scores = transcribe(transcriber, pairs).report.to_dict()
    counts = {"lines": reading.lines, "dropped": dict(reading.dropped), "repaired": dict(reading.repaired)}
    values = {"model": transcriber.name, "data": title, "part": chosen, **scores, **counts}
    if as_json:
        print(to_json(values, indent=2))
        return
    print(f"{whole(title)}: {account(reading, dict(reading.dropped))}")
    _print(values, scores, labels=0, part=chosen)
    if transcriber.labels:
        _print_labels(scores.get("per_label", {}))


def _print(values: dict[str, Any], scores: dict[str, Any], *, labels: int, part: str) -> None:
    """Print the scores in one table, and in sentences what else is known of the part that was scored."""
    from rich.console import Console

    from elman.evaluation.baseline import describe_fit
    from elman.evaluation.metrics import TOP
    from elman.evaluation.titles import (
        COLUMNS,
        SCORES,
        describe_abstentions,
        describe_confused,
        describe_labels,
        show_rows,
        title_scores,
    )

    console = Console(markup=False)
    reports = [scores, *([values["baseline"]] if "baseline" in values else [])]
    columns = (part, COLUMNS[1].replace("test", part))[: len(reports)]
    title = title_scores(scores, model=values["model"], data=values["data"], part=part)
    print_scores(show_rows(*reports, labels=labels, ranks=TOP), columns, title, console)
    fit = values.get("baseline_fit")
    sentences = [*([describe_fit(fit)] if fit else []), *describe_labels(values)]
    if abstentions := describe_abstentions(scores):
        others = scores.get("answered_accuracy")
        of_others = SCORES["accuracy"].show(others, scores["intervals"].get("answered_accuracy"))
        known = f"; accuracy of the others: {of_others}" if "answered_accuracy" in scores else ""
        sentences.append(f"{abstentions[0].upper()}{abstentions[1:]}{known}.")
    if confused := describe_confused(values):
        sentences.append(confused)
    for sentence in sentences:
        console.print(whole(sentence), highlight=False)
    if "verdict" in values:
        console.print(whole(values["verdict"]), style="bold")


def _print_labels(per_label: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from elman.evaluation.titles import group_labels, show_label_rows

    console, groups = Console(markup=False), group_labels(per_label)
    for title, names in groups:
        (first, *others), rows = show_label_rows(per_label, names)
        labels = Table(first, *(Column(name, justify="right") for name in others))
        for name, *cells in rows:
            labels.add_row(Text(shown(name)), *cells)
        if title:
            console.print(Text(f"Of {len(per_label):,} labels, {title}:"))
        console.print(labels)
    if len(groups) > 1:
        console.print("--json has the scores of all labels.", style="dim")


def _write(out: Path, values: dict[str, Any], evaluation: "Evaluation") -> None:
    import json

    from elman.evaluation.figures import save_figure
    from elman.evaluation.plots import draw_pictures
    from elman.files import write_atomically

    write_atomically(out / "report.json", (json.dumps(values, indent=2) + "\n").encode())
    for file, picture in draw_pictures(evaluation).items():
        save_figure(picture.figure, out / file)
