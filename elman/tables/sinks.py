"""Sinks: where rows go, together with new columns.

Rows are written in parts, each of them complete, which are then joined: the parts of a text file follow each other
(gzip and zstd allow this for packed parts too), the parts of a Parquet file become its row groups.
"""

import codecs
import csv
import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol

from elman.checks import shown
from elman.columns import CodedColumn, Column, NumberColumn
from elman.errors import DataError
from elman.tables.chunks import ROWS, Chunk, TextChunk
from elman.tables.columnar.arrays import arrow, cast_columns, count_columns
from elman.tables.formats import DELIMITERS, Format
from elman.tables.sources import Source
from elman.tables.values import format_json, plain_text

if TYPE_CHECKING:
    import pyarrow

PIECE_ROWS, PIECE_CHARACTERS = 1024, 2**20
"""Most rows and characters that are text at the same time; the others are bytes already, or still values."""

GROUP_BYTES = 32 * 2**20
"""Most bytes of a row group of Parquet, about."""

ARRAYS = 20_000
"""Most arrays that wait for their row group, because each takes about a kilobyte beside its values."""

NUMERALS = "0123456789.-"
"""What a number consists of in a text file."""

STATISTICS = 1000
"""Most columns, those inside objects included, of a Parquet file with statistics, which stay in memory to its end."""

SPECIAL = re.compile(r'["\r\n]')
"""Characters that a kept row needs a closer look for: without them, its cells are what is between delimiters."""

NewColumns = Mapping[str, Sequence[Any]]
"""Columns to add, by name: a string, a number or None for each row. `elman.columns` need no object for each."""


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
            if isinstance(chunk, TextChunk) and SPECIAL.search("".join(chunk.lines)):
                lines = self._mend_rows(lines, chunk, new)
            return _pack(self._encode("".join(lines)), self._form)
        rows = zip(chunk.rows(), *new.values(), strict=True)
        texts = ([*map(plain_text, row), *map(_format_value, more)] for row, *more in rows)
        return _pack(b"".join(self._encode(self._lines(piece)) for piece in _pieces(texts)), self._form)

    @contextmanager
    def writer(self, out: IO[bytes]) -> Iterator[Callable[[bytes], Any]]:
        """See `Sink.writer`."""
        out.write(_pack(self._head, self._form) if self._head else b"")
        yield out.write

    def _mend_rows(self, rows: list[str], chunk: TextChunk, new: NewColumns) -> list[str]:
        """Return rows of which those are written anew that would be read as other cells than they should have."""
        added = list(zip(*map(_list_texts, new.values()), strict=True))
        places = [place for place, line in enumerate(chunk.lines) if SPECIAL.search(line)]
        expected = [[*chunk.cells[place], *added[place]] for place in places]
        if self._read([rows[place] for place in places]) != expected:  # all at a time, because that is quicker
            for place, cells in zip(places, expected, strict=True):
                if self._read([rows[place]]) != [cells]:
                    rows[place] = self._lines([cells])
        return rows

    def _read(self, rows: Sequence[str]) -> list[list[str]]:
        """Return the cells of rows; no rows if one of them cannot be read."""
        lines = (row.removesuffix(self._newline) for row in rows)
        try:
            return list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return []

    def _cells(self, values: Sequence[Any]) -> list[str]:
        """Return values as cells; each different string is quoted once."""
        if isinstance(values, CodedColumn):
            return values.replace(list(map(self._cell, values.texts)), "")
        if isinstance(values, NumberColumn) and self._delimiter not in NUMERALS:  # numbers need no quotes
            return list(map(_format_value, values))
        cells: dict[Any, str] = {None: ""}
        for value in values:
            if value not in cells:
                cells[value] = self._cell(value)
        return [cells[value] for value in values]

    def _cell(self, value: Any) -> str:
        return self._lines([[_format_value(value)]]).removesuffix(self._newline)

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
        members = [_format_members(name, values) for name, values in new.items()]
        more = [f"{{{', '.join(row)}}}" for row in zip(*members, strict=True)]
        if chunk.dialect == "jsonl" and chunk.lines is not None:
            lines: Iterable[str] = chunk.lines
        else:
            lines = (format_json(dict(zip(chunk.columns, row, strict=True))) for row in chunk.rows())
        extended = (_extend(line, members) for line, members in zip(lines, more, strict=True))
        return _pack(b"".join(self._encode("".join(piece)) for piece in _pieces(extended)), self._form)

    @contextmanager
    def writer(self, out: IO[bytes]) -> Iterator[Callable[[bytes], Any]]:
        """See `Sink.writer`."""
        yield out.write


class ParquetSink:
    """Writes Parquet; see `Sink`. Columns keep their types; those of a delimited file are strings."""

    def __init__(self, source: Source, new: Mapping[str, type]) -> None:
        pa = arrow()
        self._schema, self._title = source.schema(), source.title
        check_storable(self._schema, source.title)
        self._new = [pa.field(name, pa.string() if kind is str else pa.float64()) for name, kind in new.items()]
        for field in self._new:
            self._schema = self._schema.append(field)

    def part(self, chunk: Chunk, new: NewColumns) -> bytes:
        """See `Sink.part`."""
        pa = arrow()
        arrays = [_build_array(values, field.type) for values, field in zip(new.values(), self._new, strict=True)]
        try:
            whole = pa.Table.from_arrays([*chunk.batch().columns, *arrays], schema=self._schema)
            content = _write_parquet(whole)
        except (pa.ArrowException, ValueError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise DataError(f"{self._title}: rows cannot be written as Parquet ({shown(reason, 200)})") from None
        return content

    @contextmanager
    def writer(self, out: IO[bytes]) -> Iterator[Callable[[bytes], Any]]:
        """See `Sink.writer`."""
        pa = arrow()
        bounds = sum(count_columns(field.type) for field in self._schema) <= STATISTICS  # the least and most of each
        options = {"compression": "zstd", "write_statistics": bounds}
        with pa.parquet.ParquetWriter(out, self._schema, **options) as writer:
            groups = _RowGroups(writer, self._schema)
            yield groups.add
            groups.write()


class _RowGroups:
    """Puts small parts of wide tables together: each row group has a description of each of its columns.

    Args:
        writer: Arrow's writer of the file.
        schema: the columns.
    """

    def __init__(self, writer: Any, schema: "pyarrow.Schema") -> None:
        self._writer, self._schema = writer, schema
        self._tables: list[pyarrow.Table] = []

    def add(self, part: bytes) -> None:
        """Append a part, and write a row group when there is enough for one."""
        self._tables.append(_read_parquet(part, self._schema))
        if len(self._tables) * len(self._schema) > ARRAYS:
            self._tables = [arrow().concat_tables(self._tables).combine_chunks()]
        sizes = [(table.num_rows, table.nbytes) for table in self._tables]
        if sum(rows for rows, _ in sizes) >= ROWS or sum(size for _, size in sizes) >= GROUP_BYTES:
            self.write()

    def write(self) -> None:
        """Write the parts so far as a row group."""
        if self._tables:
            self._writer.write_table(arrow().concat_tables(self._tables))
        self._tables.clear()


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


def check_storable(schema: "pyarrow.Schema", title: str) -> None:
    """Check that Parquet can store every column and gives its type back.

    Args:
        schema: the columns.
        title: the table, for the message.

    Raises:
        DataError: Parquet has no such type.
    """
    try:
        _store(schema)
    except (arrow().ArrowException, ValueError):
        for field in schema:
            try:
                _store(arrow().schema([field]))
            except (arrow().ArrowException, ValueError):
                message = f"{title}: Parquet cannot hold the column '{shown(field.name)}' of the type"
                raise DataError(f"{message} {shown(str(field.type))}; write CSV or JSONL, or leave it out") from None
        raise DataError(f"{title}: Parquet cannot hold these columns together; write CSV or JSONL") from None


def _store(schema: "pyarrow.Schema") -> None:
    """Write a row of nulls and read it again, as parts are before they are joined."""
    pa = arrow()
    schema = pa.schema([field.with_nullable(True) for field in schema])
    table = pa.Table.from_arrays([pa.nulls(1, field.type) for field in schema], schema=schema)
    _write_parquet(_read_parquet(_write_parquet(table), schema))


def _read_parquet(content: bytes, schema: "pyarrow.Schema") -> "pyarrow.Table":
    """Read a part without Arrow's threads, which may crash a process that ends while they start."""
    pa = arrow()
    table = pa.parquet.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    return pa.Table.from_arrays(cast_columns(table.columns, schema), schema=schema)


def _write_parquet(table: "pyarrow.Table") -> bytes:
    content = arrow().BufferOutputStream()
    arrow().parquet.write_table(table, content, compression="zstd", write_statistics=False)
    return bytes(content.getvalue())


def _check_new(columns: Iterable[str], new: Iterable[str]) -> None:
    taken = set(columns) & set(new)
    if taken:
        message = f"the table has a column '{shown(min(taken))}' already; give the new columns another --prefix"
        raise DataError(message, code="column_taken")


def _format_value(value: Any) -> str:
    return "" if value is None else f"{value:.6f}" if isinstance(value, float) else value


def _list_texts(values: Sequence[Any]) -> list[str]:
    """Return values as the cells that a reader finds."""
    return values.replace(values.texts, "") if isinstance(values, CodedColumn) else list(map(_format_value, values))


def _format_members(name: str, values: Sequence[Any]) -> list[str]:
    """Return values as members of JSON objects; each different string is written once."""
    key = json.dumps(name, ensure_ascii=False)
    if isinstance(values, CodedColumn):
        texts = [f"{key}: {json.dumps(text, ensure_ascii=False)}" for text in values.texts]
        return values.replace(texts, f"{key}: null")
    return [f"{key}: {json.dumps(value, ensure_ascii=False)}" for value in values]


def _build_array(values: Sequence[Any], kind: "pyarrow.DataType") -> Any:
    """Return values as an array of Arrow."""
    if isinstance(values, Column):
        array = values.to_arrow()
        return array if array.type == kind else array.cast(kind)
    return arrow().array(values, kind)


def _extend(line: str, members: str) -> str:
    """Return the line of a JSON object with the members of another object after its own."""
    head = line.rstrip()[:-1].rstrip()
    return f"{head}{'' if head.endswith('{') else ', '}{members[1:]}\n"


def _pieces(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield some rows at a time: lines of limited length, or lists of a limited number of cells."""
    piece, size = [], 0
    for row in rows:
        piece.append(row)
        size += len(row)
        if len(piece) >= PIECE_ROWS or size >= PIECE_CHARACTERS:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _pack(content: bytes, form: Format) -> bytes:
    if form.packing == "gzip":
        return gzip.compress(content, 6, mtime=0)
    packed: bytes = arrow().Codec("zstd").compress(content, asbytes=True) if form.packing == "zstd" else content
    return packed
