"""The model file: one safetensors file with everything that a prediction needs, and its provenance.

Weights are tensors. Everything else is one JSON document in the header: model config, vocabulary, labels,
normalisation, temperature, and the provenance (data counts, split, training config, figures, versions). A SHA-256
digest of both detects altered files. Nothing in the file can run: reading it parses numbers and JSON.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import count_of, is_finite_number, shown
from elman.errors import DamagedModelError, NotAModelError
from elman.files import write_atomically
from elman.model.config import ModelConfig
from elman.model.content import (
    Content,
    Saved,
    check_fit,
    check_numbers,
    count_parameters,
    digest_of,
    find_version,
    form_tensors,
    read_content,
    read_file,
    refusing_damage,
    write_content,
)
from elman.model.familiarity import Familiarity
from elman.model.header import LONGEST_TEXT, check_document, check_tensors, view_tensors
from elman.model.hierarchy import Levels
from elman.model.kinds import KINDS, Kind, find_kind
from elman.model.packing import Tensors, find_fewest_bits, unpack
from elman.model.sets import Sets
from elman.model.tensors import BAG_CODES, dtype_of
from elman.text.evidence import EVIDENCE
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary

SETTINGS_OF_BAGS = ("bag_most", "bag_size", "bag_hidden", "bag_words", "separator")
"""Settings of version 4, which are in older files only if they say nothing."""

SETTINGS_OF_WORDS = ("word_buckets", "word_size", "word_dropout")
"""Settings of version 5, which are in a file only if there is a table of words."""

MOST_PLACEHOLDERS = 100

_OF_LABELS = ("levels", "prior", "sets", "familiarity", "placeholders")
"""The optional parts that only a model that answers with a label can have."""


@dataclass(frozen=True)
class Artifact:
    """A trained model, with everything that predictions need.

    Args:
        name: of the model, as predictions show it.
        config: the shape of the network.
        tensors: its weights by name, as `ModelConfig.tensor_shapes` lists them; number types as
            `elman.model.tensors.dtype_of` says.
        vocabulary: the symbols that it knows; empty if it reads numbers.
        labels: the labels that it can answer with; if it answers with a number, the name of that number.
        normalisation: how strings are prepared.
        temperature: logits are divided by it for calibration, 1e-6 to 1e6.
        provenance: data counts, split, training config, figures and versions: plain JSON values.
        kind: what the model reads and what it answers with.
        columns: the names of the features.
        picture: rows and columns of the images.
        evidence: ``letters`` or ``all``: the symbols that an answer can rest on, as `elman.text.evidence.evidence_of`
            finds them; None for files that do not say: letters for labels, and all symbols otherwise.
        levels: groups of the labels, such as regions; None if the model has none.
        prior: the share of each label that the probabilities assume, (C,), above 0; None: its share of the training
            part.
        sets: thresholds of prediction sets; None if the model has none.
        familiarity: what measures how familiar a string is; None if the model has none.
        floor: the share of all answers that no string tells, spread evenly over the labels, 0 up to 1; see
            `elman.evaluation.calibration.fit_floor`.
        placeholders: strings that say that something is missing, in lower case, at most `MOST_PLACEHOLDERS`; None for
            those of `elman.text.placeholders`.
    """

    name: str
    config: ModelConfig
    tensors: Tensors
    vocabulary: Vocabulary
    labels: Labels
    normalisation: Normalisation
    temperature: float
    provenance: dict[str, Any] = field(default_factory=dict)
    kind: Kind = KINDS["label"]
    columns: tuple[str, ...] = ()
    picture: tuple[int, ...] = ()
    evidence: str | None = None
    levels: Levels | None = None
    prior: tuple[float, ...] | None = None
    sets: Sets | None = None
    familiarity: Familiarity | None = None
    floor: float = 0.0
    placeholders: tuple[str, ...] | None = None
    # Of the file that the model was read from; saving the model again may write the same.
    _saved: Saved | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that the parts are consistent."""
        self._check_kind()
        self._check_tensors()
        check_numbers(self.tensors, self.temperature)
        if not 0 <= self.floor < 1:
            raise DamagedModelError(f"its floor must be at least 0 and less than 1; it is {self.floor}")
        if self.evidence not in (None, *EVIDENCE):
            raise DamagedModelError(f"its evidence must be one of {', '.join(EVIDENCE)}; it is {self.evidence!r}")
        self._check_answers()

    def _check_kind(self) -> None:
        reads, answers = self.kind.reads, self.kind.answers
        input_size = {"strings": 0, "images": self.picture[-1] if len(self.picture) == 2 else -1}
        if self.config.input_size != input_size.get(reads, len(self.columns) or -1):
            raise DamagedModelError(f"its network does not read {reads}")
        if self.config.readout != self.kind.readout:
            raise DamagedModelError(f"its readout {self.config.readout!r} does not answer with {answers}")
        if (len(self.labels) == 1) != (answers == "number"):
            raise DamagedModelError(f"it has {count_of(len(self.labels), 'label')} to answer with {answers}")
        if self.config.head == "none" and self.config.directions * self.config.hidden_size != len(self.labels):
            raise DamagedModelError(f"it has no head to make {count_of(len(self.labels), 'score')}")

    def _check_answers(self) -> None:
        """Check the optional parts that only a model that answers with a label can have."""
        given = [name for name in _OF_LABELS if getattr(self, name) is not None]
        if given and self.kind.answers != "label":
            raise DamagedModelError(f"it has {given[0]}, and answers with {self.kind.answers}")
        if self.floor and self.kind.answers != "label":
            raise DamagedModelError(f"it has a floor, and answers with {self.kind.answers}")
        is_share = [is_finite_number(share) and share > 0 for share in self.prior or ()]
        if self.prior is not None and (len(is_share) != len(self.labels) or not all(is_share)):
            raise DamagedModelError("its prior must be a number above 0 for each label")
        if self.familiarity is not None and len(self.familiarity.groups) not in (0, len(self.vocabulary)):
            raise DamagedModelError("its familiarity does not have a group for each symbol")
        if self.familiarity is not None and self.kind.reads != "strings":
            raise DamagedModelError(f"it has a measure of strings, and reads {self.kind.reads}")
        texts = self.placeholders or ()
        if len(texts) > MOST_PLACEHOLDERS or not all(
            isinstance(one, str) and len(one) <= LONGEST_TEXT for one in texts
        ):
            raise DamagedModelError(f"its placeholders must be at most {MOST_PLACEHOLDERS} strings")
        if self.sets is not None and len(self.sets.thresholds) != (
            1 if self.levels is None else len(self.levels.names)
        ):
            raise DamagedModelError("its prediction sets must have thresholds for each level")
        if self.levels is not None and len(self.levels) != len(self.labels):
            raise DamagedModelError(
                f"its levels have groups for {count_of(len(self.levels), 'label')}; it has {len(self.labels):,}"
            )

    def _check_tensors(self) -> None:
        _check_layers(self.config, len(self.tensors))
        codes = self.tensors.get(BAG_CODES, np.empty(0, np.int64))
        expected = self.config.tensor_shapes(symbols=len(self.vocabulary), labels=len(self.labels), bag=len(codes))
        check_fit(self.tensors, expected, {name: dtype_of(name) for name in expected})
        if (self.config.separator or 0) >= len(self.vocabulary):
            raise DamagedModelError(f"it knows no symbol {self.config.separator} that could separate words")
        if (codes[1:] <= codes[:-1]).any():
            raise DamagedModelError("its codes of n-grams are not in rising order")

    @cached_property
    def digest(self) -> str:
        """The SHA-256 that identifies the model, in hexadecimal: the digest in the file that `save_artifact` writes."""
        known = None if self._saved is None else self._saved.find_digest(_describe(self, self._saved.bits))
        return known or digest_of(*_encode(self, "float"))

    @property
    def parameters(self) -> int:
        """How many numbers the network learned."""
        return count_parameters(self.tensors)


def _check_layers(config: ModelConfig, tensors: int) -> None:
    """Check that there are no more layers than tensors, before the shapes of their weights are listed."""
    if config.layers > tensors:
        raise DamagedModelError(f"its config has {count_of(config.layers, 'layer')}, more than it has tensors")


def save_artifact(artifact: Artifact, path: Path | str, *, weights: str = "float") -> None:
    """Write a model file, whole or not at all: an older file is replaced when the new one is complete.

    Args:
        artifact: the model.
        path: the file.
        weights: ``float`` keeps all weights exactly: a tensor has 16 bits, or 8 with a scale for each row, if that
            loses nothing. ``int8`` rounds matrices to 8 bits, ``int4`` tables to 4. Predictions then change slightly
            (`benchmarks/weights.py`); scoring takes the same time, because weights become float32 when they are
            first read.

    Raises:
        SettingError: ``weights`` has another value.
    """
    write_atomically(Path(path), dump_artifact(artifact, weights=weights))


def dump_artifact(artifact: Artifact, *, weights: str = "float") -> bytes:
    """Return the content of a model file; see `save_artifact`."""
    return write_content(*_encode(artifact, weights))


def digest_of_artifact(artifact: Artifact) -> str:
    """Return the SHA-256 that identifies a model; see `Artifact.digest`."""
    return artifact.digest


def _encode(artifact: Artifact, weights: str) -> tuple[str, dict[str, NDArray[Any]]]:
    """Return the document and the tensors of a model file."""
    tensors = form_tensors(artifact.tensors, weights)
    return _describe(artifact, find_fewest_bits(tensors)), tensors


def _describe(artifact: Artifact, bits: int) -> str:
    """Return the JSON document of a model file, whose tensors have numbers of so many bits, or more."""
    config = asdict(artifact.config)
    without: tuple[str, ...] = SETTINGS_OF_WORDS
    if artifact.config.reads_words:
        version, without = 5, ()
    elif artifact.config.bag_size or artifact.config.separator is not None:
        version = 4
    else:
        version = 2
        without += SETTINGS_OF_BAGS
    config = {name: value for name, value in config.items() if name not in without}
    document = {
        "format_version": find_version(version, bits),
        "name": artifact.name,
        "config": config,
        "vocabulary": list(artifact.vocabulary.symbols),
        "labels": list(artifact.labels.names),
        "normalisation": asdict(artifact.normalisation),
        "temperature": artifact.temperature,
        "provenance": artifact.provenance,
        "reads": artifact.kind.reads,
        "answers": artifact.kind.answers,
        "columns": list(artifact.columns),
        "picture": list(artifact.picture),
        **({} if artifact.evidence is None else {"evidence": artifact.evidence}),
        **({} if artifact.levels is None else {"levels": artifact.levels.to_dict()}),
        **({} if artifact.prior is None else {"prior": list(artifact.prior)}),
        **({} if artifact.sets is None else {"sets": artifact.sets.to_dict()}),
        **({} if artifact.familiarity is None else {"familiarity": artifact.familiarity.to_dict()}),
        **({} if artifact.floor == 0 else {"floor": artifact.floor}),
        **({} if artifact.placeholders is None else {"placeholders": list(artifact.placeholders)}),
    }
    return json.dumps(document, sort_keys=True)


def load_artifact(path: Path | str) -> Artifact:
    """Read a model file.

    Raises:
        NotAModelError: the file does not exist, or is no Elman model.
        NewerModelError: a newer Elman wrote it.
        DamagedModelError: it is truncated, altered, or inconsistent with itself.
    """
    return parse_artifact(read_file(path), str(path))


def parse_artifact(content: bytes, path: str) -> Artifact:
    """Return the model in the content of a file, as `load_artifact` does; errors name ``path``."""
    with refusing_damage(path):
        return build_artifact(read_content(content, path), path)


def build_artifact(read: Content, path: str) -> Artifact:
    """Return the model in the parts of a file; call it inside `elman.model.content.refusing_damage`.

    Raises:
        NotAModelError: the model writes strings, which is another kind of record.
    """
    document, stored, version = read.document, read.stored, read.version
    if read.kind is not None and read.kind.writes:
        raise NotAModelError(f"{shown(path, len(path))}: is a model that {read.kind}; {read.kind.remedy}")
    check_document(document, has_kind=version > 1)
    config = ModelConfig.from_dict(document["config"])
    vocabulary, labels = Vocabulary(tuple(document["vocabulary"])), Labels(tuple(document["labels"]))
    _check_layers(config, len(stored))
    rows = stored[BAG_CODES].shape[:1] if BAG_CODES in stored else (0,)
    check_tensors(stored, config.tensor_shapes(symbols=len(vocabulary), labels=len(labels), bag=sum(rows)))
    tensors = view_tensors(read.content, read.stored)
    artifact = Artifact(
        name=document["name"],
        config=config,
        tensors=unpack(tensors),
        vocabulary=vocabulary,
        labels=labels,
        normalisation=Normalisation(**document["normalisation"]),
        temperature=float(document["temperature"]),
        provenance=document["provenance"],
        evidence=document.get("evidence"),
        floor=float(document.get("floor", 0.0)),
        **_parse_answers(document),
        **_parse_kind(document, version),
    )
    object.__setattr__(artifact, "_saved", Saved(read.body, read.digest, tensors))
    return artifact


def _parse_kind(document: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return what a model reads and answers with, and the names and sizes that belong to it."""
    if version < 2:
        return {}
    kind = find_kind(document["reads"], document["answers"])
    if kind is None:
        raise DamagedModelError(
            f"it reads {document['reads']!r} and answers with {document['answers']!r}, which no Elman does"
        )
    columns, picture = tuple(map(str, document["columns"])), tuple(map(int, document["picture"]))
    return {"kind": kind, "columns": columns, "picture": picture}


def _parse_answers(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the optional parts that answers are made with."""
    read: dict[str, Callable[[Any], Any]] = {
        "levels": Levels.from_dict,
        "prior": tuple,
        "sets": Sets.from_dict,
        "familiarity": Familiarity.from_dict,
        "placeholders": tuple,
    }
    return {name: parse(document[name]) for name, parse in read.items() if document.get(name) is not None}
