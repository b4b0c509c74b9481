"""Errors of the service: one JSON object with a code for programs and one line for people."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException
from starlette.responses import Response


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


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
