"""The process of a command: its standard streams, and settings of the environment that libraries cannot read."""

import errno
import os
import sys
from contextlib import suppress

STREAMS = {
    "stdin": ("standard input", "r", os.O_WRONLY),
    "stdout": ("standard output", "w", os.O_RDONLY),
    "stderr": ("standard error", "w", os.O_RDWR),
}
"""Each standard stream: its name in messages, its mode, and how the null device replaces it if it is closed."""

SIZES = ("COLUMNS", "LINES", "TERMINAL_WIDTH")
NARROWEST, WIDEST = 20, 1000
"""Limits of the size that these variables may set for tables and help."""


def prepare_process() -> list[str]:
    """Make the standard streams and the environment safe for any command.

    A stream that was closed is replaced by the null device, so that no other file takes its number. Reading the
    replaced input and writing to the replaced output fail; what is written to the replaced standard error is lost.

    Returns:
        The names of the streams that were closed.
    """
    closed = [name for attribute, (name, _, _) in STREAMS.items() if getattr(sys, attribute) is None]
    for number, attribute in enumerate(STREAMS):
        if getattr(sys, attribute) is None:
            _replace(number, attribute)
    for stream in (sys.stdout, sys.stderr):  # file names may contain bytes that are not text; printing must not fail
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    os.environ["MPLBACKEND"] = "agg"  # pictures are written to files, which needs no display
    for name in SIZES:
        if name in os.environ and not _is_size(os.environ[name]):
            del os.environ[name]
    return closed


def silence(number: int) -> None:
    """Let a stream write to the null device, so that the end of the process cannot fail to write to it."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def explain_os_error(error: OSError, closed: list[str]) -> str:
    """Return one line about an error of the operating system.

    Args:
        error: the error.
        closed: the names of the streams that were closed when the process started.
    """
    if error.errno == errno.EBADF and error.filename is None and closed:
        return f"{' or '.join(closed)} is closed, and this command needs it"
    return f"{error.filename or 'standard output or a file'}: {error.strerror or error}"


def _replace(number: int, attribute: str) -> None:
    _, mode, access = STREAMS[attribute]
    null = os.open(os.devnull, access)
    if null != number and _is_free(number):
        os.dup2(null, number)
        os.close(null)
        null = number
    setattr(sys, attribute, open(null, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - open until the end


def _is_free(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _is_size(value: str) -> bool:
    return value.isascii() and value.isdecimal() and NARROWEST <= int(value[:9]) <= WIDEST
