"""Small tables: those that a user writes by hand, read whole, such as the levels of labels or the shares of a prior."""

from pathlib import Path

from elman.checks import is_finite_number, whole
from elman.errors import DataError
from elman.tables.formats import TextOptions, format_of
from elman.tables.sources import open_source

MOST_ROWS, MOST_COLUMNS = 100_000, 100
"""The most rows and columns of a small table."""


def read_small_table(path: Path | str) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns of a CSV or TSV file and its rows, without white space around the cells.

    Args:
        path: the file, whose first line names the columns.

    Raises:
        DataError: it cannot be read, or is too large.
    """
    name, title = str(path), whole(path)
    if format_of(name).kind not in ("csv", "tsv"):
        raise DataError(f"{title}: expected a CSV or TSV file whose first line names the columns")
    with open_source([name], column="1", options=TextOptions(header=True)) as source:
        columns = [column.strip() for column in source.columns]
        if len(columns) > MOST_COLUMNS:
            raise DataError(f"{title}: at most {MOST_COLUMNS} columns are read; got {len(columns):,}")
        rows: list[list[str]] = []
        for chunk in source.chunks():
            rows += [[str(cell or "").strip() for cell in row] for row in chunk.rows()]
            if len(rows) > MOST_ROWS:
                raise DataError(f"{title}: at most {MOST_ROWS:,} rows are read; it has more")
    return columns, rows


def read_levels(path: Path | str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the names of the levels of a table of labels, finest first, and the groups of each label.

    Args:
        path: a CSV or TSV file. Its first column holds the labels, and each other column their groups at a level.

    Raises:
        DataError: it cannot be read, has fewer than two columns, or a label twice.
    """
    columns, rows = read_small_table(path)
    title = whole(path)
    if len(columns) < 2:
        raise DataError(f"{title}: expected a column of labels and one for each level above; got one column")
    groups: dict[str, list[str]] = {}
    for label, *others in rows:
        if label in groups:
            raise DataError(f"{title}: has the label '{whole(label)}' twice; keep one line for each label")
        groups[label] = others
    return columns, groups


def read_shares(path: Path | str) -> dict[str, float]:
    """Return the share of each label of a population.

    Args:
        path: a CSV or TSV file of two columns: labels, and numbers of at least 0: shares, percentages or counts.

    Raises:
        DataError: it cannot be read, has other columns, a label twice, or something that is no such number.
    """
    columns, rows = read_small_table(path)
    title = whole(path)
    if len(columns) != 2:
        raise DataError(f"{title}: expected two columns, labels and shares; got {len(columns)}")
    shares: dict[str, float] = {}
    for label, cell in rows:
        share = _parse_number(cell)
        if share is None:
            raise DataError(f"{title}: expected a number of at least 0 for '{whole(label)}'; got '{whole(cell)}'")
        if label in shares:
            raise DataError(f"{title}: has the label '{whole(label)}' twice; keep one line for each label")
        shares[label] = share
    return shares


def _parse_number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if is_finite_number(number) and number >= 0 else None
