"""elman annotate: tables in, tables out, complete or not at all; and one line for a request that is refused."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PATIENCE = 60


@pytest.fixture
def people(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("id,name\n1,Nakamura\n2,\n3,Papadakis\n", encoding="utf-8")
    return path


def labels(path):
    with path.open(encoding="utf-8", newline="") as file:
        return [row["elman_label"] for row in csv.DictReader(file)]


def test_a_table_gets_its_answers_and_a_summary(elman_here, people, tmp_path):
    done = elman_here("annotate", people, tmp_path / "out.csv")
    assert (done.status, done.out) == (0, "")
    assert labels(tmp_path / "out.csv") == ["Japanese", "", "Greek"]
    assert "3 rows, 2 answered" in done.err and "abstained, blank" in done.err and "33.3%" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "people.csv"]


def test_standard_streams_are_tables(elman_process, people):
    done = elman_process("annotate", "-", "-", "--to", "jsonl", stdin=people.read_bytes())
    assert done.returncode == 0
    written = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["elman_label"] for row in written] == ["Japanese", None, "Greek"]
    packed = elman_process("annotate", "-", "-", "--from", "csv.gz", stdin=gzip.compress(people.read_bytes()))
    assert packed.stdout.decode().splitlines()[1].startswith("1,Nakamura,Japanese,0.99")


def test_parquet_goes_through_standard_streams(elman_process, people, tmp_path):
    pq.write_table(pa.table({"name": ["Nakamura", None]}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    done = elman_process("annotate", "-", "-", "--from", "parquet", "--to", "parquet", stdin=content)
    assert pq.read_table(pa.BufferReader(done.stdout))["elman_label"].to_pylist() == ["Japanese", None]


def test_globs_and_several_files_make_one_table(elman_here, people, tmp_path):
    for number in (2, 1):
        (tmp_path / f"part-{number}.csv").write_text(f"id,name\n{number},Nakamura\n", encoding="utf-8")
    elman_here("annotate", f"{tmp_path}/part-*.csv", people, tmp_path / "out.csv")
    assert labels(tmp_path / "out.csv") == ["Japanese", "Japanese", "Japanese", "", "Greek"]
    with (tmp_path / "out.csv").open() as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["1", "2", "1", "2", "3"]


def test_a_folder_becomes_a_folder(elman_here, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    pq.write_table(pa.table({"name": ["Nakamura"]}), tmp_path / "in" / "a.parquet")
    pq.write_table(pa.table({"name": ["Papadakis", None]}), tmp_path / "in" / "deep" / "b.parquet")
    (tmp_path / "in" / "_SUCCESS").touch()
    (tmp_path / "in" / ".hidden.parquet").write_bytes(b"")
    done = elman_here("annotate", tmp_path / "in", tmp_path / "out")
    assert done.status == 0 and "3 rows, 2 answered" in done.err
    assert pq.read_table(tmp_path / "out" / "deep" / "b.parquet")["elman_label"].to_pylist() == ["Greek", None]
    done = elman_here("annotate", tmp_path / "in", tmp_path / "texts", "--to", "csv.gz")
    assert done.status == 0 and (tmp_path / "texts" / "a.csv.gz").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["people.csv"], "needs a table to read and one to write"),
        (["people.csv", "out.xlsx"], "out.xlsx: is a workbook"),
        (["people.csv", "people.csv"], "already exists; give another name, or --overwrite"),
        (["absent.csv", "out.csv"], "absent.csv: no such file"),
        (["people.csv", "out.csv", "--column", "nom"], "expected one column 'nom', found the columns id, name"),
        (["people.csv", "out.csv", "--top", "0"], "top must be a whole number of at least 1"),
        (["people.csv", "out.csv", "--processes", "0"], "Invalid value for '--processes': 0"),
        (["people.csv", "out.csv", "--model", "absent"], "no model 'absent'"),
        (["people.csv", "-", "--on-error", "skip"], "--on-error skip needs --skipped FILE"),
        (["-", "out/"], "standard input has no name"),
        (["people.csv", "out.csv", "--prefix", ""], "at least one character"),
    ],
)
def test_a_refused_request_is_one_line_and_leaves_nothing(elman_here, people, tmp_path, arguments, message):
    done = elman_here("annotate", *arguments)
    assert done.status == 2 and message in done.err and len(done.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_malformed_rows_are_skipped_on_request_and_written_to_another_file(elman_here, people, tmp_path):
    people.write_text("id,name\n1,Nakamura\nbroken\n3,Papadakis\n", encoding="utf-8")
    assert "people.csv, line 3: expected 2 cells" in elman_here("annotate", people, "out.csv").err
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]
    done = elman_here("annotate", people, "out.csv", "--on-error", "skip")
    assert done.status == 0 and "1 could not be read and were skipped" in done.err
    assert json.loads((tmp_path / "out.csv.skipped.jsonl").read_text(encoding="utf-8"))["text"] == "broken"


@pytest.fixture
def long_table(tmp_path):
    path = tmp_path / "long.csv"
    stems = ["ka", "mi", "ta", "no", "ri", "se", "yo", "ha", "ku", "ma"]
    names = [a + b + c + d for a in stems for b in stems for c in stems for d in stems] * 14
    path.write_text("".join(["name\n", *(f"{name}\n" for name in names)]), encoding="utf-8")
    return path


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_job_that_is_killed_leaves_nothing_under_the_final_name_and_continues(elman_process, long_table, number):
    out, whole = long_table.with_name("out.csv"), long_table.with_name("whole.csv")
    command = [sys.executable, "-m", "elman", "annotate", str(long_table), str(out)]
    parts = long_table.with_name(".out.csv.parts")
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        end = time.monotonic() + PATIENCE
        while not list(parts.glob("0*.json")) and process.poll() is None:
            assert time.monotonic() < end, "no part was finished"
        os.kill(process.pid, number)
        _, message = process.communicate(timeout=PATIENCE)
    if number is signal.SIGINT:
        assert process.returncode == 130 and b"continue with the same command and --resume" in message
    assert not out.exists() and list(parts.glob("0*.json"))
    refused = elman_process("annotate", long_table, out)
    assert refused.returncode == 2 and b"an interrupted job exists" in refused.stderr
    assert elman_process("annotate", long_table, out, "--resume").returncode == 0
    assert elman_process("annotate", long_table, whole).returncode == 0
    assert out.read_bytes() == whole.read_bytes() and not parts.exists()
    assert len(labels(out)) == 140_000


def test_without_pyarrow_text_works_and_parquet_says_what_to_install(people, python_process):
    code = (
        "import sys; sys.modules['pyarrow'] = None; sys.argv[0] = 'elman'\n"
        "from elman.cli import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    print(ended.code)"
    )
    assert python_process(code, "annotate", people, people.with_name("a.jsonl")) == "0\n"
    assert python_process(code, "annotate", people, people.with_name("a.parquet")) == "2\n"
