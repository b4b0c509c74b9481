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
        "pronounce",
        "generate",
        "score",
        "explain",
        "annotate",
        "estimate",
        "train",
        "evaluate",
        "compare",
        "data",
        "models",
        "export",
        "serve",
        "system",
    }
    assert {path for path in COMMANDS if len(path) == 2} == {
        ("data", "list"),
        ("data", "show"),
        ("data", "fetch"),
        ("models", "list"),
        ("models", "show"),
        ("models", "push"),
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


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_of_options_has_no_brackets_that_a_terminal_would_take_for_markup(path):
    texts = {parameter.name: getattr(parameter, "help", None) or "" for parameter in COMMANDS[path].params}
    assert {name: text for name, text in texts.items() if "[" in text} == {}


def test_the_version_is_printed(elman_here):
    outcome = elman_here("--version")
    assert (outcome.status, outcome.out) == (0, f"elman {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("predit", "Ann"), "No such command 'predit'; did you mean 'predict'?"),
        (("PREDICT",), "No such command 'PREDICT'; did you mean 'predict'?"),
        (("anotate", "a.csv"), "No such command 'anotate'; did you mean 'annotate'?"),
        (("model",), "No such command 'model'; did you mean 'models'?"),
        (("data", "lst"), "No such command 'lst'; did you mean 'list'?"),
        (("models", "shw"), "No such command 'shw'; did you mean 'show'?"),
        (("Nakamura",), "No such command 'Nakamura'; to ask about a name, use `elman predict Nakamura`."),
        (("O'Neil",), """use `elman predict 'O'"'"'Neil'`."""),
        (("data", "Nakamura"), "No such command 'Nakamura'. See `elman data --help`."),
        (("predict", "--tp", "2"), "No such option '--tp'; did you mean '--top'? See `elman predict --help`."),
        (("predict", "--abstain_below", "0"), "did you mean '--abstain-below'?"),
        (("train", "a.csv", "--epoch", "2"), "did you mean '--epochs'?"),
        (("predict", "--sideways"), "No such option '--sideways'. See"),
        (("predict", "-z"), "No such option '-z'. See"),
        (("--versoin",), "did you mean '--version'?"),
        (("predict", "--model", "langages", "Ann"), "did you mean 'languages'?"),
        (("models", "show", "Languages"), "did you mean 'languages'?"),
        (("data", "fetch", "mnits"), "did you mean 'mnist'?"),
        (("data", "show", "helo"), "did you mean 'hello'?"),
        (("train", "langages"), "did you mean 'languages'?"),
        (("explain", "Ann", "--model", "languages", "--label", "japanese"), "did you mean 'Japanese'?"),
    ],
)
def test_what_was_probably_meant_is_suggested(elman_here, arguments, meant):
    assert meant in error_line(elman_here(*arguments))


def test_help_before_a_command_is_its_help(elman_here):
    assert elman_here("help").out == elman_here("--help").out
    assert elman_here("help", "predict").out == elman_here("predict", "--help").out
    assert elman_here("help", "data", "show").out == elman_here("data", "show", "--help").out
    assert elman_here("data", "help").out == elman_here("data", "--help").out
    assert "did you mean 'predict'?" in error_line(elman_here("help", "predit"))


def test_help_after_predict_is_a_name(elman_here, model_file):
    assert elman_here("predict", "-m", model_file, "help").out.startswith("help\t")


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
def test_only_elman_itself_offers_completion(elman_here, path):
    assert ("--install-completion" in elman_here(*path, "--help").out) == (path == ())


def test_a_message_is_one_line_that_a_terminal_may_show_and_is_not_endless(elman_here):
    line = error_line(elman_here("models", "show", "a\n\x1b[31m" + "b" * 10_000))
    assert line.startswith("elman: no model 'a") and r"\x1b[31m" in line and len(line) < 2100


@pytest.mark.parametrize(("module", "package"), [("torch", "torch"), ("sklearn", "scikit-learn")])
def test_a_missing_package_gets_one_line(python_process, tmp_path, toy_folder, module, package):
    code = (
        "import sys; sys.modules[sys.argv.pop()] = None; sys.stderr = sys.stdout\n"
        "from elman.cli import main\n"
        "try: main()\n"
        "except SystemExit as ended: print(ended.code)"
    )
    output = python_process(code, "train", toy_folder, "--epochs", 1, "--out", tmp_path / "run", module)
    assert output.startswith(f"elman: this command needs the package {package}: pip install 'elman[train]'")
    assert (output.count("\n"), output[-3:]) == (2, "\n2\n")
    assert ("download.pytorch.org/whl/cpu" in output) == (module == "torch")
