"""The app joins routes and middleware: unknown paths, other methods and other sites get the right response."""

import httpx
import pytest
from client import error_message, make_app, send

from elman.server.middleware import SECURITY_HEADERS

KEY = "k3y of the server"


@pytest.fixture(scope="module")
def app(predictor):
    return make_app(predictor)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/page/", "/page/none.js", "/page/..%2fapp.py", "/v1/predict/", "/docs", "/redoc"]
)
def test_an_unknown_path_is_an_error(app, path):
    error_message(send(app, "GET", path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/predict"), ("POST", "/v1/models"), ("PUT", "/"), ("DELETE", "/page/style.css")]
)
def test_another_method_is_an_error(app, method, path):
    error_message(send(app, method, path), 405, "method_not_allowed")


# Pages of other sites


ORIGIN = "https://example.org"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


def cors_headers(response: httpx.Response) -> list[str]:
    return [name for name in response.headers if name.startswith("access-control")]


def test_pages_of_other_sites_are_not_allowed(app):
    assert cors_headers(send(app, "GET", "/v1/models", headers={"Origin": ORIGIN})) == []
    assert cors_headers(send(app, "OPTIONS", "/v1/predict", headers=PREFLIGHT)) == []


def test_pages_of_listed_sites_are_allowed(predictor):
    app = make_app(predictor, cors_origins=(ORIGIN,), api_key=KEY)
    answer = send(app, "GET", "/v1/models", headers={"Origin": ORIGIN, "X-API-Key": KEY})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Elman-Rows" in answer.headers["access-control-expose-headers"]
    refused = send(app, "GET", "/v1/models", headers={"Origin": ORIGIN})
    error_message(refused, 401, "missing_key")
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    preflight = send(app, "OPTIONS", "/v1/predict", headers=PREFLIGHT)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert {name: preflight.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "access-control-allow-credentials" not in answer.headers
    other = send(app, "GET", "/v1/models", headers={"Origin": "https://evil.example", "X-API-Key": KEY})
    assert "access-control-allow-origin" not in other.headers
