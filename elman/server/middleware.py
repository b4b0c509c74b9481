"""Middleware: plain ASGI layers around the routes, in the order in which a request passes them.

`SecurityHeadersMiddleware` and `MetricsMiddleware` see every response; `HostMiddleware` and `KeyMiddleware` check who
sends the request; `LimitsMiddleware` checks how much work it is.
"""

import asyncio
import hmac
import logging
import time
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elman.server.errors import RequestError
from elman.server.metrics import Metrics
from elman.server.settings import ANY, Settings

API_PREFIX, METRICS_PATH, ANNOTATE_PATH = "/v1/", "/metrics", "/v1/annotate"

SECURITY_HEADERS = {
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
"""Headers of every response: a browser runs, loads and frames only this service's own files."""

RETRY_SECONDS = 1
"""When a client may try again after a 429."""

log = logging.getLogger("elman.server")

_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_NOT_STORED = [*_SECURITY, (b"cache-control", b"no-store")]
_REVALIDATED = [*_SECURITY, (b"cache-control", b"no-cache")]
_PACKAGE = Path(__file__).parents[1]


class SecurityHeadersMiddleware:
    """Add `SECURITY_HEADERS` to every response, and keep responses with names out of caches.

    Args:
        app: the next layer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers to its response."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        extra = _NOT_STORED if _is_protected(scope["path"]) else _REVALIDATED

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class MetricsMiddleware:
    """Count and time every response, and turn exceptions into error responses that quote nothing.

    Args:
        app: the next layer.
        metrics: where responses are counted.
        paths: the paths of routes without parameters. They label requests that fail before the router has run.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str]) -> None:
        self.app, self.metrics, self.paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and send a response even if that fails."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        start, status = time.perf_counter(), 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.metrics.in_flight += 1
        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            known = error if isinstance(error, RequestError) else _log_internal(error)
            if status == 0:  # otherwise the response has begun, and the server notices that it is cut short
                await known.response()(scope, receive, send_and_note)
        finally:
            self.metrics.in_flight -= 1
            path = str(scope["path"])
            route: str = getattr(scope.get("route"), "path", path if path in self.paths else "other")
            self.metrics.count_request(route, status, time.perf_counter() - start)


def _log_internal(error: Exception) -> RequestError:
    """Log a bug by its type and place only, because its message may quote the request; return the error to send."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _PACKAGE in Path(frame.filename).parents]
    last = frames[-1] if frames else None
    place = "a library" if last is None else f"{Path(last.filename).relative_to(_PACKAGE.parent)}, line {last.lineno}"
    log.error("%s in %s", type(error).__name__, place)
    return RequestError(500, "internal", "the request failed because of a bug in Elman; the service's log says where")


class HostMiddleware:
    """Reject requests under unknown host names: another site's host name may point at this machine.

    Args:
        app: the next layer.
        hosts: the allowed names, without ports.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app, self.hosts = app, frozenset(host.encode() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its host is allowed.

        Raises:
            RequestError: it is not.
        """
        if scope["type"] == "http" and ANY.encode() not in self.hosts and not self._allows(_header(scope, b"host")):
            message = "this host name is not allowed; start the service with --allowed-host and the name"
            raise RequestError(400, "host_not_allowed", message)
        await self.app(scope, receive, send)

    def _allows(self, host: bytes) -> bool:
        host = host.lower()
        name, _, port = host.rpartition(b":")
        return host in self.hosts or (port.isdigit() and name in self.hosts)


class KeyMiddleware:
    """Reject requests without the API key, if there is one. The page and the health checks need no key.

    Args:
        app: the next layer.
        key: the key; no key is needed if None.
    """

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self.app, self.key = app, None if key is None else key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it has the key or needs none.

        Raises:
            RequestError: the key is missing or wrong.
        """
        if self.key is not None and scope["type"] == "http" and _is_protected(scope["path"]):
            scheme, _, bearer = _header(scope, b"authorization").partition(b" ")
            key = bearer.strip() if scheme.lower() == b"bearer" else _header(scope, b"x-api-key")
            if not hmac.compare_digest(key, self.key):
                code = "wrong_key" if key else "missing_key"
                message = "send the service's API key as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"
                raise RequestError(401, code, message, {"WWW-Authenticate": "Bearer"})
        await self.app(scope, receive, send)


class LimitsMiddleware:
    """Limit the size and duration of requests, and how many run at a time.

    Args:
        app: the next layer.
        settings: the limits.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.requests = _Limits(settings.requests, settings.seconds, settings.json_bytes)
        self.tables = _Limits(settings.uploads, settings.upload_seconds, settings.upload_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within its limits.

        Raises:
            RequestError: too many requests are running, the body is too large, or the time is over.
        """
        if scope["type"] != "http" or not scope["path"].startswith(API_PREFIX):
            return await self.app(scope, receive, send)
        limits = self.tables if scope["path"] == ANNOTATE_PATH else self.requests
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > limits.size:
            raise _too_large(limits.size)
        if limits.running >= limits.most:
            message = f"the service is busy; try again in {RETRY_SECONDS} s"
            raise RequestError(429, "busy", message, {"Retry-After": str(RETRY_SECONDS)})
        limits.running += 1
        try:
            async with asyncio.timeout(limits.seconds):
                await self.app(scope, _limit_body(receive, limits.size), send)
        except TimeoutError:
            message = f"the request took longer than {limits.seconds:g} s; send less at once"
            raise RequestError(504, "timeout", message) from None
        finally:
            limits.running -= 1


class _Limits:
    """The limits of one kind of request, and how many of them are running."""

    def __init__(self, most: int, seconds: float, size: int) -> None:
        self.most, self.seconds, self.size, self.running = most, seconds, size, 0


def _limit_body(receive: Receive, size: int) -> Receive:
    """Return a version of ``receive`` that raises once the body is too large, whatever its Content-Length."""
    total = 0

    async def receive_within_limit() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > size:
            raise _too_large(size)
        return message

    return receive_within_limit


def _too_large(size: int) -> RequestError:
    # The rest of the body stays unread, so the connection cannot be used again.
    message = f"the body may have at most {size} bytes; send less at once"
    return RequestError(413, "body_too_large", message, {"Connection": "close"})


def _is_protected(path: str) -> bool:
    """Return whether responses at a path contain names, or numbers about the service's use."""
    return path.startswith(API_PREFIX) or path == METRICS_PATH


def _header(scope: Scope, wanted: bytes) -> bytes:
    """Return the value of a header; empty if missing."""
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return b""
