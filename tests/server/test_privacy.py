"""No name appears in a log, a metric or an error: the tests send one in every way and search for it everywhere."""

import logging

import pytest
from client import (
    CANARY,
    CSV,
    annotate,
    estimate,
    explain,
    generate,
    make_app,
    make_generator,
    make_pronouncer,
    make_transcriber,
    post_json,
    predict,
    pronounce,
    score,
    send,
)

from elman.prediction.predictor import Predictor

SPELLINGS = {CANARY, CANARY.lower(), CANARY.upper(), CANARY[:8], CANARY.encode().hex()}


class Failing(Predictor):
    """A predictor with bugs whose messages quote the names."""

    def answer_all(self, names, options):
        raise RuntimeError(f"cannot predict {names}")

    @property
    def reader(self):
        return self

    def read(self, name):
        raise IndexError(f"cannot read {name}")


def send_everywhere(app):
    """Send the name to every route, in every part of a request, valid and invalid; yield the responses."""
    table = f"name,id\n{CANARY},1\n"
    for names in (CANARY, [CANARY, None], [CANARY, 1], {CANARY: 1}, [[CANARY]], CANARY * 200, [CANARY] * 2000):
        yield predict(app, names)
        yield explain(app, names)
        yield score(app, names)
        yield pronounce(app, names)
        yield generate(app, start=names)
        yield predict(app, names, model="sounds")
    for name in ("top", "abstain_below", "model", "label", CANARY):
        yield predict(app, CANARY, **{name: CANARY})
        yield explain(app, CANARY, **{name: CANARY})
        yield predict(app, CANARY, **{"model": "sounds", name: CANARY})
        yield score(app, CANARY, **{name: CANARY})
        yield pronounce(app, CANARY, **{name: CANARY})
        yield generate(app, **{name: CANARY})
    for content in (CANARY, f'{{"names": "{CANARY}', f'{{"names": {CANARY}}}', f'"{CANARY}"', f"\xff{CANARY}"):
        for media_type in (
            "application/json",
            "text/plain",
            f"application/{CANARY}",
            f"multipart/form-data; boundary={CANARY}",
        ):
            for path in (
                *("/v1/predict", "/v1/explain", "/v1/pronounce", "/v1/generate", "/v1/score"),
                *("/v1/annotate?column=name", "/v1/estimate?column=name"),
            ):
                yield send(app, "POST", path, content=content.encode("latin-1"), headers={"Content-Type": media_type})
    for content in (table, f"{table}{CANARY}\n", f"{CANARY}\n{CANARY}\n", f'name\n"{CANARY}', CANARY, ""):
        for name in ("a.csv", "a.jsonl", "a.parquet", f"{CANARY}.csv", f"a.{CANARY}"):
            yield annotate(app, content, name)
            yield estimate(app, content, name)
    for setting in ("column", "top", "abstain_below", "format", "model", CANARY):
        yield annotate(app, table, **{setting: CANARY})
    for setting in ("column", "by", "level", "model", "encoding", CANARY):
        yield estimate(app, table, **{setting: CANARY})
    for method in ("GET", "POST", "PUT", "OPTIONS"):
        for path in (
            f"/{CANARY}",
            f"/v1/{CANARY}",
            f"/v1/models/{CANARY}/card",
            f"/page/{CANARY}",
            f"/v1/predict?name={CANARY}",
        ):
            yield send(app, method, path)
    for header in ("Host", "Authorization", "X-API-Key", "Origin", "Cookie", "User-Agent", "Referer", f"X-{CANARY}"):
        yield send(app, "GET", "/v1/models", headers={header: CANARY})
    yield post_json(app, "/v1/predict", {"names": "a" * 3000, "model": CANARY})


@pytest.mark.parametrize("settings", [{}, {"api_key": "key"}, {"json_bytes": 20, "upload_bytes": 20}], ids=str)
@pytest.mark.parametrize("is_broken", [False, True])
def test_no_name_in_logs_metrics_or_errors(predictor, settings, is_broken, caplog, capfd):
    reader = Failing(predictor.artifact) if is_broken else predictor
    app = make_app(reader, make_generator(), make_transcriber(), make_pronouncer(), **settings)
    texts, statuses = [], set()
    with caplog.at_level(logging.DEBUG):
        for answer in send_everywhere(app):
            statuses.add(answer.status_code)
            if answer.status_code >= 400:
                texts += [answer.text, str(answer.headers)]
    key = {"X-API-Key": settings.get("api_key", "")}
    # The test client logs what it sends; these records are not the service's.
    records = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    texts += [logging.Formatter("%(message)s %(pathname)s").format(record) for record in records]
    texts += [send(app, "GET", "/metrics", headers=key).text, *capfd.readouterr()]
    assert {400, 404, 405, 413, 415, 422} & statuses
    assert (500 in statuses) == (is_broken and not settings)
    found = [(spelling, text) for text in texts for spelling in SPELLINGS if spelling in text]
    assert found == []


def test_the_search_would_find_a_name(predictor):
    text = predict(make_app(predictor), CANARY).text + annotate(make_app(predictor), CSV.replace("xyz", CANARY)).text
    assert text.count(CANARY) == 2
