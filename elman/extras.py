"""Extras: which optional packages each part of Elman needs, and what to install when one is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from elman.errors import MissingExtraError

PURPOSES = {
    "images": "reading pictures",
    "plots": "drawing pictures",
    "ray": "the engine ray",
    "serve": "the service",
    "sql": "reading from a database",
    "tables": "reading and writing tables",
    "tensorboard": "--tensorboard",
    "train": "training",
}
"""What each extra of ``pip install 'elman[…]'`` is for, as messages say it."""

PACKAGES = {"PIL": "pillow", "sklearn": "scikit-learn", "psycopg": "psycopg[binary]", "multipart": "python-multipart"}
"""The names of packages as pip knows them, where a module is called differently."""


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
        if (error.name or "").startswith("elman"):
            raise
        raise missing(error.name or "", name, purpose=purpose) from None


def missing(module: str, name: str, *, purpose: str | None = None) -> MissingExtraError:
    """Return the error for a module that is not installed.

    Args:
        module: what could not be imported.
        name: the extra that holds it, one of `PURPOSES`.
        purpose: as for `extra`.
    """
    root = module.partition(".")[0]
    package = PACKAGES.get(root, root)
    return MissingExtraError(f"{purpose or PURPOSES[name]} needs the package {package}: pip install 'elman[{name}]'")
