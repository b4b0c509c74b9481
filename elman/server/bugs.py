"""Bugs: unexpected errors by their type and place alone, because their messages may quote a request."""

import traceback
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def describe_bug(error: Exception) -> str:
    """Return the type of an unexpected error and its place in Elman's code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _PACKAGE in Path(frame.filename).parents]
    last = frames[-1] if frames else None
    place = "a library" if last is None else f"{Path(last.filename).relative_to(_PACKAGE.parent)}, line {last.lineno}"
    return f"{type(error).__name__} in {place}"
