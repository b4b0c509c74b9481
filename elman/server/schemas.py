"""Schemas: the bodies of requests and responses. Requests are checked against them; OpenAPI describes both.

Responses are not checked: they are made from records that are checked already.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from elman.checks import is_finite_number
from elman.model.prior import BALANCED, MODEL, UNIFORM
from elman.prediction.explanation import MOST
from elman.prediction.generator import HIGHEST_TEMPERATURE, LARGEST_SEED, LOWEST_TEMPERATURE
from elman.prediction.options import BEAM
from elman.server.errors import RequestError
from elman.server.writing import MOST_HYPOTHESES

MOST_LABELS = 1000
"""The largest ``top``: more labels than any model has."""


def _check_name(value: Any) -> str:
    """Check one name. A lone surrogate is valid here; pydantic's own check of strings rejects it."""
    if not isinstance(value, str):
        raise PydanticCustomError("name", "must be a string")
    return value


def _check_names(value: Any) -> list[str | None]:
    """Check one name or many, and return a list."""
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


def _check_labels(value: Any) -> Any:
    """Check what a model is told: one label, or one for each name, null for none."""
    several = value if isinstance(value, list) else [value]
    if not all(label is None or isinstance(label, str) for label in several):
        raise PydanticCustomError("labels", "must be a string, or an array of strings and nulls")
    return value


def _check_prior(value: Any) -> Any:
    """Check a prior: one of three words, or shares of labels, which the model checks further."""
    if value in (None, MODEL, BALANCED, UNIFORM):
        return value
    if not isinstance(value, dict) or len(value) > MOST_LABELS:
        raise PydanticCustomError(
            "prior", "must be model, balanced, uniform, or an object with the share of each label"
        )
    if not all(is_finite_number(share) and share >= 0 for share in value.values()) or not sum(value.values()) > 0:
        raise PydanticCustomError("prior", "must have shares of at least 0, and one above 0")
    return value


def _check_is_number(value: Any) -> Any:
    """Reject strings and booleans, which pydantic would convert. 3.0 is a whole number, as in JSON Schema."""
    if isinstance(value, bool | str):
        raise PydanticCustomError("whole", "must be a whole number")
    return value


Name = Annotated[str, PlainValidator(_check_name, json_schema_input_type=str)]


Names = Annotated[list[str | None], PlainValidator(_check_names, json_schema_input_type=str | list[str | None])]


Model = Annotated[Name | None, Field(description="One of /v1/models; the default model if missing.")]


Label = Annotated[Name | None, Field(description="What to condition the strings on; nothing if missing.")]


Told = Annotated[
    str | list[str | None] | None,
    PlainValidator(_check_labels, json_schema_input_type=str | list[str | None] | None),
]


PriorValue = Annotated[
    str | dict[str, float] | None,
    PlainValidator(
        _check_prior, json_schema_input_type=Literal["model", "balanced", "uniform"] | dict[str, float] | None
    ),
]


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


class _RequestBody(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PredictRequest(_RequestBody):
    """Names to answer for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"names": "Nakamura"}, {"names": ["Nakamura", None, ""], "top": 1, "abstain_below": 0.5}]
        }
    )

    names: Annotated[Names, Field(description="One name, or a list of names; null for a missing name.")]
    top: Annotated[
        int,
        Field(ge=1, le=MOST_LABELS, description="How many labels to list."),
        BeforeValidator(_check_is_number),
    ] = 3
    abstain_below: Annotated[Share, Field(description="Abstain if the best label's probability is lower.")] = 0.0
    level: Annotated[
        Name | None,
        Field(description="The level of the labels to answer at; auto: the finest one that is sure enough."),
    ] = None
    prior: Annotated[
        PriorValue,
        Field(description="The population: balanced, uniform, model, or an object with the share of each label."),
    ] = None
    coverage: Annotated[
        Share | None, Field(description="Give each answer the set of labels that holds the right one so often.")
    ] = None
    unfamiliar_below: Annotated[
        Share | None,
        Field(description="Abstain for names less familiar than this; the model's own threshold if missing."),
    ] = None
    label: Annotated[
        Told,
        Field(
            description="What a model of pairs that knows labels is told: one label, or an array with a label or null "
            "for each name; nothing if missing."
        ),
    ] = None
    beam: Annotated[
        int | None,
        Field(ge=1, le=MOST_HYPOTHESES, description="The hypotheses that a model of pairs keeps; 5 if missing."),
        BeforeValidator(_check_is_number),
    ] = None
    model: Model = None


class PronounceRequest(_RequestBody):
    """Names to say."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"names": "Nguyen"}, {"names": ["Nguyen", None], "top": 2}]}
    )

    names: Annotated[Names, Field(description="One name, or a list of names; null for a missing name.")]
    top: Annotated[
        int,
        Field(ge=1, le=MOST_HYPOTHESES, description="How many pronunciations to list."),
        BeforeValidator(_check_is_number),
    ] = 1
    beam: Annotated[
        int,
        Field(ge=1, le=MOST_HYPOTHESES, description="The hypotheses that the model keeps."),
        BeforeValidator(_check_is_number),
    ] = BEAM
    label: Annotated[
        Told,
        Field(
            description="What a model that knows labels is told: one label, or an array with a label or null for each "
            "name; nothing if missing."
        ),
    ] = None
    model: Annotated[
        Name | None, Field(description="One of /v1/models that pronounces; the first of these if missing.")
    ] = None


class GenerateRequest(_RequestBody):
    """New strings to write."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 3}, {"count": 2, "start": "a", "seed": 1}]})

    label: Label = None
    count: Annotated[int, Field(ge=1, description="How many."), BeforeValidator(_check_is_number)] = 10
    start: Annotated[Name, Field(description="What all of them begin with.")] = ""
    temperature: Annotated[
        float,
        Field(
            ge=LOWEST_TEMPERATURE,
            le=HIGHEST_TEMPERATURE,
            allow_inf_nan=False,
            strict=True,
            description="Below 1 likelier strings, above 1 more unusual ones.",
        ),
    ] = 1.0
    seed: Annotated[
        int | None,
        Field(ge=0, le=LARGEST_SEED, description="Of the draw: the same seed writes the same strings."),
        BeforeValidator(_check_is_number),
    ] = None
    unseen: Annotated[
        bool, Field(strict=True, description="Write no string that was in the training part of the model.")
    ] = False
    model: Model = None


class ScoreRequest(_RequestBody):
    """Strings to score."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"names": "abc"}, {"names": ["abc", None]}]})

    names: Annotated[Names, Field(description="One string, or a list of strings; null for a missing one.")]
    label: Label = None
    model: Model = None


class ExplainRequest(_RequestBody):
    """A name to explain."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Nakamura"}]})

    name: Annotated[Name, Field(description="The name.")]
    label: Annotated[Name | None, Field(description="The label to explain; the model's answer if missing.")] = None
    level: Annotated[
        Name | None,
        Field(
            description="The level of the label, or auto: the finest one that is sure enough; the labels if missing."
        ),
    ] = None
    model: Model = None


class CandidateAnswer(BaseModel):
    """One possible answer."""

    label: str
    probability: float = Field(ge=0, le=1, description="Calibrated.")


class PredictionAnswer(BaseModel):
    """The prediction for one name, with what makes it uncertain."""

    name: str = Field(description="As sent; empty for a missing name.")
    label: str | None = Field(description="The most likely label; null if the model abstains.")
    probability: float | None = Field(description="The label's probability, calibrated; null if the model abstains.")
    top: list[CandidateAnswer] = Field(description="The most likely labels, best first; empty if nothing was read.")
    abstained: bool
    reason: str | None = Field(description="Why the model abstains; null if it answers.")
    normalised: str = Field(description="What the model read.")
    unknown: list[str] = Field(description="The distinct symbols of it that the model does not know.")
    script: str
    transliterated: bool = Field(description="Whether letters of another script were written in Latin letters.")
    model: str
    value: float | None = Field(None, description="The number, if the model answers with one; missing otherwise.")
    level: str | None = Field(None, description="The level of the label; missing if the model has no levels.")
    levels: dict[str, list[CandidateAnswer]] | None = Field(
        None, description="The most likely groups of each level; missing if the model has no levels."
    )
    familiar: float | None = Field(
        None, description="The share of names like those learned that are less familiar; missing if not measured."
    )
    set: list[str] | None = Field(None, description="The prediction set; missing if no coverage was asked for.")


class PredictAnswer(BaseModel):
    """One prediction for each name, in the same order."""

    model: str
    predictions: list[PredictionAnswer]


class PronunciationAnswer(BaseModel):
    """One way to say a name."""

    arpabet: str = Field(description="Its phonemes in ARPAbet, with blanks between them.")
    ipa: str = Field(description="The same in the International Phonetic Alphabet, with blanks between words.")
    probability: float = Field(ge=0, le=1, description="Of the whole.")


class SpokenNameAnswer(BaseModel):
    """How one name is said."""

    name: str = Field(description="As sent; empty for a missing name.")
    top: list[PronunciationAnswer] = Field(description="Its pronunciations, the likeliest first; empty for a reason.")
    reason: str | None = Field(description="Why it has no pronunciation; null if it has one.")
    model: str


class PronounceAnswer(BaseModel):
    """The pronunciations of each name, in the same order."""

    model: str
    pronunciations: list[SpokenNameAnswer]


class SampleAnswer(BaseModel):
    """A new string."""

    text: str
    label: str | None = Field(description="What it was conditioned on; null for nothing.")
    log_probability: float = Field(description="Of the whole string and its end, nats, at temperature 1.")
    symbols: int = Field(description="How many symbols it has, the end counted.")
    is_seen: bool | None = Field(
        description="Whether it was probably in the training part; null if the model cannot tell."
    )
    reason: str | None = Field(description="Why it has no end; null if it has one.")
    model: str


class GenerateAnswer(BaseModel):
    """New strings, in the order in which they were drawn."""

    model: str
    samples: list[SampleAnswer]


class LikelihoodAnswer(BaseModel):
    """How probable the model finds a string."""

    name: str = Field(description="As sent; empty for a missing one.")
    label: str | None = Field(description="What it was conditioned on; null for nothing.")
    log_probability: float | None = Field(
        description="Of the whole string and its end, nats; null if the model cannot write it."
    )
    nats_per_symbol: float | None = Field(description="The mean surprise of a symbol, the end counted.")
    symbols: int = Field(description="How many symbols it has, the end counted; 0 if it was not read.")
    normalised: str = Field(description="What the model read.")
    unknown: list[str] = Field(description="The distinct symbols of it that the model cannot write.")
    reason: str | None = Field(description="Why there is no probability; null if there is one.")
    model: str


class ScoreAnswer(BaseModel):
    """One score for each string, in the same order."""

    model: str
    scores: list[LikelihoodAnswer]


class LetterAnswer(BaseModel):
    """What one letter contributes to an answer."""

    letter: str
    evidence: float = Field(description="How much the log-odds of the label fall without the letter, nats.")
    forwards: dict[str, float] = Field(
        description=f"The probability of each label, or of the {MOST} most likely ones, if the name ended here."
    )
    backwards: dict[str, float] = Field(description="The same if the name began here.")


class ExplainAnswer(BaseModel):
    """The explanation of an answer, letter by letter."""

    name: str
    normalised: str
    label: str
    probability: float
    letters: list[LetterAnswer]
    model: str
    level: str | None = Field(None, description="The level of the label; missing if the model has no levels.")


class ShareAnswer(BaseModel):
    """The share of one label in a group."""

    label: str
    share: float = Field(ge=0, le=1, description="The estimate: a share of the names that the model can read.")
    low: float = Field(ge=0, le=1, description="The lower end of the interval of 95 %.")
    high: float = Field(ge=0, le=1, description="Its upper end.")
    counted: float = Field(ge=0, le=1, description="The share of names whose most likely answer it is, uncorrected.")


class GroupAnswer(BaseModel):
    """One group of names."""

    group: str | None = Field(description="The value that its names share; null without groups, or without a value.")
    names: int = Field(description="Its rows.")
    missing: int = Field(description="Rows without a name.")
    read: int = Field(description="Names that were read: all others, or a sample of a large group.")
    abstained: int = Field(description="On how many of these the model abstains.")
    shares: list[ShareAnswer] = Field(description="Of all labels, the largest first; empty if no name can be read.")


class SharesAnswer(BaseModel):
    """The shares of labels in a table, or in each group of its rows, the largest group first."""

    model: str
    level: str | None
    by: str | None
    groups: list[GroupAnswer]
    notes: list[str] = Field(description="What a reader should know, one sentence each.")


class ModelAnswer(BaseModel):
    """The facts about one model."""

    name: str
    kind: str = Field(description="What elman train --task calls it, such as label, generate or pairs.")
    default: bool = Field(
        description="Whether requests that name no model get it: the first one that answers to what it reads, and the "
        "first one that writes new strings."
    )
    reads: str
    answers: str
    labels: list[str]
    levels: list[str] = Field(description="The levels of the labels, finest first; empty if there are none.")
    estimates: bool = Field(description="Whether it can estimate the shares of labels in a table.")
    coverages: list[float] = Field(description="The coverages of the prediction sets that the model can give.")
    parameters: int
    bytes: int
    accuracy: float | None = Field(
        description="On the test part of its own data, 0 to 1; null if it has no test part, or writes new strings."
    )
    reference: str = Field(description="What the model learned from, in one sentence.")
    origins: bool = Field(description="Whether the labels are origins of names, such as languages or countries.")
    countries: dict[str, str] = Field(description="The ISO 3166 code of each label that has one, such as NO.")
    examples: list[str] = Field(description="Strings to try, if the model file has some.")
    unseen: bool = Field(description="Whether it can write only strings that were not in its training part.")
    pronounces: bool = Field(description="Whether it writes ARPAbet, as /v1/pronounce needs.")


class ModelsAnswer(BaseModel):
    """The models of the service, in the order in which they were given."""

    models: list[ModelAnswer]


class HealthAnswer(BaseModel):
    """The service is alive."""

    status: Literal["ok"]


class ReadyAnswer(BaseModel):
    """The service takes requests."""

    status: Literal["ready"]


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="For programs.")
    message: str = Field(description="For people: one line that quotes nothing from the request.")


class ErrorAnswer(BaseModel):
    """Why a request failed."""

    error: ErrorDetail


Body = TypeVar("Body", bound=BaseModel)


async def read_json(request: Request, kind: type[Body]) -> Body:
    """Read and check the JSON body of a request.

    Args:
        request: the request.
        kind: its schema.

    Raises:
        RequestError: the body is not JSON, or does not match the schema.
    """
    if not _is_json(request.headers.get("content-type", "")):
        raise RequestError(415, "unsupported_media_type", "send the body as application/json")
    try:
        value = _DECODER.decode((await request.body()).decode())
    except json.JSONDecodeError as error:
        raise RequestError(400, "malformed", f"the body is not JSON, at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise RequestError(400, "malformed", f"the body is not UTF-8, at byte {error.start}") from None
    except (ValueError, RecursionError):
        message = "the body contains NaN or Infinity, or is nested too deeply"
        raise RequestError(400, "malformed", message) from None
    known = kind.model_fields
    if not isinstance(value, dict) or not value.keys() <= known.keys():
        raise _describe_fields(list(known))  # pydantic would describe each of any number of unknown fields
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise describe_invalid(error.errors(include_url=False, include_input=False), list(known)) from None


def describe_invalid(errors: Sequence[Any], known: Sequence[str]) -> RequestError:
    """Return the error response for a request that does not match its schema; it describes the first problem.

    Args:
        errors: the problems as pydantic lists them.
        known: the names of fields that the message may contain; others come from the request.
    """
    first = errors[0]
    where = [str(part) for part in first["loc"] if isinstance(part, int) or part in known]
    return RequestError(422, "invalid", f"{'.'.join(where)}: {first['msg']}") if where else _describe_fields(known)


def _describe_fields(known: Sequence[str]) -> RequestError:
    message = f"the body must be an object with no other fields than {', '.join(known)}"
    return RequestError(422, "invalid", message)


def _is_json(media_type: str) -> bool:
    return media_type.partition(";")[0].strip().lower() == "application/json"


def _reject_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


_DECODER = json.JSONDecoder(parse_constant=_reject_constant)
