"""A job: the finished parts of an output, kept in a folder beside it until the whole output can appear at once.

A part is a numbered file, and a small record of what went into it, which is written last. An interrupted job continues
after the parts that have a record.
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

SETTINGS = "job.json"
"""The file with the settings of the job."""

WHOLE = "whole"
"""The folder, inside that of the job, of the finished tables of an output folder."""


class Job:
    """The finished parts of one job, in a folder; a context manager, which removes the folder if no part is finished.

    Args:
        folder: the folder; it is made if missing.
        settings: what tells this job from others, as plain JSON values: another job cannot use its parts.
        resume: continue after the parts that exist.

    Raises:
        DataError: an interrupted job exists and resume is False, or it has other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, resume: bool) -> None:
        self.folder = folder
        path, content = folder / SETTINGS, json.dumps(settings, sort_keys=True)
        if folder.exists():
            if not resume:
                raise DataError(
                    f"{folder}: an interrupted job exists, finished parts: {self._count_records():,}; continue it with "
                    "--resume, or remove the folder to start again"
                )
            if path.exists() and path.read_text(encoding="utf-8") != content:
                raise DataError(
                    f"{folder}: the interrupted job has another model, input or options; give the same ones, or remove "
                    "the folder to start again"
                )
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.encode())

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the folder if no part is finished."""
        if not any(path.is_file() and path.name != SETTINGS for path in self.folder.rglob("*")):
            shutil.rmtree(self.folder, ignore_errors=True)

    def read_record(self, number: int) -> dict[str, Any] | None:
        """Return the record of a part; None if the part is not finished."""
        try:
            found = json.loads(self._record_path(number).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

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

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder)

    def _part_path(self, number: int) -> Path:
        return self.folder / f"{number:08}.part"

    def _record_path(self, number: int) -> Path:
        return self.folder / f"{number:08}.json"

    def _count_records(self) -> int:
        return len(list(self.folder.glob("[0-9]*.json")))


def check_free(target: Path) -> None:
    """Check that a folder can be written: it does not exist, or is empty.

    Raises:
        DataError: it contains something, or is a file.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target}: already exists and is not empty; name a folder that does not exist")


def name_parts_folder(target: Path) -> Path:
    """Return the folder for the finished parts of an output."""
    return target.with_name(f".{target.name}.parts")


def read_state(source: str) -> list[int]:
    """Return what changes when a file is written: its size in bytes, and its time of modification in nanoseconds.

    Raises:
        DataError: it cannot be read.
    """
    try:
        found = os.stat(source)
    except (OSError, ValueError) as error:
        raise DataError(f"{source}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return [found.st_size, found.st_mtime_ns]


def describe_job(
    annotator: Annotator, sources: Sequence[Any] | Query, form: Format | None, read_as: Format | None
) -> dict[str, Any]:
    """Return the settings that tell a job from others."""
    return {
        "elman": __version__,
        "model": digest_of_artifact(annotator.predictor.artifact),
        "sources": sources.to_dict() if isinstance(sources, Query) else list(sources),
        "config": asdict(annotator.config),
        "read_as": None if read_as is None else asdict(read_as),
        "form": None if form is None else asdict(form),
    }
