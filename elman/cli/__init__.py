"""The command line: one thin file for each command, the same answers as Python.

Commands import their rooms when they run, not when this file is read: `elman predict` must answer in a blink and must
not need what training needs.
"""

import os
import re
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from elman.errors import ElmanError, MissingExtraError
from elman.scoring.processor import choose_routines
from elman.version import __version__

COMMANDS = ("predict", "explain", "annotate", "train", "evaluate", "compare", "data", "models", "serve", "system")


_SINGLE_NEWLINE = re.compile(r"(?<!\n)\n[ ]*(?!\n)")


class _Commands(TyperGroup):
    """The commands, each read from its own file when it is asked for: `predict` need not pay for the others."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"elman.cli.{cmd_name}").app)
        command.name = cmd_name
        for each in (command, *getattr(command, "commands", {}).values()):
            each.help = _SINGLE_NEWLINE.sub(" ", each.help or "") or None  # else help breaks lines where docstrings do
        return command


app = typer.Typer(
    name="elman",
    cls=_Commands,
    epilog="Start with: elman predict Nakamura",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"elman {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Small recurrent networks for short sequences. Ask where a name comes from, or train on your own labels."""


def main() -> None:
    """Run the command line: one clear line on standard error for bad input, and a status that tells.

    Exits with 0 where all went well, 2 for bad input or usage, 130 when interrupted.
    """
    # A file name or an argument that is not text must not break the printing of the answer.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    choose_routines()  # before numpy is loaded, which asks once
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except ElmanError as error:
        status = _complain(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("elman"):
            raise
        extra = MissingExtraError(f"this command needs the package {error.name}: pip install 'elman[train]'")
        status = _complain(str(extra))
    except (KeyboardInterrupt, typer.Abort):
        print("elman: interrupted", file=sys.stderr)
        status = 130
    except (BrokenPipeError, SystemExit):
        # The reader has gone, in Python's words or in typer's; closing standard output must stay silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 0
    except OSError as error:
        status = _complain(f"{error.filename or 'a file'}: {error.strerror or error}")
    except Exception as error:
        usage = getattr(error, "format_message", None)
        if usage is None:
            raise
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "elman"
        status = _complain(f"{usage()} See `{command} --help`.") if usage() else 2
    sys.exit(status if isinstance(status, int) else 0)


def _complain(message: str) -> int:
    print(f"elman: {' '.join(message.split())}", file=sys.stderr)
    return 2
