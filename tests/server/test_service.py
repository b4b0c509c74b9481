"""The service has models, is ready after its start, and answers many requests at once."""

from typing import Any

import httpx
import pytest
from client import error_message, explain, make_app, make_regression, make_tagger, predict, send, send_all

import elman
from elman.errors import SettingError
from elman.server.app import create_app
from elman.text.normalisation import Normalisation


def test_a_service_needs_a_model():
    with pytest.raises(SettingError, match="at least one model"):
        create_app({})


def test_an_unknown_model_is_an_error_that_lists_the_known_ones(predictor):
    app = make_app(predictor, make_tagger(), make_regression())
    message = error_message(predict(app, "abc", model="other"), 404, "unknown_model")
    assert message == "unknown model; the service has toy, tagger, rent"


def test_the_service_is_alive_before_it_is_ready(predictor):
    app = make_app(predictor)
    assert send(app, "GET", "/healthz").json() == {"status": "ok"}
    error_message(send(app, "GET", "/readyz"), 503, "not_ready")
    app.state.service.start()
    assert send(app, "GET", "/readyz").json() == {"status": "ready"}
    app.state.service.stop()
    error_message(send(app, "GET", "/readyz"), 503, "not_ready")


def test_the_number_of_names_is_limited(predictor):
    app = make_app(predictor, names=3)
    assert predict(app, ["a"] * 3).status_code == 200
    assert "3 names" in error_message(predict(app, ["a"] * 4), 422, "too_many_names")


def test_the_length_of_a_name_is_limited(predictor):
    app = make_app(predictor, characters=5)
    assert predict(app, ["abcde", None]).status_code == 200
    message = error_message(predict(app, ["abcde", "abcdef"]), 422, "name_too_long")
    assert "5 characters" in message
    assert "position 1" in message
    error_message(explain(app, "abcdef"), 422, "name_too_long")


def test_the_characters_of_all_names_together_are_limited(predictor):
    app = make_app(predictor, total_characters=10)
    assert predict(app, ["abcde", None, "abcde"]).status_code == 200
    message = error_message(predict(app, ["abcde", "abcdef"]), 422, "too_many_characters")
    assert "10 characters, and these have 11" in message


def test_the_labels_in_all_answers_together_are_limited(predictor, monkeypatch):
    monkeypatch.setattr("elman.server.service.MOST_CANDIDATES", 6)
    app = make_app(predictor)
    assert predict(app, ["a"] * 2, top=1000).status_code == 200  # the model has three labels
    assert "6 labels" in error_message(predict(app, ["a"] * 3, top=1000), 422, "too_many_labels")
    assert predict(app, ["a"] * 3, top=2).status_code == 200


def test_a_name_that_normalisation_would_lengthen_is_not_explained(predictor, monkeypatch):
    monkeypatch.setattr(Normalisation, "apply", None)  # it would be a bug to call it
    error_message(explain(make_app(predictor), "\ufdfa" * 990), 422, "unreadable_name")


def summarise(response: httpx.Response) -> Any:
    if response.headers["content-type"] != "application/json":
        return response.text
    rows = response.json().get("predictions") or response.json()["letters"]
    return [row.get("label", row.get("letter")) for row in rows]


def test_all_kinds_of_requests_at_once_get_the_right_answers():
    app = make_app(elman.load("languages"))
    app.state.service.start()
    names = ["Nakamura", "Papadopoulos", "O'Brien", "Ng", "Wiśniewska"]
    table = {"file": ("a.csv", "name\n" + "".join(f"{name}\n" for name in names * 1000))}
    kinds = [
        lambda client: client.post("/v1/predict", json={"names": names}),
        lambda client: client.post("/v1/explain", json={"name": names[1]}),
        lambda client: client.post("/v1/annotate?column=name", files=table),
        lambda client: client.post("/v1/predict", json={"names": names * 40}),
    ]
    alone = [summarise(send_all(app, kind)[0]) for kind in kinds]
    together = send_all(app, *(kinds[k % 4] for k in range(24) if k % 4 != 2), kinds[2], kinds[2])
    expected = [alone[k % 4] for k in range(24) if k % 4 != 2] + [alone[2]] * 2
    assert [response.status_code for response in together] == [200] * len(together)
    assert [summarise(response) for response in together] == expected
