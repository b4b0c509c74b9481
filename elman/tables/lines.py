"""Lines: text files line by line, plain or packed, with the number of each line and what is wrong with it."""

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
"""Most bytes of a line: a file without line ends must not fill the memory."""

LONGEST_RECORD = 10_000
"""Most lines of a row: an open quotation mark must not consume a whole file."""

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
        title: the name of the file in messages.
        raw: the file itself, whose position shows how much has been read; None if that is unknown.
    """

    def __init__(self, file: IO[bytes], title: str, raw: IO[bytes] | None) -> None:
        self.title = title
        self.has_mark, self.newline = False, "\n"
        self._file, self._raw = file, raw
        self._size = os.fstat(raw.fileno()).st_size if raw is not None else 0
        self._number = 0
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
        """The share of the file that has been read, 0 to 1; None if unknown."""
        return min(1.0, self._raw.tell() / self._size) if self._raw is not None and self._size else None

    @property
    def problem(self) -> str | None:
        """What is wrong with the lines taken since the last row; None if nothing is."""
        return next((line.problem for line in self._taken if line.problem), None)

    def take(self) -> str:
        """Return the row that consists of the lines taken, without its line end."""
        text = "".join(line.text for line in self._taken)
        self._taken.clear()
        return text.removesuffix("\n").removesuffix("\r")

    def take_malformed(self, problem: str, *, skip: bool) -> Malformed:
        """Return the first of the lines taken as a row that cannot be read; the parser gets the others again.

        Args:
            problem: what was expected and what came.
            skip: whether such rows are skipped rather than stop the reading.

        Raises:
            DataError: such rows are not skipped.
        """
        if self._taken:
            first, *others = self._taken
        else:  # the file ends inside a row that was malformed before
            first, others = _Line(self._number, "", None), []
        self._taken.clear()
        self._again.extendleft(reversed(others))
        row = Malformed(f"{self.title}, line {first.number:,}", first.problem or problem, first.text.rstrip("\r\n"))
        if not skip:
            message = f"{row.place}: {row.problem}; fix it, or skip such rows with --on-error skip"
            raise DataError(message, code="malformed_row", line=first.number)
        return row

    def _read(self) -> _Line:
        """Return the next line of the file, and read past the rest of one that is too long."""
        try:
            content = self._file.readline(LONGEST_LINE)
            rest = content
            while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                rest = self._file.readline(LONGEST_LINE)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            problem = str(error).strip() or type(error).__name__
            message = f"{self.title}, after line {self._number:,}: cannot be read ({problem})"
            raise DataError(message, line=self._number + 1) from None
        if not content:
            raise StopIteration
        self._number += 1
        if self._number == 1:
            self.has_mark, content = content.startswith(MARK), content.removeprefix(MARK)
            self.newline = "\r\n" if content.endswith(b"\r\n") else "\n"
        if rest is not content and len(content) == LONGEST_LINE:
            return _Line(self._number, "\n", f"expected a line of at most {LONGEST_LINE:,} bytes")
        try:
            return _Line(self._number, content.decode(), None)
        except UnicodeDecodeError as error:
            problem = f"byte 0x{content[error.start]:02x} is not UTF-8; convert the file to UTF-8"
            return _Line(self._number, content.decode(errors="backslashreplace"), problem)


@contextmanager
def open_lines(path: str, form: Format, title: str) -> Iterator[Lines]:
    """Open a text file, unpack it if it is packed, and yield its lines.

    Raises:
        DataError: the file does not exist or cannot be opened.
    """
    if path == STANDARD:
        with _unpack(sys.stdin.buffer, form) as file:
            yield Lines(file, title, None)
        return
    with open_table(path) as raw, _unpack(raw, form) as file:
        yield Lines(file, title, raw)


def open_table(path: str) -> IO[bytes]:
    """Open a file for reading.

    Raises:
        DataError: the file does not exist or cannot be opened.
    """
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


@contextmanager
def _unpack(raw: IO[bytes], form: Format) -> Iterator[Any]:
    if form.packing == "gzip":
        with gzip.GzipFile(fileobj=raw) as file:
            yield file
    elif form.packing == "zstd":
        with arrow().CompressedInputStream(raw, "zstd") as stream:
            yield io.BufferedReader(stream, 2**20)
    else:
        yield raw
