"""Terminals for tests: a real one for a process, and one inside the process of the tests."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time

PATIENCE = 60  # seconds that a test waits for a process

# The process must react to Ctrl-C as on a terminal, however the tests were started.
COMMAND = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from elman.cli import main; main()"


class Conversation:
    """A process whose three streams are one terminal, and the other end of the terminal, for typing."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        self.terminal, end = pty.openpty()
        self.deadline = time.monotonic() + PATIENCE
        self.unread = b""  # what appeared together with what `read_until` returned
        command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
        environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200", **environment}
        self.process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=environment)
        os.close(end)

    def read(self) -> bytes:
        """Return the next output; nothing after the process has ended."""
        if self.unread:
            output, self.unread = self.unread, b""
            return output
        left = self.deadline - time.monotonic()
        assert select.select([self.terminal], [], [], max(0, left))[0], "nothing more appears"
        try:
            return os.read(self.terminal, 4096)
        except OSError:  # a terminal whose process has ended cannot be read
            return b""

    def read_until(self, wanted: bytes) -> bytes:
        """Return the output up to and including ``wanted``."""
        output = b""
        while wanted not in output and (more := self.read()):
            output += more
        before, found, self.unread = output.partition(wanted)
        assert found, output
        return before + found

    def type(self, text: bytes) -> None:
        os.write(self.terminal, text)

    def interrupt(self) -> None:
        """Interrupt until something appears. A signal just before Python waits for a line has no effect."""
        while not select.select([self.terminal], [], [], 0.5)[0]:
            assert time.monotonic() < self.deadline, "nothing appears"
            self.process.send_signal(signal.SIGINT)

    def end(self) -> tuple[bytes, int]:
        """Return the output until the process ends, and its exit status."""
        output = b"".join(iter(self.read, b""))
        return output, self.process.wait(PATIENCE)

    def close(self) -> None:
        """End the process, however far it is."""
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


class Screen(io.TextIOWrapper):
    """A stream that says that it is a terminal, and keeps what is written."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "utf-8", newline="")

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        """Return what was written."""
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode("utf-8")
