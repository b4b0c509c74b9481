"""The processor: routines are named, better ones are selected or advised, and settings are restored."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from elman.scoring import processor
from elman.scoring.processor import (
    CORE_TYPE,
    WIDE,
    choose_routines,
    cores,
    has_wide_vectors,
    kernel,
    single_threaded_products,
)

FLAGS = "fpu avx2 avx512f avx512dq avx512cd avx512bw avx512vl"


@pytest.fixture
def described(tmp_path):
    """Write a description of a processor as Linux does."""

    def write(maker: str, flags: str):
        path = tmp_path / "cpuinfo"
        path.write_text(
            f"processor\t: 0\nvendor_id\t: {maker}\nmodel name\t: X\nflags\t\t: {flags}\n\nprocessor\t: 1\n"
        )
        return path

    return write


@pytest.fixture
def nothing_set(monkeypatch):
    monkeypatch.setenv(CORE_TYPE, "")  # so that the value is restored after the test
    monkeypatch.delenv(CORE_TYPE)


def products_use() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize(("flags", "wide"), [(FLAGS, True), ("fpu avx2 avx512f", False), ("", False)])
def test_wide_vectors_need_all_their_flags(described, flags, wide):
    assert has_wide_vectors(described("GenuineIntel", flags)) is wide


def test_a_system_without_a_description_has_no_wide_vectors(tmp_path):
    assert not has_wide_vectors(tmp_path / "missing")


@pytest.mark.parametrize(
    ("maker", "flags", "chosen"),
    [("AuthenticAMD", FLAGS, WIDE), ("AuthenticAMD", "avx2", None), ("GenuineIntel", FLAGS, None)],
)
def test_wide_routines_are_selected_only_if_the_library_would_not(described, nothing_set, maker, flags, chosen):
    choose_routines(described(maker, flags))
    assert os.environ.get(CORE_TYPE) == chosen


def test_a_value_that_the_user_set_is_kept(described, monkeypatch):
    monkeypatch.setenv(CORE_TYPE, "Haswell")
    choose_routines(described("AuthenticAMD", FLAGS))
    assert os.environ[CORE_TYPE] == "Haswell"


@pytest.mark.parametrize(
    ("routines", "wide", "advised"),
    [("Haswell", True, True), ("Zen", True, True), ("Haswell", False, False), ("SkylakeX", True, False)],
)
def test_routines_slower_than_the_processor_allows_come_with_advice(monkeypatch, routines, wide, advised):
    pool = {
        "user_api": "blas",
        "internal_api": "openblas",
        "version": "1.0",
        "architecture": routines,
        "num_threads": 2,
    }
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [pool])
    monkeypatch.setattr(processor, "has_wide_vectors", lambda: wide)
    found = kernel()
    assert (found.library, found.routines, found.threads) == ("openblas 1.0", routines, 2)
    assert (found.advice is not None) is advised
    assert not advised or f"{CORE_TYPE}={WIDE}" in found.advice


def test_a_library_that_does_not_say_is_unknown(monkeypatch):
    monkeypatch.setattr("threadpoolctl.threadpool_info", list)
    assert kernel().routines == "unknown"


def test_the_routines_selected_are_the_routines_used():
    code = "from elman.scoring.processor import kernel; print(kernel().routines)"
    environment = {**os.environ, CORE_TYPE: "Haswell"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    if kernel().library.startswith("openblas") and kernel().routines in ("SkylakeX", "Haswell", "Zen"):
        assert done.stdout == "Haswell\n"


def test_there_is_a_core():
    assert cores() >= 1


def test_products_use_one_thread_until_the_last_user_leaves():
    np.ones(1)
    before = products_use()
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with single_threaded_products():
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    assert entered.wait(10)
    with single_threaded_products():
        assert products_use() == {1}
    assert products_use() == {1}
    leave.set()
    other.join()
    assert products_use() == before


def test_threads_are_restored_after_an_error():
    before = products_use()
    with pytest.raises(ZeroDivisionError), single_threaded_products():
        raise ZeroDivisionError
    assert products_use() == before
