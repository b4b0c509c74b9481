"""Service: the models of one app, and the threads that answer with them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from elman.checks import count_of
from elman.errors import SettingError
from elman.model.file import Artifact
from elman.model.hierarchy import AUTO
from elman.prediction.explanation import explain, list_answers
from elman.prediction.loading import AnyModel
from elman.prediction.options import AnswerOptions
from elman.prediction.predictor import Predictor
from elman.server.batching import Batcher, Names
from elman.server.errors import RequestError, encode_answer
from elman.server.limits import InProgress
from elman.server.metrics import Metrics
from elman.server.models import Served, ServedModel, ServedWriter
from elman.server.pool import Worker, WorkerPool
from elman.server.settings import Settings
from elman.server.writing import Order, pronounce_names, run_parts, score_strings, transcribe, write_strings

Result = TypeVar("Result")

MOST_CANDIDATES = 100_000
"""Labels that all answers to a request may list: a model may have hundreds of labels, and a request as many names."""

WARM_UP_NAMES = [f"warm{'-up' * k}" for k in range(100)]
"""What each model scores at the start, as one string and as many: the two take different code paths."""


class Service:
    """Answers the requests of one app.

    Args:
        models: as in `elman.server.app.create_app`.
        settings: the limits.
        files: as in `elman.server.app.create_app`.

    Raises:
        SettingError: there is no model, or one that cannot be served.
    """

    def __init__(self, models: Mapping[str, AnyModel], settings: Settings, files: Mapping[str, Path]) -> None:
        if not models:
            raise SettingError("a service needs at least one model")
        self.settings, self.metrics, self.is_ready = settings, Metrics(), False
        self.in_progress = InProgress(settings.idle_seconds)
        self.models: dict[str, ServedModel | ServedWriter] = {
            name: ServedModel(name, one, files.get(name))
            if isinstance(one, Predictor)
            else ServedWriter(name, one, files.get(name))
            for name, one in models.items()
        }
        self.scoring = ThreadPoolExecutor(1, thread_name_prefix="elman-scoring")
        self.workers = WorkerPool()
        self._background = ThreadPoolExecutor(settings.uploads + 1, thread_name_prefix="elman-background")
        self._explaining = ThreadPoolExecutor(1, thread_name_prefix="elman-explaining")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="elman-writing")
        self._batchers = {
            name: Batcher(one, self.scoring, self.metrics, name=name, names=settings.batch_names)
            for name, one in models.items()
            if isinstance(one, Predictor)
        }

    def start(self) -> None:
        """Run each model once, so that the first answer is as fast as later ones; then report ready."""
        for model in self.models.values():
            if isinstance(model, ServedWriter):
                model.warm_up()
            elif model.artifact.kind.reads == "strings":
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

    @property
    def default(self) -> Served | None:
        """The model of requests for answers that name none; None if all models write new strings."""
        return next((one for one in self.models.values() if not one.generates), None)

    @property
    def default_generator(self) -> ServedWriter | None:
        """The model of requests for new strings that name none; None if no model writes them."""
        return next((one for one in self.models.values() if isinstance(one, ServedWriter) and one.generates), None)

    def find_model(self, name: str) -> ServedModel | ServedWriter:
        """Return a model by its name in requests.

        Raises:
            RequestError: there is no such model.
        """
        if name not in self.models:
            raise RequestError(404, "unknown_model", f"unknown model; the service has {', '.join(self.models)}")
        return self.models[name]

    def find_answerer(self, name: str | None) -> ServedModel | ServedWriter:
        """Return a model that answers to what it reads; the first one if no name is given.

        Raises:
            RequestError: there is no such model, or it writes new strings.
        """
        wanted = "this needs a model that answers to what it reads; /v1/generate and /v1/score are for the others"
        found = self._find(name, [one for one in self.models.values() if not one.generates], wanted)
        if found.generates:
            raise _other_kind(found, wanted)
        return found

    def find_classifier(self, name: str | None) -> ServedModel:
        """Return a model that reads strings and answers with a label; no model that writes is the default.

        Raises:
            RequestError: there is no such model, or it is of another kind.
        """
        wanted = "this needs a model that reads strings and answers with a label"
        found = self._find(name, [one for one in self.models.values() if isinstance(one, ServedModel)], wanted)
        if not isinstance(found, ServedModel) or not found.is_classifier:
            raise _other_kind(found, wanted)
        return found

    def find_generator(self, name: str | None) -> ServedWriter:
        """Return a model that writes new strings; the first one if no name is given.

        Raises:
            RequestError: there is no such model, or it is of another kind.
        """
        wanted = "this needs a model that writes new strings, which elman train --task generate makes"
        default = self.default_generator
        found = self._find(name, [] if default is None else [default], wanted)
        if not isinstance(found, ServedWriter) or not found.generates:
            raise _other_kind(found, wanted)
        return found

    def find_pronouncer(self, name: str | None) -> ServedWriter:
        """Return a model that writes ARPAbet; the first one if no name is given.

        Raises:
            RequestError: there is no such model, or it writes something else.
        """
        able = [one for one in self.models.values() if isinstance(one, ServedWriter) and one.pronounces]
        wanted = "this needs a model of pairs that writes ARPAbet"
        found = self._find(name, able, wanted)
        if not isinstance(found, ServedWriter) or not found.pronounces:
            known = f": {', '.join(one.name for one in able)}" if able else ", and the service has none"
            raise _other_kind(found, wanted + known)
        return found

    def _find(
        self, name: str | None, defaults: Sequence[ServedModel | ServedWriter], wanted: str
    ) -> ServedModel | ServedWriter:
        if name is not None:
            return self.find_model(name)
        if not defaults:
            raise RequestError(422, "other_kind_of_model", f"{wanted}, and the service has none")
        return defaults[0]

    async def predict(
        self,
        model: ServedModel | ServedWriter,
        names: Names,
        options: AnswerOptions,
        *,
        label: str | list[str | None] | None = None,
        beam: int | None = None,
    ) -> bytes:
        """Return the predictions for some names as a JSON array.

        Args:
            model: it answers to what it reads.
            names: the names.
            options: of its answers.
            label: what a model of pairs is told of all names, or of each; others are told nothing.
            beam: the hypotheses that a model of pairs keeps.

        Raises:
            RequestError: the names or their answers are too many or too long, or the model cannot read them or answer
                so.
        """
        if isinstance(model, ServedWriter):
            self._check(names, options.top)
            answers = await run_parts(self._writing, transcribe(model, names, options, label, beam))
            self.metrics.count_names(model.name, len(answers), abstained=sum(one.abstained for one in answers))
            return encode_answer([one.to_dict() for one in answers])
        if label is not None or beam is not None:
            message = f"label and beam are for models of pairs, and {model.name} {model.artifact.kind}"
            raise RequestError(422, "unknown_option", message)
        check_options(model, options)
        self._check(names, min(options.top, len(model.labels)))
        return await self._batchers[model.name].predict(names, options)

    async def write(self, model: ServedWriter, order: Order) -> bytes:
        """Return new strings as a JSON array.

        Raises:
            RequestError: they are too many, or the model cannot write so.
        """
        if order.count > self.settings.names:
            message = (
                f"a request may ask for {count_of(self.settings.names, 'string')}, and this asks for {order.count:,}"
            )
            raise RequestError(422, "too_many_names", message)
        self._check([order.start], 1)
        samples = await run_parts(self._writing, write_strings(model, order))
        self.metrics.count_names(model.name, len(samples), abstained=0)
        return encode_answer([one.to_dict() for one in samples])

    async def score(self, model: ServedWriter, names: Names, label: str | None) -> bytes:
        """Return how probable a model finds some strings, as a JSON array.

        Raises:
            RequestError: the strings are too many or too long, or the model has no such label.
        """
        self._check(names, 1)
        scores = await run_parts(self._writing, score_strings(model, names, label))
        self.metrics.count_names(model.name, len(scores), abstained=sum(one.reason is not None for one in scores))
        return encode_answer([one.to_dict() for one in scores])

    async def pronounce(
        self, model: ServedWriter, names: Names, label: str | list[str | None] | None, *, top: int, beam: int
    ) -> bytes:
        """Return how some names are said, as a JSON array.

        Args:
            model: it writes ARPAbet.
            names: the names.
            label: what it is told of all names, or of each.
            top: pronunciations of each name.
            beam: the hypotheses that it keeps.

        Raises:
            RequestError: the names or their pronunciations are too many or too long, or the model has no such label.
        """
        self._check(names, top)
        spoken = await run_parts(self._writing, pronounce_names(model, names, label, top, beam))
        self.metrics.count_names(model.name, len(spoken), abstained=sum(one.reason is not None for one in spoken))
        return encode_answer([one.to_dict() for one in spoken])

    async def explain(self, model: ServedModel, name: str, label: str | None, level: str | None = None) -> bytes:
        """Return the explanation of an answer as a JSON object.

        Raises:
            RequestError: the name is too long, the model cannot read it, or it has no such level or label.
        """
        self._check([name], 1)
        check_options(model, AnswerOptions(level=level))
        work = partial(_explain, model, name, label, level)
        return await asyncio.get_running_loop().run_in_executor(self._explaining, work)

    async def run_in_thread(self, work: Callable[[], Result]) -> Result:
        """Run a function that waits for a worker process, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._background, work)

    def give_back(self, worker: Worker) -> None:
        """Give a worker process back without waiting for its end."""
        self._background.submit(self.workers.give_back, worker)

    def _check(self, names: Names, answers: int) -> None:
        """Check the size of a request whose names have at most so many answers each."""
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
        if len(names) * answers > MOST_CANDIDATES:
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


def _other_kind(found: ServedModel | ServedWriter, wanted: str) -> RequestError:
    return RequestError(422, "other_kind_of_model", f"{found.name} {found.artifact.kind}; {wanted}")


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
