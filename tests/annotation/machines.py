"""A cluster of two machines, on this one: processes and machines die, and nothing is lost or there twice.

`tests/test_cluster.py` runs this file in a process of its own: Ray ends a process that it believes to be cut off, and
must not end all the tests with it.
"""
# ruff: noqa: F811 - the fixtures of that file are used here too

import json
import os
import signal
import time
from collections import deque
from contextlib import suppress

import pyarrow.parquet as pq
import pytest
from test_cluster import annotator, people, rows_of, steps_of, tables_of  # noqa: F401 - the first two are fixtures

from elman.annotation import cluster
from elman.annotation.job import parts_folder
from elman.annotation.local import annotate_folder
from elman.annotation.pieces import PieceAnnotator
from elman.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")  # settings that it sets itself

PATIENCE = 60  # seconds that a test waits for processes of the cluster
MACHINE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
SOON = {"health_check_period_ms": 1000, "health_check_failure_threshold": 12}  # when a machine is taken for dead


@pytest.fixture(scope="module")
def machines():
    """A cluster of one machine with one core; more can be added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        found = Cluster(initialize_head=True, head_node_args={**MACHINE, "_system_config": SOON})
        patch.setenv("RAY_ADDRESS", found.address)
        yield found
        found.shutdown()


@pytest.fixture
def second(machines):
    """A second machine with one core."""
    added = machines.add_node(**MACHINE)
    yield added
    with suppress(Exception):  # a test has removed it
        machines.remove_node(added)


@pytest.fixture
def patient(people, monkeypatch):
    """Make the cluster's processes wait with all pieces but the first two, until there is a file ``go``.

    Gives the folder where it is expected, and where each that waits leaves a file with its piece and process.
    """
    folder = people.parent / "waiting"
    folder.mkdir()

    class Patient(PieceAnnotator):
        def __init__(self, *, patience=PATIENCE, **asked):
            super().__init__(**asked)
            self.waiting, self.piece, self.patience = folder, None, patience

        def write(self, piece):
            self.piece = piece
            return super().write(piece)

        def _answer(self, names):  # the file that is written is open
            if self.piece.number > 1:
                (self.waiting / f"{self.piece.number}-{os.getpid()}").touch()
                until = time.monotonic() + self.patience
                while not (self.waiting / "go").exists() and time.monotonic() < until:
                    time.sleep(0.02)
            return super()._answer(names)

    monkeypatch.setattr(cluster, "PieceAnnotator", Patient)
    return folder


def waiting(folder, count):
    """Wait until so many processes do; return their pieces and numbers."""
    until = time.monotonic() + PATIENCE
    while len(found := [path.name for path in folder.glob("*-*")]) < count:
        assert time.monotonic() < until, f"only {found} wait"
        time.sleep(0.02)
    return [tuple(map(int, name.split("-"))) for name in found]


def check_as_local(annotator, people):
    """Check that the cluster's folder holds what this machine writes, and nothing else."""
    out, local = people.parent / "out", people.parent / "local"
    deque(annotate_folder(annotator, tables_of(people), local), maxlen=0)
    ours, files = rows_of(out)
    assert ours == rows_of(local)[0]
    assert files == 7 and len(ours) == 290
    assert not parts_folder(out).exists()
    schemas = {pq.read_schema(path) for folder in (out, local) for path in folder.rglob("*.parquet")}
    assert len(schemas) == 1


@pytest.mark.usefixtures("second")
def test_a_process_that_is_killed_over_a_piece_loses_and_doubles_nothing(annotator, people, patient):
    steps = steps_of(annotator, people)
    assert next(steps).summary.rows == 50
    (piece, process), *_ = waiting(patient, 2)
    os.kill(process, signal.SIGKILL)
    (patient / "go").touch()
    summary = list(steps)[-1].summary
    assert summary.rows == 290
    assert len([other for other, _ in waiting(patient, 6) if other == piece]) == 2
    check_as_local(annotator, people)


def test_an_interrupted_job_does_what_is_left_also_when_a_machine_goes(machines, second, annotator, people, patient):
    steps = steps_of(annotator, people)
    next(steps), steps.close()
    parts = parts_folder(people.parent / "out")
    ((kept, stamp),) = finished_of(parts).items()
    with pytest.raises(DataError, match="an interrupted job lies here, finished parts: 1"):
        next(steps_of(annotator, people))
    for path in patient.iterdir():
        path.unlink()
    steps = steps_of(annotator, people, resume=True)
    first = next(steps)
    assert first.kept and first.summary.rows == 50
    assert not next(steps).kept
    waiting(patient, 2)
    machines.remove_node(second, allow_graceful=False)
    (patient / "go").touch()
    assert [step.kept for step in steps] == [False] * 6
    assert (people.parent / "out" / kept).stat().st_mtime_ns == stamp
    check_as_local(annotator, people)


def finished_of(parts):
    """The finished pieces by name, each with when its file was written."""
    names = [json.loads(record.read_text())["name"] for record in parts.glob("0*.json")]
    return {name: (parts / "whole" / name).stat().st_mtime_ns for name in names}
