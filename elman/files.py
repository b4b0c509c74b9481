"""Files that are written whole or not at all, their scratch names, and digests of arrays."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

SCRATCH_BYTES = 200
"""The most bytes of a file's own name in its scratch names; file systems allow names of 255 bytes."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; see `open_atomically`."""
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def open_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing under a scratch name in the same folder, and rename it at the end.

    The file under its own name is complete or does not exist. The scratch file is removed after an error, but not if
    the process is killed; see `find_scratch_files`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{_scratch_prefix(path)}{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with open(scratch, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def find_scratch_files(path: Path) -> list[Path]:
    """Return the scratch files of ``path`` that `open_atomically` has in use or that killed processes left."""
    name = re.compile(re.escape(_scratch_prefix(path)) + r"\d+\.[0-9a-f]{8}")
    return [other for other in path.parent.glob(".*") if name.fullmatch(other.name)]


def _scratch_prefix(path: Path) -> str:
    """Return the beginning of the scratch names of ``path``: short, and different for different names."""
    name = path.name
    if len(os.fsencode(name)) <= SCRATCH_BYTES:
        return f".{name}."
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    beginning = os.fsencode(name)[: SCRATCH_BYTES - len(digest) - 1].decode("utf-8", "ignore")
    return f".{beginning}~{digest}."


def digest_of(*arrays: Any) -> str:
    """Return the SHA-256 of numpy arrays, including their types and shapes, in hexadecimal."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
