"""The service behind the routes: models that were loaded once, and the threads that ask them."""

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
from elman.server.errors import Refusal, to_json
from elman.server.metrics import Counters
from elman.server.models import ServedModel
from elman.server.settings import Settings

Result = TypeVar("Result")

WARMING = [f"warm{'-up' * k}" for k in range(100)]
"""What each model reads before the first caller comes: one string and many take different paths."""


class Service:
    """Answers questions for one app.

    Args:
        predictors: as in `elman.server.app.create_app`.
        settings: its limits.
        files: as in `elman.server.app.create_app`.

    Raises:
        SettingError: there is no model, or one that cannot be served.
    """

    def __init__(self, predictors: Mapping[str, Predictor], settings: Settings, files: Mapping[str, Path]) -> None:
        if not predictors:
            raise SettingError("a service needs at least one model")
        self.settings, self.counters, self.is_ready = settings, Counters(), False
        self.models = {name: ServedModel(name, one, files.get(name)) for name, one in predictors.items()}
        self.default = next(iter(self.models.values()))
        self.scoring = ThreadPoolExecutor(1, thread_name_prefix="elman-scoring")
        self.errands = ThreadPoolExecutor(settings.uploads + 1, thread_name_prefix="elman-errands")
        self._batchers = {
            name: Batcher(one, self.scoring, self.counters, name=name, names=settings.batch_names)
            for name, one in predictors.items()
        }

    def open(self) -> None:
        """Make the first answer as fast as those that follow."""
        for model in self.models.values():
            if model.predictor.artifact.reads == "strings":
                model.predictor.predict(WARMING[:1])
                model.predictor.predict(WARMING)
        self.is_ready = True

    def close(self) -> None:
        """Say that no more questions are taken. Idle threads end with the app."""
        self.is_ready = False

    def model(self, name: str | None, *, classifier: bool = False) -> ServedModel:
        """Return the model of a name; the default one where it is None.

        Args:
            name: what a request calls it.
            classifier: whether it must read strings and answer with a label.

        Raises:
            Refusal: there is no such model, or it is of another kind.
        """
        found = self.default if name is None else self.models.get(name)
        if found is None:
            raise Refusal(404, "unknown_model", f"there is no such model; the service has {', '.join(self.models)}")
        if classifier and not found.is_classifier:
            artifact = found.predictor.artifact
            message = (
                f"{found.name} reads {artifact.reads} and answers with {artifact.answers}; "
                "this needs a model that reads strings and answers with a label"
            )
            raise Refusal(422, "other_kind_of_model", message)
        return found

    async def predictions(self, model: ServedModel, names: Names, *, top: int, abstain_below: float) -> bytes:
        """Return the predictions for some names as a JSON array.

        Raises:
            Refusal: they are too many or too long, or the model cannot read them.
        """
        self._check(names)
        return await self._batchers[model.name].predict(names, top=top, abstain_below=abstain_below)

    async def explanation(self, model: ServedModel, name: str, label: str | None) -> bytes:
        """Return how an answer comes about, as a JSON object.

        Raises:
            Refusal: the name is too long, the model does not read it, or it has no such label.
        """
        self._check([name])
        if label is not None and label not in model.predictor.labels:
            labels = ", ".join(model.predictor.labels)
            raise Refusal(422, "unknown_label", f"there is no such label; {model.name} answers with {labels}")
        return await self.errand(partial(_explained, model.predictor, name, label))

    async def errand(self, work: Callable[[], Result]) -> Result:
        """Do something off the event loop, and return what comes of it."""
        return await asyncio.get_running_loop().run_in_executor(self.errands, work)

    def _check(self, names: Names) -> None:
        most, longest = self.settings.names, self.settings.characters
        if len(names) > most:
            raise Refusal(422, "too_many_names", f"a request may hold {most} names, and this holds {len(names)}")
        for position, name in enumerate(names):
            if name is not None and len(name) > longest:
                message = f"a name may hold {longest} characters, and that at position {position} holds {len(name)}"
                raise Refusal(422, "name_too_long", message)


def _explained(predictor: Predictor, name: str, label: str | None) -> bytes:
    reason = predictor.abstention(predictor.artifact.normalisation.apply(name))
    if reason is not None:
        raise Refusal(422, "unreadable_name", reason)
    return to_json(explain(predictor, name, label=label).to_dict())
