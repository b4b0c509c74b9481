"""Sinks: where rows go, with the columns that were added to them.

Rows are written in parts, each complete in itself, which are then put together: the parts of a text file follow each
other (gzip and zstd allow that of packed ones too), those of Parquet become row groups.
"""

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Protocol

from elman.errors import DataError
from elman.tables.chunks import Chunk, arrow, plain_text, plain_value
from elman.tables.formats import DELIMITERS, Format
from elman.tables.lines import MARK
from elman.tables.sources import Source

Added = Mapping[str, Sequence[Any]]
"""Columns to add, by name: a string, a number or None for each row."""


class Sink(Protocol):
    """One output."""

    def part(self, chunk: Chunk, added: Added) -> bytes:
        """Return some rows with what is added to them, complete in itself.

        Raises:
            DataError: a row cannot be written in this format, or a column would be there twice.
        """

    def writer(self, out: IO[bytes]) -> AbstractContextManager[Callable[[bytes], Any]]:
        """Return what puts parts together, in their order, to a whole table."""


def sink_for(form: Format, source: Source, added: Mapping[str, type]) -> Sink:
    """Return what writes a table like ``source`` with columns more.

    Args:
        form: the format to write.
        source: where the rows come from.
        added: the names of the columns to add, each with `str` or `float`.

    Raises:
        DataError: the source has a column of such a name, or one twice where the format has no room for it.
    """
    _check_new(source.columns, added)
    if form.kind not in DELIMITERS and len(set(source.columns)) < len(source.columns):
        raise DataError(
            f"{source.called}: a column stands twice in it; only CSV and TSV can hold that", code="column_twice"
        )
    if form.kind == "parquet":
        return ParquetSink(source, added)
    if form.kind == "jsonl":
        return JsonLinesSink(form, added)
    return DelimitedSink(form, source, added)


class DelimitedSink:
    """Writes CSV or TSV; see `Sink`. Rows of the same kind of file are written as they stood."""

    def __init__(self, form: Format, source: Source, added: Iterable[str]) -> None:
        self._form, self._delimiter = form, DELIMITERS[form.kind]
        self._newline = source.newline
        self._head = b""
        if source.has_header or not source.columns:
            self._head = self._lines([[*source.columns, *added]]).encode(errors="replace")
        if source.marked:
            self._head = MARK + self._head

    def part(self, chunk: Chunk, added: Added) -> bytes:
        """See `Sink.part`."""
        cells = zip(*(self._cells(values) for values in added.values()), strict=True)
        if chunk.dialect == self._delimiter and chunk.lines is not None:
            delimiter, end = self._delimiter, self._newline
            lines = [delimiter.join((line, *more)) + end for line, more in zip(chunk.lines, cells, strict=True)]
            return _packed("".join(lines).encode(), self._form)
        rows = zip(chunk.rows(), *added.values(), strict=True)
        text = self._lines([*map(plain_text, row), *map(_shown, more)] for row, *more in rows)
        return _packed(text.encode(errors="replace"), self._form)

    @contextmanager
    def writer(self, out: IO[bytes]) -> Iterator[Callable[[bytes], Any]]:
        """See `Sink.writer`."""
        out.write(_packed(self._head, self._form) if self._head else b"")
        yield out.write

    def _cells(self, values: Sequence[Any]) -> list[str]:
        """Return values as cells; each different one is quoted once."""
        known: dict[Any, str] = {}
        for value in values:
            if value not in known:
                known[value] = self._lines([[_shown(value)]]).removesuffix(self._newline) if value is not None else ""
        return [known[value] for value in values]

    def _lines(self, rows: Iterable[Sequence[str]]) -> str:
        text = _Ended(self._newline)
        csv.writer(text, delimiter=self._delimiter, lineterminator="\r\n").writerows(rows)
        return "".join(text.lines)


class _Ended:
    """Takes lines from a csv.writer, which quotes a line end of either kind only where it ends lines with both."""

    def __init__(self, newline: str) -> None:
        self.lines: list[str] = []
        self._newline = newline

    def write(self, line: str) -> None:
        """Take one line."""
        self.lines.append(line.removesuffix("\r\n") + self._newline)


class JsonLinesSink:
    """Writes one JSON object a line; see `Sink`. New members stand at the end of an object that is else as it was."""

    def __init__(self, form: Format, added: Iterable[str]) -> None:
        self._form, self._added = form, tuple(added)

    def part(self, chunk: Chunk, added: Added) -> bytes:
        """See `Sink.part`."""
        _check_new(chunk.columns, self._added)
        more = [
            json.dumps(dict(zip(added, values, strict=True)), ensure_ascii=False)
            for values in zip(*added.values(), strict=True)
        ]
        if chunk.dialect == "jsonl" and chunk.lines is not None:
            lines = [_extended(line, members) for line, members in zip(chunk.lines, more, strict=True)]
        else:
            lines = [
                _extended(
                    json.dumps(dict(zip(chunk.columns, map(plain_value, row), strict=True)), ensure_ascii=False),
                    members,
                )
                for row, members in zip(chunk.rows(), more, strict=True)
            ]
        return _packed("".join(lines).encode(errors="replace"), self._form)

    @contextmanager
    def writer(self, out: IO[bytes]) -> Iterator[Callable[[bytes], Any]]:
        """See `Sink.writer`."""
        yield out.write


class ParquetSink:
    """Writes Parquet; see `Sink`. Columns keep their kinds; those of a delimited file are strings."""

    def __init__(self, source: Source, added: Mapping[str, type]) -> None:
        pa = arrow()
        self._schema = source.schema()
        self._added = [pa.field(name, pa.string() if kind is str else pa.float64()) for name, kind in added.items()]
        for field in self._added:
            self._schema = self._schema.append(field)

    def part(self, chunk: Chunk, added: Added) -> bytes:
        """See `Sink.part`."""
        pa = arrow()
        arrays = [pa.array(values, field.type) for values, field in zip(added.values(), self._added, strict=True)]
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


def _check_new(columns: Iterable[str], added: Iterable[str]) -> None:
    taken = set(columns) & set(added)
    if taken:
        message = f"the table has a column {min(taken)!r} already; give the new columns another --prefix"
        raise DataError(message, code="column_taken")


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.6f}" if isinstance(value, float) else value


def _extended(line: str, members: str) -> str:
    """Return a JSON object, a line, with the members of another one behind its own."""
    head = line.rstrip()[:-1].rstrip()
    return f"{head}{'' if head.endswith('{') else ', '}{members[1:]}\n"


def _packed(content: bytes, form: Format) -> bytes:
    if form.packing == "gzip":
        return gzip.compress(content, 6, mtime=0)
    packed: bytes = arrow().Codec("zstd").compress(content, asbytes=True) if form.packing == "zstd" else content
    return packed
