"""``elman export``: a model becomes an ONNX file, and nothing is replaced."""

import re

import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install 'elman[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'elman[onnx]'")


def test_a_model_is_written_and_its_difference_said(elman_here, tiny_file, tmp_path):
    outcome = elman_here("export", tiny_file, "tiny.onnx")
    assert (outcome.status, outcome.err) == (0, "")
    assert re.fullmatch(r"tiny.onnx: \d+ kB; differs from Elman by at most \de-0[678] of the logits\n", outcome.out)
    assert (tmp_path / "tiny.onnx").read_bytes().startswith(b"\x08\x08")  # the version of the format


@pytest.mark.parametrize(
    ("name", "message"), [("taken.onnx", "already exists"), ("tiny.safetensors2", "ends in .onnx")]
)
def test_a_bad_name_is_refused(elman_here, tiny_file, tmp_path, name, message):
    (tmp_path / "taken.onnx").write_text("mine")
    outcome = elman_here("export", tiny_file, name)
    assert outcome.status == 2 and message in outcome.err
    assert (tmp_path / "taken.onnx").read_text() == "mine"
