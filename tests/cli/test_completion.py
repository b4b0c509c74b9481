"""Completion in shells: commands, options, and the names of models and data sets."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from terminal import PATIENCE

from elman.cli import COMMANDS
from elman.data.catalog import CATALOG

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(elman_here, monkeypatch) -> Complete:
    """Return what a line can become in bash, whose last word is incomplete."""

    def run(line: str) -> list[str]:
        monkeypatch.setenv("_ELMAN_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
        outcome = elman_here()
        assert (outcome.status, outcome.err) == (0, "")
        return outcome.out.split()

    return run


def test_commands_are_completed(complete):
    assert complete("elman ") == list(COMMANDS)
    assert complete("elman pre") == ["predict"]
    assert complete("elman data ") == ["list", "show", "fetch"]
    assert complete("elman help mod") == ["models"]


def test_options_are_completed(complete):
    assert {"--model", "--top", "--json", "--help"} <= set(complete("elman predict --"))
    assert complete("elman train people.csv --hidden") == ["--hidden-size"]
    assert complete("elman annotate a.csv b.csv --on-error ") == ["stop", "skip"]
    assert "--version" in complete("elman --")


@pytest.mark.parametrize("line", ["predict --model lang", "predict -m lang", "explain Ann -m lang", "models show lang"])
def test_models_are_completed(complete, line):
    assert complete(f"elman {line}") == ["languages"]


def test_data_sets_are_completed(complete):
    assert complete("elman train h") == ["hello"]
    assert complete("elman data show mn") == ["mnist"]
    assert complete("elman data fetch ") == list(CATALOG)


def test_no_file_is_in_the_way_of_the_shell_completing_files(complete):
    assert complete("elman predict --model runs/") == []
    assert complete("elman annotate peo") == []


def test_commands_are_completed_without_importing_them(python_process):
    code = (
        "import os, sys; sys.argv = ['elman']; from elman.cli import main\n"
        "os.environ.update(_ELMAN_COMPLETE='complete_bash', COMP_WORDS='elman ', COMP_CWORD='1')\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'numpy', 'torch', 'elman.cli.train'} & sys.modules.keys()))"
    )
    assert python_process(code).endswith("system\n[]\n")


def test_the_exit_status_tells_fish_whether_there_is_anything_to_complete(elman_here, monkeypatch):
    monkeypatch.setenv("_ELMAN_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "is-args")
    for line, status in (("elman pre", 0), ("elman predict Ann", 1)):
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        assert elman_here().status == status


@pytest.mark.parametrize("command", [["elman"], [sys.executable, "-m", "elman"]], ids=["script", "module"])
def test_the_script_for_a_shell_is_for_the_command_elman(command, tmp_path):
    program = command[0] if len(command) > 1 else str(tmp_path / "elman")
    if len(command) == 1:
        (tmp_path / "elman").write_text(f"#!{sys.executable}\nfrom elman.cli import main\nmain()\n")
        (tmp_path / "elman").chmod(0o755)
    script = subprocess.run(
        ["bash", "-c", '"$@" --show-completion', "bash", program, *command[1:]],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout
    assert "_ELMAN_COMPLETE=complete_bash" in script and "-F _elman_completion elman" in script


def test_bash_completes_with_the_installed_script(tmp_path):
    (tmp_path / "elman").write_text(f"#!{sys.executable}\nfrom elman.cli import main\nmain()\n")
    (tmp_path / "elman").chmod(0o755)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    script = (
        "elman --install-completion > installed && source .bash_completions/elman.sh\n"
        "COMP_WORDS=(elman predict --mo) COMP_CWORD=2; _elman_completion elman; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.stdout, done.stderr) == ("--model\n", "")
    assert "completion installed in" in (tmp_path / "installed").read_text()
