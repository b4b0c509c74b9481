"""System: what this installation runs on."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from elman.scoring.kernel.library import choose_kernel
from elman.scoring.processor import cores, kernel
from elman.version import __version__

PACKAGES = ("numpy", "safetensors", "torch", "scikit-learn", "matplotlib", "pillow")


def system() -> dict[str, Any]:
    """Return versions, cores, the kernel that scores and the routines for matrix products, by their names.

    A report of a problem, or of a timing, should contain them. ``scoring kernel`` says which kernel runs, and why;
    ``advice`` says what to set if the linear algebra library uses slower routines than this processor allows.

    Raises:
        SettingError: the variable ``ELMAN_KERNEL`` asks for a kernel that does not run here.

    >>> system()["scoring kernel"].split()[0] in ("native", "numpy:")
    True
    """
    found = kernel()
    return {
        "elman": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        **{package: _version(package) for package in PACKAGES},
        "scoring kernel": str(choose_kernel()),
        "matrix products": f"{found.library}, routines for {found.routines}",
        "advice": found.advice or "none: these are the best routines that Elman knows for this processor",
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
