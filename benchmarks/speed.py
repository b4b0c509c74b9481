"""The whole speed table: Elman beside torch, ONNX Runtime and fastText, in one run.

    python benchmarks/speed.py --data FOLDER                       on the 18-language names alone
    python benchmarks/speed.py --data FOLDER --nana WHEEL          and on a million full names
    python benchmarks/speed.py --data FOLDER --nana WHEEL --parts scaling --plot scaling.png
    python benchmarks/speed.py --names 500 --rounds 1 --seconds 0.2    a look at whether everything runs

WHEEL is what `pip download --no-deps name2nat==0.5.1` leaves; it is read, never run. ONNX Runtime and fastText are
left out where they are not installed: pip install onnx onnxruntime fasttext-numpy2-wheel.

The parts: training, names a second on the 18 languages; scoring, ids to logits with the same weights, and the shipped
model; fasttext, strings to labels; memory, the peak of a fresh process that answers for a million names; growth, ten
thousand names against a million; scaling, over names and hidden sizes.

Each way has a process of its own with as many cores as threads; it rests while the others work, warms up, and is timed
by turns; medians are compared. Right after each turn the process measures how fast its libraries multiply matrices with
the same threads: the share of that rate is of the products that must be done, so it errs on the low side. Ways of
scoring must give Elman's logits within 1e-4, or they are not timed.

Two threads need two idle cores: torch's threads wait for each other without sleep, so whatever else runs on the machine
can slow them, in Elman's training too, many times over.
"""

import argparse
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import cached_property
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from names import (
    NameSet,
    distinct_beginnings,
    distinct_endings,
    made_up_names,
    read_languages,
    read_nana,
    save_names,
)
from threadpoolctl import threadpool_info
from ways import CLOSE, Job, LeftOutError, Work

COMPARED, MANY = 200_000, 1_000_000
"""Names that ways are compared on, and names of the parts that are about many; ``--names`` lowers both."""

NANA_LABELS = 176
SAMPLE = 1000
"""Names whose logits are compared after the timed rounds."""

PRODUCTS = ((512, 128, 384), (4096, 128, 384), (1024, 1024, 1024))
"""Rows, inner size and columns of the products whose best rate is the yardstick: two of a GRU's step, one large."""

PACKAGES = ("elman", "numpy", "torch", "onnxruntime", "fasttext-numpy2-wheel", "fasttext-wheel", "fasttext")
GATES = {"gru": 3, "lstm": 4}

Rounds = list[dict[str, Any]]
"""What a way's process said after each of its turns."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the 18-language names; downloaded where it is not given")
    parser.add_argument("--nana", type=Path, metavar="WHEEL", help="the wheel of name2nat 0.5.1")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--names", type=int, help=f"at most; {COMPARED:,}, or {MANY:,} where a part is about many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=6.0, help="of training in a round, at least; of scoring a third"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the part scaling")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way is not None:
        serve(Job(**json.loads(arguments.way)))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the folder of names goes too
    with tempfile.TemporaryDirectory() as scratch:
        print(heading(arguments), flush=True)
        bench = Bench(arguments, Path(scratch))
        for part in arguments.parts:
            PARTS[part](bench)


class Bench:
    """What all parts share: the names, and how they are compared.

    Args:
        arguments: of the command line.
        scratch: a folder for names and samples.
    """

    def __init__(self, arguments: argparse.Namespace, scratch: Path) -> None:
        self.threads, self.rounds, self.seconds = arguments.threads, arguments.rounds, arguments.seconds
        self.limit, self.plot = arguments.names, arguments.plot
        self._data, self._wheel, self._scratch = arguments.data, arguments.nana, scratch

    @cached_property
    def languages(self) -> NameSet:
        """The names of 18 languages, normalised."""
        return self._saved("languages", read_languages(self._data)[0])

    @cached_property
    def raw_languages(self) -> NameSet:
        """The same as they stand in their files."""
        return self._saved("raw languages", read_languages(self._data)[1])

    @cached_property
    def nana(self) -> NameSet | None:
        """NaNa's full names, where there are any."""
        return None if self._wheel is None else self._saved("NaNa", read_nana(self._wheel))

    @cached_property
    def many(self) -> NameSet:
        """NaNa's names, or made-up ones with as many labels."""
        return self.nana or self._saved("made-up", made_up_names(min(MANY, self.limit or MANY)), NANA_LABELS)

    def sample(self, number: int) -> str:
        """Return the name of a file for some of a way's answers."""
        return str(self._scratch / f"sample {number}.npy")

    def _saved(self, name: str, pairs: list[tuple[str, str]], labels: int | None = None) -> NameSet:
        tell(f"{len(pairs):,} names: {name}")
        return NameSet(save_names(self._scratch / name, pairs, labels=labels), len(pairs))

    def cut(self, names: NameSet, count: int) -> NameSet:
        """Return the first names of a set, as many as asked for, ``--names`` allows and there are."""
        return NameSet(names.folder, min(names.count, count, self.limit or count))

    def job(self, way: str, names: NameSet, threads: int, **settings: Any) -> Job:
        """Return what a process is asked to do; rounds last a third of ``--seconds`` where nothing else is said."""
        return Job(way, str(names.folder), names.count, threads, **{"seconds": self.seconds / 3, **settings})

    def compare(self, jobs: Mapping[str, Job], *, rounds: int | None = None) -> dict[str, Rounds]:
        """Time ways by turns.

        Args:
            jobs: each way's name and what its process does.
            rounds: turns of each; ``--rounds`` where None.

        Returns:
            What the processes said in each round, for the ways that could be timed.
        """
        turns: dict[str, Rounds] = {}
        with ExitStack() as stack:
            workers = {}
            for name, job in jobs.items():
                worker, ready = stack.enter_context(worker_of(job))
                if "left out" in ready:
                    print(f"\n{name} was left out: {ready['left out']}", flush=True)
                else:
                    workers[name], turns[name] = worker, []
            for turn in range(rounds or self.rounds):
                for name, worker in list(workers.items()):
                    said = asked(worker)
                    if "left out" in said:
                        print(f"\n{name} was left out: {said['left out']}", flush=True)
                        del workers[name], turns[name]
                        continue
                    turns[name].append(said)
                    tell(f"round {turn + 1}: {name}, {jobs[name].threads} thr., {said['rate']:,.0f} names a second")
        return turns


def training(bench: Bench) -> None:
    """Names a second of training, in whole epochs."""
    ways = {
        "Elman's loop": "torch_ways:elman_training",
        "exact-length batches, torch's layer": "torch_ways:exact_training",
        "DataLoader, padded and packed": "torch_ways:padded_training",
        "one name a step": "torch_ways:tutorial_training",
    }
    names = bench.cut(bench.languages, COMPARED)
    symbols = names.encoded()[1].mean()
    for cell, size in (("gru", 128), ("gru", 256), ("lstm", 128)):
        # Nominal: the recurrent products of one pass forward and two back, of each symbol and direction. The input
        # side is a look-up, as good as free, and the first step's state is zero.
        work = symbols * 2 * 3 * (2 * GATES[cell] * size * size)
        for threads in bench.threads:
            settings = {"cell": cell, "hidden_size": size, "seconds": bench.seconds}
            turns = bench.compare({name: bench.job(way, names, threads, **settings) for name, way in ways.items()})
            title = f"Training, {cell.upper()} of {size} in both directions, 18 languages, {counted(threads)}"
            print_table(title, turns, ours=["Elman's loop"], work=work, library="torch")


def scoring(bench: Bench) -> None:
    """Ids to logits with the same random weights, then the shipped model."""
    ways = {
        "Elman": "ways:elman_scoring",
        "torch, exact-length batches": "torch_ways:exact_scoring",
        "torch, padded and packed": "torch_ways:padded_scoring",
        "ONNX Runtime, exact-length batches": "ways:onnx_scoring",
    }
    names = bench.cut(bench.nana or bench.languages, COMPARED)
    work, facts = least_work(names)
    of = "full names of NaNa" if bench.nana else "names of 18 languages"
    for threads in bench.threads:
        samples = {name: bench.sample(k) for k, name in enumerate(ways)}
        jobs = {name: bench.job(way, names, threads, sample=samples[name]) for name, way in ways.items()}
        turns = bench.compare(jobs)
        title = f"Scoring {names.count:,} {of}, GRU of 128 in both directions, {counted(threads)}"
        print_table(title, turns, ours=["Elman"], work=work, library="numpy", notes=[facts, furthest(samples)])
    raw = bench.cut(bench.raw_languages, COMPARED)
    shipped = {
        "ids to logits": "ways:elman_shipped_logits",
        "strings to records": "ways:elman_shipped_records",
        "strings to columns": "ways:elman_shipped_columns",
    }
    for threads in bench.threads:
        if threads > 1:
            shipped[f"strings to columns, {threads} processes"] = "ways:elman_shipped_shared"
        turns = bench.compare({name: bench.job(way, raw, threads) for name, way in shipped.items()})
        print_table(f"The shipped model, {raw.count:,} names of 18 languages, {counted(threads)}", turns)


def fasttext(bench: Bench) -> None:
    """Strings to the most likely label, many in one call."""
    sets = {"names of 18 languages": (bench.raw_languages, "ways:elman_shipped_labels")}
    if bench.nana:
        sets["full names of NaNa"] = (bench.nana, "ways:elman_random_labels")
    for of, (names, elmans) in sets.items():
        names = bench.cut(names, COMPARED)
        for threads in bench.threads:
            name = "fastText" if threads == 1 else f"fastText, {threads} processes"
            ways = {"Elman": elmans, name: "ways:fasttext_labels"}
            turns = bench.compare({name: bench.job(way, names, threads) for name, way in ways.items()})
            model = "the shipped model" if names.folder == bench.raw_languages.folder else "random weights, H 128"
            title = f"Strings to labels, {names.count:,} {of}, {model}, {counted(threads)}"
            notes = ["Peak memory is of one process."] if threads > 1 else []
            print_table(title, turns, ours=["Elman"], notes=notes)


def memory(bench: Bench) -> None:
    """The peak of a fresh process that answers for many names in one call."""
    names, threads = bench.cut(bench.many, MANY), max(bench.threads)
    ways = {
        "the shipped model, strings to columns": "ways:elman_shipped_columns",
        f"GRU of 128, {names.labels} labels, ids to the three best": "ways:elman_best",
    }
    rows = []
    for name, way in ways.items():
        jobs = {name: bench.job(way, names, threads, seconds=0, warm_up=False)}
        for said in bench.compare(jobs, rounds=1).get(name, []):
            rows.append([name, f"{said['before_mb']:,.0f} MB", f"{said['peak_mb']:,.0f} MB", f"{said['rate']:,.0f}"])
    print_markdown(
        f"Peak memory of {names.count:,} names in one call, a fresh process, {counted(threads)}",
        ["call", "before, names and model loaded", "peak", "names a second"],
        rows,
    )


def growth(bench: Bench) -> None:
    """Elman's names a second on few names and on many."""
    few, many = (bench.cut(bench.many, count) for count in (10_000, MANY))
    rows = []
    for threads in bench.threads:
        jobs = {of: bench.job("ways:elman_scoring", names, threads) for of, names in (("few", few), ("many", many))}
        turns = bench.compare(jobs, rounds=min(bench.rounds, 3))
        if turns.keys() == jobs.keys():
            rates = {of: median(rounds) for of, rounds in turns.items()}
            figures = f"{rates['few']:,.0f}", f"{rates['many']:,.0f}", f"{rates['many'] / rates['few']:.2f} ×"
            rows.append([str(threads), *figures])
    header = ["threads", *(f"names a second at {names.count:,}" for names in (few, many)), "ratio"]
    print_markdown(f"Elman's scoring, few names and many, GRU of 128, {few.labels} labels", header, rows)


def scaling(bench: Bench) -> None:
    """Elman's scoring beside torch's over names, hidden sizes and threads."""
    ways = {"Elman": "ways:elman_scoring", "torch": "torch_ways:exact_scoring"}
    points = [(count, 128) for count in (1000, 10_000, 100_000, MANY)]
    points += [(100_000, size) for size in (32, 64, 256, 512)]
    found: dict[tuple[int, int, int], dict[str, float]] = {}
    for threads in bench.threads:
        for count, size in points:
            names = bench.cut(bench.many, count)
            if (threads, names.count, size) in found:
                continue
            jobs = {name: bench.job(way, names, threads, hidden_size=size) for name, way in ways.items()}
            turns = bench.compare(jobs, rounds=min(bench.rounds, 3))
            found[threads, names.count, size] = {name: median(rounds) for name, rounds in turns.items()}
    rows = [
        [f"{count:,}", str(size), str(threads), *(f"{rates[way]:,.0f}" for way in ways), ratio_of(rates, "torch")]
        for (threads, count, size), rates in sorted(found.items(), key=lambda item: (item[0][2], *item[0]))
        if rates.keys() >= ways.keys()
    ]
    header = ["names", "hidden size", "threads", "Elman, names a second", "torch, exact-length", "Elman against it"]
    print_markdown(
        f"Scoring over names and hidden sizes, GRU in both directions, {bench.many.labels} labels", header, rows
    )
    if bench.plot is not None:
        draw(found, bench.plot)


PARTS: dict[str, Callable[[Bench], None]] = {
    part.__name__: part for part in (training, scoring, fasttext, memory, growth, scaling)
}


def serve(job: Job) -> None:
    """Be the process of one way: set up, warm up, and for each line on standard input do a round and report it."""
    if hasattr(os, "sched_setaffinity"):  # as many cores as threads, whatever a way takes on its own
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-job.threads :])
    module, function = job.way.split(":")
    try:
        work: Work = getattr(import_module(module), function)(job)
    except LeftOutError as reason:
        print(json.dumps({"left out": str(reason)}), flush=True)
        return
    if job.warm_up:
        (work.warm_up or work.run)()
    before = peak_megabytes()
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        rate, answer = timed(work, job.seconds)
        peak = peak_megabytes()  # before the matrices below
        if job.sample:
            np.save(job.sample, answer[_sampled(job.count)])
        del answer
        kernels = sorted(
            {f"{pool['internal_api']} {pool.get('architecture', '')}".strip() for pool in threadpool_info()}
        )
        said = {"rate": rate, "before_mb": before, "peak_mb": peak, "kernels": kernels, "facts": work.facts}
        print(json.dumps(said | {"gflops": product_rates()}), flush=True)


def timed(work: Work, seconds: float) -> tuple[float, Any]:
    """Repeat whole passes until the seconds are over; return names a second and the last answer."""
    started, passes = time.perf_counter(), 0
    while True:
        answer = work.run()
        passes += 1
        spent = time.perf_counter() - started
        if spent >= seconds:
            return passes * work.count / spent, answer


def product_rates() -> dict[str, float]:
    """Return the best rate of float32 products of each library that is loaded, GFLOP/s, as things are right now."""
    rates = {"numpy": max(_product_rate(*_numpy_product(*shape)) for shape in PRODUCTS)}
    if "torch" in sys.modules:
        rates["torch"] = max(_product_rate(*_torch_product(*shape)) for shape in PRODUCTS)
    return rates


def _numpy_product(rows: int, inner: int, columns: int) -> tuple[Callable[[], Any], int]:
    left, right = np.ones((rows, inner), np.float32), np.ones((inner, columns), np.float32)
    out = np.empty((rows, columns), np.float32)
    return lambda: np.matmul(left, right, out=out), 2 * rows * inner * columns


def _torch_product(rows: int, inner: int, columns: int) -> tuple[Callable[[], Any], int]:
    import torch

    left, right, out = torch.ones(rows, inner), torch.ones(inner, columns), torch.empty(rows, columns)
    return lambda: torch.mm(left, right, out=out), 2 * rows * inner * columns


def _product_rate(product: Callable[[], Any], operations: int, *, seconds: float = 0.15) -> float:
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - started)
    return operations / best / 1e9


def peak_megabytes() -> float:
    """Return the most memory that this process has held, MB.

    What `getrusage` says of a process can go back to the one that started it, so Linux is asked for this one's own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@contextmanager
def worker_of(job: Job) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Start the process of a way, and end it; yield it with the first thing it says."""
    threads = {name: str(job.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, __file__, "--way", json.dumps(asdict(job))]
    worker = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads}
    )
    try:
        yield worker, heard(worker)
    finally:
        with suppress(BrokenPipeError):
            worker.stdin.close()  # its loop ends with its input, and its own processes with it
        worker.wait()


def asked(worker: subprocess.Popen[str]) -> dict[str, Any]:
    """Let a process work for a round; return what it says."""
    worker.stdin.write("go\n")
    worker.stdin.flush()
    return heard(worker)


def heard(worker: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the next thing that a process says."""
    line = worker.stdout.readline()
    return json.loads(line) if line else {"left out": "its process ended; see the messages above"}


def least_work(names: NameSet) -> tuple[float, str]:
    """Return the least operations that scoring a name can take, on average, and how they come about.

    A lower bound, counted apart from Elman's code: every distinct beginning, and in the other direction ending, that a
    name goes on from is multiplied once, and every name's states with the head. What is really multiplied is more, for
    work is cut into blocks that each begin anew; so the share of the product rate is rather understated.
    """
    texts, lengths = names.texts(), names.encoded()[1]
    states = distinct_beginnings(texts) + distinct_endings(texts)
    recurrent, head = states * 2 * 3 * 128 * 128, len(texts) * 2 * 2 * 128 * names.labels
    plain = 2 * int((lengths - 1).sum())
    facts = (
        f"{int(lengths.sum()):,} symbols; {plain:,} recurrent steps after the first, of which {states:,} are distinct; "
        f"at least {(recurrent + head) / len(texts) / 1e6:.2f} MFLOP a name."
    )
    return (recurrent + head) / len(texts), facts


def furthest(samples: Mapping[str, str]) -> str:
    """Return what is to be said of how far each way's logits are from the first one's, in the names timed last."""
    found = {name: np.load(file) for name, file in samples.items() if Path(file).exists()}
    first = next(iter(samples))
    if first not in found:
        return "Logits were not compared."
    apart = {name: np.abs(found[name] - found[first]).max() for name in found if name != first}
    said = [f"{name} {far:.1e}{'' if far <= CLOSE else ' (NOT the same answers)'}" for name, far in apart.items()]
    return f"Largest difference from {first}'s logits, {len(found[first]):,} names: {'; '.join(said)}."


def _sampled(count: int) -> np.ndarray:
    return np.random.default_rng(1).choice(count, min(count, SAMPLE), replace=False)


def print_table(
    title: str,
    turns: Mapping[str, Rounds],
    *,
    ours: Sequence[str] = (),
    work: float | None = None,
    library: str = "numpy",
    notes: Sequence[str] = (),
) -> None:
    """Print ways side by side.

    Args:
        title: what is compared.
        turns: what each way's process said.
        ours: the ways that the others are compared with, and whose share of the product rate is told.
        work: operations of products for each name, of those.
        library: whose product rate that share is of.
        notes: sentences under the table.
    """
    rates = {name: median(rounds) for name, rounds in turns.items()}
    rows = []
    for name, rounds in turns.items():
        of_round = sorted(said["rate"] for said in rounds)
        share = "–"
        if name in ours and work is not None:
            shares = [said["rate"] * work / said["gflops"][library] / 1e9 for said in rounds]
            share = f"{statistics.median(shares):.0%}"
        rows.append([
            f"**{name}**" if name in ours else name,
            f"{rates[name]:,.0f}",
            f"{of_round[0]:,.0f}–{of_round[-1]:,.0f}",
            "–" if name in ours or not ours else ratio_of(rates, name, ours[0]),
            f"{max(said['peak_mb'] for said in rounds):,.0f} MB",
            share,
        ])  # fmt: skip
    header = ["way", "names a second", "lowest to highest", "Elman against it", "peak memory", "of the product rate"]
    print_markdown(title, header, rows, notes=[*notes, *said_of_processes(turns)])


def ratio_of(rates: Mapping[str, float], name: str, ours: str = "Elman") -> str:
    """Return how many times as fast Elman is as another way, and which of them is ahead."""
    if ours not in rates:
        return "–"
    ratio = rates[ours] / rates[name]
    return f"{ratio:.2f} × {'ahead' if ratio >= 1 else '(behind)'}"


def said_of_processes(turns: Mapping[str, Rounds]) -> list[str]:
    """Return sentences on the product rates, the kernels and the facts of all ways of a table."""
    rates: dict[str, list[float]] = {}
    for rounds in turns.values():
        for said in rounds:
            for library, rate in said["gflops"].items():
                rates.setdefault(library, []).append(rate)
    spans = [
        f"{library} {statistics.median(found):,.0f} ({min(found):,.0f}–{max(found):,.0f})"
        for library, found in rates.items()
    ]
    lines = [f"Matrix products in those minutes, GFLOP/s: {', '.join(spans)}."] if spans else []
    kernels = sorted({", ".join(rounds[-1]["kernels"]) for rounds in turns.values()} - {""})
    lines += [f"Libraries with threads: {'; or '.join(kernels)}."] if kernels else []
    facts = {fact: value for rounds in turns.values() for fact, value in rounds[-1]["facts"].items()}
    return lines + [f"{fact}: {value}." for fact, value in facts.items()]


def print_markdown(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, notes: Sequence[str] = ()
) -> None:
    """Print a table as aligned Markdown, its first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print(f"\n### {title}\n")
    for row in (header, None, *rows):
        if row is None:
            cells = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        else:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        print(f"| {' | '.join(cells)} |")
    if notes:
        print()
    for note in notes:
        print(f"- {note}")
    sys.stdout.flush()


def draw(found: Mapping[tuple[int, int, int], Mapping[str, float]], file: Path) -> None:
    """Draw names a second over names and over hidden sizes, a line for each way and number of threads."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    most = min(100_000, max(count for _, count, _ in found))
    panels = (
        ("names", lambda count, size: count if size == 128 else None, "hidden size 128"),
        ("hidden size", lambda count, size: size if count == most else None, f"{most:,} names"),
    )
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for axis, (label, place, title) in zip(axes, panels, strict=True):
        for way, colour in (("Elman", "#0b6e4f"), ("torch", "#8a8d91")):
            for threads in sorted({threads for threads, _, _ in found}):
                points = sorted(
                    (place(count, size), rates[way])
                    for (k, count, size), rates in found.items()
                    if k == threads and place(count, size) is not None and way in rates
                )
                style = {"color": colour, "linestyle": "--" if threads == 1 else "-", "marker": "o", "markersize": 3.5}
                axis.plot(*zip(*points, strict=True), label=f"{way}, {counted(threads)}", **style)
        axis.set(xscale="log", yscale="log", xlabel=label, title=title)
        places = sorted({place(count, size) for _, count, size in found} - {None})
        axis.set_xticks(places, [f"{x:,}" for x in places])
        axis.xaxis.minorticks_off()
        axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:,.0f}")
        axis.yaxis.minorticks_off()
        axis.grid(visible=True, color="#e6e6e6", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("names a second")
    axes[1].legend(frameon=False, fontsize="small")
    figure.savefig(file, dpi=160)


def heading(arguments: argparse.Namespace) -> str:
    """Return versions and the processor, as the first lines of the table."""
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    kernels = [
        f"{pool['internal_api']} {pool.get('version')} {pool.get('architecture')}"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]
    return (
        f"{processor_name()}, {os.cpu_count()} cores; numpy's products: {', '.join(kernels) or 'unknown'}\n"
        f"{', '.join(versions)}\n"
        f"threads {', '.join(map(str, arguments.threads))}; medians of {arguments.rounds} by turns"
    )


def processor_name() -> str:
    """Return the processor's name where the system tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def median(rounds: Rounds) -> float:
    """Return the median of a way's names a second."""
    return statistics.median(said["rate"] for said in rounds)


def counted(threads: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}"


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
