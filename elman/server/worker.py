"""Worker: a process that annotates one uploaded table after the other, for an `elman.server.pool.WorkerPool`.

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
from elman.server.jobs import CHUNK, Job, Reply
from elman.tables.formats import TextOptions, format_of

MOST_MEMORY = 512 * 2**20
"""Bytes of memory after which a process ends with its job, rather than keep them."""

PRIORITY = 10
"""How far the priority of a process is lowered."""

OPEN_FILES = Path("/proc/self/fd")
"""Where Linux has a path for every open file, also for one without a name."""


class TableError(Exception):
    """A table cannot be annotated within the limits.

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
            reply = annotate(predictors[job.model], job, path, target)
            is_last = _memory() > MOST_MEMORY
            out.write(json.dumps({**asdict(reply), "is_last": is_last}).encode() + b"\n")
            target.seek(0)
            for start in range(0, reply.size, CHUNK):
                out.write(target.read(min(CHUNK, reply.size - start)))
            out.flush()


def annotate(predictor: Predictor, job: Job, path: str, target: IO[bytes]) -> Reply:
    """Annotate a table.

    Args:
        predictor: the model.
        job: what to do.
        path: the table.
        target: gets the annotated table.
    """
    try:
        summary = _annotate(predictor, job, path, target)
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
    return Reply(summary.rows, sum(summary.abstained.values()), target.tell())


def _annotate(predictor: Predictor, job: Job, path: str, target: IO[bytes]) -> Summary:
    try:  # here, because Python remembers every name that it was asked for
        text = TextOptions(delimiter=job.delimiter, encoding=job.encoding, header=job.header)
    except SettingError:
        raise TableError("unknown_encoding") from None
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
    return summary


class _FiniteAnnotator(Annotator):
    """An annotator that never gives an answer that is not finite."""

    def answer(self, names: Sequence[str | None]) -> PredictionColumns:
        answers = super().answer(names)
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
