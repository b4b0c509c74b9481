"""The command line: one thin file for each command, the same answers as Python.

Commands import what they need when they run, not when this file is imported: `elman predict` must answer fast, and must
not need the packages of training.
"""

import os
import re
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from elman.cli.options import command_app
from elman.errors import ElmanError
from elman.extras import missing
from elman.scoring.processor import choose_routines
from elman.version import __version__

COMMANDS = ("predict", "explain", "annotate", "train", "evaluate", "compare", "data", "models", "serve", "system")

_SINGLE_NEWLINE = re.compile(r"(?<!\n)\n[ ]*(?!\n)")


class _Commands(TyperGroup):
    """The commands. Each is imported only when it is used, so that `predict` does not wait for the others."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"elman.cli.{cmd_name}").app)
        command.name = cmd_name
        for each in (command, *getattr(command, "commands", {}).values()):
            each.help = (
                _SINGLE_NEWLINE.sub(" ", each.help or "") or None
            )  # otherwise help has the docstrings' line breaks
        return command


app = command_app(
    name="elman",
    cls=_Commands,
    epilog="Start with: elman predict Nakamura",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
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
    """Small recurrent networks for short sequences. Predict where names come from, or train on your own labels."""


def main() -> None:
    """Run the command line. Bad input gives one line on standard error, and never a traceback.

    The exit status is 0 after success, 2 for bad input or usage, and 130 after an interrupt.
    """
    # File names and arguments may contain bytes that are not text; printing them must not fail.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    choose_routines()  # before numpy is imported, which reads this choice only once
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except ElmanError as error:
        status = _complain(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("elman"):
            raise
        status = _complain(str(missing(error.name or "", "train", purpose="this command")))
    except (KeyboardInterrupt, typer.Abort):
        print("elman: interrupted", file=sys.stderr)
        status = 130
    except (BrokenPipeError, SystemExit):
        # The reader of the output has closed it, which Python and typer report differently; exit silently.
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
