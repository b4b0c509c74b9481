"""A cluster writes what this machine writes, whichever process or machine dies."""

import json
import os
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from people import read_folder, steps_of, tables_of

import elman
from elman.annotation import cluster, job
from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.annotation.cluster import annotate_cluster
from elman.annotation.job import name_parts_folder
from elman.annotation.local import annotate_folder
from elman.annotation.pieces import PieceAnnotator
from elman.errors import DataError, MissingExtraError, SettingError, WorkerError
from elman.model.file import dump_artifact
from elman.prediction.predictor import Predictor
from elman.version import __version__

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")  # settings that it sets itself


def test_a_table_without_the_column_is_refused_before_anything_starts(folder, annotator):
    pq.write_table(pa.table({"surname": ["abc"]}), folder / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet: expected one column 'name', found the columns surname"):
        next(steps_of(annotator, folder))
    assert not name_parts_folder(folder.parent / "out").exists()


def test_without_ray_the_message_names_the_extra(folder, annotator, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'elman\[ray\]'"):
        next(steps_of(annotator, folder))


def test_an_address_without_a_cluster_is_refused(folder, annotator, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(WorkerError, match="no cluster answers there .Connection refused"):
            next(steps_of(annotator, folder))


def test_the_address_of_a_client_is_refused(folder, annotator, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "ray://host:10001")
    with pytest.raises(SettingError, match="run the command on a machine of the cluster"):
        next(steps_of(annotator, folder))


def test_ray_sends_no_statistics_and_prints_nothing(folder, annotator, monkeypatch):
    import ray

    settings = {}

    def start(**values):
        settings.update(values, statistics=os.environ["RAY_USAGE_STATS_ENABLED"])
        raise ConnectionError("no memory\nleft")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", start)
    with pytest.raises(WorkerError, match=r"Ray on this machine: the cluster cannot be reached .no memory\)$"):
        next(steps_of(annotator, folder, processes=3))
    assert settings["statistics"] == "0" and settings["address"] == "local" and settings["num_cpus"] == 3
    assert not settings["log_to_driver"] and not settings["include_dashboard"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("people.csv", "out"), "people.csv: expected Parquet"),
        (("people", "out", "--to", "csv"), "expected Parquet"),
        (("-", "out"), "--engine ray reads Parquet files and writes a folder"),
        (("people", "-"), "--engine ray reads Parquet files and writes a folder"),
        (("people", "out", "--skipped", "rows.jsonl"), "each table has its own file of skipped rows beside it"),
        (("out", "--from-sql", "sqlite://", "--query", "select 1"), "--engine ray reads Parquet files"),
    ],
)
def test_requests_that_a_cluster_cannot_do_are_refused_in_one_line(elman_here, folder, arguments, message):
    (folder.parent / "people.csv").write_text("name\nabc\n", encoding="utf-8")
    outcome = elman_here("annotate", *arguments, "--engine", "ray")
    assert outcome.status == 2 and message in outcome.err and outcome.err.count("\n") == 1


def test_without_an_address_this_machine_works_alone_and_ray_prints_nothing(elman_process, folder, tiny_file):
    command = ("annotate", "people", "out", "--model", tiny_file, "--top", 2)
    done = elman_process(*command, "--engine", "ray", "--processes", 2, RAY_ADDRESS="")
    assert (done.returncode, done.stdout) == (0, b"")
    assert elman_process("annotate", "people", "local", *command[3:]).stderr == done.stderr
    out, local = folder.parent / "out", folder.parent / "local"
    assert list(tables_of(out).values()) == list(tables_of(local).values())
    assert read_folder(out) == read_folder(local) and read_folder(out)[1] == 3


@pytest.fixture
def alone(monkeypatch):
    """Have the pieces made in this process, without Ray."""

    def annotate_pieces(annotator, pieces, whole, processes):
        writer = PieceAnnotator(dump_artifact(annotator.predictor.artifact), annotator.config, str(whole), __version__)
        for piece in pieces:
            yield piece, writer.write(piece)

    monkeypatch.setattr(cluster, "_annotate_pieces", annotate_pieces)


@pytest.fixture
def lossy(monkeypatch):
    """Have the pieces made in this process, which is lost after each of the numbers of pieces in the list returned."""
    lives, plans = [], []

    def plan(ray, settings, pieces, processes):
        plans.append([piece.number for piece in pieces])
        return PieceAnnotator(**settings), pieces

    def read_results(ray, planned):
        writer, pieces = planned
        life = lives.pop(0) if lives else len(pieces)
        for piece in pieces[:life]:
            yield {"number": piece.number, "summary": writer.write(piece).to_dict()}
        if life < len(pieces):
            raise cluster._LostError("the cluster did not finish: ActorDiedError; continue with --resume")

    monkeypatch.setattr(cluster, "_connect", nullcontext)
    monkeypatch.setattr(cluster, "_plan", plan)
    monkeypatch.setattr(cluster, "_read_results", read_results)
    return lives, plans


def test_what_a_lost_start_left_is_done_by_the_next(folder, annotator, lossy):
    lives, plans = lossy
    lives += [3, 0]
    assert list(steps_of(annotator, folder))[-1].summary.rows == 290
    assert plans == [list(range(7)), list(range(3, 7)), list(range(3, 7))]
    local = folder.parent / "local"
    list(annotate_folder(annotator, tables_of(folder), local))
    assert read_folder(folder.parent / "out")[0] == read_folder(local)[0]


def test_a_cluster_that_loses_every_start_stops_the_job_which_can_continue(folder, annotator, lossy):
    lives, plans = lossy
    lives += [2, 1, 0]
    with pytest.raises(WorkerError, match="did not finish: ActorDiedError; continue with --resume"):
        list(steps_of(annotator, folder))
    assert len(plans) == cluster.STARTS == 3
    assert list(steps_of(annotator, folder, resume=True))[-1].summary.rows == 290
    assert plans[-1] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("ActorDiedError", "", cluster._LostError),
        ("NodeDiedError", "a node died", cluster._LostError),
        ("ActorDiedError", "ModuleNotFoundError: No module named 'elman.cells'", WorkerError),
        ("OutOfDiskError", "full", WorkerError),
    ],
)
def test_only_losses_are_worth_another_start(kind, message, expected):
    ray = pytest.importorskip("ray")

    class Rows:
        def iter_batches(self, **_):
            error = getattr(ray.exceptions, kind)
            raise error(message) if message else error()
            yield

    with pytest.raises(expected, match="the cluster did not finish"):
        list(cluster._read_results(ray, Rows()))


@pytest.mark.usefixtures("alone")
def test_a_second_job_on_one_folder_is_told_that_the_first_is_running(folder, annotator):
    first = steps_of(annotator, folder)
    next(first)
    for resume in (False, True):
        with pytest.raises(DataError, match=r"\.out\.parts: another process works on this output at the moment"):
            next(steps_of(annotator, folder, resume=resume))
    assert list(first)[-1].summary.rows == 290
    assert read_folder(folder.parent / "out")[1] == 7 and not name_parts_folder(folder.parent / "out").exists()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("moment", ["before delivery", "after delivery"])
def test_a_job_that_is_killed_at_its_end_continues(folder, annotator, monkeypatch, moment):
    def die(*_):
        raise KeyboardInterrupt

    out, replace = folder.parent / "out", job.replace
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if moment == "before delivery":
            patch.setattr(job, "replace", lambda source, place: die() if place == out else replace(source, place))
        else:
            patch.setattr(job.Job, "remove", die)
        list(steps_of(annotator, folder))
    monkeypatch.setattr(PieceAnnotator, "write", lambda *_: pytest.fail("a piece is made again"))
    steps = list(steps_of(annotator, folder, resume=True))
    assert [step.summary.rows for step in steps] == [290, 290]
    assert read_folder(out)[1] == 7 and not name_parts_folder(out).exists()


def test_a_folder_that_cannot_be_written_is_refused_before_anything_starts(folder, annotator, monkeypatch):
    for target in ("missing/out", "broken link", "people", "."):
        (folder.parent / "broken link").unlink(missing_ok=True)
        (folder.parent / "broken link").symlink_to("missing")
        with pytest.raises(DataError):
            next(annotate_cluster(annotator, tables_of(folder), folder.parent / target))
    assert sorted(path.name for path in folder.parent.iterdir()) == ["broken link", "people"]


IN_A_HOSTILE_FOLDER = """
import os
os.environ["PYTHONPATH"] += os.pathsep + os.pathsep + "."
os.environ["RAY_ADDRESS"] = ""
from elman.cli import main
main()
"""


def test_processes_of_the_cluster_never_import_from_the_current_folder(folder, tiny_file, tmp_path):
    mark = "import pathlib, sys; pathlib.Path(__file__).with_name('imported').write_text(str(sys.argv))"
    for name in ("numpy", "json", "elman", "pyarrow", "safetensors", "threadpoolctl", "sitecustomize", "typing"):
        (tmp_path / f"{name}.py").write_text(mark, encoding="utf-8")
    command = ["annotate", "people", "out", "--model", str(tiny_file), "--engine", "ray", "--processes", "1"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", IN_A_HOSTILE_FOLDER, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(elman.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "imported").exists(), (tmp_path / "imported").read_text()
    assert read_folder(tmp_path / "out")[1] == 3


@pytest.mark.parametrize("case", ["a_process_that_is_killed", "an_interrupted_job"])
def test_on_two_machines_no_row_is_lost_or_written_twice(case):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "-k", case]
    done = subprocess.run(
        [*command, str(Path(__file__).with_name("machines.py"))],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "1 passed" in done.stdout


@pytest.mark.usefixtures("alone")
def test_rows_that_are_skipped_are_counted_and_go_beside_the_piece_of_each(folder, tiny_artifact):
    names = ["abc"] * 60 + ["a" * 131_073] + ["cab"] * 9
    pq.write_table(pa.table({"name": names, "id": range(70)}), folder / "b.parquet", row_group_size=25)
    annotator = Annotator(Predictor(tiny_artifact), AnnotateConfig(skip_malformed=True))
    steps = list(steps_of(annotator, folder))
    assert steps[-1].summary.malformed == 1 and steps[-1].summary.rows == 309
    assert steps[-2].done == 1.0
    out = folder.parent / "out"
    beside = [path for path in out.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    assert beside == [out / "b.00001.parquet.skipped.jsonl"]
    (row,) = map(json.loads, beside[0].read_text(encoding="utf-8").splitlines())
    assert row["place"].endswith("b.parquet, row 61") and json.loads(row["text"])["id"] == 60
    assert pq.read_table(out / "b.00001.parquet")["id"].to_pylist() == [*range(50, 60), *range(61, 70)]


@pytest.mark.usefixtures("alone")
def test_a_row_that_cannot_be_read_stops_the_job_unless_it_is_skipped(folder, annotator):
    pq.write_table(pa.table({"name": ["a" * 131_073]}), folder / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet, row 1: expected at most 131,072 characters"):
        list(steps_of(annotator, folder))


@pytest.mark.usefixtures("alone")
def test_a_job_that_continues_keeps_the_rows_that_were_skipped(folder, tiny_artifact):
    pq.write_table(pa.table({"name": ["abc", "a" * 131_073]}), folder / "a.parquet")
    annotator = Annotator(Predictor(tiny_artifact), AnnotateConfig(skip_malformed=True))
    first = steps_of(annotator, folder)
    assert next(first).summary.malformed == 1
    first.close()
    assert list(steps_of(annotator, folder, resume=True))[-1].summary.malformed == 1
    assert (folder.parent / "out" / "a.parquet.skipped.jsonl").read_text(encoding="utf-8").count("\n") == 1
