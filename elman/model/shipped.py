"""Models in the package: their names and files."""

from pathlib import Path
from typing import TYPE_CHECKING

from elman.checks import shown, suggest
from elman.errors import NotAModelError

if TYPE_CHECKING:
    pass


def find_model(model: str | Path) -> Path:
    """Return the file of a shipped model's name or of a path; a folder stands for the model.safetensors inside.

    Raises:
        NotAModelError: there is neither.
    """
    shipped = shipped_models()
    if str(model) in shipped:
        return shipped[str(model)]
    path = Path(model)
    try:
        path = path / "model.safetensors" if path.is_dir() else path
        found = path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        found = False
    if not found:
        raise NotAModelError(
            f"no model '{shown(str(model), 400)}': it is neither a shipped model ({', '.join(shipped)}) nor a file"
            + (suggest(str(model), shipped) or "; see `elman models list`")
        )
    return path


def shipped_models() -> dict[str, Path]:
    """Return the models inside the package: name to file."""
    folder = Path(__file__).with_name("pretrained")
    return {file.stem: file for file in sorted(folder.glob("*.safetensors"))}
