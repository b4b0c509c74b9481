"""Every command has help, one line for bad input, and an exit status."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from elman.cli import app
from elman.version import __version__


def error_line(outcome) -> str:
    """Return the one line that bad input gets."""
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("elman: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


def commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from commands(command.get_command(None, name), *path, name)


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_the_commands_are_exactly_these():
    assert {path[0] for path in COMMANDS if path} == {
        "predict",
        "explain",
        "annotate",
        "train",
        "evaluate",
        "compare",
        "data",
        "models",
        "serve",
        "system",
    }
    assert {path for path in COMMANDS if len(path) == 2} == {
        ("data", "list"),
        ("data", "show"),
        ("data", "fetch"),
        ("models", "list"),
        ("models", "show"),
        ("models", "shrink"),
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help(elman_here, path):
    for option in ("--help", "-h"):
        outcome = elman_here(*path, option)
        assert (outcome.status, outcome.err) == (0, "")
        assert re.search("Usage: .*" + " ".join(("elman", *path)), outcome.out)
    assert COMMANDS[path].help


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_has_help(path):
    bare = [parameter.name for parameter in COMMANDS[path].params if not getattr(parameter, "help", None)]
    assert bare == []


def test_the_version_is_printed(elman_here):
    outcome = elman_here("--version")
    assert (outcome.status, outcome.out) == (0, f"elman {__version__}\n")


def test_an_unknown_command_gets_one_line(elman_here):
    assert "forecast" in error_line(elman_here("forecast"))


def test_elman_without_a_command_prints_the_help(elman_here):
    outcome = elman_here()
    assert re.search(r"Usage: .*elman \[OPTIONS\] COMMAND", outcome.out)
    assert "predict" in outcome.out
    assert outcome.err == ""


def test_help_needs_no_torch(python_process):
    code = (
        "import sys; sys.argv = ['elman', 'train', '--help']; from elman.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'torch', 'sklearn', 'matplotlib'} & sys.modules.keys()))"
    )
    assert python_process(code).endswith("\n[]\n")


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_command_offers_to_change_the_shell(elman_here, path):
    assert "completion" not in elman_here(*path, "--help").out


@pytest.mark.parametrize(("module", "package"), [("torch", "torch"), ("sklearn", "scikit-learn")])
def test_a_missing_package_gets_one_line(python_process, tmp_path, toy_folder, module, package):
    code = (
        "import sys; sys.modules[sys.argv.pop()] = None; sys.stderr = sys.stdout\n"
        "from elman.cli import main\n"
        "try: main()\n"
        "except SystemExit as ended: print(ended.code)"
    )
    output = python_process(code, "train", toy_folder, "--epochs", 1, "--out", tmp_path / "run", module)
    assert output == f"elman: this command needs the package {package}: pip install 'elman[train]'\n2\n"
