"""Sinks: where rows go, together with new columns.

Rows are written in parts, each of them complete, which are then joined: the parts of a text file follow each other
(gzip and zstd allow this for packed parts too), the parts of a Parquet file become its row groups.
"""

import codecs
import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Protocol

from elman.errors import DataError
from elman.tables.chunks import Chunk, arrow, plain_text, plain_value
from elman.tables.formats import DELIMITERS, Format
from elman.tables.sources import Source

NewColumns = Mapping[str, Sequence[Any]]
"""Columns to add, by name: a string, a number or None for each row."""


class Sink(Protocol):
    """One output."""

    def part(self, chunk: Chunk, new: NewColumns) -> bytes:
        """Return some rows with their new columns, as a complete part.

        Raises:
            DataError: a row cannot be written in this format, or already has a column of such a name.
        """

    def writer(self, out: IO[bytes]) -> AbstractContextManager[Callable[[bytes], Any]]:
        """Return a function that appends parts to ``out``, in their order."""


def sink_for(form: Format, source: Source, new: Mapping[str, type]) -> Sink:
    """Return the sink that writes the rows of a source with new columns.

    Args:
        form: the format to write.
        source: where the rows come from.
        new: the names of the columns to add, each with `str` or `float`.

    Raises:
        DataError: the source already has a column of such a name, or two columns of one name, which the format forbids.
    """
    _check_new(source.columns, new)
    if form.kind not in DELIMITERS and len(set(source.columns)) < len(source.columns):
        message = f"{source.title}: two columns have the same name, which only CSV and TSV allow; write one of these"
        raise DataError(message, code="column_twice")
    if form.kind == "parquet":
        return ParquetSink(source, new)
    if form.kind == "jsonl":
        return JsonLinesSink(form, source, new)
    return DelimitedSink(form, source, new)


class DelimitedSink:
    """Writes CSV or TSV; see `Sink`. Rows from the same kind of file are written unchanged."""

    def __init__(self, form: Format, source: Source, new: Iterable[str]) -> None:
        same = source.kind == form.kind
        self._form, self._delimiter = form, source.delimiter if same and source.delimiter else DELIMITERS[form.kind]
        self._newline, self._encode = source.newline, _encoder(source.encoding if same else None)
        self._head = b""
        if source.has_header or not source.columns:
            self._head = self._encode(self._lines([[*source.columns, *new]]))
        if source.has_mark:
            self._head = self._encode("\ufeff") + self._head

    def part(self, chunk: Chunk, new: NewColumns) -> bytes:
        """See `Sink.part`."""
        cells = zip(*(self._cells(values) for values in new.values()), strict=True)
        if chunk.dialect == self._delimiter and chunk.lines is not None:
            delimiter, end = self._delimiter, self._newline
            lines = [delimiter.join((line, *more)) + end for line, more in zip(chunk.lines, cells, strict=True)]
            return _pack(self._encode("".join(lines)), self._form)
        rows = zip(chunk.rows(), *new.values(), strict=True)
        text = self._lines([*map(plain_text, row), *map(_format_value, more)] for row, *more in rows)
        return _pack(self._encode(text), self._form)

    @contextmanager
    def writer(self, out: IO[bytes]) -> Iterator[Callable[[bytes], Any]]:
        """See `Sink.writer`."""
        out.write(_pack(self._head, self._form) if self._head else b"")
        yield out.write

    def _cells(self, values: Sequence[Any]) -> list[str]:
        """Return values as cells; each different value is quoted once."""
        cells: dict[Any, str] = {None: ""}
        for value in values:
            if value not in cells:
                cells[value] = self._lines([[_format_value(value)]]).removesuffix(self._newline)
        return [cells[value] for value in values]

    def _lines(self, rows: Iterable[Sequence[str]]) -> str:
        text = _LineEnds(self._newline)
        csv.writer(text, delimiter=self._delimiter, lineterminator="\r\n").writerows(rows)
        return "".join(text.lines)


class _LineEnds:
    r"""Changes the ends of lines from a csv.writer, which quotes ``\r`` and ``\n`` only if its lines end in both."""

    def __init__(self, newline: str) -> None:
        self.lines: list[str] = []
        self._newline = newline

    def write(self, line: str) -> None:
        """Append one line."""
        self.lines.append(line.removesuffix("\r\n") + self._newline)


class JsonLinesSink:
    """Writes one JSON object a line; see `Sink`. New members follow the others, which are otherwise unchanged."""

    def __init__(self, form: Format, source: Source, new: Iterable[str]) -> None:
        self._form, self._new = form, tuple(new)
        self._encode = _encoder(source.encoding if source.kind == "jsonl" else None)

    def part(self, chunk: Chunk, new: NewColumns) -> bytes:
        """See `Sink.part`."""
        _check_new(chunk.columns, self._new)
        more = [
            json.dumps(dict(zip(new, values, strict=True)), ensure_ascii=False)
            for values in zip(*new.values(), strict=True)
        ]
        if chunk.dialect == "jsonl" and chunk.lines is not None:
            lines = [_extend(line, members) for line, members in zip(chunk.lines, more, strict=True)]
        else:
            lines = [
                _extend(
                    json.dumps(dict(zip(chunk.columns, map(plain_value, row), strict=True)), ensure_ascii=False),
                    members,
                )
                for row, members in zip(chunk.rows(), more, strict=True)
            ]
        return _pack(self._encode("".join(lines)), self._form)

    @contextmanager
    def writer(self, out: IO[bytes]) -> Iterator[Callable[[bytes], Any]]:
        """See `Sink.writer`."""
        yield out.write


class ParquetSink:
    """Writes Parquet; see `Sink`. Columns keep their types; those of a delimited file are strings."""

    def __init__(self, source: Source, new: Mapping[str, type]) -> None:
        pa = arrow()
        self._schema = source.schema()
        self._new = [pa.field(name, pa.string() if kind is str else pa.float64()) for name, kind in new.items()]
        for field in self._new:
            self._schema = self._schema.append(field)

    def part(self, chunk: Chunk, new: NewColumns) -> bytes:
        """See `Sink.part`."""
        pa = arrow()
        arrays = [pa.array(values, field.type) for values, field in zip(new.values(), self._new, strict=True)]
        whole = pa.Table.from_arrays([*chunk.batch().columns, *arrays], schema=self._schema)
        content = pa.BufferOutputStream()
        pa.parquet.write_table(whole, content, compression="zstd")
        return bytes(content.getvalue())

    @contextmanager
    def writer(self, out: IO[bytes]) -> Iterator[Callable[[bytes], Any]]:
        """See `Sink.writer`."""
        pa = arrow()
        with pa.parquet.ParquetWriter(out, self._schema, compression="zstd") as writer:
            yield lambda part: writer.write_table(pa.parquet.read_table(pa.BufferReader(part), schema=self._schema))


def _encoder(encoding: str | None) -> Callable[[str], bytes]:
    """Return what encodes the text of an output: as the input is, without the byte order mark that some codecs add."""
    if encoding is None:
        return lambda text: text.encode(errors="replace")
    name = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(codecs.lookup(encoding).name, encoding)

    def encode(text: str) -> bytes:
        try:
            return text.encode(name)
        except UnicodeEncodeError:
            raise DataError(
                f"an answer cannot be written in {encoding}, the encoding of the input; write JSON Lines or Parquet"
            ) from None

    return encode


def _check_new(columns: Iterable[str], new: Iterable[str]) -> None:
    taken = set(columns) & set(new)
    if taken:
        message = f"the table has a column {min(taken)!r} already; give the new columns another --prefix"
        raise DataError(message, code="column_taken")


def _format_value(value: Any) -> str:
    return "" if value is None else f"{value:.6f}" if isinstance(value, float) else value


def _extend(line: str, members: str) -> str:
    """Return the line of a JSON object with the members of another object after its own."""
    head = line.rstrip()[:-1].rstrip()
    return f"{head}{'' if head.endswith('{') else ', '}{members[1:]}\n"


def _pack(content: bytes, form: Format) -> bytes:
    if form.packing == "gzip":
        return gzip.compress(content, 6, mtime=0)
    packed: bytes = arrow().Codec("zstd").compress(content, asbytes=True) if form.packing == "zstd" else content
    return packed
