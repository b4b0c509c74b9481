"""What can be asked, and that it is answered as Python answers."""

import json
from html.parser import HTMLParser

import pytest
from asking import ask, explain, image_reader, predict, refusal, regression, service, tagger

import elman.prediction.explanation
from elman.errors import SettingError
from elman.model.file import save_artifact
from elman.prediction.predictor import load
from elman.server.app import create_app
from elman.server.middleware import SAFE_HEADERS


@pytest.fixture(scope="module")
def app(predictor):
    return service(predictor, tagger(), regression())


# Predictions


@pytest.mark.parametrize("top", [1, 3, 1000])
def test_predictions_are_those_of_python_in_number_and_order(app, predictor, top):
    names = ["abcabc", "", None, "xyz", "abcabc", "42", "вода", 'a"b\\c', "🙂", "\ud800x", "a\x00b", "y" * 300]
    answer = predict(app, names, top=top, abstain_below=0.4)
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"model", "predictions"}
    assert body["model"] == predictor.name
    expected = [one.to_dict() for one in predictor.predict(names, top=top, abstain_below=0.4)]
    chances = [one.pop("probability") for one in body["predictions"]]
    assert chances == pytest.approx([one.pop("probability") for one in expected], abs=1e-6)
    for row, wanted in zip(body["predictions"], expected, strict=True):
        listed, owed = row.pop("top"), wanted.pop("top")
        assert [one["label"] for one in listed] == [one["label"] for one in owed]
        assert [one["probability"] for one in listed] == pytest.approx([one["probability"] for one in owed], abs=1e-6)
    assert body["predictions"] == expected


@pytest.mark.parametrize(("names", "count"), [("abc", 1), ([], 0), ([""], 1), ([None, None], 2)])
def test_a_single_name_is_a_list_of_one(app, names, count):
    assert len(predict(app, names).json()["predictions"]) == count


def test_without_settings_three_labels_are_listed_and_no_answer_is_withheld(app, predictor):
    (row,) = predict(app, "abcxyz").json()["predictions"]
    expected = predictor.predict("abcxyz")
    assert ([one["label"] for one in row["top"]], row["abstained"]) == ([one.label for one in expected.top], False)


def test_letters_stay_readable_in_the_answer(app):
    assert "é" in predict(app, "é").text


def test_other_kinds_of_models_predict_too(app):
    answers = [predict(app, "abca", model="tagger"), predict(app, "1.5,2", model="rent")]
    assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
    (tags,), (number,) = (answer.json()["predictions"] for answer in answers)
    assert (tags["label"], tags["model"]) == (tagger().predict("abca").label, "tagger")
    assert number["value"] == pytest.approx(regression().predict("1.5,2").value)


def test_what_a_model_of_numbers_cannot_read_is_refused(app):
    message = refusal(predict(app, ["1,2", "1;2"], model="rent"), 422, "unreadable_input")
    assert "2 numbers" in message
    assert "1;2" not in message


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # numpy says so too
def test_a_number_beyond_all_bounds_is_no_answer(app):
    refusal(predict(app, "3e38,-3e38", model="rent"), 422, "no_finite_answer")


def test_a_model_that_is_not_there_is_refused_with_those_that_are(app):
    assert "toy, tagger, rent" in refusal(predict(app, "abc", model="other"), 404, "unknown_model")


# Explanations


def test_explanations_are_those_of_python(app, predictor):
    answer = explain(app, "abcx", label="Beta")
    expected = elman.prediction.explanation.explain(predictor, "abcx", label="Beta").to_dict()
    assert answer.json().keys() == expected.keys()
    assert (answer.json()["label"], answer.json()["normalised"]) == ("Beta", "abcx")
    for letter, wanted in zip(answer.json()["letters"], expected["letters"], strict=True):
        assert letter["letter"] == wanted["letter"]
        assert letter["evidence"] == pytest.approx(wanted["evidence"], abs=1e-4)
        assert letter["forwards"] == pytest.approx(wanted["forwards"], abs=1e-6)
        assert letter["backwards"] == pytest.approx(wanted["backwards"], abs=1e-6)


def test_without_a_label_the_answer_itself_is_explained(app, predictor):
    answer = explain(app, "xyz", label=None)
    assert answer.json()["label"] == predictor.predict("xyz").label


@pytest.mark.parametrize("name", ["", "42", "\ud800", "a" * 201])
def test_a_name_that_the_model_does_not_read_is_refused_with_the_reason(app, predictor, name):
    message = refusal(explain(app, name), 422, "unreadable_name")
    assert message == predictor.predict(name).reason


def test_a_label_that_is_not_there_is_refused_with_those_that_are(app):
    answer = explain(app, "abc", label="Delta")
    message = refusal(answer, 422, "unknown_label")
    assert "Alfa, Beta, Gamma" in message
    assert "Delta" not in message


@pytest.mark.parametrize("model", ["tagger", "rent"])
def test_only_classifiers_of_strings_can_explain(app, model):
    answer = explain(app, "abc", model=model)
    assert "reads strings and answers with a label" in refusal(answer, 422, "other_kind_of_model")


# Models


def test_models_are_listed_with_what_they_are(app, predictor):
    first, *others = ask(app, "GET", "/v1/models").json()["models"]
    assert first == {
        "name": "toy",
        "default": True,
        "reads": "strings",
        "answers": "label",
        "labels": list(predictor.labels),
        "parameters": predictor.artifact.parameters,
        "bytes": sum(tensor.nbytes for tensor in predictor.artifact.tensors.values()),
        "accuracy": predictor.artifact.provenance["figures"]["test"]["accuracy"],
        "reference": first["reference"],
    }
    assert first["reference"].startswith("Learned from ")
    assert [(one["name"], one["default"], one["accuracy"]) for one in others] == [
        ("tagger", False, None),
        ("rent", False, None),
    ]


def test_a_model_file_tells_its_size_and_has_its_card_beside_it(predictor, tmp_path):
    file = tmp_path / "toy.safetensors"
    save_artifact(predictor.artifact, file)
    file.with_suffix(".md").write_text(
        "# Toys\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))\n\n| a |\n|--|\n| b |"
    )
    app = create_app({"toy": load(file)}, files={"toy": file})
    assert ask(app, "GET", "/v1/models").json()["models"][0]["bytes"] == file.stat().st_size
    card = ask(app, "GET", "/v1/models/toy/card")
    assert card.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Toys</h1>" in card.text
    assert "<td>b</td>" in card.text
    assert "<script" not in card.text
    assert "href" not in card.text


def test_a_model_without_a_card_gets_a_short_one(app):
    card = ask(app, "GET", "/v1/models/rent/card").text
    assert "<h1>rent</h1>" in card
    assert "no evidence of a person" in card


def test_the_shipped_model_names_the_people_that_it_learned_from():
    app = service(load("languages"))
    (model,) = ask(app, "GET", "/v1/models").json()["models"]
    assert "20,000 surnames of 18 languages" in model["reference"]


@pytest.mark.parametrize(
    "provenance", [{"figures": [], "data": "x"}, {"figures": {"test": {"accuracy": "?"}}}, {"data": 3}]
)
def test_a_model_file_may_say_anything_of_itself(provenance):
    model = regression()
    model.artifact.provenance.update(provenance)
    (said,) = ask(service(model), "GET", "/v1/models").json()["models"]
    assert (said["accuracy"], said["reference"]) == (None, "Its file does not say what it learned from.")


def test_the_card_of_a_model_that_is_not_there_is_refused(app):
    refusal(ask(app, "GET", "/v1/models/other/card"), 404, "unknown_model")


def test_a_model_that_reads_files_is_not_served():
    with pytest.raises(SettingError, match="digits reads picture files"):
        service(image_reader())


def test_a_service_needs_a_model():
    with pytest.raises(SettingError, match="at least one model"):
        create_app({})


# The state of the service, and the page


def test_the_service_is_alive_before_it_is_ready(predictor):
    app = service(predictor)
    assert ask(app, "GET", "/healthz").json() == {"status": "ok"}
    refusal(ask(app, "GET", "/readyz"), 503, "not_ready")
    app.state.service.open()
    assert ask(app, "GET", "/readyz").json() == {"status": "ready"}
    app.state.service.close()
    refusal(ask(app, "GET", "/readyz"), 503, "not_ready")


def test_counters_tell_routes_statuses_and_names(predictor):
    app = service(predictor)
    predict(app, ["abc", "", "xyz"])
    predict(app, "abc", top=0)
    ask(app, "GET", "/v1/models/toy/card")
    ask(app, "GET", "/nowhere")
    ask(app, "GET", "/", headers={"Host": "evil.example"})
    answer = ask(app, "GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
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
        assert f"{line}\n" in answer.text
    assert "nowhere" not in answer.text


def test_each_app_counts_for_itself(predictor):
    first, second = service(predictor), service(predictor)
    predict(first, "abc")
    assert 'elman_names_total{model="toy"}' not in ask(second, "GET", "/metrics").text


class Parts(HTMLParser):
    """The addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for key, value in attrs if key == "src" or (key == "href" and tag == "link")]


def test_the_page_and_all_its_parts_are_there(app):
    page, parts = ask(app, "GET", "/"), Parts()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    parts.feed(page.text)
    assert {"page/style.css", "page/script.js"} <= set(parts.found)
    for part in parts.found:
        answer = ask(app, "GET", f"/{part}")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        again = ask(app, "GET", f"/{part}", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/nowhere", "/page/", "/page/none.js", "/page/..%2fapp.py", "/v1/predict/", "/docs", "/redoc"]
)
def test_what_is_not_there_is_refused(app, path):
    refusal(ask(app, "GET", path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/predict"), ("POST", "/v1/models"), ("PUT", "/"), ("DELETE", "/page/style.css")]
)
def test_another_method_is_refused(app, method, path):
    refusal(ask(app, method, path), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "path", ["/", "/page/style.css", "/nowhere", "/v1/models", "/v1/predict", "/healthz", "/openapi.json"]
)
def test_every_answer_carries_the_safe_headers(app, path):
    headers = ask(app, "GET", path).headers
    assert {name: headers[name] for name in SAFE_HEADERS} == SAFE_HEADERS
    assert headers["cache-control"] == ("no-store" if path.startswith("/v1") else "no-cache")


def test_the_policy_lets_a_page_load_its_own_parts_alone():
    policy = dict(rule.strip().split(" ", 1) for rule in SAFE_HEADERS["Content-Security-Policy"].split(";"))
    own = {f"{kind}-src": "'self'" for kind in ("script", "style", "connect", "img")}
    none = dict.fromkeys(("default-src", "frame-ancestors", "base-uri", "form-action"), "'none'")
    assert policy == own | none


def test_answers_are_plain_json(app):
    assert json.loads(predict(app, "abc").content)["model"] == "toy"
