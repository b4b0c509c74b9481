"""Workers start when they are needed, are used again, and end with the pool whatever they do."""

import io
import os
import sys

import pytest
from client import CSV, PATIENCE
from test_worker import JOB

from elman.errors import WorkerError
from elman.server.pool import WorkerPool


@pytest.fixture
def pool():
    pool = WorkerPool()
    yield pool
    pool.close()


def annotate(worker, predictor, text=CSV):
    reply = worker.run(JOB, predictor.artifact, io.BytesIO(text.encode()))
    return reply, worker.read(reply.size)


def test_a_worker_is_used_again(pool, predictor):
    worker = pool.take()
    first = annotate(worker, predictor)
    pool.give_back(worker)
    assert pool.take() is worker
    assert annotate(worker, predictor) == first
    assert pool.take() is not worker


def test_a_worker_that_ended_is_not_used_again(pool, predictor):
    worker = pool.take()
    worker.process.kill()
    with pytest.raises(WorkerError, match="status -9"):
        annotate(worker, predictor, "name\n" + "abc\n" * 100_000)
    pool.give_back(worker)
    assert pool.take() is not worker


def test_reading_from_a_worker_that_ended_is_an_error(pool, predictor):
    worker = pool.take()
    reply = worker.run(JOB, predictor.artifact, io.BytesIO(CSV.encode()))
    worker.kill()
    with pytest.raises(WorkerError):
        worker.read(reply.size + 1)
    pool.give_back(worker)


def test_closing_ends_all_workers(predictor):
    pool = WorkerPool()
    busy, idle = pool.take(), pool.take()
    annotate(idle, predictor)
    pool.give_back(idle)
    pool.close()
    assert idle.process.returncode is not None
    pool.give_back(busy)
    assert busy.process.wait(PATIENCE) != 0


def test_workers_end_when_their_pool_is_forgotten():
    pool = WorkerPool()
    process = pool.take().process
    del pool
    assert process.wait(PATIENCE) != 0


def test_a_worker_ends_at_once_when_its_input_is_closed(pool, predictor):
    worker = pool.take()
    annotate(worker, predictor)
    worker.process.stdin.close()
    assert worker.process.wait(PATIENCE) == 0


def test_a_worker_imports_nothing_from_the_current_folder(predictor, tmp_path, monkeypatch):
    for name in ("numpy", "elman", "json", "pyarrow", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("import os; os._exit(66)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    pool = WorkerPool()
    reply, _ = annotate(pool.take(), predictor)
    assert reply.rows == 2
    pool.close()


def test_a_worker_yields_to_the_service(pool, predictor):
    worker = pool.take()
    annotate(worker, predictor)
    assert os.getpriority(os.PRIO_PROCESS, worker.process.pid) > os.getpriority(os.PRIO_PROCESS, 0)
