"""Output: JSON, notes, and texts that a terminal may show."""

import json
import re
import sys
from typing import Any

from elman.checks import escape_invisible, shown, whole

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return ``value`` as JSON, readable if standard output is UTF-8, otherwise escaped to ASCII.

    On a terminal, invisible characters are escaped too; the JSON means the same.
    """
    is_readable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, indent=indent, ensure_ascii=not is_readable)
    return escape_invisible(text, kept="\n", escape=_escape) if sys.stdout.isatty() else text


def _escape(character: str) -> str:
    """Return a character as JSON may write it: one or two units of UTF-16."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[k : k + 2].hex()}" for k in range(0, len(units), 2))


def to_line(text: str) -> str:
    """Return a text as a terminal may show it in one line: white space as single spaces, and escaped and cut."""
    return shown(" ".join(text.split()))


def to_cell(text: str) -> str:
    """Return a text as one cell of a line, never cut: single spaces for white space, control characters escaped.

    On a terminal, invisible characters are escaped too.
    """
    text = " ".join(text.split())
    if sys.stdout.isatty():
        return whole(text)
    return text if text.isprintable() else _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def print_note(text: str) -> None:
    """Print a note on standard error, in one line."""
    print(f"note: {whole(' '.join(text.split()))}", file=sys.stderr)
