"""Who may send requests, how large, how long and how many at a time: each limit holds and is reported."""

import asyncio
import logging

import httpx
import pytest
from client import (
    CANARY,
    CSV,
    PATIENCE,
    BlockingPredictor,
    annotate,
    error_message,
    make_app,
    open_client,
    post_json,
    predict,
    send,
    send_all,
    wait_for,
)

from elman.prediction.predictor import Predictor
from elman.server.middleware import SECURITY_HEADERS

KEY = "k3y of the server"


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


class BlockingTables(BlockingPredictor):
    """The same for tables."""

    def predict_columns(self, names, **options):
        self.wait(names)
        return Predictor.predict_columns(self, names, **options)


def test_the_number_of_tables_at_a_time_is_limited(predictor):
    model = BlockingTables(predictor.artifact)
    app = make_app(model, uploads=1)

    async def send_some():
        async with open_client(app) as client:
            first = asyncio.create_task(post_table(client))
            await wait_for(model.started)
            refused = await post_table(client)
            listed = await client.get("/v1/models")
            model.resume.set()
            return refused, listed, await first, await post_table(client)

    refused, listed, first, after = asyncio.run(send_some())
    error_message(refused, 429, "busy")
    assert [one.status_code for one in (listed, first, after)] == [200] * 3


# Time


def test_the_time_of_a_request_is_limited(predictor):
    model = BlockingPredictor(predictor.artifact)
    app = make_app(model, seconds=0.05)
    error_message(predict(app, "abc"), 504, "timeout")
    model.resume.set()
    app.state.service.scoring.submit(int).result(PATIENCE)  # the thread has finished
    assert "0.05 s" in error_message(send_slowly(app), 504, "timeout")


def send_slowly(app) -> httpx.Response:
    async def never_ending():
        yield b'{"names":'
        await asyncio.Event().wait()

    return send(app, "POST", "/v1/predict", content=never_ending(), headers={"Content-Type": "application/json"})


def test_the_time_of_a_table_is_limited_and_it_counts_until_its_thread_has_stopped(predictor):
    model = BlockingTables(predictor.artifact)
    app = make_app(model, upload_seconds=0.05, uploads=1)

    async def send_some():
        async with open_client(app) as client:
            first = asyncio.create_task(post_table(client))
            await wait_for(model.started)
            done, _ = await asyncio.wait({first}, timeout=0.2)
            second = await post_table(client)
            model.resume.set()
            return done, second, await first

    done, second, first = asyncio.run(send_some())
    assert not done
    error_message(second, 429, "busy")
    error_message(first, 504, "timeout")
    assert len(model.calls) == 1


# Access


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/models", "/v1/annotate", "/v1/nowhere", "/metrics"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_key"),
        ({"Authorization": "Bearer"}, "missing_key"),
        ({"Authorization": f"Bearer {KEY[:-1]}"}, "wrong_key"),
        ({"Authorization": f"Basic {KEY}"}, "missing_key"),
        ({"X-API-Key": KEY.upper()}, "wrong_key"),
        ({"X-API-Key": "schlüssel".encode()}, "wrong_key"),
    ],
    ids=str,
)
def test_protected_paths_need_the_key(predictor, path, headers, code):
    answer = send(make_app(predictor, api_key=KEY), "GET", path, headers=headers)
    message = error_message(answer, 401, code)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert KEY not in message


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {KEY}"}, {"authorization": f"bearer {KEY}"}, {"X-API-Key": KEY}]
)
def test_requests_with_the_key_are_answered(predictor, headers):
    app = make_app(predictor, api_key=KEY)
    assert send(app, "GET", "/metrics", headers=headers).status_code == 200
    assert post_json(app, "/v1/predict", {"names": "abc"}, **headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/page/style.css", "/healthz", "/openapi.json"])
def test_the_page_and_the_health_checks_need_no_key(predictor, path):
    assert send(make_app(predictor, api_key=KEY), "GET", path).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]", "[::1]:8000"])
def test_the_names_of_this_machine_are_allowed(predictor, host):
    assert send(make_app(predictor), "GET", "/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil:80", "::1", "", "localhost:80:80"]
)
def test_other_host_names_are_an_error(predictor, host):
    answer = send(make_app(predictor), "GET", "/", headers={"Host": host})
    assert "evil" not in error_message(answer, 400, "host_not_allowed")


def test_more_host_names_can_be_allowed(predictor):
    app = make_app(predictor, allowed_hosts=("names.example.org",))
    assert send(app, "GET", "/", headers={"Host": "names.example.org:443"}).status_code == 200
    assert send(app, "GET", "/", headers={"Host": "localhost"}).status_code == 400
    assert send(make_app(predictor, allowed_hosts=("*",)), "GET", "/", headers={"Host": "any"}).status_code == 200


# Bugs


class Failing(Predictor):
    """A predictor with a bug whose message quotes the names."""

    def predict(self, names, **options):
        raise KeyError(f"no idea what {names} is")


def test_a_bug_is_answered_and_logged_without_names(predictor, caplog):
    app = make_app(Failing(predictor.artifact))
    with caplog.at_level(logging.DEBUG, "elman.server"):
        message = error_message(predict(app, CANARY), 500, "internal")
    assert CANARY not in message
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == ["elman.server"]
    assert "KeyError in elman/server/batching.py, line " in caplog.text
    assert CANARY not in caplog.text


def test_a_bug_in_one_request_does_not_fail_the_others(predictor):
    class Choosy(Predictor):
        def predict(self, names, **options):
            assert CANARY not in names
            return super().predict(names, **options)

    app = make_app(Choosy(predictor.artifact))
    bodies = [{"names": name} for name in ("abc", CANARY, "xyz")]
    answers = send_all(app, *(lambda client, body=body: client.post("/v1/predict", json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 500, 200]


# Headers


@pytest.mark.parametrize(
    "path", ["/", "/page/style.css", "/nowhere", "/v1/models", "/v1/predict", "/healthz", "/openapi.json"]
)
def test_every_response_has_the_security_headers(predictor, path):
    headers = send(make_app(predictor), "GET", path).headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert headers["cache-control"] == ("no-store" if path.startswith("/v1") else "no-cache")


def test_the_policy_lets_a_page_load_only_its_own_files():
    policy = dict(rule.strip().split(" ", 1) for rule in SECURITY_HEADERS["Content-Security-Policy"].split(";"))
    own = {f"{kind}-src": "'self'" for kind in ("script", "style", "connect", "img")}
    none = dict.fromkeys(("default-src", "frame-ancestors", "base-uri", "form-action"), "'none'")
    assert policy == own | none
