"""Workers: processes that share the scoring of long columns.

Python lets one thread of a process run at a time, and threads that ask for it in turn wait for each other. Processes do
not. Each takes a moment to start, so they pay for columns of very many strings, and stay for the next ones. They are
handed arrays and JSON through pipes: nothing that is sent can run, nothing is written to disk, and they end with the
process that started them.
"""

import json
import math
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from queue import SimpleQueue
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from elman.config import ModelConfig
from elman.errors import WorkerError
from elman.sequences import EncodedStrings

SHARE = 65_536
"""Strings that a worker is handed at a time, at most."""

Arrays = Sequence[NDArray[Any]]


class Workers:
    """Processes that each hold a copy of one model.

    Args:
        config: the shape of the network.
        tensors: its weights by name.
        count: how many processes, at least 1.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], count: int) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-c", "from elman.scorer import serve; serve()"]
        self.count = count
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            for _ in range(count)
        ]
        self._end = weakref.finalize(self, _end, processes)
        for process in processes:
            _send(process.stdin, {"config": asdict(config), "names": list(tensors)}, list(tensors.values()))
            self._idle.put(process)

    def logits(self, strings: EncodedStrings, order: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the logits of strings, (N, C); see `SharingScorer.logits`.

        Args:
            strings: N of them.
            order: in which strings with a common beginning stand together, (N,).
        """
        shares = self._shares(strings, order, {"top": 0})
        logits = np.empty((len(strings), shares[0][1][0].shape[1]), np.float32)
        for rows, (of_rows,) in shares:
            logits[rows] = of_rows
        return logits

    def best(
        self, strings: EncodedStrings, order: NDArray[np.int64], *, top: int, temperature: float
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the most likely answers; see `elman.scorer.Scorer.best`, and `logits` for the order."""
        shares = self._shares(strings, order, {"top": top, "temperature": temperature})
        labels = np.empty((len(strings), shares[0][1][0].shape[1]), np.int32)
        chances = np.empty(labels.shape)
        for rows, (of_rows, chances_of_rows) in shares:
            labels[rows], chances[rows] = of_rows, chances_of_rows
        return labels, chances

    @property
    def closed(self) -> bool:
        """Whether the processes have ended."""
        return not self._end.alive

    def close(self) -> None:
        """End the processes."""
        self._end()

    def _shares(
        self, strings: EncodedStrings, order: NDArray[np.int64], asked: Mapping[str, Any]
    ) -> list[tuple[NDArray[np.int64], Arrays]]:
        """Hand out the strings in shares of neighbours, and return what came back for the rows of each."""
        rounds = -(-len(order) // (self.count * SHARE))
        shares = np.array_split(order, max(1, min(self.count * rounds, len(order))))

        def ask(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], Arrays]:
            process, chosen = self._idle.get(), strings.chosen(rows)
            try:
                _send(process.stdin, asked, [chosen.ids, chosen.lengths])
                said, answer = _receive(process.stdout)
            except (OSError, EOFError, ValueError):
                raise WorkerError(
                    "a worker process ended before it had answered; try again, or without processes"
                ) from None
            finally:
                self._idle.put(process)
            if "error" in said:
                raise WorkerError(f"a worker process failed: {said['error']}")
            return rows, answer

        with ThreadPoolExecutor(self.count) as pool:
            try:
                return list(pool.map(ask, shares))
            except BaseException:
                self.close()  # one may be gone, or in the middle of a share that nobody waits for
                raise


def serve_with(build: Callable[[ModelConfig, Mapping[str, NDArray[Any]]], Any]) -> None:
    """Read a model from standard input, then answer what is asked, until the input ends.

    Args:
        build: makes a `elman.scorer.Scorer` of a config and tensors.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks; its end ends this one
    source, out = sys.stdin.buffer, sys.stdout.buffer
    said, arrays = _receive(source)
    scorer = build(ModelConfig.from_dict(said["config"]), dict(zip(said["names"], arrays, strict=True)))
    while True:
        try:
            asked, (ids, lengths) = _receive(source)
        except EOFError:
            return
        strings = EncodedStrings(ids, lengths)
        try:
            if asked["top"]:
                answer: Arrays = scorer.best(strings, top=asked["top"], temperature=asked["temperature"], threads=1)
            else:
                answer = [scorer.logits(strings, threads=1)]
        except Exception as error:
            _send(out, {"error": f"{type(error).__name__}: {error}"}, [])
        else:
            _send(out, {}, answer)


def _send(stream: IO[bytes] | None, said: Mapping[str, Any], arrays: Arrays) -> None:
    """Write one line of JSON, which describes the arrays, and then their bytes."""
    assert stream is not None
    described = [(array.dtype.str, array.shape) for array in arrays]
    stream.write(json.dumps({**said, "arrays": described}).encode() + b"\n")
    for array in arrays:
        stream.write(array.tobytes())
    stream.flush()


def _receive(stream: IO[bytes] | None) -> tuple[dict[str, Any], list[NDArray[Any]]]:
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
