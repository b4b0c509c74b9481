"""Whatever is sent instead of a question gets a clear refusal that does not quote it."""

import pytest
from asking import CANARY, ask, refusal, service

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def app(predictor):
    return service(predictor)


def post(app, content, path="/v1/predict", headers=JSON):
    return ask(app, "POST", path, content=content, headers=headers)


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
def test_what_is_no_json_is_malformed(app, content):
    assert CANARY not in refusal(post(app, content), 400, "malformed")


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
def test_what_is_no_question_is_invalid(app, content, named):
    message = refusal(post(app, content), 422, "invalid")
    assert named in message
    assert CANARY not in message


@pytest.mark.parametrize(
    "content", ["{}", '{"name": 1}', '{"name": null}', '{"name": "abc", "label": 1}', '{"names": "a"}']
)
def test_what_asks_for_no_explanation_is_invalid(app, content):
    refusal(post(app, content, "/v1/explain"), 422, "invalid")


@pytest.mark.parametrize("top", ["2.0", "2e0", "2"])
def test_a_whole_number_may_be_written_in_other_ways(app, top):
    (row,) = post(app, f'{{"names": "a", "top": {top}}}').json()["predictions"]
    assert len(row["top"]) == 2


@pytest.mark.parametrize("names", ['"\\ud800"', '["\\udfff\\ud800", "a\\u0000b"]', '"\\u0000"', '"\\uffff"'])
def test_odd_characters_are_answered(app, names):
    answer = post(app, f'{{"names": {names}}}')
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == names.count('"') // 2


def test_half_a_pair_may_stand_for_a_model_or_a_label(app):
    refusal(post(app, '{"names": "a", "model": "\\ud800"}'), 404, "unknown_model")
    refusal(post(app, '{"name": "a", "label": "\\ud800"}', "/v1/explain"), 422, "unknown_label")


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"]
)
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain"])
def test_another_media_type_is_refused(app, media_type, path):
    answer = post(app, '{"names": "a"}', path, {"Content-Type": media_type})
    assert "application/json" in refusal(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_media_type_may_be_written_in_other_ways(app, media_type):
    assert post(app, '{"names": "a"}', headers={"Content-Type": media_type}).status_code == 200
