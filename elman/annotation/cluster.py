"""A cluster: many Parquet files annotated by processes on one machine or on many, through Ray.

The work is cut into pieces before it starts: a file, or some of its row groups. A piece becomes one file, written whole
or not at all, under a name that does not depend on who writes it or how often. So nothing is lost and nothing is there
twice, whatever dies.
"""

import json
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from elman.annotation.annotator import Annotator, Progress, Summary
from elman.annotation.job import WHOLE, Parts, check_free, job_of, parts_folder
from elman.annotation.pieces import PARQUET, ROWS, Piece, PieceAnnotator, cut
from elman.errors import DataError, MissingExtraError, SettingError, WorkerError
from elman.model.file import dump_artifact
from elman.scoring.processor import cores
from elman.version import __version__

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
"""What Ray is told before it starts: to report nothing to its makers, and to print nothing."""


PATIENCE = 10.0
"""Seconds that a cluster has to answer."""


STORE = 128 * 2**20
"""Bytes of Ray's own store on a machine that works alone: rows never pass through it."""


def annotate_cluster(
    annotator: Annotator,
    tables: Mapping[str, str],
    target: Path,
    *,
    processes: int | None = None,
    resume: bool = False,
) -> Iterator[Progress]:
    """Annotate Parquet files into a folder, which appears when it is whole, on the cluster that RAY_ADDRESS names.

    Without RAY_ADDRESS, processes of this machine share the work. A table of many rows becomes several files, whose
    names sort in the order of its rows.

    Args:
        annotator: what answers; its processes get the model itself, and need no file of it.
        tables: each table's file, and its place and name in the folder. All machines must see the files and the folder.
        target: the folder; it must not be there, or be empty.
        processes: how many share the work; as many as the cluster, or this machine, has cores where None.
        resume: go on with a job that was interrupted: pieces that are there are kept.

    Yields:
        How far all of it has come.

    Raises:
        DataError: a table cannot be read, or lacks the column; parts are there and are not to be gone on with; the
            folder holds something.
        MissingExtraError: Ray is not installed.
        SettingError: a table is no Parquet.
        WorkerError: the cluster cannot be reached, its processes keep dying, or one cannot read or write a piece.
    """
    check_free(target)
    pieces = cut(tables, annotator.config.column)
    asked = {**job_of(annotator, list(tables.items()), PARQUET, None), "piece_rows": ROWS}
    with Parts(parts_folder(target), asked, resume=resume) as finished:
        whole = (finished.folder / WHOLE).absolute()
        _clear(whole, pieces)
        kept = {piece.number: record for piece in pieces if (record := _record_of(piece, finished)) is not None}
        summary, rows = Summary(), sum(piece.rows for piece in pieces)
        for record in kept.values():
            summary += Summary.from_dict(record["summary"])
        if kept:
            yield Progress(summary, summary.rows / max(1, rows), kept=True)
        left = [piece for piece in pieces if piece.number not in kept]
        for piece, part in _answered(annotator, left, whole, processes):
            finished.note(piece.number, {"name": piece.name, "state": piece.state, "summary": part.to_dict()})
            summary += part
            yield Progress(summary, summary.rows / max(1, rows), kept=False)
        _clear(whole, pieces)
        _check_there(whole, pieces)
        os.replace(whole, target)
        finished.remove()
    yield Progress(summary, 1.0, kept=False)


def _record_of(piece: Piece, finished: Parts) -> dict[str, Any] | None:
    """Return what was recorded of a piece; None where it is not finished."""
    record = finished.record(piece.number)
    if record is None or not (finished.folder / WHOLE / piece.name).exists():
        return None
    if (record["name"], tuple(record["state"])) != (piece.name, piece.state):
        raise DataError(f"{piece.source}: has changed since the job was interrupted; remove its parts to start again")
    return record


def _answered(
    annotator: Annotator, pieces: Sequence[Piece], whole: Path, processes: int | None
) -> Iterator[tuple[Piece, Summary]]:
    """Have the cluster write the files of some pieces, and yield each that is there, in any order."""
    if not pieces:
        return
    left = {piece.number: piece for piece in pieces}
    asked = {"model": dump_artifact(annotator.predictor.artifact), "config": annotator.config}
    asked |= {"whole": str(whole), "version": __version__}
    with _cluster(processes) as (ray, count):
        count, items = min(count, len(pieces)), [{"piece": json.dumps(asdict(piece))} for piece in pieces]
        # Ray starts a process again that died, and gives it its piece again; those of a machine that is gone wait until
        # another has room, so a smaller pool must do too.
        pool = ray.data.ActorPoolStrategy(
            min_size=1, initial_size=count, max_size=count, max_tasks_in_flight_per_actor=1
        )
        rows = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
            PieceAnnotator,
            fn_constructor_kwargs=asked,
            batch_size=1,
            batch_format="numpy",
            num_cpus=1,
            compute=pool,
        )
        for told in _told(rows):
            if "error" in told:
                raise WorkerError(told["error"])
            if (piece := left.pop(told["number"], None)) is not None:
                yield piece, Summary.from_dict(told["summary"])
    if left:
        raise WorkerError(f"the cluster did not finish: {len(left):,} pieces are not there; --resume goes on")


def _told(rows: Any) -> Iterator[dict[str, Any]]:
    """Yield what the processes of a cluster say, and put in one line what stops them all."""
    try:
        # Nothing is fetched ahead: that would hold back what is there until there is more.
        for batch in rows.iter_batches(batch_size=1, batch_format="numpy", prefetch_batches=0):
            yield from map(json.loads, batch["said"])
    except Exception as error:  # Ray has many, and wraps those of others
        if "No module named 'elman" in str(error):
            said = f"its machines have no Elman: pip install 'elman[ray]=={__version__}' on all of them"
        else:
            said = f"{type(error).__name__}; its own logs say more, and --resume goes on"
        raise WorkerError(f"the cluster did not finish: {said}") from None


@contextmanager
def _cluster(processes: int | None) -> Iterator[tuple[Any, int]]:
    """Reach the cluster, or make this machine one; give Ray, and how many processes are to share the work."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"the engine ray needs the package {error.name}: pip install 'elman[ray]'") from None
    library: Any = ray
    started = not library.is_initialized()
    try:
        if started:
            _start(library, processes)
        yield library, processes or int(library.cluster_resources().get("CPU", 1))
    finally:
        if started:
            library.shutdown()


def _start(ray: Any, processes: int | None) -> None:
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.target_max_block_size = 2**20  # what Ray expects of a task before it knows; here a line comes of each
    address = os.environ.get("RAY_ADDRESS")
    alone = {"num_cpus": processes or cores(), "object_store_memory": STORE, "include_dashboard": False}
    if address:
        _check_reachable(address)
    where: dict[str, Any] = {"address": address} if address else {"address": "local", **alone}
    try:
        with _hushed():
            ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **where)
    except Exception as error:  # Ray has many
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise WorkerError(f"{address or 'Ray on this machine'}: the cluster cannot be reached ({said})") from None


def _check_reachable(address: str) -> None:
    """Knock at the cluster's door: Ray itself would do so for minutes, without a word."""
    if address.startswith("ray://"):
        raise SettingError(
            f"RAY_ADDRESS={address}: run the command on a machine of the cluster, with RAY_ADDRESS=auto, not through "
            "Ray's client"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return  # such as auto, which Ray finds out about quickly
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except OSError as error:
        raise WorkerError(f"RAY_ADDRESS={address}: no cluster answers there ({error.strerror or error})") from None


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep the user from what Ray's native code prints to standard error while it starts."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _clear(whole: Path, pieces: Sequence[Piece]) -> None:
    """Remove what processes left that died while they wrote."""
    names = {piece.name for piece in pieces}
    for path in [*whole.rglob("*")] if whole.exists() else []:
        if path.is_file() and str(path.relative_to(whole)) not in names:
            path.unlink()


def _check_there(whole: Path, pieces: Sequence[Piece]) -> None:
    whole.mkdir(parents=True, exist_ok=True)
    for piece in pieces:
        if not (whole / piece.name).exists():
            raise WorkerError(
                f"{piece.name}: was written but is not there; the folder must lie on storage that all machines see"
            )
