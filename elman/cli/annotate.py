"""``elman annotate``: tables in, the same tables out with answers beside each row."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.options import AbstainOption, ModelOption, TopOption, command_app
from elman.errors import DataError, SettingError
from elman.scoring.processor import cores

if TYPE_CHECKING:
    from rich.console import Console

    from elman.annotation.annotator import Progress, Summary
    from elman.tables.chunks import Malformed
    from elman.tables.queries import Query
from elman.annotation.local import find_tables, name_outputs, name_parquet_outputs

app = command_app()


SHOWN = 10
"""Labels that the summary lists."""


class OnError(StrEnum):
    """What a row that cannot be read does."""

    stop = "stop"
    skip = "skip"


class Engine(StrEnum):
    """Who does the work."""

    local = "local"
    ray = "ray"


@app.command(no_args_is_help=True)
def annotate(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="IN... OUT",
            help="Tables to read: files, quoted globs or folders; - is standard input. Then the table to write: a "
            "file, or - for standard output; or a folder, where it ends in / or the input is a folder.",
            show_default=False,
        ),
    ],
    column: Annotated[
        str, typer.Option("--column", "-c", help="The column of the names; a number in a table without a header.")
    ] = "name",
    model: ModelOption = "languages",
    top: TopOption = 1,
    abstain_below: AbstainOption = 0.0,
    prefix: Annotated[str, typer.Option(help="What the names of new columns begin with.")] = "elman_",
    read_as: Annotated[
        str | None,
        typer.Option(
            "--from", help="The format to read, where names do not say it: csv, jsonl.gz, …", show_default=False
        ),
    ] = None,
    write_as: Annotated[
        str | None,
        typer.Option("--to", help="The format to write, where the name does not say it.", show_default=False),
    ] = None,
    on_error: Annotated[
        OnError, typer.Option(help="A row that cannot be read stops the job, or is left out and kept apart.")
    ] = OnError.stop,
    skipped: Annotated[
        Path | None,
        typer.Option(help="Where rows that were left out go; OUT.skipped.jsonl where not given.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted job.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT where it is there.")] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many share the work; all cores where not given.", show_default=False)
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="Who works: this process and its helpers, or Ray: here, or where RAY_ADDRESS says.")
    ] = Engine.local,
    from_sql: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Read from a database instead of IN, such as sqlite:///people.db.", show_default=False
        ),
    ] = None,
    query: Annotated[
        str | None, typer.Option(metavar="SQL", help="The query to send to the database.", show_default=False)
    ] = None,
) -> None:
    """Answer for every row of a table: the same rows in the same order, with the answers in new columns.

    Reads and writes CSV, TSV, JSON Lines (.jsonl; all three also .gz and .zst) and Parquet, in any pairing. Memory does
    not grow with the table. OUT appears when it is whole; a job that was interrupted goes on with --resume.

    Rows without a name, or with one that the model cannot read, abstain, and say why in a column of its own.

    [bold]elman annotate people.csv people.parquet --column surname[/bold]  one table

    [bold]elman annotate people/ answered/ --column surname[/bold]  a folder of tables, file by file

    [bold]zcat people.csv.gz | elman annotate - - --column surname[/bold]  a stream

    [bold]elman annotate people.csv --from-sql sqlite:///people.db --query "select * from people order by id"[/bold]

    [bold]elman annotate people/ answered/ --engine ray[/bold]  a folder of Parquet, on a cluster
    """
    from rich.console import Console

    from elman.annotation.annotator import AnnotateConfig, Annotator
    from elman.annotation.local import annotate_folder, annotate_stream, annotate_table
    from elman.prediction.predictor import load
    from elman.tables.formats import STANDARD, format_of

    question = _question(from_sql, query, tables, read_as)
    *given, out = tables
    read = None if read_as is None else format_of("", read_as)
    predictor = load(model)
    annotator = Annotator(predictor, AnnotateConfig(column, top, abstain_below, prefix, on_error is OnError.skip))
    count, target, console = cores() if processes is None else processes, Path(out), Console(stderr=True)
    if engine is Engine.ray:
        from elman.annotation.cluster import annotate_cluster

        names = name_parquet_outputs(given, out, read_as, write_as)
        steps = annotate_cluster(annotator, names, target, processes=processes, resume=resume)
    elif out.endswith("/") or target.is_dir() or (len(given) == 1 and Path(given[0]).is_dir() and not target.suffix):
        if question is not None:
            raise SettingError(f"{out}: expected a file to write, for a query is one table; got a folder")
        steps = annotate_folder(
            annotator, name_outputs(given, write_as), target, read_as=read, processes=count, resume=resume
        )
    elif out == STANDARD:
        form, lost = format_of(STANDARD, write_as), _side_file(skipped, on_error)
        steps = annotate_stream(
            annotator,
            question or find_tables(given),
            sys.stdout.buffer,
            form=form,
            read_as=read,
            processes=count,
            skipped=lost,
        )
    else:
        if target.exists() and not overwrite:
            raise DataError(f"{target}: is there already; give another name, or --overwrite to replace it")
        steps = annotate_table(
            annotator,
            question or find_tables(given),
            target,
            form=format_of(out, write_as),
            read_as=read,
            processes=count,
            resume=resume,
            skipped=skipped or Path(f"{out}.skipped.jsonl"),
        )
    try:
        _print_summary(_followed(steps, console, keeps_parts=out != STANDARD), console)
    finally:
        predictor.close()


def _question(url: str | None, sql: str | None, tables: Sequence[str], read_as: str | None) -> "Query | None":
    """Return the query to read from; None where files are read."""
    from elman.tables.queries import Query

    if url is None and sql is None:
        if len(tables) < 2:
            raise SettingError("annotate needs a table to read and one to write: elman annotate IN OUT --column NAME")
        return None
    if url is None or sql is None:
        raise SettingError("--from-sql URL and --query SQL go together; one of them is missing")
    if len(tables) != 1:
        raise SettingError(f"with --from-sql expected one argument, the table to write; got {len(tables)}")
    if read_as is not None:
        raise SettingError("--from names the format of files; leave it out with --from-sql")
    return Query(url, sql)


def _side_file(skipped: Path | None, on_error: OnError) -> Callable[["Malformed"], Any]:
    """Return what writes rows that could not be read, where the answers go to standard output."""
    from dataclasses import asdict

    if on_error is OnError.skip and skipped is None:
        raise SettingError("with standard output, --on-error skip needs --skipped FILE for the rows that are left out")

    def write(row: "Malformed") -> None:
        assert skipped is not None
        with open(skipped, "a", encoding="utf-8", errors="replace") as file:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")

    return write


def _followed(steps: Iterable["Progress"], console: "Console", *, keeps_parts: bool) -> "Summary":
    """Draw a bar while the work goes on, and return what became of the rows."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.fields[rows]}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %")
    bar = Progress(
        *columns,
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    started, kept, last = time.perf_counter(), 0, None
    with bar:
        task = bar.add_task("", total=None, rows="reading …")
        try:
            for step in steps:
                last = step
                kept = step.summary.rows if step.kept else kept
                rate = (step.summary.rows - kept) / (time.perf_counter() - started)
                said = f"{step.summary.rows:,} rows, {rate:,.0f} a second"
                share: dict[str, Any] = {} if step.done is None else {"total": 1.0, "completed": step.done}
                bar.update(task, rows=said, **share)
        except KeyboardInterrupt:
            count = 0 if last is None else last.summary.rows
            goes_on = "; the same command with --resume goes on" if keeps_parts else ""
            console.print(f"stopped after {count:,} rows{goes_on}", highlight=False)
            raise
    assert last is not None
    return last.summary


def _print_summary(summary: "Summary", console: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    answered = summary.rows - sum(summary.abstained.values())
    left_out = f"; {summary.malformed:,} could not be read and were left out" if summary.malformed else ""
    rows = "1 row" if summary.rows == 1 else f"{summary.rows:,} rows"
    console.print(f"{rows}, {answered:,} answered{left_out}", highlight=False, style="bold")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_column(justify="right")
    labels = summary.labels.most_common()
    shown = [(label, count, "") for label, count in labels[:SHOWN]]
    if labels[SHOWN:]:
        shown.append((f"{len(labels) - SHOWN} other labels", sum(count for _, count in labels[SHOWN:]), "dim"))
    shown += [(f"abstained, {reason}", count, "yellow") for reason, count in summary.abstained.most_common()]
    for title, count, style in shown:
        table.add_row(Text(title), f"{count:,}", f"{count / summary.rows:.1%}", style=style)
    console.print(table)
