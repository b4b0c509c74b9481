"""A cluster of two machines, simulated on this one: processes and machines die, and no row is lost or written twice.

`test_cluster.py` runs this file in a process of its own: Ray ends a process that loses its connection, and must not end
all the tests with it.
"""

import json
import os
import signal
import time
from collections import deque
from contextlib import suppress

import pyarrow.parquet as pq
import pytest
from people import read_folder, steps_of, tables_of

from elman.annotation import cluster
from elman.annotation.job import name_parts_folder
from elman.annotation.local import annotate_folder
from elman.annotation.pieces import PieceAnnotator
from elman.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")  # settings that it sets itself

PATIENCE = 150  # seconds that a test waits for processes of the cluster: a machine can be busy
MACHINE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
DEATH = {"health_check_period_ms": 1000, "health_check_failure_threshold": 12}  # when Ray takes a machine for dead


@pytest.fixture(scope="module")
def machines():
    """A cluster of one machine with one core; more can be added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        cluster_of_one = Cluster(initialize_head=True, head_node_args={**MACHINE, "_system_config": DEATH})
        patch.setenv("RAY_ADDRESS", cluster_of_one.address)
        yield cluster_of_one
        cluster_of_one.shutdown()


@pytest.fixture
def second(machines):
    """A second machine with one core."""
    machine = machines.add_node(**MACHINE)
    yield machine
    with suppress(Exception):  # a test may have removed it
        machines.remove_node(machine)


@pytest.fixture
def waiting(folder, monkeypatch):
    """Make the cluster's processes wait with all pieces but the first two, until a file ``go`` exists.

    Returns the folder of that file. Each process that waits leaves a file there, named after its piece and itself.
    """
    waiting = folder.parent / "waiting"
    waiting.mkdir()

    class Patient(PieceAnnotator):
        def __init__(self, *, patience=PATIENCE, **settings):
            super().__init__(**settings)
            self.waiting, self.piece, self.patience = waiting, None, patience

        def write(self, piece):
            self.piece = piece
            return super().write(piece)

        def _answer(self, names):  # called while the file of the piece is open
            if self.piece.number > 1:
                (self.waiting / f"{self.piece.number}-{os.getpid()}").touch()
                until = time.monotonic() + self.patience
                while not (self.waiting / "go").exists() and time.monotonic() < until:
                    time.sleep(0.02)
            return super()._answer(names)

    monkeypatch.setattr(cluster, "PieceAnnotator", Patient)
    return waiting


def wait_for(count, waiting):
    """Wait until so many processes wait; return their pieces and process ids."""
    until = time.monotonic() + PATIENCE
    while len(found := [path.name for path in waiting.glob("*-*")]) < count:
        assert time.monotonic() < until, f"only {found} wait"
        time.sleep(0.02)
    return [tuple(map(int, name.split("-"))) for name in found]


def check_as_local(annotator, folder):
    """Check that the cluster's folder has what this machine writes, and nothing else."""
    out, local = folder.parent / "out", folder.parent / "local"
    deque(annotate_folder(annotator, tables_of(folder), local), maxlen=0)
    rows, files = read_folder(out)
    assert rows == read_folder(local)[0]
    assert files == 7 and len(rows) == 290
    assert not name_parts_folder(out).exists()
    schemas = {pq.read_schema(path) for place in (out, local) for path in place.rglob("*.parquet")}
    assert len(schemas) == 1


@pytest.mark.usefixtures("second")
def test_a_process_that_is_killed_loses_and_doubles_no_row(annotator, folder, waiting):
    steps = steps_of(annotator, folder)
    assert next(steps).summary.rows == 50
    (piece, process), *_ = wait_for(2, waiting)
    os.kill(process, signal.SIGKILL)
    (waiting / "go").touch()
    summary = list(steps)[-1].summary
    assert summary.rows == 290
    assert len([other for other, _ in wait_for(6, waiting) if other == piece]) == 2
    check_as_local(annotator, folder)


def test_an_interrupted_job_continues_and_ends_even_if_a_machine_dies(machines, second, annotator, folder, waiting):
    steps = steps_of(annotator, folder)
    next(steps), steps.close()
    parts = name_parts_folder(folder.parent / "out")
    ((name, stamp),) = find_finished(parts).items()
    with pytest.raises(DataError, match="an interrupted job exists, finished parts: 1"):
        next(steps_of(annotator, folder))
    for path in waiting.iterdir():
        path.unlink()
    steps = steps_of(annotator, folder, resume=True)
    first = next(steps)
    assert first.kept and first.summary.rows == 50
    assert not next(steps).kept
    wait_for(2, waiting)
    machines.remove_node(second, allow_graceful=False)
    (waiting / "go").touch()
    assert [step.kept for step in steps] == [False] * 6
    assert (folder.parent / "out" / name).stat().st_mtime_ns == stamp
    check_as_local(annotator, folder)


def find_finished(parts):
    """Return the finished pieces by name, each with the time when its file was written."""
    names = [json.loads(record.read_text())["name"] for record in parts.glob("0*.json")]
    return {name: (parts / "whole" / name).stat().st_mtime_ns for name in names}
