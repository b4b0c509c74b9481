"""The command line: one thin file for each command, the same answers as Python.

Commands import what they need when they run, not when this file is imported: `elman predict` must answer fast, and must
not need the packages of training.
"""

import errno
import re
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from elman.checks import shown, suggest
from elman.cli.names import check_arguments
from elman.cli.options import CommandGroup, command_app
from elman.cli.process import explain_os_error, prepare_process, silence
from elman.errors import ElmanError
from elman.extras import missing
from elman.scoring.processor import choose_routines
from elman.version import __version__

COMMANDS = (
    "predict",
    "pronounce",
    "explain",
    "annotate",
    "estimate",
    "generate",
    "score",
    "train",
    "evaluate",
    "compare",
    "data",
    "models",
    "export",
    "serve",
    "system",
)

LONGEST_MESSAGE = 2000
"""Most characters of an error message."""

_SINGLE_NEWLINE = re.compile(r"(?<!\n)\n[ ]*(?!\n)")


class _Commands(CommandGroup):
    """The commands. Each is imported only when it is used, so that `predict` does not wait for the others."""

    _names_only = False

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return what an incomplete word can become; no command is imported to describe it."""
        self._names_only = True
        return super().shell_complete(ctx, incomplete)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if self._names_only:
            return TyperCommand(cmd_name)
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
    add_completion=True,
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
    closed = prepare_process()
    choose_routines()  # before numpy is imported, which reads this choice only once
    try:
        check_arguments(sys.argv[1:])
        status = app(standalone_mode=False, prog_name="elman")
        sys.stdout.flush()
    except ElmanError as error:
        status = _complain(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("elman"):
            raise
        status = _complain(str(missing(error.name or "", "train", purpose="this command")))
    except (KeyboardInterrupt, typer.Abort):
        status = _complain("interrupted", 130)
    except BrokenPipeError:
        status = _end_quietly()
    except SystemExit as ended:  # Typer ends so after completion, and if the reader of the output has closed it
        is_closed = isinstance(ended.__context__, OSError) and ended.__context__.errno == errno.EPIPE
        status = _end_quietly() if is_closed else ended.code
    except OSError as error:
        status = _complain(explain_os_error(error, closed))
        silence(1)
    except Exception as error:
        if not hasattr(error, "format_message"):  # not an error of Typer
            raise
        status = _complain_of_usage(error)
    sys.exit(status if isinstance(status, int) else 0)


def _end_quietly() -> int:
    """End with success after the reader of the output has closed it."""
    silence(1)
    return 0


def _complain(message: str, status: int = 2) -> int:
    """Print an error in one line that a terminal may show, and return the exit status."""
    try:
        print(f"elman: {shown(' '.join(message.split()), LONGEST_MESSAGE)}", file=sys.stderr)
    except OSError:
        silence(2)
    return status


def _complain_of_usage(error: Any) -> int:
    """Print what is wrong with the arguments, as Typer says it."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if not message:
        return 2
    if hasattr(error, "possibilities") and hasattr(error, "option_name"):
        name = error.option_name
        message = f"No such option '{shown(name)}'{suggest(name, error.possibilities or ()) or '.'}"
    command = context.command_path if context is not None else "elman"
    return _complain(f"{message} See `{command} --help`.")
