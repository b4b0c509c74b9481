"""Metrics count requests, names and batches, and contain no name."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from client import make_app, predict, send

from elman.prediction.options import AnswerOptions
from elman.server.batching import Batcher
from elman.server.metrics import Metrics


def test_metrics_count_routes_statuses_and_names(predictor):
    app = make_app(predictor)
    predict(app, ["abc", "", "xyz"])
    predict(app, "abc", top=0)
    send(app, "GET", "/v1/models/toy/card")
    send(app, "GET", "/nowhere")
    send(app, "GET", "/", headers={"Host": "evil.example"})
    response = send(app, "GET", "/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    for line in (
        'elman_requests_total{route="/v1/predict",status="200"} 1.0',
        'elman_requests_total{route="/v1/predict",status="422"} 1.0',
        'elman_requests_total{route="/v1/models/{name}/card",status="200"} 1.0',
        'elman_requests_total{route="/",status="400"} 1.0',
        'elman_requests_total{route="other",status="404"} 1.0',
        'elman_request_seconds_count{route="/v1/predict"} 2.0',
        'elman_names_total{model="toy"} 3.0',
        'elman_abstained_total{model="toy"} 1.0',
        'elman_batch_names_count{model="toy"} 1.0',
        "elman_requests_in_flight 1.0",
    ):
        assert f"{line}\n" in response.text
    assert "nowhere" not in response.text


def test_each_app_has_its_own_metrics(predictor):
    first, second = make_app(predictor), make_app(predictor)
    predict(first, "abc")
    assert 'elman_names_total{model="toy"}' not in send(second, "GET", "/metrics").text


def test_batches_are_counted_without_names(predictor):
    metrics = Metrics()
    with ThreadPoolExecutor(1) as executor:
        batcher = Batcher(predictor, executor, metrics, name="toy", names=512)
        asyncio.run(batcher.predict(["abc", "", "42"], AnswerOptions()))
    text = metrics.text().decode()
    assert 'elman_names_total{model="toy"} 3.0' in text
    assert 'elman_abstained_total{model="toy"} 2.0' in text
    assert 'elman_batch_names_bucket{le="4.0",model="toy"} 1.0' in text
    assert "abc" not in text
