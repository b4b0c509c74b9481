"""`elman annotate --engine ray` on a folder of Parquet: rows a second and start-up, against the local engine.

    python benchmarks/cluster.py [--nana WHEEL] [--rows 1048576] [--processes 1 2] [--rounds 2]

The tables have an id, a name and a city. The names are made up, or the full names in the wheel of name2nat 0.5.1. By
turns, each engine annotates the same folder with each number of processes on as many cores, which Ray's own processes
share; medians are shown. The rate leaves out the first piece of each process; the start-up is the rest of the whole
time. The last line is what a billion rows would take at the rate of one process of Ray. The cores must be idle.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from annotate import memory_of
from names import make_up_names, read_nana

from elman.annotation.annotator import AnnotateConfig, Annotator, Progress
from elman.annotation.cluster import annotate_cluster
from elman.annotation.local import annotate_folder
from elman.prediction.predictor import load

FILE_ROWS = 131_072
BILLION = 1_000_000_000
ENGINES = {"local": annotate_folder, "ray": annotate_cluster}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nana", type=Path, help="the wheel of name2nat 0.5.1")
    parser.add_argument("--rows", type=int, default=8 * FILE_ROWS)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.rows < 2 * FILE_ROWS * max(arguments.processes):
        parser.error(f"--rows: expected at least two files of {FILE_ROWS:,} for each process; got {arguments.rows:,}")
    pairs = read_nana(arguments.nana) if arguments.nana else make_up_names(arguments.rows)
    names = [name for name, _ in pairs[: arguments.rows]]
    with tempfile.TemporaryDirectory(prefix="elman-benchmark-") as folder:
        write_tables(Path(folder) / "in", names)
        compare(Path(folder), len(names), arguments.processes, arguments.rounds)


def write_tables(folder: Path, names: list[str]) -> None:
    folder.mkdir()
    for start in range(0, len(names), FILE_ROWS):
        part = names[start : start + FILE_ROWS]
        table = pa.table({"id": range(start, start + len(part)), "name": part, "city": ["Köln, Nippes"] * len(part)})
        pq.write_table(table, folder / f"part-{start // FILE_ROWS:05}.parquet", compression="zstd")


def compare(folder: Path, rows: int, counts: list[int], rounds: int) -> None:
    tables, out = {str(path): path.name for path in sorted((folder / "in").iterdir())}, folder / "out"
    measured: dict[tuple[str, int], list[tuple[float, ...]]] = {}
    for _ in range(rounds):
        for engine, count in ((engine, count) for count in counts for engine in ENGINES):
            with limit_cores(count), closing(load("languages")) as predictor:
                steps = ENGINES[engine](Annotator(predictor, AnnotateConfig()), tables, out, processes=count)
                measured.setdefault((engine, count), []).append(measure(steps, count))
            written = size_of(out)
            shutil.rmtree(out)
    medians = {
        way: [statistics.median(values) for values in zip(*found, strict=True)] for way, found in measured.items()
    }
    print(f"{rows:,} rows in {len(tables)} files of Parquet, medians of {rounds}")
    print("engine  processes  whole job, s  start-up, s  rows a second  memory of all, MB")
    for (engine, count), (whole, start, rate, memory) in medians.items():
        print(f"{engine:6}  {count:9}  {whole:12.1f}  {start:11.1f}  {rate:13,.0f}  {memory:17,.0f}")
    rate, read = medians["ray", counts[0]][2] / counts[0], size_of(folder / "in")
    print(f"bytes a row: {read / rows:.1f} read, {written / rows:.1f} written")
    print(
        f"a billion rows: {BILLION / rate / 3600:.1f} core-hours at {rate:,.0f} rows a second and core; "
        f"{read / rows:.0f} GB to read, {written / rows:.0f} GB to write"
    )


def measure(steps: Iterator[Progress], count: int) -> tuple[float, float, float, float]:
    """Return the seconds of a whole job, those of its start-up, its rows a second, and its peak memory, MB."""
    started = time.perf_counter()
    progress = [(time.perf_counter() - started, step.summary.rows, memory_of(os.getpid())) for step in steps]
    (first, before, _), (last, rows, _), (whole, _, _) = progress[count - 1], progress[-2], progress[-1]
    rate = (rows - before) / (last - first)
    return whole, whole - rows / rate, rate, max(memory for _, _, memory in progress)


@contextmanager
def limit_cores(count: int) -> Iterator[None]:
    """Limit this process, and those it starts, to this many cores."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


if __name__ == "__main__":
    main()
