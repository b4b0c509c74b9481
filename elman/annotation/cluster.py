"""A cluster: many Parquet files annotated by processes on one machine or on many, through Ray.

The work is cut into pieces before it starts: a file, or some of its row groups. A piece becomes one file, which appears
when it is complete, under a name that does not depend on which process writes it or how often. So no row is lost or
written twice, whichever process or machine dies.
"""

import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from elman.annotation.annotator import Annotator, Progress, Summary
from elman.annotation.job import Job, describe_job, name_parts_folder, remove_leftovers
from elman.annotation.paths import check_folder, find_place, name_side_file, show_path
from elman.annotation.pieces import PARQUET, ROWS, Piece, PieceAnnotator, cut_tables
from elman.checks import shown
from elman.errors import DataError, SettingError, WorkerError
from elman.extras import extra
from elman.model.files import dump_model
from elman.prediction.pool import find_full_paths, is_current_folder
from elman.scoring.processor import cores
from elman.version import __version__

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
"""Settings of Ray before it starts: it sends no usage statistics and prints nothing."""


CONNECT_SECONDS = 10.0
"""How long a cluster may take to accept a connection."""


STORE = 128 * 2**20
"""Bytes of Ray's object store on one machine: rows never pass through it."""


STARTS = 3
"""How often the processes are started at most. Ray replaces those that die; where it gives up because it lost too much
at once, the pieces that are left are given to new ones."""


def annotate_cluster(
    annotator: Annotator,
    tables: Mapping[str, str],
    target: Path,
    *,
    processes: int | None = None,
    resume: bool = False,
) -> Iterator[Progress]:
    """Annotate Parquet files into a folder, which appears when it is complete, on the cluster in RAY_ADDRESS.

    Without RAY_ADDRESS, processes of this machine share the work. A table of many rows becomes several files, whose
    names sort in the order of its rows.

    Args:
        annotator: the model and the settings; the processes get the model itself, and need no file of it.
        tables: each table's file, and the path of its output in the folder. All machines must see the files and the
            folder.
        target: the folder; it must not exist, or be empty.
        processes: how many share the work; as many as the cluster, or this machine, has cores if None.
        resume: continue an interrupted job with the pieces that are not finished.

    Yields:
        The progress over all pieces.

    Raises:
        DataError: a table cannot be read, or lacks the column; an interrupted job exists and resume is False; the
            folder contains something.
        MissingExtraError: Ray is not installed.
        SettingError: a table is not Parquet.
        WorkerError: the cluster cannot be reached, its processes keep dying, or one cannot read or write a piece.
    """
    check_folder(target, may_be_filled=resume)
    pieces = cut_tables(tables, annotator.config.column)
    settings = {**describe_job(annotator, list(tables.items()), PARQUET, None), "piece_rows": ROWS}
    place = find_place(target)
    with Job(name_parts_folder(place), settings, resume=resume, mode=0o777) as job:
        if not job.is_delivered:
            check_folder(target)
            job.try_folder(place)
        summary = Summary()
        for step in _make_whole(annotator, pieces, job, processes):
            summary = step.summary
            yield step
        job.deliver(place)
    yield Progress(summary, 1.0, kept=False)


def _make_whole(annotator: Annotator, pieces: Sequence[Piece], job: Job, processes: int | None) -> Iterator[Progress]:
    """Have the pieces made that are missing, and yield the progress over all."""
    summary, rows = Summary(), sum(piece.rows for piece in pieces)
    finished = {piece.number: record for piece in pieces if (record := _find_record(piece, job)) is not None}
    for record in finished.values():
        summary += Summary.from_dict(record["summary"])
    if finished:
        yield Progress(summary, _share(summary, rows), kept=True)
    if job.is_complete:
        return
    names = [piece.name for piece in pieces]
    remove_leftovers(job.whole, [*names, *(name_side_file(pieces[number].name) for number in finished)])
    left = [piece for piece in pieces if piece.number not in finished]
    for piece, part in _annotate_pieces(annotator, left, job.whole.absolute(), processes):
        job.save_record(piece.number, {"name": piece.name, "state": piece.state, "summary": part.to_dict()})
        summary += part
        yield Progress(summary, _share(summary, rows), kept=False)
    remove_leftovers(job.whole, [*names, *map(name_side_file, names)])
    _check_written(job.whole, pieces)
    job.complete()


def _share(summary: Summary, rows: int) -> float:
    """Return the share of the rows that a summary counts."""
    return (summary.rows + summary.malformed) / max(1, rows)


def _find_record(piece: Piece, job: Job) -> dict[str, Any] | None:
    """Return the record of a piece; None if it is not finished."""
    record = job.read_record(piece.number)
    if record is None or not (job.is_delivered or (job.whole / piece.name).exists()):
        return None
    if (record["name"], tuple(record["state"])) != (piece.name, piece.state):
        name = show_path(piece.source)
        raise DataError(f"{name}: has changed since the job was interrupted; remove its parts to start again")
    return record


def _annotate_pieces(
    annotator: Annotator, pieces: Sequence[Piece], whole: Path, processes: int | None
) -> Iterator[tuple[Piece, Summary]]:
    """Have the cluster write the files of some pieces, and yield each piece when its file is complete, in any order."""
    if not pieces:
        return
    left = {piece.number: piece for piece in pieces}
    settings = {"model": dump_model(annotator.artifact), "config": annotator.config}
    settings |= {"folder": str(whole), "version": __version__}
    with _connect(processes) as ray:
        for start in range(STARTS):
            try:
                for result in _read_results(ray, _plan(ray, settings, list(left.values()), processes)):
                    if "error" in result:
                        raise WorkerError(result["error"])
                    if (piece := left.pop(result["number"], None)) is not None:
                        yield piece, Summary.from_dict(result["summary"])
                break
            except _LostError as lost:
                if start + 1 == STARTS:
                    raise WorkerError(str(lost)) from None
    if left:
        raise WorkerError(f"the cluster did not finish: {len(left):,} pieces are missing; continue with --resume")


def _plan(ray: Any, settings: Mapping[str, Any], pieces: Sequence[Piece], processes: int | None) -> Any:
    """Return the plan by which processes write the files of some pieces: a data set of their results."""
    count = min(processes or int(ray.cluster_resources().get("CPU", 1)), len(pieces))
    items = [{"piece": json.dumps(asdict(piece))} for piece in pieces]
    # Ray restarts a process that died, and gives it its piece again. The processes of a machine that is gone wait until
    # another machine has a free core, so the pool must also work when it is smaller.
    pool = ray.data.ActorPoolStrategy(min_size=1, initial_size=count, max_size=count, max_tasks_in_flight_per_actor=1)
    return ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
        PieceAnnotator,
        fn_constructor_kwargs=settings,
        batch_size=1,
        batch_format="numpy",
        num_cpus=1,
        compute=pool,
    )


class _LostError(Exception):
    """Ray gave up because processes, or what they returned, were lost; another start can succeed."""


def _read_results(ray: Any, rows: Any) -> Iterator[dict[str, Any]]:
    """Yield the results of the cluster's processes; an error that stops them all becomes one line."""
    kinds = ("RayActorError", "NodeDiedError", "WorkerCrashedError", "ObjectLostError")
    losses = tuple(getattr(ray.exceptions, kind) for kind in kinds)
    try:
        # Without prefetching: that would hold back a result until the next one exists.
        for batch in rows.iter_batches(batch_size=1, batch_format="numpy", prefetch_batches=0):
            yield from map(json.loads, batch["result"])
    except Exception as error:  # Ray has many kinds, and wraps those of others
        if "No module named 'elman" in str(error):
            problem = f"its machines have no Elman: pip install 'elman[ray]=={__version__}' on all of them"
        else:
            problem = f"{type(error).__name__}; see its own logs, and continue with --resume"
        kind = _LostError if isinstance(error, losses) and "No module named" not in str(error) else WorkerError
        raise kind(f"the cluster did not finish: {problem}") from None


@contextmanager
def _connect(processes: int | None) -> Iterator[Any]:
    """Connect to the cluster, or make this machine one with cores for so many processes; yield Ray."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with extra("ray"):
        import ray.data
    library: Any = ray
    is_ours = not library.is_initialized()
    try:
        if is_ours:
            _start(library, processes)
        yield library
    finally:
        if is_ours:
            library.shutdown()


def _start(ray: Any, processes: int | None) -> None:
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.target_max_block_size = 2**20  # Ray reserves this for the output of a task; here that is one line
    address = os.environ.get("RAY_ADDRESS")
    if address:
        _check_reachable(address)
        settings: dict[str, Any] = {"address": address}
    else:
        settings = {"address": "local", "num_cpus": processes or cores()}
        settings |= {"object_store_memory": STORE, "include_dashboard": False}
    settings["job_config"] = ray.job_config.JobConfig()
    settings["job_config"]._py_driver_sys_path = _ImportPath()
    try:
        with _silence_stderr(), _clean_environment(), _keep_signal_handler():
            ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **settings)
    except Exception as error:  # Ray has many kinds
        problem = str(error).strip().partition("\n")[0] or type(error).__name__
        place = shown(address) if address else "Ray on this machine"
        raise WorkerError(f"{place}: the cluster cannot be reached ({shown(problem, 300)})") from None


class _ImportPath(list[str]):
    """The folders that Ray adds to the import path of its processes, without the current one."""

    def extend(self, paths: Iterable[str]) -> None:
        """Append the folders that are not the current one."""
        super().extend(path for path in paths if not is_current_folder(path))


@contextmanager
def _clean_environment() -> Iterator[None]:
    """Leave only full paths in PYTHONPATH: the processes inherit it, and the current folder."""
    original = os.environ.get("PYTHONPATH")
    if original is not None:
        os.environ["PYTHONPATH"] = os.pathsep.join(find_full_paths())
    try:
        yield
    finally:
        if original is not None:
            os.environ["PYTHONPATH"] = original


@contextmanager
def _keep_signal_handler() -> Iterator[None]:
    """Keep the caller's handler of SIGTERM: Ray would replace it."""
    original = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if callable(original) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, original)


def _check_reachable(address: str) -> None:
    """Check that the address accepts connections: Ray itself would try for minutes, without a message."""
    if address.startswith("ray://"):
        raise SettingError(
            f"RAY_ADDRESS={shown(address)}: run the command on a machine of the cluster, with RAY_ADDRESS=auto, not "
            "through Ray's client"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return  # such as auto, which Ray checks quickly
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise WorkerError(
            f"RAY_ADDRESS={shown(address)}: no cluster answers there ({error.strerror or error})"
        ) from None


@contextmanager
def _silence_stderr() -> Iterator[None]:
    """Discard what Ray's native code prints to standard error while it starts."""
    original = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)


def _check_written(whole: Path, pieces: Sequence[Piece]) -> None:
    whole.mkdir(parents=True, exist_ok=True)
    for piece in pieces:
        if not (whole / piece.name).exists():
            problem = "was written but is missing here; the folder must be on storage that all machines share"
            raise WorkerError(f"{show_path(piece.name)}: {problem}")
