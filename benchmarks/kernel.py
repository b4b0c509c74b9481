"""The scoring kernel beside numpy, torch and fastText, on the same names, by turns in one process.

    python benchmarks/kernel.py --data FOLDER                the shipped model: strings to labels
    python benchmarks/kernel.py --nana WHEEL --names 50000   a GRU of random weights: ids to logits, strings to labels
    python benchmarks/kernel.py --parts columns small        the default model: many names, and 1, 8 or 64 in a call
    python benchmarks/kernel.py --parts default --built FOLDER --fasttext FILE
                                                             the default model on its test names, and its rival
    python benchmarks/kernel.py --parts errors --built FOLDER
                                                             how far 16 bits move its probabilities from those of numpy

FOLDER is what `release.origins.build` wrote, FILE fastText as `release.origins.measure` keeps it in its folder rivals.

All ways have one thread. What is reported is the processor time of the process, so that other work on the machine
counts less; the best of several rounds is taken. torch reads batches of one length, and fastText is called with a list;
each is left out if it is not installed. `speed.py` has the whole table, in wall-clock time and processes of their own.
"""

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from names import NameSet, make_up_names, read_languages, read_nana, save_names
from ways import Job, LeftOutError, Work, elman_random_labels, elman_scoring, elman_shipped_labels, fasttext_labels

import elman
from elman.scoring.kernel.library import KERNEL, Library, open_library
from elman.text.normalisation import compose

CALLS = 50
"""How often a small call is repeated in a round."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the 18-language names; downloaded if missing")
    parser.add_argument("--nana", type=Path, metavar="WHEEL", help="the wheel of name2nat 0.5.1")
    parser.add_argument("--names", type=int, default=50_000, help="of NaNa")
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--built", type=Path, help="the folder with the names of the default model")
    parser.add_argument("--fasttext", type=Path, metavar="FILE", help="fastText trained on the same names")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()
    for name, value in elman.system().items():
        print(f"{name:16}  {value}")
    with tempfile.TemporaryDirectory() as scratch:
        for part in arguments.parts:
            PARTS[part](arguments, Path(scratch))


def list_kernels() -> list[str]:
    """Return what ``ELMAN_KERNEL`` can be here; numpy is last."""
    library = open_library()
    return [*(f"native:{name}" for name in (library.routines if isinstance(library, Library) else ())), "numpy"]


def compare_shipped(arguments: argparse.Namespace, scratch: Path) -> None:
    """Strings to one label each: the shipped model on its own names, and fastText trained on the same."""
    folder = save_names(scratch / "languages", read_languages(arguments.data)[1])
    job = Job("", str(folder), len((folder / "texts.txt").read_text("utf-8").splitlines()), 1)
    compare("the shipped model, strings to labels", job, elman_shipped_labels, [fasttext_labels], arguments.rounds)


def compare_default(arguments: argparse.Namespace, scratch: Path) -> None:
    """Strings to one label each: the default model on its test names, and fastText trained on the same names."""
    if arguments.built is None or arguments.fasttext is None:
        return
    with (arguments.built / "test.csv").open(encoding="utf-8", newline="") as file:
        names = [row["name"] for row in islice(csv.DictReader(file), arguments.names)]

    def own(job: Job) -> Work:
        predictor = elman.load("origins")
        return Work(lambda: predictor.predict_columns(names, top=1, threads=1), len(names))

    def fasttext(job: Job) -> Work:
        try:
            from fasttext import load_model
        except ImportError:
            raise LeftOutError("pip install fasttext-numpy2-wheel (or fasttext, with numpy 1)") from None
        model, prepared = load_model(str(arguments.fasttext)), [compose(name).lower() for name in names]
        return Work(lambda: model.predict(prepared), len(names))

    compare("the default model, strings to labels", Job("", "", len(names), 1), own, [fasttext], arguments.rounds)


def compare_errors(arguments: argparse.Namespace, scratch: Path) -> None:
    """Probabilities of the default model on its test names with each kernel, beside those of numpy."""
    if arguments.built is None:
        return
    with (arguments.built / "test.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["name"], row["label"]) for row in islice(csv.DictReader(file), arguments.names)]
    names, exact = [name for name, _ in rows], None
    print("\n| probabilities of the default model | right | first answers changed | largest change |")
    print("|---|---:|---:|---:|")
    for kernel in reversed(list_kernels()):
        os.environ[KERNEL] = kernel
        columns = elman.load("origins").predict_columns(names, every=True)
        every, labels = columns.every, np.array(columns.labels)
        first = np.nan_to_num(every, nan=-1.0).argmax(axis=1)
        right = np.mean(labels[first] == np.array([label for _, label in rows]))
        exact = every if exact is None else exact
        changed = np.mean(first != np.nan_to_num(exact, nan=-1.0).argmax(axis=1))
        print(f"| {kernel} | {right:.2%} | {changed:.4%} | {np.nanmax(np.abs(every - exact)):.1e} |", flush=True)


def compare_logits(arguments: argparse.Namespace, scratch: Path) -> None:
    """Ids to logits of full names: a GRU of random weights, and the same in torch."""
    if (job := _nana(arguments, scratch)) is not None:
        title = f"GRU of {job.hidden_size}, {job.names.labels} labels: ids to logits"
        compare(title, job, elman_scoring, [_torch_scoring], arguments.rounds)


def compare_labels(arguments: argparse.Namespace, scratch: Path) -> None:
    """Strings to one label each of full names: a GRU of random weights, and fastText."""
    if (job := _nana(arguments, scratch)) is not None:
        title = f"GRU of {job.hidden_size}, {job.names.labels} labels: strings to labels"
        compare(title, job, elman_random_labels, [fasttext_labels], arguments.rounds)


def time_small_calls(arguments: argparse.Namespace, scratch: Path) -> None:
    """Microseconds of `predict` for one name and for a few, with the shipped models."""
    names = ["Nakamura", "Papadopoulos", "O'Brien", "Müller", "Kowalski", "Rossi", "Novak", "Silva"] * 8
    print("\npredict, warm: microseconds of a call")
    for model, kernel in product(("origins", "languages"), list_kernels()):
        os.environ[KERNEL] = kernel
        predictor = elman.load(model)
        predictor.predict(names * 5)
        times = []
        for count in (1, 8, 64):
            some: Any = names[0] if count == 1 else names[:count]
            run = partial(_repeat, predictor, some)
            times.append(min(_measure(run) for _ in range(5 * arguments.rounds)))
        cells = "  ".join(f"{seconds / CALLS * 1e6:8,.0f}" for seconds in times)
        print(f"  {model:10} {kernel:16} {cells}   (1, 8, 64 names)")


def time_columns(arguments: argparse.Namespace, scratch: Path) -> None:
    """Names a second of `predict_columns` with the default model: labels alone, with levels, and with sets."""
    pairs = read_nana(arguments.nana) if arguments.nana else make_up_names(arguments.names)
    names = [name for name, _ in pairs[: arguments.names]]
    asked: list[dict[str, Any]] = [{"unfamiliar_below": 0}, {}, {"level": "auto"}, {"coverage": 0.9}]
    works: dict[tuple[str, int], Callable[[], Any]] = {}
    for kernel in list_kernels():
        os.environ[KERNEL] = kernel
        predictor = elman.load("origins")
        predictor.predict_columns(names[:500])
        for number, options in enumerate(asked):
            works[kernel, number] = partial(predictor.predict_columns, names, top=1, threads=1, **options)
    best = dict.fromkeys(works, float("inf"))
    for _ in range(arguments.rounds):
        for key, run in works.items():
            best[key] = min(best[key], _measure(run))
    print(f"\npredict_columns, origins: {len(names):,} names, names a second of processor time")
    print("                   labels alone, with familiarity (the default), at the level auto, with sets of 0.9")
    for kernel in list_kernels():
        print(f"  {kernel:16} {'  '.join(f'{len(names) / best[kernel, k]:10,.0f}' for k in range(len(asked)))}")


def compare(title: str, job: Job, own: Callable[[Job], Any], others: list[Callable[[Job], Any]], rounds: int) -> None:
    """Run all ways by turns, and print names a second of processor time, and ratios to the first."""
    works = dict(_prepare(job, own, others))
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, run in works.items():
            best[name] = min(best[name], _measure(run))
    print(f"\n{title}: {job.count:,} names, names a second of processor time")
    first = next(iter(best.values()))
    for name, seconds in best.items():
        print(f"  {name:16} {job.count / seconds:10,.0f}   the first is {seconds / first:.2f} × as fast")


def _prepare(
    job: Job, own: Callable[[Job], Any], others: list[Callable[[Job], Any]]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the name and one pass of each way, which has been run once."""
    kernels: list[tuple[str, Callable[[Job], Any]]] = [(kernel, own) for kernel in list_kernels()]
    for name, way in [*kernels, *((other.__name__.strip("_"), other) for other in others)]:
        os.environ[KERNEL] = name if way is own else kernels[0][0]
        try:
            work = way(job)
        except LeftOutError as error:
            print(f"left out: {name}: {error}", file=sys.stderr)
            continue
        (work.warm_up or work.run)()
        yield name, work.run


def _torch_scoring(job: Job) -> Any:
    try:
        import torch
        from torch_ways import exact_scoring
    except ImportError:
        raise LeftOutError("pip install torch") from None
    torch.set_num_threads(1)
    return exact_scoring(job)


def _nana(arguments: argparse.Namespace, scratch: Path) -> Job | None:
    if arguments.nana is None:
        return None
    folder = scratch / "nana"
    if not folder.exists():
        save_names(folder, read_nana(arguments.nana))
    return Job("", str(NameSet(folder, 0).folder), arguments.names, 1, hidden_size=arguments.hidden_size)


def _repeat(predictor: Any, names: Any) -> None:
    for _ in range(CALLS):
        predictor.predict(names)


def _measure(run: Callable[[], Any]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


PARTS = {
    "shipped": compare_shipped,
    "default": compare_default,
    "errors": compare_errors,
    "logits": compare_logits,
    "labels": compare_labels,
    "columns": time_columns,
    "small": time_small_calls,
}

if __name__ == "__main__":
    main()
