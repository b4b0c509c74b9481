"""Service: the models of one app, and the threads that answer with them."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from elman.errors import SettingError
from elman.model.file import Artifact
from elman.model.hierarchy import AUTO
from elman.prediction.explanation import explain, list_answers
from elman.prediction.options import AnswerOptions
from elman.prediction.predictor import Predictor
from elman.server.batching import Batcher, Names
from elman.server.errors import RequestError, encode_answer
from elman.server.limits import InProgress
from elman.server.metrics import Metrics
from elman.server.models import ServedModel
from elman.server.pool import Worker, WorkerPool
from elman.server.settings import Settings

Result = TypeVar("Result")

MOST_CANDIDATES = 100_000
"""Labels that all answers to a request may list: a model may have hundreds of labels, and a request as many names."""

WARM_UP_NAMES = [f"warm{'-up' * k}" for k in range(100)]
"""What each model scores at the start, as one string and as many: the two take different code paths."""


class Service:
    """Answers the requests of one app.

    Args:
        predictors: as in `elman.server.app.create_app`.
        settings: the limits.
        files: as in `elman.server.app.create_app`.

    Raises:
        SettingError: there is no model, or one that cannot be served.
    """

    def __init__(self, predictors: Mapping[str, Predictor], settings: Settings, files: Mapping[str, Path]) -> None:
        if not predictors:
            raise SettingError("a service needs at least one model")
        self.settings, self.metrics, self.is_ready = settings, Metrics(), False
        self.in_progress = InProgress(settings.idle_seconds)
        self.models = {name: ServedModel(name, one, files.get(name)) for name, one in predictors.items()}
        self.default = next(iter(self.models.values()))
        self.scoring = ThreadPoolExecutor(1, thread_name_prefix="elman-scoring")
        self.workers = WorkerPool()
        self._background = ThreadPoolExecutor(settings.uploads + 1, thread_name_prefix="elman-background")
        self._explaining = ThreadPoolExecutor(1, thread_name_prefix="elman-explaining")
        self._batchers = {
            name: Batcher(one, self.scoring, self.metrics, name=name, names=settings.batch_names)
            for name, one in predictors.items()
        }

    def start(self) -> None:
        """Run each model once, so that the first answer is as fast as later ones; then report ready."""
        for model in self.models.values():
            if model.predictor.artifact.kind.reads == "strings":
                model.predictor.predict(WARM_UP_NAMES[:1])
                model.predictor.predict(WARM_UP_NAMES)
        self.is_ready = True

    def hurry(self) -> None:
        """Report not ready, and limit the time of the requests in progress."""
        self.is_ready = False
        self.in_progress.hurry(self.settings.stop_seconds)

    def stop(self) -> None:
        """Report not ready, and end the worker processes. Idle threads end with the app."""
        self.is_ready = False
        self.workers.close()

    def find_model(self, name: str | None, *, classifier: bool = False) -> ServedModel:
        """Return a model by its name.

        Args:
            name: its name in requests; the default model if None.
            classifier: whether it must read strings and answer with a label.

        Raises:
            RequestError: there is no such model, or it is of another kind.
        """
        found = self.default if name is None else self.models.get(name)
        if found is None:
            message = f"unknown model; the service has {', '.join(self.models)}"
            raise RequestError(404, "unknown_model", message)
        if classifier and not found.is_classifier:
            artifact = found.predictor.artifact
            message = f"{found.name} {artifact.kind}; this needs a model that reads strings and answers with a label"
            raise RequestError(422, "other_kind_of_model", message)
        return found

    async def predict(self, model: ServedModel, names: Names, options: AnswerOptions) -> bytes:
        """Return the predictions for some names as a JSON array.

        Raises:
            RequestError: the names or their answers are too many or too long, or the model cannot read them or answer
                so.
        """
        check_options(model, options)
        self._check(model, names, options.top)
        return await self._batchers[model.name].predict(names, options)

    async def explain(self, model: ServedModel, name: str, label: str | None, level: str | None = None) -> bytes:
        """Return the explanation of an answer as a JSON object.

        Raises:
            RequestError: the name is too long, the model cannot read it, or it has no such level or label.
        """
        self._check(model, [name], 1)
        check_options(model, AnswerOptions(level=level))
        work = partial(_explain, model, name, label, level)
        return await asyncio.get_running_loop().run_in_executor(self._explaining, work)

    async def run_in_thread(self, work: Callable[[], Result]) -> Result:
        """Run a function that waits for a worker process, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._background, work)

    def give_back(self, worker: Worker) -> None:
        """Give a worker process back without waiting for its end."""
        self._background.submit(self.workers.give_back, worker)

    def _check(self, model: ServedModel, names: Names, top: int) -> None:
        most, longest, total = self.settings.names, self.settings.characters, 0
        if len(names) > most:
            raise RequestError(422, "too_many_names", f"a request may hold {most} names, and this holds {len(names)}")
        for position, name in enumerate(names):
            length = 0 if name is None else len(name)
            if length > longest:
                message = f"a name may have {longest} characters, and the one at position {position} has {length}"
                raise RequestError(422, "name_too_long", message)
            total += length
        if total > self.settings.total_characters:
            most = self.settings.total_characters
            message = f"all names of a request may have {most} characters, and these have {total}"
            raise RequestError(422, "too_many_characters", message)
        if len(names) * min(top, len(model.predictor.labels)) > MOST_CANDIDATES:
            message = f"all answers to a request may list {MOST_CANDIDATES} labels; send fewer names or a lower top"
            raise RequestError(422, "too_many_labels", message)


def check_options(model: ServedModel, options: AnswerOptions) -> None:
    """Check that a model can answer as a request asks.

    Raises:
        RequestError: it cannot; the message quotes nothing of the request.
    """
    artifact = model.predictor.artifact
    try:
        options.check(artifact)
    except SettingError:
        raise RequestError(422, "unknown_option", _describe_options(model.name, artifact)) from None


def _describe_options(name: str, artifact: Artifact) -> str:
    """Return which levels and coverages a model has, and what a prior may hold."""
    levels = "none" if artifact.levels is None else f"{', '.join(artifact.levels.names)} or auto"
    coverages = "none" if artifact.sets is None else ", ".join(f"{one:g}" for one in artifact.sets.coverages)
    return (
        f"{name} cannot answer so: its levels are {levels}; its coverages are {coverages}; a prior has its labels alone"
    )


def _explain(model: ServedModel, name: str, label: str | None, level: str | None) -> bytes:
    predictor = model.predictor
    reason = predictor.reader.read(name).reason
    if reason is not None:
        raise RequestError(422, "unreadable_name", reason)
    if label is not None and level != AUTO and label not in list_answers(predictor.artifact, level):
        raise _unknown_label(model, level)
    try:
        return encode_answer(explain(predictor, name, label=label, level=level).to_dict())
    except SettingError:  # all else has been checked
        if label is not None and level == AUTO:
            raise _unknown_label(model, None) from None
        raise RequestError(422, "no_finite_answer", "the model has no finite answer to this name") from None


def _unknown_label(model: ServedModel, level: str | None) -> RequestError:
    names = ", ".join(list_answers(model.predictor.artifact, None if level == AUTO else level))
    where = "" if level is None else " at this level"
    return RequestError(422, "unknown_label", f"unknown label; {model.name} answers with {names}{where}")
