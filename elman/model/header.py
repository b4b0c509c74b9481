"""Header: what a model file says of itself, checked before anything is read or allocated by it.

A model file can come from anyone, so nothing in it is believed: types, shapes and sizes are compared with each other
first. A file that passes takes at most a few times its own size in memory.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import shown
from elman.errors import DamagedModelError
from elman.model.tensors import Shape, dtype_of
from elman.text.vocabulary import has_controls

SCALE = ".scale"
"""The end of the name of a tensor that scales the rows of one of 8 or 4 bits."""

LONGEST_TEXT = 1000
"""The most characters of a name in a model file."""

DEEPEST = 100
"""The most levels of lists and objects in a document."""

DTYPES = {"F32": ("float32", 4), "F16": ("float16", 2), "I8": ("int8", 1), "U8": ("uint8", 1), "I64": ("int64", 8)}
"""The number types of tensors in a model file, as safetensors calls them: numpy's name, and bytes of a number."""

_TYPES: dict[str, tuple[type, str]] = {
    "name": (str, "a string"),
    "config": (dict, "an object"),
    "vocabulary": (list, "a list of strings"),
    "labels": (list, "a list of strings"),
    "normalisation": (dict, "an object"),
    "temperature": (float, "a number"),
    "provenance": (dict, "an object"),
}
_TYPES_OF_KIND: dict[str, tuple[type, str]] = {
    "reads": (str, "a string"),
    "answers": (str, "a string"),
    "columns": (list, "a list of strings"),
    "picture": (list, "a list of whole numbers of at least 1"),
}
_TYPES_OF_WRITING: dict[str, tuple[type, str]] = {
    "reads": (str, "a string"),
    "answers": (str, "a string"),
    "targets": (list, "a list of strings"),
    "target_symbols": (str, "a string"),
    "longest": (int, "a whole number"),
    "hashes": (int, "a whole number"),
}
_TYPES_OF_SPLIT: dict[str, tuple[type, str]] = {
    "kind": (str, "a string"),
    "seed": (int, "a whole number"),
    "test_share": (float, "a number"),
    "validation_share": (float, "a number"),
    "fingerprint": (str, "a string"),
}


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as the header describes it.

    Args:
        dtype: its number type, one of `DTYPES`.
        shape: its shape.
        start: position of its first byte in the file.
        end: position after its last byte.
    """

    dtype: str
    shape: Shape
    start: int
    end: int


def read_header(content: bytes) -> tuple[dict[str, Any], dict[str, StoredTensor]]:
    """Return the metadata of a safetensors file, and its tensors by name.

    Args:
        content: of the file: 8 bytes of little-endian length, a header of JSON, and the bytes of the tensors.

    Returns:
        Both empty if it is no safetensors file; metadata values can be of any type.

    Raises:
        DamagedModelError: it is truncated, or an entry is invalid.
    """
    length = int.from_bytes(content[:8], "little")
    if content[8:9] != b"{":
        return {}, {}
    if len(content) < 8 + length:
        raise DamagedModelError("it is truncated")
    header = parse_json(content[8 : 8 + length].decode())
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise DamagedModelError("its metadata must be an object")
    if "elman" not in metadata:
        return metadata, {}
    stored = {name: _read_entry(name, entry, 8 + length) for name, entry in header.items()}
    _check_places(stored, 8 + length, len(content))
    return metadata, stored


def _read_entry(name: str, entry: Any, start: int) -> StoredTensor:
    dtype, shape, offsets = (entry[key] for key in ("dtype", "shape", "data_offsets"))
    whole = [*shape, *offsets]
    if dtype not in DTYPES or len(offsets) != 2 or not all(type(number) is int and number >= 0 for number in whole):
        raise DamagedModelError(f"its tensor {shown(name)} has an invalid type or size")
    if offsets[1] - offsets[0] != math.prod(shape) * DTYPES[dtype][1]:
        raise DamagedModelError(f"its tensor {shown(name)} has not as many bytes as its shape needs")
    return StoredTensor(dtype, tuple(shape), start + offsets[0], start + offsets[1])


def _check_places(stored: Mapping[str, StoredTensor], start: int, end: int) -> None:
    """Check that tensors follow each other from the start to the end, as safetensors demands.

    Raises:
        DamagedModelError: there are bytes that no tensor has, or that several have.
    """
    for tensor in sorted(stored.values(), key=lambda one: (one.start, one.end)):
        if tensor.start != start:
            raise DamagedModelError("its tensors do not follow each other")
        start = tensor.end
    if start != end:
        raise DamagedModelError("it is truncated" if start > end else "it has bytes after its end")


def view_tensors(content: bytes, stored: Mapping[str, StoredTensor]) -> dict[str, NDArray[Any]]:
    """Return the tensors in the content of a model file, without a copy of their numbers; they cannot be changed.

    Raises:
        ValueError: the content ends before one of them.
    """
    views = {}
    for name, tensor in stored.items():
        flat = np.frombuffer(content, DTYPES[tensor.dtype][0], math.prod(tensor.shape), tensor.start)
        views[name] = np.require(flat.reshape(tensor.shape), requirements="A")
    return views


def digest_of_content(body: str, content: bytes, stored: Mapping[str, StoredTensor]) -> str:
    """Return the SHA-256 of the document and the tensors in the content of a model file, in hexadecimal."""
    digest, view = hashlib.sha256(body.encode()), memoryview(content)
    for name in sorted(stored):
        tensor = stored[name]
        digest.update(f"\n{name} {DTYPES[tensor.dtype][0]} {tensor.shape}\n".encode())
        digest.update(view[tensor.start : tensor.end])
    return digest.hexdigest()


def check_tensors(stored: Mapping[str, StoredTensor], shapes: Mapping[str, Shape]) -> None:
    """Check that the tensors of a file have the shapes and number types of its network.

    Args:
        stored: the tensors of the file by name.
        shapes: the shapes that the network needs, by name. A matrix of 8 or 4 bits also needs a scale for each row, and
            one of 4 bits, U8, has two numbers in a byte.

    Raises:
        DamagedModelError: they do not.
    """
    scales = {name + SCALE: shape[:1] for name, shape in shapes.items() if name in stored and _is_rounded(stored[name])}
    needed, found = {**shapes, **scales}, {name: _find_shape(tensor) for name, tensor in stored.items()}
    if found != needed:
        wrong = sorted(name for name in needed.keys() | found.keys() if needed.get(name) != found.get(name))
        raise DamagedModelError(f"its tensors do not fit its config: {', '.join(map(shown, wrong[:5]))}")
    pairs = {name + SCALE for name, tensor in stored.items() if tensor.dtype == "U8"}
    for name, tensor in stored.items():
        types = ["F32"] if name in scales and name not in pairs else ["F32", "F16"]
        types = ["I64"] if dtype_of(name) == "int64" else types
        types += ["I8", "U8"] if len(tensor.shape) == 2 else []
        if tensor.dtype not in types:
            raise DamagedModelError(f"its tensor {name} must hold {dtype_of(name)}; it holds {DTYPES[tensor.dtype][0]}")


def _is_rounded(tensor: StoredTensor) -> bool:
    return tensor.dtype in ("I8", "U8")


def _find_shape(tensor: StoredTensor) -> Shape:
    """Return the shape of the tensor that is read from a stored one."""
    if tensor.dtype == "U8" and len(tensor.shape) == 2:
        return tensor.shape[0], 2 * tensor.shape[1]
    return tensor.shape


def parse_json(text: str) -> Any:
    """Return the value of a JSON text that has no key twice in one object, and is not too deep.

    Raises:
        DamagedModelError: it has, or is.
        ValueError: it is not JSON.
        RecursionError: it is much too deep.

    >>> parse_json('{"a": [1]}')
    {'a': [1]}
    """
    value = json.loads(text, object_pairs_hook=_build_object)
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return value
    raise DamagedModelError(f"it has more than {DEEPEST} levels of lists and objects")


def _build_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise DamagedModelError("an object in it has a key twice")
    return values


def check_document(document: Any, *, has_kind: bool) -> None:
    """Check the types of the values in the document of a model file; `Artifact` checks what they mean.

    Args:
        document: the value of its JSON.
        has_kind: whether it says what the model reads and answers with, as files of version 1 do not.

    Raises:
        DamagedModelError: a value is missing or has another type, or a text is too long.
    """
    _check_types(document, {**_TYPES, **(_TYPES_OF_KIND if has_kind else {})}, "")
    _check_values(document, ("vocabulary", "labels", *(("columns",) if has_kind else ())))
    if has_kind and not all(type(size) is int and size >= 1 for size in document["picture"]):
        raise DamagedModelError(f"its picture must be {_TYPES_OF_KIND['picture'][1]}")


def check_writing(document: Any) -> None:
    """Check the types of the values in the document of a model that writes, as `check_document` does for others.

    Raises:
        DamagedModelError: a value is missing or has another type, or a text is too long.
    """
    _check_types(document, {**_TYPES, **_TYPES_OF_WRITING}, "")
    _check_values(document, ("vocabulary", "labels", "targets"))


def _check_values(document: Any, lists: Sequence[str]) -> None:
    """Check the texts in lists, and the values of the normalisation and of the split."""
    texts = [text for name in lists for text in document[name]]
    names = " and ".join([", ".join(lists[:-1]), lists[-1]])
    if not all(isinstance(text, str) for text in texts):
        raise DamagedModelError(f"its {names} must be lists of strings")
    if any(len(text) > LONGEST_TEXT for text in (document["name"], *texts)):
        raise DamagedModelError(f"its name, {names} must have at most {LONGEST_TEXT} characters each")
    if has_controls("".join(document["vocabulary"])):
        raise DamagedModelError("its vocabulary has control characters or surrogates")
    if not all(isinstance(setting, bool) for setting in document["normalisation"].values()):
        raise DamagedModelError("its normalisation must be an object of true and false")
    if "split" in document["provenance"]:
        _check_types(document["provenance"]["split"], _TYPES_OF_SPLIT, "split ")


def _check_types(values: Any, types: Mapping[str, tuple[type, str]], what: str) -> None:
    if not isinstance(values, dict):
        raise DamagedModelError(f"its {what or 'document '}must be an object; it is {shown(repr(values))}")
    for name, (kind, expected) in types.items():
        if name not in values:
            raise DamagedModelError(f"its {what}{name} is missing")
        value = values[name]
        if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
            raise DamagedModelError(f"its {what}{name} must be {expected}; it is {shown(repr(value))}")
