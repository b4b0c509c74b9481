"""Schemas: what is asked and what is answered, checked on the way in and described for OpenAPI.

Answers are described only. They are made of checked records, so nothing checks them a second time.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from elman.server.errors import Refusal

MOST_LABELS = 1000
"""Labels that a request may ask for: more than any model has."""


def _name(value: Any) -> str:
    """Check one name. Half of a surrogate pair is a character like any other, which pydantic's own check refuses."""
    if not isinstance(value, str):
        raise PydanticCustomError("name", "must be a string")
    return value


def _names(value: Any) -> list[str | None]:
    """Check one name or many."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise PydanticCustomError("names", "must be a string, or an array of strings and nulls")
    for position, name in enumerate(value):
        if name is not None and not isinstance(name, str):
            raise PydanticCustomError(
                "names", "must be a string or null at position {position}", {"position": position}
            )
    return value


def _whole(value: Any) -> Any:
    """Check that a number was sent: pydantic makes one of a text or a truth too. 3.0 is whole, as in JSON Schema."""
    if isinstance(value, bool | str):
        raise PydanticCustomError("whole", "must be a whole number")
    return value


Name = Annotated[str, PlainValidator(_name, json_schema_input_type=str)]


Names = Annotated[list[str | None], PlainValidator(_names, json_schema_input_type=str | list[str | None])]


Model = Annotated[Name | None, Field(description="One of /v1/models; the default model where it is not given.")]


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PredictRequest(_Asked):
    """Names to answer for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"names": "Nakamura"}, {"names": ["Nakamura", None, ""], "top": 1, "abstain_below": 0.5}]
        }
    )

    names: Annotated[Names, Field(description="One name, or many; null stands for a missing one.")]
    top: Annotated[
        int, Field(ge=1, le=MOST_LABELS, description="How many labels to list."), BeforeValidator(_whole)
    ] = 3
    abstain_below: Annotated[Share, Field(description="Abstain where the best label's probability is lower.")] = 0.0
    model: Model = None


class ExplainRequest(_Asked):
    """A name to explain."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Nakamura"}]})

    name: Annotated[Name, Field(description="The name.")]
    label: Annotated[
        Name | None, Field(description="The label to explain; the model's answer where it is not given.")
    ] = None
    model: Model = None


class CandidateAnswer(BaseModel):
    """One possible answer."""

    label: str
    probability: float = Field(ge=0, le=1, description="Calibrated.")


class PredictionAnswer(BaseModel):
    """What a model says of one name, and its doubts."""

    name: str = Field(description="As it was sent; empty for a missing one.")
    label: str | None = Field(description="The most likely label; null where the model abstains.")
    probability: float | None = Field(description="Of the label, calibrated; null where the model abstains.")
    top: list[CandidateAnswer] = Field(description="The most likely labels, best first; empty where nothing was read.")
    abstained: bool
    reason: str | None = Field(description="Why the model abstains; null where it answers.")
    normalised: str = Field(description="What the model read.")
    unknown: list[str] = Field(description="The distinct symbols of it that the model does not know.")
    script: str
    transliterated: bool = Field(description="Whether letters of another script were written in Latin letters.")
    model: str
    value: float | None = Field(None, description="The number, of a model that answers with one; not there otherwise.")


class PredictAnswer(BaseModel):
    """As many predictions as names, in the same order."""

    model: str
    predictions: list[PredictionAnswer]


class LetterAnswer(BaseModel):
    """What one letter did to an answer."""

    letter: str
    evidence: float = Field(description="What the log-odds of the label lose without the letter, nats.")
    forwards: dict[str, float] = Field(description="The probability of each label, were the name to end here.")
    backwards: dict[str, float] = Field(description="The probability of each label, were the name to begin here.")


class ExplainAnswer(BaseModel):
    """How an answer came about, letter by letter."""

    name: str
    normalised: str
    label: str
    probability: float
    letters: list[LetterAnswer]
    model: str


class ModelAnswer(BaseModel):
    """One model that the service answers with."""

    name: str
    default: bool
    reads: str
    answers: str
    labels: list[str]
    parameters: int
    bytes: int
    accuracy: float | None = Field(description="On the test part of its own data, 0 to 1; null where none is known.")
    reference: str = Field(description="The population that it learned from, in one sentence.")


class ModelsAnswer(BaseModel):
    """The models that the service answers with, the default one first."""

    models: list[ModelAnswer]


class HealthAnswer(BaseModel):
    """That the service is alive."""

    status: Literal["ok"]


class ReadyAnswer(BaseModel):
    """That the service takes requests."""

    status: Literal["ready"]


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="For programs.")
    message: str = Field(description="For people: one line, without anything that was sent.")


class ErrorAnswer(BaseModel):
    """Why a request is not answered."""

    error: ErrorDetail


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
