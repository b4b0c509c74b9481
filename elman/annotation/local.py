"""Annotation on this machine: streams, files and folders."""

import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from elman.annotation.annotator import AnnotateConfig, Annotator, Answer, Progress, Summary
from elman.annotation.job import WHOLE, Job, check_free, describe_job, name_parts_folder, read_state
from elman.errors import DataError
from elman.files import open_atomically, write_atomically
from elman.prediction.predictor import Predictor
from elman.tables.chunks import Chunk, Malformed, cut_chunk
from elman.tables.formats import Format, format_of
from elman.tables.queries import Query, open_query
from elman.tables.sinks import Sink, sink_for
from elman.tables.sources import Source, open_source


@dataclass(frozen=True)
class _Part:
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
    def from_record(cls, number: int, done: float | None, record: Mapping[str, Any]) -> "_Part":
        """Return a part that an earlier run finished."""
        malformed = [Malformed(**row) for row in record["malformed"]]
        return cls(number, done, record["digest"], Summary.from_dict(record["summary"]), malformed, None)

    def to_record(self) -> dict[str, Any]:
        """Return what to record of the part, as plain JSON values."""
        malformed = [asdict(row) for row in self.malformed]
        return {"digest": self.digest, "summary": self.summary.to_dict(), "malformed": malformed}


def annotate_file(
    predictor: Predictor,
    source: Path | str,
    target: Path | str,
    *,
    column: str,
    top: int = 1,
    abstain_below: float = 0.0,
) -> Summary:
    """Annotate one file in this process. The output appears when it is complete; an interrupted call leaves nothing.

    Args:
        predictor: the model; it reads strings.
        source: a CSV, TSV, JSON Lines or Parquet file, by its name.
        target: the file to write, likewise; an existing file is replaced.
        column: as in `AnnotateConfig`, and likewise the rest.
        top: how many labels to write for each row.
        abstain_below: abstain if the best label's probability is lower, 0 to 1.

    Raises:
        DataError: a row cannot be read, or the column is missing.
        SettingError: a setting or a format is invalid.
    """
    annotator = Annotator(predictor, AnnotateConfig(column=column, top=top, abstain_below=abstain_below))
    steps = annotate_stream(annotator, [str(source)], Path(target), form=format_of(str(target)))
    return deque(steps, maxlen=1).pop().summary


def annotate_stream(
    annotator: Annotator,
    sources: Sequence[str] | Query,
    target: Path | IO[bytes],
    *,
    form: Format,
    read_as: Format | None = None,
    processes: int = 1,
    skipped: Callable[[Malformed], Any] = lambda row: None,
) -> Iterator[Progress]:
    """Annotate a table into an open stream, or into a file that appears when it is complete.

    Args:
        annotator: the model and the settings.
        sources: one table, or several that follow each other, as in `elman.tables.sources.open_source`; or a query.
        target: a file, or an open stream.
        form: the format to write.
        read_as: the format to read; by the names of the sources if None.
        processes: how many share the work, if there is more than one chunk.
        skipped: is called with each row that cannot be read.

    Yields:
        The progress after each part and at the end.
    """
    with ExitStack() as stack:
        table, sink = _open_source_and_sink(stack, annotator, sources, form, read_as)
        out = stack.enter_context(open_atomically(target)) if isinstance(target, Path) else target
        add, summary = stack.enter_context(sink.writer(out)), Summary()
        for part in _make_parts(annotator, table, sink, None, processes):
            assert part.content is not None
            add(part.content)
            summary += part.summary
            for row in part.malformed:
                skipped(row)
            yield Progress(summary, part.done, kept=False)
    yield Progress(summary, 1.0, kept=False)


def annotate_table(
    annotator: Annotator,
    sources: Sequence[str] | Query,
    target: Path,
    *,
    form: Format,
    read_as: Format | None = None,
    processes: int = 1,
    resume: bool = False,
    skipped: Path | None = None,
) -> Iterator[Progress]:
    """Annotate a table into a file, and keep finished parts, so that an interrupted job can continue.

    Args:
        annotator: the model and the settings.
        sources: one table, or several that follow each other, as in `elman.tables.sources.open_source`; or a query.
        target: the file; it appears when it is complete, and replaces an existing one.
        form: the format to write.
        read_as: the format to read; by the names of the sources if None.
        processes: how many share the work, if there is more than one chunk.
        resume: continue an interrupted job; the output has the same bytes as that of an uninterrupted one.
        skipped: the file for rows that cannot be read, one JSON object a line; written only if there are any.

    Yields:
        The progress after each part and at the end.

    Raises:
        DataError: a row cannot be read; an interrupted job exists and resume is False; the input has changed since.
    """
    summary, count = Summary(), 0
    with ExitStack() as stack:
        table, sink = _open_source_and_sink(stack, annotator, sources, form, read_as)
        settings = describe_job(annotator, sources, form, read_as)
        job = stack.enter_context(Job(name_parts_folder(target), settings, resume=resume))
        malformed: list[Malformed] = []
        for part in _make_parts(annotator, table, sink, job, processes):
            if part.content is not None:
                job.save_part(part.number, part.content, part.to_record())
            summary += part.summary
            malformed += part.malformed
            count += 1
            yield Progress(summary, part.done, kept=part.content is None)
        if malformed and skipped is not None:
            write_atomically(skipped, "".join(map(format_malformed, malformed)).encode(errors="replace"))
        with open_atomically(target) as out, sink.writer(out) as add:
            for content in job.read_parts(count):
                add(content)
        job.remove()
    yield Progress(summary, 1.0, kept=False)


def annotate_folder(
    annotator: Annotator,
    tables: Mapping[str, str],
    target: Path,
    *,
    read_as: Format | None = None,
    processes: int = 1,
    resume: bool = False,
) -> Iterator[Progress]:
    """Annotate tables one by one into a folder, which appears when it is complete.

    Args:
        annotator: the model and the settings.
        tables: each table's file, and the path of its output in the folder, whose suffix is the format to write. Rows
            that cannot be read go into a file beside the output, whose name ends in ``.skipped.jsonl``.
        target: the folder; it must not exist, or be empty.
        read_as: the format to read; by the names if None.
        processes: how many share the work on a table.
        resume: continue an interrupted job.

    Yields:
        The progress over all tables.

    Raises:
        DataError: as `annotate_table`; or the folder contains something.
    """
    check_free(target)
    settings = describe_job(annotator, list(tables.items()), None, read_as)
    with Job(name_parts_folder(target), settings, resume=resume) as job:
        whole, before = job.folder / WHOLE, Summary()
        for number, (source, name) in enumerate(tables.items()):
            state, record = read_state(source), job.read_record(number)
            if record is not None and record["state"] != state:
                raise DataError(f"{source}: has changed since the job was interrupted; remove its parts to start again")
            if record is not None:
                summary = Summary.from_dict(record["summary"])
            else:
                summary = Summary()
                for step in annotate_table(
                    annotator,
                    [source],
                    whole / name,
                    form=format_of(name),
                    read_as=read_as,
                    processes=processes,
                    resume=resume,
                    skipped=whole / f"{name}.skipped.jsonl",
                ):
                    summary = step.summary
                    done = None if step.done is None else (number + step.done) / len(tables)
                    yield Progress(before + summary, done, step.kept)
                job.save_record(number, {"state": state, "summary": summary.to_dict()})
            before += summary
            yield Progress(before, (number + 1) / len(tables), kept=False)
        whole.mkdir(parents=True, exist_ok=True)
        os.replace(whole, target)
        job.remove()


def format_malformed(row: Malformed) -> str:
    """Return a row that cannot be read as one line of JSON."""
    return json.dumps(asdict(row), ensure_ascii=False) + "\n"


def _open_source_and_sink(
    stack: ExitStack, annotator: Annotator, sources: Sequence[str] | Query, form: Format, read_as: Format | None
) -> tuple[Source, Sink]:
    column, skip = annotator.config.column, annotator.config.skip_malformed
    if isinstance(sources, Query):
        table: Source = stack.enter_context(open_query(sources, column=column, skip=skip))
    else:
        opened = open_source(sources, column=column, form=read_as, skip=skip, typed=form.kind != "jsonl")
        table = stack.enter_context(opened)
    return table, sink_for(form, table, annotator.columns)


def _make_parts(annotator: Annotator, table: Source, sink: Sink, job: Job | None, processes: int) -> Iterator[_Part]:
    """Yield the parts of an output in their order; several are in progress at a time."""
    chunks = enumerate(part for chunk in table.chunks() for part in cut_chunk(chunk))
    first = list(islice(chunks, 2))
    answer: Answer | None = None
    if processes > 1 and len(first) > 1 and annotator.predictor.artifact.answers == "label":
        workers, config = annotator.predictor.workers(processes), annotator.config
        answer = partial(workers.predict_columns, top=config.top, abstain_below=config.abstain_below)
    make = partial(_make_part, annotator, sink, job, answer)
    ahead = processes if answer else 1
    waiting: deque[Future[_Part]] = deque()
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


def _make_part(
    annotator: Annotator, sink: Sink, job: Job | None, answer: Answer | None, number: int, chunk: Chunk
) -> _Part:
    digest = chunk.digest() if job is not None else ""
    record = job.read_record(number) if job is not None else None
    if record is not None:
        if record["digest"] != digest:
            raise DataError("the input has changed since the job was interrupted; remove its parts to start again")
        return _Part.from_record(number, chunk.done, record)
    columns, summary = annotator.annotate(chunk.names, answer)
    summary += Summary(malformed=len(chunk.malformed))
    return _Part(number, chunk.done, digest, summary, chunk.malformed, sink.part(chunk, columns))
