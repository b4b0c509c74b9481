"""Routes: what can be asked, and where."""

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Query, Request, UploadFile
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from elman.server.errors import Refusal, json_response
from elman.server.metrics import MEDIA_TYPE
from elman.server.middleware import METRICS, TABLES
from elman.server.models import Service
from elman.server.schemas import (
    MOST_LABELS,
    ErrorAnswer,
    ExplainAnswer,
    ExplainRequest,
    HealthAnswer,
    ModelsAnswer,
    PredictAnswer,
    PredictRequest,
    ReadyAnswer,
    read_json,
)
from elman.server.uploads import MEDIA_TYPES, TableQuestion, annotate_upload

PAGE = Path(__file__).with_name("page")

PREDICT, EXPLAIN = "/v1/predict", "/v1/explain"

_REFUSALS = {
    400: "The request is malformed, or the service may not be called by this host name.",
    401: "The key is missing or wrong.",
    404: "There is no such model.",
    413: "The body is too large.",
    415: "The body is of another media type, or the table of another format.",
    422: "What is asked for cannot be: too many names, a name that is too long, a value out of its range.",
    429: "The service works on as much as it may; try again after the seconds that Retry-After says.",
    503: "The service is starting or stopping.",
    504: "It was not done in the time that a request may take.",
}


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of the refusals that a route can answer with, beside 400."""
    return {status: {"model": ErrorAnswer, "description": _REFUSALS[status]} for status in (400, *statuses)}


api = APIRouter()
"""What can be asked, as OpenAPI describes it."""


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


@api.post(
    PREDICT,
    summary="Say where names come from",
    responses={200: {"model": PredictAnswer}, **_refusals(401, 404, 413, 415, 422, 429, 503, 504)},
)
async def predict(request: Request, asked: PredictRequest) -> Response:
    """Answer for one name or many: calibrated probabilities, or a reason to abstain; a prediction for each, in order.

    An answer is an estimate from spelling alone. It is no evidence of a person's identity, ancestry or citizenship.
    """
    service = _service(request)
    model = service.model(asked.model)
    predictions = await service.predictions(model, asked.names, top=asked.top, abstain_below=asked.abstain_below)
    return Response(b'{"model":%b,"predictions":%b}' % (model.json_name, predictions), media_type="application/json")


@api.post(
    EXPLAIN,
    summary="Show how an answer comes about",
    responses={200: {"model": ExplainAnswer}, **_refusals(401, 404, 413, 415, 422, 429, 503, 504)},
)
async def explain(request: Request, asked: ExplainRequest) -> Response:
    """Explain one answer, letter by letter: how it moves while the name is read, and what each letter is worth."""
    service = _service(request)
    model = service.model(asked.model, classifier=True)
    return Response(await service.explanation(model, asked.name, asked.label), media_type="application/json")


@api.post(
    TABLES,
    summary="Annotate a table",
    response_class=Response,
    responses={
        200: {
            "description": "The table with the columns elman_label, elman_probability and elman_reason, and for top > "
            "1 elman_label_2 and so on. X-Elman-Rows and X-Elman-Abstained say how many rows there are.",
            "content": {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()},
        },
        **_refusals(401, 404, 413, 415, 422, 429, 504),
    },
)
async def annotate(
    request: Request,
    file: Annotated[UploadFile, File(description="A CSV, TSV, JSON Lines or Parquet file, told by its name.")],
    column: Annotated[str, Query(min_length=1, description="The column of the names.", examples=["name"])],
    top: Annotated[int, Query(ge=1, le=MOST_LABELS, description="How many labels to write for each row.")] = 1,
    abstain_below: Annotated[
        float, Query(ge=0, le=1, allow_inf_nan=False, description="Abstain where the probability is lower.")
    ] = 0.0,
    format: Annotated[
        Literal["csv", "tsv", "jsonl", "parquet"] | None,
        Query(description="The format of the answer; as the file's where it is not given."),
    ] = None,
    model: Annotated[str | None, Query(description="One of /v1/models; the default one where it is not given.")] = None,
) -> Response:
    """Answer for a column of a table, and send the table back with the answers beside it: every row, in its order."""
    service = _service(request)
    asked = TableQuestion(column, top, abstain_below, None if format is None else f".{format}")
    return await annotate_upload(service, service.model(model, classifier=True), file, asked)


async def _read_and_predict(request: Request) -> Response:
    return await predict(request, await read_json(request, PredictRequest))


async def _read_and_explain(request: Request) -> Response:
    return await explain(request, await read_json(request, ExplainRequest))


@api.get(
    "/v1/models",
    summary="List the models",
    responses={200: {"model": ModelsAnswer}, **_refusals(401, 429, 504)},
)
async def models(request: Request) -> Response:
    """List the models that the service answers with, the default one first."""
    service = _service(request)
    return json_response(
        {"models": [{**one.facts, "default": one is service.default} for one in service.models.values()]}
    )


@api.get(
    "/v1/models/{name}/card",
    summary="Read the card of a model",
    response_class=HTMLResponse,
    responses={200: {"description": "A fragment of HTML."}, **_refusals(401, 404, 422, 429, 504)},
)
async def card(request: Request, name: str) -> Response:
    """Say what a model is, what it learned from, how good it is, and what it is not for."""
    return HTMLResponse(_service(request).model(name).card)


@api.get("/healthz", summary="Ask whether it lives", responses={200: {"model": HealthAnswer}, **_refusals()})
async def health() -> Response:
    """Say that the service is alive."""
    return json_response({"status": "ok"})


@api.get("/readyz", summary="Ask whether it is ready", responses={200: {"model": ReadyAnswer}, **_refusals(503)})
async def readiness(request: Request) -> Response:
    """Say whether the service takes requests."""
    if not _service(request).is_ready:
        raise Refusal(503, "not_ready", "the service is starting or stopping")
    return json_response({"status": "ready"})


@api.get(
    METRICS,
    summary="Read its counters",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **_refusals(401)},
)
async def metrics(request: Request) -> Response:
    """Return requests, latencies, names, abstentions and batches, in Prometheus' text format."""
    return Response(_service(request).counters.text(), headers={"Content-Type": MEDIA_TYPE})


class _Named:
    """A route of Starlette's that says which one it is, as FastAPI's do."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self
        await super().handle(scope, receive, send)  # type: ignore[misc]  # that of the route beside this class


class _PlainRoute(_Named, Route):
    pass


class _PlainMount(_Named, Mount):
    pass


async def _index(request: Request) -> Response:
    return FileResponse(PAGE / "index.html")


plain: list[BaseRoute] = [
    _PlainRoute(PREDICT, _read_and_predict, methods=["POST"]),
    _PlainRoute(EXPLAIN, _read_and_explain, methods=["POST"]),
    _PlainRoute("/", _index),
    _PlainMount("/page", StaticFiles(directory=PAGE)),
]
"""Routes without FastAPI: the page, and those that take JSON. The latter are described above and answered here, for
FastAPI's own way to the same functions takes three times as long."""

PATHS = frozenset(route.path for route in (*plain, *api.routes) if isinstance(route, Route) and "{" not in route.path)
"""The paths of all routes but the page's parts, where they have no parameters."""
