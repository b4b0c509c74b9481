"""``elman export``: a model as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from elman.checks import whole
from elman.cli.options import ModelArgument, command_app
from elman.errors import SettingError

app = command_app()


@app.command()
def export(
    model: ModelArgument,
    out: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="The ONNX file to write.", show_default=False)],
) -> None:
    """Write a model as an ONNX file, for other languages and for browsers.

    The file turns symbol ids, or numbers, into logits and calibrated probabilities, for batches of any size and strings
    of any length. Its metadata holds labels, vocabulary and normalisation. It is written only if ONNX Runtime answers
    as Elman does.

    [bold]elman export languages languages.onnx[/bold]  the model in the package
    """
    from elman.export.file import export_onnx

    if out.suffix.lower() != ".onnx":
        raise SettingError(f"{out}: give the file a name that ends in .onnx")
    if out.exists():
        raise SettingError(f"{out}: already exists; give another name")
    difference = export_onnx(model, out)
    size = out.stat().st_size / 1e3
    print(f"{whole(out)}: {size:,.0f} kB; differs from Elman by at most {difference:.1g} of the logits")
