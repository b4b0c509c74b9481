"""How large requests may be, how long they may take, how many may run at a time: each limit holds and is reported."""

import asyncio
import json
import logging

import httpx
import pytest
from client import (
    CANARY,
    CSV,
    PATIENCE,
    BlockingPredictor,
    BlockingWorkers,
    Connection,
    annotate,
    error_message,
    make_app,
    open_client,
    predict,
    send,
    wait_for,
)

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
TABLE = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + CSV.encode() + b"\r\n--b--\r\n"
)


# Size


def test_the_size_of_a_body_is_limited(predictor):
    app = make_app(predictor, json_bytes=100)
    assert predict(app, "a" * 80).status_code == 200
    answer = predict(app, "a" * 100)
    assert "100 bytes" in error_message(answer, 413, "body_too_large")
    assert answer.headers["connection"] == "close"


async def make_body(count: int, piece: bytes = b"a" * 50):
    for _ in range(count):
        yield piece


def test_a_body_of_unknown_length_is_measured_while_it_is_read(predictor):
    app, headers = make_app(predictor, json_bytes=100), {"Content-Type": "application/json"}
    reads = []

    async def endless():
        while True:
            reads.append(1)
            yield b" " * 50

    error_message(send(app, "POST", "/v1/predict", content=endless(), headers=headers), 413, "body_too_large")
    assert len(reads) == 3


def test_a_body_longer_than_its_content_length_is_an_error(predictor):
    app = make_app(predictor, json_bytes=100)
    headers = {"Content-Type": "application/json", "Content-Length": "10"}
    error_message(send(app, "POST", "/v1/predict", content=make_body(3), headers=headers), 413, "body_too_large")


def test_a_table_has_a_limit_of_its_own(predictor):
    app = make_app(predictor, json_bytes=100, upload_bytes=1000)
    assert annotate(app, CSV + "abc,1\n" * 50).status_code == 200
    error_message(annotate(app, CSV + "abc,1\n" * 200), 413, "body_too_large")


def test_a_table_of_unknown_length_is_measured_while_it_is_read(predictor):
    app = make_app(predictor, upload_bytes=1000)
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nname\n'

    async def body():
        yield head
        async for piece in make_body(100):
            yield piece

    answer = send(app, "POST", "/v1/annotate?column=name", content=body(), headers=kind)
    error_message(answer, 413, "body_too_large")


def test_the_number_of_requests_at_a_time_is_limited(predictor):
    model = BlockingPredictor(predictor.artifact)
    app = make_app(model, requests=2)

    async def send_some():
        async with open_client(app) as client:
            request = {"json": {"names": "abc"}}
            first = [asyncio.create_task(client.post("/v1/predict", **request)) for _ in range(2)]
            await wait_for(model.started)
            refused = await client.post("/v1/predict", **request)
            alive, table = await client.get("/healthz"), await post_table(client)
            model.resume.set()
            return refused, alive, table, await asyncio.gather(*first), await client.post("/v1/predict", **request)

    refused, alive, table, first, after = asyncio.run(send_some())
    error_message(refused, 429, "busy")
    assert refused.headers["retry-after"] == "1"
    assert [one.status_code for one in (alive, table, *first, after)] == [200] * 5


def post_table(client: httpx.AsyncClient):
    return client.post("/v1/annotate", params={"column": "name"}, files={"file": ("a.csv", CSV)})


def test_the_number_of_tables_at_a_time_is_limited(predictor, monkeypatch):
    workers = BlockingWorkers(monkeypatch)
    app = make_app(predictor, uploads=1)

    async def send_some():
        async with open_client(app) as client:
            first = asyncio.create_task(post_table(client))
            await wait_for(workers.started)
            refused = await post_table(client)
            listed = await client.get("/v1/models")
            workers.resume.set()
            return refused, listed, await first, await post_table(client)

    refused, listed, first, after = asyncio.run(send_some())
    error_message(refused, 429, "busy")
    assert [one.status_code for one in (listed, first, after)] == [200] * 3


@pytest.mark.parametrize(
    ("path", "headers", "first", "last"),
    [
        ("/v1/predict", {"content_type": "application/json", "content_length": "16"}, b'{"names":', b' "abc"}'),
        ("/v1/annotate?column=name", {"content_type": FORM["Content-Type"]}, TABLE[:90], TABLE[90:]),
    ],
    ids=["request", "table"],
)
def test_a_request_takes_its_place_once_its_body_has_arrived(predictor, path, headers, first, last):
    app = make_app(predictor, requests=1, uploads=1)

    async def send_some():
        slow = [Connection(app, path, transfer_encoding="chunked", **headers) for _ in range(5)]
        for one in slow:
            one.send(first)
        await asyncio.sleep(0.01)
        quick = Connection(app, path, transfer_encoding="chunked", **headers)
        quick.send(first + last, is_last=True)
        statuses = [(await quick.response()).status_code]
        for one in slow:
            one.send(last, is_last=True)
            statuses.append((await one.response()).status_code)
        return statuses

    assert asyncio.run(send_some()) == [200] * 6


def test_arriving_bodies_hold_a_limited_number_of_bytes_but_small_ones_always_arrive(predictor):
    app = make_app(predictor, requests=2, json_bytes=200_000)
    headers = {"content_type": "application/json", "transfer_encoding": "chunked"}

    async def send_some():
        large = [Connection(app, "/v1/predict", **headers) for _ in range(6)]
        for one in large:
            one.send(b" " * 180_000)
        await asyncio.sleep(0.01)
        small = Connection(app, "/v1/predict", **headers)
        small.send(b'{"names": "abc"}', is_last=True)
        answer = await small.response()
        refused = [await one.response() for one in large if one.task.done()]
        for one in large:
            one.leave()
        await asyncio.gather(*(one.task for one in large))
        assert app.state.service.in_progress.bodies == set()
        again = Connection(app, "/v1/predict", **headers)
        again.send(b" " * 180_000)
        again.send(b'{"names": "abc"}', is_last=True)
        return answer, refused, await again.response()

    answer, refused, again = asyncio.run(send_some())
    assert (answer.status_code, again.status_code) == (200, 200)
    assert len(refused) == 3
    for one in refused:
        error_message(one, 429, "busy")


# Time


def test_the_time_of_a_request_is_limited(predictor):
    model = BlockingPredictor(predictor.artifact)
    app = make_app(model, seconds=0.05)
    assert "0.05 s" in error_message(predict(app, "abc"), 504, "timeout")
    model.resume.set()
    app.state.service.scoring.submit(int).result(PATIENCE)  # the thread has finished


@pytest.mark.parametrize(
    ("settings", "limit"),
    [({"seconds": 0.05}, "within 0.05 s"), ({"idle_seconds": 0.05}, "paused for 0.05 s")],
    ids=["whole time", "pause"],
)
@pytest.mark.parametrize("body", [b"", b'{"names":'], ids=["nothing", "a part"])
def test_a_body_that_does_not_arrive_in_time_is_an_error(predictor, settings, limit, body):
    async def send_part():
        headers = {"content_type": "application/json", "content_length": "99"}
        connection = Connection(make_app(predictor, **settings), "/v1/predict", **headers)
        if body:
            connection.send(body)
        return await connection.response()

    answer = asyncio.run(send_part())
    assert limit in error_message(answer, 408, "slow_body")
    assert answer.headers["connection"] == "close"


def test_a_body_may_take_longer_than_a_pause(predictor):
    async def send_slowly():
        app = make_app(predictor, idle_seconds=0.5)
        connection = Connection(app, "/v1/predict", content_type="application/json", transfer_encoding="chunked")
        for _ in range(4):
            connection.send(b" ")
            await asyncio.sleep(0.2)
        connection.send(b'{"names": "abc"}', is_last=True)
        return await connection.response()

    assert asyncio.run(send_slowly()).status_code == 200


def test_a_slow_upload_times_out_too(predictor):
    async def send_part():
        app = make_app(predictor, idle_seconds=0.05)
        connection = Connection(
            app, "/v1/annotate?column=name", content_type=FORM["Content-Type"], content_length="999"
        )
        connection.send(TABLE[:90])
        return await connection.response()

    error_message(asyncio.run(send_part()), 408, "slow_body")


def test_the_time_of_a_table_is_limited_and_its_worker_ends(predictor, monkeypatch):
    workers = BlockingWorkers(monkeypatch)
    app = make_app(predictor, upload_seconds=0.05, uploads=1)
    error_message(annotate(app, CSV), 504, "timeout")
    (worker,) = workers.workers
    assert worker.process.wait(PATIENCE) != 0
    workers.resume.set()
    assert annotate(make_app(predictor, uploads=1), CSV).status_code == 200


def test_scoring_stops_soon_after_the_time_of_its_request(predictor):
    model = BlockingPredictor(predictor.artifact)
    app = make_app(model, seconds=0.05)
    error_message(predict(app, ["abc" * 30] * 900), 504, "timeout")
    model.resume.set()
    app.state.service.scoring.submit(int).result(PATIENCE)
    assert len(model.calls) == 1


def test_a_service_that_stops_grants_some_time(predictor):
    model = BlockingPredictor(predictor.artifact)
    app = make_app(model, stop_seconds=0.05)

    async def stop():
        async with open_client(app) as client:
            running = asyncio.create_task(client.post("/v1/predict", json={"names": "abc"}))
            await wait_for(model.started)
            arriving = Connection(app, "/v1/predict", content_type="application/json", content_length="99")
            await asyncio.sleep(0)
            app.state.service.hurry()
            ready = await client.get("/readyz")
            answers = await running, await arriving.response()
            model.resume.set()
            return ready, *answers

    ready, *answers = asyncio.run(stop())
    error_message(ready, 503, "not_ready")
    for answer in answers:
        error_message(answer, 503, "stopping")


# Clients that leave


def count_of(app, route: str, status: int) -> bool:
    line = f'elman_requests_total{{route="{route}",status="{status}"}} 1.0\n'
    return line in send(app, "GET", "/metrics").text


@pytest.mark.parametrize("part", [b"", b'{"names":'], ids=["nothing", "a part"])
def test_a_client_that_leaves_before_its_body_is_complete_is_counted_apart(predictor, part, caplog):
    app = make_app(predictor)

    async def leave():
        connection = Connection(app, "/v1/predict", content_type="application/json", content_length="99")
        connection.send(part)
        connection.leave()
        await connection.response()

    with caplog.at_level(logging.INFO):
        asyncio.run(leave())
    assert count_of(app, "/v1/predict", 499)
    assert [record for record in caplog.records if record.name.startswith("elman")] == []


def test_the_rest_of_a_large_request_is_dropped_if_its_client_leaves(predictor):
    model = BlockingPredictor(predictor.artifact)
    app = make_app(model)

    async def leave():
        connection = Connection(app, "/v1/predict", content_type="application/json", content_length="99")
        connection.send(json.dumps({"names": ["abc" * 30] * 900}).encode(), is_last=True)
        await wait_for(model.started)
        connection.leave()
        await connection.response()
        model.resume.set()

    asyncio.run(leave())
    app.state.service.scoring.submit(int).result(PATIENCE)
    assert len(model.calls) == 1
    assert count_of(app, "/v1/predict", 499)


def test_the_worker_of_a_client_that_leaves_ends(predictor, monkeypatch, caplog):
    workers = BlockingWorkers(monkeypatch)
    app = make_app(predictor, uploads=1)

    async def leave():
        headers = {"content_type": FORM["Content-Type"], "content_length": str(len(TABLE))}
        connection = Connection(app, "/v1/annotate?column=name", **headers)
        connection.send(TABLE, is_last=True)
        await wait_for(workers.started)
        connection.leave()
        await connection.response()

    with caplog.at_level(logging.INFO):
        asyncio.run(leave())
    (worker,) = workers.workers
    assert worker.process.wait(PATIENCE) != 0
    assert count_of(app, "/v1/annotate", 499)
    assert [record for record in caplog.records if record.name.startswith("elman")] == []
    workers.resume.set()
    assert annotate(app, CSV).status_code == 200


def test_an_explanation_that_waits_is_dropped_if_its_client_leaves(predictor, monkeypatch):
    calls = []
    monkeypatch.setattr("elman.server.service._explain", lambda *arguments: calls.append(arguments))
    app = make_app(predictor)
    executor = app.state.service._explaining
    other = BlockingPredictor(predictor.artifact)
    executor.submit(other.wait, [])

    async def leave():
        connection = Connection(app, "/v1/explain", content_type="application/json", content_length="15")
        connection.send(b'{"name": "abc"}', is_last=True)
        await asyncio.sleep(0.01)
        connection.leave()
        await connection.response()

    asyncio.run(leave())
    other.resume.set()
    executor.submit(int).result(PATIENCE)
    assert calls == []
    assert count_of(app, "/v1/explain", 499)


# Compression


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", CANARY])
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain", "/v1/pronounce", "/v1/annotate?column=name"])
def test_a_compressed_body_is_an_error(predictor, path, encoding):
    answer = send(
        make_app(predictor), "POST", path, content=b"\x1f\x8b", headers={"Content-Encoding": encoding, **JSON}
    )
    assert CANARY not in error_message(answer, 415, "unsupported_encoding")
    assert answer.headers["accept-encoding"] == "identity"


def test_a_body_may_be_said_to_be_uncompressed(predictor):
    headers = {"Content-Encoding": "identity", **JSON}
    assert (
        send(make_app(predictor), "POST", "/v1/predict", content=b'{"names": "a"}', headers=headers).status_code == 200
    )
