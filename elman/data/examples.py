"""Examples from files; every line that does not become an example is counted with its reason.

Four forms are read: a folder of ``Label.txt`` files with one string on each line; a table (CSV, TSV or JSONL) with a
column of strings and one of labels; pairs of strings of equal length, separated by a tab; and a table with columns of
numbers. Tables are read by the rules of `elman annotate`: see `elman.data.columns`.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from elman.checks import check_choice, count_of, is_missing, shown
from elman.data.columns import Rows, list_tables, read_columns, read_lines
from elman.errors import DataError, SettingError
from elman.records import Example
from elman.tables.formats import DELIMITERS, TextOptions, check_options, format_of, is_table
from elman.tables.sql.queries import Query
from elman.text.normalisation import Normalisation, clean_all

ON_ERROR = ("skip", "stop")
"""What to do with a row that cannot be read: drop and count it, or stop."""

MAX_CHARACTERS = 100
"""Longer strings are dropped by default: no name of a person is so long, but a broken line often is."""

MOST_SPELLINGS = 2**16
"""Most labels whose spelling is looked up; there are more if they are numbers."""

USUAL = {"text": "name", "label": "label", "max_characters": MAX_CHARACTERS}
"""Settings of reading that nobody has chosen."""

BLANK, JUNK, TOO_LONG, NO_LABEL, MALFORMED = "blank", "junk line", "too long", "no label", "malformed row"
PAIRS = "lines of source<TAB>target"
LABEL_FILES = "a folder of Label.txt files"
NOT_NUMBERS = "not all numbers"
STRAY_COMMA = "stray comma removed"

Columns = tuple[list[str], list[str]]
"""Some strings, without white space at their ends, and their labels."""


@dataclass(frozen=True)
class Reading:
    """The examples of a source.

    Args:
        examples: in the order of the source, without white space at their ends.
        lines: how many lines or rows were read.
        dropped: how many of them did not become an example, by reason.
        repaired: how many became one after a repair, by repair.
        notes: what a user should know of how the source is read, one sentence each.
    """

    reads: ClassVar[str] = "strings"

    examples: tuple[Example, ...]
    lines: int
    dropped: dict[str, int]
    repaired: dict[str, int]
    notes: tuple[str, ...] = ()


def check_unused(title: str, **settings: Any) -> None:
    """Check that nobody has chosen a setting which is not for what is read.

    Args:
        title: what is read, for the message.
        settings: the values, by the name of the option of the command line; None if not chosen, or as in `USUAL`.

    Raises:
        SettingError: a setting would have no effect.
    """
    for name, value in settings.items():
        if value is not None and value != USUAL.get(name):
            raise SettingError(f"--{name.replace('_', '-')} would have no effect on {title}; leave it out")


def read_examples(
    path: Path | str | Query,
    *,
    text: str = "name",
    label: str = "label",
    max_characters: int = MAX_CHARACTERS,
    junk: Collection[str] = (),
    options: TextOptions | None = None,
    on_error: str = "skip",
) -> Reading:
    """Read a folder of ``Label.txt`` files, or a table: CSV, TSV, JSON Lines, Parquet or the rows of a query.

    Args:
        path: the folder or file. CSV, TSV and JSON Lines may be packed; a glob, or a folder of tables, is one table. Or
            a query to a database, a `elman.tables.sql.queries.Query`.
        text: the column that holds the strings: its name, or its number from 1.
        label: the column that holds the labels, in the same way.
        max_characters: longer strings are dropped and counted.
        junk: whole lines that are not examples; they are dropped and counted.
        options: how text files are read, where their names and contents are not enough.
        on_error: ``skip`` drops and counts rows that cannot be read, ``stop`` stops at the first.

    Raises:
        DataError: the path is missing or of another kind, a column is unknown, bytes are not text, or a row cannot be
            read and ``on_error`` is ``stop``.
        SettingError: ``on_error`` is neither, or an option is for other files than these.
    """
    tally = Tally()
    columns = read_strings(
        path,
        tally,
        text=text,
        label=label,
        max_characters=max_characters,
        junk=junk,
        options=options,
        on_error=on_error,
    )
    return gather_examples(columns, tally)


@dataclass
class Tally:
    """What became of the rows of a source, as far as they are read.

    Args:
        examples: how many became an example.
        dropped: as in `Reading`.
        repaired: as in `Reading`.
        notes: as in `Reading`.
    """

    examples: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many lines or rows were read."""
        return self.examples + self.dropped.total()


def read_strings(
    path: Path | str | Query,
    tally: Tally,
    *,
    text: str = "name",
    label: str = "label",
    max_characters: int = MAX_CHARACTERS,
    junk: Collection[str] = (),
    options: TextOptions | None = None,
    on_error: str = "skip",
) -> Iterator[Columns]:
    """Yield the strings and the labels of a source, some rows at a time.

    Args:
        path: as in `read_examples`, like the other arguments.
        tally: counts what became of the rows; it is complete at the end.
        text: of a table.
        label: of a table.
        max_characters: of a string.
        junk: lines to drop.
        options: of text files.
        on_error: of rows that cannot be read.

    Raises:
        DataError: as in `read_examples`.
        SettingError: as there.
    """
    check_choice("on_error", on_error, ON_ERROR)
    options, notes, skip = options or TextOptions(), tally.notes, on_error == "skip"
    columns = {"--text": text, "--label": label}
    if isinstance(path, Query):
        check_options(options, (), "a query")
        rows = read_columns(path, columns, options, skip=skip, notes=notes)
    elif Path(path).is_dir() and (files := _find_label_files(Path(path), notes)):
        check_unused(LABEL_FILES, text=text, label=label)
        check_options(options, ("lines",), LABEL_FILES)
        rows = _read_folder(files, options, skip=skip)
    elif tables := list_tables(Path(path)):
        check_options(options, {format_of(table).kind for table in tables}, str(path))
        rows = read_columns(tables, columns, options, skip=skip, notes=notes)
    else:
        raise _explain_path(Path(path))
    title = path.place if isinstance(path, Query) else str(path)
    yield from select_rows(title, rows, max_characters, frozenset(junk), tally, skip=skip)


def collect_examples(
    strings: Iterable[str | None],
    labels: Iterable[Any],
    *,
    title: str = "the data",
    max_characters: int = MAX_CHARACTERS,
    on_error: str = "skip",
) -> Reading:
    """Collect examples from two columns in memory; they are cleaned and dropped as those of a file.

    Args:
        strings: None if missing.
        labels: of any type that has a text; None, NaN and the like are missing.
        title: what messages call the data.
        max_characters: as in `read_examples`.
        on_error: as in `read_examples`, of labels that cannot be shown.

    Raises:
        DataError: the columns differ in length, or a label cannot be shown and ``on_error`` is ``stop``.
        SettingError: ``on_error`` is neither.

    >>> [(one.text, one.label) for one in collect_examples(["Ito", "", "Lee"], [1, 2, 3]).examples]
    [('Ito', '1'), ('Lee', '3')]
    """
    check_choice("on_error", on_error, ON_ERROR)
    texts, answers = list(strings), [None if is_missing(label) else label for label in labels]
    if len(texts) != len(answers):
        raise DataError(f"{title}: expected one label for each string; got {len(texts):,} and {len(answers):,}")
    rows, tally = iter([Rows((texts, answers))]), Tally()
    return gather_examples(select_rows(title, rows, max_characters, frozenset(), tally, skip=on_error == "skip"), tally)


def read_pairs(
    path: Path | str,
    *,
    max_characters: int = MAX_CHARACTERS,
    options: TextOptions | None = None,
    on_error: str = "stop",
) -> Reading:
    """Read pairs of strings of equal length: ``source<TAB>target``, one pair on each line.

    Both are composed (NFKC) first, so that a letter and its accent are one symbol. Normalisation must change nothing
    else in them.

    Args:
        path: the file.
        max_characters: longer pairs are dropped and counted.
        options: the encoding of the file.
        on_error: ``stop`` stops at a line that is not a pair, ``skip`` drops and counts it.

    Raises:
        DataError: a line is not a pair, or its strings differ in length; the message says which line.
        SettingError: ``on_error`` is neither, or an option is for tables.
    """
    check_choice("on_error", on_error, ON_ERROR)
    path, skip = Path(path), on_error == "skip"
    if not path.is_file():
        raise DataError(f"{path}: no such file; give a file of lines like hello<TAB>ohlol")
    check_options(options or TextOptions(), ("lines",), PAIRS)
    examples: list[Example] = []
    dropped: Counter[str] = Counter()
    lines = 0
    for lines, line in read_lines(path, options or TextOptions(), skip=skip):  # noqa: B007 - used after the loop
        if line is not None and not line.strip():
            dropped[BLANK] += 1
            continue
        try:
            source, target = _parse_pair(line or "")
        except ValueError as error:
            if not skip:
                message = f"{path}, line {lines}: {error}"
                raise DataError(message, code="malformed_row", line=lines) from None
            dropped[MALFORMED] += 1
            continue
        if len(source) > max_characters:
            dropped[TOO_LONG] += 1
        else:
            examples.append(Example(source, target))
    if not examples:
        message = f"{path}: no usable pair in {count_of(lines, 'line')}; dropped: {dict(dropped) or 'none'}"
        raise DataError(message, code="empty_table")
    return Reading(tuple(examples), lines, dict(dropped), {})


def _parse_pair(line: str) -> tuple[str, str]:
    """Return the two strings of a line; a ValueError says why it is not a pair."""
    parts = line.split("\t")
    if len(parts) != 2:
        raise ValueError(f"expected source<TAB>target, got {count_of(len(parts), 'column')}")
    source, target = (unicodedata.normalize("NFKC", part) for part in parts)
    if len(source) != len(target):
        raise ValueError(
            f"the source has {count_of(len(source), 'symbol')} and the target {len(target)}; "
            "tagging needs one target symbol for each source symbol"
        )
    if Normalisation(lower_case=False, transliterate=False).apply(source) != source or not target.isprintable():
        raise ValueError(
            "white space at an end or several spaces in a row, control characters, or a curly apostrophe or dash; "
            "write single spaces inside, and ' or -"
        )
    return source, target


@dataclass(frozen=True)
class FeatureReading:
    """The rows of a table of numbers.

    Args:
        columns: the names of the features.
        number: the name of the column to predict.
        features: (N, features), float64.
        numbers: (N,), float64.
        lines: how many rows were read.
        dropped: how many of them had a value that is not a number, or cannot be read, by reason.
        repaired: empty.
        notes: as in `Reading`.
    """

    reads: ClassVar[str] = "features"

    columns: tuple[str, ...]
    number: str
    features: NDArray[np.float64]
    numbers: NDArray[np.float64]
    lines: int
    dropped: dict[str, int]
    repaired: dict[str, int]
    notes: tuple[str, ...] = ()


def read_features(
    path: Path | str,
    *,
    features: Sequence[str],
    number: str,
    options: TextOptions | None = None,
    on_error: str = "skip",
) -> FeatureReading:
    """Read columns of numbers from a CSV or TSV file, plain or packed.

    Args:
        path: the file.
        features: the columns to predict from, at least one.
        number: the column to predict.
        options: how the file is read, where its name and content are not enough.
        on_error: as in `read_examples`.

    Raises:
        DataError: the file is missing or of another kind, a column is unknown, or no row has only numbers.
        SettingError: ``on_error`` is neither.
    """
    check_choice("on_error", on_error, ON_ERROR)
    name = str(path)
    if not (is_table(name) and format_of(name).kind in DELIMITERS and Path(path).is_file()):
        raise DataError(f"{path}: expected a CSV or TSV file with columns of numbers")
    wanted = (*features, number)
    if not features or len(set(wanted)) != len(wanted):
        raise DataError(f"features and the number must be different columns; got {', '.join(wanted)}")
    columns = {**{f"--features {column}": column for column in features}, "--number": number}
    rows: list[list[float]] = []
    dropped: Counter[str] = Counter()
    notes: list[str] = []
    lines = 0
    found = read_columns([name], columns, options or TextOptions(), skip=on_error == "skip", notes=notes)
    for some in found:
        values = list(map(_parse_numbers, zip(*some.columns, strict=True)))
        rows += (row for row in values if row)
        counts = {MALFORMED: some.malformed, NOT_NUMBERS: values.count(None)}
        dropped.update({reason: count for reason, count in counts.items() if count})
        lines += some.malformed + len(values)
    if not rows:
        raise DataError(f"{path}: no row in {lines} has a number in each of {', '.join(wanted)}", code="empty_table")
    table = np.array(rows)
    return FeatureReading(tuple(features), number, table[:, :-1], table[:, -1], lines, dict(dropped), {}, tuple(notes))


def _parse_numbers(cells: Sequence[str]) -> list[float] | None:
    """Return cells as finite numbers; None if one is not."""
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        return None
    return values if all(map(math.isfinite, values)) else None


def gather_examples(columns: Iterable[Columns], tally: Tally) -> Reading:
    """Return all examples in one record, once the tally is complete."""
    examples = tuple(chain.from_iterable(map(Example, *both) for both in columns))
    return Reading(examples, tally.lines, dict(tally.dropped), dict(tally.repaired), tuple(tally.notes))


def select_rows(
    title: str,
    rows: Iterator[Rows],
    max_characters: int,
    junk: frozenset[str],
    tally: Tally,
    *,
    skip: bool,
    is_labelled: bool = True,
) -> Iterator[Columns]:
    """Yield the strings and labels of the usable rows, and count the others by reason.

    Args:
        title: what messages call the source.
        rows: of strings and labels.
        max_characters: as in `read_examples`.
        junk: as there.
        tally: as in `read_strings`.
        skip: whether labels that cannot be shown are dropped.
        is_labelled: whether a string without a label is dropped.
    """
    dropped, label_of = tally.dropped, _LabelSpellings()
    for some in rows:
        strings: list[str] = []
        labels: list[str] = []
        texts, values = some.columns
        if some.malformed:
            dropped[MALFORMED] += some.malformed
        for text, bare, value in zip(texts, clean_all(texts), values, strict=True):
            label = label_of[value] if type(value) is str else clean_label(value)
            if not bare:
                dropped[BLANK] += 1
            elif bare in junk:
                dropped[JUNK] += 1
            elif len(bare) > max_characters:
                dropped[TOO_LONG] += 1
            elif label == "" and is_labelled:
                dropped[NO_LABEL] += 1
            elif label is None:
                if not skip:
                    number = tally.lines + len(strings) + 1
                    message = f"{title}, row {number:,}: expected a label of characters that can be shown"
                    raise DataError(f"{message}, got {shown(str(value))}", code="malformed_row", line=number)
                dropped[MALFORMED] += 1
            else:
                if bare != text and bare != text.strip():
                    tally.repaired[STRAY_COMMA] += 1
                strings.append(bare)
                labels.append(label)
        tally.examples += len(strings)
        yield strings, labels


class _LabelSpellings(dict[str, str | None]):
    """The spelling of each label that has been read, in which it is the same label; see `clean_label`."""

    def __missing__(self, value: str) -> str | None:
        label = unicodedata.normalize("NFC", value.strip())
        spelling = label if label.isprintable() else None  # a report cannot show controls and lone surrogates
        if len(self) < MOST_SPELLINGS:
            self[value] = spelling
        return spelling


def clean_label(value: Any) -> str | None:
    """Return a label in its one spelling, an empty one if it is missing; None if it is not text that can be shown."""
    if isinstance(value, dict | list | tuple):
        return None
    try:
        text = value.decode() if isinstance(value, bytes) else "" if value is None else str(value)
    except UnicodeDecodeError:
        return None
    return _LabelSpellings()[text]


def _find_label_files(folder: Path, notes: list[str]) -> list[Path]:
    """Return the files of a folder that are named Label.txt, in order, and note what is skipped."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    hidden = [file for file in files if file.name.startswith(".")]
    labels = [file for file in files if file.suffix.lower() == ".txt" and file not in hidden]
    others = [file for file in files if file not in hidden and file not in labels]
    for skipped, what in ((hidden, "hidden"), (others, "not .txt")):
        if labels and skipped:
            names = ", ".join(shown(file.name) for file in skipped[:5]) + (" …" if len(skipped) > 5 else "")
            notes.append(f"{folder}: {len(skipped):,} skipped, {what}: {names}")
    return labels


def _read_folder(files: Sequence[Path], options: TextOptions, *, skip: bool) -> Iterator[Rows]:
    for file in files:
        lines = [line for _, line in read_lines(file, options, skip=skip)]
        texts = [line for line in lines if line is not None]
        yield Rows((texts, [file.stem] * len(texts)), len(lines) - len(texts))


def _explain_path(path: Path) -> DataError:
    """Return what is wrong with a path that is neither a folder of Label.txt files nor a table."""
    if path.is_dir():
        return DataError(f"{path}: expected files named Label.txt with one string on each line, or tables; found none")
    kinds = "CSV, TSV, JSON Lines or Parquet"
    if path.exists():
        return DataError(
            f"{path}: expected a folder of Label.txt files, or a table ending in .csv, .tsv, .jsonl or .parquet"
        )
    return DataError(f"{path}: no such file or folder; give a folder of Label.txt files, or a {kinds} file")
