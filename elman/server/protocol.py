"""Protocol: limits on the head of a request, which the server itself leaves open.

Without them a client can send a request line or headers without an end, or none at all, and keep the memory and the
connection. The limits on bodies are in `elman.server.limits`.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 2**16
"""Bytes of a request line and its headers, after those that arrive together with the first one."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, with a limit for the size of the head of a request and for the time that it takes.

    Attributes:
        idle: seconds from the start of a connection or of a request until its head must be complete.
    """

    idle = 10.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_in_head, self._head_bytes = False, 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.idle, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the wait."""
        self._end_wait()
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

    def _end_wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def limit_protocol(idle: float) -> type[LimitedProtocol]:
    """Return the protocol with a limit for the seconds that the head of a request may take."""
    return type("Protocol", (LimitedProtocol,), {"idle": idle})
