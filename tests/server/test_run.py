"""A socket is bound to an address of this machine, and an app runs there until a signal stops it."""

import asyncio
import signal
import socket

import pytest
import uvicorn

from elman.errors import SettingError
from elman.server.run import _Server, bind_socket


def test_port_0_takes_a_free_port():
    with bind_socket("127.0.0.1", 0) as bound:
        host, port = bound.getsockname()
    assert (host, port > 0) == ("127.0.0.1", True)


def test_a_host_name_is_looked_up():
    with bind_socket("localhost", 0) as bound:
        assert bound.getsockname()[0] in ("127.0.0.1", "::1")


def test_an_address_in_use_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingError, match=f"port {port}.*in use; give another --host or --port"):
            bind_socket("127.0.0.1", port)


@pytest.mark.parametrize("host", ["256.1.1.1", "no-such-host.invalid", "192.0.2.1", "\ud800", "a" * 300])
def test_an_address_of_another_machine_is_an_error(host):
    with pytest.raises(SettingError, match="cannot listen at"):
        bind_socket(host, 0)


async def answer_nothing(scope, receive, send):
    raise AssertionError("no request is sent")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_server_and_its_handler_is_restored(number):
    server = _Server(uvicorn.Config(answer_nothing, log_config=None))
    before = signal.getsignal(number)
    with server.capture_signals():
        signal.raise_signal(number)
    assert server.should_exit
    assert signal.getsignal(number) is before


def test_the_server_prints_its_address(capsys):
    async def start_and_stop(bound: socket.socket) -> None:
        server = _Server(uvicorn.Config(answer_nothing, log_config=None, lifespan="off", ws="none"))
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[bound])
        await server.shutdown(sockets=[bound])

    with bind_socket("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        asyncio.run(start_and_stop(bound))
    assert capsys.readouterr().out == f"Elman listens at http://127.0.0.1:{port}\n"
