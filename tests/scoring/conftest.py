"""Kernels: a test that asks for the fixture ``kernel`` runs on every one that this machine has."""

import pytest

from elman.scoring.kernel.library import KERNEL, Library, open_library

FOUND = open_library()
KERNELS = ["numpy", *(f"native:{name}" for name in (FOUND.routines if isinstance(FOUND, Library) else ()))]


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kernel of this test, as ``ELMAN_KERNEL`` names it."""
    monkeypatch.setenv(KERNEL, request.param)
    return request.param
