"""Workers: processes that share the answering of long columns.

Python lets one thread of a process run at a time, and threads that ask for it in turn wait for each other. Processes do
not. Each takes some tenths of a second to start, and stays for the next column. They are handed the model file's
content, arrays and JSON through pipes: nothing that is sent can run, nothing is written to disk, and they end with the
process that started them.
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

MISSING = -1
"""What stands for the length of a name that is not there."""


GONE = "a worker process ended before it had answered; try again, or without processes"


Arrays = Sequence[NDArray[Any]]


class Workers:
    """Processes that each hold a copy of one model. Their methods may be called from several threads at a time.

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
            raise WorkerError(GONE) from None

    def predict_columns(
        self, names: Sequence[str | None], *, top: int = 3, abstain_below: float = 0.0
    ) -> PredictionColumns:
        """Have one idle process answer, and wait for it; see `elman.prediction.predictor.Predictor.predict_columns`.

        Raises:
            WorkerError: the process failed; all of them are ended then.
        """
        process = self._idle.get()
        try:
            send(process.stdin, {"top": top, "abstain_below": abstain_below}, pack_names(names))
            said, arrays = receive(process.stdout)
        except (OSError, EOFError, ValueError):
            self.close()
            raise WorkerError(GONE) from None
        finally:
            self._idle.put(process)
        if "error" in said:
            raise WorkerError(f"a worker process failed: {said['error']}")
        best, probabilities, reason_ids = arrays
        labels, model = self._artifact.labels.names, self._artifact.name
        return PredictionColumns(labels, best, probabilities, reason_ids, tuple(said["reasons"]), model)

    @property
    def closed(self) -> bool:
        """Whether the processes have ended."""
        return not self._end.alive

    def close(self) -> None:
        """End the processes."""
        self._end()


def pack_names(names: Sequence[str | None]) -> list[NDArray[Any]]:
    """Return names as their lengths in characters, (N,), int32, and the bytes of all of them, joined."""
    lengths = np.fromiter((MISSING if name is None else len(name) for name in names), np.int32, len(names))
    joined = "".join([name for name in names if name is not None]).encode("utf-8", "surrogatepass")
    return [lengths, np.frombuffer(joined, np.uint8)]


def unpack_names(packed: Arrays) -> list[str | None]:
    lengths, joined = packed
    text = joined.tobytes().decode("utf-8", "surrogatepass")
    ends = np.cumsum(np.maximum(lengths, 0)).tolist()
    return [
        None if length == MISSING else text[end - length : end]
        for length, end in zip(lengths.tolist(), ends, strict=True)
    ]


def send(stream: IO[bytes] | None, said: Mapping[str, Any], arrays: Arrays) -> None:
    """Write one line of JSON, which describes the arrays, and then their bytes."""
    assert stream is not None
    described = [(array.dtype.str, array.shape) for array in arrays]
    stream.write(json.dumps({**said, "arrays": described}).encode() + b"\n")
    for array in arrays:
        stream.write(array.tobytes())
    stream.flush()


def receive(stream: IO[bytes] | None) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    assert stream is not None
    line = stream.readline()
    if not line:
        raise EOFError
    said = json.loads(line)
    arrays = []
    for kind, shape in said.pop("arrays"):
        size = np.dtype(kind).itemsize * math.prod(shape)
        arrays.append(np.frombuffer(stream.read(size), kind).reshape(shape))
    return said, arrays


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # a process that is gone takes nothing any more
                stream.close()  # type: ignore[union-attr]
    for process in processes:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
