"""Protocol: limits on the head of a request and on the reading of a response, which the server itself leaves open.

Without them a client can send a request line or headers without an end, or none at all, or never read a response, and
keep the memory and the connection. The limits on bodies are in `elman.server.limits`.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 2**16
"""Bytes of a request line and its headers, after those that arrive together with the first one."""


READ_BYTES = 2**14
"""Bytes of a response that a client must read in the time in which a request may pause."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, with limits for the head of a request and for a client that does not read.

    Attributes:
        idle: seconds from the start of a connection or of a request until its head must be complete, and in which a
            client must read some of a response.
    """

    idle = 10.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_in_head, self._head_bytes = False, 0
        self._timer: asyncio.TimerHandle | None = None
        self._reading_timer: asyncio.TimerHandle | None = None
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.idle, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the waits."""
        self._end_wait()
        if self._reading_timer is not None:
            self._reading_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request, and close the connection if its head is too long or does not end in time."""
        was_in_head = self._is_in_head
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not (self._is_in_head or self.cycle is None or self.cycle.response_complete):  # a request is in progress
            return self._end_wait()
        self._head_bytes += len(data) if was_in_head else 0
        if self._head_bytes > HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")
        elif self._timer is None:
            self._timer = self.loop.call_later(self.idle, self.transport.close)

    def on_message_begin(self) -> None:
        """Begin the head of a request."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """End the head of a request."""
        self._is_in_head = False
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Begin to watch whether the client reads: much is written that it has not read yet."""
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        """End to watch: the client has read nearly all."""
        super().resume_writing()
        if self._reading_timer is not None:
            self._reading_timer.cancel()

    def _watch_reading(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._reading_timer = self.loop.call_later(self.idle, self._check_reading)

    def _check_reading(self) -> None:
        if self._unread - self.transport.get_write_buffer_size() < READ_BYTES:
            self.transport.abort()
        else:
            self._watch_reading()

    def _end_wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def limit_protocol(idle: float) -> type[LimitedProtocol]:
    """Return the protocol with a limit for the seconds that the head of a request may take."""
    return type("Protocol", (LimitedProtocol,), {"idle": idle})
