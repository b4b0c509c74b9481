"""A client for the tests of the service: it sends requests to an app without a network, and makes models to serve."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest

from elman.errors import WorkerError
from elman.model.file import Artifact
from elman.model.kinds import KINDS
from elman.model.seen import Seen
from elman.model.writer import Writer, with_seen
from elman.model.writing import WriterConfig
from elman.prediction.generator import Generator
from elman.prediction.predictor import Predictor
from elman.prediction.transcriber import Transcriber
from elman.server.app import create_app
from elman.server.pool import Worker
from elman.server.settings import Settings
from elman.text.normalisation import Normalisation
from elman.text.targets import Targets
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.recipes import BARE

PATIENCE = 60  # seconds that a test waits for another thread or process before it fails
CANARY = "Xanthippopulos"
CSV = "name,id\nabcabc,1\nxyz,2\n"


def make_app(predictor: Any, *others: Any, **settings: Any) -> Any:
    """Return an app that serves some models, each under its own name."""
    return create_app({one.name: one for one in (predictor, *others)}, Settings(**settings))


def open_client(app: Any, **options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://localhost", **options
    )


def send(app: Any, method: str, path: str, **options: Any) -> httpx.Response:
    """Send one request."""

    async def send_one() -> httpx.Response:
        async with open_client(app) as client:
            return await client.request(method, path, **options)

    return asyncio.run(send_one())


def send_all(app: Any, *requests: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]) -> list[httpx.Response]:
    """Send many requests at once."""

    async def send_each() -> list[httpx.Response]:
        async with open_client(app) as client:
            return await asyncio.gather(*(request(client) for request in requests))

    return asyncio.run(send_each())


def post_json(app: Any, path: str, body: Any, **headers: str) -> httpx.Response:
    """Post JSON in ASCII: a lone surrogate cannot be sent in any other way."""
    headers = {"Content-Type": "application/json", **headers}
    return send(app, "POST", path, content=json.dumps(body), headers=headers)


def predict(app: Any, names: Any, **rest: Any) -> httpx.Response:
    return post_json(app, "/v1/predict", {"names": names, **rest})


def explain(app: Any, name: Any, **rest: Any) -> httpx.Response:
    return post_json(app, "/v1/explain", {"name": name, **rest})


def generate(app: Any, **order: Any) -> httpx.Response:
    return post_json(app, "/v1/generate", order)


def score(app: Any, names: Any, **rest: Any) -> httpx.Response:
    return post_json(app, "/v1/score", {"names": names, **rest})


def pronounce(app: Any, names: Any, **rest: Any) -> httpx.Response:
    return post_json(app, "/v1/pronounce", {"names": names, **rest})


def annotate(app: Any, content: str | bytes, name: str = "people.csv", **query: Any) -> httpx.Response:
    return send(app, "POST", "/v1/annotate", params={"column": "name", **query}, files={"file": (name, content)})


def estimate(app: Any, content: str | bytes, name: str = "people.csv", **query: Any) -> httpx.Response:
    return send(app, "POST", "/v1/estimate", params={"column": "name", **query}, files={"file": (name, content)})


def error_message(response: httpx.Response, status: int, code: str) -> str:
    """Return the message of an error response, and check that the response has the form of every error."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json"), response.text
    error = response.json()["error"]
    assert error["code"] == code
    assert error.keys() == {"code", "message"}
    assert error["message"] and "\n" not in error["message"]
    return error["message"]


class Connection:
    """One request to an app, without a network, whose client sends the parts of its body when it likes, and may leave.

    Args:
        app: the app.
        path: where to, with its query.
        method: of the request.
        headers: of the request, beside the host.
    """

    def __init__(self, app: Any, path: str, *, method: str = "POST", **headers: str) -> None:
        self._parts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._has_left, self.messages = False, list[dict[str, Any]]()
        path, _, query = path.partition("?")
        named = {"host": "localhost", **{name.replace("_", "-").lower(): value for name, value in headers.items()}}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    def send(self, body: bytes, *, is_last: bool = False) -> None:
        """Send a part of the body."""
        self._parts.put_nowait({"type": "http.request", "body": body, "more_body": not is_last})

    def leave(self) -> None:
        """Close the connection."""
        self._has_left = True
        self._parts.put_nowait({"type": "http.disconnect"})

    async def response(self) -> httpx.Response:
        """Wait for the end of the request, and return what was sent."""
        await asyncio.wait_for(self.task, PATIENCE)
        start, *bodies = self.messages
        return httpx.Response(start["status"], headers=start["headers"], content=b"".join(b["body"] for b in bodies))

    async def _receive(self) -> dict[str, Any]:
        message = await self._parts.get()
        if self._has_left:
            self._parts.put_nowait(message)  # the server repeats it
            return {"type": "http.disconnect"}
        return message

    async def _send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)


class BlockingWorkers:
    """Worker processes that read a table only after ``resume`` is set.

    Args:
        monkeypatch: replaces the method of all workers.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started, self.resume, self.workers = threading.Event(), threading.Event(), list[Worker]()
        run = Worker.run

        def wait_and_run(worker: Worker, *arguments: Any) -> Any:
            self.workers.append(worker)
            self.started.set()
            while not self.resume.wait(0.005):
                if not worker.is_usable:
                    raise WorkerError("killed")
            return run(worker, *arguments)

        monkeypatch.setattr(Worker, "run", wait_and_run)


class BlockingPredictor(Predictor):
    """A predictor that answers only after ``resume`` is set, and notes the names of each call."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        self.calls: list[list[str | None]] = []
        self.started, self.resume = threading.Event(), threading.Event()

    def answer_all(self, names: Any, options: Any) -> Any:
        self.wait(names)
        return super().answer_all(names, options)

    def wait(self, names: Any) -> None:
        self.calls.append(list(names))
        self.started.set()
        assert self.resume.wait(PATIENCE)


async def wait_for(event: threading.Event) -> None:
    """Wait for an event of another thread, while this one runs its other tasks."""
    assert await asyncio.to_thread(event.wait, PATIENCE)


def make_artifact(name: str, config: Any, *, symbols: str = "", labels: Sequence[str] = ("Alfa", "Beta"), **rest: Any):
    """Return a model with random weights."""
    draw, vocabulary = np.random.default_rng(1), Vocabulary(tuple(symbols))
    shapes = config.tensor_shapes(symbols=len(vocabulary), labels=len(labels))
    tensors = {key: draw.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    return Artifact(name, config, tensors, vocabulary, Labels(tuple(labels)), Normalisation(), 1.0, {}, **rest)


def make_tagger() -> Predictor:
    config = replace(BARE, cell="lstm", hidden_size=5, readout="each")
    return Predictor(make_artifact("tagger", config, symbols="abc", kind=KINDS["tags"]))


def make_regression() -> Predictor:
    config = replace(BARE, cell="none", input_size=2)
    kind = {"kind": KINDS["features"], "columns": ("rooms", "area")}
    weights = {"head.weight": np.array([[2, -1]], np.float32), "head.bias": np.array([10], np.float32)}
    return Predictor(replace(make_artifact("rent", config, labels=("rent",), **kind), tensors=weights))


def make_writer(
    name: str,
    kind: str,
    config: WriterConfig,
    labels: Sequence[str],
    *,
    targets: Targets = Targets(tuple("abc")),  # noqa: B008 - it is frozen
    **facts: Any,
) -> Writer:
    """Return a model that writes, with random weights."""
    draw = np.random.default_rng(3)
    sources = Vocabulary(tuple("abc") if config.has_encoder else ())
    shapes = config.tensor_shapes(symbols=len(targets), sources=len(sources), labels=len(labels))
    tensors = {key: (0.7 * draw.standard_normal(shape)).astype(np.float32) for key, shape in shapes.items()}
    known = Labels(tuple(labels)) if labels else None
    return Writer(
        name, config, tensors, targets, Normalisation(), KINDS[kind], 12, sources=sources, labels=known, **facts
    )


def make_generator(name: str = "names", labels: Sequence[str] = ("Dutch", "Greek")) -> Generator:
    config = WriterConfig(hidden_size=4, embedding_size=3, label_size=2 if labels else 0)
    return Generator(with_seen(make_writer(name, "generate", config, labels), Seen.from_texts(["a", "b", "ab"])))


def make_transcriber(name: str = "sounds", labels: Sequence[str] = ("Dutch", "Greek"), **facts: Any) -> Transcriber:
    config = WriterConfig(
        hidden_size=6,
        embedding_size=3,
        label_size=2 if labels else 0,
        encoder_cell="gru",
        encoder_size=5,
        source_size=3,
        attention="additive",
        attention_size=4,
        mix_size=5,
    )
    return Transcriber(make_writer(name, "pairs", config, labels, **facts))


def make_pronouncer(name: str = "phonemes", labels: Sequence[str] = ("Dutch", "Greek")) -> Transcriber:
    """Return a model that writes ARPAbet."""
    return make_transcriber(name, labels, targets=Targets(("AH", "B", "K"), "blanks"))


def make_image_reader() -> Predictor:
    config = replace(BARE, cell="gru", hidden_size=5, input_size=28)
    return Predictor(make_artifact("digits", config, kind=KINDS["images"], picture=(28, 28)))
