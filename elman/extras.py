"""Extras: which optional packages each part of Elman needs, and what to install when one is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from elman.errors import MissingExtraError

PURPOSES = {
    "docs": "building the documentation",
    "evaluate": "scoring a model",
    "frames": "annotating a data frame",
    "hub": "reaching the Hugging Face Hub",
    "images": "reading pictures",
    "onnx": "exporting to ONNX",
    "plot": "drawing a picture",
    "ray": "the engine ray",
    "serve": "serving",
    "sql": "reading from a database",
    "tables": "reading or writing this kind of table",
    "tensorboard": "--tensorboard",
    "train": "training",
}
"""What each extra of ``pip install 'elman[…]'`` is for, as messages say it."""

WITHOUT_GPU = "pip install torch --index-url https://download.pytorch.org/whl/cpu"
"""Installs torch without CUDA: 200 MB rather than gigabytes."""

PACKAGES = {
    "MySQLdb": "mysqlclient",
    "PIL": "pillow",
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "sklearn": "scikit-learn",
}
"""The name that pip knows a package by, for modules with another name; otherwise only ``_`` becomes ``-``."""


@contextmanager
def extra(name: str, *, purpose: str | None = None) -> Iterator[None]:
    """Turn the failure to import an optional package into one line that says what to install.

    Args:
        name: one of `PURPOSES`.
        purpose: what needs the package; the extra's own purpose if None.

    Raises:
        MissingExtraError: a package is not installed.

    >>> with extra("tables"):
    ...     import json
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "elman":  # a mistake in Elman, not a missing package
            raise
        raise missing(error.name or "", name, purpose=purpose) from None


def missing(module: str, name: str, *, purpose: str | None = None) -> MissingExtraError:
    """Return the error for a module that is not installed.

    Args:
        module: what could not be imported.
        name: the extra that contains it, one of `PURPOSES`.
        purpose: as for `extra`.

    >>> print(missing("sklearn.linear_model", "train", purpose="the baseline"))
    the baseline needs the package scikit-learn: pip install 'elman[train]'
    """
    package = package_of(module)
    first = f"; on a machine without a GPU first {WITHOUT_GPU}" if package == "torch" else ""
    return MissingExtraError(
        f"{purpose or PURPOSES[name]} needs the package {package}: pip install 'elman[{name}]'{first}"
    )


@contextmanager
def driver(module: str, *, place: str) -> Iterator[None]:
    """Turn the failure to import a database's driver, which no extra contains, into one line that says what to install.

    Args:
        module: the driver, where the failure does not name a module, as when a shared library is missing.
        place: the database, for the message.

    Raises:
        MissingExtraError: the driver is not installed.
    """
    try:
        yield
    except MissingExtraError:
        raise
    except ImportError as error:
        package = package_of(error.name or module)
        raise MissingExtraError(f"{place}: needs the driver {package}: pip install '{package}'") from None


def package_of(module: str) -> str:
    """Return the package that pip installs for a module.

    >>> package_of("PIL.Image"), package_of("prometheus_client")
    ('pillow', 'prometheus-client')
    """
    root = module.partition(".")[0]
    return PACKAGES.get(root, root.replace("_", "-"))
