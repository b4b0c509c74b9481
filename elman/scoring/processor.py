"""The processor: how many cores there are, and which routines multiply matrices on it.

numpy hands products to a linear algebra library that picks its routines by the processor it finds. Where it does not
know a processor it falls back on older routines, at about half the rate; `OPENBLAS_CORETYPE` then names better ones.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORE_TYPE = "OPENBLAS_CORETYPE"
WIDE = "SkylakeX"
"""OpenBLAS's name for its routines with 512-bit vectors."""

NARROW = ("Haswell", "Zen", "Prescott", "Nehalem", "Sandybridge", "generic")
"""Its routines without them."""

PROCESSOR = Path("/proc/cpuinfo")
"""Where Linux describes the processor; elsewhere nothing is known of it."""

_NEEDED = ("avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd")


@dataclass(frozen=True)
class Kernel:
    """What multiplies numpy's matrices.

    Args:
        library: its name and version, as ``openblas 0.3.31``; ``unknown`` where it does not say.
        routines: the processor that they were written for, as ``SkylakeX``.
        threads: how many a product may use.
        advice: how to get better ones on this processor; None where these are its best, as far as Elman knows.
    """

    library: str
    routines: str
    threads: int
    advice: str | None


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def kernel() -> Kernel:
    """Return which routines numpy's linear algebra library took."""
    import numpy  # noqa: F401 - its library must be loaded to be asked
    from threadpoolctl import threadpool_info

    found: list[dict[str, Any]] = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    if not found:
        return Kernel("unknown", "unknown", 1, None)
    pool = found[0]
    routines = str(pool.get("architecture", "unknown"))
    advice = None
    if routines in NARROW and has_wide_vectors():
        advice = f"this processor has 512-bit vectors that these routines leave idle: set {CORE_TYPE}={WIDE}"
    return Kernel(f"{pool['internal_api']} {pool['version']}", routines, int(pool["num_threads"]), advice)


def choose_routines(description: Path = PROCESSOR) -> None:
    """Name the wide routines to OpenBLAS where it would not find them by itself; before numpy is loaded.

    It recognises Intel's processors, but takes some of AMD's with 512-bit vectors for ones without. What the user has
    set stays.
    """
    if CORE_TYPE not in os.environ and "AuthenticAMD" in _lines(description)[1] and has_wide_vectors(description):
        os.environ[CORE_TYPE] = WIDE


def has_wide_vectors(description: Path = PROCESSOR) -> bool:
    """Return whether the processor has all 512-bit instructions that the wide routines use; False where unknown."""
    return set(_NEEDED) <= set(_lines(description)[0].split())


def _lines(description: Path) -> tuple[str, str]:
    """Return the flags and the maker of the first processor described; empty where nothing says so."""
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
    """Keep each product on the thread that asks for it, for code that has threads of its own.

    The setting is the process's. Several threads may hold it at once: it ends with the last of them.
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
