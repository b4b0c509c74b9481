"""Service: the models of one app, and the threads that answer with them."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from elman.errors import SettingError
from elman.prediction.explanation import explain
from elman.prediction.predictor import Predictor
from elman.server.batching import Batcher, Names
from elman.server.errors import RequestError, to_json
from elman.server.metrics import Metrics
from elman.server.models import ServedModel
from elman.server.settings import Settings

Result = TypeVar("Result")

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
        self.models = {name: ServedModel(name, one, files.get(name)) for name, one in predictors.items()}
        self.default = next(iter(self.models.values()))
        self.scoring = ThreadPoolExecutor(1, thread_name_prefix="elman-scoring")
        self._background = ThreadPoolExecutor(settings.uploads + 1, thread_name_prefix="elman-background")
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

    def stop(self) -> None:
        """Report not ready. Idle threads end with the app."""
        self.is_ready = False

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

    async def predict(self, model: ServedModel, names: Names, *, top: int, abstain_below: float) -> bytes:
        """Return the predictions for some names as a JSON array.

        Raises:
            RequestError: the names are too many or too long, or the model cannot read them.
        """
        self._check(names)
        return await self._batchers[model.name].predict(names, top=top, abstain_below=abstain_below)

    async def explain(self, model: ServedModel, name: str, label: str | None) -> bytes:
        """Return the explanation of an answer as a JSON object.

        Raises:
            RequestError: the name is too long, the model cannot read it, or it has no such label.
        """
        self._check([name])
        if label is not None and label not in model.predictor.labels:
            labels = ", ".join(model.predictor.labels)
            raise RequestError(422, "unknown_label", f"unknown label; {model.name} answers with {labels}")
        return await self.run_in_thread(partial(_explain, model.predictor, name, label))

    async def run_in_thread(self, work: Callable[[], Result]) -> Result:
        """Run a function outside the event loop and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._background, work)

    def _check(self, names: Names) -> None:
        most, longest = self.settings.names, self.settings.characters
        if len(names) > most:
            raise RequestError(422, "too_many_names", f"a request may hold {most} names, and this holds {len(names)}")
        for position, name in enumerate(names):
            if name is not None and len(name) > longest:
                message = f"a name may have {longest} characters, and the one at position {position} has {len(name)}"
                raise RequestError(422, "name_too_long", message)


def _explain(predictor: Predictor, name: str, label: str | None) -> bytes:
    reason = predictor.abstention(predictor.artifact.normalisation.apply(name))
    if reason is not None:
        raise RequestError(422, "unreadable_name", reason)
    return to_json(explain(predictor, name, label=label).to_dict())
