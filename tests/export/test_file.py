"""An ONNX file is written if ONNX Runtime agrees with Elman."""

import numpy as np
import pytest

import elman
from elman.errors import NotAModelError, SettingError
from elman.export.content import dump_graph
from elman.export.file import export_onnx
from elman.export.parity import measure_difference
from elman.prediction.predictor import Predictor

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'elman[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'elman[onnx]'")
PLAIN = {"ngram_orders": (), "bag_orders": ()}


def test_the_model_of_the_package_is_exported_and_answers_alike(tmp_path, run_graph):
    assert export_onnx("languages", tmp_path / "languages.onnx") < 1e-5
    model = elman.load("languages")
    (ids,) = model.artifact.vocabulary.encode_all(["papadopoulos"]).split()
    found = run_graph((tmp_path / "languages.onnx").read_bytes(), ids[None].astype(np.int64))
    np.testing.assert_allclose(found["probabilities"], model.probabilities(["papadopoulos"]), atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("label", {}),
        ("number", {"labels": 1}),
        ("tags", {"readout": "each", **PLAIN}),
        ("images", {"input_size": 4, **PLAIN}),
        ("features", {"labels": 1, "input_size": 3, **PLAIN}),
    ],
)
def test_every_kind_is_compared(build, tmp_path, kind, changes):
    assert export_onnx(Predictor(build(kind, **changes)), tmp_path / "x.onnx") < 1e-5


def test_a_graph_with_other_weights_differs(build):
    artifact = build()
    model = onnx.load_from_string(dump_graph(artifact))
    (bias,) = (tensor for tensor in model.graph.initializer if tensor.name == "head.bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(artifact.tensors["head.bias"] + np.float32(0.5), "head.bias"))
    assert measure_difference(artifact, model.SerializeToString()) == pytest.approx(0.5, rel=0.9)


def test_a_graph_that_differs_is_not_written(build, tmp_path, monkeypatch):
    monkeypatch.setattr("elman.export.file.measure_difference", lambda artifact, content: float("nan"))
    with pytest.raises(SettingError, match="the file was not written"):
        export_onnx(Predictor(build()), tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_model_is_refused_as_load_does(tmp_path):
    with pytest.raises(NotAModelError, match="nowhere"):
        export_onnx("nowhere", tmp_path / "x.onnx")
