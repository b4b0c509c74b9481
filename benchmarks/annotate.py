"""`elman annotate` on large tables: rows a second of the whole command and of the scorer alone, and its memory.

    python benchmarks/annotate.py [--nana WHEEL] [--rows 1000000] [--times 1] [--rounds 2] [--fasttext FILE]

The table has four columns. The names are made up, or the full names in the wheel of name2nat 0.5.1. The scorer alone is
`Scorer.best` of the same model, the default one, on the same names, encoded beforehand, in a process of its own with as
many threads as cores; the command reads a CSV, answers, and writes a CSV. They run by turns.

FILE is a model of fastText, as `release.origins.measure` keeps it in its folder rivals. A script reads the same CSV,
calls fastText once for all names, and writes the same columns; the whole script is timed, by turns with the others.

`--times 10` also annotates a table ten times as long and compares the peak memory of the command, all its processes
together.
"""

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from names import make_up_names, read_nana

from elman.scoring.processor import cores

ALONE = """
import sys, time
import numpy as np
import elman
from elman.scoring.processor import cores
predictor = elman.load()
names = open(sys.argv[1], encoding="utf-8", newline="\\n").read().split("\\n")[:-1]
_, strings, reasons = predictor.reader.encode_all(names)
strings = strings.select(np.flatnonzero([reason is None for reason in reasons]))
predictor.scorer.best(strings.select(np.arange(2000)), top=1)
started = time.perf_counter()
predictor.scorer.best(strings, top=1, threads=cores())
print(len(names) / (time.perf_counter() - started))
"""

SCRIPT = """
import csv, sys, unicodedata
import fasttext
fasttext.FastText.eprint = lambda *_: None
with open(sys.argv[2], encoding="utf-8", newline="") as file:
    header, *rows = csv.reader(file)
place = header.index("name")
names = [unicodedata.normalize("NFKC", row[place]).lower() for row in rows]
labels, chances = fasttext.load_model(sys.argv[1]).predict(names)
with open(sys.argv[3], "w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file)
    writer.writerow([*header, "label", "probability"])
    for row, label, chance in zip(rows, labels, chances, strict=True):
        best = [label[0].removeprefix("__label__"), f"{chance[0]:.6f}"] if len(label) else ["", ""]
        writer.writerow([*row, *best])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nana", type=Path, help="the wheel of name2nat 0.5.1")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--times", type=int, default=1, help="length of a second table, as a multiple of the first; 1: no second table"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--fasttext", type=Path, metavar="FILE", help="a model of fastText, to compare with")
    arguments = parser.parse_args()
    pairs = read_nana(arguments.nana) if arguments.nana else make_up_names(arguments.rows)
    names = [name for name, _ in pairs[: arguments.rows]]
    with tempfile.TemporaryDirectory(prefix="elman-benchmark-") as folder:
        compare(names, Path(folder), arguments.rounds, arguments.times, arguments.fasttext)


def compare(names: list[str], folder: Path, rounds: int, times: int, rival: Path | None) -> None:
    table, lines = folder / "people.csv", folder / "names.txt"
    write_table(table, names)
    lines.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    alone, whole, peaks, rivals = [], [], [], []
    for _ in range(rounds):
        result = subprocess.run([sys.executable, "-P", "-c", ALONE, lines], capture_output=True, text=True, check=True)
        alone.append(float(result.stdout))
        seconds, peak = annotate(table)
        whole.append(len(names) / seconds)
        peaks.append(peak)
        if rival is not None:
            rivals.append(len(names) / time_script(rival, table))
    print(f"{len(names):,} rows, {cores()} cores, medians of {rounds}")
    print(f"the scorer alone: {statistics.median(alone):,.0f} names a second")
    print(f"elman annotate, the whole command: {statistics.median(whole):,.0f} rows a second")
    print(f"ratio: {statistics.median(whole) / statistics.median(alone):.0%}")
    if rivals:
        print(f"the script with fastText: {statistics.median(rivals):,.0f} rows a second")
        print(f"ratio: {statistics.median(whole) / statistics.median(rivals):.2f}")
    print(f"peak memory, all processes: {max(peaks):,.0f} MB")
    if times > 1:
        write_table(table, (name for _ in range(times) for name in names))
        seconds, peak = annotate(table)
        print(
            f"{times * len(names):,} rows: {times * len(names) / seconds:,.0f} rows a second, {peak:,.0f} MB, "
            f"{peak / max(peaks):.2f} times as much"
        )


def write_table(path: Path, names: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "city", "joined"])
        writer.writerows((f"{k:08}", name, "Köln, Nippes", "2024-05-17") for k, name in enumerate(names))


def annotate(table: Path) -> tuple[float, float]:
    """Return the seconds of the whole command, and the peak memory of all its processes together, MB."""
    out = table.with_name("out.csv")
    command = [sys.executable, "-P", "-m", "elman", "annotate", str(table), str(out), "--overwrite"]
    started, peak = time.perf_counter(), 0.0
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.1)
        if process.returncode:
            raise SystemExit(process.stderr.read() if process.stderr else "annotate failed")
    seconds = time.perf_counter() - started
    check_rows(table, out)
    return seconds, peak


def time_script(model: Path, table: Path) -> float:
    """Return the seconds of the whole script that annotates with fastText."""
    out, started = table.with_name("rival.csv"), time.perf_counter()
    done = subprocess.run([sys.executable, "-P", "-c", SCRIPT, model, table, out], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stderr[-300:]}\nis fastText installed? pip install fasttext-numpy2-wheel")
    seconds = time.perf_counter() - started
    check_rows(table, out)
    return seconds


def check_rows(table: Path, out: Path) -> None:
    with table.open("rb") as rows, out.open("rb") as answers:
        if sum(1 for _ in rows) != sum(1 for _ in answers):
            raise SystemExit("a row was lost")


def memory_of(pid: int) -> float:
    """Return the resident memory of a process and those it started, MB; shared pages count in each."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (OSError, ValueError):
        return 0.0
    return pages * 4096 / 1e6 + sum(map(memory_of, children))


if __name__ == "__main__":
    main()
