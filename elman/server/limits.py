"""Limits: the size and duration of requests, and how many run at a time.

A request counts as running once its body has arrived, so that slow clients keep no other out. Until then it is limited
by its size, its pauses, its whole time, and by what all bodies that still arrive hold together.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elman.server.errors import ClientLeftError, RequestError
from elman.server.middleware import ANNOTATE_PATH, API_PREFIX, ESTIMATE_PATH, find_header
from elman.server.settings import Settings

RETRY_SECONDS = 1
"""When a client may try again after a 429."""

CHECKS = 4
"""How often a body is checked in the time that it may pause."""

SMALL_BODY = 2**16
"""Bytes of a body that do not count among what arriving bodies hold, so that small requests always arrive."""


Result = TypeVar("Result")


class InProgress:
    """The requests in progress: it ends those whose body pauses for too long, and all when the service stops.

    Args:
        idle: seconds that a body may pause; it is checked `CHECKS` times in that time.
    """

    def __init__(self, idle: float) -> None:
        self.bodies: set[_Body] = set()
        self._idle = idle
        self._loop: asyncio.AbstractEventLoop | None = None  # where the next check will run

    def add(self, body: "_Body") -> None:
        """Begin to check a request."""
        self.bodies.add(body)
        if self._loop is not body.loop:
            self._loop = body.loop
            self._loop.call_later(self._idle / CHECKS, self._check, self._loop)

    def hurry(self, seconds: float) -> None:
        """End each request after some seconds, if its time is not over before."""
        for body in self.bodies:
            body.hurry(seconds)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        for body in self.bodies:
            body.check_pause(self._idle)
        if self.bodies:
            loop.call_later(self._idle / CHECKS, self._check, loop)
        else:
            self._loop = None


class LimitsMiddleware:
    """Limit the size and duration of requests, and how many run at a time.

    Args:
        app: the next layer.
        settings: the limits.
        in_progress: gets the requests in progress.
    """

    def __init__(self, app: ASGIApp, settings: Settings, in_progress: InProgress) -> None:
        self.app, self.in_progress = app, in_progress
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
        limits = self.tables if scope["path"] in (ANNOTATE_PATH, ESTIMATE_PATH) else self.requests
        has_body = _check_headers(scope, limits)
        limits.check_free()
        body = _Body(receive, limits)
        try:
            async with asyncio.timeout(limits.seconds) as body.timer:
                self.in_progress.add(body)
                if not has_body:
                    body.run()
                await self.app(scope, body.receive, send)
        except TimeoutError:
            raise body.describe_timeout() from None
        finally:
            self.in_progress.bodies.discard(body)
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
    """

    __slots__ = (
        *("loop", "timer", "_receive", "_limits", "_waits_since", "_size", "_arriving", "_problem"),
        *("_is_complete", "_is_running"),
    )

    timer: asyncio.Timeout

    def __init__(self, receive: Receive, limits: _Limits) -> None:
        self.loop = asyncio.get_running_loop()
        self._receive, self._limits = receive, limits
        self._waits_since: float | None = None  # for a part of the body
        self._size, self._arriving = 0, 0
        self._is_complete, self._is_running = False, False
        self._problem: RequestError | None = None  # why the time ends early

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

    def hurry(self, seconds: float) -> None:
        """End the request after some seconds, if its time is not over before."""
        self._end_after(seconds, RequestError(503, "stopping", "the service is stopping", {"Connection": "close"}))

    def check_pause(self, idle: float) -> None:
        """End the request if it has waited for a part of its body for too long."""
        if self._waits_since is not None and self.loop.time() - self._waits_since >= idle:
            self._end_after(0, _slow(f"it paused for {idle:g} s"))

    async def receive(self) -> Message:
        """Return the next part of the body; after the last one, what the server reports."""
        if self._is_complete:
            return await self._receive()
        self._waits_since = self.loop.time()
        message = await self._receive()
        self._waits_since = None
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        self._size += len(message.get("body", b""))
        if self._size > self._limits.size:
            raise _too_large(self._limits.size)
        if message.get("more_body", False):
            self._hold(max(0, self._size - SMALL_BODY))
        else:
            self.run()
        return message

    def end(self) -> None:
        """Leave the place of the request to others."""
        self._hold(0)
        self._limits.running -= self._is_running

    def describe_timeout(self) -> RequestError:
        """Return the error for a request whose time is over."""
        if self._problem is not None:
            return self._problem
        if self._is_complete:
            message = f"the request took longer than {self._limits.seconds:g} s; send less at once"
            return RequestError(504, "timeout", message)
        return _slow(f"it did not arrive within {self._limits.seconds:g} s")

    def _end_after(self, seconds: float, problem: RequestError) -> None:
        end, until = self.loop.time() + seconds, self.timer.when()
        if not self.timer.expired() and (until is None or end < until):
            self._problem = problem
            self.timer.reschedule(end)

    def _hold(self, size: int) -> None:
        if not size == self._arriving == 0:
            self._limits.arriving += size - self._arriving
            self._arriving = size
            if size and self._limits.arriving > self._limits.most * self._limits.size:
                raise _busy()


def _check_headers(scope: Scope, limits: _Limits) -> bool:
    """Check what the headers say about the body, and return whether there is one."""
    length = find_header(scope, b"content-length")
    if length.isdigit() and int(length) > limits.size:
        raise _too_large(limits.size)
    if find_header(scope, b"content-encoding").strip().lower() not in (b"", b"identity"):
        message = "the body must not be compressed; send it without Content-Encoding"
        headers = {"Accept-Encoding": "identity", "Connection": "close"}
        raise RequestError(415, "unsupported_encoding", message, headers)
    return length not in (b"", b"0") or find_header(scope, b"transfer-encoding") != b""


def _slow(problem: str) -> RequestError:
    message = f"the body is too slow: {problem}; send it faster, or less at once"
    return RequestError(408, "slow_body", message, {"Connection": "close"})


def _busy() -> RequestError:
    message = f"the service is busy; try again in {RETRY_SECONDS} s"
    return RequestError(429, "busy", message, {"Retry-After": str(RETRY_SECONDS)})


def _too_large(size: int) -> RequestError:
    # The rest of the body stays unread, so the connection cannot be used again.
    message = f"the body may have at most {size} bytes; send less at once"
    return RequestError(413, "body_too_large", message, {"Connection": "close"})
