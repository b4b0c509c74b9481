"""Models: what the service says of each model that it answers with."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from elman.data.catalog import CATALOG
from elman.errors import SettingError
from elman.prediction.explanation import explain
from elman.prediction.predictor import Predictor
from elman.server.batching import Batcher, Names
from elman.server.errors import Refusal, to_json
from elman.server.metrics import Counters
from elman.server.settings import Settings

Result = TypeVar("Result")

NO_JUDGE = (
    "An answer is an estimate, relative to what the model learned from. It is no evidence of a person's identity, "
    "ancestry or citizenship."
)


@dataclass(frozen=True)
class ServedModel:
    """One model that the service answers with.

    Args:
        name: what requests call it.
        predictor: the model.
        file: where it was read from; None where it was made in memory.

    Raises:
        SettingError: it reads files, which the service does not open for its callers.
    """

    name: str
    predictor: Predictor
    file: Path | None = None

    def __post_init__(self) -> None:
        """Check that the model can be served."""
        if self.predictor.artifact.reads == "images":
            raise SettingError(
                f"{self.name} reads picture files, and the service opens no file that a caller names; give a model "
                "that reads strings or numbers"
            )

    @property
    def is_classifier(self) -> bool:
        """Whether it reads strings and answers with a label, as explanations and tables need."""
        return (self.predictor.artifact.reads, self.predictor.artifact.answers) == ("strings", "label")

    @cached_property
    def json_name(self) -> bytes:
        """Its name in JSON."""
        return to_json(self.name)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What /v1/models says of it, but for whether it is the default one."""
        artifact = self.predictor.artifact
        in_memory = sum(tensor.nbytes for tensor in artifact.tensors.values())
        return {
            "name": self.name,
            "reads": artifact.reads,
            "answers": artifact.answers,
            "labels": list(self.predictor.labels),
            "parameters": artifact.parameters,
            "bytes": in_memory if self.file is None else self.file.stat().st_size,
            "accuracy": _number(self._provenance("figures", "test").get("accuracy")),
            "reference": self._reference(),
        }

    @cached_property
    def card(self) -> str:
        """Its card as a fragment of HTML: the Markdown beside its file, or a short one from what the file says."""
        from markdown_it import MarkdownIt

        beside = None if self.file is None else self.file.with_suffix(".md")
        is_there = beside is not None and beside.is_file()
        text = beside.read_text(encoding="utf-8", errors="replace") if beside and is_there else self._short_card()
        return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))

    def _reference(self) -> str:
        """Return the population that it learned from, in one sentence."""
        data = self._provenance("data")
        source, examples = data.get("source"), _number(data.get("examples"))
        if not isinstance(source, str):
            return "Its file does not say what it learned from."
        known = CATALOG.get(source)
        about = f"{known.about} ({known.origin})" if known else Path(source).name
        return f"Learned from {about}" + ("." if examples is None else f": {examples:,} examples.")

    def _short_card(self) -> str:
        facts = self.facts
        accuracy = "not known" if facts["accuracy"] is None else f"{facts['accuracy']:.1%} on the test part of its data"
        paragraphs = (
            f"# {self.name}",
            f"Reads {facts['reads']} and answers with {facts['answers']}: {', '.join(facts['labels'])}.",
            facts["reference"],
            f"Accuracy: {accuracy}. Parameters: {facts['parameters']:,}.",
            NO_JUDGE,
        )
        return "\n\n".join(paragraphs)

    def _provenance(self, *path: str) -> Mapping[str, Any]:
        """Return a part of what the file says of where the model came from; it may hold any JSON, or none."""
        found: Any = self.predictor.artifact.provenance
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None


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
