"""A request to annotate: which tables to read, what to write, and what does the work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from elman.annotation.annotator import Annotator, Progress
from elman.annotation.local import annotate_folder, annotate_stream, annotate_table
from elman.annotation.paths import name_outputs, name_parquet_outputs, name_side_file, show_path
from elman.checks import check_choice
from elman.errors import SettingError
from elman.tables.formats import STANDARD, Format, check_options, format_of
from elman.tables.sources import find_tables
from elman.tables.sql.queries import Query

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
        processes: how many share the work; None for as many threads as there are cores, or processes where those do not
            overlap.
        resume: continue an interrupted job.
        overwrite: replace the output file, and that for skipped rows, if they exist.

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
        DataError: an input names no table.
        SettingError: a format is unknown, or does not go with the engine or the output.
    """
    _check_text(annotator, request)
    if request.engine == "ray":
        _check_side_files(request)
        from elman.annotation.cluster import annotate_cluster

        tables = name_parquet_outputs(request.inputs, request.output, request.read_as, request.write_as)
        return annotate_cluster(
            annotator, tables, Path(request.output), processes=request.processes, resume=request.resume
        )
    read_as = None if request.read_as is None else format_of("", request.read_as)
    processes = request.processes
    if request.writes_folder:
        return _start_folder(annotator, request, read_as, processes)
    form, sources = format_of(request.output, request.write_as), request.find_sources()
    if request.writes_stream:
        if request.skipped is None and annotator.config.skip_malformed:
            raise SettingError("with standard output, --on-error skip needs --skipped FILE for the rows it skips")
        return annotate_stream(
            annotator,
            sources,
            stdout,
            form=form,
            read_as=read_as,
            processes=processes,
            skipped=request.skipped,
            overwrite=request.overwrite,
        )
    return annotate_table(
        annotator,
        sources,
        Path(request.output),
        form=form,
        read_as=read_as,
        processes=processes,
        resume=request.resume,
        skipped=request.skipped or Path(name_side_file(request.output)),
        overwrite=request.overwrite,
    )


def _start_folder(
    annotator: Annotator, request: AnnotateRequest, read_as: Format | None, processes: int | None
) -> Iterator[Progress]:
    if request.query is not None:
        name = show_path(request.output)
        raise SettingError(f"{name}: expected a file to write, because a query is one table; got a folder")
    _check_side_files(request)
    return annotate_folder(
        annotator,
        name_outputs(request.inputs, request.write_as, skip_malformed=annotator.config.skip_malformed),
        Path(request.output),
        read_as=read_as,
        processes=processes,
        resume=request.resume,
    )


def _check_text(annotator: Annotator, request: AnnotateRequest) -> None:
    """Check that the options of text files are for one of the tables to read."""
    sources, options = request.find_sources(), annotator.config.text
    if isinstance(sources, Query):
        check_options(options, (), "a query")
        return
    kinds = {format_of(path, request.read_as).kind for path in sources}
    check_options(options, kinds, show_path(", ".join(request.inputs)))


def _check_side_files(request: AnnotateRequest) -> None:
    if request.skipped is not None:
        raise SettingError("with a folder, each table has its own file of skipped rows beside it; leave out --skipped")
