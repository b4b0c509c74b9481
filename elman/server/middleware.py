"""Middleware: plain ASGI layers around the routes, in the order in which a request passes them.

`HeadMiddleware`, `SecurityHeadersMiddleware` and `MetricsMiddleware` see every response; `HostMiddleware`,
`OriginMiddleware` and `KeyMiddleware` check who sends the request. `elman.server.limits` checks how much work it is.
"""

import hmac
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elman.server.bugs import describe_bug
from elman.server.errors import RequestError, log_bug
from elman.server.metrics import Metrics
from elman.server.settings import ANY

API_PREFIX, METRICS_PATH = "/v1/", "/metrics"
ANNOTATE_PATH, ESTIMATE_PATH = "/v1/annotate", "/v1/estimate"

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

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""Methods that any site may use: they change nothing, and browsers hide the response from other sites."""

_HEADERS = "elman.headers"
"""The key of a scope's headers as a dictionary, made once for each request."""

_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_NOT_STORED = [*_SECURITY, (b"cache-control", b"no-store")]
_REVALIDATED = [*_SECURITY, (b"cache-control", b"no-cache")]


class HeadMiddleware:
    """Answer HEAD as GET, without the body.

    Args:
        app: the next layer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as GET, and drop the body of its response."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self.app(scope, receive, send)

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, send_without_body)


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
            known = error if isinstance(error, RequestError) else log_bug(describe_bug(error))
            if status == 0:  # otherwise the response has begun, and the server notices that it is cut short
                await known.response()(scope, receive, send_and_note)
        finally:
            self.metrics.in_flight -= 1
            path = str(scope["path"])
            route: str = getattr(scope.get("route"), "path", path if path in self.paths else "other")
            self.metrics.count_request(route, status, time.perf_counter() - start)


class HostMiddleware:
    """Reject requests under unknown host names: another site's host name may point at this machine.

    Args:
        app: the next layer.
        hosts: the allowed names, without ports.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app, self.hosts, self.any = app, frozenset(host.encode() for host in hosts), ANY in hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its host is allowed.

        Raises:
            RequestError: it is not.
        """
        if scope["type"] == "http" and not self.any and not self._allows(find_header(scope, b"host")):
            message = "this host name is not allowed; start the service with --allowed-host and the name"
            raise RequestError(400, "host_not_allowed", message)
        await self.app(scope, receive, send)

    def _allows(self, host: bytes) -> bool:
        host = host.lower()
        name, _, port = host.rpartition(b":")
        return host in self.hosts or (port.isdigit() and name in self.hosts)


class OriginMiddleware:
    """Reject requests that a browser sends for a page of another site, unless that site is allowed.

    Only browsers send ``Sec-Fetch-Site`` and ``Origin``, and no page can change them. The first one decides if a
    browser sends it, because a proxy may change the host that the second one is compared with.

    Args:
        app: the next layer.
        origins: other sites whose pages may send requests.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self.app, self.origins, self.any = app, frozenset(origin.encode() for origin in origins), ANY in origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it is not sent for a page of another site.

        Raises:
            RequestError: it is.
        """
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and self._is_foreign(scope):
            message = "pages of other sites may not send this; start the service with --cors-origin and the site"
            raise RequestError(403, "cross_site", message, {"Connection": "close"})
        await self.app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        origin, site = find_header(scope, b"origin"), find_header(scope, b"sec-fetch-site")
        if self.any or origin in self.origins:
            return False
        if site:
            return site not in (b"same-origin", b"none")
        return origin != b"" and origin.partition(b"://")[2].lower() != find_header(scope, b"host").lower()


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
            scheme, _, bearer = find_header(scope, b"authorization").partition(b" ")
            key = bearer.strip() if scheme.lower() == b"bearer" else find_header(scope, b"x-api-key")
            if not hmac.compare_digest(key, self.key):
                code = "wrong_key" if key else "missing_key"
                message = "send the service's API key as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"
                raise RequestError(401, code, message, {"WWW-Authenticate": "Bearer"})
        await self.app(scope, receive, send)


class DirectMiddleware:
    """Answer POST to some paths without the router. It is the last of the layers.

    Args:
        app: the next layer.
        routes: the functions that answer, by their path.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[str, Callable[[Request], Awaitable[Response]]]) -> None:
        self.app, self.routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        answer = self.routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if answer is None:
            return await self.app(scope, receive, send)
        response = await answer(Request(scope, receive))
        await response(scope, receive, send)


def _is_protected(path: str) -> bool:
    """Return whether responses at a path contain names, or numbers about the service's use."""
    return path.startswith(API_PREFIX) or path == METRICS_PATH


def find_header(scope: Scope, wanted: bytes) -> bytes:
    """Return the value of a header, the first one of that name; empty if missing."""
    headers = scope.get(_HEADERS)
    if headers is None:
        headers = scope[_HEADERS] = dict(reversed(scope["headers"]))
    value: bytes = headers.get(wanted, b"")
    return value
