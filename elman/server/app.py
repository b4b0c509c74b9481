"""App: builds the service from models, limits and routes."""

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

from elman.prediction.loading import AnyModel
from elman.scoring.processor import single_threaded_products
from elman.server.errors import RequestError
from elman.server.limits import LimitsMiddleware
from elman.server.middleware import (
    DirectMiddleware,
    HeadMiddleware,
    HostMiddleware,
    KeyMiddleware,
    MetricsMiddleware,
    OriginMiddleware,
    SecurityHeadersMiddleware,
)
from elman.server.openapi import add_limits
from elman.server.routes import FIXED_PATHS, api, direct_routes, plain_routes
from elman.server.schemas import describe_invalid
from elman.server.service import Service
from elman.server.settings import Settings
from elman.version import __version__

DESCRIPTION = (
    "Small recurrent networks answer with calibrated probabilities, or with a reason to abstain. An answer is an "
    "estimate from spelling alone, relative to the lists that a model learned from. It is no evidence of a person's "
    "identity, ancestry or citizenship."
)


def create_app(
    models: Mapping[str, AnyModel], settings: Settings | None = None, *, files: Mapping[str, Path] | None = None
) -> FastAPI:
    """Build the service.

    Args:
        models: what `elman.load` returns, by the names in requests; the first one is the default, and of those that
            write new strings the first one too.
        settings: the limits; the defaults if None.
        files: the files of models, for their size and card; models made in memory have none.

    Raises:
        SettingError: there is no model, or one that cannot be served.
    """
    settings = settings or Settings()
    service = Service(models, settings, files or {})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with single_threaded_products():  # batches are small: the event loop makes better use of the other cores
            service.start()
            yield
            service.stop()

    middleware = [
        Middleware(HeadMiddleware),
        Middleware(SecurityHeadersMiddleware),
        Middleware(MetricsMiddleware, metrics=service.metrics, paths=FIXED_PATHS),
        Middleware(HostMiddleware, hosts=settings.allowed_hosts),
        Middleware(OriginMiddleware, origins=settings.cors_origins),
        Middleware(KeyMiddleware, key=settings.api_key),
        Middleware(LimitsMiddleware, settings=settings, in_progress=service.in_progress),
        Middleware(DirectMiddleware, routes=direct_routes),
    ]
    if settings.cors_origins:  # before the layers that reject requests, so that other sites can read the errors
        middleware.insert(2, Middleware(CORSMiddleware, **_cors_options(settings)))
    app = _App(
        title="Elman",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # these pages load scripts from other sites
        redoc_url=None,
        redirect_slashes=False,
        middleware=middleware,
        lifespan=lifespan,
        exception_handlers={HTTPException: _answer_error, RequestValidationError: _answer_invalid},
    )
    app.state.service = service
    app.router.routes.extend(plain_routes)
    app.include_router(api)
    return app


class _App(FastAPI):
    """An app whose OpenAPI document contains its own limits."""

    def openapi(self) -> dict[str, Any]:
        """Return the document; it is made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            add_limits(document, self.state.service)
        return super().openapi()


def _cors_options(settings: Settings) -> dict[str, Any]:
    return {
        "allow_origins": settings.cors_origins,
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["Authorization", "Content-Type", "X-API-Key"],
        "expose_headers": ["Content-Disposition", "Retry-After", "X-Elman-Rows", "X-Elman-Abstained"],
    }


async def _answer_error(request: Request, error: Exception) -> Response:
    """Return the response for an error of the routes or of the framework."""
    if not isinstance(error, RequestError):
        assert isinstance(error, HTTPException)
        code, message = _FRAMEWORK_ERRORS.get(error.status_code, ("refused", "the request cannot be answered"))
        error = RequestError(error.status_code, code, message, error.headers)
    return error.response()


_FRAMEWORK_ERRORS = {
    400: ("malformed", "the body cannot be read; send it as /openapi.json describes, in UTF-8"),
    404: ("not_found", "unknown path; /openapi.json lists all paths"),
    405: ("method_not_allowed", "this path has other methods; the Allow header lists them"),
}


async def _answer_invalid(request: Request, error: Exception) -> Response:
    """Return the response for invalid parameters or an invalid form, without quoting them."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if first["loc"][0] == "body" and media_type != "multipart/form-data":
        message = "send the file as multipart/form-data, in the field file"
        return RequestError(415, "unsupported_media_type", message).response()
    return describe_invalid(error.errors(), _PARAMETERS).response()


_PARAMETERS = (
    *("column", "by", "top", "abstain_below", "level", "prior", "coverage", "unfamiliar_below", "all", "add"),
    *("format", "model", "header", "delimiter", "encoding", "file"),
)
