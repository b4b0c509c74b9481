"""Uploads: a table that a client sends is annotated and sent back, or shares are estimated, in a worker process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import python_multipart  # noqa: F401 - parses forms; if it is missing, this import gives a clearer error than FastAPI's
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from elman.annotation.annotator import USUAL_COVERAGE
from elman.errors import DamagedModelError, SettingError, WorkerError
from elman.prediction.options import AnswerOptions
from elman.server.errors import RequestError, log_bug
from elman.server.jobs import CHUNK, MOST_GROUPS, Job, MoreColumns, Reply
from elman.server.limits import run_while_connected
from elman.server.models import ServedModel
from elman.server.pool import Worker
from elman.server.service import Service, check_options
from elman.server.settings import Settings
from elman.shares.estimates import Estimator
from elman.tables.formats import WORKBOOKS, TextOptions

Result = TypeVar("Result")

MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
}
"""The formats by file suffix. Compressed text is not accepted: a small body could expand to any size."""

HEAD = 2**16
"""Bytes of an upload that are looked at before a worker reads it."""

GROWTH = 8
"""The annotated table may be this many times as large as an upload: Parquet can expand to far more than its size."""

MOST_WIDE = 200
"""The most labels whose probabilities are all written."""

MOST_LABELS = 20
"""The largest ``top`` of a table. A worker holds the answers for thousands of rows at a time."""


@dataclass(frozen=True)
class TextRequest:
    """How to read a text file.

    Args:
        header: whether the first line names the columns; the column decides if None.
        delimiter: the character between cells; recognised if None.
        encoding: the encoding; UTF-8, or what a byte order mark says, if None.
    """

    header: bool | None = None
    delimiter: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class TableRequest:
    """How to annotate a table.

    Args:
        column: the column of the names.
        top: how many labels to write for each row.
        abstain_below: abstain if the best label's probability is lower.
        suffix: the format of the response, such as ``.csv``; that of the upload if None.
        text: how the file is read.
        more: what it says beside the best labels.
    """

    column: str
    top: int
    abstain_below: float
    suffix: str | None
    text: TextRequest = TextRequest()
    more: MoreColumns = MoreColumns()


@dataclass(frozen=True)
class SharesRequest:
    """How to estimate the shares of labels in a table.

    Args:
        column: the column of the names.
        by: the column of the groups; one group if None.
        level: of the labels; the labels themselves if None.
        text: how the file is read.
    """

    column: str
    by: str | None = None
    level: str | None = None
    text: TextRequest = TextRequest()


async def annotate_upload(
    service: Service, model: ServedModel, request: Request, table: TableRequest
) -> StreamingResponse:
    """Return the response that streams an uploaded table back, annotated.

    Args:
        service: the service.
        model: the model.
        request: the request, whose form has been read.
        table: how to annotate it.

    Raises:
        RequestError: the file has an unknown format, or it cannot be read.
    """
    upload = await _read_upload(request)
    name = Path(upload.filename or "")
    suffix = table.suffix or name.suffix.lower()
    _check_table(model, table)
    more = {"write_as": suffix[1:], "top": table.top, "abstain_below": table.abstain_below, "more": asdict(table.more)}
    job = _make_job(service.settings, model, table, name, **more)
    worker, reply = await _run(service, model, request, job, upload)
    stem = quote(name.stem, safe="", errors="replace")
    headers = {
        "Content-Length": str(reply.size),
        "Content-Disposition": f"attachment; filename=\"annotated{suffix}\"; filename*=UTF-8''{stem}.annotated{suffix}",
        "X-Elman-Rows": str(reply.rows),
        "X-Elman-Abstained": str(reply.abstained),
    }
    return _TableResponse(service, worker, reply.size, headers, MEDIA_TYPES[suffix])


async def estimate_upload(service: Service, model: ServedModel, request: Request, table: SharesRequest) -> Response:
    """Return the response with the shares of labels in an uploaded table, or in each group of its rows, as JSON.

    Args:
        service: the service.
        model: the model.
        request: the request, whose form has been read.
        table: what to estimate.

    Raises:
        RequestError: the file has an unknown format, or it cannot be read; or the model cannot estimate so.
    """
    upload = await _read_upload(request)
    _check_estimate(model, table)
    name = Path(upload.filename or "")
    job = _make_job(service.settings, model, table, name, by=table.by, level=table.level)
    worker, reply = await _run(service, model, request, job, upload)
    try:
        content = await _run_until_killed(service, worker, partial(worker.read, reply.size))
    except WorkerError as error:
        raise log_bug(str(error)) from None
    finally:
        service.give_back(worker)
    return Response(content, media_type="application/json")


async def _read_upload(request: Request) -> UploadFile:
    """Return the file of a request, whose name and first bytes have been checked.

    Raises:
        RequestError: there is no such file, or it is of another kind.
    """
    upload = _find_file(await request.form())
    suffix = Path(upload.filename or "").suffix.lower()
    _check_suffix(suffix)
    _check_head(upload.file.read(HEAD), suffix)
    upload.file.seek(0)
    return upload


async def _run(
    service: Service, model: ServedModel, request: Request, job: Job, upload: UploadFile
) -> tuple[Worker, Reply]:
    """Do a job in a worker process; return the worker, which has the result, and its reply.

    Raises:
        RequestError: there is no result.
    """
    worker = service.workers.take()
    try:
        work = partial(worker.run, job, model.predictor.artifact, upload.file)
        reply = await run_while_connected(request.receive, _run_until_killed(service, worker, work))
        _check(reply, service.settings)
    except BaseException as error:
        service.give_back(worker)
        if isinstance(error, WorkerError):
            raise log_bug(str(error)) from None
        raise
    service.metrics.count_names(model.name, reply.rows, abstained=reply.abstained)
    return worker, reply


class _TableResponse(StreamingResponse):
    """Sends a worker's table, and gives the worker back afterwards; one whose table was not read whole must end."""

    def __init__(self, service: Service, worker: Worker, size: int, headers: dict[str, str], media_type: str) -> None:
        super().__init__(self._read(size), headers=headers, media_type=media_type)
        self._service, self._worker, self._is_complete = service, worker, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if not self._is_complete:
                self._worker.kill()
            self._service.give_back(self._worker)

    async def _read(self, size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, CHUNK):
            yield await self._service.run_in_thread(partial(self._worker.read, min(CHUNK, size - start)))
        self._is_complete = True


async def _run_until_killed(service: Service, worker: Worker, work: Callable[[], Result]) -> Result:
    """Run a function on a thread. If this task is cancelled, kill the worker and wait until the thread has ended."""
    running = asyncio.ensure_future(service.run_in_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        worker.kill()
        await asyncio.wait([running])
        running.exception()  # mark it as retrieved
        raise


def _find_file(form: FormData) -> UploadFile:
    """Return the one file of a form.

    Raises:
        RequestError: there are several.
    """
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if len(files) > 1:
        raise RequestError(422, "invalid", f"file: send one file in a request; this has {len(files)}")
    return files[0]


def _check_suffix(suffix: str) -> None:
    if suffix[1:] in WORKBOOKS:
        raise RequestError(415, "spreadsheet", _SPREADSHEET)
    if suffix not in MEDIA_TYPES:
        raise RequestError(415, "unknown_format", f"the name of the file must end in {', '.join(MEDIA_TYPES)}")


def _check_head(head: bytes, suffix: str) -> None:
    """Check the first bytes of a file: a spreadsheet may have another name, and a file may be empty."""
    if suffix != ".parquet" and head.startswith(_WORKBOOK_HEADS):
        raise RequestError(415, "spreadsheet", _SPREADSHEET)
    if suffix != ".jsonl" and len(head) < HEAD and not head.strip():  # JSON Lines of no objects is a table of no rows
        raise RequestError(422, "empty_table", _MESSAGES["empty_table"])


_SPREADSHEET = "a spreadsheet is not read; save its sheet as CSV UTF-8 or as Parquet"

_WORKBOOK_HEADS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How spreadsheets begin: as a zip archive, or as a file of older Office programs."""


def _check_table(model: ServedModel, table: TableRequest) -> None:
    """Check that a model can annotate a table as a request asks."""
    if min(table.top, len(model.predictor.labels)) > MOST_LABELS:
        raise RequestError(422, "too_many_labels", f"top: a table may get {MOST_LABELS} labels a row")
    if table.more.every and len(model.predictor.labels) > MOST_WIDE:
        raise RequestError(422, "too_many_labels", f"all: at most {MOST_WIDE} labels get a column each; use top")
    coverage = USUAL_COVERAGE if "set" in table.more.add else None
    options = AnswerOptions(
        level=table.more.level,
        prior=table.more.prior,
        coverage=table.more.coverage or coverage,
        unfamiliar_below=table.more.unfamiliar_below,
        familiar="familiar" in table.more.add,
        every=table.more.every,
    )
    check_options(model, options)


def _check_estimate(model: ServedModel, table: SharesRequest) -> None:
    """Check that a model can estimate the shares that a request asks for."""
    levels = model.predictor.artifact.levels
    try:
        Estimator(model.predictor, table.level)
    except (SettingError, DamagedModelError):
        known = "none" if levels is None else ", ".join(levels.names)
        message = (
            f"{model.name} cannot estimate so: its levels are {known}; and its file must say how frequent its labels "
            "are in training"
        )
        raise RequestError(422, "unknown_option", message) from None


def _make_job(
    limits: Settings, model: ServedModel, table: TableRequest | SharesRequest, name: Path, **more: Any
) -> Job:
    """Return the job for a request.

    Args:
        limits: of the service.
        model: the model.
        table: the request.
        name: of the file.
        more: what only one kind of job has.

    Raises:
        RequestError: the delimiter is invalid.
    """
    try:
        TextOptions(delimiter=table.text.delimiter)
    except SettingError:
        message = "delimiter: must be one character, such as ; or \\t, and no quotation mark"
        raise RequestError(422, "invalid", message) from None
    shared = {"write_as": None, "top": 1, "abstain_below": 0.0, "column": table.column, **vars(table.text)}
    sizes = {"model_bytes": 0, "table_bytes": 0, "most_rows": limits.rows, "most_bytes": GROWTH * limits.upload_bytes}
    return Job(**{"model": model.name, "read_as": name.suffix.lower()[1:], **shared, **sizes, **more})


_MESSAGES = {
    "unknown_column": (
        "the table has no such column, or several; name one of its columns, and say with header=true or header=false "
        "whether its first line names them if the column is a number"
    ),
    "not_strings": "the column does not contain strings; name one that does",
    "empty_table": "the file is empty; its first line must name the columns",
    "no_rows": "the table has no rows; it needs one for each name",
    "no_groups": "the column of the groups is empty; name another one with by, or leave it out",
    "too_many_groups": f"there may be {MOST_GROUPS:,} groups; name with by a column with fewer values",
    "column_taken": "the table already has columns named elman_…; rename them",
    "column_twice": "two columns of the table have one name, which this format cannot hold; ask for csv",
    "malformed_row": (
        "the table cannot be read{where}: expected quotation marks in pairs and as many cells as in the first line, or "
        "one JSON object a line with a string or null in the column"
    ),
    "wrong_encoding": (
        "the text of the table is not in the expected encoding{where}; save it as CSV UTF-8, or name its encoding, as "
        "in encoding=cp1252"
    ),
    "unknown_encoding": "encoding: must be the name of a text encoding, such as cp1252 or utf-16",
    "invalid": "column, top or abstain_below has a value that this model cannot use",
    "too_many_rows": "a table may have {limits.rows} rows; send it in parts",
    "too_much_text": "the table or the annotated table is larger than allowed; send it in parts",
    "no_finite_answer": "the model has no finite answer for a row of the table",
}
"""Messages by the problem of a `Reply`. They quote no column and no cell, as the messages of the tables may."""

_ANY_PROBLEM = "unreadable_table", "the table cannot be read{where}; check that its format matches its name"
"""The code and the message for all other problems."""


def _check(reply: Reply, limits: Settings) -> None:
    """Raise the error that a reply describes, if it does."""
    if reply.bug is not None:
        raise log_bug(reply.bug)
    if reply.problem is not None:
        code, message = (reply.problem, _MESSAGES[reply.problem]) if reply.problem in _MESSAGES else _ANY_PROBLEM
        where = "" if reply.line is None else f" at line {reply.line:,}"
        raise RequestError(422, code, message.format(where=where, limits=limits))
