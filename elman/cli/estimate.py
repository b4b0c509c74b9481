"""``elman estimate``: a table of names in, the shares of labels in it or in each of its groups out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.checks import count_of, shown
from elman.cli.options import (
    ColumnOption,
    DelimiterOption,
    EncodingOption,
    FromOption,
    FromSqlOption,
    HeaderOption,
    JsonOption,
    ModelOption,
    PlotOption,
    QueryOption,
    command_app,
)
from elman.cli.output import print_note, to_json
from elman.errors import SettingError
from elman.model.shipped import DEFAULT_MODEL

if TYPE_CHECKING:
    from elman.shares.report import GroupShares, ShareReport
    from elman.tables.formats import TextOptions
    from elman.tables.sql.queries import Query

app = command_app()

SHOWN_GROUPS, SHOWN_LABELS = 20, 10
"""Groups, and labels of each, that are printed."""

SMALL = 0.005
"""Labels with smaller shares are not printed one by one."""


@app.command(no_args_is_help=True)
def estimate(
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TABLE]...",
            help="The tables: files, quoted globs or folders, all read as one table. - is standard input.",
            show_default=False,
        ),
    ] = None,
    column: ColumnOption = "name",
    by: Annotated[
        str | None,
        typer.Option("--by", help="The column of the groups, likewise; one group by default.", show_default=False),
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(help="A level of the model's labels, such as region: shares of its groups.", show_default=False),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Print these labels alone, separated by commas.", show_default=False),
    ] = None,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    model: ModelOption = DEFAULT_MODEL,
    read_as: FromOption = None,
    draws: Annotated[int, typer.Option(min=50, help="Bootstrap samples for the intervals.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Also write all shares to this .csv or .json file.", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out if it exists.")] = False,
    plot: PlotOption = None,
    as_json: JsonOption = False,
    from_sql: FromSqlOption = None,
    query: QueryOption = None,
) -> None:
    """Estimate the shares of labels in a column of names, or in each of its groups, with intervals of 95 %.

    Counting the answers for single names repeats the model's errors, and favours what was frequent in its training.
    These estimates correct both. They say nothing of a single name.

    Reads what `elman annotate` reads. Of a group with more than 10,000 names, so many are drawn at random.

    [bold]elman estimate people.csv --column surname[/bold]  one list

    [bold]elman estimate people.csv --column surname --by affiliation --plot shares.png[/bold]  each group

    [bold]elman estimate people.parquet --by year --out shares.csv[/bold]  a table for other programs
    """
    from elman.prediction.predictor import load
    from elman.shares.estimates import Estimator, estimate_table
    from elman.tables.formats import TextOptions, format_of

    _check_out(out, overwrite=overwrite)
    source = _find_source(tables or [], from_sql, query, read_as)
    text = TextOptions(delimiter, encoding, header)
    _check_text(source, text, read_as)
    estimator = Estimator(load(model), level, draws, seed)
    chosen = _find_labels(labels, estimator.labels)
    form = None if read_as is None else format_of("", read_as)
    report = estimate_table(estimator, source, column=column, by=by, form=form, options=text)
    if out is not None:
        _write(report, out)
    if plot is not None:
        _draw(report, plot)
    if as_json:
        print(to_json(report.to_dict(), indent=2))
        return
    for note in report.notes:
        print_note(note)
    _print(report, chosen)


def _find_source(
    tables: list[str], from_sql: str | None, query: str | None, read_as: str | None
) -> "list[str] | Query":
    """Return the files or the query to read."""
    from elman.tables.sources import find_tables
    from elman.tables.sql.queries import Query

    if (from_sql is None) != (query is None):
        raise SettingError("--from-sql URL and --query SQL go together; one of them is missing")
    if from_sql is not None and query is not None:
        if tables:
            raise SettingError(f"with --from-sql expected no table; got {count_of(len(tables), 'argument')}")
        if read_as is not None:
            raise SettingError("--from names the format of files; leave it out with --from-sql")
        return Query(from_sql, query)
    if not tables:
        raise SettingError("expected a table to read: elman estimate TABLE --column NAME")
    return find_tables(tables)


def _check_text(source: "list[str] | Query", text: "TextOptions", read_as: str | None) -> None:
    """Check that the options of text files are for one of the tables to read."""
    from elman.tables.formats import check_options, format_of

    if isinstance(source, list):
        check_options(text, {format_of(path, read_as).kind for path in source}, shown(", ".join(source), 300))
    else:
        check_options(text, (), "a query")


def _check_out(out: Path | None, *, overwrite: bool) -> None:
    if out is None:
        return
    if out.suffix.lower() not in (".csv", ".json"):
        raise SettingError(f"{out}: expected a file ending in .csv or .json with --out")
    if out.exists() and not overwrite:
        raise SettingError(f"{out}: exists; choose another name, or --overwrite")


def _find_labels(labels: str | None, known: tuple[str, ...]) -> list[str]:
    """Return the labels to print; empty for the largest.

    Raises:
        SettingError: there is no such label.
    """
    from elman.checks import suggest

    chosen = [label.strip() for label in (labels or "").split(",") if label.strip()]
    for label in chosen:
        if label not in known:
            advice = suggest(label, known) or f"; there are {shown(', '.join(known), 300)}"
            raise SettingError(f"--labels: there is no '{shown(label)}'{advice}")
    return chosen


def _write(report: "ShareReport", out: Path) -> None:
    import csv
    import io
    import json

    from elman.files import write_atomically
    from elman.shares.report import COLUMNS

    if out.suffix.lower() == ".json":
        content = json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n"
    else:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(report.rows())
        content = text.getvalue()
    write_atomically(out, content.encode("utf-8", "replace"))


def _draw(report: "ShareReport", path: Path) -> None:
    from elman.extras import extra

    with extra("plot"):
        from elman.evaluation.figures import save_figure
        from elman.evaluation.shares import plot_shares
    save_figure(plot_shares(report), path)


def _print(report: "ShareReport", chosen: list[str]) -> None:
    """Print the shares as one table, the largest groups first."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from elman.shares.mixture import LEVEL

    console, groups = Console(markup=False), report.groups[:SHOWN_GROUPS]
    listed = [_list_rows(one, chosen) for one in groups]
    widest = max(cell_len(row[0]) for rows in listed for row in rows)
    for number, (one, rows) in enumerate(zip(groups, listed, strict=True)):
        console.print(_describe(report, one), style="bold", highlight=False)
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=number == 0)
        table.add_column(Text(f"  {shown(report.level or 'label')}"), min_width=widest)
        for title, width in (("share", 6), (f"{LEVEL:.0%} interval", 16), ("counted", 7)):
            table.add_column(title, justify="right", min_width=width, no_wrap=True)
        for cells in rows:
            table.add_row(*map(Text, cells))
        console.print(table)
    left = len(report.groups) - SHOWN_GROUPS
    if left > 0:
        console.print(f"{count_of(left, 'more group')}: --out FILE writes all of them", style="dim")


def _describe(report: "ShareReport", one: "GroupShares") -> str:
    """Return the title of a group, with its counts."""
    title = "" if report.by is None else f"{shown(one.group) if one.group is not None else '(no group)'}: "
    counts = [count_of(one.names, "row")]
    if one.missing:
        counts.append(f"{one.missing:,} without a name")
    if one.read < one.names - one.missing:
        counts.append(f"{one.read:,} drawn")
    if one.read:
        counts.append(f"abstained on {one.abstained:,} ({one.abstained / one.read:.1%})")
    return title + ", ".join(counts)


def _list_rows(one: "GroupShares", chosen: list[str]) -> list[tuple[str, str, str, str]]:
    """Return the cells of a group's labels: those chosen, or the largest and one line for all others."""
    if not one.shares:
        return [("  no name can be read", "", "", "")]
    if chosen:
        listed = [one[label] for label in chosen]
    else:
        listed = [share for share in one.shares[:SHOWN_LABELS] if share.share >= SMALL]
    rows = [
        (
            f"  {shown(share.label)}",
            f"{share.share:.1%}",
            f"{share.low:.1%} to {share.high:.1%}",
            f"{share.counted:.1%}",
        )
        for share in listed
    ]
    others = len(one.shares) - len(listed)
    if others and not chosen:
        rest, counted = (sum(getattr(share, key) for share in one.shares) for key in ("share", "counted"))
        rest -= sum(share.share for share in listed)
        counted -= sum(share.counted for share in listed)
        rows.append((f"  {count_of(others, 'other label')}", f"{max(0.0, rest):.1%}", "", f"{max(0.0, counted):.1%}"))
    return rows
