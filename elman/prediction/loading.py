"""Loading: a model of any kind, and what answers with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from elman.checks import shown
from elman.errors import SettingError
from elman.model.file import Artifact
from elman.model.files import AnyRecord, load_model
from elman.model.shipped import DEFAULT_MODEL, find_model, find_origin
from elman.prediction.predictor import Predictor

if TYPE_CHECKING:  # what writes is imported only for models that write: the first answer of others does without
    from elman.prediction.generator import Generator
    from elman.prediction.transcriber import Transcriber

AnyModel = Union[Predictor, "Generator", "Transcriber"]


def load(model: str | Path = DEFAULT_MODEL) -> Predictor | Any:
    """Return what answers with a shipped model, by name; a model file, by path; or a model on the Hugging Face Hub.

    Args:
        model: a name, a path, or an address, ``hf://owner/name`` or ``hf://owner/name@revision``. The ``origin`` of
            what is returned says which commit an address led to. Without a network the cache of huggingface_hub is
            used.

    Returns:
        A `Predictor`; or a `Generator` or a `Transcriber` if the model writes strings.

    Raises:
        NotAModelError: no such model or file exists, or the file is of another kind.
        SettingError, HubError, MissingExtraError: the address is invalid, or the Hub cannot be used.
        DamagedModelError, NewerModelError: as `elman.model.files.load_model`.

    >>> load("languages").predict("Nakamura").label
    'Japanese'
    """
    return load_any(model)


def load_any(model: str | Path) -> AnyModel:
    """Return what `load` does, with all its types for type checkers."""
    file = find_model(model)
    return wrap_model(load_model(file), find_origin(model, file))


def wrap_model(found: AnyRecord, origin: str | None = None) -> AnyModel:
    """Return what answers with a model.

    Args:
        found: the model.
        origin: where it was read from; see `elman.prediction.predictor.Predictor`.
    """
    if isinstance(found, Artifact):
        return Predictor(found, origin)
    if found.kind.reads == "labels":
        from elman.prediction.generator import Generator

        return Generator(found, origin)
    from elman.prediction.transcriber import Transcriber

    return Transcriber(found, origin)


def load_generator(model: str | Path) -> "Generator":
    """Return a model that writes new strings.

    Raises:
        SettingError: the model is of another kind.
        ElmanError: as `load`.
    """
    from elman.prediction.generator import Generator

    found = load_any(model)
    if not isinstance(found, Generator):
        raise SettingError(
            f"{shown(str(model), 400)}: is a model that {found.artifact.kind}, and writes no new strings; give one "
            "that `elman train --task generate` made"
        )
    return found
