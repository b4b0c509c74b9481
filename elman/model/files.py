"""Files: a model of any kind, read from its file and written to one.

The records of models that write strings are imported when one is met: the first answer of other models does without.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Union

from elman.files import write_atomically
from elman.model.content import read_content, read_file, refusing_damage
from elman.model.file import Artifact, build_artifact, dump_artifact

if TYPE_CHECKING:
    from elman.model.writer import Writer

AnyRecord = Union[Artifact, "Writer"]


def load_model(path: Path | str) -> AnyRecord:
    """Read a model file.

    Raises:
        NotAModelError: the file does not exist, or is no Elman model.
        NewerModelError: a newer Elman wrote it.
        DamagedModelError: it is truncated, altered, or inconsistent with itself.
    """
    return parse_model(read_file(path), str(path))


def parse_model(content: bytes, path: str) -> AnyRecord:
    """Return the model in the content of a file, as `load_model` does; errors name ``path``."""
    with refusing_damage(path):
        read = read_content(content, path)
        if read.kind is None or not read.kind.writes:
            return build_artifact(read, path)
        from elman.model.writer import build_writer

        return build_writer(read, path)


def save_model(model: AnyRecord, path: Path | str, *, weights: str = "float") -> None:
    """Write a model file, whole or not at all; see `elman.model.file.save_artifact`."""
    write_atomically(Path(path), dump_model(model, weights=weights))


def dump_model(model: AnyRecord, *, weights: str = "float") -> bytes:
    """Return the content of a model file; see `save_model`."""
    if isinstance(model, Artifact):
        return dump_artifact(model, weights=weights)
    from elman.model.writer import dump_writer

    return dump_writer(model, weights=weights)
