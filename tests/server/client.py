"""What the tests of the service share: asking an app without a network, and models of their own."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import numpy as np

from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.server.app import create_app
from elman.server.settings import Settings
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.recipes import BARE

PATIENCE = 60  # seconds that a test waits for another thread or process before it calls it stuck
CANARY = "Xanthippopulos"
CSV = "name,id\nabcabc,1\nxyz,2\n"


def service(predictor: Predictor, *others: Predictor, **settings: Any) -> Any:
    """Return an app that answers with some models, each by its own name."""
    return create_app({one.name: one for one in (predictor, *others)}, Settings(**settings))


def client(app: Any, **options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://localhost", **options
    )


def ask(app: Any, method: str, path: str, **options: Any) -> httpx.Response:
    """Ask once."""

    async def asked() -> httpx.Response:
        async with client(app) as asking:
            return await asking.request(method, path, **options)

    return asyncio.run(asked())


def ask_all(app: Any, *requests: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]) -> list[httpx.Response]:
    """Ask many times at once."""

    async def asked() -> list[httpx.Response]:
        async with client(app) as asking:
            return await asyncio.gather(*(request(asking) for request in requests))

    return asyncio.run(asked())


def post(app: Any, path: str, question: Any, **headers: str) -> httpx.Response:
    """Ask with JSON, in ASCII: half of a surrogate pair can be sent in no other way."""
    headers = {"Content-Type": "application/json", **headers}
    return ask(app, "POST", path, content=json.dumps(question), headers=headers)


def predict(app: Any, names: Any, **rest: Any) -> httpx.Response:
    return post(app, "/v1/predict", {"names": names, **rest})


def explain(app: Any, name: Any, **rest: Any) -> httpx.Response:
    return post(app, "/v1/explain", {"name": name, **rest})


def annotate(app: Any, content: str | bytes, name: str = "people.csv", **query: Any) -> httpx.Response:
    return ask(app, "POST", "/v1/annotate", params={"column": "name", **query}, files={"file": (name, content)})


def refusal(response: httpx.Response, status: int, code: str) -> str:
    """Return the message of a refusal, which is one line of JSON like every other."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json"), response.text
    error = response.json()["error"]
    assert error["code"] == code
    assert error.keys() == {"code", "message"}
    assert error["message"] and "\n" not in error["message"]
    return error["message"]


class Held(Predictor):
    """A predictor that answers when it is allowed to, and remembers what it was asked together."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        self.asked: list[list[str | None]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def predict(self, names: Any, **options: Any) -> Any:
        self.asked.append(list(names))
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        return super().predict(names, **options)


def artifact_of(name: str, config: Any, *, symbols: str = "", labels: Sequence[str] = ("Alfa", "Beta"), **rest: Any):
    """Build a model with random weights."""
    draw, vocabulary = np.random.default_rng(1), Vocabulary(tuple(symbols))
    shapes = config.tensor_shapes(symbols=len(vocabulary), labels=len(labels))
    tensors = {key: draw.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    return Artifact(name, config, tensors, vocabulary, Labels(tuple(labels)), Normalisation(), 1.0, {}, **rest)


def tagger() -> Predictor:
    config = replace(BARE, cell="lstm", hidden_size=5, readout="each")
    return Predictor(artifact_of("tagger", config, symbols="abc", answers="tags"))


def regression() -> Predictor:
    config = replace(BARE, cell="none", input_size=2)
    kind = {"reads": "features", "answers": "number", "columns": ("rooms", "area")}
    weights = {"head.weight": np.array([[2, -1]], np.float32), "head.bias": np.array([10], np.float32)}
    return Predictor(replace(artifact_of("rent", config, labels=("rent",), **kind), tensors=weights))


def image_reader() -> Predictor:
    config = replace(BARE, cell="gru", hidden_size=5, input_size=28)
    return Predictor(artifact_of("digits", config, reads="images", picture=(28, 28)))
