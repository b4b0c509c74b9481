"""Routes: the paths of the service, and the functions behind them."""

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Query, Request, UploadFile
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from elman.prediction.options import AnswerOptions
from elman.server.errors import RequestError, json_response
from elman.server.jobs import MoreColumns
from elman.server.limits import run_while_connected
from elman.server.metrics import MEDIA_TYPE
from elman.server.middleware import ANNOTATE_PATH, ESTIMATE_PATH, METRICS_PATH
from elman.server.models import ServedWriter
from elman.server.schemas import (
    MOST_LABELS,
    ErrorAnswer,
    ExplainAnswer,
    ExplainRequest,
    GenerateAnswer,
    GenerateRequest,
    HealthAnswer,
    ModelsAnswer,
    PredictAnswer,
    PredictRequest,
    PronounceAnswer,
    PronounceRequest,
    ReadyAnswer,
    ScoreAnswer,
    ScoreRequest,
    SharesAnswer,
    read_json,
)
from elman.server.service import Service
from elman.server.uploads import (
    MEDIA_TYPES,
    SharesRequest,
    TableRequest,
    TextRequest,
    annotate_upload,
    estimate_upload,
)
from elman.server.writing import Order

PAGE = Path(__file__).with_name("page")

PREDICT_PATH, EXPLAIN_PATH = "/v1/predict", "/v1/explain"
PRONOUNCE_PATH = "/v1/pronounce"
GENERATE_PATH, SCORE_PATH = "/v1/generate", "/v1/score"

WATCHED_NAMES = 32
"""Requests for more names are dropped if the client leaves; fewer are scored sooner than that can be noticed."""

_ERRORS = {
    400: "The request is malformed, or the host name is not allowed.",
    401: "The key is missing or wrong.",
    403: "The request comes from a page of another site.",
    404: "Unknown model.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body has another media type or is compressed, or the table has another format.",
    422: "The request is invalid: too many names, a name that is too long, or a value out of range.",
    429: "The service is busy; try again after the seconds in Retry-After.",
    503: "The service is starting or stopping.",
    504: "The request took too long.",
}


def _error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the errors of a route for OpenAPI; every route has 400."""
    return {status: {"model": ErrorAnswer, "description": _ERRORS[status]} for status in (400, *statuses)}


api = APIRouter()
"""The routes that OpenAPI describes."""


TableFile = Annotated[
    UploadFile, File(description="A CSV, TSV, JSON Lines or Parquet file; its name gives the format.")
]

ColumnQuery = Annotated[
    str, Query(min_length=1, description="The column of the names, by its name or number.", examples=["name"])
]

ModelQuery = Annotated[str | None, Query(description="One of /v1/models; the default model if missing.")]

HeaderQuery = Annotated[
    bool | None,
    Query(description="Whether the first line of CSV or TSV names the columns; the column decides if missing."),
]

DelimiterQuery = Annotated[
    str | None, Query(description="The character between cells; recognised in the first line if missing.")
]

EncodingQuery = Annotated[
    str | None,
    Query(
        pattern=r"^[A-Za-z0-9_.:-]{1,40}$",
        description="The encoding of a text file; UTF-8, or what its byte order mark says, if missing.",
    ),
]


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


@api.post(
    PREDICT_PATH,
    summary="Predict where names come from",
    responses={200: {"model": PredictAnswer}, **_error_responses(401, 403, 404, 408, 413, 415, 422, 429, 503, 504)},
)
async def predict(request: Request, body: PredictRequest) -> Response:
    """Answer for one name or many, in order: calibrated probabilities, or a reason to abstain.

    A model of pairs writes the string that belongs to each name, and the next best ones, with their probabilities. An
    answer is an estimate from spelling alone. It is no evidence of a person's identity, ancestry or citizenship.
    """
    service = _service(request)
    model = service.find_answerer(body.model)
    options = AnswerOptions(body.top, body.abstain_below, body.level, body.prior, body.coverage, body.unfamiliar_below)
    work = service.predict(model, body.names, options, label=body.label, beam=body.beam)
    is_large = len(body.names) > WATCHED_NAMES or isinstance(model, ServedWriter)
    predictions = await (run_while_connected(request.receive, work) if is_large else work)
    return Response(b'{"model":%b,"predictions":%b}' % (model.json_name, predictions), media_type="application/json")


@api.post(
    PRONOUNCE_PATH,
    summary="Say how names are said",
    responses={200: {"model": PronounceAnswer}, **_error_responses(401, 403, 404, 408, 413, 415, 422, 429, 503, 504)},
)
async def pronounce(request: Request, body: PronounceRequest) -> Response:
    """Say one name or many, in order, in ARPAbet and in the International Phonetic Alphabet.

    A name of several words is said word by word, and names in other scripts are read in Latin letters.
    """
    service = _service(request)
    model = service.find_pronouncer(body.model)
    work = service.pronounce(model, body.names, body.label, top=body.top, beam=body.beam)
    spoken = await run_while_connected(request.receive, work)
    return Response(b'{"model":%b,"pronunciations":%b}' % (model.json_name, spoken), media_type="application/json")


@api.post(
    EXPLAIN_PATH,
    summary="Explain an answer",
    responses={200: {"model": ExplainAnswer}, **_error_responses(401, 403, 404, 408, 413, 415, 422, 429, 503, 504)},
)
async def explain(request: Request, body: ExplainRequest) -> Response:
    """Explain one answer, letter by letter: how it changes while the name is read, and the evidence of each letter."""
    service = _service(request)
    model = service.find_classifier(body.model)
    work = service.explain(model, body.name, body.label, body.level)
    return Response(await run_while_connected(request.receive, work), media_type="application/json")


@api.post(
    GENERATE_PATH,
    summary="Write new strings",
    responses={200: {"model": GenerateAnswer}, **_error_responses(401, 403, 404, 408, 413, 415, 422, 429, 503, 504)},
)
async def generate(request: Request, body: GenerateRequest) -> Response:
    """Write new strings, such as names, with a model that learned to: each with its log-probability."""
    service = _service(request)
    model = service.find_generator(body.model)
    order = Order(body.label, body.count, body.start, body.temperature, body.seed, body.unseen)
    samples = await run_while_connected(request.receive, service.write(model, order))
    return Response(b'{"model":%b,"samples":%b}' % (model.json_name, samples), media_type="application/json")


@api.post(
    SCORE_PATH,
    summary="Score strings",
    responses={200: {"model": ScoreAnswer}, **_error_responses(401, 403, 404, 408, 413, 415, 422, 429, 503, 504)},
)
async def score(request: Request, body: ScoreRequest) -> Response:
    """Say how probable a model that writes new strings finds given ones, in order, or why it cannot write them."""
    service = _service(request)
    model = service.find_generator(body.model)
    scores = await run_while_connected(request.receive, service.score(model, body.names, body.label))
    return Response(b'{"model":%b,"scores":%b}' % (model.json_name, scores), media_type="application/json")


@api.post(
    ANNOTATE_PATH,
    summary="Annotate a table",
    response_class=Response,
    responses={
        200: {
            "description": "The table with the columns elman_label, elman_probability and elman_reason, and for top > "
            "1 elman_label_2 and so on, and others. The headers X-Elman-Rows and X-Elman-Abstained count the rows.",
            "content": {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()},
        },
        **_error_responses(401, 403, 404, 408, 413, 415, 422, 429, 503, 504),
    },
)
async def annotate(
    request: Request,
    file: TableFile,
    column: ColumnQuery,
    top: Annotated[int, Query(ge=1, le=MOST_LABELS, description="How many labels to write for each row.")] = 1,
    abstain_below: Annotated[
        float, Query(ge=0, le=1, allow_inf_nan=False, description="Abstain if the best label's probability is lower.")
    ] = 0.0,
    level: Annotated[str | None, Query(description="The level of the labels to answer at, or auto.")] = None,
    prior: Annotated[
        Literal["model", "balanced", "uniform"] | None, Query(description="The population of the names.")
    ] = None,
    coverage: Annotated[
        float | None, Query(ge=0, le=1, allow_inf_nan=False, description="Write prediction sets that hold so often.")
    ] = None,
    unfamiliar_below: Annotated[
        float | None, Query(ge=0, le=1, allow_inf_nan=False, description="Abstain for names less familiar than this.")
    ] = None,
    all: Annotated[bool, Query(description="Write every probability, in a column for each label.")] = False,
    add: Annotated[
        list[Literal["script", "unknown", "familiar", "set"]],
        Query(description="What else to write, in a column each."),
    ] = [],  # noqa: B006 - the framework copies it
    format: Annotated[
        Literal["csv", "tsv", "jsonl", "parquet"] | None,
        Query(description="The format of the response; that of the file if missing."),
    ] = None,
    model: ModelQuery = None,
    header: HeaderQuery = None,
    delimiter: DelimiterQuery = None,
    encoding: EncodingQuery = None,
) -> Response:
    """Answer for a column of a table, and return the table with the answers in new columns: every row, in order."""
    service = _service(request)
    suffix = None if format is None else f".{format}"
    more = MoreColumns(
        level, prior, coverage, every=all, add=tuple(dict.fromkeys(add)), unfamiliar_below=unfamiliar_below
    )
    table = TableRequest(column, top, abstain_below, suffix, TextRequest(header, delimiter, encoding), more)
    return await annotate_upload(service, service.find_classifier(model), request, table)


@api.post(
    ESTIMATE_PATH,
    summary="Estimate the shares of labels in a table",
    responses={200: {"model": SharesAnswer}, **_error_responses(401, 403, 404, 408, 413, 415, 422, 429, 503, 504)},
)
async def estimate(
    request: Request,
    file: TableFile,
    column: ColumnQuery,
    by: Annotated[
        str | None, Query(min_length=1, description="The column of the groups, likewise; one group if missing.")
    ] = None,
    level: Annotated[
        str | None, Query(description="The level of the labels, such as region; the labels themselves if missing.")
    ] = None,
    model: ModelQuery = None,
    header: HeaderQuery = None,
    delimiter: DelimiterQuery = None,
    encoding: EncodingQuery = None,
) -> Response:
    """Estimate how a column of names divides into labels, with intervals of 95 %, in the table or in each group of it.

    The estimates correct the errors of the model and what was frequent in its training. They say nothing of a single
    name.
    """
    service = _service(request)
    table = SharesRequest(column, by, level, TextRequest(header, delimiter, encoding))
    return await estimate_upload(service, service.find_classifier(model), request, table)


async def _read_and_predict(request: Request) -> Response:
    return await predict(request, await read_json(request, PredictRequest))


async def _read_and_pronounce(request: Request) -> Response:
    return await pronounce(request, await read_json(request, PronounceRequest))


async def _read_and_explain(request: Request) -> Response:
    return await explain(request, await read_json(request, ExplainRequest))


async def _read_and_generate(request: Request) -> Response:
    return await generate(request, await read_json(request, GenerateRequest))


async def _read_and_score(request: Request) -> Response:
    return await score(request, await read_json(request, ScoreRequest))


@api.get(
    "/v1/models",
    summary="List the models",
    responses={200: {"model": ModelsAnswer}, **_error_responses(401, 429, 504)},
)
async def models(request: Request) -> Response:
    """List the models of the service, in the order in which they were given."""
    service = _service(request)
    defaults = (service.default, service.default_generator)
    return json_response(
        {
            "models": [
                {**one.facts, "default": any(one is other for other in defaults)} for one in service.models.values()
            ]
        }
    )


@api.get(
    "/v1/models/{name}/card",
    summary="Read the card of a model",
    response_class=HTMLResponse,
    responses={200: {"description": "A fragment of HTML."}, **_error_responses(401, 404, 422, 429, 504)},
)
async def card(request: Request, name: str) -> Response:
    """Describe a model: what it learned from, how good it is, and what it is not for."""
    return HTMLResponse(_service(request).find_model(name).card)


@api.get("/healthz", summary="Check liveness", responses={200: {"model": HealthAnswer}, **_error_responses()})
async def health() -> Response:
    """Report that the service is alive."""
    return json_response({"status": "ok"})


@api.get("/readyz", summary="Check readiness", responses={200: {"model": ReadyAnswer}, **_error_responses(503)})
async def readiness(request: Request) -> Response:
    """Report whether the service takes requests."""
    if not _service(request).is_ready:
        raise RequestError(503, "not_ready", "the service is starting or stopping")
    return json_response({"status": "ready"})


@api.get(
    METRICS_PATH,
    summary="Read the metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **_error_responses(401)},
)
async def metrics(request: Request) -> Response:
    """Return requests, latencies, names, abstentions and batches in Prometheus' text format."""
    return Response(_service(request).metrics.text(), headers={"Content-Type": MEDIA_TYPE})


class _RouteInScope:
    """Put the matching Starlette route into the scope, as FastAPI does for its own; the metrics read it."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self
        await super().handle(scope, receive, send)  # type: ignore[misc]  # of the second base class


class _PlainRoute(_RouteInScope, Route):
    pass


class _PlainMount(_RouteInScope, Mount):
    pass


async def _index(request: Request) -> Response:
    """Return the page that reads; the page that writes if the service has models for that one alone."""
    service = _service(request)
    return FileResponse(PAGE / ("write.html" if service.default is None else "index.html"))


async def _write(request: Request) -> Response:
    return FileResponse(PAGE / "write.html")


plain_routes: list[BaseRoute] = [
    _PlainRoute("/", _index),
    _PlainRoute("/write", _write),
    _PlainMount("/page", StaticFiles(directory=PAGE)),
]
"""The routes of the page, which OpenAPI does not describe."""

direct_routes = {
    PREDICT_PATH: _read_and_predict,
    PRONOUNCE_PATH: _read_and_pronounce,
    EXPLAIN_PATH: _read_and_explain,
    GENERATE_PATH: _read_and_generate,
    SCORE_PATH: _read_and_score,
}
"""What answers POST to these paths before the router sees it, because FastAPI takes several times as long to call the
same functions. OpenAPI describes them from ``api``."""

FIXED_PATHS = frozenset(
    route.path for route in (*plain_routes, *api.routes) if isinstance(route, Route) and "{" not in route.path
)
"""The paths of all routes without parameters, except the files of the page."""
