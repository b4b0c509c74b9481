"""Pool: worker processes that read uploaded tables, so that no table slows or ends the service itself."""

import json
import os
import shutil
import subprocess
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import IO

from elman.errors import WorkerError
from elman.model.file import Artifact, dump_artifact
from elman.prediction.pool import start_process
from elman.server.jobs import CHUNK, Job, Reply

PATIENCE = 5
"""Seconds that a process may take to end."""


class Worker:
    """One worker process. A single thread calls its methods at a time, except `kill`.

    Args:
        process: it, just started.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process, self._models = process, set[str]()
        self.is_usable = True

    def run(self, job: Job, artifact: Artifact, table: IO[bytes]) -> Reply:
        """Do a job with a table; `read` returns its result afterwards.

        Args:
            job: what to do, without the sizes.
            artifact: the model.
            table: the table, at its start.

        Raises:
            WorkerError: the process has ended.
        """
        content = b"" if job.model in self._models else dump_artifact(artifact)
        size = table.seek(0, os.SEEK_END)
        table.seek(0)
        job = replace(job, model_bytes=len(content), table_bytes=size)
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        try:
            stdin.write(json.dumps(vars(job)).encode() + b"\n" + content)
            shutil.copyfileobj(table, stdin, CHUNK)
            stdin.flush()
            reply = Reply(**json.loads(stdout.readline()))
        except (OSError, ValueError):  # a pipe is closed, or it ended before the reply
            self.is_usable = False
            raise WorkerError(f"a worker process ended, status {self.process.wait(PATIENCE)}") from None
        self._models.add(job.model)
        self.is_usable = not reply.is_last
        return reply

    def read(self, size: int) -> bytes:
        """Return the next bytes of the result.

        Raises:
            WorkerError: the process has ended.
        """
        assert self.process.stdout is not None
        content = self.process.stdout.read(size)
        if len(content) < size:
            self.is_usable = False
            raise WorkerError("a worker process ended before all of its result was read")
        return content

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        self.is_usable = False
        self.process.kill()


class WorkerPool:
    """Worker processes for any number of tables at a time. They start as they are needed, and stay for later tables."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, _end, self._processes)

    def take(self) -> Worker:
        """Return a worker that nothing else uses; start one if needed."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            process = start_process("elman.server.worker", stderr=subprocess.DEVNULL)
            self._processes.append(process)
        return Worker(process)

    def give_back(self, worker: Worker) -> None:
        """Keep a worker for the next table, unless it has ended or must end; wait for its end then."""
        with self._lock:
            if worker.is_usable and self._finalizer.alive:
                self._idle.append(worker)
                return
            self._processes.remove(worker.process)
        _end([worker.process])

    def close(self) -> None:
        """End all processes at once. Tables in work get an error."""
        with self._lock:
            idle, self._idle = self._idle, []
            for process in self._processes:
                process.kill()
        for worker in idle:
            worker.kill()
            self.give_back(worker)


def _end(processes: "Sequence[subprocess.Popen[bytes]]") -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # the process has ended with unread input
                stream.close()  # type: ignore[union-attr]
