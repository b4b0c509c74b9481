"""Parts: a table is read and answered in chunks, each of which becomes one part of the output."""

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

from elman.annotation.annotator import Annotator, Answer, Summary
from elman.annotation.job import Job, describe_table
from elman.errors import DataError
from elman.scoring.processor import cores
from elman.tables.chunks import Chunk, Malformed, cut_chunk
from elman.tables.formats import Format, format_of
from elman.tables.sinks import Sink, sink_for
from elman.tables.sources import Source, open_source
from elman.tables.sql.queries import Query, open_query

MOST_THREADS = 8
"""Threads that share the work at most: what is Python, about a fifth for small models, does not get quicker by more."""


@dataclass(frozen=True)
class Part:
    """One part of an output.

    Args:
        number: its place, from 0.
        done: the share of the input that is read after it, 0 to 1; None if unknown.
        digest: of the rows that it was made from; empty if parts are not kept.
        summary: of its rows.
        malformed: rows that were skipped.
        content: its bytes; None if an earlier run finished it.
    """

    number: int
    done: float | None
    digest: str
    summary: Summary
    malformed: Sequence[Malformed]
    content: bytes | None

    @classmethod
    def from_record(cls, number: int, done: float | None, record: Mapping[str, Any]) -> "Part":
        """Return a part that an earlier run finished."""
        malformed = [Malformed(**row) for row in record["malformed"]]
        return cls(number, done, record["digest"], Summary.from_dict(record["summary"]), malformed, None)

    def to_record(self) -> dict[str, Any]:
        """Return what to record of the part, as plain JSON values."""
        malformed = [asdict(row) for row in self.malformed]
        return {"digest": self.digest, "summary": self.summary.to_dict(), "malformed": malformed}


@dataclass(frozen=True)
class Task:
    """A table that is open, and what writes it.

    Args:
        annotator: the model and the settings.
        table: the table.
        sink: what writes it.
        processes: as in `elman.annotation.local.annotate_table`.
        settings: what tells this table from others with the same rows, for `elman.annotation.job.Job`.
    """

    annotator: Annotator
    table: Source
    sink: Sink
    processes: int | None
    settings: Mapping[str, Any]


@contextmanager
def open_task(
    annotator: Annotator,
    sources: Sequence[str] | Query,
    *,
    form: Format,
    read_as: Format | None,
    processes: int | None,
) -> Iterator[Task]:
    """Open a table, and check that it can be written with the new columns; see `elman.annotation.local`."""
    column, skip = annotator.config.column, annotator.config.skip_malformed
    with ExitStack() as stack:
        if isinstance(sources, Query):
            table: Source = stack.enter_context(open_query(sources, column=column, skip=skip))
            kinds = {"parquet"}
        else:
            kinds = {(read_as or format_of(path)).kind for path in sources}
            is_searched = form.kind != "jsonl" and "jsonl" in kinds
            table = stack.enter_context(
                open_source(
                    sources,
                    column=column,
                    form=read_as,
                    skip=skip,
                    typed=is_searched,
                    options=annotator.config.text,
                )
            )
        settings = describe_table(table, typed="parquet" in {*kinds, form.kind})
        yield Task(annotator, table, sink_for(form, table, annotator.columns), processes, settings)


def make_parts(task: Task, job: Job | None = None) -> Iterator[Part]:
    """Yield the parts of an output in their order; several are in progress at a time.

    Args:
        task: the table.
        job: the job that may have parts already; they are not made again.

    Raises:
        DataError: a row cannot be read, or the input has changed since the job made its parts.
    """
    annotator = task.annotator
    chunks = enumerate(part for chunk in task.table.chunks() for part in cut_chunk(chunk))
    first = list(islice(chunks, 2))
    if first:
        annotator.check_table(first[0][1].columns)
    answer, ahead = _share_work(annotator, task.processes) if len(first) > 1 else (None, 1)
    make = partial(_make_part, annotator, task.sink, job, answer)
    waiting: deque[Future[Part]] = deque()
    with ThreadPoolExecutor(ahead) as threads:
        try:
            for number, chunk in chain(first, chunks):
                waiting.append(threads.submit(make, number, chunk))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _share_work(annotator: Annotator, processes: int | None) -> tuple[Answer | None, int]:
    """Return what answers for parts, None for the annotator itself, and how many parts are in progress at a time.

    The compiled kernel lets go of the interpreter lock, so threads of one core each overlap: some score while one
    writes a part as text, and another is read. They need neither the start nor the memory of processes.
    """
    if annotator.artifact.kind.answers != "label":
        return None, 1
    if processes is None and annotator.predictor.scorer.native is not None:
        return partial(annotator.answer, threads=1), min(cores(), MOST_THREADS)
    processes = cores() if processes is None else processes
    if processes == 1:
        return None, 1
    workers = annotator.predictor.workers(processes)
    return partial(workers.predict_columns, options=annotator.config.options), processes


def _make_part(
    annotator: Annotator, sink: Sink, job: Job | None, answer: Answer | None, number: int, chunk: Chunk
) -> Part:
    digest = chunk.digest() if job is not None else ""
    record = job.read_record(number) if job is not None else None
    if record is not None:
        if record["digest"] != digest:
            raise DataError("the input has changed since the job was interrupted; remove its parts to start again")
        return Part.from_record(number, chunk.done, record)
    columns, summary = annotator.annotate(chunk.names, answer, annotator.read_labels(chunk))
    summary += Summary(malformed=len(chunk.malformed))
    return Part(number, chunk.done, digest, summary, chunk.malformed, sink.part(chunk, columns))


def format_malformed(row: Malformed) -> bytes:
    """Return a row that cannot be read as one line of JSON."""
    return (json.dumps(asdict(row), ensure_ascii=False) + "\n").encode(errors="replace")
