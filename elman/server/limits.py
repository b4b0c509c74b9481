"""Limits: the size and duration of requests, and how many run at a time.

A request counts as running once its body has arrived, so that slow clients keep no other out. Until then it is limited
by its size, its pauses, its whole time, and by what all bodies that still arrive hold together.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elman.server.errors import ClientLeftError, RequestError
from elman.server.middleware import ANNOTATE_PATH, API_PREFIX, find_header
from elman.server.settings import Settings

RETRY_SECONDS = 1
"""When a client may try again after a 429."""

SMALL_BODY = 2**16
"""Bytes of a body that do not count among what arriving bodies hold, so that small requests always arrive."""


Result = TypeVar("Result")


class InProgress:
    """The requests in progress, so that a service that stops need not wait long for any of them."""

    def __init__(self) -> None:
        self.bodies: set[_Body] = set()

    def hurry(self, seconds: float) -> None:
        """End each request after some seconds, if its time is not over before."""
        for body in self.bodies:
            body.hurry(seconds)


class LimitsMiddleware:
    """Limit the size and duration of requests, and how many run at a time.

    Args:
        app: the next layer.
        settings: the limits.
        in_progress: gets the requests in progress.
    """

    def __init__(self, app: ASGIApp, settings: Settings, in_progress: InProgress) -> None:
        self.app, self.idle, self.in_progress = app, settings.idle_seconds, in_progress
        self.requests = _Limits(settings.requests, settings.seconds, settings.json_bytes)
        self.tables = _Limits(settings.uploads, settings.upload_seconds, settings.upload_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within its limits.

        Raises:
            RequestError: too many requests are running, the body is too large, too slow or compressed, or the time is
                over.
        """
        if scope["type"] != "http" or not scope["path"].startswith(API_PREFIX):
            return await self.app(scope, receive, send)
        limits = self.tables if scope["path"] == ANNOTATE_PATH else self.requests
        _check_headers(scope, limits)
        limits.check_free()
        body = _Body(receive, limits, self.idle)
        self.in_progress.bodies.add(body)
        try:
            async with asyncio.timeout(min(self.idle, limits.seconds)) as body.timer:
                if not _has_body(scope):
                    body.run()
                await self.app(scope, body.receive, send)
        except TimeoutError:
            raise body.describe_timeout() from None
        finally:
            self.in_progress.bodies.remove(body)
            body.end()


async def run_while_connected(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of some work; cancel it if the client leaves first.

    Args:
        receive: of the request, whose body has been read.
        work: it ends soon after it is cancelled.

    Raises:
        ClientLeftError: the client has left.
    """
    running, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_wait_until_left(receive))
    try:
        await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise ClientLeftError
        return running.result()
    finally:
        leaving.cancel()
        if not running.done():
            running.cancel()
            await asyncio.wait({running})


async def _wait_until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Limits:
    """The limits of one kind of request, how many of them are running, and the bytes of bodies that still arrive."""

    def __init__(self, most: int, seconds: float, size: int) -> None:
        self.most, self.seconds, self.size = most, seconds, size
        self.running, self.arriving = 0, 0

    def check_free(self) -> None:
        """Raise an error if no more requests may run."""
        if self.running >= self.most:
            raise _busy()


class _Body:
    """One request: its body is read within the limits, and it takes one of the places when that is complete.

    Args:
        receive: of the server.
        limits: of this kind of request.
        idle: seconds that the body may pause.
    """

    __slots__ = (
        *("timer", "_receive", "_limits", "_idle", "_loop", "_deadline", "_parts", "_size", "_arriving"),
        *("_is_complete", "_is_running", "_is_hurried"),
    )

    timer: asyncio.Timeout

    def __init__(self, receive: Receive, limits: _Limits, idle: float) -> None:
        self._receive, self._limits, self._idle = receive, limits, idle
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + limits.seconds
        self._parts, self._size, self._arriving = 0, 0, 0
        self._is_complete, self._is_running, self._is_hurried = False, False, False

    def run(self) -> None:
        """Take one of the places: the body is complete or missing.

        Raises:
            RequestError: no place is free.
        """
        self._is_complete = True
        self._hold(0)
        self._limits.check_free()
        self._limits.running += 1
        self._is_running = True
        self.timer.reschedule(self._deadline)

    def hurry(self, seconds: float) -> None:
        """End the request after some seconds, if its time is not over before."""
        self._deadline, self._is_hurried = min(self._deadline, self._loop.time() + seconds), True
        if not self.timer.expired():
            self.timer.reschedule(min(self._deadline, self.timer.when() or self._deadline))

    async def receive(self) -> Message:
        """Return the next part of the body; after the last one, what the server reports."""
        if self._is_complete:
            return await self._receive()
        if self._parts:  # otherwise the time of the first pause runs already
            self.timer.reschedule(min(self._deadline, self._loop.time() + self._idle))
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        self._parts += 1
        self._size += len(message.get("body", b""))
        if self._size > self._limits.size:
            raise _too_large(self._limits.size)
        if message.get("more_body", False):
            self._hold(max(0, self._size - SMALL_BODY))
            self.timer.reschedule(self._deadline)  # the time until the next part is needed is no pause
        else:
            self.run()
        return message

    def end(self) -> None:
        """Leave the place of the request to others."""
        self._hold(0)
        self._limits.running -= self._is_running

    def describe_timeout(self) -> RequestError:
        """Return the error for a request whose time is over."""
        if self._is_hurried:
            return RequestError(503, "stopping", "the service is stopping", {"Connection": "close"})
        if self._is_complete:
            message = f"the request took longer than {self._limits.seconds:g} s; send less at once"
            return RequestError(504, "timeout", message)
        message = (
            f"the body did not arrive within {self._limits.seconds:g} s, or it paused for {self._idle:g} s; send it "
            "faster, or less at once"
        )
        return RequestError(408, "slow_body", message, {"Connection": "close"})

    def _hold(self, size: int) -> None:
        if not size == self._arriving == 0:
            self._limits.arriving += size - self._arriving
            self._arriving = size
            if size and self._limits.arriving > self._limits.most * self._limits.size:
                raise _busy()


def _check_headers(scope: Scope, limits: _Limits) -> None:
    length = find_header(scope, b"content-length")
    if length.isdigit() and int(length) > limits.size:
        raise _too_large(limits.size)
    if find_header(scope, b"content-encoding").strip().lower() not in (b"", b"identity"):
        message = "the body must not be compressed; send it without Content-Encoding"
        headers = {"Accept-Encoding": "identity", "Connection": "close"}
        raise RequestError(415, "unsupported_encoding", message, headers)


def _has_body(scope: Scope) -> bool:
    return any(
        (name == b"content-length" and value != b"0") or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )


def _busy() -> RequestError:
    message = f"the service is busy; try again in {RETRY_SECONDS} s"
    return RequestError(429, "busy", message, {"Retry-After": str(RETRY_SECONDS)})


def _too_large(size: int) -> RequestError:
    # The rest of the body stays unread, so the connection cannot be used again.
    message = f"the body may have at most {size} bytes; send less at once"
    return RequestError(413, "body_too_large", message, {"Connection": "close"})
