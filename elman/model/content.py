"""Content: what every model file has in common, whatever its model does: a document, its tensors and their digest.

A model that answers about what it reads is in `elman.model.file`, one that writes strings in `elman.model.writer`.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.checks import shown
from elman.errors import DamagedModelError, ElmanError, NewerModelError, NotAModelError, SettingError
from elman.model.header import StoredTensor, digest_of_content, parse_json, read_header
from elman.model.kinds import Kind, find_kind
from elman.model.packing import (
    Tensors,
    are_finite,
    are_packed,
    find_fewest_bits,
    find_types,
    pack,
    quantise,
)

FORMAT_VERSION = 7
"""Version 2 added what a model reads and answers with; files of version 1 read strings and answer with a label. Version
3 added weights of 8 bits, version 4 bags with a head and bags of words, version 5 a table of words, version 6 models
that write strings, version 7 weights of 4 bits. A file has the lowest version that describes it, so that older versions
of Elman can read it."""

WRITES = 6
"""The version of a model that writes strings."""

WEIGHTS = ("float", "int8", "int4")

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 1e-6, 1e6
"""Training finds temperatures from 0.05 to 20; much smaller ones make probabilities infinite."""

LONGEST_REASON = 400
"""The most characters in an error message that come from the file."""

_HEADER_KEY = "elman"


class Saved(NamedTuple):
    """What a file says: its document, its digest, and its tensors as they are stored."""

    document: str
    digest: str
    stored: Tensors

    @property
    def bits(self) -> int:
        """The fewest bits that its numbers have: 4, 8 or 16."""
        return find_fewest_bits(self.stored)

    def find_digest(self, document: str) -> str | None:
        """Return the digest of the file if a model with this document would be saved to the same file."""
        return self.digest if self.document == document and are_packed(self.stored) else None


@dataclass(frozen=True)
class Content:
    """A model file whose digest fits it, before its document is believed.

    Args:
        content: of the whole file.
        body: the document as it is written there.
        digest: in hexadecimal.
        document: the value of its JSON.
        version: of the format, 1 to `FORMAT_VERSION`.
        stored: its tensors as the header describes them.
    """

    content: bytes
    body: str
    digest: str
    document: Any
    version: int
    stored: dict[str, StoredTensor]

    @property
    def kind(self) -> Kind | None:
        """What the model reads and answers with, if the document says it and it is known."""
        found = [self.document.get(name) for name in ("reads", "answers")]
        return find_kind(*found) if all(isinstance(one, str) for one in found) else None


def read_file(path: Path | str) -> bytes:
    """Return the content of a model file.

    Raises:
        NotAModelError: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NotAModelError(
            f"{shown(str(path), len(str(path)))}: cannot be read ({error.strerror}); "
            "give a model.safetensors file or the name of a model"
        ) from None


def read_content(content: bytes, path: str) -> Content:
    """Return the parts of a model file, once its digest has been checked; call it inside `refusing_damage`.

    Raises:
        NotAModelError: it is no Elman model.
        NewerModelError: a newer Elman wrote it.
        DamagedModelError: it is truncated or altered.
    """
    shown_path = shown(path, len(path))
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
    return Content(content, body, digest, document, version, stored)


@contextmanager
def refusing_damage(path: str) -> Iterator[None]:
    """Turn whatever goes wrong while a model file is read into one line that names the file.

    Raises:
        DamagedModelError: instead of any other error but `NotAModelError` and `NewerModelError`.
    """
    try:
        yield
    except (NotAModelError, NewerModelError):
        raise
    except (
        ElmanError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        ArithmeticError,
    ) as error:
        reason = str(error) if isinstance(error, ElmanError) else f"its content cannot be read ({error})"
        reason = shown(reason, LONGEST_REASON)
        raise DamagedModelError(
            f"{shown(path, len(path))}: is damaged: {reason}; get a fresh copy or train again"
        ) from None


def form_tensors(tensors: Tensors, weights: str) -> dict[str, NDArray[Any]]:
    """Return tensors as a model file holds them.

    Args:
        tensors: by name.
        weights: ``float``, ``int8`` or ``int4``; see `elman.model.file.save_artifact`.

    Raises:
        SettingError: ``weights`` has another value.
    """
    if weights not in WEIGHTS:
        raise SettingError(f"weights must be one of {', '.join(WEIGHTS)}; got {weights!r}")
    form = pack if weights == "float" else partial(quantise, bits=4 if weights == "int4" else 8)
    return {name: part for both in tensors.items() for name, part in form(*both).items()}


def find_version(least: int, bits: int) -> int:
    """Return the version of a file.

    Args:
        least: that describes it whatever numbers its tensors have.
        bits: the fewest that a number in its tensors has.
    """
    return max(least, 3 if bits < 16 else 1, FORMAT_VERSION if bits < 8 else 1)


def write_content(body: str, tensors: Tensors) -> bytes:
    """Return the content of a model file with this document and these tensors: the same bytes each time."""
    from safetensors.numpy import save  # imported late: the first answer does without it

    content = save(dict(tensors), metadata={_HEADER_KEY: body, "digest": digest_of(body, tensors)})
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])  # its metadata are in the random order of a hash table
    header = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the tensors begin at a multiple of 8, as the format asks
    return len(text).to_bytes(8, "little") + text + content[end:]


def digest_of(body: str, tensors: Tensors) -> str:
    """Return the SHA-256 of the document and the tensors of a model file, in hexadecimal."""
    digest = hashlib.sha256(body.encode())
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(f"\n{name} {tensor.dtype} {tensor.shape}\n".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def count_parameters(tensors: Tensors) -> int:
    """Return how many numbers a network learned; codes are not learned."""
    return sum(math.prod(shape) for shape, dtype in find_types(tensors).values() if dtype == np.float32)


def check_numbers(tensors: Tensors, temperature: float) -> None:
    """Check the temperature of a model, and that all of its weights are finite.

    Raises:
        DamagedModelError: it is too small or too large, or they are not.
    """
    if not LOWEST_TEMPERATURE <= temperature <= HIGHEST_TEMPERATURE:
        limits = f"from {LOWEST_TEMPERATURE:g} to {HIGHEST_TEMPERATURE:g}"
        raise DamagedModelError(f"its temperature must be {limits}; it is {temperature}")
    if not are_finite(tensors):
        raise DamagedModelError("some of its weights are not finite")


def check_fit(tensors: Tensors, expected: dict[str, tuple[int, ...]], types: dict[str, str]) -> None:
    """Check that tensors have the shapes and the number types that a network needs.

    Args:
        tensors: by name.
        expected: the shape of each by name.
        types: the number type of each by name.

    Raises:
        DamagedModelError: they have not.
    """
    stored = find_types(tensors)
    found = {name: shape for name, (shape, _) in stored.items()}
    if found != expected:
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise DamagedModelError(f"its tensors do not fit its config: {', '.join(wrong[:5])}")
    for name, (_, dtype) in stored.items():
        if dtype != types[name]:
            raise DamagedModelError(f"its tensor {name} must hold {types[name]}; it holds {dtype}")
