"""The whole speed table: Elman beside torch, ONNX Runtime and fastText, in one run.

    python benchmarks/speed.py --data FOLDER                       on the 18-language names alone
    python benchmarks/speed.py --data FOLDER --nana WHEEL          and on a million full names
    python benchmarks/speed.py --data FOLDER --nana WHEEL --parts scaling --plot scaling.png
    python benchmarks/speed.py --names 500 --rounds 1 --seconds 0.2    a look at whether everything runs

WHEEL is what `pip download --no-deps name2nat==0.5.1` saves; it is read, never run. ONNX Runtime and fastText are
left out if they are not installed: pip install onnx onnxruntime fasttext-numpy2-wheel.

The parts: training, names a second on the 18 languages; scoring, ids to logits with the same weights, and the shipped
model; fasttext, strings to labels; memory, the peak of a new process that answers for a million names; growth, ten
thousand names against a million; scaling, over names and hidden sizes.

Each way has a process of its own with as many cores as threads (`harness.py`): it warms up, and is timed by turns while
the others wait; medians are compared. Right after each turn the process measures how fast its libraries multiply
matrices with the same threads. The share of that rate counts only products that cannot be avoided, so it is a lower
bound. Ways of scoring must give Elman's logits within 1e-4, or they are not timed.

Two threads need two idle cores: torch's threads wait for each other in a busy loop, so any other load on the machine
can slow them many times over, in Elman's training too.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from harness import Report, compare, log, median_rate
from names import (
    NameSet,
    count_distinct_beginnings,
    count_distinct_endings,
    make_up_names,
    read_languages,
    read_nana,
    save_names,
)
from report import (
    count_threads,
    describe_differences,
    describe_machine,
    describe_ratio,
    draw_scaling,
    print_markdown,
    print_table,
)
from ways import Job

from elman.model.shipped import DEFAULT_MODEL

COMPARED, MANY = 200_000, 1_000_000
"""Names that ways are compared on, and names of the parts that are about many; ``--names`` lowers both."""

NANA_LABELS = 176
GATES = {"gru": 3, "lstm": 4}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the 18-language names; downloaded if missing")
    parser.add_argument("--nana", type=Path, metavar="WHEEL", help="the wheel of name2nat 0.5.1")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--names", type=int, help=f"at most; {COMPARED:,}, or {MANY:,} if a part is about many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=6.0, help="of training in a round, at least; of scoring a third"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the part scaling")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the folder of names is deleted too
    with tempfile.TemporaryDirectory() as scratch:
        print(describe_machine(arguments.threads, arguments.rounds), flush=True)
        bench = Bench(arguments, Path(scratch))
        for part in arguments.parts:
            PARTS[part](bench)


class Bench:
    """What all parts share: the names, and the settings of the comparison.

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
        return self._save("languages", read_languages(self._data)[0])

    @cached_property
    def raw_languages(self) -> NameSet:
        """The same, as they are written in their files."""
        return self._save("raw languages", read_languages(self._data)[1])

    @cached_property
    def nana(self) -> NameSet | None:
        """NaNa's full names; None without ``--nana``."""
        return None if self._wheel is None else self._save("NaNa", read_nana(self._wheel))

    @cached_property
    def many(self) -> NameSet:
        """NaNa's names, or made-up ones with as many labels."""
        return self.nana or self._save("made-up", make_up_names(min(MANY, self.limit or MANY)), NANA_LABELS)

    def sample(self, number: int) -> str:
        """Return the name of a file for some of a way's answers."""
        return str(self._scratch / f"sample {number}.npy")

    def _save(self, name: str, pairs: list[tuple[str, str]], labels: int | None = None) -> NameSet:
        log(f"{len(pairs):,} names: {name}")
        return NameSet(save_names(self._scratch / name, pairs, labels=labels), len(pairs))

    def cut(self, names: NameSet, count: int) -> NameSet:
        """Return the first names of a set, at most ``count`` and ``--names``."""
        return NameSet(names.folder, min(names.count, count, self.limit or count))

    def job(self, way: str, names: NameSet, threads: int, **settings: Any) -> Job:
        """Return the job of a process; by default a round lasts a third of ``--seconds``."""
        return Job(way, str(names.folder), names.count, threads, **{"seconds": self.seconds / 3, **settings})

    def compare(self, jobs: Mapping[str, Job], *, rounds: int | None = None) -> dict[str, list[Report]]:
        """Time ways by turns.

        Args:
            jobs: each way's name and the job of its process.
            rounds: turns of each; ``--rounds`` if None.

        Returns:
            The reports of all rounds, for the ways that could be timed.
        """
        return compare(jobs, rounds or self.rounds)


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
            title = f"Training, {cell.upper()} of {size} in both directions, 18 languages, {count_threads(threads)}"
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
        title = f"Scoring {names.count:,} {of}, GRU of 128 in both directions, {count_threads(threads)}"
        print_table(
            title, turns, ours=["Elman"], work=work, library="numpy", notes=[facts, describe_differences(samples)]
        )
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
        print_table(f"The shipped model, {raw.count:,} names of 18 languages, {count_threads(threads)}", turns)


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
            title = f"Strings to labels, {names.count:,} {of}, {model}, {count_threads(threads)}"
            notes = ["Peak memory is of one process."] if threads > 1 else []
            print_table(title, turns, ours=["Elman"], notes=notes)


def memory(bench: Bench) -> None:
    """The peak of a new process that answers for many names in one call."""
    names, threads = bench.cut(bench.many, MANY), max(bench.threads)
    ways = {
        "languages, a list of strings to columns": "ways:elman_shipped_columns",
        "languages, a column of Arrow to columns": "ways:elman_shipped_arrow",
        f"{DEFAULT_MODEL}, a list of strings to columns": "ways:elman_default_columns",
        f"{DEFAULT_MODEL}, a column of Arrow to columns": "ways:elman_default_arrow",
        f"GRU of 128, {names.labels} labels, ids to the three best": "ways:elman_best",
    }
    rows = []
    for name, way in ways.items():
        jobs = {name: bench.job(way, names, threads, seconds=0, warm_up=False)}
        for report in bench.compare(jobs, rounds=1).get(name, []):
            megabytes = (f"{report[key]:,.0f} MB" for key in ("before_mb", "peak_mb"))
            rows.append([name, *megabytes, f"{report['rate']:,.0f}"])
    print_markdown(
        f"Peak memory of {names.count:,} names in one call, a new process, {count_threads(threads)}",
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
            rates = {of: median_rate(reports) for of, reports in turns.items()}
            figures = f"{rates['few']:,.0f}", f"{rates['many']:,.0f}", f"{rates['many'] / rates['few']:.2f} ×"
            rows.append([str(threads), *figures])
    header = ["threads", *(f"names a second at {names.count:,}" for names in (few, many)), "ratio"]
    print_markdown(f"Elman's scoring, few names and many, GRU of 128, {few.labels} labels", header, rows)


def scaling(bench: Bench) -> None:
    """Elman's scoring and torch's over names, hidden sizes and threads."""
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
            found[threads, names.count, size] = {name: median_rate(reports) for name, reports in turns.items()}
    rows = [
        [f"{count:,}", str(size), str(threads), *(f"{rates[way]:,.0f}" for way in ways), describe_ratio(rates, "torch")]
        for (threads, count, size), rates in sorted(found.items(), key=lambda item: (item[0][2], *item[0]))
        if rates.keys() >= ways.keys()
    ]
    header = ["names", "hidden size", "threads", "Elman, names a second", "torch, exact-length", "Elman against it"]
    print_markdown(
        f"Scoring over names and hidden sizes, GRU in both directions, {bench.many.labels} labels", header, rows
    )
    if bench.plot is not None:
        draw_scaling(found, bench.plot)


def least_work(names: NameSet) -> tuple[float, str]:
    """Return the least operations that scoring a name can take, on average, and a sentence on how they are counted.

    A lower bound, counted without Elman's code: every distinct beginning that some name continues is multiplied once,
    in the other direction every such ending, and every name's states with the head. Elman multiplies more, because each
    block of names is read on its own; so the share of the product rate is a lower bound too.
    """
    texts, lengths = names.texts(), names.encoded()[1]
    states = count_distinct_beginnings(texts) + count_distinct_endings(texts)
    recurrent, head = states * 2 * 3 * 128 * 128, len(texts) * 2 * 2 * 128 * names.labels
    plain = 2 * int((lengths - 1).sum())
    facts = (
        f"{int(lengths.sum()):,} symbols; {plain:,} recurrent steps after the first, of which {states:,} are distinct; "
        f"at least {(recurrent + head) / len(texts) / 1e6:.2f} MFLOP a name."
    )
    return (recurrent + head) / len(texts), facts


PARTS: dict[str, Callable[[Bench], None]] = {
    part.__name__: part for part in (training, scoring, fasttext, memory, growth, scaling)
}


if __name__ == "__main__":
    main()
