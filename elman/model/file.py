"""The model file: one safetensors file with everything that a prediction needs, and its provenance.

Weights are tensors. Everything else is one JSON document in the header: model config, vocabulary, labels,
normalisation, temperature, and the provenance (data counts, split, training config, figures, versions). A SHA-256
digest of both detects altered files. Nothing in the file can run: reading it parses numbers and JSON.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from elman.checks import count_of, shown
from elman.errors import DamagedModelError, ElmanError, NewerModelError, NotAModelError, SettingError
from elman.files import write_atomically
from elman.model.config import ModelConfig
from elman.model.header import SCALE, check_document, check_tensors, digest_of_content, parse_json, read_header
from elman.model.hierarchy import Levels
from elman.model.kinds import KINDS, Kind, find_kind
from elman.model.tensors import BAG_CODES, dtype_of
from elman.text.evidence import EVIDENCE
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary

FORMAT_VERSION = 4
"""Version 2 added what a model reads and answers with; files of version 1 read strings and answer with a label. Version
3 added weights of 8 bits, version 4 bags with a head and bags of words. A file has the lowest version that describes
it, so that older versions of Elman can read it."""

SETTINGS_OF_BAGS = ("bag_most", "bag_size", "bag_words", "separator")
"""Settings of version 4, which are in older files only if they say nothing."""

WEIGHTS = ("float", "int8")

FIRST = 1024
"""How many numbers of a tensor are rounded to 16 bits before all of them are."""

_HEADER_KEY = "elman"

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 1e-6, 1e6
"""Training finds temperatures from 0.05 to 20; much smaller ones make probabilities infinite."""

LONGEST_REASON = 400
"""The most characters in an error message that come from the file."""

Tensors = Mapping[str, NDArray[Any]]


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
    # Document and digest of the file that the model was read from, if saving it again writes the same tensors.
    _saved: tuple[str, str] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that the parts are consistent."""
        self._check_kind()
        self._check_tensors()
        if not LOWEST_TEMPERATURE <= self.temperature <= HIGHEST_TEMPERATURE:
            limits = f"from {LOWEST_TEMPERATURE:g} to {HIGHEST_TEMPERATURE:g}"
            raise DamagedModelError(f"its temperature must be {limits}; it is {self.temperature}")
        if self.evidence not in (None, *EVIDENCE):
            raise DamagedModelError(f"its evidence must be one of {', '.join(EVIDENCE)}; it is {self.evidence!r}")
        self._check_levels()
        if not all(np.isfinite(tensor).all() for tensor in self.tensors.values()):
            raise DamagedModelError("some of its weights are not finite")

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

    def _check_levels(self) -> None:
        if self.levels is None:
            return
        if self.kind.answers != "label":
            raise DamagedModelError(f"it has levels, and answers with {self.kind.answers}")
        if len(self.levels) != len(self.labels):
            raise DamagedModelError(
                f"its levels have groups for {count_of(len(self.levels), 'label')}; it has {len(self.labels):,}"
            )

    def _check_tensors(self) -> None:
        _check_layers(self.config, len(self.tensors))
        codes = self.tensors.get(BAG_CODES, np.empty(0, np.int64))
        expected = self.config.tensor_shapes(symbols=len(self.vocabulary), labels=len(self.labels), bag=len(codes))
        found = {name: tensor.shape for name, tensor in self.tensors.items()}
        if found != expected:
            wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
            raise DamagedModelError(f"its tensors do not fit its config: {', '.join(wrong[:5])}")
        for name, tensor in self.tensors.items():
            if tensor.dtype != dtype_of(name):
                raise DamagedModelError(f"its tensor {name} must hold {dtype_of(name)}; it holds {tensor.dtype}")
        if (self.config.separator or 0) >= len(self.vocabulary):
            raise DamagedModelError(f"it knows no symbol {self.config.separator} that could separate words")
        if (codes[1:] <= codes[:-1]).any():
            raise DamagedModelError("its codes of n-grams are not in rising order")

    @cached_property
    def digest(self) -> str:
        """The SHA-256 that identifies the model, in hexadecimal: the digest in the file that `save_artifact` writes."""
        if self._saved is not None and self._saved[0] == _describe(self, "float"):
            return self._saved[1]
        return _digest(*_encode(self, "float"))

    @property
    def parameters(self) -> int:
        """How many numbers the network learned."""
        return sum(tensor.size for tensor in self.tensors.values() if tensor.dtype == np.float32)


def _check_layers(config: ModelConfig, tensors: int) -> None:
    """Check that there are no more layers than tensors, before the shapes of their weights are listed."""
    if config.layers > tensors:
        raise DamagedModelError(f"its config has {count_of(config.layers, 'layer')}, more than it has tensors")


def save_artifact(artifact: Artifact, path: Path | str, *, weights: str = "float") -> None:
    """Write a model file, whole or not at all: an older file is replaced when the new one is complete.

    Args:
        artifact: the model.
        path: the file.
        weights: ``float`` keeps all weights exactly: a tensor has 16 bits if that loses nothing. ``int8`` rounds
            matrices to 8 bits, with a scale for each row. Predictions then change slightly (`benchmarks/weights.py`);
            scoring takes the same time, because weights become float32 when the file is read.

    Raises:
        SettingError: ``weights`` has another value.
    """
    write_atomically(Path(path), dump_artifact(artifact, weights=weights))


def dump_artifact(artifact: Artifact, *, weights: str = "float") -> bytes:
    """Return the content of a model file; see `save_artifact`."""
    body, tensors = _encode(artifact, weights)
    return save(tensors, metadata={_HEADER_KEY: body, "digest": _digest(body, tensors)})


def digest_of_artifact(artifact: Artifact) -> str:
    """Return the SHA-256 that identifies a model; see `Artifact.digest`."""
    return artifact.digest


def _encode(artifact: Artifact, weights: str) -> tuple[str, dict[str, NDArray[Any]]]:
    """Return the document and the tensors of a model file."""
    if weights not in WEIGHTS:
        raise SettingError(f"weights must be one of {', '.join(WEIGHTS)}; got {weights!r}")
    tensors = {name: _narrow(tensor) for name, tensor in artifact.tensors.items()}
    if weights == "int8":
        tensors = {name: part for both in artifact.tensors.items() for name, part in _quantise(*both).items()}
    return _describe(artifact, weights), tensors


def _describe(artifact: Artifact, weights: str) -> str:
    """Return the JSON document of a model file."""
    config = asdict(artifact.config)
    if artifact.config.bag_size or artifact.config.separator is not None:
        version = 4
    else:
        version = 3 if weights == "int8" else 2
        config = {name: value for name, value in config.items() if name not in SETTINGS_OF_BAGS}
    document = {
        "format_version": version,
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
    }
    return json.dumps(document, sort_keys=True)


def load_artifact(path: Path | str) -> Artifact:
    """Read a model file.

    Raises:
        NotAModelError: the file does not exist, or is no Elman model.
        NewerModelError: a newer Elman wrote it.
        DamagedModelError: it is truncated, altered, or inconsistent with itself.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotAModelError(
            f"{shown(str(path), len(str(path)))}: cannot be read ({error.strerror}); "
            "give a model.safetensors file or the name of a model"
        ) from None
    return parse_artifact(content, str(path))


def parse_artifact(content: bytes, path: str) -> Artifact:
    """Return the model in the content of a file, as `load_artifact` does; errors name ``path``."""
    shown_path = shown(path, len(path))
    try:
        metadata, stored = read_header(content)
        if _HEADER_KEY not in metadata:
            raise NotAModelError(f"{shown_path}: is not an Elman model; give a file that `elman train` wrote")
        body, digest = metadata[_HEADER_KEY], metadata.get("digest")
        document = parse_json(body)
        version = document["format_version"]
        if type(version) is not int or version < 1:
            raise DamagedModelError(f"its format version must be a whole number; it is {shown(repr(version))}")
        if version > FORMAT_VERSION:
            raise NewerModelError(
                f"{shown_path}: has format {version}, this Elman reads up to {FORMAT_VERSION}; install a newer Elman"
            )
        if digest != digest_of_content(body, content, stored):
            raise DamagedModelError("it was altered after it was written")
        check_document(document, has_kind=version > 1)
        config = ModelConfig.from_dict(document["config"])
        vocabulary, labels = Vocabulary(tuple(document["vocabulary"])), Labels(tuple(document["labels"]))
        _check_layers(config, len(stored))
        rows = stored[BAG_CODES].shape[:1] if BAG_CODES in stored else (0,)
        check_tensors(stored, config.tensor_shapes(symbols=len(vocabulary), labels=len(labels), bag=sum(rows)))
        tensors = load(content)
        artifact = Artifact(
            name=document["name"],
            config=config,
            tensors=_widen(tensors),
            vocabulary=vocabulary,
            labels=labels,
            normalisation=Normalisation(**document["normalisation"]),
            temperature=float(document["temperature"]),
            provenance=document["provenance"],
            evidence=document.get("evidence"),
            levels=None if document.get("levels") is None else Levels.from_dict(document["levels"]),
            **_parse_kind(document, version),
        )
        if all(_narrow(tensor) is tensor for tensor in tensors.values()):
            object.__setattr__(artifact, "_saved", (body, digest))
        return artifact
    except (NotAModelError, NewerModelError):
        raise
    except (
        ElmanError,
        SafetensorError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        ArithmeticError,
    ) as error:
        reason = str(error) if isinstance(error, ElmanError) else f"its content cannot be read ({error})"
        reason = shown(reason, LONGEST_REASON)
        raise DamagedModelError(f"{shown_path}: is damaged: {reason}; get a fresh copy or train again") from None


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


def _widen(tensors: Tensors) -> dict[str, NDArray[Any]]:
    """Return the tensors of a file with the number types that scoring uses: float32, and int64 for codes."""
    wide = {}
    for name, tensor in tensors.items():
        if tensor.dtype == np.int8:
            with np.errstate(over="ignore", invalid="ignore"):  # the check for finite weights follows
                wide[name] = tensor * tensors[name + SCALE][:, None]
        elif not (name.endswith(SCALE) and name.removesuffix(SCALE) in tensors):
            wide[name] = tensor.astype(np.float32) if tensor.dtype == np.float16 else tensor
    return wide


def _quantise(name: str, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return a matrix of floats as 8-bit numbers and a scale for each row; other tensors as `_narrow` does."""
    if tensor.ndim != 2 or tensor.dtype.kind != "f":
        return {name: _narrow(tensor)}
    scale = np.abs(tensor).max(axis=1, initial=0) / np.float32(127)
    scale[scale == 0] = 1
    return {name: np.rint(tensor / scale[:, None]).astype(np.int8), name + SCALE: scale.astype(np.float32)}


def _narrow(tensor: NDArray[Any]) -> NDArray[Any]:
    """Return a tensor of floats in 16 bits if that loses nothing, and unchanged otherwise."""
    if tensor.dtype != np.float32:
        return tensor
    for part in (tensor.flat[:FIRST], tensor):  # the first numbers show of most tensors that they need 32 bits
        with np.errstate(over="ignore"):
            half = part.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), part):
            return tensor
    return half


def _digest(body: str, tensors: Tensors) -> str:
    """Return the SHA-256 of the document and the tensors of a model file, in hexadecimal."""
    digest = hashlib.sha256(body.encode())
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(f"\n{name} {tensor.dtype} {tensor.shape}\n".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
