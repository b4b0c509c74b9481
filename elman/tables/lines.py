"""Lines: text files line by line, plain or packed, with the number of each line and what is wrong with it.

A line ends in LF, CR LF, CR or CR CR LF, whatever the others end in. Nothing else ends a line.
"""

import codecs
import csv
import errno
import gzip
import io
import os
import re
import sys
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

from elman.errors import DataError
from elman.tables.chunks import Malformed
from elman.tables.columnar.arrays import arrow
from elman.tables.formats import STANDARD, Format

LONGEST_LINE = 8 * 2**20
"""Most bytes of a line: a file without line ends must not fill the memory."""

START = 5
"""Bytes that say what a file is: a byte order mark, or the mark of a format."""

PIECE = 2**16
"""Bytes that are searched for line ends at a time."""

LONGEST_RECORD = 10_000
"""Most lines of a row: an open quotation mark must not consume a whole file."""

MARK = codecs.BOM_UTF8
"""The byte order mark of UTF-8."""

MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks of other encodings; the longer ones first, because two of them begin alike."""

_LINE = re.compile(rb"[^\r\n]*(?:\r{0,2}\n|\r)")


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    problem: str | None
    is_text: bool = True


def split_lines(file: IO[bytes]) -> Iterator[bytes]:
    r"""Yield the lines of a file with their ends: LF, CR LF, CR or CR CR LF.

    A line of more than `LONGEST_LINE` bytes is cut to one byte more than that, as soon as so much of it has been read.

    >>> list(split_lines(io.BytesIO(b"a\r\nb\rc\r\r\nd")))
    [b'a\r\n', b'b\r', b'c\r\r\n', b'd']
    """
    return chain.from_iterable(_split_blocks(file))


def _split_blocks(file: IO[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines of a file in lists, each of what one reading completes; see `split_lines`."""
    held, is_cut = b"", False  # the beginning of a line whose end has not been read yet, and whether it was yielded
    while block := file.read1(PIECE):  # type: ignore[attr-defined]
        block = held + block
        trailing = min(2, len(block) - len(block.rstrip(b"\r")))  # these may belong to an LF that comes next
        searched = len(block) - trailing
        end = max(block.rfind(b"\n", 0, searched), block.rfind(b"\r", 0, searched)) + 1
        lines, held = _split(block[:end]), block[end:]
        if is_cut and lines:
            lines, is_cut = lines[1:], False
        yield lines
        if len(held) > LONGEST_LINE and not is_cut:
            yield [held[: LONGEST_LINE + 1]]
            is_cut = True
        if is_cut:
            held = held[len(held) - trailing :]
    end = max(held.rfind(b"\n"), held.rfind(b"\r")) + 1
    rest = [*_split(held[:end]), *([held[end:]] if held[end:] else [])]
    yield [line[: LONGEST_LINE + 1] for line in rest[is_cut:]]


def _split(block: bytes) -> list[bytes]:
    """Return the lines of a block that ends with a line end."""
    lines = _LINE.findall(block) if b"\r\r\n" in block else block.splitlines(keepends=True)
    if len(block) > LONGEST_LINE:
        lines = [line[: LONGEST_LINE + 1] for line in lines]
    return lines


class Lines:
    """The lines of one file, for a parser that takes as many of them as a row spans.

    Args:
        file: the unpacked bytes, in UTF-8.
        title: the name of the file in messages.
        raw: the file itself, whose position shows how much has been read; None if that is unknown.
        encoding: the encoding that the file had before it was changed to UTF-8; None if it is UTF-8.
        start: its first bytes, as far as they are known.

    Attributes:
        has_mark: whether the file begins with a byte order mark.
        newline: how its first line ends, as an output should end its lines.
        is_stream: whether the lines come from a stream that may never end.
    """

    def __init__(
        self,
        file: IO[bytes],
        title: str,
        raw: IO[bytes] | None,
        encoding: str | None = None,
        *,
        start: bytes = b"",
    ) -> None:
        self.title, self.encoding, self.start = title, encoding, start
        self.has_mark, self.newline = False, "\n"
        self._blocks, self._block, self._raw = _split_blocks(file), iter(list[bytes]()), raw
        self.is_stream = raw is None
        self._size = os.fstat(raw.fileno()).st_size if raw is not None else 0
        self._number = 0
        self._taken: list[_Line] = []
        self._again: deque[_Line] = deque()
        self._last: list[bytes] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= LONGEST_RECORD:
            raise csv.Error(f"a row of more than {LONGEST_RECORD:,} lines, perhaps an open quotation mark")
        line = self._again.popleft() if self._again else self._read()
        self._taken.append(line)
        return line.text

    def peek(self) -> str:
        """Return the next line without its end, and leave it to be read; an empty string at the end of the file."""
        if not self._again:
            try:
                self._again.append(self._read())
            except StopIteration:
                return ""
        return self._again[0].text.rstrip("\r\n")

    def take_block(self) -> list[str]:
        """Return some next lines without their ends, all of them valid; an empty list if one must be read alone.

        They are taken as if each were a row. See `return_block` for those that are not.
        """
        if self._again or self._taken or not self._number:
            return []
        contents = list(self._block) or self._read_block()
        whole = b"".join(contents)
        try:
            text = whole.decode()
        except UnicodeDecodeError:
            text = ""
        if not text or (len(whole) > LONGEST_LINE and len(max(contents, key=len)) > LONGEST_LINE):
            self._block = iter(contents)
            return []
        self._number += len(contents)
        self._last = contents
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return [content.decode().rstrip("\r\n") for content in contents]
        return text.removesuffix("\n").split("\n")

    def return_block(self) -> None:
        """Return the lines of the last `take_block`, to be read one by one."""
        first = self._number - len(self._last) + 1
        self._again.extend(_Line(number, line.decode(), None) for number, line in enumerate(self._last, first))
        self._last = []

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
        text = self._taken[0].text if len(self._taken) == 1 else "".join(line.text for line in self._taken)
        self._taken.clear()
        return text.rstrip("\r\n")  # a line has one end, and nothing before it is a part of one

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
        place, text = f"{self.title}, line {first.number:,}", first.text.rstrip("\r\n")
        row = Malformed(place, first.problem or problem, text, first.number, first.is_text)
        if not skip:
            message = f"{row.place}: {row.problem}; fix it, or skip such rows with --on-error skip"
            raise DataError(message, code=row.code, line=first.number)
        return row

    def _read(self) -> _Line:
        content = next(self._block, None)
        if content is None:
            self._block = iter(self._read_block())
            content = next(self._block)
        self._number += 1
        if self._number == 1:
            self._look_at_first(content)
            content = content.removeprefix(MARK)
            if not content:  # a file that consists of its mark
                raise StopIteration
        if len(content) > LONGEST_LINE:
            return _Line(self._number, "\n", f"expected a line of at most {LONGEST_LINE:,} bytes")
        try:
            return _Line(self._number, content.decode(), None)
        except UnicodeDecodeError as error:
            problem = f"byte 0x{content[error.start]:02x} is not UTF-8; {_advise(content)}"
            return _Line(self._number, content.decode(errors="backslashreplace"), problem, is_text=False)

    def _read_block(self) -> list[bytes]:
        """Return the lines that the next reading completes; an empty list at the end of the file."""
        try:
            return next(filter(None, self._blocks), [])
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.title}, after line {self._number:,}: byte 0x{error.object[error.start]:02x} is not "
                f"{error.encoding}; give the encoding of the file with --encoding",
                code="wrong_encoding",
                line=self._number + 1,
            ) from None
        except (OSError, EOFError, zlib.error, ValueError) as error:
            problem = str(error).strip() or type(error).__name__
            message = f"{self.title}, after line {self._number:,}: cannot be read ({problem})"
            raise DataError(message, line=self._number + 1) from None

    def _look_at_first(self, content: bytes) -> None:
        self.has_mark = content.startswith(MARK) or self.encoding in MARKS.values()
        self.newline = "\r\n" if content.endswith(b"\r\n") else "\r" if content.endswith(b"\r") else "\n"
        if self.encoding is None and content.count(0) > 0.3 * len(content):
            kind = "utf-16-be" if content.startswith(b"\0") else "utf-16-le"
            text = content.removesuffix(b"\n").decode(kind, errors="ignore").strip("\r\n")
            if text.isascii() and text.isprintable() and text:
                raise DataError(
                    f"{self.title}: seems to be UTF-16 without a byte order mark; read it with --encoding {kind}",
                    code="wrong_encoding",
                )


def _advise(content: bytes) -> str:
    """Return what to do about bytes that are not UTF-8."""
    try:
        is_western = all(character.isprintable() for character in content.decode("cp1252").strip())
    except UnicodeDecodeError:
        is_western = False
    example = "which seems to be cp1252: --encoding cp1252" if is_western else "such as --encoding cp1251"
    return f"convert the file to UTF-8, or give its encoding, {example}"


@contextmanager
def open_lines(path: str, form: Format, title: str, encoding: str | None = None) -> Iterator[Lines]:
    """Open a text file, unpack it if it is packed, and yield its lines.

    Args:
        path: its name; ``-`` for standard input.
        form: its format.
        title: its name in messages.
        encoding: its encoding; UTF-8, or what a byte order mark says, if None.

    Raises:
        DataError: the file does not exist or cannot be opened.
    """
    if path == STANDARD:
        with _unpack(sys.stdin.buffer, form) as file:
            yield decode_lines(file, title, None, encoding)
        return
    with open_table(path) as raw, _unpack(raw, form) as file:
        yield decode_lines(file, title, raw, encoding)


def decode_lines(file: IO[bytes], title: str, raw: IO[bytes] | None = None, encoding: str | None = None) -> Lines:
    """Return the lines of an open file.

    Args:
        file: the unpacked bytes.
        title: the name of the file in messages.
        raw: as in `Lines`.
        encoding: as in `open_lines`.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        start = b""
        while len(start) < START and b"\n" not in start and (more := file.read1(START - len(start))):  # type: ignore[attr-defined]
            start += more
    except (OSError, EOFError, zlib.error) as error:
        if getattr(error, "errno", None) == errno.EBADF:  # a closed stream is reported by the command
            raise
        raise DataError(f"{title}: cannot be read ({str(error).strip() or type(error).__name__})") from None
    started: Any = _Started(file, start)
    if encoding is None:
        encoding = next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
    if encoding is None or codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
        return Lines(started, title, raw, start=start)
    recoded: Any = _Recoder(started, encoding)
    return Lines(recoded, title, raw, encoding, start=start)


class _Started:
    """A file whose first bytes have been read, and are read again."""

    def __init__(self, file: IO[bytes], start: bytes) -> None:
        self._file, self._start = file, start

    def read1(self, size: int) -> bytes:
        """Return the first bytes once, then what comes next."""
        start, self._start = self._start, b""
        content: bytes = start or self._file.read1(size)  # type: ignore[attr-defined]
        return content


class _Recoder:
    """A file in another encoding, read as UTF-8."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file, self._decoder, self._ended = file, codecs.getincrementaldecoder(encoding)(), False
        self._error: UnicodeDecodeError | None = None

    def read1(self, size: int) -> bytes:
        """Return some of the text as UTF-8; nothing at its end."""
        while not self._ended:
            content = self._file.read1(size)  # type: ignore[attr-defined]
            self._ended = not content
            if text := self._decode(content):
                return text.encode("utf-8", "surrogatepass")
        if self._error is not None:
            raise self._error
        return b""

    def _decode(self, content: bytes) -> str:
        """Return the text of some bytes, up to the first invalid one, which ends the file."""
        state = self._decoder.getstate()
        try:
            return self._decoder.decode(content, final=self._ended)
        except UnicodeDecodeError as error:
            self._error = error
        self._decoder.setstate(state)
        self._ended, text = True, ""
        with suppress(UnicodeDecodeError):
            for place in range(len(content)):
                text += self._decoder.decode(content[place : place + 1])
        return text


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
