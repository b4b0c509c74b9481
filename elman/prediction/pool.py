"""Pool: worker processes that share long columns of names.

Threads of one Python process wait for each other; processes do not. A worker process takes some tenths of a second to
start, and stays for the next column. It gets the model file's content, arrays and JSON through pipes: no code is sent,
nothing is written to disk, and it ends when the process that started it ends.
"""

import json
import math
import os
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import WorkerError
from elman.model.file import Artifact, dump_artifact
from elman.records import PredictionColumns

NO_NAME = -1
"""The length of a missing name."""


ENDED = "a worker process ended before it had answered; try again, or without processes"


Arrays = Sequence[NDArray[Any]]


class Pool:
    """Worker processes that each hold a copy of one model. Several threads may call its methods at a time.

    Args:
        artifact: the model.
        count: how many processes, at least 1.

    Raises:
        WorkerError: one of them did not start.
    """

    def __init__(self, artifact: Artifact, count: int) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "elman.prediction.worker"]
        self.count, self._artifact = count, artifact
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            for _ in range(count)
        ]
        self._end = weakref.finalize(self, _end, processes)
        content = np.frombuffer(dump_artifact(artifact), np.uint8)
        try:
            for process in processes:
                send(process.stdin, {}, [content])
                self._idle.put(process)
        except OSError:
            self.close()
            raise WorkerError(ENDED) from None

    def predict_columns(
        self, names: Sequence[str | None], *, top: int = 3, abstain_below: float = 0.0
    ) -> PredictionColumns:
        """Wait for an idle process and return its answer; see `elman.prediction.predictor.Predictor.predict_columns`.

        Raises:
            WorkerError: the process failed. If it ended, all of them are ended.
        """
        process = self._idle.get()
        try:
            send(process.stdin, {"top": top, "abstain_below": abstain_below}, pack_names(names))
            message, arrays = receive(process.stdout)
        except (OSError, EOFError, ValueError):
            self.close()
            raise WorkerError(ENDED) from None
        finally:
            self._idle.put(process)
        if "error" in message:
            raise WorkerError(f"a worker process failed: {message['error']}")
        best, probabilities, reason_ids = arrays
        labels, model = self._artifact.labels.names, self._artifact.name
        return PredictionColumns(labels, best, probabilities, reason_ids, tuple(message["reasons"]), model)

    @property
    def closed(self) -> bool:
        """Whether the processes have ended."""
        return not self._end.alive

    def close(self) -> None:
        """End the processes."""
        self._end()


def pack_names(names: Sequence[str | None]) -> list[NDArray[Any]]:
    """Pack names into two arrays.

    Returns:
        Their lengths in characters, (N,), int32, −1 for a missing name; and all of them joined as UTF-8, (bytes,),
        uint8.
    """
    lengths = np.fromiter((NO_NAME if name is None else len(name) for name in names), np.int32, len(names))
    joined = "".join([name for name in names if name is not None]).encode("utf-8", "surrogatepass")
    return [lengths, np.frombuffer(joined, np.uint8)]


def unpack_names(packed: Arrays) -> list[str | None]:
    """Return the names that `pack_names` packed.

    >>> unpack_names(pack_names(["Ada", None, ""]))
    ['Ada', None, '']
    """
    lengths, joined = packed
    text = joined.tobytes().decode("utf-8", "surrogatepass")
    ends = np.cumsum(np.maximum(lengths, 0)).tolist()
    return [
        None if length == NO_NAME else text[end - length : end]
        for length, end in zip(lengths.tolist(), ends, strict=True)
    ]


def send(stream: IO[bytes] | None, message: Mapping[str, Any], arrays: Arrays) -> None:
    """Write one line of JSON, the message with the type and shape of each array, and then the bytes of the arrays."""
    assert stream is not None
    layout = [(array.dtype.str, array.shape) for array in arrays]
    stream.write(json.dumps({**message, "arrays": layout}).encode() + b"\n")
    for array in arrays:
        stream.write(array.tobytes())
    stream.flush()


def receive(stream: IO[bytes] | None) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Read the message and the arrays that `send` wrote.

    Raises:
        EOFError: the stream has ended.
        ValueError: the stream ended within a message.
    """
    assert stream is not None
    line = stream.readline()
    if not line:
        raise EOFError
    message = json.loads(line)
    arrays = []
    for kind, shape in message.pop("arrays"):
        size = np.dtype(kind).itemsize * math.prod(shape)
        arrays.append(np.frombuffer(stream.read(size), kind).reshape(shape))
    return message, arrays


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # the process may have ended with unread input
                stream.close()  # type: ignore[union-attr]
    for process in processes:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
