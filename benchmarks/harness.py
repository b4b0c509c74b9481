"""How ways are timed: each in a process of its own, by turns, with the rate of matrix products after each turn.

`compare` starts a process for each `Job` and lets one work at a time; the processes run this file. A process has as
many cores as threads. It sets its way up and warms up; then, for each line on its standard input, it does a round and
prints a report.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info
from ways import Job, LeftOutError, Work

SAMPLE = 1000
"""Names whose logits are compared after the timed rounds."""

PRODUCTS = ((512, 128, 384), (4096, 128, 384), (1024, 1024, 1024))
"""Rows, inner size and columns of the products whose best rate is the yardstick: two of a GRU's step, one large."""

Report = dict[str, Any]
"""What the process of a way prints after a round; ``left out`` with the reason if it cannot be timed."""


def compare(jobs: Mapping[str, Job], rounds: int) -> dict[str, list[Report]]:
    """Time ways by turns.

    Args:
        jobs: each way's name and the job of its process.
        rounds: turns of each.

    Returns:
        The reports of all rounds, for the ways that could be timed.
    """
    turns: dict[str, list[Report]] = {}
    with ExitStack() as stack:
        workers = {}
        for name, job in jobs.items():
            worker, ready = stack.enter_context(start_worker(job))
            if "left out" in ready:
                print(f"\n{name} was left out: {ready['left out']}", flush=True)
            else:
                workers[name], turns[name] = worker, []
        for turn in range(rounds):
            for name, worker in list(workers.items()):
                report = run_round(worker)
                if "left out" in report:
                    print(f"\n{name} was left out: {report['left out']}", flush=True)
                    del workers[name], turns[name]
                    continue
                turns[name].append(report)
                log(f"round {turn + 1}: {name}, {jobs[name].threads} thr., {report['rate']:,.0f} names a second")
    return turns


def median_rate(reports: list[Report]) -> float:
    """Return the median of a way's names a second."""
    return statistics.median(report["rate"] for report in reports)


def log(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@contextmanager
def start_worker(job: Job) -> Iterator[tuple[subprocess.Popen[str], Report]]:
    """Start the process of a way, and end it; yield it with its first report."""
    threads = {name: str(job.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, __file__, json.dumps(asdict(job))]
    worker = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads}
    )
    try:
        yield worker, read_report(worker)
    finally:
        with suppress(BrokenPipeError):
            worker.stdin.close()  # its loop ends with its input, and its own processes with it
        worker.wait()


def run_round(worker: subprocess.Popen[str]) -> Report:
    """Let a process work for a round; return its report."""
    worker.stdin.write("go\n")
    worker.stdin.flush()
    return read_report(worker)


def read_report(worker: subprocess.Popen[str]) -> Report:
    """Return the next report of a process."""
    line = worker.stdout.readline()
    return json.loads(line) if line else {"left out": "its process ended; see the messages above"}


# In the process of a way


def main() -> None:
    """Run the process of one way; the argument is its job as JSON."""
    job = Job(**json.loads(sys.argv[1]))
    if hasattr(os, "sched_setaffinity"):  # as many cores as threads, even if a way would start more
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
        rate, answer = measure(work, job.seconds)
        peak = peak_megabytes()  # before the matrices below
        if job.sample:
            rows = np.random.default_rng(1).choice(job.count, min(job.count, SAMPLE), replace=False)
            np.save(job.sample, answer[rows])
        del answer
        kernels = sorted(
            {f"{pool['internal_api']} {pool.get('architecture', '')}".strip() for pool in threadpool_info()}
        )
        report = {"rate": rate, "before_mb": before, "peak_mb": peak, "kernels": kernels, "facts": work.facts}
        print(json.dumps(report | {"gflops": measure_products()}), flush=True)


def measure(work: Work, seconds: float) -> tuple[float, Any]:
    """Repeat whole passes until the seconds are over; return names a second and the last answer."""
    started, passes = time.perf_counter(), 0
    while True:
        answer = work.run()
        passes += 1
        spent = time.perf_counter() - started
        if spent >= seconds:
            return passes * work.count / spent, answer


def measure_products() -> dict[str, float]:
    """Return the best rate of float32 products of each library that is loaded, GFLOP/s, at this moment."""
    rates = {"numpy": max(_measure_product(*_numpy_product(*shape)) for shape in PRODUCTS)}
    if "torch" in sys.modules:
        rates["torch"] = max(_measure_product(*_torch_product(*shape)) for shape in PRODUCTS)
    return rates


def _numpy_product(rows: int, inner: int, columns: int) -> tuple[Callable[[], Any], int]:
    left, right = np.ones((rows, inner), np.float32), np.ones((inner, columns), np.float32)
    out = np.empty((rows, columns), np.float32)
    return lambda: np.matmul(left, right, out=out), 2 * rows * inner * columns


def _torch_product(rows: int, inner: int, columns: int) -> tuple[Callable[[], Any], int]:
    import torch

    left, right, out = torch.ones(rows, inner), torch.ones(inner, columns), torch.empty(rows, columns)
    return lambda: torch.mm(left, right, out=out), 2 * rows * inner * columns


def _measure_product(product: Callable[[], Any], operations: int, *, seconds: float = 0.15) -> float:
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - started)
    return operations / best / 1e9


def peak_megabytes() -> float:
    """Return the peak memory of this process, MB.

    `getrusage` can report the peak of the process that started this one, so on Linux /proc is read instead.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main()
