"""Texts: strings to learn to write, whose labels are optional.

A text file has one string on each line. A table has a column of strings, and one of labels if it has labels; a folder
of ``Label.txt`` files is read as `elman.data.examples` does. A string without a label has the empty one.
"""

from collections.abc import Iterator
from pathlib import Path

from elman.checks import check_choice
from elman.data.columns import Rows, list_tables, read_columns, read_lines
from elman.data.examples import (
    MAX_CHARACTERS,
    ON_ERROR,
    USUAL,
    Reading,
    Tally,
    check_unused,
    gather_examples,
    read_examples,
    select_rows,
)
from elman.errors import DataError
from elman.tables.formats import TextOptions, check_options
from elman.tables.sql.queries import Query

LINES = "a file with a string on each line"


def read_texts(
    path: Path | str | Query,
    *,
    text: str = "name",
    label: str = "label",
    max_characters: int = MAX_CHARACTERS,
    options: TextOptions | None = None,
    on_error: str = "skip",
) -> Reading:
    """Read strings with labels or without.

    Args:
        path: a file with a string on each line; or what `elman.data.examples.read_examples` takes.
        text: of a table, the column that holds the strings.
        label: the column that holds the labels. If it is ``label`` and the table has no such column, the strings have
            no labels.
        max_characters: longer strings are dropped and counted.
        options: how text files are read, where their names and contents are not enough.
        on_error: as in `read_examples`.

    Raises:
        DataError: as `read_examples`.
        SettingError: as there.
    """
    check_choice("on_error", on_error, ON_ERROR)
    options = options or TextOptions()
    settings = {"max_characters": max_characters, "on_error": on_error}
    is_lines = not isinstance(path, Query) and Path(path).is_file() and not list_tables(Path(path))
    if not is_lines:
        try:
            return read_examples(path, text=text, label=label, options=options, **settings)  # type: ignore[arg-type]
        except DataError as error:
            if error.code != "unknown_column" or label != USUAL["label"]:
                raise
    tally, skip = Tally(), on_error == "skip"
    if is_lines:
        assert not isinstance(path, Query)
        check_unused(LINES, text=text, label=label)
        check_options(options, ("lines",), LINES)
        rows = _read_lines(Path(path), options, skip=skip)
    else:
        source = path if isinstance(path, Query) else list_tables(Path(path))
        found = read_columns(source, {"--text": text}, options, skip=skip, notes=tally.notes)
        rows = (_without_labels(some) for some in found)
    title = path.place if isinstance(path, Query) else str(path)
    columns = select_rows(title, rows, max_characters, frozenset(), tally, skip=skip, is_labelled=False)
    return gather_examples(columns, tally)


def _read_lines(path: Path, options: TextOptions, *, skip: bool) -> Iterator[Rows]:
    lines = [line for _, line in read_lines(path, options, skip=skip)]
    texts = [line for line in lines if line is not None]
    yield _without_labels(Rows((texts,), len(lines) - len(texts)))


def _without_labels(rows: Rows) -> Rows:
    texts = rows.columns[0]
    return Rows((texts, [""] * len(texts)), rows.malformed)
