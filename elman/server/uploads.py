"""Uploads: a table in, the same table annotated out, by way of a folder that is gone afterwards."""

import asyncio
import re
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import quote

import python_multipart  # noqa: F401 - what reads forms: without it, the framework complains in words of its own
from starlette.datastructures import UploadFile
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from elman.errors import DataError, SettingError
from elman.server.errors import Refusal
from elman.server.models import ServedModel, Service

MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
}
"""The formats, by the end of a file's name. Packed ones are not taken: a small body could hold any amount of text."""

GROWTH = 8
"""The annotated table may take so many times the bytes that an upload may: Parquet can hold far more than its size."""

CHUNK = 2**18
"""Bytes that are copied or sent at a time."""


@dataclass(frozen=True)
class TableQuestion:
    """What is asked of a table.

    Args:
        column: the column of the names.
        top: how many labels to write for each row.
        abstain_below: abstain where the best label's probability is lower.
        suffix: the format of the answer, as ``.csv``; as the upload's where None.
    """

    column: str
    top: int
    abstain_below: float
    suffix: str | None


async def annotate_upload(
    service: Service, model: ServedModel, upload: UploadFile, asked: TableQuestion
) -> StreamingResponse:
    """Return the answer that streams an uploaded table back, annotated.

    Raises:
        Refusal: the file is of another format, or cannot be read.
    """
    given = Path(upload.filename or "")
    read_as = given.suffix.lower()
    if read_as not in MEDIA_TYPES:
        raise Refusal(415, "unknown_format", f"the name of the file must end in {', '.join(MEDIA_TYPES)}")
    suffix = asked.suffix or read_as
    folder = tempfile.TemporaryDirectory(prefix="elman-")
    source, target = Path(folder.name, f"given{read_as}"), Path(folder.name, f"annotated{suffix}")
    stop = threading.Event()
    work = partial(_annotate, service, model, asked, upload.file, source, target, stop)
    try:
        rows, abstained = await _stoppable(service, work, stop)
        size = target.stat().st_size
    except BaseException as error:
        folder.cleanup()
        if isinstance(error, DataError | SettingError):
            raise _unreadable(error) from None
        raise
    stem = quote(given.stem, safe="", errors="replace")
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f"attachment; filename=\"annotated{suffix}\"; filename*=UTF-8''{stem}.annotated{suffix}",
        "X-Elman-Rows": str(rows),
        "X-Elman-Abstained": str(abstained),
    }
    return _TableResponse(service, folder, target, headers, MEDIA_TYPES[suffix])


class _TableResponse(StreamingResponse):
    """Sends a file, and removes its folder however that ends."""

    def __init__(
        self,
        service: Service,
        folder: "tempfile.TemporaryDirectory[str]",
        file: Path,
        headers: dict[str, str],
        media_type: str,
    ) -> None:
        super().__init__(_chunks(service, file), headers=headers, media_type=media_type)
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._folder.cleanup()


async def _chunks(service: Service, file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while chunk := await service.errand(partial(opened.read, CHUNK)):
            yield chunk


async def _stoppable(service: Service, work: "partial[tuple[int, int]]", stop: threading.Event) -> tuple[int, int]:
    """Do the work on a thread. Where this is cancelled, tell the thread and wait until it has stopped."""
    running = asyncio.ensure_future(service.errand(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([running])
        running.exception()  # nobody asks for it any more
        raise


def _annotate(
    service: Service,
    model: ServedModel,
    asked: TableQuestion,
    file: IO[bytes],
    source: Path,
    target: Path,
    stop: threading.Event,
) -> tuple[int, int]:
    """Annotate a table; return how many rows it has, and how many of them were abstained on. Runs on a thread."""
    from elman.annotation.annotator import AnnotateConfig, Annotator, Summary
    from elman.annotation.local import annotate_stream
    from elman.tables.formats import format_of

    with source.open("wb") as copy:
        shutil.copyfileobj(file, copy, CHUNK)
    config = AnnotateConfig(column=asked.column, top=asked.top, abstain_below=asked.abstain_below)
    summary = Summary()
    with target.open("wb") as out:
        for step in annotate_stream(
            Annotator(model.predictor, config), [str(source)], out, form=format_of(str(target))
        ):
            summary = step.summary
            _check_size(service, summary.rows, out.tell())
            if stop.is_set():
                break
    abstained = sum(summary.abstained.values())
    service.counters.count_names(model.name, summary.rows, abstained=abstained)
    return summary.rows, abstained


def _check_size(service: Service, rows: int, size: int) -> None:
    limits = service.settings
    if rows > limits.rows:
        raise Refusal(422, "too_many_rows", f"a table may hold {limits.rows} rows; send it in parts")
    if size > GROWTH * limits.upload_bytes:
        raise Refusal(422, "too_much_text", "the annotated table is larger than the service sends; send it in parts")


def _unreadable(error: Exception) -> Refusal:
    """Return what was wrong with a table, without quoting it: an error of the tables may name columns or cells."""
    said = str(error)
    for part, code, message in _PROBLEMS:
        if part in said:
            return Refusal(422, code, message)
    place = _PLACE.search(said)
    if place:
        message = (
            f"the table cannot be read at line {place['line']}: expected UTF-8, quotation marks in pairs and as many "
            "cells as in the first line, or one JSON object a line with a string or null in the column"
        )
        return Refusal(422, "malformed_row", message)
    return Refusal(422, "unreadable_table", "the table cannot be read; is it of the format that its name says?")


_PLACE = re.compile(r"given\.\w+, (after )?(line|row) (?P<line>[\d,]+)")
_PROBLEMS = (
    ("expected one column", "unknown_column", "the table has no such column, or several; name one of its columns"),
    ("expected strings in the column", "not_strings", "the column does not hold strings; name one that does"),
    ("is empty", "empty_table", "the table is empty; its first line must name the columns"),
    ("already; give the new columns", "column_taken", "the table has columns named elman_… already; rename them"),
    ("the same name", "column_twice", "a column stands twice in the table, which the format cannot hold; ask for csv"),
)
