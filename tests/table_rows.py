"""What tests of tables share: read a whole table, and look into its chunks."""

import io
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from elman.tables.chunks import ArrowChunk, Chunk
from elman.tables.formats import format_of
from elman.tables.sinks import sink_for
from elman.tables.sources import Source, open_source


def read_table(*paths: Path | str, column: str = "name", **options: Any) -> tuple[Source, list[Chunk]]:
    """Return the source and all chunks of a table, or of several that follow each other."""
    with open_source([str(path) for path in paths], column=column, **options) as source:
        chunks = list(source.chunks())
    return source, chunks


def names_in(chunks: Sequence[Chunk]) -> list[str | None]:
    return [name for chunk in chunks for name in chunk.names]


def rows_in(chunks: Sequence[Chunk]) -> list[tuple[Any, ...]]:
    return [tuple(row) for chunk in chunks for row in chunk.rows()]


class ArrowSource:
    """A source of one batch, for types that no file holds.

    Args:
        batch: its rows; the column ``name`` has the names.
    """

    title, has_header, has_mark, newline = "arrow", True, False, "\n"
    encoding, kind, delimiter, notes = None, None, None, ()

    def __init__(self, batch: Any) -> None:
        self._batch, self.columns, self.is_read = batch, tuple(batch.schema.names), False

    def schema(self) -> Any:
        return self._batch.schema

    def chunks(self) -> Any:
        self.is_read = True
        yield ArrowChunk(self._batch, self._batch.column("name").to_pylist())


def convert_table(source: ArrowSource | str, target: str) -> bytes:
    """Return the content of a table in another format, with a new column."""
    form = format_of("", target)
    with ExitStack() as stack:
        if isinstance(source, str):
            typed = form.kind != "jsonl"
            source = stack.enter_context(open_source([source], column="name", typed=typed))
        sink, out = sink_for(form, source, {"new": str}), io.BytesIO()
        append = stack.enter_context(sink.writer(out))
        for chunk in source.chunks():
            append(sink.part(chunk, {"new": ["y"] * len(chunk.names)}))
        stack.close()
        return out.getvalue()
