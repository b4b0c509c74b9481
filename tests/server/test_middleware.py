"""Who may send requests, what a bug looks like from outside, and the headers of every response."""

import logging

import pytest
from client import CANARY, error_message, make_app, post_json, predict, send, send_all

from elman.prediction.predictor import Predictor
from elman.server.middleware import SECURITY_HEADERS

KEY = "k3y of the server"


# Access


@pytest.mark.parametrize(
    "path", ["/v1/predict", "/v1/models", "/v1/annotate", "/v1/estimate", "/v1/nowhere", "/metrics"]
)
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


# Other sites

OTHER, OWN = "https://example.org", "http://localhost:8000"


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain", "/v1/pronounce", "/v1/annotate?column=name", "/"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": OTHER},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
        {"Origin": OTHER},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": f"{OWN}.example.org"},
    ],
    ids=str,
)
def test_pages_of_other_sites_may_not_post(predictor, path, headers):
    app = make_app(predictor)
    answer = send(app, "POST", path, json={"names": "abc"}, headers={"Host": "localhost:8000", **headers})
    assert "--cors-origin" in error_message(answer, 403, "cross_site")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://names.example.org"},  # a proxy changed the host
        {"Sec-Fetch-Site": "none"},
        {"Origin": OWN},
        {"Origin": OWN.upper()},
    ],
    ids=str,
)
def test_programs_and_the_own_page_may_post(predictor, headers):
    app = make_app(predictor)
    answer = send(app, "POST", "/v1/predict", json={"names": "abc"}, headers={"Host": "localhost:8000", **headers})
    assert answer.status_code == 200


@pytest.mark.parametrize("origins", [(OTHER,), ("*",)])
def test_pages_of_allowed_sites_may_post(predictor, origins):
    app = make_app(predictor, cors_origins=origins)
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": OTHER}
    assert send(app, "POST", "/v1/predict", json={"names": "abc"}, headers=headers).status_code == 200


def test_links_from_other_sites_work(predictor):
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": OTHER}
    assert send(make_app(predictor), "GET", "/", headers=headers).status_code == 200


# Bugs


class Failing(Predictor):
    """A predictor with a bug whose message quotes the names."""

    def answer_all(self, names, options):
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
        def answer_all(self, names, options):
            assert CANARY not in names
            return super().answer_all(names, options)

    app = make_app(Choosy(predictor.artifact))
    bodies = [{"names": name} for name in ("abc", CANARY, "xyz")]
    answers = send_all(app, *(lambda client, body=body: client.post("/v1/predict", json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 500, 200]


# Headers


@pytest.mark.parametrize(
    "path",
    ["/", "/page/style.css", "/v1/models", "/v1/models/toy/card", "/healthz", "/readyz", "/metrics", "/openapi.json"],
)
def test_head_is_answered_as_get_without_the_body(predictor, path):
    app = make_app(predictor)
    app.state.service.start()
    got, answer = send(app, "GET", path), send(app, "HEAD", path)
    assert (answer.status_code, answer.content) == (got.status_code, b"") == (200, b"")
    kept = ("content-type", "etag", "cache-control", "content-security-policy")
    assert [answer.headers.get(name) for name in kept] == [got.headers.get(name) for name in kept]
    if path != "/metrics":  # it counts the requests
        assert answer.headers["content-length"] == str(len(got.content))
    app.state.service.stop()


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/predict", 405), ("/v1/annotate", 405), ("/nowhere", 404), ("/v1/models/no/card", 404)]
)
def test_head_of_what_cannot_be_got_is_the_same_error(predictor, path, status):
    assert send(make_app(predictor), "HEAD", path).status_code == send(make_app(predictor), "GET", path).status_code
    assert send(make_app(predictor), "HEAD", path).status_code == status


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
