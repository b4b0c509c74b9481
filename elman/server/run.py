"""Run an app at an address until the process is told to stop."""

import gc
import logging
import math
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from elman.errors import SettingError
from elman.server.protocol import limit_protocol
from elman.server.settings import Settings

GC_THRESHOLDS = (50_000, 20, 50)
"""For `gc.set_threshold`: collect rarely, because requests leave almost no reference cycles."""

SWITCH_SECONDS = 0.0005
"""How long the scoring thread runs before the event loop gets its turn. With Python's default of 5 ms, the slowest of a
hundred responses took twice as long."""

SPARE_SECONDS = 5
"""Added to the time that a stopping service grants: how long the server waits before it cuts connections."""


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address.

    Args:
        host: the address, or a host name.
        port: the port; 0 takes a free one.

    Raises:
        SettingError: the address is in use, or it does not belong to this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so that a restart finds the address free
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except (OSError, UnicodeError) as error:
        problem = getattr(error, "strerror", None) or error
        raise SettingError(f"cannot listen at {host}, port {port}: {problem}; give another --host or --port") from None
    return bound


def listen(app: FastAPI, settings: Settings, bound: socket.socket) -> None:
    """Serve an app until SIGTERM or Ctrl-C; requests accepted by then still have some time for their response.

    Prints the address to standard output when ready. Only warnings and errors are logged, to standard error.

    Args:
        app: the app, from `elman.server.app.create_app`.
        settings: its limits.
        bound: the socket, from `bind_socket`.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    gc.freeze()  # modules and models stay in memory until the end
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        app,
        http=limit_protocol(settings.idle_seconds),
        log_config=None,
        access_log=False,  # it would contain addresses and query strings
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(settings.stop_seconds) + SPARE_SECONDS,
    )
    _Server(config, app.state.service.hurry).run(sockets=[bound])


class _Server(uvicorn.Server):
    """A server that prints its address, and that ends normally on a signal.

    Args:
        config: its configuration.
        hurry: is called when it begins to stop.
    """

    def __init__(self, config: uvicorn.Config, hurry: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._hurry = hurry

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hurry()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for one in sockets or []:
            host, port = one.getsockname()[:2]
            print(f"Elman listens at http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM. uvicorn's own version raises the signal again, so the exit looks like a crash."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
