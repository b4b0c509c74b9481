"""Files that are written whole or not at all, their scratch names, and digests of arrays."""

import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

if sys.platform != "win32":
    import fcntl

NAME_BYTES = 255
"""Bytes of a file's name that file systems allow."""

SCRATCH_BYTES = 200
"""Bytes of a file's own name in its scratch names."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; see `open_atomically`."""
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def open_atomically(path: Path, *, keep_empty: bool = True) -> Iterator[IO[bytes]]:
    """Open a file for writing under a scratch name in the same folder, and rename it at the end.

    The file under its own name is complete or does not exist. Links are followed, and an existing file keeps its
    permissions. After an error nothing is left behind; a process that is killed leaves its scratch file, see
    `sweep_scratch_files`. A device or a pipe is opened as it is.

    Args:
        path: the file to write.
        keep_empty: write a file without content too; otherwise it is discarded.
    """
    if path.exists() and not path.is_file():
        with open(path, "wb") as device:
            yield device
        return
    path = follow_links(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch, file = _create_scratch(path)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            is_kept = keep_empty or file.tell() > 0
            if sys.platform == "win32":  # it renames no open file; elsewhere the lock lasts until the file is renamed
                file.close()
            if is_kept:
                replace(scratch, path)
            else:
                scratch.unlink()
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def replace(source: Path, target: Path) -> None:
    """Rename a file or folder to ``target``. A file or an empty folder there is replaced, and its permissions stay."""
    with suppress(OSError):  # such as when it does not exist
        old = target.stat()
        if sys.platform != "win32":
            with suppress(OSError):  # only the superuser may give files to others
                os.chown(source, old.st_uid, old.st_gid)
        os.chmod(source, stat.S_IMODE(old.st_mode))
    os.replace(source, target)


def follow_links(path: Path) -> Path:
    """Return the path that a link leads to; another path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def fit_name(name: str, *, before: str = "", after: str = "", limit: int = NAME_BYTES) -> str:
    """Return a name with something before and after it; the end of a long name is replaced by its digest.

    >>> fit_name("people.csv", before=".", after=".parts")
    '.people.csv.parts'
    >>> len(fit_name("n" * 250, after=".skipped.jsonl"))
    255
    """
    room = limit - len(os.fsencode(before + after))
    if len(os.fsencode(name)) > room:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        kept = os.fsencode(name)[: room - len(digest) - 1].decode("utf-8", "ignore")
        name = f"{kept}~{digest}"
    return f"{before}{name}{after}"


def find_scratch_files(path: Path) -> list[Path]:
    """Return the scratch files of ``path`` that `open_atomically` has in use or that killed processes left."""
    name = re.compile(re.escape(_scratch_prefix(path)) + r"\d+\.[0-9a-f]{8}")
    return [other for other in path.parent.glob(".*") if name.fullmatch(other.name)]


def sweep_scratch_files(path: Path) -> None:
    """Remove the scratch files of ``path`` that killed processes left. Those that are in use are locked, and stay."""
    for scratch in find_scratch_files(follow_links(path)):
        with suppress(OSError), open(scratch, "r+b") as file:
            if try_lock(file):
                scratch.unlink()


def try_lock(file: IO[bytes]) -> bool | None:
    """Lock an open file for this process, until the file is closed or the process ends.

    Returns:
        Whether it is locked now; False if another open file has the lock, None if there are no locks here.
    """
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network storage has no locks
        return None
    return True


def is_file_at(file: IO[bytes], path: Path) -> bool:
    """Return whether an open file is the one at ``path``: it may have been removed or replaced since."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _create_scratch(path: Path) -> tuple[Path, IO[bytes]]:
    """Create and lock a scratch file; only its owner may read it if it replaces a file."""
    mode = 0o600 if path.exists() else 0o666
    while True:
        scratch = path.with_name(f"{_scratch_prefix(path)}{os.getpid()}.{os.urandom(4).hex()}")
        file = open(scratch, "xb", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: SIM115 - the caller closes it
        if try_lock(file) is not False and is_file_at(file, scratch):
            return scratch, file
        file.close()  # another process has just swept it


def _scratch_prefix(path: Path) -> str:
    """Return how scratch names of ``path`` begin: short enough for any file system, and different for long names."""
    return fit_name(path.name, before=".", after=".", limit=SCRATCH_BYTES + 2)


def digest_of(*arrays: Any) -> str:
    """Return the SHA-256 of numpy arrays, including their types and shapes, in hexadecimal."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
