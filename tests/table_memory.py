"""A program that converts a table, and prints by how many MiB its memory grew: ``table_memory.py TABLE FORMAT``."""

import io
import re
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from elman.errors import ElmanError
from elman.tables.chunks import cut_chunk
from elman.tables.formats import format_of
from elman.tables.sinks import sink_for
from elman.tables.sources import open_source


class NoFile(io.RawIOBase):
    """A file that forgets what is written to it."""

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        return memoryview(content).nbytes  # type: ignore[arg-type]


def convert(path: str, target: str) -> None:
    form = format_of("", target)
    with open_source([path], column="name", typed=form.kind != "jsonl", skip=True) as source:
        sink = sink_for(form, source, {"new": str})
        with sink.writer(NoFile()) as append:  # type: ignore[arg-type]
            for chunk in source.chunks():
                for part in cut_chunk(chunk):
                    part.digest()
                    append(sink.part(part, {"new": [None] * len(part.names)}))


def read_status(name: str) -> int:
    """Return a size in KiB: ``VmRSS`` is the memory of this process now, ``VmHWM`` the most so far."""
    (size,) = re.findall(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(size)


def main(path: str, target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(pa.table({"name": ["abc"], "x": [[1]]}), Path(folder) / "a.parquet")
        convert(str(Path(folder) / "a.parquet"), target)  # loads what every conversion needs
    before = read_status("VmRSS")
    try:
        convert(path, target)
        outcome = "written"
    except ElmanError as error:
        outcome = str(error)
    print((read_status("VmHWM") - before) // 1024, outcome)


if __name__ == "__main__":
    main(*sys.argv[1:])
