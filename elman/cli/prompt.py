"""The prompt of ``elman predict`` on a terminal: type a name, read the answer."""

import io
import sys
from collections.abc import Callable
from contextlib import suppress

from elman.checks import count_of, shown, whole
from elman.cli.answers import print_table
from elman.cli.names import decode_text
from elman.errors import ElmanError
from elman.prediction.loading import AnyModel
from elman.records import Prediction

AnswerAll = Callable[[list[str]], list[Prediction]]

ENDINGS, HELP = ("quit", "exit"), ("help", "?")


def run_prompt(predictor: AnyModel, answer: AnswerAll) -> None:
    """Answer each typed line until ``quit`` or the end of input. Ctrl-C only discards the line, as in a shell."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    _edit_lines()
    wanted = predictor.artifact.kind.prompt
    answers = (
        f"{count_of(len(predictor.labels), 'label')}"
        if predictor.artifact.kind.answers == "label"
        else predictor.artifact.kind.answers
    )
    print(f"{shown(predictor.name)}: {answers}. Type {wanted}; help explains, quit or Ctrl-D ends.")
    is_open = True
    while is_open:
        try:
            is_open = _answer_line(answer, input("name> ").strip(), wanted)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("\nquit or Ctrl-D ends")


def _edit_lines() -> None:
    """Let arrow keys edit a typed line and recall earlier ones, which no file keeps."""
    with suppress(ImportError):  # some systems do not have it
        import readline

        readline.parse_and_bind("set enable-bracketed-paste off")  # each pasted line is a name of its own


def _answer_line(answer: AnswerAll, line: str, wanted: str) -> bool:
    """Answer one line, and return whether to continue."""
    word = line.lower()
    if word in ENDINGS:
        return False
    if word in HELP:
        print(
            f"Type {wanted} and press Enter. Arrow keys edit the line and recall earlier ones; Ctrl-C discards it.\n"
            "quit, exit or Ctrl-D ends. To ask for a name that is one of these words: elman predict Quit"
        )
    elif line:
        try:
            name = decode_text(line, "this line")
            print_table(answer([name]))
        except ElmanError as error:  # a mistyped path or row does not end the prompt
            print(whole(" ".join(str(error).split())))
    return True
