"""Errors of the service: one JSON object with a code for programs and one line for people."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException
from starlette.responses import Response

log = logging.getLogger("elman.server")


class RequestError(HTTPException):
    """A request that gets an error response.

    Args:
        status: the HTTP status, 400 or above.
        code: the kind of error, for programs.
        message: what was expected and what to do, on one line. It never quotes the request.
        headers: headers of the response.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code

    def response(self) -> Response:
        """Return the response for this error."""
        error = {"error": {"code": self.code, "message": self.detail}}
        return json_response(error, status=self.status_code, headers=self.headers)


class ClientLeftError(RequestError):
    """The client closed its connection before the response began. The response is sent to no one, only counted."""

    def __init__(self) -> None:
        super().__init__(499, "client_left", "the client closed the connection")


def log_bug(bug: str) -> RequestError:
    """Log an unexpected error, and return the error to send.

    Args:
        bug: its description, from `elman.server.bugs.describe_bug`.
    """
    log.error("%s", bug)
    return RequestError(500, "internal", "the request failed because of a bug in Elman; the service's log says where")


def json_response(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return plain values as a JSON response."""
    return Response(to_json(value), status, headers, "application/json")


def to_json(value: Any) -> bytes:
    r"""Return plain values as JSON in UTF-8; values with a lone surrogate are escaped to ASCII.

    Raises:
        ValueError: a number is NaN or infinite.

    >>> to_json({"name": "Müller"}).decode(), to_json("\ud800")
    ('{"name":"Müller"}', b'"\\ud800"')
    """
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:
        return _encode_ascii(value).encode()


def encode_answer(value: Any) -> bytes:
    """Return what a model computed as JSON.

    Raises:
        RequestError: a number is NaN or infinite.
    """
    try:
        return to_json(value)
    except ValueError:
        message = "the model has no finite answer to this; send smaller numbers, or check the model"
        raise RequestError(422, "no_finite_answer", message) from None


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
