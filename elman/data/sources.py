"""Sources: labelled strings on disk to examples, with an account of every line that did not become one.

Two shapes are read: a folder of ``Label.txt`` files with one string a line, and a table (CSV, TSV or JSONL) with named
columns. Files are UTF-8, with or without a byte order mark.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from elman.errors import DataError
from elman.records import Example

TABLES = {".csv": ",", ".tsv": "\t", ".jsonl": ""}
"""The table formats by their suffix, each with its delimiter."""

MAX_CHARACTERS = 100
"""Longer strings are dropped unless asked otherwise: no name of a person is so long, but a broken line often is."""

BLANK, JUNK, TOO_LONG, NO_LABEL, MALFORMED = "blank", "junk line", "too long", "no label", "malformed row"
STRAY_COMMA = "stray comma removed"


@dataclass(frozen=True)
class Reading:
    """What a source held.

    Args:
        examples: as they stand in the source, white space at the ends aside, in order.
        lines: how many lines or rows were read.
        dropped: how many of them did not become an example, by reason.
        repaired: how many became one after a repair, by repair.
    """

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
        label: the column that holds the labels, likewise.
        max_characters: longer strings are dropped and counted.
        junk: whole lines that are known to be no example; they are dropped and counted.

    Raises:
        DataError: the path is missing or of another kind, a column is missing, a byte is not UTF-8, or nothing is left.
    """
    path = Path(path)
    if path.is_dir():
        rows = _folder_rows(path)
    elif path.suffix.lower() in TABLES and path.is_file():
        rows = _table_rows(path, text, label)
    elif path.exists():
        raise DataError(f"{path}: expected a folder of Label.txt files, or a file ending in {', '.join(TABLES)}")
    else:
        raise DataError(f"{path}: no such file or folder; give a folder of Label.txt files or a CSV, TSV or JSONL file")
    reading = _sift(rows, max_characters, frozenset(junk))
    if not reading.examples:
        raise DataError(f"{path}: no usable example in {reading.lines} lines; dropped: {reading.dropped or 'none'}")
    return reading


def _sift(rows: Iterator[tuple[str | None, str | None]], max_characters: int, junk: frozenset[str]) -> Reading:
    examples: list[Example] = []
    dropped: Counter[str] = Counter()
    repaired: Counter[str] = Counter()
    lines = 0
    for lines, (raw, label) in enumerate(rows, start=1):  # noqa: B007 - the count outlives the loop
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
        elif not label.isprintable():  # controls and lone surrogates cannot stand in a report
            dropped[MALFORMED] += 1
        else:
            repaired[STRAY_COMMA] += bare != text
            examples.append(Example(bare, label))
    return Reading(tuple(examples), lines, dict(dropped), {name: count for name, count in repaired.items() if count})


def _folder_rows(folder: Path) -> Iterator[tuple[str | None, str | None]]:
    files = sorted(file for file in folder.glob("*.txt") if file.is_file())
    if not files:
        raise DataError(f"{folder}: expected files named Label.txt with one string a line; found none")
    for file in files:
        for line in _decoded(file).split("\n"):
            yield line, file.stem


def _table_rows(file: Path, text: str, label: str) -> Iterator[tuple[str | None, str | None]]:
    delimiter = TABLES[file.suffix.lower()]
    if not delimiter:
        yield from _json_rows(file, text, label)
        return
    reader = csv.reader(io.StringIO(_decoded(file), newline=""), delimiter=delimiter, strict=True)
    try:
        if text.isdecimal() and label.isdecimal():
            columns = int(text) - 1, int(label) - 1
            width = 0
            if min(columns) < 0:
                raise DataError(f"{file}: columns are counted from 1; got {text} and {label}")
        else:
            header = next(reader, [])
            columns = _position(file, header, text), _position(file, header, label)
            width = len(header)
        for row in reader:
            if not row:
                yield "", None
                continue
            # A row longer than the header has a stray delimiter in it, and its columns cannot be trusted.
            whole = len(row) == width if width else len(row) > max(columns)
            yield (row[columns[0]], row[columns[1]]) if whole else (None, None)
    except csv.Error as error:
        raise DataError(f"{file}, line {reader.line_num}: not a {file.suffix[1:].upper()} row: {error}") from None


def _position(file: Path, header: list[str], column: str) -> int:
    if column not in header:
        raise DataError(
            f"{file}: no column {column!r}; its columns are {', '.join(map(repr, header)) or 'none'}; "
            "name two of them with --text and --label, or count from 1 where there is no header"
        )
    if header.count(column) > 1:
        raise DataError(f"{file}: {header.count(column)} columns are named {column!r}; give each its own name")
    return header.index(column)


def _json_rows(file: Path, text: str, label: str) -> Iterator[tuple[str | None, str | None]]:
    seen: set[str] = set()
    found = False
    for number, line in enumerate(_decoded(file).split("\n"), start=1):
        if not line.strip():
            yield "", None
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{file}, line {number}: not a JSON object: {error}") from None
        if not isinstance(row, dict):
            raise DataError(f"{file}, line {number}: expected a JSON object, got {type(row).__name__}")
        seen.update(row)
        if text in row and label in row:
            found = True
            values = row[text], row[label]
            is_plain = not any(isinstance(value, dict | list) for value in values)
            yield (_as_text(values[0]), _as_text(values[1])) if is_plain else (None, None)
        else:
            yield None, None
    if not found:
        raise DataError(f"{file}: no row has both {text!r} and {label!r}; its fields are {', '.join(sorted(seen))}")


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def _decoded(file: Path) -> str:
    data = file.read_bytes()
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None
    return content.replace("\r\n", "\n").removesuffix("\n")
