"""Models: what the service tells about each model that it serves."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from elman.checks import count_of
from elman.data.catalog import CATALOG, LANGUAGES
from elman.errors import DamagedModelError, SettingError
from elman.model.card import is_by_heart, read_card
from elman.model.file import Artifact
from elman.model.kinds import KINDS
from elman.model.writer import Writer
from elman.prediction.generator import Generator
from elman.prediction.predictor import Predictor
from elman.prediction.pronouncer import writes_phonemes
from elman.prediction.transcriber import Transcriber
from elman.server.errors import to_json
from elman.shares.prior import find_prior

DISCLAIMER = (
    "An answer is an estimate, relative to what the model learned from. It is no evidence of a person's identity, "
    "ancestry or citizenship."
)

MOST_EXAMPLES, LONGEST_EXAMPLE = 6, 40
"""How many strings of a model file the page offers to try, and their most characters."""


class Served(ABC):
    """A model with the name, the facts and the card that clients see: a `ServedModel` or a `ServedWriter`.

    Attributes:
        name: its name in requests.
        file: the file that it was read from; None for a model made in memory.
    """

    name: str
    file: Path | None

    @property
    @abstractmethod
    def artifact(self) -> Artifact | Writer:
        """Return the record of the model."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """Return the labels that it answers with, or that it can be told."""

    @property
    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return its entry in /v1/models, without ``default``."""

    @property
    def generates(self) -> bool:
        """Whether it writes new strings; otherwise it answers to what it reads."""
        return self.artifact.kind is KINDS["generate"]

    @cached_property
    def json_name(self) -> bytes:
        """Its name in JSON."""
        return to_json(self.name)

    @cached_property
    def card(self) -> str:
        """Its card as an HTML fragment: the Markdown file beside the model file, or a short card from its facts."""
        from markdown_it import MarkdownIt

        text = (read_card(self.file) if self.file is not None else None) or self._short_card()
        return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))

    @abstractmethod
    def _short_card(self) -> str:
        pass

    def _size(self) -> int:
        """Return the bytes of its file, or of its tensors if it was made in memory."""
        if self.file is not None:
            return self.file.stat().st_size
        return sum(tensor.nbytes for tensor in self.artifact.tensors.values())

    def _reference(self) -> str:
        """Return in one sentence what the model learned from."""
        data = self._provenance("data")
        source, examples = data.get("source"), _number(data.get("examples"))
        if not isinstance(source, str):
            return "Its file does not say what it learned from."
        known = CATALOG.get(source)
        about = f"{known.about} ({known.origin})" if known else Path(source).name
        return f"Learned from {about}" + ("." if examples is None else f": {count_of(int(examples), 'example')}.")

    def _examples(self) -> list[str]:
        """Return strings to try: the part ``examples`` of the file's provenance, as far as they are short strings."""
        found = self.artifact.provenance.get("examples")
        short = (
            [one for one in found if isinstance(one, str) and 0 < len(one) <= LONGEST_EXAMPLE]
            if isinstance(found, list)
            else []
        )
        return short[:MOST_EXAMPLES]

    def _provenance(self, *path: str) -> Mapping[str, Any]:
        """Return a part of the file's provenance, which may be any JSON; empty if missing or no object."""
        found: Any = self.artifact.provenance
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True)
class ServedModel(Served):
    """A model that answers with a label, tags or a number.

    Args:
        name: its name in requests.
        predictor: the model.
        file: the file that it was read from; None for a model made in memory.

    Raises:
        SettingError: it reads picture files, and the service opens no files for its clients.
    """

    name: str
    predictor: Predictor
    file: Path | None = None

    def __post_init__(self) -> None:
        """Check that the model can be served."""
        if self.predictor.artifact.kind.reads == "images":
            raise SettingError(
                f"{self.name} reads picture files, which the service does not open for its clients; give a model that "
                "reads strings or numbers"
            )

    @property
    def artifact(self) -> Artifact:
        """The record of the model."""
        return self.predictor.artifact

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it answers with."""
        return self.predictor.labels

    @property
    def is_classifier(self) -> bool:
        """Whether it reads strings and answers with a label, as explanations and tables need."""
        return self.predictor.artifact.kind is KINDS["label"]

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Its entry in /v1/models, without ``default``."""
        artifact = self.artifact
        measured = self._provenance("figures", "test")
        return {
            "name": self.name,
            "kind": artifact.kind.name,
            "reads": artifact.kind.reads,
            "answers": artifact.kind.answers,
            "labels": list(self.predictor.labels),
            "levels": [] if artifact.levels is None else list(artifact.levels.names),
            "estimates": self._can_estimate(),
            "coverages": [] if artifact.sets is None else list(artifact.sets.coverages),
            "parameters": artifact.parameters,
            "bytes": self._size(),
            "accuracy": None if is_by_heart(artifact) else _number(measured.get("accuracy")),
            "reference": self._reference(),
            "origins": self._answers_with_origins(),
            "countries": self._countries(),
            "examples": self._examples(),
            "unseen": False,
            "pronounces": False,
        }

    def _can_estimate(self) -> bool:
        """Return whether shares can be estimated: the file must say how frequent the labels are in training."""
        if not self.is_classifier:
            return False
        try:
            find_prior(self.predictor.artifact)
        except (SettingError, DamagedModelError):
            return False
        return True

    def _answers_with_origins(self) -> bool:
        """Return whether the labels say where names come from, as the page asks; other labels get other words."""
        labels = self.predictor.labels
        return self.is_classifier and (bool(self._countries()) or set(labels) <= set(LANGUAGES))

    def _countries(self) -> dict[str, str]:
        """Return the ISO 3166 code of each label that the file gives one: the part ``countries`` of its provenance."""
        codes, labels = self._provenance("countries"), self.predictor.labels
        return {label: codes[label] for label in labels if _is_code(codes.get(label))}

    def _short_card(self) -> str:
        facts = self.facts
        accuracy = "unknown" if facts["accuracy"] is None else f"{facts['accuracy']:.1%} on the test part of its data"
        paragraphs = (
            f"# {self.name}",
            f"Reads {facts['reads']} and answers with {facts['answers']}: {', '.join(facts['labels'])}.",
            facts["reference"],
            f"Accuracy: {accuracy}. Parameters: {facts['parameters']:,}.",
            DISCLAIMER,
        )
        return "\n\n".join(paragraphs)


@dataclass(frozen=True)
class ServedWriter(Served):
    """A model that writes strings.

    Args:
        name: its name in requests.
        writer: the model.
        file: the file that it was read from; None for a model made in memory.
    """

    name: str
    writer: Generator | Transcriber
    file: Path | None = None

    @property
    def artifact(self) -> Writer:
        """The record of the model."""
        return self.writer.artifact

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it can be told; empty if it knows none."""
        return self.writer.labels

    @cached_property
    def pronounces(self) -> bool:
        """Whether it writes ARPAbet, as pronunciations need."""
        return isinstance(self.writer, Transcriber) and writes_phonemes(self.writer)

    def warm_up(self) -> None:
        """Write once, so that the first answer is as fast as later ones."""
        if isinstance(self.writer, Transcriber):
            self.writer.predict("warm")
        else:
            self.writer.sample(seed=0)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Its entry in /v1/models, without ``default``."""
        wrong = _number(self._provenance("figures", "test").get("word_error_rate"))
        return {
            "name": self.name,
            "kind": self.artifact.kind.name,
            "reads": self.artifact.kind.reads,
            "answers": self.artifact.kind.answers,
            "labels": list(self.labels),
            "levels": [],
            "estimates": False,
            "coverages": [],
            "parameters": self.artifact.parameters,
            "bytes": self._size(),
            "accuracy": None if wrong is None else 1 - wrong,
            "reference": self._reference(),
            "origins": False,
            "countries": {},
            "examples": self._examples(),
            "unseen": self.artifact.seen is not None,
            "pronounces": self.pronounces,
        }

    def _short_card(self) -> str:
        kind = self.artifact.kind
        told = f" It can be told one of {count_of(len(self.labels), 'label')}: {', '.join(self.labels)}."
        paragraphs = (
            f"# {self.name}",
            f"{str(kind)[0].upper()}{str(kind)[1:]}." + (told if self.labels else ""),
            self._reference(),
            f"Parameters: {self.artifact.parameters:,}.",
        )
        return "\n\n".join(paragraphs)


def _is_code(value: Any) -> bool:
    """Return whether a value is a country's code, or that of a part of it, such as GB-SCT."""
    return isinstance(value, str) and re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", value) is not None


def _number(value: Any) -> float | None:
    """Return a value that is a number which JSON can hold; otherwise None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None
