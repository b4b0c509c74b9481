"""Uploads: annotate a table that a client sends, and stream it back from a temporary folder."""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import quote

import python_multipart  # noqa: F401 - parses forms; if it is missing, this import gives a clearer error than FastAPI's
from starlette.datastructures import UploadFile
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from elman.errors import DataError, SettingError
from elman.server.errors import RequestError
from elman.server.models import ServedModel
from elman.server.service import Service

MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
}
"""The formats by file suffix. Compressed text is not accepted: a small body could expand to any size."""

GROWTH = 8
"""The annotated table may be this many times as large as an upload: Parquet can expand to far more than its size."""

CHUNK = 2**18
"""Bytes that are copied or sent at a time."""


@dataclass(frozen=True)
class TableRequest:
    """How to annotate a table.

    Args:
        column: the column of the names.
        top: how many labels to write for each row.
        abstain_below: abstain if the best label's probability is lower.
        suffix: the format of the response, such as ``.csv``; that of the upload if None.
    """

    column: str
    top: int
    abstain_below: float
    suffix: str | None


async def annotate_upload(
    service: Service, model: ServedModel, upload: UploadFile, request: TableRequest
) -> StreamingResponse:
    """Return the response that streams an uploaded table back, annotated.

    Raises:
        RequestError: the file has an unknown format, or it cannot be read.
    """
    name = Path(upload.filename or "")
    read_as = name.suffix.lower()
    if read_as not in MEDIA_TYPES:
        raise RequestError(415, "unknown_format", f"the name of the file must end in {', '.join(MEDIA_TYPES)}")
    suffix = request.suffix or read_as
    folder = tempfile.TemporaryDirectory(prefix="elman-")
    source, target = Path(folder.name, f"upload{read_as}"), Path(folder.name, f"annotated{suffix}")
    stop = threading.Event()
    work = partial(_annotate, service, model, request, upload.file, source, target, stop)
    try:
        rows, abstained = await _run_until_stopped(service, work, stop)
        size = target.stat().st_size
    except BaseException as error:
        folder.cleanup()
        if isinstance(error, DataError | SettingError):
            raise _hide_cells(error) from None
        raise
    stem = quote(name.stem, safe="", errors="replace")
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f"attachment; filename=\"annotated{suffix}\"; filename*=UTF-8''{stem}.annotated{suffix}",
        "X-Elman-Rows": str(rows),
        "X-Elman-Abstained": str(abstained),
    }
    return _TableResponse(service, folder, target, headers, MEDIA_TYPES[suffix])


class _TableResponse(StreamingResponse):
    """Sends a file, and removes its folder afterwards, even after an error."""

    def __init__(
        self,
        service: Service,
        folder: "tempfile.TemporaryDirectory[str]",
        file: Path,
        headers: dict[str, str],
        media_type: str,
    ) -> None:
        super().__init__(_read_chunks(service, file), headers=headers, media_type=media_type)
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._folder.cleanup()


async def _read_chunks(service: Service, path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await service.run_in_thread(partial(file.read, CHUNK)):
            yield chunk


async def _run_until_stopped(
    service: Service, work: "partial[tuple[int, int]]", stop: threading.Event
) -> tuple[int, int]:
    """Run a function on a thread. If this task is cancelled, set ``stop`` and wait until the thread has ended."""
    running = asyncio.ensure_future(service.run_in_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([running])
        running.exception()  # mark it as retrieved
        raise


def _annotate(
    service: Service,
    model: ServedModel,
    request: TableRequest,
    file: IO[bytes],
    source: Path,
    target: Path,
    stop: threading.Event,
) -> tuple[int, int]:
    """Annotate a table; return its number of rows, and for how many of them the model abstained. Runs on a thread."""
    from elman.annotation.annotator import AnnotateConfig, Annotator, Summary
    from elman.annotation.local import annotate_stream
    from elman.tables.formats import format_of

    with source.open("wb") as copy:
        shutil.copyfileobj(file, copy, CHUNK)
    config = AnnotateConfig(column=request.column, top=request.top, abstain_below=request.abstain_below)
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
    service.metrics.count_names(model.name, summary.rows, abstained=abstained)
    return summary.rows, abstained


def _check_size(service: Service, rows: int, size: int) -> None:
    limits = service.settings
    if rows > limits.rows:
        raise RequestError(422, "too_many_rows", f"a table may have {limits.rows} rows; send it in parts")
    if size > GROWTH * limits.upload_bytes:
        raise RequestError(422, "too_much_text", "the annotated table is larger than allowed; send it in parts")


_MESSAGES = {
    "unknown_column": "the table has no such column, or several of that name; name one of its columns",
    "not_strings": "the column does not contain strings; name one that does",
    "empty_table": "the table is empty; its first line must name the columns",
    "column_taken": "the table already has columns named elman_…; rename them",
    "column_twice": "two columns of the table have one name, which this format cannot hold; ask for csv",
}
"""Messages by `DataError.code`. They quote no column and no cell, as the error's own message may."""


def _hide_cells(error: DataError | SettingError) -> RequestError:
    """Return an error that clients may see: the tables' own quotes columns and cells."""
    if isinstance(error, SettingError):
        return RequestError(422, "invalid", "column, top or abstain_below has a value that this model cannot use")
    if error.code in _MESSAGES:
        return RequestError(422, error.code, _MESSAGES[error.code])
    if error.code == "malformed_row":
        where = "" if error.line is None else f" at line {error.line:,}"
        message = (
            f"the table cannot be read{where}: expected UTF-8, quotation marks in pairs and as many cells as in the "
            "first line, or one JSON object a line with a string or null in the column"
        )
        return RequestError(422, "malformed_row", message)
    return RequestError(422, "unreadable_table", "the table cannot be read; check that its format matches its name")
