"""elman annotate: tables in, tables out, complete or not at all; and one line for a request that is refused."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ANNOTATE = ("annotate", "--model", "languages")
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
    done = elman_here(*ANNOTATE, people, tmp_path / "out.csv")
    assert (done.status, done.out) == (0, "")
    assert labels(tmp_path / "out.csv") == ["Japanese", "", "Greek"]
    assert "3 rows, 2 answered" in done.err and "abstained, blank" in done.err and "33.3%" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "people.csv"]


def test_standard_streams_are_tables(elman_process, people):
    done = elman_process(*ANNOTATE, "-", "-", "--to", "jsonl", stdin=people.read_bytes())
    assert done.returncode == 0
    written = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["elman_label"] for row in written] == ["Japanese", None, "Greek"]
    packed = elman_process(*ANNOTATE, "-", "-", "--from", "csv.gz", stdin=gzip.compress(people.read_bytes()))
    assert packed.stdout.decode().splitlines()[1].startswith("1,Nakamura,Japanese,0.99")


def test_parquet_goes_through_standard_streams(elman_process, people, tmp_path):
    pq.write_table(pa.table({"name": ["Nakamura", None]}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    done = elman_process(*ANNOTATE, "-", "-", "--from", "parquet", "--to", "parquet", stdin=content)
    assert pq.read_table(pa.BufferReader(done.stdout))["elman_label"].to_pylist() == ["Japanese", None]


def test_globs_and_several_files_make_one_table(elman_here, people, tmp_path):
    for number in (2, 1):
        (tmp_path / f"part-{number}.csv").write_text(f"id,name\n{number},Nakamura\n", encoding="utf-8")
    elman_here(*ANNOTATE, f"{tmp_path}/part-*.csv", people, tmp_path / "out.csv")
    assert labels(tmp_path / "out.csv") == ["Japanese", "Japanese", "Japanese", "", "Greek"]
    with (tmp_path / "out.csv").open() as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["1", "2", "1", "2", "3"]


def test_a_folder_becomes_a_folder(elman_here, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    pq.write_table(pa.table({"name": ["Nakamura"]}), tmp_path / "in" / "a.parquet")
    pq.write_table(pa.table({"name": ["Papadakis", None]}), tmp_path / "in" / "deep" / "b.parquet")
    (tmp_path / "in" / "_SUCCESS").touch()
    (tmp_path / "in" / ".hidden.parquet").write_bytes(b"")
    done = elman_here(*ANNOTATE, tmp_path / "in", tmp_path / "out")
    assert done.status == 0 and "3 rows, 2 answered" in done.err
    assert pq.read_table(tmp_path / "out" / "deep" / "b.parquet")["elman_label"].to_pylist() == ["Greek", None]
    done = elman_here(*ANNOTATE, tmp_path / "in", tmp_path / "texts", "--to", "csv.gz")
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
    done = elman_here(*ANNOTATE, *arguments)
    assert done.status == 2 and message in done.err and len(done.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_malformed_rows_are_skipped_on_request_and_written_to_another_file(elman_here, people, tmp_path):
    people.write_text("id,name\n1,Nakamura\nbroken\n3,Papadakis\n", encoding="utf-8")
    assert "people.csv, line 3: expected 2 cells" in elman_here(*ANNOTATE, people, "out.csv").err
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]
    done = elman_here(*ANNOTATE, people, "out.csv", "--on-error", "skip")
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
    command = [sys.executable, "-m", "elman", *ANNOTATE, str(long_table), str(out)]
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
    refused = elman_process(*ANNOTATE, long_table, out)
    assert refused.returncode == 2 and b"an interrupted job exists" in refused.stderr
    assert elman_process(*ANNOTATE, long_table, out, "--resume").returncode == 0
    assert elman_process(*ANNOTATE, long_table, whole).returncode == 0
    assert out.read_bytes() == whole.read_bytes() and not parts.exists()
    assert len(labels(out)) == 140_000


# Signals and streams

COMMAND = [sys.executable, "-P", "-m", "elman", *ANNOTATE]


@pytest.fixture
def stream(tmp_path):
    """Start a command whose input does not end: (header, row) a million times over, with pipes for its streams."""
    scratch, feeders = tmp_path / "scratch", []
    scratch.mkdir()

    def start(*arguments, row="Smith", stdout=subprocess.PIPE):
        process = subprocess.Popen(
            [*COMMAND, "-", "-", *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(scratch)},
        )

        def feed():
            with suppress(OSError), process.stdin as pipe:
                pipe.write(b"name\n")
                while True:
                    pipe.write(f"{row}\n".encode() * 10_000)

        feeders.append(threading.Thread(target=feed, daemon=True))
        feeders[-1].start()
        return process

    yield start
    for feeder in feeders:
        feeder.join(PATIENCE)


def end(process):
    """Wait for a process, and return its status and the lines of its standard error."""
    status = process.wait(PATIENCE)
    with process.stderr as pipe:
        lines = pipe.read().decode().splitlines()
    process.stdout.close()
    return status, lines


def test_the_first_rows_of_an_endless_stream_come_soon_and_a_reader_may_leave(stream, tmp_path):
    process = stream()
    assert [process.stdout.readline() for _ in range(2)][0].startswith(b"name,elman_label")
    assert list((tmp_path / "scratch").iterdir()) == []
    process.stdout.close()
    assert end(process) == (0, [])
    assert [path.name for path in tmp_path.iterdir()] == ["scratch"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_a_stream_that_is_ended_by_a_signal_leaves_nothing(stream, tmp_path, number):
    process = stream("--on-error", "skip", "--skipped", "skipped.jsonl", row='Smith\n"Jones')
    process.stdout.readline()
    assert len(list(tmp_path.glob(".skipped.jsonl.*"))) == 1
    process.send_signal(number)  # while it waits for its reader
    status, lines = end(process)
    assert status == 128 + number and len(lines) == 1 and lines[0].startswith("stopped after ")
    assert [path.name for path in tmp_path.rglob("*")] == ["scratch"]


def test_a_stream_that_waits_for_its_input_is_ended_by_a_signal(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "-", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    process.stdin.write(b"name\nSmith\n")
    process.stdin.flush()
    wait_until_it_handles(process, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    assert end(process) == (143, ["stopped after 0 rows"])
    process.stdin.close()
    assert list(tmp_path.iterdir()) == []


def wait_until_it_handles(process, number):
    until = time.monotonic() + PATIENCE
    while True:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
        if caught >> (number - 1) & 1:
            return
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)


def test_nohup_still_keeps_a_job_from_ending(tmp_path, people):
    ignore = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\nfrom elman.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", ignore, *ANNOTATE, "-", "out.csv"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    wait_until_it_handles(process, signal.SIGTERM)
    process.send_signal(signal.SIGHUP)
    process.stdin.write(people.read_bytes())
    process.stdin.close()
    assert end(process)[0] == 0 and labels(tmp_path / "out.csv") == ["Japanese", "", "Greek"]


def test_worker_processes_never_import_from_the_current_folder(long_table, tmp_path):
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in ("numpy", "json", "elman", "sitecustomize", "typing", "signal"):
        mark = "import pathlib; pathlib.Path(__file__).with_name('imported').touch()"
        (folder / f"{name}.py").write_text(mark, encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, str(long_table), "out.csv", "--processes", "2"], cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (folder / "imported").exists() and len(labels(folder / "out.csv")) == 140_000


# What exists


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["people.csv", "missing/out.csv"], "missing/out.csv: the folder missing does not exist; make it first"),
        (["people.csv", "missing/out/"], "missing/out: the folder missing does not exist; make it first"),
        (["people.csv", "."], ".: already exists and is not empty"),
        (
            ["people.csv", "/dev/null", "--to", "csv", "--overwrite"],
            "/dev/null: is not a file; write to standard output",
        ),
        (["people.csv", "a\x1b[2J/out.csv"], r"a\x1b[2J/out.csv: the folder a\x1b[2J does not exist; make it first"),
        (
            ["people.csv", "out.csv", "--on-error", "skip", "--skipped", "people.csv", "--overwrite"],
            "people.csv: is the output or an input; name another file for skipped rows",
        ),
        (
            ["people.csv", "out.csv", "--on-error", "skip", "--skipped", "missing/a.jsonl"],
            "missing/a.jsonl: the folder missing does not exist; make it first",
        ),
        (["people.csv", "-", "--on-error", "skip", "--skipped", "."], ".: is a folder; name a file with --skipped"),
        (["people.csv", "out/", "--skipped", "a.jsonl"], "each table has its own file of skipped rows"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line_before_the_work(
    elman_here, people, tmp_path, monkeypatch, arguments, message
):
    from elman.prediction.predictor import Predictor

    monkeypatch.setattr(Predictor, "predict_columns", lambda *_, **__: pytest.fail("the work has begun"))
    done = elman_here(*ANNOTATE, *arguments)
    assert done.status == 2 and message in done.err and len(done.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_overwrite_keeps_permissions_and_links_and_replaces_the_file_of_skipped_rows(elman_here, people, tmp_path):
    people.write_text("id,name\n1,Nakamura\nbroken\n3,Papadakis\n", encoding="utf-8")
    (tmp_path / "real.csv").write_text("mine", encoding="utf-8")
    (tmp_path / "real.csv").chmod(0o600)
    (tmp_path / "out.csv").symlink_to("real.csv")
    (tmp_path / "out.csv.skipped.jsonl").write_text("mine", encoding="utf-8")
    options = ("people.csv", "out.csv", "--on-error", "skip")
    assert "out.csv: already exists" in elman_here(*ANNOTATE, *options).err
    assert elman_here(*ANNOTATE, *options, "--overwrite").status == 0
    assert labels(tmp_path / "real.csv") == ["Japanese", "Greek"] and (tmp_path / "out.csv").is_symlink()
    assert (tmp_path / "real.csv").stat().st_mode & 0o777 == 0o600
    assert json.loads((tmp_path / "out.csv.skipped.jsonl").read_text(encoding="utf-8"))["text"] == "broken"


@pytest.mark.parametrize("stem", ["n" * 246, "名" * 80], ids=["250 characters", "80 Chinese"])
def test_a_long_name_is_written_as_a_file_and_in_a_folder(elman_here, people, tmp_path, stem):
    people.write_text("id,name\n1,Nakamura\nbroken\n3,Papadakis\n", encoding="utf-8")
    out = tmp_path / f"{stem}.csv"
    assert elman_here(*ANNOTATE, people, out, "--on-error", "skip").status == 0
    assert labels(out) == ["Japanese", "Greek"] and len(list(tmp_path.iterdir())) == 3
    (tmp_path / "in").mkdir()
    out.rename(tmp_path / "in" / out.name)
    again = ("--prefix", "again_", "--on-error", "skip")
    assert elman_here(*ANNOTATE, "in", "folder", "--to", "jsonl.gz", *again).status == 0
    assert len(list((tmp_path / "folder").iterdir())) == 1


def test_a_folder_behind_a_link_is_written_and_the_link_stays(elman_here, people, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    (tmp_path / "in").mkdir()
    people.rename(tmp_path / "in" / "sales.2024.csv")
    assert elman_here(*ANNOTATE, "in", "out", "--to", "jsonl").status == 0
    assert (tmp_path / "out").is_symlink() and [path.name for path in (tmp_path / "real").iterdir()] == [
        "sales.2024.jsonl"
    ]


def test_labels_of_a_model_are_escaped_in_the_summary(elman_here, people, tiny_artifact, tmp_path):
    from dataclasses import replace

    from elman.model.file import save_artifact
    from elman.text.vocabulary import Labels

    labels = Labels(("A\u202e", "B\u202e", "C\u202e"))
    save_artifact(replace(tiny_artifact, labels=labels), tmp_path / "model.safetensors")
    people.write_text("name\nabc\n", encoding="utf-8")
    done = elman_here(*ANNOTATE, people, "out.csv", "--model", "model.safetensors")
    assert done.status == 0 and "\\u202e" in done.err and "\u202e" not in done.err


def test_without_pyarrow_text_works_and_parquet_says_what_to_install(people, python_process):
    code = (
        "import sys; sys.modules['pyarrow'] = None; sys.argv[0] = 'elman'\n"
        "from elman.cli import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    print(ended.code)"
    )
    assert python_process(code, "annotate", people, people.with_name("a.jsonl")) == "0\n"
    assert python_process(code, "annotate", people, people.with_name("a.parquet")) == "2\n"
