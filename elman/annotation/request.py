"""A request to annotate: which tables to read, what to write, and what does the work."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from elman.annotation.annotator import Annotator, Progress
from elman.annotation.local import annotate_folder, annotate_stream, annotate_table, format_malformed
from elman.annotation.paths import find_tables, name_outputs, name_parquet_outputs
from elman.checks import check_choice
from elman.errors import DataError, SettingError
from elman.scoring.processor import cores
from elman.tables.chunks import Malformed
from elman.tables.formats import STANDARD, Format, format_of
from elman.tables.queries import Query

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class AnnotateRequest:
    """What to read, what to write, and what does the work.

    Args:
        inputs: the tables to read: files, globs and folders; ``-`` is standard input. Empty if there is a query.
        output: the file or folder to write; ``-`` is standard output.
        from_sql: the URL of a database to read instead.
        query: the query to send to it.
        read_as: the format to read, as ``csv`` or ``jsonl.gz``; by the names of the inputs if None.
        write_as: the format to write; by the name of the output if None.
        skipped: the file for rows that cannot be read and are skipped; OUTPUT.skipped.jsonl if None.
        engine: ``local`` or ``ray``.
        processes: how many share the work; as many as there are cores if None.
        resume: continue an interrupted job.
        overwrite: replace the output file if it exists.

    Raises:
        SettingError: two settings exclude each other, or one is missing or invalid.
    """

    inputs: Sequence[str]
    output: str
    from_sql: str | None = field(default=None, repr=False)
    query: str | None = field(default=None, repr=False)
    read_as: str | None = None
    write_as: str | None = None
    skipped: Path | None = None
    engine: str = "local"
    processes: int | None = None
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Check the settings against each other."""
        check_choice("engine", self.engine, ENGINES)
        if (self.from_sql is None) != (self.query is None):
            raise SettingError("--from-sql URL and --query SQL go together; one of them is missing")
        if self.query is None:
            if not self.inputs:
                raise SettingError(
                    "annotate needs a table to read and one to write: elman annotate IN OUT --column NAME"
                )
        elif self.inputs:
            raise SettingError(f"with --from-sql expected one argument, the table to write; got {len(self.inputs) + 1}")
        elif self.read_as is not None:
            raise SettingError("--from names the format of files; leave it out with --from-sql")

    @property
    def writes_stream(self) -> bool:
        """Whether the output is standard output."""
        return self.engine == "local" and self.output == STANDARD

    @property
    def writes_folder(self) -> bool:
        """Whether the output is a folder: its name ends in ``/``, or it is one, or the only input is one."""
        out, inputs = Path(self.output), self.inputs
        return (
            self.output.endswith("/")
            or out.is_dir()
            or (len(inputs) == 1 and Path(inputs[0]).is_dir() and not out.suffix)
        )

    def find_sources(self) -> list[str] | Query:
        """Return the tables or the query to read.

        Raises:
            DataError: an input names no table.
        """
        if self.from_sql is not None and self.query is not None:
            return Query(self.from_sql, self.query)
        return find_tables(self.inputs)


def annotate_request(annotator: Annotator, request: AnnotateRequest, stdout: IO[bytes]) -> Iterator[Progress]:
    """Start what a request asks for.

    Args:
        annotator: the model and the settings.
        request: the request.
        stdout: standard output, for a request that writes it.

    Returns:
        The progress; reading it does the work, and raises what the engine raises.

    Raises:
        DataError: an input names no table, or the output exists.
        SettingError: a format is unknown, or does not go with the engine or the output.
    """
    if request.engine == "ray":
        from elman.annotation.cluster import annotate_cluster

        tables = name_parquet_outputs(request.inputs, request.output, request.read_as, request.write_as)
        return annotate_cluster(
            annotator, tables, Path(request.output), processes=request.processes, resume=request.resume
        )
    read_as = None if request.read_as is None else format_of("", request.read_as)
    processes = cores() if request.processes is None else request.processes
    if request.writes_folder:
        return _start_folder(annotator, request, read_as, processes)
    form = format_of(request.output, request.write_as)
    if request.writes_stream:
        skipped, sources = _find_side_file(annotator, request), request.find_sources()
        return annotate_stream(
            annotator, sources, stdout, form=form, read_as=read_as, processes=processes, skipped=skipped
        )
    target = Path(request.output)
    if target.exists() and not request.overwrite:
        raise DataError(f"{target}: already exists; give another name, or --overwrite to replace it")
    return annotate_table(
        annotator,
        request.find_sources(),
        target,
        form=form,
        read_as=read_as,
        processes=processes,
        resume=request.resume,
        skipped=request.skipped or Path(f"{request.output}.skipped.jsonl"),
    )


def _start_folder(
    annotator: Annotator, request: AnnotateRequest, read_as: Format | None, processes: int
) -> Iterator[Progress]:
    if request.query is not None:
        raise SettingError(f"{request.output}: expected a file to write, because a query is one table; got a folder")
    return annotate_folder(
        annotator,
        name_outputs(request.inputs, request.write_as),
        Path(request.output),
        read_as=read_as,
        processes=processes,
        resume=request.resume,
    )


def _find_side_file(annotator: Annotator, request: AnnotateRequest) -> Callable[[Malformed], Any]:
    """Return the function that writes a row that cannot be read, beside standard output."""
    skipped = request.skipped
    if skipped is None:
        if annotator.config.skip_malformed:
            raise SettingError("with standard output, --on-error skip needs --skipped FILE for the rows it skips")
        return lambda row: None

    def append(row: Malformed) -> None:
        with open(skipped, "a", encoding="utf-8", errors="replace") as file:
            file.write(format_malformed(row))

    return append
