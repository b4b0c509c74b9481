"""Options that several commands have are defined once."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from elman.cli import options
from elman.cli.options import check_picture, command_app
from elman.errors import SettingError

COMMANDS = Path(options.__file__).parent


def calls(function: str) -> list[tuple[str, ast.Call]]:
    """Return every call of a function in the command line, with the file it is in."""
    paths = sorted(COMMANDS.glob("*.py"))
    nodes = [(path.name, node) for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    return [(file, node) for file, node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == function]


def test_the_settings_of_commands_are_written_once():
    assert [file for file, _ in calls("typer.Typer")] == ["options.py"]


def test_no_help_text_is_written_twice():
    found = [*calls("typer.Option"), *calls("typer.Argument")]
    values = [word.value for _, call in found for word in call.keywords if word.arg == "help"]
    texts = Counter(value.value for value in values if isinstance(value, ast.Constant))
    assert len(texts) > 10
    assert [text for text, count in texts.items() if count > 1] == []


def test_further_settings_of_a_command_are_kept():
    app = command_app(help="One line.", no_args_is_help=True)
    assert (app.info.help, app.info.no_args_is_help) == ("One line.", True)
    assert app.info.context_settings == {"help_option_names": ["-h", "--help"]}


@pytest.mark.parametrize("name", ["a.png", "folder/a.PNG"])
def test_a_picture_is_a_png_file(name):
    assert check_picture(Path(name)) == Path(name)
    assert check_picture(None) is None


@pytest.mark.parametrize("name", ["a.jpg", "a", "png"])
def test_another_kind_of_picture_is_refused(name):
    with pytest.raises(SettingError, match=rf"^{name}: pictures are PNG files; give --plot a name ending in \.png$"):
        check_picture(Path(name))
