"""Writer: the record of a model that writes strings, and its model file.

A language model writes new strings, with a label or without (kind ``generate``); an encoder and a decoder write what
belongs to a string that they read (kind ``pairs``). The file is of the same format as that of `elman.model.file`, with
another document.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from elman.checks import count_of, shown
from elman.errors import DamagedModelError, NotAModelError
from elman.files import write_atomically
from elman.model.content import (
    WRITES,
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
from elman.model.header import check_tensors, check_writing, view_tensors
from elman.model.kinds import Kind
from elman.model.packing import Tensors, find_fewest_bits, unpack
from elman.model.seen import Seen
from elman.model.tensors import SEEN_BITS, dtype_of
from elman.model.writing import WriterConfig
from elman.text.normalisation import LONGEST, Normalisation
from elman.text.targets import Targets
from elman.text.vocabulary import Labels, Vocabulary

LONGEST_WRITTEN = 2 * LONGEST
"""The most symbols of a string that a model writes, whatever its file says, so that the time for one is bounded."""


@dataclass(frozen=True)
class Writer:
    """A trained model that writes strings, with everything that it needs.

    Args:
        name: of the model, as its answers show it.
        config: the shape of the network; everything that training chooses is chosen.
        tensors: its weights by name, as `WriterConfig.tensor_shapes` lists them; float32, but for the bits of the
            filter of training strings (`elman.model.seen`), which is optional.
        targets: the symbols that it writes.
        normalisation: how strings are prepared: those that a language model learned from and scores, or those that an
            encoder reads.
        kind: what it reads: ``KINDS["generate"]`` or ``KINDS["pairs"]``.
        longest: the most symbols that it writes, 1 to `LONGEST_WRITTEN`. A model may never write the mark that ends a
            string, so this bound ends it; training sets it by the longest string that it has seen.
        sources: the symbols that it reads; empty without an encoder.
        labels: what it can be conditioned on; None if it knows no labels.
        temperature: logits are divided by it, 1e-6 to 1e6.
        hashes: how many bits of the filter a string sets; 0 without a filter.
        provenance: data counts, split, training config, figures and versions: plain JSON values.

    Raises:
        DamagedModelError: the parts do not fit each other.
    """

    name: str
    config: WriterConfig
    tensors: Tensors
    targets: Targets
    normalisation: Normalisation
    kind: Kind
    longest: int
    sources: Vocabulary = Vocabulary(())
    labels: Labels | None = None
    temperature: float = 1.0
    hashes: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)
    # Of the file that the model was read from, if saving the model again writes the same tensors.
    _saved: Saved | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that the parts are consistent."""
        self._check_kind()
        _check_layers(self.config, len(self.tensors))
        words = len(self.tensors.get(SEEN_BITS, ()))
        expected = self._shapes(words)
        check_fit(self.tensors, expected, {name: dtype_of(name) for name in expected})
        check_numbers(self.tensors, self.temperature)
        if (self.hashes > 0) != (words > 0):
            raise DamagedModelError("its filter of training strings needs bits, and a number of hashes")
        if words:
            Seen(self.tensors[SEEN_BITS], self.hashes)
        if type(self.longest) is not int or not 1 <= self.longest <= LONGEST_WRITTEN:
            raise DamagedModelError(
                f"the most symbols that it writes must be a whole number from 1 to {LONGEST_WRITTEN}; it is "
                f"{shown(repr(self.longest))}"
            )

    def _shapes(self, words: int) -> dict[str, tuple[int, ...]]:
        return self.config.tensor_shapes(
            symbols=len(self.targets), sources=len(self.sources), labels=self.label_count, seen=words
        )

    def _check_kind(self) -> None:
        if not self.kind.writes:
            raise DamagedModelError(f"it {self.kind}, so it writes no strings")
        if self.config.has_encoder != (self.kind.reads == "strings"):
            raise DamagedModelError(f"its network does not read {self.kind.reads}")
        if self.sources.symbols and not self.config.has_encoder:
            raise DamagedModelError("it has symbols to read, and no encoder")
        if self.config.label_size is None or (self.config.label_size > 0) != (self.labels is not None):
            raise DamagedModelError(
                f"it has {count_of(self.label_count, 'label')}, and rows of "
                f"{count_of(self.config.label_size or 0, 'number')} for them"
            )

    @property
    def label_count(self) -> int:
        """The number of labels, C; 0 if it knows none."""
        return 0 if self.labels is None else len(self.labels)

    @cached_property
    def seen(self) -> Seen | None:
        """The filter of the training strings; None if the file has none."""
        return Seen(self.tensors[SEEN_BITS], self.hashes) if self.hashes else None

    @cached_property
    def digest(self) -> str:
        """The SHA-256 that identifies the model, in hexadecimal: the digest in the file that `save_writer` writes."""
        known = None if self._saved is None else self._saved.find_digest(_describe(self, self._saved.bits))
        return known or digest_of(*_encode(self, "float"))

    @property
    def parameters(self) -> int:
        """How many numbers the network learned."""
        return count_parameters(self.tensors)


def with_seen(writer: Writer, seen: Seen) -> Writer:
    """Return the model with a filter of its training strings."""
    return replace(writer, tensors={**writer.tensors, SEEN_BITS: seen.bits}, hashes=seen.hashes)


def save_writer(writer: Writer, path: Path | str, *, weights: str = "float") -> None:
    """Write the file of a model that writes, whole or not at all; see `elman.model.file.save_artifact`.

    Raises:
        SettingError: ``weights`` has another value.
    """
    write_atomically(Path(path), dump_writer(writer, weights=weights))


def dump_writer(writer: Writer, *, weights: str = "float") -> bytes:
    """Return the content of the file of a model that writes; see `save_writer`."""
    return write_content(*_encode(writer, weights))


def _encode(writer: Writer, weights: str) -> tuple[str, dict[str, NDArray[Any]]]:
    """Return the document and the tensors of the file of a model that writes."""
    tensors = form_tensors(writer.tensors, weights)
    return _describe(writer, find_fewest_bits(tensors)), tensors


def _describe(writer: Writer, bits: int) -> str:
    """Return the JSON document of the file of a model that writes, whose numbers have so many bits, or more."""
    document = {
        "format_version": find_version(WRITES, bits),
        "name": writer.name,
        "config": asdict(writer.config),
        "vocabulary": list(writer.sources.symbols),
        "targets": list(writer.targets.symbols),
        "target_symbols": writer.targets.form,
        "labels": [] if writer.labels is None else list(writer.labels.names),
        "normalisation": asdict(writer.normalisation),
        "temperature": writer.temperature,
        "longest": writer.longest,
        "hashes": writer.hashes,
        "provenance": writer.provenance,
        "reads": writer.kind.reads,
        "answers": writer.kind.answers,
    }
    return json.dumps(document, sort_keys=True)


def load_writer(path: Path | str) -> Writer:
    """Read the file of a model that writes.

    Raises:
        NotAModelError: the file does not exist, is no Elman model, or its model does not write strings.
        NewerModelError: a newer Elman wrote it.
        DamagedModelError: it is truncated, altered, or inconsistent with itself.
    """
    return parse_writer(read_file(path), str(path))


def parse_writer(content: bytes, path: str) -> Writer:
    """Return the model in the content of a file, as `load_writer` does; errors name ``path``."""
    with refusing_damage(path):
        return build_writer(read_content(content, path), path)


def build_writer(read: Content, path: str) -> Writer:
    """Return the model in the parts of a file; call it inside `elman.model.content.refusing_damage`.

    Raises:
        NotAModelError: the model does not write strings.
    """
    document, kind = read.document, read.kind
    if kind is None or not kind.writes:
        what = "answers about what it reads" if kind is None else str(kind)
        raise NotAModelError(f"{shown(path, len(path))}: is a model that {what}; use `elman predict` or elman.load")
    check_writing(document)
    config = WriterConfig.from_dict(document["config"])
    _check_layers(config, len(read.stored))
    targets, sources = Targets(tuple(document["targets"]), document["target_symbols"]), document["vocabulary"]
    labels = Labels(tuple(document["labels"])) if document["labels"] else None
    words = sum(read.stored[SEEN_BITS].shape[:1]) if SEEN_BITS in read.stored else 0
    count = 0 if labels is None else len(labels)
    shapes = config.tensor_shapes(symbols=len(targets), sources=len(sources) + 1, labels=count, seen=words)
    check_tensors(read.stored, shapes)
    tensors = view_tensors(read.content, read.stored)
    writer = Writer(
        name=document["name"],
        config=config,
        tensors=unpack(tensors),
        targets=targets,
        normalisation=Normalisation(**document["normalisation"]),
        kind=kind,
        longest=document["longest"],
        sources=Vocabulary(tuple(sources)),
        labels=labels,
        temperature=float(document["temperature"]),
        hashes=document["hashes"],
        provenance=document["provenance"],
    )
    object.__setattr__(writer, "_saved", Saved(read.body, read.digest, tensors))
    return writer


def _check_layers(config: WriterConfig, tensors: int) -> None:
    """Check that there are no more layers than tensors, before the shapes of their weights are listed."""
    if config.most_layers > tensors:
        raise DamagedModelError(f"its config has {count_of(config.most_layers, 'layer')}, more than it has tensors")
