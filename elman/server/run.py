"""Listening: an app at an address, until it is told to stop."""

import gc
import logging
import math
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from elman.errors import SettingError
from elman.server.settings import Settings

RARELY = (50_000, 20, 50)
"""When Python looks for garbage in circles, as `gc.set_threshold` takes it: requests leave next to none."""

TURN = 0.0005
"""Seconds after which the thread that scores lets the network's side go on, where both have work. At Python's own 5 ms
the slowest of a hundred answers took twice as long."""

SPARE_SECONDS = 5
"""Beyond the time that a request may take, for those that are cut short when the service stops."""


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that holds an address.

    Args:
        host: the address, or a name of it.
        port: 0 takes a free one.

    Raises:
        SettingError: the address is taken, or not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a service may start again at once
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except (OSError, UnicodeError) as error:
        problem = getattr(error, "strerror", None) or error
        raise SettingError(f"cannot listen at {host}, port {port}: {problem}; give another --host or --port") from None
    return bound


def listen(app: FastAPI, settings: Settings, bound: socket.socket) -> None:
    """Serve an app until SIGTERM or Ctrl-C; what has been accepted by then is still answered.

    Prints the address on standard output when it is ready. Nothing is logged but trouble, on standard error.

    Args:
        app: as `elman.server.app.create_app` returns it.
        settings: its limits.
        bound: where, as `bound_socket` returns it.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    gc.freeze()  # what is loaded stays
    gc.set_threshold(*RARELY)
    sys.setswitchinterval(TURN)
    longest = max(settings.seconds, settings.upload_seconds)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would hold addresses and query strings
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(longest) + SPARE_SECONDS,
    )
    _Server(config).run(sockets=[bound])


class _Server(uvicorn.Server):
    """A server that says where it listens, and for which being told to stop is no failure."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for one in sockets or []:
            host, port = one.getsockname()[:2]
            print(f"Elman listens at http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in peace when told to. uvicorn's own way ends the process by the same signal, as if it had failed."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
