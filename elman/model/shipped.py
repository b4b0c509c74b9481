"""Shipped models: the model files inside the package, found by name."""

from pathlib import Path

from elman.checks import shown, suggest
from elman.errors import NotAModelError


def find_model(model: str | Path) -> Path:
    """Return the file of a shipped model, given its name, or of a path; in a folder the file is model.safetensors.

    Raises:
        NotAModelError: there is no such model or file.
    """
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


def shipped_models() -> dict[str, Path]:
    """Return the files of the models inside the package, by name."""
    folder = Path(__file__).with_name("pretrained")
    return {file.stem: file for file in sorted(folder.glob("*.safetensors"))}
