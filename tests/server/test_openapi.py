"""The OpenAPI document is true: its examples work, and whatever is made from it meets an answer that it describes."""

import pytest
from asking import CSV, ask, service
from hypothesis import HealthCheck, given, settings

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis: pip install 'elman[dev]'")

KEYED = {"/v1/predict", "/v1/explain", "/v1/annotate", "/v1/models", "/v1/models/{name}/card", "/metrics"}


@pytest.fixture(scope="module")
def app(predictor):
    return service(predictor)


@pytest.fixture(scope="module")
def document(app):
    return ask(app, "GET", "/openapi.json").json()


def test_the_document_lists_every_question(document):
    assert set(document["paths"]) == KEYED | {"/healthz", "/readyz"}


def test_every_example_is_answered(app, document):
    tried = 0
    for path, schema in (("/v1/predict", "PredictRequest"), ("/v1/explain", "ExplainRequest")):
        for example in document["components"]["schemas"][schema]["examples"]:
            assert ask(app, "POST", path, json=example).status_code == 200
            tried += 1
    (table,) = [one for one in document["paths"]["/v1/annotate"]["post"]["parameters"] if one["required"]]
    for example in table["schema"]["examples"]:
        answer = ask(app, "POST", "/v1/annotate", params={table["name"]: example}, files={"file": ("a.csv", CSV)})
        assert answer.status_code == 200
        tried += 1
    assert tried >= 4


def test_the_document_tells_the_limits_of_its_service(predictor):
    app = service(predictor, names=7, characters=9)
    schemas = ask(app, "GET", "/openapi.json").json()["components"]["schemas"]
    one, many = schemas["PredictRequest"]["properties"]["names"]["anyOf"]
    assert (one["maxLength"], many["maxItems"], many["items"]["anyOf"][0]["maxLength"]) == (9, 7, 9)
    assert schemas["ExplainRequest"]["properties"]["name"]["maxLength"] == 9
    label, model = (schemas["ExplainRequest"]["properties"][name]["anyOf"][0]["enum"] for name in ("label", "model"))
    assert (label, model) == (list(predictor.labels), ["toy"])
    standard = ask(service(predictor), "GET", "/openapi.json").json()["components"]["schemas"]
    assert standard["ExplainRequest"]["properties"]["name"]["maxLength"] == 1000


def test_the_document_says_where_a_key_is_needed(predictor, document):
    assert "securitySchemes" not in document["components"]
    keyed = ask(service(predictor, api_key="key"), "GET", "/openapi.json").json()
    assert set(keyed["components"]["securitySchemes"]) == {"bearer", "header"}
    asking = {path for path, item in keyed["paths"].items() for one in item.values() if "security" in one}
    assert asking == KEYED


def test_every_refusal_has_one_form(document):
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if status != "200":
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}, (path, status)


POSTS = {"/v1/predict", "/v1/explain", "/v1/annotate"}
GETS = {"/v1/models", "/v1/models/{name}/card", "/healthz", "/readyz", "/metrics"}
QUESTIONS = {*(("post", path) for path in POSTS), *(("get", path) for path in GETS)}
KEY = "key of the house"


@pytest.fixture(scope="module", params=[None, KEY], ids=["open", "keyed"])
def contract(predictor, request):
    app = service(predictor, api_key=request.param, allowed_hosts=("*",))
    return schemathesis.openapi.from_asgi("/openapi.json", app), {"X-API-Key": request.param} if request.param else {}


def test_every_question_is_tried(document):
    assert {(method, path) for path, item in document["paths"].items() for method in item} == QUESTIONS


def validated(contract, method, path, mode, *left_out):
    """Ask what schemathesis makes up, and hold every answer against the document."""
    document, headers = contract

    @given(case=document[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=40, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def check(case):
        case.call_and_validate(headers=headers, excluded_checks=list(left_out))

    check()


@pytest.mark.parametrize(("method", "path"), sorted(QUESTIONS))
def test_what_the_document_allows_is_answered_as_it_says(contract, method, path):
    # No document can say which names a model reads, or what stands in a table: these may still be refused.
    no_promise = [schemathesis.checks.positive_data_acceptance] if path in ("/v1/explain", "/v1/annotate") else []
    validated(contract, method, path, schemathesis.GenerationMode.POSITIVE, *no_promise)


@pytest.mark.parametrize("contract", [None], ids=["open"], indirect=True)  # with a key, they could make up others
@pytest.mark.parametrize("path", sorted(POSTS))
def test_what_the_document_does_not_allow_is_refused_as_it_says(contract, path):
    validated(contract, "post", path, schemathesis.GenerationMode.NEGATIVE)
