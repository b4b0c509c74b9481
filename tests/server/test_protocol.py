"""A client that sends no request, or one whose head has no end, does not keep its connection."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
import uvicorn

from elman.server.protocol import HEAD_BYTES, limit_protocol
from elman.server.run import _Server, bind_socket

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
IDLE = 0.2  # seconds

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]


LARGE = 8 * 2**20  # bytes, more than the buffers of a connection hold


async def answer_slowly(scope, receive, send):
    if scope["path"] == "/large":
        length = str(LARGE).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        return await send({"type": "http.response.body", "body": b"x" * LARGE})
    await asyncio.sleep(2 * IDLE)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def connect(client: Client) -> bytes:
    """Run a server, and return what a client returns."""

    async def run(bound) -> bytes:
        options = {"log_config": None, "lifespan": "off", "ws": "none", "timeout_keep_alive": 60}
        server = _Server(uvicorn.Config(answer_slowly, http=limit_protocol(IDLE), **options))
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[bound])
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        try:
            return await asyncio.wait_for(client(reader, writer), 60)
        finally:
            writer.close()
            await server.shutdown(sockets=[bound])

    with bind_socket("127.0.0.1", 0) as bound:
        return asyncio.run(run(bound))


@pytest.mark.parametrize("start", [b"", b"\r\n", b"GET", REQUEST[:-2]], ids=repr)
def test_a_request_that_does_not_come_closes_the_connection(start):
    async def wait(reader, writer):
        writer.write(start)
        return await reader.read()

    started = time.monotonic()
    assert connect(wait) == b""
    assert time.monotonic() - started >= IDLE


def test_a_head_that_arrives_in_pieces_does_not_reset_the_time():
    async def send_slowly(reader, writer):
        for piece in range(1000):
            writer.write(b"X: y\r\n" if piece else REQUEST[:-2])
            await asyncio.sleep(IDLE / 10)
            if reader.at_eof() or reader.exception() is not None:  # closed, or reset while a piece was on its way
                return b"closed"
        return b""

    assert connect(send_slowly) == b"closed"


def test_a_head_without_end_is_an_error():
    async def send_much(reader, writer):
        writer.write(REQUEST[:-2])
        await writer.drain()
        try:
            while not reader.at_eof():
                writer.write(b"X-More: %b\r\n" % (b"y" * HEAD_BYTES))
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        return b"closed"

    assert connect(send_much) == b"closed"


def test_requests_may_take_longer_and_connections_may_pause():
    async def send_some(reader, writer):
        answers = b""
        for pause in (0, IDLE / 2, 2 * IDLE):
            await asyncio.sleep(pause)
            writer.write(REQUEST[:5])
            await asyncio.sleep(IDLE / 4)
            writer.write(REQUEST[5:])
            answers += (await reader.readuntil(b"\r\n\r\n"))[:15] + await reader.readexactly(2)
        return answers

    assert connect(send_some) == b"HTTP/1.1 200 OKok" * 3


async def read_large(reader, writer, first: float, pause: float) -> int:
    """Ask for much, wait, read a part after each pause, and return how many bytes arrive."""
    writer.write(REQUEST.replace(b"/", b"/large", 1))
    await reader.readuntil(b"\r\n\r\n")
    count = 0
    await asyncio.sleep(first)
    try:
        while count < LARGE:
            await asyncio.sleep(pause)
            part = await reader.readexactly(min(2**18, LARGE - count))
            count += len(part)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    return count


@pytest.mark.parametrize(
    ("first", "pause", "is_complete"), [(5 * IDLE, 0, False), (0, IDLE / 20, True)], ids=["stalled", "slow"]
)
def test_a_client_that_does_not_read_loses_its_connection(first, pause, is_complete):
    assert (connect(lambda *streams: read_large(*streams, first, pause)) == LARGE) == is_complete
