"""Guards: what stands between the network and the answers. Plain ASGI, in the order in which a request meets them.

`SafeHeaders` and `Record` see every answer; `HostGuard` and `KeyGuard` say who may ask; `WorkGuard` says how much.
"""

import asyncio
import hmac
import logging
import time
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elman.server.errors import Refusal
from elman.server.metrics import Counters
from elman.server.settings import ANY, Settings

API, METRICS, TABLES = "/v1/", "/metrics", "/v1/annotate"
"""Where questions are asked, where the counters are read, and where tables go."""

SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""What every answer carries: a browser runs, loads and frames nothing but this service's own files."""

RETRY_SECONDS = 1
"""After which a refused caller may try again."""

log = logging.getLogger("elman.server")

_SAFE = [(name.lower().encode(), value.encode()) for name, value in SAFE_HEADERS.items()]
_NEVER_STORED = [*_SAFE, (b"cache-control", b"no-store")]
_ASKED_AGAIN = [*_SAFE, (b"cache-control", b"no-cache")]
_PACKAGE = Path(__file__).parents[1]


class SafeHeaders:
    """Adds `SAFE_HEADERS` to every answer, and keeps answers about names out of caches.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with these headers added."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        added = _NEVER_STORED if _is_closed(scope["path"]) else _ASKED_AGAIN

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, send_safely)


class Record:
    """Counts and times every answer, and turns what goes wrong into one that gives nothing away.

    Args:
        app: what answers.
        counters: where it is counted.
        paths: the routes without parameters; what is refused before its route is found is counted by these too.
    """

    def __init__(self, app: ASGIApp, counters: Counters, paths: Collection[str]) -> None:
        self.app, self.counters, self.paths = app, counters, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever happens."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun, status = time.perf_counter(), 0

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.counters.in_flight += 1
        try:
            await self.app(scope, receive, send_and_see)
        except Exception as error:
            refusal = error if isinstance(error, Refusal) else _internal(error)
            if status == 0:  # else the answer has begun, and the server sees that it is cut short
                await refusal.response()(scope, receive, send_and_see)
        finally:
            self.counters.in_flight -= 1
            path = str(scope["path"])
            route: str = getattr(scope.get("route"), "path", path if path in self.paths else "other")
            self.counters.count_request(route, status, time.perf_counter() - begun)


def _internal(error: Exception) -> Refusal:
    """Log that Elman itself failed, by the kind of error and its place alone: its message may quote what was sent."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _PACKAGE in Path(frame.filename).parents]
    last = frames[-1] if frames else None
    place = "a library" if last is None else f"{Path(last.filename).relative_to(_PACKAGE.parent)}, line {last.lineno}"
    log.error("%s in %s", type(error).__name__, place)
    return Refusal(500, "internal", "this request failed inside Elman; the log of the service says where")


class HostGuard:
    """Refuses calls by another host's name: a page from elsewhere may have pointed its own name at this machine.

    Args:
        app: what answers.
        hosts: the names that are allowed, without ports.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app, self.hosts = app, frozenset(host.encode() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse.

        Raises:
            Refusal: the host is not allowed.
        """
        if scope["type"] == "http" and ANY.encode() not in self.hosts and not self._allows(_header(scope, b"host")):
            message = "the service may not be called by this host name; start it with --allowed-host and the name"
            raise Refusal(400, "host_not_allowed", message)
        await self.app(scope, receive, send)

    def _allows(self, host: bytes) -> bool:
        host = host.lower()
        name, _, port = host.rpartition(b":")
        return host in self.hosts or (port.isdigit() and name in self.hosts)


class KeyGuard:
    """Refuses calls without the key, where there is one. The page and the state of the service are open to all.

    Args:
        app: what answers.
        key: the key; None: anyone may ask.
    """

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self.app, self.key = app, None if key is None else key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse.

        Raises:
            Refusal: no key came with the call, or another.
        """
        if self.key is not None and scope["type"] == "http" and _is_closed(scope["path"]):
            kind, _, bearer = _header(scope, b"authorization").partition(b" ")
            given = bearer.strip() if kind.lower() == b"bearer" else _header(scope, b"x-api-key")
            if not hmac.compare_digest(given, self.key):
                code = "wrong_key" if given else "missing_key"
                message = "send the key of the service as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"
                raise Refusal(401, code, message, {"WWW-Authenticate": "Bearer"})
        await self.app(scope, receive, send)


class WorkGuard:
    """Bounds what a request may send and how long it may take, and how many are worked on at a time.

    Args:
        app: what answers.
        settings: the bounds.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.requests = _Bound(settings.requests, settings.seconds, settings.json_bytes)
        self.tables = _Bound(settings.uploads, settings.upload_seconds, settings.upload_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse.

        Raises:
            Refusal: there is too much to do already, the body is too large, or time is up.
        """
        if scope["type"] != "http" or not scope["path"].startswith(API):
            return await self.app(scope, receive, send)
        bound = self.tables if scope["path"] == TABLES else self.requests
        announced = _header(scope, b"content-length")
        if announced.isdigit() and int(announced) > bound.size:
            raise _too_large(bound.size)
        if bound.working >= bound.most:
            message = f"the service works on as much as it may; try again in {RETRY_SECONDS} s"
            raise Refusal(429, "busy", message, {"Retry-After": str(RETRY_SECONDS)})
        bound.working += 1
        try:
            async with asyncio.timeout(bound.seconds):
                await self.app(scope, _bounded(receive, bound.size), send)
        except TimeoutError:
            raise Refusal(504, "timeout", f"not done within {bound.seconds:g} s; send less at once") from None
        finally:
            bound.working -= 1


class _Bound:
    """The bounds of one kind of request, and how many of it are worked on."""

    def __init__(self, most: int, seconds: float, size: int) -> None:
        self.most, self.seconds, self.size, self.working = most, seconds, size, 0


def _bounded(receive: Receive, size: int) -> Receive:
    """Return a way to receive a body that stops where it is larger than allowed, whatever was announced."""
    received = 0

    async def receive_some() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > size:
            raise _too_large(size)
        return message

    return receive_some


def _too_large(size: int) -> Refusal:
    # What is left of the body is not read, so the connection is of no further use.
    return Refusal(413, "body_too_large", f"a body may hold {size} bytes; send less at once", {"Connection": "close"})


def _is_closed(path: str) -> bool:
    """Return whether a path is about names, or tells of those who asked."""
    return path.startswith(API) or path == METRICS


def _header(scope: Scope, wanted: bytes) -> bytes:
    """Return the value of a header; nothing where it is missing."""
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return b""
