"""A worker replies to one job after the other, says what is wrong with a table, and quotes nothing."""

import io
import json
import tempfile
from dataclasses import replace

import numpy as np
import pytest
from client import CANARY, CSV

from elman.annotation.local import annotate_file
from elman.errors import DataError, SettingError
from elman.model.file import dump_artifact
from elman.prediction.predictor import Predictor
from elman.server import worker
from elman.server.jobs import CHUNK, Job, Reply
from elman.server.worker import run, serve

JOB = Job(
    model="toy",
    model_bytes=0,
    table_bytes=0,
    read_as="csv",
    write_as="csv",
    column="name",
    top=1,
    abstain_below=0.0,
    header=None,
    delimiter=None,
    encoding=None,
    most_rows=100,
    most_bytes=10_000,
)


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    """Let the process of the tests pass for a worker that has taken little memory."""
    monkeypatch.setattr(worker, "_memory", lambda: 2**20)


def exchange(*jobs: tuple[Job, bytes, bytes]) -> list[tuple[Reply, bytes]]:
    """Send jobs, each with a model file and a table; return the replies with their tables."""
    source, out = io.BytesIO(), io.BytesIO()
    for job, model, table in jobs:
        job = replace(job, model_bytes=len(model), table_bytes=len(table))
        source.write(json.dumps(vars(job)).encode() + b"\n" + model + table)
    source.seek(0)
    serve(source, out)
    out.seek(0)
    replies = []
    while line := out.readline():
        reply = Reply(**json.loads(line))
        replies.append((reply, out.read(reply.size)))
    return replies


def annotated(predictor, tmp_path, content: bytes, suffix: str = ".csv") -> bytes:
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    source.write_bytes(content)
    annotate_file(predictor, source, target, column="name")
    return target.read_bytes()


def test_each_job_gets_its_reply_and_a_model_is_sent_once(predictor, tmp_path):
    model, lines = dump_artifact(predictor.artifact), b'{"name": "abc"}\n{"name": null}\n'
    replies = exchange(
        (JOB, model, CSV.encode()), (replace(JOB, read_as="jsonl", write_as="jsonl"), b"", lines), (JOB, b"", b"")
    )
    assert replies == [
        (Reply(2, 0, size=len(replies[0][1])), annotated(predictor, tmp_path, CSV.encode())),
        (Reply(2, 1, size=len(replies[1][1])), annotated(predictor, tmp_path, lines, ".jsonl")),
        (Reply(problem="empty_table"), b""),
    ]


def test_a_large_table_arrives_whole(predictor, tmp_path):
    table = b"name,more\n" + b"abc,%b\n" % (b"x" * 99) * 9000
    job = replace(JOB, most_rows=10_000, most_bytes=10 * len(table))
    ((reply, content),) = exchange((job, dump_artifact(predictor.artifact), table))
    assert reply.size > 3 * CHUNK
    assert content == annotated(predictor, tmp_path, table)


def test_tables_are_kept_in_files_without_a_name(predictor, tmp_path, monkeypatch):
    if not worker.OPEN_FILES.is_dir():
        pytest.skip("needs a path for every open file, as Linux has")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []
    monkeypatch.setattr(worker, "run", lambda *arguments: seen.extend(tmp_path.iterdir()) or run(*arguments))
    ((reply, _),) = exchange((JOB, dump_artifact(predictor.artifact), CSV.encode()))
    assert (reply.rows, seen) == (2, [])


def test_a_file_with_a_name_is_removed_where_none_can_be_without(predictor, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "OPEN_FILES", tmp_path / "missing")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ((reply, _),) = exchange((JOB, dump_artifact(predictor.artifact), CSV.encode()))
    assert (reply.rows, list(tmp_path.iterdir())) == (2, [])


def test_a_worker_that_took_much_memory_ends_with_its_job(predictor, monkeypatch):
    monkeypatch.setattr(worker, "_memory", lambda: worker.MOST_MEMORY + 1)
    job = JOB, dump_artifact(predictor.artifact), CSV.encode()
    ((reply, _),) = exchange(job, job)
    assert (reply.rows, reply.is_last) == (2, True)


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (DataError(CANARY, code="malformed_row", line=3), Reply(problem="malformed_row", line=3)),
        (SettingError(CANARY), Reply(problem="invalid")),
        (MemoryError(CANARY), Reply(problem="too_much_text")),
    ],
    ids=repr,
)
def test_an_error_becomes_a_problem(predictor, monkeypatch, error, reply):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(worker, "annotate_stream", fail)
    assert run(predictor, JOB, "table.csv", io.BytesIO()) == reply


class Failing(Predictor):
    """A predictor with a bug whose message quotes the names."""

    def answer_columns(self, names, options, **settings):
        raise KeyError(f"no idea what {names} is")


class Diverging(Predictor):
    """A predictor whose probabilities are not numbers."""

    def answer_columns(self, names, options, **settings):
        columns = super().answer_columns(names, options, **settings)
        return replace(columns, probabilities=np.full_like(columns.probabilities, np.nan))


def annotate_text(predictor, tmp_path, text: str, **changes) -> Reply:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return run(predictor, replace(JOB, **changes), str(path), io.BytesIO())


def test_a_bug_is_described_without_names(predictor, tmp_path):
    reply = annotate_text(Failing(predictor.artifact), tmp_path, f"name\n{CANARY}\n")
    assert reply.bug is not None and reply.bug.startswith("KeyError in elman/")
    assert CANARY not in reply.bug


def test_an_answer_that_is_not_finite_is_a_problem(predictor, tmp_path):
    model = Diverging(predictor.artifact)
    assert annotate_text(model, tmp_path, CSV) == Reply(problem="no_finite_answer")
    assert annotate_text(model, tmp_path, "name\n42\n").abstained == 1  # no answer is fine


def test_rows_and_bytes_are_limited(predictor, tmp_path):
    assert annotate_text(predictor, tmp_path, CSV, most_rows=2).rows == 2
    assert annotate_text(predictor, tmp_path, CSV, most_rows=1) == Reply(problem="too_many_rows")
    assert annotate_text(predictor, tmp_path, CSV, most_bytes=20) == Reply(problem="too_much_text")
