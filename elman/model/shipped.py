"""Where models are: in the package by name, in a file by path, or on the Hugging Face Hub by address."""

from pathlib import Path

from elman.checks import shown, suggest
from elman.errors import NotAModelError
from elman.model.address import is_address, parse_address

DEFAULT_MODEL = "origins"
"""The shipped model that answers wherever none is named: in Python, in the commands and in the service."""


def find_model(model: str | Path) -> Path:
    """Return the file of a model.

    Args:
        model: a shipped model's name, a file, a folder that holds model.safetensors, or an address on the Hub:
            ``hf://owner/name`` or ``hf://owner/name@revision``.

    Raises:
        NotAModelError: there is no such model or file.
        SettingError, HubError, MissingExtraError: as `elman.model.address.parse_address` and
            `elman.model.hub.fetch_model`.
    """
    if is_address(model):
        from elman.model.hub import fetch_model  # imported here: most models are files

        return fetch_model(parse_address(str(model)))
    shipped = shipped_models()
    if str(model) in shipped:
        return shipped[str(model)]
    path = Path(model)
    try:
        path = path / "model.safetensors" if path.is_dir() else path
        found = path.is_file()
    except (OSError, ValueError):  # no file can have such a name
        found = False
    if not found:
        raise NotAModelError(
            f"no model '{shown(str(model), 400)}': it is neither a shipped model ({', '.join(shipped)}) nor a file"
            + (suggest(str(model), shipped) or "; see `elman models list`")
        )
    return path


def find_origin(model: str | Path, file: Path) -> str:
    """Return where a model is from: its address with the commit that was loaded, or its file.

    Args:
        model: as in `find_model`.
        file: what `find_model` returned.
    """
    if not is_address(model):
        return str(file)
    from elman.model.hub import pin_address

    return pin_address(str(model), file)


def shipped_models() -> dict[str, Path]:
    """Return the files of the models inside the package, by name."""
    folder = Path(__file__).with_name("pretrained")
    return {file.stem: file for file in sorted(folder.glob("*.safetensors"))}
