"""Lines: text files line by line, plain or packed, with where each line stands and what is wrong with it."""

import csv
import gzip
import io
import os
import sys
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from elman.errors import DataError
from elman.tables.chunks import Malformed, arrow
from elman.tables.formats import STANDARD, Format

LONGEST_LINE = 64 * 2**20
"""Bytes of a line, at most: a file without line ends must not fill the memory."""

LONGEST_RECORD = 10_000
"""Lines that one row may span: an open quotation mark must not swallow a whole file."""

MARK = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    problem: str | None


class Lines:
    """The lines of one file, for a parser that takes as many of them as a row spans.

    Args:
        file: the unpacked bytes.
        called: what errors call it.
        raw: the file itself, whose position tells how much has been read; None where nobody knows.
    """

    def __init__(self, file: IO[bytes], called: str, raw: IO[bytes] | None) -> None:
        self.called = called
        self.marked, self.newline = False, "\n"
        self._file, self._raw = file, raw
        self._size = os.fstat(raw.fileno()).st_size if raw is not None else 0
        self._number = 0
        self.malformed_line = 0
        self._taken: list[_Line] = []
        self._again: deque[_Line] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= LONGEST_RECORD:
            raise csv.Error(f"a row of more than {LONGEST_RECORD:,} lines, perhaps an open quotation mark")
        line = self._again.popleft() if self._again else self._read()
        self._taken.append(line)
        return line.text

    @property
    def done(self) -> float | None:
        """The share of the file that has been read, 0 to 1."""
        return min(1.0, self._raw.tell() / self._size) if self._raw is not None and self._size else None

    @property
    def problem(self) -> str | None:
        """What is wrong with the lines taken since the last row; None where nothing is."""
        return next((line.problem for line in self._taken if line.problem), None)

    def take(self) -> str:
        """Return the row that the lines taken make, without its line end."""
        text = "".join(line.text for line in self._taken)
        self._taken.clear()
        return text.removesuffix("\n").removesuffix("\r")

    def take_malformed(self, problem: str) -> Malformed:
        """Return the first of the lines taken as a row that cannot be read; the others are given again."""
        if not self._taken:  # the end of the file inside a row that was given up before
            self.malformed_line = self._number
            return Malformed(f"{self.called}, line {self._number}", problem, "")
        first, *others = self._taken
        self.malformed_line = first.number
        self._taken.clear()
        self._again.extendleft(reversed(others))
        return Malformed(f"{self.called}, line {first.number:,}", first.problem or problem, first.text.rstrip("\r\n"))

    def _read(self) -> _Line:
        try:
            content = self._file.readline(LONGEST_LINE)
            rest = content
            while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                rest = self._file.readline(LONGEST_LINE)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            problem = str(error).strip() or type(error).__name__
            message = f"{self.called}, after line {self._number:,}: cannot be read ({problem})"
            raise DataError(message, line=self._number) from None
        if not content:
            raise StopIteration
        self._number += 1
        if self._number == 1:
            self.marked, content = content.startswith(MARK), content.removeprefix(MARK)
            self.newline = "\r\n" if content.endswith(b"\r\n") else "\n"
        if rest is not content and len(content) == LONGEST_LINE:
            return _Line(self._number, "\n", f"expected a line of at most {LONGEST_LINE:,} bytes")
        try:
            return _Line(self._number, content.decode(), None)
        except UnicodeDecodeError as error:
            problem = f"byte 0x{content[error.start]:02x} is not UTF-8; convert the file to UTF-8"
            return _Line(self._number, content.decode(errors="backslashreplace"), problem)


@contextmanager
def opened_lines(path: str, form: Format, called: str) -> Iterator[Lines]:
    """Open a text file, unpack it where it is packed, and give its lines.

    Raises:
        DataError: there is no such file, or it cannot be opened.
    """
    if path == STANDARD:
        with _unpacked(sys.stdin.buffer, form) as file:
            yield Lines(file, called, None)
        return
    with open_table(path) as raw, _unpacked(raw, form) as file:
        yield Lines(file, called, raw)


def open_table(path: str) -> IO[bytes]:
    """Open a file for reading.

    Raises:
        DataError: there is no such file, or it cannot be opened.
    """
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


@contextmanager
def _unpacked(raw: IO[bytes], form: Format) -> Iterator[Any]:
    if form.packing == "gzip":
        with gzip.GzipFile(fileobj=raw) as file:
            yield file
    elif form.packing == "zstd":
        with arrow().CompressedInputStream(raw, "zstd") as stream:
            yield io.BufferedReader(stream, 2**20)
    else:
        yield raw
