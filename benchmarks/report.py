"""What `speed.py` prints and draws: the machine, tables of ways as Markdown, and the picture of the part scaling."""

import os
import platform
import statistics
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from harness import Report, median_rate
from threadpoolctl import threadpool_info
from ways import CLOSE

PACKAGES = ("elman", "numpy", "torch", "onnxruntime", "fasttext-numpy2-wheel", "fasttext-wheel", "fasttext")


def describe_machine(threads: Sequence[int], rounds: int) -> str:
    """Return versions and the processor, the first lines of the output."""
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
        f"{name_processor()}, {os.cpu_count()} cores; numpy's products: {', '.join(kernels) or 'unknown'}\n"
        f"{', '.join(versions)}\n"
        f"threads {', '.join(map(str, threads))}; medians of {rounds} by turns"
    )


def name_processor() -> str:
    """Return the processor's name, or its kind if the system does not name it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def print_table(
    title: str,
    turns: Mapping[str, list[Report]],
    *,
    ours: Sequence[str] = (),
    work: float | None = None,
    library: str = "numpy",
    notes: Sequence[str] = (),
) -> None:
    """Print ways side by side.

    Args:
        title: what is compared.
        turns: the reports of each way.
        ours: the ways that the others are compared with, and whose share of the product rate is shown.
        work: operations of products for each name, of those.
        library: whose product rate that share is of.
        notes: sentences under the table.
    """
    rates = {name: median_rate(reports) for name, reports in turns.items()}
    rows = []
    for name, reports in turns.items():
        of_round = sorted(report["rate"] for report in reports)
        share = "–"
        if name in ours and work is not None:
            shares = [report["rate"] * work / report["gflops"][library] / 1e9 for report in reports]
            share = f"{statistics.median(shares):.0%}"
        rows.append([
            f"**{name}**" if name in ours else name,
            f"{rates[name]:,.0f}",
            f"{of_round[0]:,.0f}–{of_round[-1]:,.0f}",
            "–" if name in ours or not ours else describe_ratio(rates, name, ours[0]),
            f"{max(report['peak_mb'] for report in reports):,.0f} MB",
            share,
        ])  # fmt: skip
    header = ["way", "names a second", "lowest to highest", "Elman against it", "peak memory", "of the product rate"]
    print_markdown(title, header, rows, notes=[*notes, *describe_processes(turns)])


def describe_ratio(rates: Mapping[str, float], name: str, ours: str = "Elman") -> str:
    """Return how many times as fast Elman is as another way, marked if it is slower."""
    if ours not in rates:
        return "–"
    ratio = rates[ours] / rates[name]
    return f"{ratio:.2f} ×{'' if ratio >= 1 else ' (slower)'}"


def describe_processes(turns: Mapping[str, list[Report]]) -> list[str]:
    """Return sentences on the product rates, the kernels and the facts of all ways of a table."""
    rates: dict[str, list[float]] = {}
    for reports in turns.values():
        for report in reports:
            for library, rate in report["gflops"].items():
                rates.setdefault(library, []).append(rate)
    spans = [
        f"{library} {statistics.median(found):,.0f} ({min(found):,.0f}–{max(found):,.0f})"
        for library, found in rates.items()
    ]
    lines = [f"Matrix products in those minutes, GFLOP/s: {', '.join(spans)}."] if spans else []
    kernels = sorted({", ".join(reports[-1]["kernels"]) for reports in turns.values()} - {""})
    lines += [f"Libraries with threads: {'; or '.join(kernels)}."] if kernels else []
    facts = {fact: value for reports in turns.values() for fact, value in reports[-1]["facts"].items()}
    return lines + [f"{fact}: {value}." for fact, value in facts.items()]


def describe_differences(samples: Mapping[str, str]) -> str:
    """Return a sentence on how far each way's logits are from the first one's, in the names timed last."""
    found = {name: np.load(file) for name, file in samples.items() if Path(file).exists()}
    first = next(iter(samples))
    if first not in found:
        return "Logits were not compared."
    differences = {name: np.abs(found[name] - found[first]).max() for name in found if name != first}
    each = [f"{name} {far:.1e}{'' if far <= CLOSE else ' (NOT the same answers)'}" for name, far in differences.items()]
    return f"Largest difference from {first}'s logits, {len(found[first]):,} names: {'; '.join(each)}."


def count_threads(threads: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}"


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


def draw_scaling(found: Mapping[tuple[int, int, int], Mapping[str, float]], file: Path) -> None:
    """Draw names a second over names and over hidden sizes, a line for each way and number of threads.

    Args:
        found: names a second of each way, by threads, names and hidden size.
        file: the picture.
    """
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
                axis.plot(*zip(*points, strict=True), label=f"{way}, {count_threads(threads)}", **style)
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
