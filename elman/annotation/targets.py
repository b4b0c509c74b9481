"""Targets: whether an output can be written is checked before the work starts, not when it is done."""

import os
from collections.abc import Iterable
from pathlib import Path

from elman.checks import shown
from elman.errors import DataError
from elman.files import fit_name, follow_links

PATH_CHARACTERS = 1000
"""Most characters of a path that a message shows."""


def show_path(path: Path | str) -> str:
    """Return a path as messages show it."""
    return shown(str(path), PATH_CHARACTERS)


def name_side_file(target: str) -> str:
    """Return the path of the file for the rows of an output that are skipped.

    >>> name_side_file("out/people.csv")
    'out/people.csv.skipped.jsonl'
    """
    folder, name = os.path.split(target)
    return os.path.join(folder, fit_name(name, after=".skipped.jsonl"))


def find_place(target: Path) -> Path:
    """Return where an output is written: links are followed, and the path has a name."""
    return follow_links(target) if target.name not in ("", "..") else Path(os.path.realpath(target))


def check_file(target: Path, *, overwrite: bool) -> None:
    """Check that a file can be written.

    Raises:
        DataError: it exists and ``overwrite`` is False, or it cannot be written.
    """
    _check_new(target, overwrite=overwrite, option="")
    if target.exists() and not target.is_file():
        raise DataError(f"{show_path(target)}: is not a file; write to standard output with -, and redirect it")


def check_side_file(path: Path, *, overwrite: bool) -> None:
    """Check that the file for skipped rows can be written; a device, such as ``/dev/null``, can always be.

    Raises:
        DataError: it exists and ``overwrite`` is False, or it cannot be written.
    """
    is_device = path.exists() and not path.is_file()
    _check_new(path, overwrite=overwrite or is_device, option=" with --skipped")


def check_apart(path: Path, others: Iterable[str]) -> None:
    """Check that the file for skipped rows is neither the output nor an input.

    Raises:
        DataError: it is one of these files.
    """
    if os.path.realpath(path) in map(os.path.realpath, others):
        problem = "is the output or an input; name another file for skipped rows with --skipped"
        raise DataError(f"{show_path(path)}: {problem}")


def check_folder(target: Path, *, may_be_filled: bool = False) -> None:
    """Check that a folder can be written: it does not exist, or is empty and can be replaced.

    Args:
        target: the folder.
        may_be_filled: it may also contain something.

    Raises:
        DataError: it contains something, is not a folder, or cannot be replaced.
    """
    name = show_path(target)
    _check_link(target)
    if target.exists():
        if not target.is_dir() or (any(target.iterdir()) and not may_be_filled):
            raise DataError(f"{name}: already exists and is not empty; name a folder that does not exist")
        if os.path.realpath(target) == os.path.realpath(os.curdir):
            raise DataError(f"{name}: is the current folder; name a folder that does not exist")
        if os.path.ismount(target):
            raise DataError(f"{name}: is a mount point; name a folder inside it that does not exist")
    _check_parent(find_place(target), name)


def _check_new(path: Path, *, overwrite: bool, option: str) -> None:
    name = show_path(path)
    _check_link(path)
    if path.is_dir():
        raise DataError(f"{name}: is a folder; name a file{option}")
    if path.exists():
        if not overwrite:
            raise DataError(f"{name}: already exists; give another name{option}, or --overwrite to replace it")
        if path.is_file() and os.path.ismount(path):
            raise DataError(f"{name}: is a mount point and cannot be replaced; give another name{option}")
        if not os.access(path, os.W_OK):
            raise DataError(f"{name}: may not be written; give another name{option}, or change its permissions")
        if not path.is_file():
            return
    _check_parent(find_place(path), name)


def _check_link(path: Path) -> None:
    if path.is_symlink() and not path.exists():
        raise DataError(f"{show_path(path)}: is a link to a file that does not exist; remove it, or give another name")


def _check_parent(path: Path, name: str) -> None:
    parent = path.parent
    if not parent.is_dir():
        raise DataError(f"{name}: the folder {show_path(parent)} does not exist; make it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise DataError(f"{name}: nothing can be written to the folder {show_path(parent)}; name another one")
