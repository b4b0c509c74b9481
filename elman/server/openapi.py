"""OpenAPI: what the document says about one service: its limits, its models and its key."""

from collections.abc import Iterable
from typing import Any

from elman.server.middleware import API_PREFIX, METRICS_PATH
from elman.server.models import Served, ServedModel, ServedWriter
from elman.server.service import Service

ERROR_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}


def add_limits(document: dict[str, Any], service: Service) -> None:
    """Add what holds for one service to the document that FastAPI makes from the routes."""
    schemas = document["components"]["schemas"]
    predict, pronounce, explain, generate, score = (
        schemas[f"{kind}Request"]["properties"] for kind in ("Predict", "Pronounce", "Explain", "Generate", "Score")
    )
    one = {"type": "string", "maxLength": service.settings.characters}
    many = {"type": "array", "maxItems": service.settings.names, "items": {"anyOf": [one, {"type": "null"}]}}
    predict["names"]["anyOf"] = pronounce["names"]["anyOf"] = score["names"]["anyOf"] = [one, many]
    explain["name"] |= one
    generate["start"] |= one
    generate["count"]["maximum"] = service.settings.names
    models = service.models.values()
    classifiers = [model for model in models if isinstance(model, ServedModel) and model.is_classifier]
    generators = [model for model in models if model.generates]
    pronouncers = [model for model in models if isinstance(model, ServedWriter) and model.pronounces]
    predict["model"] |= _choice_or_null(model.name for model in models if not model.generates)
    transcribers = [model for model in models if isinstance(model, ServedWriter) and not model.generates]
    for told, writers in ((predict, transcribers), (pronounce, pronouncers)):
        told["label"] |= _choice_for_each(_labels_of(writers), most=service.settings.names)
    pronounce["model"] |= _choice_or_null(model.name for model in pronouncers)
    for written in (generate, score):
        written["model"] |= _choice_or_null(model.name for model in generators)
        written["label"] |= _choice_or_null(_labels_of(generators))
    explain["model"] |= _choice_or_null(model.name for model in classifiers)
    explain["label"] |= _choice_or_null(label for model in classifiers for label in model.predictor.labels)
    for path, item in document["paths"].items():
        for operation in item.values():
            _describe_errors(operation["responses"])
            if service.settings.api_key is not None and (path.startswith(API_PREFIX) or path == METRICS_PATH):
                operation["security"] = [{"bearer": []}, {"header": []}]
    if service.settings.api_key is not None:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }


def _describe_errors(responses: dict[str, Any]) -> None:
    """State that every error is JSON, whatever the route returns, and when to try again after a 429."""
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = ERROR_CONTENT
        if status == "429":
            response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}


def _labels_of(models: Iterable[Served]) -> list[str]:
    return [label for model in models for label in model.labels]


def _choice_for_each(choices: Iterable[str], *, most: int) -> dict[str, Any]:
    """Return what describes one choice, an array with a choice or null for each name, or null."""
    one = _choice_or_null(choices)
    return {"anyOf": [*one["anyOf"], {"type": "array", "maxItems": most, "items": one}]}


def _choice_or_null(choices: Iterable[str]) -> dict[str, Any]:
    listed, nothing = list(dict.fromkeys(choices)), {"type": "null"}
    return {"anyOf": [{"type": "string", "enum": listed}, nothing] if listed else [nothing]}
