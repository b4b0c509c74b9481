"""Parts: the finished pieces of a long job, kept beside its output until the whole of it can appear at once.

A part is a numbered file, and a small record that says what went into it; the record is written last. An interrupted
job goes on with the parts that have one.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from elman.annotation.annotator import Annotator
from elman.errors import DataError
from elman.files import write_atomically
from elman.model.file import digest_of_artifact
from elman.tables.formats import Format
from elman.tables.queries import Query
from elman.version import __version__

NOTE = "job.json"
"""The file that says what the job was asked to do."""


class Parts:
    """The finished parts of one job, in a folder of their own; a context, which leaves no folder without parts.

    Args:
        folder: it; made where it is not there.
        asked: what the job was asked to do, as plain JSON values: another job must not go on with its parts.
        resume: go on with the parts that are there.

    Raises:
        DataError: parts are there that are not to be gone on with, or those of another job.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any], *, resume: bool) -> None:
        self.folder = folder
        note, said = folder / NOTE, json.dumps(asked, sort_keys=True)
        if folder.exists():
            if not resume:
                raise DataError(
                    f"{folder}: an interrupted job lies here, finished parts: {self._finished():,}; go on with "
                    "--resume, or remove the folder to start again"
                )
            if note.exists() and note.read_text(encoding="utf-8") != said:
                raise DataError(
                    f"{folder}: the interrupted job that lies here was asked for something else; give the same model "
                    "and options, or remove the folder to start again"
                )
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(note, said.encode())

    def __enter__(self) -> "Parts":
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the folder where nothing was finished: there is nothing to go on with."""
        if not any(path.is_file() and path.name != NOTE for path in self.folder.rglob("*")):
            shutil.rmtree(self.folder, ignore_errors=True)

    def record(self, number: int) -> dict[str, Any] | None:
        """Return what was recorded of a part; None where it is not finished."""
        try:
            found = json.loads(self._record(number).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def keep(self, number: int, content: bytes, record: Mapping[str, Any]) -> None:
        """Keep a finished part, and what is to be recorded of it: plain JSON values."""
        write_atomically(self._part(number), content)
        self.note(number, record)

    def note(self, number: int, record: Mapping[str, Any]) -> None:
        """Record a part whose content lies elsewhere."""
        write_atomically(self._record(number), json.dumps(record).encode())

    def contents(self, count: int) -> Iterator[bytes]:
        """Return the first ``count`` parts, in their order."""
        return (self._part(number).read_bytes() for number in range(count))

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder)

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:08}.part"

    def _record(self, number: int) -> Path:
        return self.folder / f"{number:08}.json"

    def _finished(self) -> int:
        return len(list(self.folder.glob("[0-9]*.json")))


WHOLE = "whole"
"""Where the tables of a folder wait, among the finished parts, until all are there."""


def check_free(target: Path) -> None:
    """Check that a folder can be written: it is not there, or empty.

    Raises:
        DataError: it holds something, or is a file.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target}: is there already, and not empty; name a folder that is not there")


def parts_folder(target: Path) -> Path:
    """Return where the finished parts of an output wait."""
    return target.with_name(f".{target.name}.parts")


def state_of(source: str) -> list[int]:
    """Return what changes with a file: its size in bytes, and when it was written, in nanoseconds.

    Raises:
        DataError: it cannot be read.
    """
    try:
        found = os.stat(source)
    except (OSError, ValueError) as error:
        raise DataError(f"{source}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return [found.st_size, found.st_mtime_ns]


def job_of(
    annotator: Annotator, sources: Sequence[Any] | Query, form: Format | None, read_as: Format | None
) -> dict[str, Any]:
    """Return what tells a job from others: its parts are of no use to them."""
    return {
        "elman": __version__,
        "model": digest_of_artifact(annotator.predictor.artifact),
        "sources": sources.to_dict() if isinstance(sources, Query) else list(sources),
        "config": asdict(annotator.config),
        "read_as": None if read_as is None else asdict(read_as),
        "form": None if form is None else asdict(form),
    }
