"""``elman annotate``: tables in, the same tables out with answers beside each row."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.checks import count_of, shown
from elman.cli.options import (
    AbstainOption,
    BeamOption,
    ColumnOption,
    DelimiterOption,
    EncodingOption,
    FromOption,
    FromSqlOption,
    HeaderOption,
    LevelOption,
    ModelOption,
    PriorOption,
    QueryOption,
    SetOption,
    ToldOption,
    TopOption,
    UnfamiliarOption,
    command_app,
    read_prior,
)
from elman.model.shipped import DEFAULT_MODEL
from elman.prediction.options import BEAM

if TYPE_CHECKING:
    from rich.console import Console

    from elman.annotation.annotator import Progress, Summary

app = command_app()


SHOWN = 10
"""Labels that the summary lists."""


class OnError(StrEnum):
    """What to do with a row that cannot be read."""

    stop = "stop"
    skip = "skip"


class Engine(StrEnum):
    """What does the work."""

    local = "local"
    ray = "ray"


@app.command(no_args_is_help=True)
def annotate(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="IN... OUT",
            help="Tables to read: files, quoted globs or folders; - is standard input. Then the table to write: a "
            "file, or - for standard output; or a folder, if it ends in / or the input is a folder.",
            show_default=False,
        ),
    ],
    column: ColumnOption = "name",
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    model: ModelOption = DEFAULT_MODEL,
    top: TopOption = 1,
    abstain_below: AbstainOption = 0.0,
    level: LevelOption = None,
    prior: PriorOption = None,
    coverage: SetOption = None,
    unfamiliar_below: UnfamiliarOption = None,
    label: ToldOption = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="Of pairs, for models with labels: the column of each row's label.", show_default=False),
    ] = None,
    beam: BeamOption = BEAM,
    every: Annotated[
        bool, typer.Option("--all", help="Write every probability, one column a label: elman_p_LABEL.")
    ] = False,
    add: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Add columns beside the answers, separated by commas: script, unknown (symbols), familiar, set.",
            show_default=False,
        ),
    ] = None,
    prefix: Annotated[str, typer.Option(help="The first part of the names of new columns.")] = "elman_",
    read_as: FromOption = None,
    write_as: Annotated[
        str | None,
        typer.Option("--to", help="The format to write, if the file name does not tell it.", show_default=False),
    ] = None,
    on_error: Annotated[
        OnError,
        typer.Option(help="A row that cannot be read stops the job, or is skipped and written to another file."),
    ] = OnError.stop,
    skipped: Annotated[
        Path | None,
        typer.Option(help="The file for skipped rows; OUT.skipped.jsonl by default.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted job.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace OUT, and the file for skipped rows, if they exist.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many share the work; all cores by default.", show_default=False)
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="What does the work: this machine, or Ray, here or on the cluster in RAY_ADDRESS.")
    ] = Engine.local,
    from_sql: FromSqlOption = None,
    query: QueryOption = None,
) -> None:
    """Answer for every row of a table: the same rows in the same order, with the answers in new columns.

    Reads and writes CSV, TSV, JSON Lines (.jsonl; all three also .gz and .zst) and Parquet, in any pairing. Memory does
    not grow with the table. OUT appears when it is complete; --resume continues a job that was interrupted.

    For rows without a name, or with one that the model cannot read, the model abstains; a column says why.

    [bold]elman annotate people.csv people.parquet --column surname[/bold]  one table

    [bold]elman annotate people/ answered/ --column surname[/bold]  a folder of tables, file by file

    [bold]zcat people.csv.gz | elman annotate - - --column surname[/bold]  a stream

    [bold]elman annotate people.csv --from-sql sqlite:///people.db --query "select * from people order by id"[/bold]

    [bold]elman annotate people/ answered/ --engine ray[/bold]  a folder of Parquet, on a cluster
    """
    from rich.console import Console

    from elman.annotation.annotator import AnnotateConfig
    from elman.annotation.request import AnnotateRequest, annotate_request
    from elman.annotation.written import build_annotator
    from elman.prediction.loading import load_any
    from elman.prediction.predictor import Predictor
    from elman.tables.formats import TextOptions

    *inputs, output = tables
    request = AnnotateRequest(
        inputs,
        output,
        from_sql=from_sql,
        query=query,
        read_as=read_as,
        write_as=write_as,
        skipped=skipped,
        engine=engine.value,
        processes=processes,
        resume=resume,
        overwrite=overwrite,
    )
    loaded, console = load_any(model), Console(stderr=True)
    text = TextOptions(delimiter, encoding, header)
    config = AnnotateConfig(
        column,
        top,
        abstain_below,
        prefix,
        on_error is OnError.skip,
        text,
        level,
        read_prior(prior),
        coverage,
        every,
        tuple(name.strip() for name in add.split(",")) if add else (),
        unfamiliar_below,
        label,
        label_column,
        beam,
    )
    seen: list[Progress] = []
    try:
        with _end_on_signals(writes_stream=request.writes_stream):
            steps = annotate_request(build_annotator(loaded, config), request, sys.stdout.buffer)
            _show_progress(steps, console, seen)
        _print_summary(seen[-1].summary, console)
    except KeyboardInterrupt as error:
        count = seen[-1].summary.rows if seen else 0
        advice = "" if request.writes_stream else "; continue with the same command and --resume"
        console.print(f"stopped after {count_of(count, 'row')}{advice}", highlight=False)
        if isinstance(error, _EndedBySignal):
            raise typer.Exit(error.status) from None
        raise
    finally:
        if isinstance(loaded, Predictor):
            loaded.close()


class _EndedBySignal(KeyboardInterrupt):
    """A signal has asked this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


@contextmanager
def _end_on_signals(*, writes_stream: bool) -> Iterator[None]:
    """Let the signals that end a process end the work as Ctrl-C does, so that nothing is left behind."""

    def end(number: int, frame: object) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        if writes_stream:  # the reader may not read any more; what is written from now on is discarded
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _EndedBySignal(number)

    # A signal that is ignored, as under nohup, stays ignored. Only the main thread may set handlers.
    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    handled = [getattr(signal, name) for name in names if hasattr(signal, name)]
    handled = [number for number in handled if signal.getsignal(number) == signal.SIG_DFL]
    for number in handled:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def _show_progress(steps: Iterable["Progress"], console: "Console", seen: "list[Progress]") -> None:
    """Draw a bar while the work is done. The last step is always in ``seen``."""
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
    started, kept = time.perf_counter(), 0
    with bar:
        task = bar.add_task("", total=None, rows="reading …")
        for step in steps:
            for note in step.notes if not seen or seen[0].notes != step.notes else ():
                console.print(f"note: {shown(note, 300)}", highlight=False)
            seen[:] = [step]
            kept = step.summary.rows if step.kept else kept
            rate = (step.summary.rows - kept) / (time.perf_counter() - started)
            rows = f"{count_of(step.summary.rows, 'row')}, {rate:,.0f} a second"
            share: dict[str, Any] = {} if step.done is None else {"total": 1.0, "completed": step.done}
            bar.update(task, rows=rows, **share)


def _print_summary(summary: "Summary", console: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    answered = summary.rows - sum(summary.abstained.values())
    skipped = f"; {summary.malformed:,} could not be read and were skipped" if summary.malformed else ""
    rows = count_of(summary.rows, "row")
    console.print(f"{rows}, {answered:,} answered{skipped}", highlight=False, style="bold")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_column(justify="right")
    labels = summary.labels.most_common()
    lines = [(label, count, "") for label, count in labels[:SHOWN]]
    if labels[SHOWN:]:
        others = sum(count for _, count in labels[SHOWN:])
        lines.append((count_of(len(labels) - SHOWN, "other label"), others, "dim"))
    lines += [(f"abstained, {reason}", count, "yellow") for reason, count in summary.abstained.most_common()]
    for title, count, style in lines:
        table.add_row(Text(shown(title)), f"{count:,}", f"{count / summary.rows:.1%}", style=style)
    console.print(table)
