"""The ONNX file: it is written if ONNX Runtime answers with it as Elman does."""

from pathlib import Path

from elman.errors import SettingError
from elman.export.content import dump_graph
from elman.export.parity import measure_difference
from elman.files import write_atomically
from elman.prediction.predictor import Predictor, load

LARGEST_DIFFERENCE = 1e-4
"""A graph that differs more from Elman is not written. Rounding alone causes about a hundredth of it."""


def export_onnx(model: Predictor | Path | str, path: Path | str) -> float:
    """Write a model as an ONNX file, whole or not at all, and return how much it differs from Elman.

    Args:
        model: a predictor, or what `load` takes.
        path: the file; an older one is replaced.

    Returns:
        The largest difference between logits of ONNX Runtime and of Elman for 64 random inputs, as a share of the
        largest logit if that is above 1.

    Raises:
        MissingExtraError: the packages of ``elman[onnx]`` are not installed.
        ModelFileError: as `load`.
        SettingError: the model has a part that cannot be exported, is too large, or the file would differ from Elman.
    """
    artifact = (model if isinstance(model, Predictor) else load(model)).artifact
    content = dump_graph(artifact)
    difference = measure_difference(artifact, content)
    if not difference <= LARGEST_DIFFERENCE:
        raise SettingError(
            f"{artifact.name} cannot be exported: ONNX Runtime differs from Elman by {difference:.1g} of the logits, "
            f"more than {LARGEST_DIFFERENCE:g}; the file was not written"
        )
    write_atomically(Path(path), content)
    return difference
