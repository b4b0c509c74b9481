"""Each limit holds, and says so: who may ask, how much, how long, and how many at a time."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
from asking import CANARY, CSV, PATIENCE, Held, annotate, ask, ask_all, client, explain, post, predict, refusal, service

import elman
from elman.prediction.predictor import Predictor
from elman.server.middleware import SAFE_HEADERS

KEY = "k3y of the house"


async def until(event):
    assert await asyncio.to_thread(event.wait, PATIENCE)


# How much


def test_a_request_holds_so_many_names(predictor):
    app = service(predictor, names=3)
    assert predict(app, ["a"] * 3).status_code == 200
    assert "3 names" in refusal(predict(app, ["a"] * 4), 422, "too_many_names")


def test_a_name_holds_so_many_characters(predictor):
    app = service(predictor, characters=5)
    assert predict(app, ["abcde", None]).status_code == 200
    message = refusal(predict(app, ["abcde", "abcdef"]), 422, "name_too_long")
    assert "5 characters" in message
    assert "position 1" in message
    refusal(explain(app, "abcdef"), 422, "name_too_long")


def test_a_body_holds_so_many_bytes(predictor):
    app = service(predictor, json_bytes=100)
    assert predict(app, "a" * 80).status_code == 200
    answer = predict(app, "a" * 100)
    assert "100 bytes" in refusal(answer, 413, "body_too_large")
    assert answer.headers["connection"] == "close"


async def pieces(count: int, piece: bytes = b"a" * 50):
    for _ in range(count):
        yield piece


def test_a_body_of_unknown_length_is_measured_while_it_is_read(predictor):
    app, headers = service(predictor, json_bytes=100), {"Content-Type": "application/json"}
    read = []

    async def endless():
        while True:
            read.append(1)
            yield b" " * 50

    refusal(ask(app, "POST", "/v1/predict", content=endless(), headers=headers), 413, "body_too_large")
    assert len(read) == 3


def test_a_body_longer_than_it_said_is_refused(predictor):
    app = service(predictor, json_bytes=100)
    headers = {"Content-Type": "application/json", "Content-Length": "10"}
    refusal(ask(app, "POST", "/v1/predict", content=pieces(3), headers=headers), 413, "body_too_large")


def test_a_table_has_a_limit_of_its_own(predictor):
    app = service(predictor, json_bytes=100, upload_bytes=1000)
    assert annotate(app, CSV + "abc,1\n" * 50).status_code == 200
    refusal(annotate(app, CSV + "abc,1\n" * 200), 413, "body_too_large")


def test_a_table_of_unknown_length_is_measured_while_it_is_read(predictor):
    app = service(predictor, upload_bytes=1000)
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nname\n'

    async def body():
        yield head
        async for piece in pieces(100):
            yield piece

    answer = ask(app, "POST", "/v1/annotate?column=name", content=body(), headers=kind)
    refusal(answer, 413, "body_too_large")


def test_so_many_requests_are_worked_on_at_a_time(predictor):
    held = Held(predictor.artifact)
    app = service(held, requests=2)

    async def callers():
        async with client(app) as asking:
            question = {"json": {"names": "abc"}}
            first = [asyncio.create_task(asking.post("/v1/predict", **question)) for _ in range(2)]
            await until(held.begun)
            refused = await asking.post("/v1/predict", **question)
            alive, table = await asking.get("/healthz"), await annotated(asking)
            held.go_on.set()
            return refused, alive, table, await asyncio.gather(*first), await asking.post("/v1/predict", **question)

    refused, alive, table, first, after = asyncio.run(callers())
    refusal(refused, 429, "busy")
    assert refused.headers["retry-after"] == "1"
    assert [one.status_code for one in (alive, table, *first, after)] == [200] * 5


def annotated(asking: httpx.AsyncClient):
    return asking.post("/v1/annotate", params={"column": "name"}, files={"file": ("a.csv", CSV)})


class HeldTables(Held):
    """The same for tables."""

    def predict_columns(self, names, **options):
        self.asked.append(list(names))
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        return Predictor.predict_columns(self, names, **options)


def test_so_many_tables_are_worked_on_at_a_time(predictor):
    held = HeldTables(predictor.artifact)
    app = service(held, uploads=1)

    async def callers():
        async with client(app) as asking:
            first = asyncio.create_task(annotated(asking))
            await until(held.begun)
            refused = await annotated(asking)
            listed = await asking.get("/v1/models")
            held.go_on.set()
            return refused, listed, await first, await annotated(asking)

    refused, listed, first, after = asyncio.run(callers())
    refusal(refused, 429, "busy")
    assert [one.status_code for one in (listed, first, after)] == [200] * 3


# How long


def test_a_request_may_take_so_long(predictor):
    held = Held(predictor.artifact)
    app = service(held, seconds=0.05)
    refusal(predict(app, "abc"), 504, "timeout")
    held.go_on.set()
    app.state.service.scoring.submit(int).result(PATIENCE)  # what was begun is done with
    assert "0.05 s" in refusal(slow_body(app), 504, "timeout")


def slow_body(app) -> httpx.Response:
    async def never_ending():
        yield b'{"names":'
        await asyncio.Event().wait()

    return ask(app, "POST", "/v1/predict", content=never_ending(), headers={"Content-Type": "application/json"})


def test_a_table_may_take_so_long_and_keeps_its_place_until_its_thread_has_stopped(predictor):
    held = HeldTables(predictor.artifact)
    app = service(held, upload_seconds=0.05, uploads=1)

    async def callers():
        async with client(app) as asking:
            first = asyncio.create_task(annotated(asking))
            await until(held.begun)
            done, _ = await asyncio.wait({first}, timeout=0.2)
            second = await annotated(asking)
            held.go_on.set()
            return done, second, await first

    done, second, first = asyncio.run(callers())
    assert not done
    refusal(second, 429, "busy")
    refusal(first, 504, "timeout")
    assert len(held.asked) == 1


# Who may ask


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
def test_without_the_key_nothing_about_names_is_answered(predictor, path, headers, code):
    answer = ask(service(predictor, api_key=KEY), "GET", path, headers=headers)
    message = refusal(answer, 401, code)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert KEY not in message


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {KEY}"}, {"authorization": f"bearer {KEY}"}, {"X-API-Key": KEY}]
)
def test_with_the_key_all_is_answered(predictor, headers):
    app = service(predictor, api_key=KEY)
    assert ask(app, "GET", "/metrics", headers=headers).status_code == 200
    assert post(app, "/v1/predict", {"names": "abc"}, **headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/page/style.css", "/healthz", "/openapi.json"])
def test_the_page_and_the_state_of_the_service_need_no_key(predictor, path):
    assert ask(service(predictor, api_key=KEY), "GET", path).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]", "[::1]:8000"])
def test_this_machine_may_be_called_by_its_own_names(predictor, host):
    assert ask(service(predictor), "GET", "/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil:80", "::1", "", "localhost:80:80"]
)
def test_calls_by_another_name_are_refused(predictor, host):
    answer = ask(service(predictor), "GET", "/", headers={"Host": host})
    assert "evil" not in refusal(answer, 400, "host_not_allowed")


def test_more_names_can_be_allowed(predictor):
    app = service(predictor, allowed_hosts=("names.example.org",))
    assert ask(app, "GET", "/", headers={"Host": "names.example.org:443"}).status_code == 200
    assert ask(app, "GET", "/", headers={"Host": "localhost"}).status_code == 400
    assert ask(service(predictor, allowed_hosts=("*",)), "GET", "/", headers={"Host": "any"}).status_code == 200


ORIGIN = "https://example.org"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


def crosses(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control")]


def test_pages_of_other_sites_may_not_ask(predictor):
    app = service(predictor)
    assert crosses(ask(app, "GET", "/v1/models", headers={"Origin": ORIGIN})) == []
    assert crosses(ask(app, "OPTIONS", "/v1/predict", headers=PREFLIGHT)) == []


def test_pages_of_other_sites_may_ask_where_they_are_named(predictor):
    app = service(predictor, cors_origins=(ORIGIN,), api_key=KEY)
    answer = ask(app, "GET", "/v1/models", headers={"Origin": ORIGIN, "X-API-Key": KEY})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Elman-Rows" in answer.headers["access-control-expose-headers"]
    refused = ask(app, "GET", "/v1/models", headers={"Origin": ORIGIN})
    refusal(refused, 401, "missing_key")
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    asked_first = ask(app, "OPTIONS", "/v1/predict", headers=PREFLIGHT)
    assert (asked_first.status_code, asked_first.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert {name: asked_first.headers[name] for name in SAFE_HEADERS} == SAFE_HEADERS
    assert "access-control-allow-credentials" not in answer.headers
    other = ask(app, "GET", "/v1/models", headers={"Origin": "https://evil.example", "X-API-Key": KEY})
    assert "access-control-allow-origin" not in other.headers


# All at once


def test_all_kinds_of_questions_at_once_get_the_right_answers():
    app = service(elman.load("languages"))
    app.state.service.open()
    names = ["Nakamura", "Papadopoulos", "O'Brien", "Ng", "Wiśniewska"]
    table = {"file": ("a.csv", "name\n" + "".join(f"{name}\n" for name in names * 1000))}
    kinds = [
        lambda asking: asking.post("/v1/predict", json={"names": names}),
        lambda asking: asking.post("/v1/explain", json={"name": names[1]}),
        lambda asking: asking.post("/v1/annotate?column=name", files=table),
        lambda asking: asking.post("/v1/predict", json={"names": names * 40}),
    ]

    def gist(answer: httpx.Response) -> Any:
        if answer.headers["content-type"] != "application/json":
            return answer.text
        rows = answer.json().get("predictions") or answer.json()["letters"]
        return [row.get("label", row.get("letter")) for row in rows]

    alone = [gist(ask_all(app, kind)[0]) for kind in kinds]
    together = ask_all(app, *(kinds[k % 4] for k in range(24) if k % 4 != 2), kinds[2], kinds[2])
    expected = [alone[k % 4] for k in range(24) if k % 4 != 2] + [alone[2]] * 2
    assert [answer.status_code for answer in together] == [200] * len(together)
    assert [gist(answer) for answer in together] == expected


# What goes wrong


class Failing(Predictor):
    """A predictor with a bug that quotes what it was asked."""

    def predict(self, names, **options):
        raise KeyError(f"no idea what {names} is")


def test_a_bug_is_answered_and_logged_without_what_was_asked(predictor, caplog):
    app = service(Failing(predictor.artifact))
    with caplog.at_level(logging.DEBUG, "elman.server"):
        message = refusal(predict(app, CANARY), 500, "internal")
    assert CANARY not in message
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == ["elman.server"]
    assert "KeyError in elman/server/batching.py, line " in caplog.text
    assert CANARY not in caplog.text


def test_a_bug_in_one_request_leaves_the_others_their_answers(predictor):
    class Choosy(Predictor):
        def predict(self, names, **options):
            assert CANARY not in names
            return super().predict(names, **options)

    app = service(Choosy(predictor.artifact))
    questions = [{"names": name} for name in ("abc", CANARY, "xyz")]
    answers = ask_all(app, *(lambda asking, q=question: asking.post("/v1/predict", json=q) for question in questions))
    assert [answer.status_code for answer in answers] == [200, 500, 200]
