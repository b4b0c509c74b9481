"""A program that converts tables, each in a process of its own, and prints by how many MiB its memory grew.

It reads lines of a path, a tab and a format, and answers each with a line of the growth and the outcome.
"""

import io
import os
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


def measure(path: str, target: str) -> str:
    """Return by how many MiB the memory of this process grows, and what becomes of the table."""
    before = read_status("VmRSS")
    try:
        convert(path, target)
        outcome = "written"
    except ElmanError as error:
        outcome = str(error)
    return f"{(read_status('VmHWM') - before) // 1024} {outcome}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(pa.table({"name": ["abc"], "x": [[1]]}), Path(folder) / "a.parquet")
        for target in ("csv", "jsonl", "parquet"):
            convert(str(Path(folder) / "a.parquet"), target)  # loads what every conversion needs
    for line in sys.stdin:
        if not (child := os.fork()):  # a new process has the memory of this one, and no peak of an earlier table
            print(measure(*line.rstrip("\n").split("\t")), flush=True)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            print("0 the process failed", flush=True)


if __name__ == "__main__":
    main()
