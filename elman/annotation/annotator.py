"""Annotation: tables in, the same tables out with answers beside each row, streaming.

Every row comes back once, in its order, with all of its columns as they were. What is added has a prefix. The output
appears whole or not at all: finished parts wait in a hidden folder beside it (`elman.annotation.job`) until all are there.
"""

import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from elman.annotation.job import Parts
from elman.errors import DataError, SettingError
from elman.files import open_atomically, write_atomically
from elman.model.file import digest_of_artifact
from elman.prediction.predictor import Predictor
from elman.records import PredictionColumns
from elman.tables.chunks import Chunk, Malformed
from elman.tables.formats import Format, format_of
from elman.tables.queries import Query, open_query
from elman.tables.sinks import Sink, sink_for
from elman.tables.sources import Source, open_source
from elman.version import __version__

PREFIX = "elman_"

WHOLE = "whole"
"""Where the tables of a folder wait, among the finished parts, until all are there."""

DIGITS = 6
"""Decimal places of a probability in a table."""

Answer = Callable[[Sequence[str | None]], PredictionColumns]


@dataclass(frozen=True)
class AnnotateConfig:
    """What is asked of a table.

    Args:
        column: the column of the strings; a number counts columns from 1 in a delimited file without a header.
        top: how many labels to write for each row, at least 1.
        abstain_below: abstain where the best label's probability is lower, 0 to 1.
        prefix: what the names of new columns begin with.
        skip_malformed: leave out rows that cannot be read, and hand them over apart, rather than stop.

    Raises:
        SettingError: the prefix or the column is empty.
    """

    column: str = "name"
    top: int = 1
    abstain_below: float = 0.0
    prefix: str = PREFIX
    skip_malformed: bool = False

    def __post_init__(self) -> None:
        """Check what only this knows of; the predictor checks the rest."""
        if not self.prefix or not self.column:
            raise SettingError("the column and the prefix of new columns need at least one character")


@dataclass(frozen=True)
class Summary:
    """What became of the rows of a table.

    Args:
        rows: how many were written.
        labels: how many were answered with each label, the most frequent first; none where the answers are numbers.
        abstained: how many were not answered, by reason.
        malformed: how many could not be read and were left out.
    """

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    abstained: Counter[str] = field(default_factory=Counter)
    malformed: int = 0

    def __add__(self, other: "Summary") -> "Summary":
        """Count another table's rows too."""
        labels, abstained = self.labels + other.labels, self.abstained + other.abstained
        return Summary(self.rows + other.rows, labels, abstained, self.malformed + other.malformed)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values for JSON."""
        return {
            "rows": self.rows,
            "labels": dict(self.labels.most_common()),
            "abstained": dict(self.abstained.most_common()),
            "malformed": self.malformed,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Summary":
        """Return the summary that `to_dict` wrote."""
        return cls(values["rows"], Counter(values["labels"]), Counter(values["abstained"]), values["malformed"])


@dataclass(frozen=True)
class Progress:
    """How far an annotation has come.

    Args:
        summary: of the rows so far.
        done: the share of the input that has been read, 0 to 1; None where nobody knows.
        kept: whether the last part was finished already, in a run that was interrupted.
    """

    summary: Summary
    done: float | None
    kept: bool


class Annotator:
    """Answers for chunks of a table with one model.

    Args:
        predictor: the model; it reads strings.
        config: what is asked.

    Raises:
        SettingError: the model reads something else, or a setting cannot work.
    """

    def __init__(self, predictor: Predictor, config: AnnotateConfig) -> None:
        artifact = predictor.artifact
        if artifact.reads != "strings":
            raise SettingError(f"{predictor.name} reads {artifact.reads}; a table's column needs a model of strings")
        if artifact.answers == "label":
            predictor.check_columns(top=config.top, abstain_below=config.abstain_below)
        elif config.top != 1:
            raise SettingError(
                f"{predictor.name} answers with {artifact.answers}, one for each row; got top {config.top}"
            )
        self.predictor, self.config = predictor, config

    @property
    def columns(self) -> dict[str, type]:
        """The columns that are added, each with the kind of its values, `str` or `float`; None stands for no answer."""
        prefix = self.config.prefix
        if self.predictor.artifact.answers == "number":
            return {f"{prefix}value": float, f"{prefix}reason": str}
        columns: dict[str, type] = {}
        for rank in range(1, min(self.config.top, len(self.predictor.labels)) + 1):
            which = f"_{rank}" if rank > 1 else ""
            columns |= {f"{prefix}label{which}": str, f"{prefix}probability{which}": float}
        return {**columns, f"{prefix}reason": str}

    def answer(self, names: Sequence[str | None]) -> PredictionColumns:
        """Answer in this process."""
        return self.predictor.predict_columns(names, top=self.config.top, abstain_below=self.config.abstain_below)

    def added(self, names: Sequence[str | None], answer: Answer | None = None) -> tuple[dict[str, list[Any]], Summary]:
        """Return the columns to add for some rows, and what became of them.

        Args:
            names: their strings.
            answer: what answers, where the model answers with labels; `answer` where None.
        """
        if self.predictor.artifact.answers == "label":
            return self._labels((answer or self.answer)(names))
        answers = self.predictor.predict(names, top=1, abstain_below=self.config.abstain_below)
        summary = Summary(len(answers), abstained=Counter(one.reason for one in answers if one.reason))
        reasons = [one.reason for one in answers]
        if self.predictor.artifact.answers == "number":
            values = [None if one.abstained else one.value for one in answers]
            return dict(zip(self.columns, (values, reasons), strict=True)), summary
        rounded = [None if one.probability is None else round(one.probability, DIGITS) for one in answers]
        return dict(zip(self.columns, ([one.label for one in answers], rounded, reasons), strict=True)), summary

    def _labels(self, answers: PredictionColumns) -> tuple[dict[str, list[Any]], Summary]:
        answered = answers.reason_ids < 0
        labels, reasons = np.array([*answers.labels, None], object), np.array([*answers.reasons, None], object)
        chosen = np.where(answered[:, None], answers.best, -1)
        probabilities = np.round(answers.probabilities, DIGITS).astype(object)
        probabilities[~answered] = None
        values = [column.tolist() for pair in zip(labels[chosen].T, probabilities.T, strict=True) for column in pair]
        counts = np.bincount(chosen[answered, 0], minlength=len(answers.labels)).tolist()
        abstained = np.bincount(answers.reason_ids[~answered], minlength=len(answers.reasons)).tolist()
        summary = Summary(
            len(answers),
            Counter({label: count for label, count in zip(answers.labels, counts, strict=True) if count}),
            Counter({reason: count for reason, count in zip(answers.reasons, abstained, strict=True) if count}),
        )
        return dict(zip(self.columns, [*values, reasons[answers.reason_ids].tolist()], strict=True)), summary


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


def check_free(target: Path) -> None:
    """Check that a folder can be written: it is not there, or empty.

    Raises:
        DataError: it holds something, or is a file.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target}: is there already, and not empty; name a folder that is not there")


def parts_folder(target: Path) -> Path:
    """Return where the finished parts of an output wait."""
    return target.with_name(f".{target.name}.parts")


def state_of(source: str) -> list[int]:
    """Return what changes with a file: its size in bytes, and when it was written, in nanoseconds.

    Raises:
        DataError: it cannot be read.
    """
    try:
        found = os.stat(source)
    except (OSError, ValueError) as error:
        raise DataError(f"{source}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return [found.st_size, found.st_mtime_ns]


def job_of(
    annotator: Annotator, sources: Sequence[Any] | Query, form: Format | None, read_as: Format | None
) -> dict[str, Any]:
    """Return what tells a job from others: its parts are of no use to them."""
    return {
        "elman": __version__,
        "model": digest_of_artifact(annotator.predictor.artifact),
        "sources": sources.to_dict() if isinstance(sources, Query) else list(sources),
        "config": asdict(annotator.config),
        "read_as": None if read_as is None else asdict(read_as),
        "form": None if form is None else asdict(form),
    }


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
