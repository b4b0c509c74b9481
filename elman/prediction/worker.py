"""A worker process of an `elman.prediction.pool.Pool`, which starts it."""

import os
import sys
from contextlib import suppress
from typing import IO

from elman.errors import ElmanError
from elman.model.file import parse_artifact
from elman.prediction.options import AnswerOptions
from elman.prediction.pool import receive, send, unpack_names
from elman.prediction.predictor import Predictor
from elman.records import ARRAYS


def main() -> None:
    """Read a model from standard input, then answer each request until the input ends or an answer fails."""
    source, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    with suppress(OSError):  # standard error may be closed
        os.dup2(2, 1)  # what else is printed must not get between the answers
    status = 0
    try:
        with suppress(EOFError, BrokenPipeError):  # the parent process has ended
            _answer_all(source, out)
    except Exception:  # its message may quote a name
        status = 1
    os._exit(status)  # without sending the rest of an answer


def _answer_all(source: IO[bytes], out: IO[bytes]) -> None:
    _, (content,) = receive(source)
    predictor = Predictor(parse_artifact(content.tobytes(), "the model of a worker"))
    while True:
        settings, packed = receive(source)
        try:
            columns = predictor.answer_columns(unpack_names(packed), AnswerOptions(**settings), threads=1)
        except Exception as error:  # the message of an unexpected error may quote a name
            message = str(error) if isinstance(error, ElmanError) else type(error).__name__
            send(out, {"error": message}, [])
            return
        names = [name for name in ARRAYS if getattr(columns, name) is not None]
        words = {"labels": columns.labels, "reasons": columns.reasons, "levels": columns.levels, "names": names}
        send(out, words, [getattr(columns, name) for name in names])
