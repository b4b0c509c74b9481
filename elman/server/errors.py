"""Refusals: how the service says no. One JSON object with a code for programs and one line for people."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException
from starlette.responses import Response


class Refusal(HTTPException):
    """A request that is not answered.

    Args:
        status: of HTTP, 400 or above.
        code: what went wrong, for programs.
        message: what was expected and what to do, on one line. It never holds anything that was sent.
        headers: of the answer.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code

    def response(self) -> Response:
        """Return the answer that says so."""
        error = {"error": {"code": self.code, "message": self.detail}}
        return json_response(error, status=self.status_code, headers=self.headers)


def json_response(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return plain values as an answer in JSON."""
    return Response(to_json(value), status, headers, "application/json")


def to_json(value: Any) -> bytes:
    r"""Return plain values as JSON in UTF-8; where half of a surrogate pair stands in them, escaped to ASCII.

    Raises:
        ValueError: a number is infinite, or is none.

    >>> to_json({"name": "Müller"}).decode(), to_json("\ud800")
    ('{"name":"Müller"}', b'"\\ud800"')
    """
    try:
        return _readable(value).encode()
    except UnicodeEncodeError:
        return _escaped(value).encode()


_readable = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_escaped = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
