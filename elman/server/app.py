"""The app: models, limits and routes put together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from elman.prediction.predictor import Predictor
from elman.scoring.processor import single_threaded_products
from elman.server.errors import Refusal
from elman.server.middleware import HostGuard, KeyGuard, Record, SafeHeaders, WorkGuard
from elman.server.models import Service
from elman.server.openapi import add_limits
from elman.server.routes import PATHS, api, plain
from elman.server.schemas import invalid
from elman.server.settings import Settings
from elman.version import __version__

ABOUT = (
    "Small recurrent networks answer with calibrated probabilities, or with a reason to abstain. An answer is an "
    "estimate from spelling alone, relative to the lists that a model learned from. It is no evidence of a person's "
    "identity, ancestry or citizenship."
)


def create_app(
    predictors: Mapping[str, Predictor], settings: Settings | None = None, *, files: Mapping[str, Path] | None = None
) -> FastAPI:
    """Build the service.

    Args:
        predictors: the models by the name that requests use; the first is the default.
        settings: its limits.
        files: where models were read from, for their size and card; those made in memory have none.

    Raises:
        SettingError: there is no model, or one that cannot be served.
    """
    settings = settings or Settings()
    service = Service(predictors, settings, files or {})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with single_threaded_products():  # batches are small: the other cores are worth more to the network's side
            service.open()
            yield
            service.close()

    guards = [
        Middleware(SafeHeaders),
        Middleware(Record, counters=service.counters, paths=PATHS),
        Middleware(HostGuard, hosts=settings.allowed_hosts),
        Middleware(KeyGuard, key=settings.api_key),
        Middleware(WorkGuard, settings=settings),
    ]
    if settings.cors_origins:  # outside the record, so that other sites can read why they are refused
        guards.insert(1, Middleware(CORSMiddleware, **_cors(settings)))
    app = _App(
        title="Elman",
        version=__version__,
        description=ABOUT,
        docs_url=None,  # these pages load their parts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        middleware=guards,
        lifespan=lifespan,
        exception_handlers={HTTPException: _refused, RequestValidationError: _invalid},
    )
    app.state.service = service
    app.router.routes.extend(plain)
    app.include_router(api)
    return app


class _App(FastAPI):
    """An app whose OpenAPI document tells its own limits."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            add_limits(document, self.state.service)
        return super().openapi()


def _cors(settings: Settings) -> dict[str, Any]:
    return {
        "allow_origins": settings.cors_origins,
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["Authorization", "Content-Type", "X-API-Key"],
        "expose_headers": ["Content-Disposition", "Retry-After", "X-Elman-Rows", "X-Elman-Abstained"],
    }


async def _refused(request: Request, error: Exception) -> Response:
    """Answer what the routes, or the framework below them, refuse."""
    if not isinstance(error, Refusal):
        assert isinstance(error, HTTPException)
        code, message = _KNOWN.get(error.status_code, ("refused", "this cannot be answered"))
        error = Refusal(error.status_code, code, message, error.headers)
    return error.response()


_KNOWN = {
    400: ("malformed", "the body cannot be read; send it as the interface describes, in UTF-8"),
    404: ("not_found", "there is nothing here; /openapi.json lists what can be asked"),
    405: ("method_not_allowed", "this cannot be asked in this way; the header Allow says how"),
}


async def _invalid(request: Request, error: Exception) -> Response:
    """Answer a request whose parameters or form are not as described, without quoting them."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    form = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if first["loc"][0] == "body" and form != "multipart/form-data":
        return Refusal(
            415, "unsupported_media_type", "send the file as multipart/form-data, in the field file"
        ).response()
    return invalid(error.errors(), _PARAMETERS).response()


_PARAMETERS = ("column", "top", "abstain_below", "format", "model", "file")
