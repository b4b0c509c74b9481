"""Errors have one form, and JSON holds every string but no number that JSON lacks."""

import json

import pytest

from elman.server.errors import RequestError, json_response, to_json


def test_an_error_is_one_object_with_a_code_and_a_message():
    response = RequestError(429, "busy", "try again", {"Retry-After": "1"}).response()
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert json.loads(response.body) == {"error": {"code": "busy", "message": "try again"}}


@pytest.mark.parametrize("value", ["Müller", "\ud800", {"вода": [None, "a\udfff"]}, "\u2028"])
def test_every_string_comes_back_from_json(value):
    assert json.loads(to_json(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")]])
def test_numbers_that_json_lacks_raise(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(value)


def test_a_json_response_says_so():
    response = json_response([1], headers={"X-Elman-Rows": "1"})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.headers["x-elman-rows"] == "1"
