"""Bodies: JSON requests read and checked, without a word about what they hold."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from elman.server.errors import Refusal

Asked = TypeVar("Asked", bound=BaseModel)


async def read_json(request: Request, kind: type[Asked]) -> Asked:
    """Read the body of a request.

    Args:
        request: it.
        kind: what it should hold.

    Raises:
        Refusal: it holds something else.
    """
    if not _is_json(request.headers.get("content-type", "")):
        raise Refusal(415, "unsupported_media_type", "send the body as application/json")
    try:
        value = _DECODER.decode((await request.body()).decode())
    except json.JSONDecodeError as error:
        raise Refusal(400, "malformed", f"the body is not JSON, from character {error.pos} on") from None
    except UnicodeDecodeError as error:
        raise Refusal(400, "malformed", f"the body is not UTF-8, from byte {error.start} on") from None
    except (ValueError, RecursionError):
        raise Refusal(400, "malformed", "the body holds a number that is none, or it nests too deeply") from None
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False), tuple(kind.model_fields)) from None


def invalid(errors: Sequence[Any], known: Sequence[str]) -> Refusal:
    """Return the refusal that says what is wrong first.

    Args:
        errors: as pydantic lists them.
        known: the names of fields, which alone may stand in the message: others were sent.
    """
    first = errors[0]
    where = [str(part) for part in first["loc"] if isinstance(part, int) or part in known]
    if first["type"] == "extra_forbidden" or not where:
        return Refusal(422, "invalid", f"the body must be an object with no other fields than {', '.join(known)}")
    return Refusal(422, "invalid", f"{'.'.join(where)}: {first['msg']}")


def _is_json(media_type: str) -> bool:
    return media_type.partition(";")[0].strip().lower() == "application/json"


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
