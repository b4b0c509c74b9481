"""A cluster annotates as this machine does, whatever dies on the way."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from elman.annotation import cluster, pieces
from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.annotation.cluster import annotate_cluster
from elman.annotation.job import parts_folder
from elman.annotation.pieces import PieceAnnotator, cut
from elman.errors import DataError, MissingExtraError, SettingError, WorkerError
from elman.model.file import dump_artifact
from elman.prediction.predictor import Predictor
from elman.version import __version__

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")  # settings that it sets itself

NAMES = ["abc", "cab", None, "", "b'a", "水", "42", "a" * 300]


@pytest.fixture
def annotator(tiny_artifact):
    return Annotator(Predictor(tiny_artifact), AnnotateConfig(top=2))


@pytest.fixture
def people(tmp_path, monkeypatch):
    """A folder of three Parquet files, 290 rows, that are cut into pieces of 50 at most."""
    monkeypatch.setattr(cluster, "ROWS", 50)
    for name, rows in {"a.parquet": 120, "b.parquet": 50, "deep/c.parquet": 120}.items():
        write_people(tmp_path / "people" / name, rows)
    return tmp_path / "people"


def write_people(path, rows, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"name": [NAMES[k % len(NAMES)] for k in range(rows)], "id": list(range(rows)), **more}
    pq.write_table(pa.table(columns), path, row_group_size=25)


def tables_of(folder):
    return {str(path): str(path.relative_to(folder)) for path in sorted(folder.rglob("*.parquet"))}


def steps_of(annotator, people, **asked):
    return annotate_cluster(annotator, tables_of(people), people.parent / "out", **asked)


def rows_of(folder):
    """Every row of the Parquet files below a folder, in the order of their names, and how many files there are."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [row for path in files for row in pq.read_table(path).to_pylist()], len(files)


# Pieces


def test_tables_are_cut_into_pieces_whose_names_sort_in_the_order_of_their_rows(people):
    pieces = cut(tables_of(people), "name")
    assert [piece.name for piece in pieces] == [
        "a.00000.parquet",
        "a.00001.parquet",
        "a.00002.parquet",
        "b.parquet",
        "deep/c.00000.parquet",
        "deep/c.00001.parquet",
        "deep/c.00002.parquet",
    ]
    assert [piece.row_groups for piece in pieces[:4]] == [(0, 1), (2, 3), (4,), (0, 1)]
    assert [piece.rows for piece in pieces] == [50, 50, 20, 50, 50, 50, 20]
    assert sorted(piece.name for piece in pieces) == [piece.name for piece in pieces]


def test_a_table_without_rows_is_a_piece_too(people, annotator):
    pq.write_table(pa.table({"name": pa.array([], pa.string())}), people / "empty.parquet")
    (piece,) = cut({str(people / "empty.parquet"): "empty.parquet"}, "name")
    writer = writer_of(annotator, people.parent)
    assert writer.write(piece).rows == 0
    assert pq.read_table(people.parent / "empty.parquet").column_names[:2] == ["name", "elman_label"]


def test_a_table_that_lacks_the_column_is_one_line_before_anything_starts(people, annotator):
    pq.write_table(pa.table({"surname": ["abc"]}), people / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet: expected one column 'name', found the columns surname"):
        next(steps_of(annotator, people))
    assert not parts_folder(people.parent / "out").exists()


def test_a_file_that_is_no_parquet_is_one_line(people):
    (people / "b.parquet").write_bytes(b"name\nabc\n")
    with pytest.raises(DataError, match=r"b\.parquet: cannot be read as Parquet"):
        cut(tables_of(people), "name")
    with pytest.raises(SettingError, match=r"people\.csv: expected Parquet"):
        cut({"people.csv": "people.csv"}, "name")


def test_two_pieces_of_one_name_are_refused(people):
    write_people(people / "a.00001.parquet", 10)
    with pytest.raises(DataError, match=r"two tables would become a\.00001\.parquet"):
        cut(tables_of(people), "name")


# A process of the cluster's, without a cluster


def writer_of(annotator, folder, version=__version__):
    return PieceAnnotator(dump_artifact(annotator.predictor.artifact), annotator.config, str(folder), version)


def said_of(annotator, people, version=__version__):
    """What a process says of the first piece."""
    piece = json.dumps(asdict(cut(tables_of(people), "name")[0]))
    (said,) = writer_of(annotator, people.parent / "whole", version)({"piece": [piece]})["said"]
    return json.loads(said)


def test_a_piece_is_written_to_the_same_bytes_however_often(people, annotator):
    piece = cut(tables_of(people), "name")[1]
    writer = writer_of(annotator, people.parent / "whole")
    first, path = writer.write(piece), people.parent / "whole" / piece.name
    content = path.read_bytes()
    assert writer.write(piece) == first and path.read_bytes() == content
    assert pq.read_table(path)["id"].to_pylist() == list(range(50, 100))


def test_a_piece_over_which_many_processes_died_stops_the_job(people, annotator):
    for number in range(pieces.DEATHS):
        scratch = people.parent / "whole" / f".a.00000.parquet.{number}.{number:08x}"
        scratch.parent.mkdir(exist_ok=True)
        scratch.touch()
    assert "8 processes died over a.00000.parquet" in said_of(annotator, people)["error"]


def test_a_process_says_in_one_line_why_it_cannot_write(people, annotator):
    assert "expected Elman 0.0.0 on all machines" in said_of(annotator, people, version="0.0.0")["error"]
    (people.parent / "whole").touch()
    assert said_of(annotator, people)["error"].endswith("File exists")


def test_a_process_says_nothing_of_what_a_row_holds(people, annotator, monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("Nakamura")

    monkeypatch.setattr(Predictor, "predict_columns", fail)
    assert said_of(annotator, people)["error"].endswith("a.parquet: ZeroDivisionError")


# Reaching Ray


def test_without_ray_the_extra_is_named(people, annotator, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'elman\[ray\]'"):
        next(steps_of(annotator, people))


def test_a_cluster_that_does_not_answer_is_one_line(people, annotator, monkeypatch):
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{door.getsockname()[1]}")
        with pytest.raises(WorkerError, match="no cluster answers there .Connection refused"):
            next(steps_of(annotator, people))


def test_a_client_of_a_cluster_is_sent_to_one_of_its_machines(people, annotator, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "ray://host:10001")
    with pytest.raises(SettingError, match="run the command on a machine of the cluster"):
        next(steps_of(annotator, people))


def test_ray_is_told_to_report_nothing_and_to_print_nothing(people, annotator, monkeypatch):
    import ray

    told = {}

    def start(**asked):
        told.update(asked, reports=os.environ["RAY_USAGE_STATS_ENABLED"])
        raise ConnectionError("no room\nfor it")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", start)
    with pytest.raises(WorkerError, match=r"Ray on this machine: the cluster cannot be reached .no room\)$"):
        next(steps_of(annotator, people, processes=3))
    assert told["reports"] == "0" and told["address"] == "local" and told["num_cpus"] == 3
    assert not told["log_to_driver"] and not told["include_dashboard"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("people.csv", "out"), "people.csv: expected Parquet"),
        (("people", "out", "--to", "csv"), "expected Parquet"),
        (("-", "out"), "--engine ray reads Parquet files and writes a folder"),
        (("people", "-"), "--engine ray reads Parquet files and writes a folder"),
        (("out", "--from-sql", "sqlite://", "--query", "select 1"), "--engine ray reads Parquet files"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused_in_one_line(elman_here, people, arguments, said):
    (people.parent / "people.csv").write_text("name\nabc\n", encoding="utf-8")
    outcome = elman_here("annotate", *arguments, "--engine", "ray")
    assert outcome.status == 2 and said in outcome.err and outcome.err.count("\n") == 1


def test_without_an_address_this_machine_works_alone_and_ray_says_nothing(elman_process, people, tiny_file):
    asked = ("annotate", "people", "out", "--model", tiny_file, "--top", 2)
    done = elman_process(*asked, "--engine", "ray", "--processes", 2, RAY_ADDRESS="")
    assert (done.returncode, done.stdout) == (0, b"")
    assert elman_process("annotate", "people", "local", *asked[3:]).stderr == done.stderr
    out, local = people.parent / "out", people.parent / "local"
    assert list(tables_of(out).values()) == list(tables_of(local).values())
    assert rows_of(out) == rows_of(local) and rows_of(out)[1] == 3


@pytest.mark.parametrize("case", ["a_process_that_is_killed", "an_interrupted_job"])
def test_on_two_machines_nothing_is_lost_or_doubled_whatever_dies(case):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "-k", case]
    done = subprocess.run(
        [*command, str(Path(__file__).with_name("machines.py"))],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "1 passed" in done.stdout
