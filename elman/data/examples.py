"""Examples from files; every line that does not become an example is counted with its reason.

Four forms are read: a folder of ``Label.txt`` files with one string on each line; a table (CSV, TSV or JSONL) with a
column of strings and one of labels; pairs of strings of equal length, separated by a tab; and a table with columns of
numbers. Files are UTF-8, with or without a byte order mark.
"""

import csv
import io
import json
import math
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from elman.errors import DataError
from elman.records import Example
from elman.text.normalisation import Normalisation

TABLES = {".csv": ",", ".tsv": "\t", ".jsonl": ""}
"""The table formats by their suffix, each with its delimiter."""

MAX_CHARACTERS = 100
"""Longer strings are dropped by default: no name of a person is so long, but a broken line often is."""

BLANK, JUNK, TOO_LONG, NO_LABEL, MALFORMED = "blank", "junk line", "too long", "no label", "malformed row"
STRAY_COMMA = "stray comma removed"

Row = tuple[str | None, str | None]
"""A string and its label; the string is None if the row is malformed."""


@dataclass(frozen=True)
class Reading:
    """The examples of a source.

    Args:
        examples: in the order of the source, without white space at their ends.
        lines: how many lines or rows were read.
        dropped: how many of them did not become an example, by reason.
        repaired: how many became one after a repair, by repair.
    """

    reads: ClassVar[str] = "strings"

    examples: tuple[Example, ...]
    lines: int
    dropped: dict[str, int]
    repaired: dict[str, int]


def read_examples(
    path: Path | str,
    *,
    text: str = "name",
    label: str = "label",
    max_characters: int = MAX_CHARACTERS,
    junk: Collection[str] = (),
) -> Reading:
    """Read a folder of ``Label.txt`` files, or a CSV, TSV or JSONL file.

    Args:
        path: the folder or file.
        text: the column that holds the strings; a number counts columns from 1 in a table without a header.
        label: the column that holds the labels, in the same way.
        max_characters: longer strings are dropped and counted.
        junk: whole lines that are not examples; they are dropped and counted.

    Raises:
        DataError: the path is missing or of another kind, a column is missing, a byte is not UTF-8, or no example is
            left.
    """
    path = Path(path)
    if path.is_dir():
        rows = _read_folder(path)
    elif path.suffix.lower() in TABLES and path.is_file():
        rows = _read_table(path, text, label)
    elif path.exists():
        raise DataError(f"{path}: expected a folder of Label.txt files, or a file ending in {', '.join(TABLES)}")
    else:
        raise DataError(f"{path}: no such file or folder; give a folder of Label.txt files or a CSV, TSV or JSONL file")
    reading = _collect(rows, max_characters, frozenset(junk))
    if not reading.examples:
        raise DataError(
            f"{path}: no usable example in {reading.lines} lines; dropped: {reading.dropped or 'none'}",
            code="empty_table",
        )
    return reading


def read_pairs(path: Path | str, *, max_characters: int = MAX_CHARACTERS) -> Reading:
    """Read pairs of strings of equal length: ``source<TAB>target``, one pair on each line.

    Both are composed (NFKC) first, so that a letter and its accent are one symbol. Normalisation must change nothing
    else in them.

    Args:
        path: the file.
        max_characters: longer pairs are dropped and counted.

    Raises:
        DataError: a line is not a pair, or its strings differ in length; the message says which line.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file; give a file of lines like hello<TAB>ohlol")
    examples: list[Example] = []
    dropped: Counter[str] = Counter()
    lines = _decode(path).split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            dropped[BLANK] += 1
            continue
        try:
            source, target = _parse_pair(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}", code="malformed_row", line=number) from None
        if len(source) > max_characters:
            dropped[TOO_LONG] += 1
        else:
            examples.append(Example(source, target))
    if not examples:
        raise DataError(
            f"{path}: no usable pair in {len(lines)} lines; dropped: {dict(dropped) or 'none'}", code="empty_table"
        )
    return Reading(tuple(examples), len(lines), dict(dropped), {})


def _parse_pair(line: str) -> tuple[str, str]:
    """Return the two strings of a line; a ValueError says why it is not a pair."""
    parts = line.rstrip("\r").split("\t")
    if len(parts) != 2:
        raise ValueError(f"expected source<TAB>target, got {len(parts)} columns")
    source, target = (unicodedata.normalize("NFKC", part) for part in parts)
    if len(source) != len(target):
        raise ValueError(
            f"the source has {len(source)} symbols and the target {len(target)}; "
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
        dropped: how many of them had a value that is not a number, by reason.
        repaired: empty.
    """

    reads: ClassVar[str] = "features"

    columns: tuple[str, ...]
    number: str
    features: NDArray[np.float64]
    numbers: NDArray[np.float64]
    lines: int
    dropped: dict[str, int]
    repaired: dict[str, int]


def read_features(path: Path | str, *, features: Sequence[str], number: str) -> FeatureReading:
    """Read columns of numbers from a CSV or TSV file with a header.

    Args:
        path: the file.
        features: the columns to predict from, at least one.
        number: the column to predict.

    Raises:
        DataError: the file is missing or of another kind, a column is missing, or no row has only numbers.
    """
    path = Path(path)
    if path.suffix.lower() not in (".csv", ".tsv") or not path.is_file():
        raise DataError(f"{path}: expected a CSV or TSV file with columns of numbers")
    wanted = (*features, number)
    if not features or len(set(wanted)) != len(wanted):
        raise DataError(f"features and the number must be different columns; got {', '.join(wanted)}")
    reader = csv.reader(io.StringIO(_decode(path), newline=""), delimiter=TABLES[path.suffix.lower()], strict=True)
    rows: list[list[float]] = []
    lost = lines = 0
    try:
        header = next(reader, [])
        columns = [_find_column(path, header, name) for name in wanted]
        for lines, row in enumerate(reader, start=1):  # noqa: B007 - the count is used after the loop
            try:
                values = [float(row[column]) for column in columns] if len(row) == len(header) else []
            except ValueError:
                values = []
            if values and all(map(math.isfinite, values)):
                rows.append(values)
            else:
                lost += 1
    except csv.Error as error:
        raise _malformed_row(path, reader.line_num, error) from None
    if not rows:
        raise DataError(f"{path}: no row in {lines} has a number in each of {', '.join(wanted)}", code="empty_table")
    table = np.array(rows)
    dropped = {"not all numbers": lost} if lost else {}
    return FeatureReading(tuple(features), number, table[:, :-1], table[:, -1], lines, dropped, {})


def _collect(rows: Iterator[Row], max_characters: int, junk: frozenset[str]) -> Reading:
    """Make an example of each usable row, and count the others by reason."""
    examples: list[Example] = []
    dropped: Counter[str] = Counter()
    repaired: Counter[str] = Counter()
    lines = 0
    for lines, (raw, label) in enumerate(rows, start=1):  # noqa: B007 - the count is used after the loop
        text, label = (raw or "").strip(), (label or "").strip()
        bare = text.rstrip(", ")
        if raw is None:
            dropped[MALFORMED] += 1
        elif not bare:
            dropped[BLANK] += 1
        elif bare in junk:
            dropped[JUNK] += 1
        elif len(bare) > max_characters:
            dropped[TOO_LONG] += 1
        elif not label:
            dropped[NO_LABEL] += 1
        elif not label.isprintable():  # a report cannot show control characters and lone surrogates
            dropped[MALFORMED] += 1
        else:
            repaired[STRAY_COMMA] += bare != text
            examples.append(Example(bare, label))
    return Reading(tuple(examples), lines, dict(dropped), {name: count for name, count in repaired.items() if count})


def _read_folder(folder: Path) -> Iterator[Row]:
    files = sorted(file for file in folder.glob("*.txt") if file.is_file())
    if not files:
        raise DataError(f"{folder}: expected files named Label.txt with one string on each line; found none")
    for file in files:
        for line in _decode(file).split("\n"):
            yield line, file.stem


def _read_table(file: Path, text: str, label: str) -> Iterator[Row]:
    delimiter = TABLES[file.suffix.lower()]
    if not delimiter:
        yield from _read_json_lines(file, text, label)
        return
    reader = csv.reader(io.StringIO(_decode(file), newline=""), delimiter=delimiter, strict=True)
    try:
        if text.isdecimal() and label.isdecimal():
            columns = int(text) - 1, int(label) - 1
            width = 0
            if min(columns) < 0:
                raise DataError(f"{file}: columns are counted from 1; got {text} and {label}", code="unknown_column")
        else:
            header = next(reader, [])
            columns = _find_column(file, header, text), _find_column(file, header, label)
            width = len(header)
        for row in reader:
            if not row:
                yield "", None
                continue
            # A row longer than the header has a stray delimiter, so its values may be in the wrong columns.
            is_whole = len(row) == width if width else len(row) > max(columns)
            yield (row[columns[0]], row[columns[1]]) if is_whole else (None, None)
    except csv.Error as error:
        raise _malformed_row(file, reader.line_num, error) from None


def _malformed_row(file: Path, line: int, error: csv.Error) -> DataError:
    kind = file.suffix[1:].upper()
    return DataError(f"{file}, line {line}: not a {kind} row: {error}", code="malformed_row", line=line)


def _find_column(file: Path, header: list[str], column: str) -> int:
    if column not in header:
        raise DataError(
            f"{file}: no column {column!r}; its columns are {', '.join(map(repr, header)) or 'none'}; "
            "name others (for strings with --text and --label; a number counts from 1 if there is no header)",
            code="unknown_column",
        )
    if header.count(column) > 1:
        raise DataError(
            f"{file}: {header.count(column)} columns are named {column!r}; give each its own name", code="column_twice"
        )
    return header.index(column)


def _read_json_lines(file: Path, text: str, label: str) -> Iterator[Row]:
    seen: set[str] = set()
    found = False
    for number, line in enumerate(_decode(file).split("\n"), start=1):
        if not line.strip():
            yield "", None
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{file}, line {number}: not a JSON object: {error}", code="malformed_row", line=number
            ) from None
        if not isinstance(row, dict):
            raise DataError(
                f"{file}, line {number}: expected a JSON object, got {type(row).__name__}",
                code="malformed_row",
                line=number,
            )
        seen.update(row)
        if text in row and label in row:
            found = True
            values = row[text], row[label]
            is_plain = not any(isinstance(value, dict | list) for value in values)
            yield (_to_text(values[0]), _to_text(values[1])) if is_plain else (None, None)
        else:
            yield None, None
    if not found:
        raise DataError(
            f"{file}: no row has both {text!r} and {label!r}; its fields are {', '.join(sorted(seen))}",
            code="unknown_column",
        )


def _to_text(value: object) -> str:
    return "" if value is None else str(value)


def _decode(file: Path) -> str:
    """Return the text of a UTF-8 file, without a byte order mark, with one kind of line end and none at the end."""
    data = file.read_bytes()
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8", line=line
        ) from None
    return content.replace("\r\n", "\n").removesuffix("\n")
