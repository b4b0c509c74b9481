"""Kernels: a test that asks for the fixture ``kernel`` runs on every exact one that this machine has.

Those with products of 16-bit numbers have tests of their own, in ``kernel/test_scorer.py``.
"""

import pytest

from elman.scoring.kernel.library import KERNEL, SHORT, Library, open_library

FOUND = open_library()
EXACT = [name for name in FOUND.routines if name not in SHORT] if isinstance(FOUND, Library) else []
KERNELS = ["numpy", *(f"native:{name}" for name in EXACT)]


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kernel of this test, as ``ELMAN_KERNEL`` names it."""
    monkeypatch.setenv(KERNEL, request.param)
    return request.param
