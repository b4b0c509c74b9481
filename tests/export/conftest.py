"""Models with random weights, of any kind and shape, and ONNX Runtime for their graphs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from elman.model.config import ModelConfig
from elman.model.file import Artifact
from elman.model.kinds import KINDS
from elman.text.ngrams import inventory
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary

SYMBOLS = "'abcdeñ"


@pytest.fixture(scope="session")
def build() -> Callable[..., Artifact]:
    """Build a model of a kind with random weights; keywords change its network."""

    def build(kind: str = "label", *, labels: int = 3, temperature: float = 1.3, **changes: Any) -> Artifact:
        config = ModelConfig(**{"hidden_size": 5, "embedding_size": 4, "ngram_buckets": 37, **changes})
        draw, vocabulary = np.random.default_rng(3), Vocabulary(tuple(SYMBOLS if not config.input_size else ""))
        batches = [draw.integers(0, len(vocabulary), (6, 20))]
        if config.separator is not None:  # pairs of words of one symbol
            first, second = np.divmod(np.arange(len(vocabulary) ** 2), len(vocabulary))
            batches.append(np.stack([first, np.full_like(first, config.separator), second]))
        codes = inventory(batches, config.bag_orders, 1, separator=config.separator)
        shapes = config.tensor_shapes(symbols=len(vocabulary), labels=labels, bag=len(codes))
        tensors = {name: draw.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
        return Artifact(
            name="made up",
            config=config,
            tensors={**tensors, **({"bag.codes": codes} if config.bag_orders else {})},
            vocabulary=vocabulary,
            labels=Labels(tuple("ABCDEFGHIJ"[:labels])),
            normalisation=Normalisation(),
            temperature=temperature,
            floor=0.02 if kind == "label" else 0.0,
            kind=KINDS[kind],
            columns=tuple(f"column {number}" for number in range(config.input_size)) if kind == "features" else (),
            picture=(6, config.input_size) if kind == "images" else (),
        )

    return build


@pytest.fixture(scope="session")
def run_graph() -> Callable[..., dict[str, Any]]:
    """Run the content of an ONNX file, and return its outputs by name."""
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'elman[onnx]'")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3

    def run(content: bytes, values: Any) -> dict[str, Any]:
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        (one,) = session.get_inputs()
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, {one.name: values}), strict=True))

    return run
