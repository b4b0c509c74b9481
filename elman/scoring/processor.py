"""Processor: how many cores it has, and which routines multiply matrices on it.

numpy calls a linear algebra library, which chooses its routines by the processor. For a processor that it does not know
it uses older routines, at about half the speed; `OPENBLAS_CORETYPE` then selects better ones.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORE_TYPE = "OPENBLAS_CORETYPE"
WIDE = "SkylakeX"
"""OpenBLAS's name for its routines with 512-bit vectors."""

NARROW = ("Haswell", "Zen", "Prescott", "Nehalem", "Sandybridge", "generic")
"""OpenBLAS's names for routines without them."""

PROCESSOR = Path("/proc/cpuinfo")
"""The file in which Linux describes the processor; other systems have none."""

_NEEDED = ("avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd")


@dataclass(frozen=True)
class Kernel:
    """The routines that multiply numpy's matrices.

    Args:
        library: name and version of the library, as ``openblas 0.3.31``; ``unknown`` if it does not say.
        routines: the processor that they were written for, as ``SkylakeX``.
        threads: how many threads a product can use.
        advice: how to select better routines for this processor; None if Elman knows no better ones.
    """

    library: str
    routines: str
    threads: int
    advice: str | None


def cores() -> int:
    """Return how many cores this process can use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def map_on_threads(count: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """Return a function that works as `map` does, on so many threads; for one it is `map` itself.

    To start a thread can take longer than to answer for a name.

    >>> with map_on_threads(1) as map_work:
    ...     list(map_work(abs, [-1, 2]))
    [1, 2]
    """
    if count <= 1:
        yield map
        return
    from concurrent.futures import ThreadPoolExecutor  # imported late: the first answer does without it

    with ThreadPoolExecutor(count) as pool:
        yield pool.map


def kernel() -> Kernel:
    """Return which routines numpy's linear algebra library uses."""
    import numpy  # noqa: F401 - threadpoolctl reports only libraries that are loaded
    from threadpoolctl import threadpool_info

    found: list[dict[str, Any]] = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    if not found:
        return Kernel("unknown", "unknown", 1, None)
    pool = found[0]
    routines = str(pool.get("architecture", "unknown"))
    advice = None
    if routines in NARROW and has_wide_vectors():
        advice = f"this processor has 512-bit vectors that these routines do not use: set {CORE_TYPE}={WIDE}"
    return Kernel(f"{pool['internal_api']} {pool['version']}", routines, int(pool["num_threads"]), advice)


def choose_routines(description: Path = PROCESSOR) -> None:
    """Select the wide routines of OpenBLAS if it would not choose them itself; call it before numpy is loaded.

    OpenBLAS recognises Intel's processors, but takes some of AMD's processors with 512-bit vectors for older ones. A
    value that the user has set is kept.
    """
    if CORE_TYPE not in os.environ and "AuthenticAMD" in _read(description)[1] and has_wide_vectors(description):
        os.environ[CORE_TYPE] = WIDE


def has_wide_vectors(description: Path = PROCESSOR) -> bool:
    """Return whether the processor has all 512-bit instructions that the wide routines use; False if unknown."""
    return set(_NEEDED) <= set(_read(description)[0].split())


def _read(description: Path) -> tuple[str, str]:
    """Return the flags and the maker of the first processor in a description; empty if unknown."""
    try:
        lines = description.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    flags, maker = (
        next((line.partition(":")[2] for line in lines if line.startswith(name)), "") for name in ("flags", "vendor_id")
    )
    return flags, maker


@contextmanager
def single_threaded_products() -> Iterator[None]:
    """Compute each product on the thread that calls it, for code with threads of its own.

    The setting applies to the whole process. Several threads can use it at a time: the last one to leave resets it.
    """
    global _holders, _limits
    from threadpoolctl import threadpool_limits

    with _lock:
        if _holders == 0:
            _limits = threadpool_limits(1, user_api="blas")
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0:
                _limits.restore_original_limits()


_lock = threading.Lock()
_holders = 0
_limits: Any = None
