"""Pool: worker processes that share long columns of names.

Threads of one Python process wait for each other; processes do not. A worker process takes some tenths of a second to
start, and stays for the next column. It gets the model file's content, arrays and JSON through pipes: no code is sent,
nothing is written to disk, and it ends when the process that started it ends. It never imports from the current folder.
"""

import json
import math
import os
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from elman.columns import TextColumn
from elman.errors import WorkerError
from elman.model.file import Artifact, dump_artifact
from elman.prediction.options import USUAL, AnswerOptions
from elman.records import PredictionColumns

NO_NAME = -1
"""The size of a missing name."""


ENDED = "a worker process ended before it had answered; try again, or without processes"


START = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent process; its end ends this one
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("elman", sys.argv[1])
sys.modules["elman"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["elman"])
import_module(sys.argv[2]).main()
"""
"""What a worker process runs: it gets this Elman, wherever that is, even in the current folder."""


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
        self.count, self._artifact = count, artifact
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._end = weakref.finalize(self, _end, self._processes)
        content = np.frombuffer(dump_artifact(artifact), np.uint8)
        try:
            for _ in range(count):
                self._processes.append(start_process("elman.prediction.worker"))
            for process in self._processes:
                send(process.stdin, {}, [content])
                self._idle.put(process)
        except OSError:
            self.close()
            raise WorkerError(ENDED) from None

    def predict_columns(self, names: Sequence[str | None], options: AnswerOptions = USUAL) -> PredictionColumns:
        """Wait for an idle process and return its answer; see `elman.prediction.predictor.Predictor.predict_columns`.

        After an error of any kind all processes are ended: a pipe may contain the rest of an answer.

        Raises:
            WorkerError: the process failed.
        """
        packed = pack_names(names)
        process = self._idle.get()
        try:
            send(process.stdin, options.to_dict(), packed)
            message, arrays = receive(process.stdout)
            if "error" in message:
                raise WorkerError(f"a worker process failed: {message['error']}")
            return PredictionColumns(
                labels=tuple(message["labels"]),
                reasons=tuple(message["reasons"]),
                model=self._artifact.name,
                levels=tuple(message["levels"]),
                **dict(zip(message["names"], arrays, strict=True)),
            )
        except BaseException as error:
            self._kill()
            if isinstance(error, OSError | EOFError | LookupError | ValueError):
                raise WorkerError(ENDED) from None
            raise
        finally:
            self._idle.put(process)  # another thread may wait for it; if it has ended, that thread fails too

    @property
    def closed(self) -> bool:
        """Whether the processes have ended."""
        return not self._end.alive

    def close(self) -> None:
        """End the processes, each after what it does now."""
        self._end()

    def _kill(self) -> None:
        """End the processes at once."""
        for process in self._processes:
            process.kill()
        self.close()


def start_process(module: str, *, stderr: int | None = None) -> "subprocess.Popen[bytes]":
    """Start a worker process that imports nothing from the current folder, and return it, with pipes to it and from it.

    Args:
        module: the process calls the function ``main`` of this module of Elman.
        stderr: a file descriptor for its standard error, or `subprocess.DEVNULL`; that of this process if None.

    Raises:
        OSError: it cannot be started.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(import_path()), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", START, str(Path(__file__).parents[1] / "__init__.py"), module]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment)


def import_path() -> list[str]:
    """Return the folders that a process may import from: those of this process, and never the current folder.

    A folder that PYTHONPATH names in full stays, whichever it is.
    """
    others = [path for path in sys.path if os.path.isabs(path) and not is_current_folder(path)]
    return list(dict.fromkeys([*find_full_paths(), *others]))


def find_full_paths() -> list[str]:
    """Return the folders that PYTHONPATH names in full; an empty or relative entry depends on the current folder."""
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(path)]


def is_current_folder(path: str) -> bool:
    """Return whether a path leads to the current folder."""
    try:
        return os.path.realpath(path) == os.path.realpath(os.curdir)
    except FileNotFoundError:  # the current folder has been removed
        return False


def pack_names(names: Sequence[str | None]) -> list[NDArray[Any]]:
    """Pack names into two arrays.

    Returns:
        Their sizes in bytes, (N,), int32, −1 for a missing name; and all of them joined as UTF-8, (bytes,), uint8.
    """
    column = TextColumn.pack(names)
    sizes = np.where(column.missing, NO_NAME, column.sizes).astype(np.int32)
    return [sizes, column.data[column.starts[0] : column.starts[-1]]]


def unpack_names(packed: Arrays) -> TextColumn:
    """Return the names that `pack_names` packed, without a Python string for each.

    >>> list(unpack_names(pack_names(["Ada", None, ""])))
    ['Ada', None, '']
    """
    sizes, data = packed
    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(np.maximum(sizes, 0), out=starts[1:])
    return TextColumn(data, starts, sizes == NO_NAME)


def send(stream: IO[bytes] | None, message: Mapping[str, Any], arrays: Arrays) -> None:
    """Write one line of JSON, the message with the type and shape of each array, and then the bytes of the arrays."""
    assert stream is not None
    layout = [(array.dtype.str, array.shape) for array in arrays]
    stream.write(json.dumps({**message, "arrays": layout}).encode() + b"\n")
    for array in arrays:
        stream.write(np.ascontiguousarray(array).data)
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
