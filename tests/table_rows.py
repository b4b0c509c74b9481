"""What tests of tables share: read a whole table, and look into its chunks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elman.tables.chunks import Chunk
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
