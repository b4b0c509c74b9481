"""Description: what the OpenAPI document says of one service: its limits, its models and its key."""

from typing import Any

from elman.server.middleware import API, METRICS
from elman.server.models import Service

REFUSED = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}


def add_limits(document: dict[str, Any], service: Service) -> None:
    """Write what holds for one service into the document that FastAPI made for all."""
    schemas = document["components"]["schemas"]
    predict, explain = (schemas[f"{kind}Request"]["properties"] for kind in ("Predict", "Explain"))
    one = {"type": "string", "maxLength": service.settings.characters}
    many = {"type": "array", "maxItems": service.settings.names, "items": {"anyOf": [one, {"type": "null"}]}}
    predict["names"]["anyOf"] = [one, many]
    explain["name"] |= one
    classifiers = [model for model in service.models.values() if model.is_classifier]
    predict["model"] |= _one_of(service.models)
    explain["model"] |= _one_of([model.name for model in classifiers])
    explain["label"] |= _one_of([label for model in classifiers for label in model.predictor.labels])
    for path, item in document["paths"].items():
        for operation in item.values():
            _add_refusals(operation["responses"])
            if service.settings.api_key is not None and (path.startswith(API) or path == METRICS):
                operation["security"] = [{"bearer": []}, {"header": []}]
    if service.settings.api_key is not None:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }


def _add_refusals(responses: dict[str, Any]) -> None:
    """Say that a refusal is JSON, whatever the answer would have been, and when a busy service can be asked again."""
    for status, answer in responses.items():
        if int(status) >= 400:
            answer["content"] = REFUSED
        if status == "429":
            answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}


def _one_of(names: Any) -> dict[str, Any]:
    return {"anyOf": [{"type": "string", "enum": list(dict.fromkeys(names))}, {"type": "null"}]}
