"""Formats: how a table is written, recognised by the end of its file name."""

import codecs
from collections.abc import Collection
from dataclasses import dataclass

from elman.errors import SettingError

STANDARD = "-"
"""The name of standard input or output."""

KINDS = {"csv": "csv", "tsv": "tsv", "jsonl": "jsonl", "ndjson": "jsonl", "parquet": "parquet"}
PACKINGS = {"gz": "gzip", "zst": "zstd"}
DELIMITERS = {"csv": ",", "tsv": "\t"}
WORKBOOKS = ("xlsx", "xlsm", "xlsb", "xls", "ods", "numbers")

CELL_CHARACTERS = 131_072
"""Most characters of a cell, in every format. It is the limit of Python's csv module, which is set for no module."""

COLUMNS = 10_000
"""Most columns of a table."""


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How a text file is read, as far as its name and content do not say it.

    Args:
        delimiter: the character between cells; recognised in the first line if None.
        encoding: the name of a text encoding that Python knows; UTF-8, or what a byte order mark says, if None.
        header: whether the first line names the columns. If None it does, unless the column is given by its number.

    Raises:
        SettingError: the delimiter is not one character, or the encoding is unknown.
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        """Check the delimiter and the encoding."""
        names = {"\\t": "\t", "tab": "\t"}
        if self.delimiter is not None:
            object.__setattr__(self, "delimiter", names.get(self.delimiter, self.delimiter))
            if len(self.delimiter) != 1 or self.delimiter in '"\r\n\0 ':
                raise SettingError(
                    f"the delimiter must be one character, such as ; or \\t, no quotation mark; got {self.delimiter!r}"
                )
        if self.encoding is not None:
            try:
                text = codecs.lookup(self.encoding)._is_text_encoding
            except (LookupError, ValueError):  # it is unknown, or it contains NUL
                text = False
            if not text:
                raise SettingError(f"expected the name of an encoding such as cp1252 or utf-16; got {self.encoding!r}")


OPTION_KINDS = {
    "delimiter": ("--delimiter", tuple(DELIMITERS)),
    "header": ("--header and --no-header", tuple(DELIMITERS)),
    "encoding": ("--encoding", (*DELIMITERS, "jsonl", "lines")),
}
"""Each field of `TextOptions`: its options of the command line, and the kinds of files that it is for."""


def check_options(options: TextOptions, kinds: Collection[str], title: str) -> None:
    """Check that each option is for something that is read.

    Args:
        options: the options.
        kinds: of the files that are read, as `Format.kind`; ``lines`` is text without columns.
        title: what is read, for the message.

    Raises:
        SettingError: an option would have no effect.
    """
    for field, (names, allowed) in OPTION_KINDS.items():
        if getattr(options, field) is not None and not set(allowed).intersection(kinds):
            files = "CSV and TSV" if field != "encoding" else "text files"
            verb = "are" if " and " in names else "is"
            raise SettingError(f"{names} {verb} for {files}, and would have no effect on {title}; leave it out")


@dataclass(frozen=True, slots=True)
class Format:
    """How a table is written.

    Args:
        kind: ``csv``, ``tsv``, ``jsonl`` or ``parquet``.
        packing: ``gzip``, ``zstd``, or None.
    """

    kind: str
    packing: str | None = None

    @property
    def suffix(self) -> str:
        """The end of such a file's name."""
        suffixes = {packing: suffix for suffix, packing in PACKINGS.items()}
        return f".{self.kind}.{suffixes[self.packing]}" if self.packing else f".{self.kind}"


def format_of(path: str, wanted: str | None = None) -> Format:
    """Return the format of a file by its name, or the format that is wanted.

    Args:
        path: its name; ``-`` for a standard stream, which is CSV unless another format is wanted.
        wanted: such as ``csv``, ``jsonl.gz`` or ``parquet``; the name decides if None.

    Raises:
        SettingError: the format is unknown.

    >>> format_of("people.CSV.gz"), format_of("-", "parquet")
    (Format(kind='csv', packing='gzip'), Format(kind='parquet', packing=None))
    """
    name = f".{wanted}" if wanted else ".csv" if path == STANDARD else path
    *_, kind, last = ["", "", *name.lower().split(".")[1:]]
    packing = PACKINGS.get(last)
    kind = KINDS.get(kind if packing else last, "")
    if not kind or (packing and kind == "parquet"):
        if last in WORKBOOKS:
            raise SettingError(
                f"{wanted or path}: is a workbook, which Elman does not read; save its sheet as CSV UTF-8 or as Parquet"
            )
        known = f"{', '.join(f'.{kind}' for kind in KINDS)}; text also with {' or '.join(f'.{p}' for p in PACKINGS)}"
        raise SettingError(f"{wanted or path}: expected a table, {known}; name the format with --from or --to")
    return Format(kind, packing)


def is_table(path: str) -> bool:
    """Return whether a file's name ends as a table's does.

    >>> is_table("a.jsonl.zst"), is_table("notes.txt"), is_table("a.parquet.gz")
    (True, False, False)
    """
    try:
        format_of(path)
    except SettingError:
        return False
    return path != STANDARD
