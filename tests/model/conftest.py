"""What the tests of model files share."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy

from elman.model.file import Artifact, save_artifact


@pytest.fixture
def forge(tiny_artifact: Artifact, tmp_path: Path) -> Callable[..., Path]:
    """Write a model file with other content and a digest that fits it, as only a program can."""

    def write(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Path:
        path = tmp_path / "forged.safetensors"
        save_artifact(tiny_artifact, path)
        content = path.read_bytes()
        tensors = safetensors.numpy.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        document = json.loads(header["__metadata__"]["elman"])
        replaced = change(document, tensors)
        body = json.dumps(document if replaced is None else replaced)
        digest = hashlib.sha256(body.encode())
        for name, tensor in sorted(tensors.items()):
            digest.update(f"\n{name} {tensor.dtype} {tensor.shape}\n".encode() + tensor.tobytes())
        path.write_bytes(safetensors.numpy.save(tensors, {"elman": body, "digest": digest.hexdigest()}))
        return path

    return write
