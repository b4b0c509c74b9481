"""A program that reads copies of a Parquet file, each with one other bit: ``damaged_parquet.py FILE FIRST STEP``.

It prints how many were read, refused, and failed otherwise. A crash ends it.
"""

import io
import sys
from collections import Counter
from pathlib import Path

from table_memory import NoFile

from elman.errors import ElmanError
from elman.tables.columnar.parquet import ParquetSource
from elman.tables.formats import format_of
from elman.tables.sinks import sink_for


def read(content: bytes) -> str:
    try:
        source = ParquetSource(io.BytesIO(content), "a.parquet", "name", skip=True)
        sink = sink_for(format_of("a.csv"), source, {"new": str})
        with sink.writer(NoFile()) as append:  # type: ignore[arg-type]
            for chunk in source.chunks():
                append(sink.part(chunk, {"new": [None] * len(chunk.names)}))
    except ElmanError as error:
        return "refused" if "\n" not in str(error) else f"several lines: {error}"
    except Exception as error:  # what is tested
        return f"failed: {error!r}"
    return "read"


def main(path: str, first: str, step: str) -> None:
    content = Path(path).read_bytes()
    counts: Counter[str] = Counter()
    for place in range(int(first), len(content), int(step)):
        for bit in (0, 2, 7):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            counts[read(bytes(damaged))] += 1
    print(dict(counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
