"""A worker process of an `elman.prediction.pool.Pool`. Run as ``python -m elman.prediction.worker``."""

import signal
import sys
from contextlib import suppress

from elman.errors import ElmanError
from elman.model.file import parse_artifact
from elman.prediction.pool import receive, send, unpack_names
from elman.prediction.predictor import Predictor


def serve() -> None:
    """Read a model from standard input, then answer each request until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent process; its end ends this one
    source, out = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):  # the parent process has ended
        _, (content,) = receive(source)
        predictor = Predictor(parse_artifact(content.tobytes(), "the model of a worker"))
        while True:
            settings, packed = receive(source)
            try:
                columns = predictor.predict_columns(unpack_names(packed), threads=1, **settings)
            except Exception as error:  # the message of an unexpected error may quote a name
                message = str(error) if isinstance(error, ElmanError) else type(error).__name__
                send(out, {"error": message}, [])
            else:
                send(out, {"reasons": columns.reasons}, (columns.best, columns.probabilities, columns.reason_ids))


if __name__ == "__main__":
    serve()
