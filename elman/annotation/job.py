"""A job: the finished parts of an output, kept in a folder beside it until the whole output can appear at once.

A part is a numbered file, and a small record of what went into it, which is written last. An interrupted job continues
after the parts that have a record. One process works on a job at a time: it holds a lock, which ends with the process.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from elman.annotation.annotator import Annotator
from elman.annotation.paths import show_path
from elman.errors import DataError
from elman.files import fit_name, is_file_at, replace, try_lock, write_atomically
from elman.tables.formats import Format
from elman.tables.sources import Source
from elman.tables.sql.queries import Query
from elman.version import __version__

SETTINGS = "job.json"
"""The file with the settings of the job."""

LOCK = "lock"
"""The file that the process that works on the job has locked."""

COMPLETE = "complete"
"""An empty file, which says that the whole output is finished."""

WHOLE = "whole"
"""The whole output, a file or a folder, until it moves to its place."""


class Job:
    """The finished parts of one job, in a folder; a context manager, which removes the folder if no part is finished.

    Args:
        folder: the folder; it is made if missing, in one that exists.
        settings: what tells this job from others, as plain JSON values: another job cannot use its parts.
        resume: continue after the parts that exist.
        mode: the permissions of the folder.

    Raises:
        DataError: another process works on the job; an interrupted job exists and resume is False, or it has other
            settings; the folder cannot be made.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, resume: bool, mode: int = 0o700) -> None:
        self.folder = folder
        try:
            self._lock = _lock_folder(folder, mode)
        except OSError as error:
            place = show_path(folder.parent)
            raise DataError(f"{place}: no folder can be made there ({error.strerror}); name another output") from None
        try:
            self._start(settings, resume=resume)
        except BaseException:
            self._lock.close()
            raise

    def _start(self, settings: Mapping[str, Any], *, resume: bool) -> None:
        """Check that the job is new, or that it may continue."""
        if self.is_delivered and not resume:  # an earlier process ended before it removed the folder
            self._clear()
        path, title = self.folder / SETTINGS, show_path(self.folder)
        begun = any(other.name != LOCK for other in self.folder.iterdir())
        if begun and not resume:
            raise DataError(
                f"{title}: an interrupted job exists, finished parts: {self.count_records():,}; continue it with "
                "--resume, or remove the folder to start again"
            )
        before = _read_object(path)
        if before is None:
            write_atomically(path, json.dumps(settings, sort_keys=True).encode())
            return
        wanted = json.loads(json.dumps(settings))
        differing = [name for name in sorted({*before, *wanted}) if before.get(name) != wanted.get(name)]
        if differing:
            raise DataError(
                f"{title}: the interrupted job has another model, input or options ({', '.join(differing)}); give the "
                "same ones, or remove the folder to start again"
            )

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the folder if no part is finished, and release the lock."""
        with self._lock:
            files = (path for path in self.folder.rglob("*") if path.is_file())
            if is_file_at(self._lock, self.folder / LOCK) and {path.name for path in files} <= {SETTINGS, LOCK}:
                self.remove()

    def read_record(self, number: int) -> dict[str, Any] | None:
        """Return the record of a part; None if the part is not finished."""
        return _read_object(self._record_path(number))

    def save_part(self, number: int, content: bytes, record: Mapping[str, Any]) -> None:
        """Save a finished part and its record, which is plain JSON values."""
        write_atomically(self._part_path(number), content)
        self.save_record(number, record)

    def save_record(self, number: int, record: Mapping[str, Any]) -> None:
        """Save the record of a part whose content is stored elsewhere."""
        write_atomically(self._record_path(number), json.dumps(record).encode())

    def read_parts(self, count: int) -> Iterator[bytes]:
        """Return the contents of the first ``count`` parts, in their order."""
        return (self._part_path(number).read_bytes() for number in range(count))

    def count_records(self) -> int:
        """Return how many parts are finished."""
        return len(list(self.folder.glob("[0-9]*.json")))

    # The whole output

    @property
    def whole(self) -> Path:
        """Where the whole output is made."""
        return self.folder / WHOLE

    @contextmanager
    def open_whole(self) -> Iterator[IO[bytes]]:
        """Open the whole output, a file, for writing; at the end it is complete. After an error it is removed."""
        try:
            with open(self.whole, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            self.complete()
        except BaseException:
            self.whole.unlink(missing_ok=True)
            raise

    def complete(self) -> None:
        """Record that the whole output is finished."""
        write_atomically(self.folder / COMPLETE, b"")

    @property
    def is_complete(self) -> bool:
        """Whether the whole output is finished, here or already in its place."""
        return (self.folder / COMPLETE).exists()

    @property
    def is_delivered(self) -> bool:
        """Whether the whole output is in its place, and only this folder has not been removed."""
        return self.is_complete and not self.whole.exists()

    def deliver(self, target: Path) -> None:
        """Move the whole output to its place, and remove the folder."""
        if self.whole.exists():
            replace(self.whole, target)
        self.remove()

    def try_folder(self, target: Path) -> None:
        """Check that an empty folder at the target can be replaced, by replacing it with another.

        Raises:
            DataError: it cannot.
        """
        if target.exists():
            spare = self.folder / "empty"
            spare.mkdir(exist_ok=True)
            try:
                replace(spare, target)
            except OSError as error:
                spare.rmdir()
                problem = f"cannot be replaced ({error.strerror}), perhaps because it is a mount point"
                raise DataError(f"{show_path(target)}: {problem}; name a folder inside it") from None

    def remove(self) -> None:
        """Remove the folder: the lock last, so that no other process finds half of the job."""
        self._clear()
        if sys.platform == "win32":  # it removes no open file, and has no locks
            self._lock.close()
        (self.folder / LOCK).unlink()
        with suppress(OSError):  # another process may have started a job here since
            self.folder.rmdir()

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if path.name != LOCK:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _part_path(self, number: int) -> Path:
        return self.folder / f"{number:08}.part"

    def _record_path(self, number: int) -> Path:
        return self.folder / f"{number:08}.json"


def _read_object(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file; None if the file is missing or contains something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _lock_folder(folder: Path, mode: int) -> IO[bytes]:
    """Make a folder if it is missing, and return its open lock file, locked.

    Raises:
        DataError: another process has locked it.
        OSError: the folder or the file cannot be made.
    """
    while True:
        folder.mkdir(mode=mode, exist_ok=True)
        try:
            file = open(folder / LOCK, "ab")  # noqa: SIM115 - the job closes it
        except FileNotFoundError:  # the process that had the lock has just removed the folder
            continue
        is_free = try_lock(file) is not False
        if is_free and is_file_at(file, folder / LOCK):
            return file
        file.close()
        if not is_free:
            raise DataError(
                f"{show_path(folder)}: another process works on this output at the moment; wait until it has ended, "
                "or stop it and continue with --resume"
            )


def remove_leftovers(whole: Path, names: Iterable[str]) -> None:
    """Remove the files of an output folder that are not part of the output: processes that died left them."""
    kept = set(names)
    for path in [*whole.rglob("*")] if whole.exists() else []:
        if path.is_file() and str(path.relative_to(whole)) not in kept:
            path.unlink()


def name_parts_folder(target: Path) -> Path:
    """Return the folder for the finished parts of an output."""
    return target.with_name(fit_name(target.name, before=".", after=".parts"))


def read_state(source: str) -> list[int]:
    """Return what changes when a file is written: its size in bytes, and its time of modification in nanoseconds.

    Raises:
        DataError: it cannot be read.
    """
    try:
        found = os.stat(source)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or error
        raise DataError(f"{show_path(source)}: cannot be read ({problem})") from None
    return [found.st_size, found.st_mtime_ns]


def describe_job(
    annotator: Annotator, sources: Sequence[Any] | Query, form: Format | None, read_as: Format | None
) -> dict[str, Any]:
    """Return the settings that tell a job from others."""
    return {
        "version": __version__,
        "model": annotator.artifact.digest,
        "input": sources.to_dict() if isinstance(sources, Query) else list(sources),
        "options": asdict(annotator.config),
        "read_as": None if read_as is None else asdict(read_as),
        "written_as": None if form is None else asdict(form),
    }


def describe_table(table: Source, *, typed: bool) -> dict[str, Any]:
    """Return the settings that tell a table from others: its header, and its types if it states any."""
    schema = hashlib.sha256(table.schema().serialize()).hexdigest() if typed else None
    header = {"columns": list(table.columns), "has_header": table.has_header, "has_mark": table.has_mark}
    text = {name: getattr(table, name, None) for name in ("newline", "encoding", "delimiter")}
    return {"header": {**header, **text}, "schema": schema}
