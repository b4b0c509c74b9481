"""Closed and broken standard streams, and strange environments: an answer or one line, and no traceback."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import PATIENCE

CLOSED = "elman: standard {} is closed, and this command needs it\n"


@pytest.fixture
def shell(model_file: Path, tmp_path: Path):
    """Run ``elman`` with the redirections of a shell; {model} in the arguments is a model file."""
    (tmp_path / "people.csv").write_text("name,label\nabc,Alfa\nxyz,Gamma\n")

    def run(arguments: str, redirections: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        arguments = arguments.format(model=shlex.quote(str(model_file)))
        script = f"{shlex.quote(sys.executable)} -m elman {arguments} {redirections}"
        return subprocess.run(
            ["sh", "-c", script],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    "arguments",
    ["predict -m {model} abc", "predict -m {model} --json abc", "explain -m {model} abc", "models list", "data list"]
    + ["data show people.csv", "system", "--help", "--version", "evaluate {model} people.csv --json"]
    + ["annotate people.csv - -m {model}"],
)
def test_a_command_that_needs_the_closed_output_says_so(shell, arguments):
    done = shell(arguments, ">&-")
    assert done.returncode == 2
    assert done.stderr.endswith(CLOSED.format("output")) and "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", ["predict -m {model}", "predict -m {model} --json", "annotate - - -m {model}"])
def test_a_command_that_needs_the_closed_input_says_so(shell, arguments):
    done = shell(arguments, "<&-")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", CLOSED.format("input"))


def test_a_command_that_does_not_need_a_closed_stream_does_its_work(shell, tmp_path):
    for redirections in ("<&-", "<&- 2>&-"):
        done = shell("predict -m {model} abc", redirections)
        assert (done.returncode, done.stdout.split("\t")[:2], done.stderr) == (0, ["abc", "Alfa"], "")
    done = shell("annotate people.csv out.csv -m {model}", "<&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out.csv").read_text().startswith("name,label,elman_label")


def test_an_error_is_not_written_elsewhere_if_the_standard_error_is_closed(shell):
    for redirections in ("2>&-", "2>/dev/full"):
        done = shell("predict --tp 3", redirections)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize("buffering", ["", "1"])
@pytest.mark.parametrize("arguments", ["predict -m {model} abc", "predict -m {model} --json abc", "data list"])
def test_a_full_disk_gets_one_line(shell, arguments, buffering):
    done = shell(arguments, "> /dev/full", PYTHONUNBUFFERED=buffering)
    assert (done.returncode, done.stderr) == (2, "elman: standard output or a file: No space left on device\n")


@pytest.mark.parametrize(
    "environment",
    [
        {name: value}
        for name in ("COLUMNS", "LINES", "TERMINAL_WIDTH")
        for value in ("0", "1", "-3", "abc", "²", "9" * 30)
    ]
    + [{"TERM": "dumb"}, {"TERM": "no-such-terminal"}, {"TERM": ""}],
    ids=str,
)
def test_a_strange_terminal_changes_nothing(elman_here, model_file, monkeypatch, environment):
    monkeypatch.setenv("COLUMNS", "80")
    whole = elman_here("explain", "-m", model_file, "abc").out
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    outcome = elman_here("explain", "-m", model_file, "abc")
    assert (outcome.status, outcome.err) == (0, "")
    assert max(map(len, outcome.out.splitlines())) <= max(map(len, whole.splitlines()))
    assert elman_here("predict", "--help").status == 0


def test_an_unknown_back_end_of_matplotlib_does_not_matter(shell, tmp_path):
    done = shell("explain -m {model} abc --plot drawn.png", MPLBACKEND="no-such-thing")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")


def test_a_locale_without_an_encoding_reads_arguments_and_input_as_utf8(shell):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for environment in ({"LC_ALL": "C"}, ascii_only):
        done = shell("predict -m {model} --json abcé", **environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert '"unknown": []' in done.stdout
    done = shell("predict -m {model} abc вода", **ascii_only)
    assert done.stdout.startswith("abc\tAlfa") and "\n\\u0432\\u043e\\u0434\\u0430\t" in done.stdout
