"""Annotation on this machine: streams, files and folders."""

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO, Any

from elman.annotation.annotator import AnnotateConfig, Annotator, Progress, Summary
from elman.annotation.job import Job, describe_job, name_parts_folder, read_state, remove_leftovers
from elman.annotation.parts import Task, format_malformed, make_parts, open_task
from elman.annotation.paths import (
    check_apart,
    check_file,
    check_folder,
    check_side_file,
    find_place,
    name_side_file,
    show_path,
)
from elman.errors import DataError
from elman.files import open_atomically, sweep_scratch_files
from elman.prediction.predictor import Predictor
from elman.tables.chunks import Malformed
from elman.tables.formats import STANDARD, Format, format_of
from elman.tables.sql.queries import Query


def annotate_file(
    predictor: Predictor,
    source: Path | str,
    target: Path | str,
    *,
    column: str,
    top: int = 1,
    abstain_below: float = 0.0,
    overwrite: bool = False,
) -> Summary:
    """Annotate one file in this process. The output appears when it is complete; an interrupted call leaves nothing.

    Args:
        predictor: the model; it reads strings.
        source: a CSV, TSV, JSON Lines or Parquet file, by its name.
        target: the file to write, likewise.
        column: as in `AnnotateConfig`, and likewise the rest.
        top: how many labels to write for each row.
        abstain_below: abstain if the best label's probability is lower, 0 to 1.
        overwrite: replace the target if it exists.

    Raises:
        DataError: a row cannot be read, or the column is missing; or the target exists, or cannot be written.
        SettingError: a setting or a format is invalid.
    """
    annotator = Annotator(predictor, AnnotateConfig(column=column, top=top, abstain_below=abstain_below))
    steps = annotate_stream(annotator, [str(source)], Path(target), form=format_of(str(target)), overwrite=overwrite)
    return deque(steps, maxlen=1).pop().summary


def annotate_stream(
    annotator: Annotator,
    sources: Sequence[str] | Query,
    target: Path | IO[bytes],
    *,
    form: Format,
    read_as: Format | None = None,
    processes: int | None = 1,
    skipped: Path | None = None,
    overwrite: bool = False,
) -> Iterator[Progress]:
    """Annotate a table into an open stream, or into a file that appears when it is complete.

    Args:
        annotator: the model and the settings.
        sources: one table, or several that follow each other, as in `elman.tables.sources.open_source`; or a query.
        target: a file, or an open stream, which is flushed after each part.
        form: the format to write.
        read_as: the format to read; by the names of the sources if None.
        processes: as in `annotate_table`.
        skipped: the file for rows that are skipped, as in `annotate_table`.
        overwrite: replace files that exist.

    Yields:
        The progress after each part and at the end.

    Raises:
        DataError: as `annotate_table`.
    """
    skipped = skipped if annotator.config.skip_malformed else None
    file = target if isinstance(target, Path) else None
    _check_files(file, skipped, sources, overwrite=overwrite)
    with ExitStack() as stack:
        side = stack.enter_context(open_atomically(skipped, keep_empty=skipped.exists())) if skipped else None
        task = stack.enter_context(open_task(annotator, sources, form=form, read_as=read_as, processes=processes))
        out = stack.enter_context(open_atomically(target)) if isinstance(target, Path) else target
        add, summary = stack.enter_context(task.sink.writer(out)), Summary()
        for part in make_parts(task):
            assert part.content is not None
            add(part.content)
            out.flush()
            summary += part.summary
            if side is not None:
                side.writelines(map(format_malformed, part.malformed))
            yield Progress(summary, part.done, kept=False, notes=task.table.notes)
    yield Progress(summary, 1.0, kept=False)


def annotate_table(
    annotator: Annotator,
    sources: Sequence[str] | Query,
    target: Path,
    *,
    form: Format,
    read_as: Format | None = None,
    processes: int | None = 1,
    resume: bool = False,
    skipped: Path | None = None,
    overwrite: bool = False,
) -> Iterator[Progress]:
    """Annotate a table into a file, and keep finished parts, so that an interrupted job can continue.

    Args:
        annotator: the model and the settings.
        sources: one table, or several that follow each other, as in `elman.tables.sources.open_source`; or a query.
        target: the file; it appears when it is complete. A link is followed.
        form: the format to write.
        read_as: the format to read; by the names of the sources if None.
        processes: how many share the work, if there is more than one chunk; None for as many threads as there are
            cores, or processes without a compiled kernel.
        resume: continue an interrupted job; the output has the same bytes as that of an uninterrupted one.
        skipped: the file for rows that cannot be read, one JSON object a line; written only if there are any.
        overwrite: replace files that exist; they keep their permissions.

    Yields:
        The progress after each part and at the end.

    Raises:
        DataError: a row cannot be read; a file exists or cannot be written; an interrupted job exists and resume is
            False, another process works on it, or the input has changed since.
    """
    skipped = skipped if annotator.config.skip_malformed else None
    _check_files(target, skipped, sources, overwrite=overwrite or resume)  # what exists may be of the interrupted job
    task = open_task(annotator, sources, form=form, read_as=read_as, processes=processes)
    settings = describe_job(annotator, sources, form, read_as)
    yield from _annotate_table(task, settings, target, resume=resume, skipped=skipped, overwrite=overwrite)


def _annotate_table(
    opening: AbstractContextManager[Task],
    settings: Mapping[str, Any],
    target: Path,
    *,
    resume: bool,
    skipped: Path | None,
    overwrite: bool,
) -> Iterator[Progress]:
    """Annotate a table that is not open yet; see `annotate_table`."""
    place = find_place(target)
    with opening as task, Job(name_parts_folder(place), {**settings, **task.settings}, resume=resume) as job:
        if not job.is_delivered:
            check_file(target, overwrite=overwrite)
        if job.is_complete:  # an earlier process ended while it moved the output to its place
            summary = _sum_records(job)
        else:
            if skipped is not None:
                check_side_file(skipped, overwrite=overwrite)
            summary = yield from _make_whole(task, job)
        if skipped is not None and (summary.malformed or skipped.exists()):
            _write_side_file(skipped, job)
        job.deliver(place)
    yield Progress(summary, 1.0, kept=False)


def _make_whole(task: Task, job: Job) -> Generator[Progress, None, Summary]:
    """Make the parts of a file that are missing, join all of them, and return the summary."""
    summary, count = Summary(), 0
    for part in make_parts(task, job):
        if part.content is not None:
            job.save_part(part.number, part.content, part.to_record())
        summary += part.summary
        count += 1
        yield Progress(summary, part.done, kept=part.content is None, notes=task.table.notes)
    with job.open_whole() as out, task.sink.writer(out) as add:
        for content in job.read_parts(count):
            add(content)
    return summary


def annotate_folder(
    annotator: Annotator,
    tables: Mapping[str, str],
    target: Path,
    *,
    read_as: Format | None = None,
    processes: int | None = 1,
    resume: bool = False,
) -> Iterator[Progress]:
    """Annotate tables one by one into a folder, which appears when it is complete.

    Args:
        annotator: the model and the settings.
        tables: each table's file, and the path of its output in the folder, whose suffix is the format to write. Rows
            that cannot be read go into a file beside the output, whose name ends in ``.skipped.jsonl``.
        target: the folder; it must not exist, or be empty.
        read_as: the format to read; by the names if None.
        processes: as in `annotate_table`, for one table after the other.
        resume: continue an interrupted job.

    Yields:
        The progress over all tables.

    Raises:
        DataError: as `annotate_table`; or the folder contains something, or cannot be replaced.
    """
    for name in tables.values():
        format_of(name)  # checks it
    check_folder(target, may_be_filled=resume)
    place, settings = find_place(target), describe_job(annotator, list(tables.items()), None, read_as)
    with Job(name_parts_folder(place), settings, resume=resume) as job:
        if not job.is_delivered:
            check_folder(target)
            job.try_folder(place)
        if job.is_complete:
            summary = _sum_records(job)
        else:
            summary = yield from _make_folder(annotator, tables, job, read_as, processes, resume=resume)
        job.deliver(place)
    yield Progress(summary, 1.0, kept=False)


def _make_folder(
    annotator: Annotator,
    tables: Mapping[str, str],
    job: Job,
    read_as: Format | None,
    processes: int | None,
    *,
    resume: bool,
) -> Generator[Progress, None, Summary]:
    """Annotate the tables that are not finished into the folder of the job, and return the summary of all."""
    before = Summary()
    for number, (source, name) in enumerate(tables.items()):
        state, record, target = read_state(source), job.read_record(number), job.whole / name
        if record is not None and record["state"] != state:
            raise DataError(
                f"{show_path(source)}: has changed since the job was interrupted; remove its parts to start again"
            )
        if record is not None:
            summary = Summary.from_dict(record["summary"])
        else:
            summary, form = Summary(), format_of(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            for step in _annotate_table(
                open_task(annotator, [source], form=form, read_as=read_as, processes=processes),
                describe_job(annotator, [source], form, read_as),
                target,
                resume=resume,
                skipped=Path(name_side_file(str(target))) if annotator.config.skip_malformed else None,
                overwrite=True,
            ):
                summary = step.summary
                done = None if step.done is None else (number + step.done) / len(tables)
                yield Progress(before + summary, done, step.kept, step.notes)
            job.save_record(number, {"state": state, "summary": summary.to_dict()})
        before += summary
        yield Progress(before, (number + 1) / len(tables), kept=False)
    job.whole.mkdir(exist_ok=True)
    remove_leftovers(job.whole, [*tables.values(), *map(name_side_file, tables.values())])
    job.complete()
    return before


def _check_files(target: Path | None, skipped: Path | None, sources: Sequence[str] | Query, *, overwrite: bool) -> None:
    """Check that the output and the file for skipped rows can be written, and remove what killed processes left."""
    if target is not None:
        check_file(target, overwrite=overwrite)
        sweep_scratch_files(target)
    if skipped is not None:
        others = [] if isinstance(sources, Query) else [source for source in sources if source != STANDARD]
        check_apart(skipped, [*others, *([] if target is None else [str(target)])])
        check_side_file(skipped, overwrite=overwrite)
        sweep_scratch_files(skipped)


def _sum_records(job: Job) -> Summary:
    records = filter(None, map(job.read_record, range(job.count_records())))
    return sum((Summary.from_dict(record["summary"]) for record in records), Summary())


def _write_side_file(path: Path, job: Job) -> None:
    """Write the rows that were skipped, one JSON object a line."""
    with open_atomically(path) as out:
        for record in filter(None, map(job.read_record, range(job.count_records()))):
            out.writelines(format_malformed(Malformed(**row)) for row in record["malformed"])
