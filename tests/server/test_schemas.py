"""An invalid request gets a clear error that does not quote it."""

import pytest
from client import CANARY, error_message, make_app, send

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def app(predictor):
    return make_app(predictor)


def post(app, content, path="/v1/predict", headers=JSON):
    return send(app, "POST", path, content=content, headers=headers)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        f'{{"names": "{CANARY}"'.encode(),
        f"{{{CANARY}: 1}}".encode(),
        f"['{CANARY}']".encode(),
        b'{"names": "a\nb"}',
        b'{"names": "\\x"}',
        b'{"names": "\xff"}',
        '{"names": "a"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"names": "a"}',
        b'{"names": NaN}',
        b'{"names": "a", "abstain_below": Infinity}',
        b'{"names": "a", "top": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"names": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
    ids=lambda content: content[:20],
)
def test_a_body_that_is_not_json_is_malformed(app, content):
    assert CANARY not in error_message(post(app, content), 400, "malformed")


@pytest.mark.parametrize("content", [b'{"names": NaN}', b"[" * 100_000])
def test_nan_and_deep_nesting_are_named(app, content):
    message = error_message(post(app, content), 400, "malformed")
    assert message == "the body contains NaN or Infinity, or is nested too deeply"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[]", "object"),
        ("null", "object"),
        ('"a"', "object"),
        ("{}", "names"),
        ('{"name": "a"}', "names"),
        ('{"names": null}', "names"),
        ('{"names": 1}', "names"),
        ('{"names": {"a": 1}}', "names"),
        ('{"names": ["a", 1]}', "position 1"),
        ('{"names": ["a", ["a"]]}', "position 1"),
        ('{"names": "a", "top": 0}', "top"),
        ('{"names": "a", "top": 1001}', "top"),
        ('{"names": "a", "top": true}', "top"),
        ('{"names": "a", "top": "3"}', "top"),
        ('{"names": "a", "top": null}', "top"),
        ('{"names": "a", "top": 2.5}', "top"),
        ('{"names": "a", "top": 1e400}', "top"),
        ('{"names": "a", "top": 123456789012345678901234567890}', "top"),
        ('{"names": "a", "abstain_below": -0.1}', "abstain_below"),
        ('{"names": "a", "abstain_below": 1.1}', "abstain_below"),
        ('{"names": "a", "abstain_below": 1e400}', "abstain_below"),
        ('{"names": "a", "abstain_below": "0.5"}', "abstain_below"),
        ('{"names": "a", "abstain_below": false}', "abstain_below"),
        ('{"names": "a", "model": 1}', "model"),
        ('{"names": "a", "model": ["toy"]}', "model"),
        (f'{{"names": "a", "{CANARY}": 1}}', "top, abstain_below"),
        ('{"names": "a", "\\ud800": 1}', "top, abstain_below"),
    ],
)
def test_a_prediction_request_that_breaks_the_schema_is_invalid(app, content, named):
    message = error_message(post(app, content), 422, "invalid")
    assert named in message
    assert CANARY not in message


@pytest.mark.parametrize(
    "content", ["{}", '{"name": 1}', '{"name": null}', '{"name": "abc", "label": 1}', '{"names": "a"}']
)
def test_an_explanation_request_that_breaks_the_schema_is_invalid(app, content):
    error_message(post(app, content, "/v1/explain"), 422, "invalid")


@pytest.mark.parametrize("top", ["2.0", "2e0", "2"])
def test_a_whole_number_may_be_written_as_a_float(app, top):
    (row,) = post(app, f'{{"names": "a", "top": {top}}}').json()["predictions"]
    assert len(row["top"]) == 2


@pytest.mark.parametrize("names", ['"\\ud800"', '["\\udfff\\ud800", "a\\u0000b"]', '"\\u0000"', '"\\uffff"'])
def test_lone_surrogates_and_control_characters_are_answered(app, names):
    answer = post(app, f'{{"names": {names}}}')
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == names.count('"') // 2


def test_a_lone_surrogate_is_an_unknown_model_or_label(app):
    error_message(post(app, '{"names": "a", "model": "\\ud800"}'), 404, "unknown_model")
    error_message(post(app, '{"name": "a", "label": "\\ud800"}', "/v1/explain"), 422, "unknown_label")


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"]
)
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain", "/v1/pronounce"])
def test_another_media_type_is_an_error(app, media_type, path):
    answer = post(app, '{"names": "a"}', path, {"Content-Type": media_type})
    assert "application/json" in error_message(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_media_type_may_have_parameters_and_capitals(app, media_type):
    assert post(app, '{"names": "a"}', headers={"Content-Type": media_type}).status_code == 200
