"""Worker: a process that reads one uploaded table after the other, for an `elman.server.pool.WorkerPool`.

It annotates a table, or estimates the shares of labels in it.

A table comes from a stranger. What it costs in time and memory, and even a crash of the library that reads it, stays in
this process, which yields to the service that started it and ends with it. Jobs come from standard input and replies go
to standard output: a line of JSON each, followed by bytes. Tables are kept in files without a name.
"""

import json
import os
import select
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from elman.annotation.annotator import AnnotateConfig, Annotator, Summary
from elman.annotation.local import annotate_stream
from elman.errors import DataError, SettingError
from elman.model.file import parse_artifact
from elman.prediction.predictor import Predictor
from elman.records import PredictionColumns
from elman.server.bugs import describe_bug
from elman.server.jobs import CHUNK, MOST_GROUPS, Job, Reply
from elman.shares.estimates import Estimator, estimate_table
from elman.shares.sample import Sample
from elman.tables.formats import TextOptions, format_of

MOST_MEMORY = 512 * 2**20
"""Bytes of memory after which a process ends with its job, rather than keep them."""

PRIORITY = 10
"""How far the priority of a process is lowered."""

OPEN_FILES = Path("/proc/self/fd")
"""Where Linux has a path for every open file, also for one without a name."""


class TableError(Exception):
    """A table cannot be read within the limits.

    Args:
        code: the kind of problem, for programs.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def main() -> None:
    """Serve jobs on the standard streams until the input ends."""
    with suppress(OSError, AttributeError):
        os.nice(PRIORITY)
    with suppress(OSError):  # if memory runs out, the system ends this process rather than the service
        Path("/proc/self/oom_score_adj").write_text("1000")
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a library prints must not get into a reply
    if hasattr(select, "poll"):
        threading.Thread(target=_end_with_input, daemon=True).start()
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, out)


def _end_with_input() -> None:
    """End this process, whatever it does, once the service has closed its end of the input."""
    poll = select.poll()
    poll.register(0, select.POLLHUP)
    poll.poll()
    os._exit(0)


def serve(source: IO[bytes], out: IO[bytes]) -> None:
    """Reply to each job until the source ends, or until a job has taken much memory."""
    predictors: dict[str, Predictor] = {}
    is_last = False
    while not is_last and (line := source.readline()):
        job = Job(**json.loads(line))
        if job.model_bytes:
            artifact = parse_artifact(source.read(job.model_bytes), f"the model {job.model}")
            predictors[job.model] = Predictor(artifact)
        with _spool(source, job.table_bytes) as path, tempfile.TemporaryFile(prefix="elman-") as target:
            reply = run(predictors[job.model], job, path, target)
            is_last = _memory() > MOST_MEMORY
            out.write(json.dumps({**asdict(reply), "is_last": is_last}).encode() + b"\n")
            target.seek(0)
            for start in range(0, reply.size, CHUNK):
                out.write(target.read(min(CHUNK, reply.size - start)))
            out.flush()


def run(predictor: Predictor, job: Job, path: str, target: IO[bytes]) -> Reply:
    """Do one job.

    Args:
        predictor: the model.
        job: what to do.
        path: the table.
        target: gets the result.
    """
    work = _estimate if job.write_as is None else _annotate
    try:
        rows, abstained = work(predictor, job, path, target)
    except DataError as error:
        return Reply(problem=error.code, line=error.line)
    except SettingError:
        return Reply(problem="invalid")
    except TableError as error:
        return Reply(problem=error.code)
    except MemoryError:
        return Reply(problem="too_much_text")
    except Exception as error:  # its message may quote a name
        return Reply(bug=describe_bug(error))
    return Reply(rows, abstained, target.tell())


def _annotate(predictor: Predictor, job: Job, path: str, target: IO[bytes]) -> tuple[int, int]:
    """Write the annotated table; return how many rows it has, and for how many of them the model abstained."""
    text = _read_options(job)
    more = {**job.more, "add": tuple(job.more.get("add", ()))}
    config = AnnotateConfig(column=job.column, top=job.top, abstain_below=job.abstain_below, text=text, **more)
    summary = Summary()
    for step in annotate_stream(
        _FiniteAnnotator(predictor, config),
        [path],
        target,
        form=format_of("", job.write_as),
        read_as=format_of("", job.read_as),
    ):
        summary = step.summary
        if summary.rows > job.most_rows:
            raise TableError("too_many_rows")
        if target.tell() > job.most_bytes:
            raise TableError("too_much_text")
    return summary.rows, sum(summary.abstained.values())


def _estimate(predictor: Predictor, job: Job, path: str, target: IO[bytes]) -> tuple[int, int]:
    """Write the shares of labels as JSON; return how many rows were read, and on how many names the model abstained."""
    report = estimate_table(
        Estimator(predictor, job.level),
        [path],
        column=job.column,
        by=job.by,
        form=format_of("", job.read_as),
        options=_read_options(job),
        sample=_LimitedSample(job),
    )
    target.write(json.dumps(report.to_dict(), allow_nan=False).encode())
    return sum(one.names for one in report.groups), sum(one.abstained for one in report.groups)


def _read_options(job: Job) -> TextOptions:
    try:  # here, because Python remembers every name of an encoding that it was asked for
        return TextOptions(delimiter=job.delimiter, encoding=job.encoding, header=job.header)
    except SettingError:
        raise TableError("unknown_encoding") from None


class _LimitedSample(Sample):
    """A sample that ends with an error if a table has too much: its rows, its groups, or the text of both columns.

    Args:
        job: says how much is allowed.
    """

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job, self._rows, self._characters = job, 0, 0

    def add(self, names: Sequence[str | None], groups: Sequence[str | None]) -> None:
        """Add some rows; see `Sample.add`."""
        self._rows += len(names)
        self._characters += sum(len(text) for texts in (names, groups) for text in texts if text is not None)
        if self._rows > self._job.most_rows:
            raise TableError("too_many_rows")
        if self._characters > self._job.most_bytes:
            raise TableError("too_much_text")
        super().add(names, groups)
        if len(self) > MOST_GROUPS:
            raise TableError("too_many_groups")


class _FiniteAnnotator(Annotator):
    """An annotator that never gives an answer that is not finite."""

    def answer(self, names: Sequence[str | None], *, threads: int | None = None) -> PredictionColumns:
        answers = super().answer(names, threads=threads)
        if not np.isfinite(answers.probabilities[answers.reason_ids < 0, 0]).all():
            raise TableError("no_finite_answer")
        return answers


@contextmanager
def _spool(source: IO[bytes], size: int) -> Iterator[str]:
    """Copy some bytes to a file without a name, and yield a path that opens it.

    Where only Linux has such a path, other systems get a file with a name, which is removed afterwards.
    """
    make: Any = tempfile.TemporaryFile if OPEN_FILES.is_dir() else tempfile.NamedTemporaryFile
    with make(prefix="elman-") as file:
        for start in range(0, size, CHUNK):
            file.write(source.read(min(CHUNK, size - start)))
        file.flush()
        yield str(OPEN_FILES / str(file.fileno())) if OPEN_FILES.is_dir() else file.name


def _memory() -> int:
    """Return the bytes of memory that this process has; 0 where the system is not Linux."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    main()
