"""The OpenAPI document is true: its examples work, and requests made from it get the responses that it describes."""

import pytest
from client import CSV, make_app, make_generator, make_pronouncer, make_transcriber, send
from hypothesis import HealthCheck, given, settings

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis: pip install 'elman[dev]'")

PROTECTED = {
    "/v1/predict",
    "/v1/explain",
    "/v1/pronounce",
    "/v1/generate",
    "/v1/score",
    "/v1/annotate",
    "/v1/estimate",
    "/v1/models",
    "/v1/models/{name}/card",
    "/metrics",
}


@pytest.fixture(scope="module")
def app(predictor):
    return make_app(predictor, make_generator(), make_pronouncer())


@pytest.fixture(scope="module")
def document(app):
    return send(app, "GET", "/openapi.json").json()


def test_the_document_lists_every_path(document):
    assert set(document["paths"]) == PROTECTED | {"/healthz", "/readyz"}


def test_every_example_works(app, document):
    tried = 0
    for path in ("predict", "pronounce", "explain", "generate", "score"):
        path, schema = f"/v1/{path}", f"{path.capitalize()}Request"
        for example in document["components"]["schemas"][schema]["examples"]:
            assert send(app, "POST", path, json=example).status_code == 200
            tried += 1
    (table,) = [one for one in document["paths"]["/v1/annotate"]["post"]["parameters"] if one["required"]]
    for example in table["schema"]["examples"]:
        answer = send(app, "POST", "/v1/annotate", params={table["name"]: example}, files={"file": ("a.csv", CSV)})
        assert answer.status_code == 200
        tried += 1
    assert tried >= 8


def test_the_document_contains_the_limits_of_its_service(predictor):
    app = make_app(
        predictor, make_generator(), make_transcriber(), make_pronouncer(labels=("Greek",)), names=7, characters=9
    )
    schemas = send(app, "GET", "/openapi.json").json()["components"]["schemas"]
    one, many = schemas["PredictRequest"]["properties"]["names"]["anyOf"]
    assert (one["maxLength"], many["maxItems"], many["items"]["anyOf"][0]["maxLength"]) == (9, 7, 9)
    assert schemas["ExplainRequest"]["properties"]["name"]["maxLength"] == 9
    label, model = (schemas["ExplainRequest"]["properties"][name]["anyOf"][0]["enum"] for name in ("label", "model"))
    assert (label, model) == (list(predictor.labels), ["toy"])
    written = schemas["GenerateRequest"]["properties"]
    assert (written["count"]["maximum"], written["start"]["maxLength"]) == (7, 9)
    label, model = (written[name]["anyOf"][0]["enum"] for name in ("label", "model"))
    assert (label, model) == (["Dutch", "Greek"], ["names"])
    spoken = schemas["PronounceRequest"]["properties"]
    assert spoken["names"]["anyOf"] == [one, many]
    assert spoken["model"]["anyOf"][0]["enum"] == ["phonemes"]
    for request, known in (("Pronounce", ["Greek"]), ("Predict", ["Dutch", "Greek"])):
        label, _, labels = schemas[f"{request}Request"]["properties"]["label"]["anyOf"]
        assert (label["enum"], labels["items"]["anyOf"][0]["enum"], labels["maxItems"]) == (known, known, 7)
    standard = send(make_app(predictor), "GET", "/openapi.json").json()["components"]["schemas"]
    assert standard["ExplainRequest"]["properties"]["name"]["maxLength"] == 1000


def test_the_document_says_which_paths_need_a_key(predictor, document):
    assert "securitySchemes" not in document["components"]
    keyed = send(make_app(predictor, api_key="key"), "GET", "/openapi.json").json()
    assert set(keyed["components"]["securitySchemes"]) == {"bearer", "header"}
    protected = {path for path, item in keyed["paths"].items() for one in item.values() if "security" in one}
    assert protected == PROTECTED


def test_every_error_has_one_schema(document):
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if status != "200":
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}, (path, status)


POSTS = {f"/v1/{name}" for name in ("predict", "pronounce", "explain", "generate", "score", "annotate", "estimate")}
GETS = {"/v1/models", "/v1/models/{name}/card", "/healthz", "/readyz", "/metrics"}
OPERATIONS = {*(("post", path) for path in POSTS), *(("get", path) for path in GETS)}
KEY = "key of the server"


@pytest.fixture(scope="module", params=[None, KEY], ids=["open", "keyed"])
def contract(predictor, request):
    app = make_app(predictor, make_generator(), make_pronouncer(), api_key=request.param, allowed_hosts=("*",))
    return schemathesis.openapi.from_asgi("/openapi.json", app), {"X-API-Key": request.param} if request.param else {}


def test_every_operation_is_tested(document):
    assert {(method, path) for path, item in document["paths"].items() for method in item} == OPERATIONS


def check_responses(contract, method, path, mode, *excluded):
    """Send generated requests, and check every response against the document."""
    document, headers = contract

    @given(case=document[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=40, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def check(case):
        case.call_and_validate(headers=headers, excluded_checks=list(excluded))

    check()


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_valid_requests_get_the_described_responses(contract, method, path):
    # The document cannot say what a model reads and which levels and sets it has, or what a table contains.
    excluded = [schemathesis.checks.positive_data_acceptance] if path in POSTS else []
    check_responses(contract, method, path, schemathesis.GenerationMode.POSITIVE, *excluded)


@pytest.mark.parametrize("contract", [None], ids=["open"], indirect=True)  # a generated key would be wrong
@pytest.mark.parametrize("path", sorted(POSTS))
def test_invalid_requests_get_the_described_errors(contract, path):
    check_responses(contract, "post", path, schemathesis.GenerationMode.NEGATIVE)
