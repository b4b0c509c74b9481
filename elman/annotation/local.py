"""Annotation on this machine: streams, files and folders."""

import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from glob import glob
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from elman.annotation.annotator import AnnotateConfig, Annotator, Answer, Progress, Summary
from elman.annotation.job import WHOLE, Parts, check_free, job_of, parts_folder, state_of
from elman.errors import DataError, SettingError
from elman.files import open_atomically, write_atomically
from elman.prediction.predictor import Predictor
from elman.tables.chunks import Chunk, Malformed
from elman.tables.formats import Format, format_of
from elman.tables.queries import Query, open_query
from elman.tables.sinks import Sink, sink_for
from elman.tables.sources import Source, open_source

if TYPE_CHECKING:
    from elman.annotation.annotator import Progress, Summary
    from elman.tables.chunks import Malformed
    from elman.tables.queries import Query


@dataclass(frozen=True)
class _Part:
    """A part: its place, what was recorded of it, and its content; None where it was finished before."""

    number: int
    done: float | None
    record: Mapping[str, Any]
    content: bytes | None


def annotate_file(
    predictor: Predictor,
    source: Path | str,
    target: Path | str,
    *,
    column: str,
    top: int = 1,
    abstain_below: float = 0.0,
) -> Summary:
    """Annotate one file, whole or not at all, in this process and without parts to go on with.

    Args:
        predictor: the model; it reads strings.
        source: a CSV, TSV, JSON Lines or Parquet file, by its name.
        target: the file to write, likewise; it is replaced where it is there.
        column: as in `AnnotateConfig`, and likewise the rest.
        top: how many labels to write for each row.
        abstain_below: abstain where the best label's probability is lower, 0 to 1.

    Raises:
        DataError: a row cannot be read, or the column is missing.
        SettingError: a setting or a format cannot work.
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
    """Annotate a table straight into a stream, or into a file that appears when it is whole.

    Args:
        annotator: what answers.
        sources: one table, or several that follow each other, as in `elman.tables.sources.open_source`; or a query.
        target: a file, or a stream that is open.
        form: the format to write.
        read_as: the format to read; by the names of the sources where None.
        processes: how many share the work, where there is more than one chunk of it.
        skipped: gets each row that could not be read.

    Yields:
        How far it has come, after each part and at the end.
    """
    with ExitStack() as stack:
        table, sink = _opened(stack, annotator, sources, form, read_as)
        out = stack.enter_context(open_atomically(target)) if isinstance(target, Path) else target
        add, summary = stack.enter_context(sink.writer(out)), Summary()
        for part in _parts(annotator, table, sink, None, processes):
            assert part.content is not None
            add(part.content)
            summary += Summary.from_dict(part.record["summary"])
            for row in part.record["malformed"]:
                skipped(Malformed(**row))
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
    """Annotate a table into a file, keeping finished parts, so that an interrupted job can be gone on with.

    Args:
        annotator: what answers.
        sources: one table, or several that follow each other, as in `elman.tables.sources.open_source`; or a query.
        target: the file; it appears when it is whole, and replaces one that is there.
        form: the format to write.
        read_as: the format to read; by the names of the sources where None.
        processes: how many share the work, where there is more than one chunk of it.
        resume: go on with the parts of a job that was interrupted; the output's bytes are those of one that was not.
        skipped: where rows go that could not be read, one JSON object a line; written where there are any.

    Yields:
        How far it has come, after each part and at the end.

    Raises:
        DataError: a row cannot be read; parts are there and are not to be gone on with; the input has changed since.
    """
    summary, count = Summary(), 0
    with ExitStack() as stack:
        table, sink = _opened(stack, annotator, sources, form, read_as)
        asked = job_of(annotator, sources, form, read_as)
        parts = stack.enter_context(Parts(parts_folder(target), asked, resume=resume))
        malformed: list[dict[str, Any]] = []
        for part in _parts(annotator, table, sink, parts, processes):
            if part.content is not None:
                parts.keep(part.number, part.content, part.record)
            summary += Summary.from_dict(part.record["summary"])
            malformed += part.record["malformed"]
            count += 1
            yield Progress(summary, part.done, kept=part.content is None)
        if malformed and skipped is not None:
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in malformed)
            write_atomically(skipped, lines.encode(errors="replace"))
        with open_atomically(target) as out, sink.writer(out) as add:
            for content in parts.contents(count):
                add(content)
        parts.remove()
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
    """Annotate tables one by one into a folder, which appears when it is whole.

    Args:
        annotator: what answers.
        tables: each table's file, and its place and name in the folder, which says the format to write. Rows that could
            not be read go beside it, into a file whose name ends in ``.skipped.jsonl``.
        target: the folder; it must not be there, or be empty.
        read_as: the format to read; by the names where None.
        processes: how many share the work on a table.
        resume: go on with a job that was interrupted.

    Yields:
        How far all of it has come.

    Raises:
        DataError: as `annotate_table`; or the folder holds something.
    """
    check_free(target)
    asked = job_of(annotator, list(tables.items()), None, read_as)
    with Parts(parts_folder(target), asked, resume=resume) as finished:
        whole, before = finished.folder / WHOLE, Summary()
        for number, (source, name) in enumerate(tables.items()):
            state, record = state_of(source), finished.record(number)
            if record is not None and record["state"] != state:
                raise DataError(f"{source}: has changed since the job was interrupted; remove its parts to start again")
            if record is None:
                summary, steps = (
                    Summary(),
                    annotate_table(
                        annotator,
                        [source],
                        whole / name,
                        form=format_of(name),
                        read_as=read_as,
                        processes=processes,
                        resume=resume,
                        skipped=whole / f"{name}.skipped.jsonl",
                    ),
                )
                for step in steps:
                    summary = step.summary
                    done = None if step.done is None else (number + step.done) / len(tables)
                    yield Progress(before + summary, done, step.kept)
                record = {"state": state, "summary": summary.to_dict()}
                finished.note(number, record)
            before += Summary.from_dict(record["summary"])
            yield Progress(before, (number + 1) / len(tables), kept=False)
        whole.mkdir(parents=True, exist_ok=True)
        os.replace(whole, target)
        finished.remove()


def _opened(
    stack: ExitStack, annotator: Annotator, sources: Sequence[str] | Query, form: Format, read_as: Format | None
) -> tuple[Source, Sink]:
    column, skip = annotator.config.column, annotator.config.skip_malformed
    if isinstance(sources, Query):
        table: Source = stack.enter_context(open_query(sources, column=column))
    else:
        opened = open_source(sources, column=column, form=read_as, skip=skip, typed=form.kind != "jsonl")
        table = stack.enter_context(opened)
    return table, sink_for(form, table, annotator.columns)


def _parts(annotator: Annotator, table: Source, sink: Sink, finished: Parts | None, processes: int) -> Iterator[_Part]:
    """Yield the parts of an output in their order, several in the making at a time."""
    chunks = enumerate(table.chunks())
    first = list(islice(chunks, 2))
    answer: Answer | None = None
    if processes > 1 and len(first) > 1 and annotator.predictor.artifact.answers == "label":
        workers, config = annotator.predictor.workers(processes), annotator.config
        answer = lambda names: workers.predict_columns(names, top=config.top, abstain_below=config.abstain_below)  # noqa: E731

    def make(number: int, chunk: Chunk) -> _Part:
        digest = chunk.digest() if finished is not None else ""
        record = finished.record(number) if finished is not None else None
        if record is not None:
            if record["digest"] != digest:
                raise DataError("the input has changed since the job was interrupted; remove its parts to start again")
            return _Part(number, chunk.done, record, None)
        added, summary = annotator.added(chunk.names, answer)
        summary += Summary(malformed=len(chunk.malformed))
        malformed = [asdict(row) for row in chunk.malformed]
        content = sink.part(chunk, added)
        return _Part(
            number, chunk.done, {"digest": digest, "summary": summary.to_dict(), "malformed": malformed}, content
        )

    ahead = processes if answer else 1
    waiting: deque[Future[_Part]] = deque()
    with ThreadPoolExecutor(ahead) as pool:
        try:
            for number, chunk in chain(first, chunks):
                waiting.append(pool.submit(make, number, chunk))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def find_tables(given: Sequence[str]) -> list[str]:
    """Return the tables that names, globs and folders stand for, those of each in the order of their names."""
    return [path for one in given for path in _tables_of(one)]


def _tables_of(given: str) -> list[str]:
    from elman.tables.formats import STANDARD, is_table

    path = Path(given)
    if given == STANDARD or path.is_file():
        return [given]
    if path.is_dir():
        found = sorted(str(file) for file in path.rglob("*") if file.is_file() and _is_seen(file.relative_to(path)))
        found = [file for file in found if is_table(file)]
        wanted = "holds no table"
    else:
        found = sorted(file for file in glob(given, recursive=True) if Path(file).is_file())
        wanted = "no such file, and no table goes by this pattern"
    if not found:
        raise DataError(f"{given}: {wanted}; expected CSV, TSV, JSON Lines or Parquet")
    return found


def _is_seen(path: Path) -> bool:
    """Return whether no part of a path is hidden, or marked as no data by a leading ``_``."""
    return not any(part.startswith((".", "_")) for part in path.parts)


def name_outputs(given: Sequence[str], write_as: str | None) -> dict[str, str]:
    """Return the tables to read, each with its name in the folder to write: as in the folder it comes from."""
    from elman.tables.formats import STANDARD, format_of

    names: dict[str, str] = {}
    for one in given:
        for path in _tables_of(one):
            if path == STANDARD:
                raise SettingError("standard input has no name to have in a folder; name a file to write")
            name = str(Path(path).relative_to(one)) if Path(one).is_dir() else Path(path).name
            if write_as:
                name = name.removesuffix("".join(Path(name).suffixes[-2:])) + format_of("", write_as).suffix
            if name in names.values():
                raise DataError(f"{path}: two tables would be {name} in the folder; annotate them apart")
            names[path] = name
    return names


def name_parquet_outputs(given: Sequence[str], out: str, read_as: str | None, write_as: str | None) -> dict[str, str]:
    """Return the same for a cluster, where nothing but Parquet is read and nothing but a folder is written."""
    from elman.tables.formats import STANDARD

    if not given or STANDARD in (*given, out) or (read_as or "parquet") != "parquet":
        raise SettingError("--engine ray reads Parquet files and writes a folder: elman annotate IN OUT --engine ray")
    return name_outputs(given, write_as)
