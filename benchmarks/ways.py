"""Ways of scoring names that need no torch: Elman's, ONNX Runtime's and fastText's; and the records of every way.

Each public function takes a `Job`, sets everything up and returns the `Work` that `harness.py` times. A way whose
answers differ from Elman's is refused before it is timed.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from names import NameSet
from numpy.typing import NDArray

import elman
from elman.model.config import ModelConfig
from elman.model.file import Artifact
from elman.model.shipped import DEFAULT_MODEL
from elman.model.tensors import EMBEDDING, HEAD_BIAS, HEAD_WEIGHT, name_layer
from elman.prediction.predictor import Predictor
from elman.scoring.scorer import Scorer
from elman.text.encoded import EncodedStrings
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary

BATCH = 512
"""Names that the other libraries read together."""

CHECKED, CLOSE = 300, 1e-4
"""How many names are compared before a way is timed, and how far its logits may be from Elman's."""

FEW = 2000
"""Names that warm a way up."""

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Job:
    """The work of one process.

    Args:
        way: ``module:function`` that sets it up.
        folder: of the names.
        count: how many names.
        threads: wherever a number of threads can be set.
        cell: of the network.
        hidden_size: H.
        seconds: a round repeats whole passes for at least this time.
        sample: the file that some of the answers are written to; no file if empty.
        warm_up: whether to run something before the first round.
    """

    way: str
    folder: str
    count: int
    threads: int
    cell: str = "gru"
    hidden_size: int = 128
    seconds: float = 0.0
    sample: str = ""
    warm_up: bool = True

    @property
    def names(self) -> NameSet:
        """The names."""
        return NameSet(Path(self.folder), self.count)

    @property
    def config(self) -> ModelConfig:
        """The network of all ways: one layer in both directions, embedding 64, neither n-grams nor dropout."""
        return ModelConfig(
            cell=self.cell, hidden_size=self.hidden_size, ngram_orders=(), bag_orders=(),
            dropout=0.0, input_dropout=0.0, symbol_dropout=0.0,
        )  # fmt: skip


@dataclass(frozen=True)
class Work:
    """What one process does in its turn.

    Args:
        run: one pass; returns the answer, (N, C), if ways are compared.
        count: names in a pass.
        warm_up: runs once before the first round; None for a whole pass.
        facts: other figures of this way.
    """

    run: Callable[[], Any]
    count: int
    warm_up: Callable[[], Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class LeftOutError(Exception):
    """A way cannot be timed; the message is the reason."""


def elman_scoring(job: Job) -> Work:
    """Elman: ids to logits, in numpy."""
    scorer, strings = Scorer(job.config, random_tensors(job)), _encode(job.names)
    few = _encode(job.names, at_most=FEW)
    return Work(
        lambda: scorer.logits(strings, threads=job.threads),
        job.count,
        warm_up=lambda: scorer.logits(few, threads=job.threads),
    )


def onnx_scoring(job: Job) -> Work:
    """ONNX Runtime's GRU: the same weights, batches of one length."""
    try:
        import onnxruntime
    except ImportError:
        raise LeftOutError("pip install onnx onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
    graph = _onnx_graph(job.config, random_tensors(job))
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return batched_scoring(job, lambda block: session.run(None, {"ids": block})[0])


def elman_shipped_logits(job: Job) -> Work:
    """The shipped model: ids to logits."""
    predictor = elman.load("languages")
    apply, vocabulary = predictor.artifact.normalisation.apply, predictor.artifact.vocabulary
    ids = [encoded for text in job.names.texts() if len(encoded := vocabulary.encode(apply(text)))]
    strings = EncodedStrings(np.concatenate(ids), np.array([len(each) for each in ids], np.int64))
    return Work(lambda: predictor.scorer.logits(strings, threads=job.threads), len(ids))


def elman_shipped_records(job: Job) -> Work:
    """The shipped model: strings to `Prediction` records."""
    predictor, texts = elman.load("languages"), job.names.texts()
    return Work(lambda: predictor.predict(texts), len(texts))


def elman_shipped_columns(job: Job) -> Work:
    """The shipped model: strings to columns, three labels for each."""
    predictor, texts = elman.load("languages"), job.names.texts()
    return Work(lambda: predictor.predict_columns(texts, top=3), len(texts))


def elman_shipped_arrow(job: Job) -> Work:
    """The shipped model: a column of Arrow to columns, three labels for each."""
    return _answer_columns("languages", job, _read_arrow(job.names))


def elman_default_columns(job: Job) -> Work:
    """The default model: strings to columns, three labels for each."""
    return _answer_columns(DEFAULT_MODEL, job, job.names.texts())


def elman_default_arrow(job: Job) -> Work:
    """The default model: a column of Arrow to columns, three labels for each."""
    return _answer_columns(DEFAULT_MODEL, job, _read_arrow(job.names))


def _answer_columns(model: str, job: Job, names: Any) -> Work:
    predictor = elman.load(model)
    return Work(lambda: predictor.predict_columns(names, top=3, threads=job.threads), job.count)


def _read_arrow(names: NameSet) -> Any:
    """Return the names as an array of Arrow, made without Python strings."""
    try:
        import pyarrow
    except ImportError:
        raise LeftOutError("pip install pyarrow") from None
    data = np.fromfile(names.folder / "texts.txt", np.uint8)
    ends = np.flatnonzero(data == ord("\n"))[: names.count]
    offsets = np.append(0, ends - np.arange(len(ends))).astype(np.int32)
    buffers = [None, pyarrow.py_buffer(offsets), pyarrow.py_buffer(data[data != ord("\n")])]
    return pyarrow.Array.from_buffers(pyarrow.string(), len(ends), buffers)


def elman_shipped_shared(job: Job) -> Work:
    """The shipped model: strings to columns, three labels for each, in several processes."""
    predictor, texts = elman.load("languages"), job.names.texts()
    return Work(
        lambda: predictor.predict_columns(texts, top=3, processes=job.threads),
        len(texts),
        warm_up=lambda: predictor.predict_columns(texts[:FEW], top=3, processes=job.threads),
    )


def elman_shipped_labels(job: Job) -> Work:
    """The shipped model: strings to columns, one label for each, as fastText's list call."""
    predictor, texts = elman.load("languages"), job.names.texts()
    return Work(lambda: predictor.predict_columns(texts, top=1, processes=job.threads), len(texts))


def elman_random_labels(job: Job) -> Work:
    """A network of random weights: strings to columns, one label for each, as fastText's list call."""
    texts, normalisation = job.names.texts(), Normalisation()
    vocabulary = Vocabulary.from_texts(map(normalisation.apply, texts))
    labels = Labels(tuple(f"label {k}" for k in range(job.names.labels)))
    tensors = random_tensors(job, symbols=len(vocabulary))
    predictor = Predictor(Artifact("random", job.config, tensors, vocabulary, labels, normalisation, 1.0))
    return Work(lambda: predictor.predict_columns(texts, top=1, processes=job.threads), len(texts))


def elman_best(job: Job) -> Work:
    """A network of random weights: ids to the three best labels of each name."""
    scorer, strings = Scorer(job.config, random_tensors(job)), _encode(job.names)
    return Work(lambda: scorer.best(strings, top=3), job.count)


def fasttext_labels(job: Job) -> Work:
    """fastText: trained on nine tenths of the names, then all in one call, or one call in each process."""
    try:
        import fasttext
    except ImportError:
        raise LeftOutError("pip install fasttext-numpy2-wheel (or fasttext, with numpy 1)") from None
    texts, labels = job.names.texts(), [name.replace(" ", "_") for name in job.names.label_names()]
    held_out = max(1, len(texts) // 10)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "names.txt")
        pairs = zip(labels[held_out:], texts[held_out:], strict=True)
        file.write_text("".join(f"__label__{label} {text}\n" for label, text in pairs), encoding="utf-8")
        model = fasttext.train_supervised(
            str(file), dim=16, minn=1, maxn=5, epoch=5, lr=0.5, thread=job.threads, verbose=0
        )
    answers, _ = model.predict(texts[:held_out])
    right = np.mean([answer[0] == f"__label__{label}" for answer, label in zip(answers, labels, strict=False)])
    facts = {"fastText, accuracy on a held-out tenth": f"{right:.1%}"}
    if job.threads == 1:
        return Work(lambda: model.predict(texts), len(texts), facts=facts)
    # fastText's predict has one thread: the others are processes, which inherit the model and the names by fork.
    _predict_part.model, _predict_part.texts = model, [texts[start :: job.threads] for start in range(job.threads)]
    pool = get_context("fork").Pool(job.threads)
    return Work(lambda: pool.map(_predict_part, range(job.threads), chunksize=1), len(texts), facts=facts)


def _predict_part(part: int) -> int:
    answers, _ = _predict_part.model.predict(_predict_part.texts[part])
    return len(answers)


def random_tensors(job: Job, *, symbols: int | None = None, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Return seeded weights for the job's network, so large that states differ and so small that gates stay open.

    Args:
        job: its config, and the sizes of its names.
        symbols: V if it is not that of the names.
        seed: of the draw.
    """
    draw = np.random.default_rng(seed)
    shapes = job.config.tensor_shapes(symbols=symbols or job.names.symbols, labels=job.names.labels)
    return {
        name: draw.normal(0, 1.0 if name == EMBEDDING else shape[-1] ** -0.5, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def batched_scoring(job: Job, answer: Callable[[NDArray[np.int64]], Logits]) -> Work:
    """Score with a library that reads batches: names of one length together.

    Args:
        job: what to read.
        answer: from ids, (T, B), to logits, (B, C).

    Raises:
        LeftOutError: its logits differ from Elman's.
    """

    def score(strings: EncodedStrings) -> Logits:
        logits = np.empty((len(strings), job.names.labels), np.float32)
        for rows, block in _blocks_of_one_length(strings):
            logits[rows] = answer(block)
        return logits

    return scoring(job, score)


def scoring(job: Job, score: Callable[[EncodedStrings], Logits]) -> Work:
    """Check the logits of some names against Elman's, and return the work of scoring all names.

    Raises:
        LeftOutError: they differ.
    """
    strings, few = _encode(job.names), _encode(job.names, at_most=CHECKED)
    elmans = Scorer(job.config, random_tensors(job)).logits(few, threads=1)
    furthest = float(np.abs(score(few) - elmans).max())
    if not furthest <= CLOSE:
        raise LeftOutError(f"its logits are up to {furthest:.1e} from Elman's; nothing was timed")
    some = _encode(job.names, at_most=FEW)
    return Work(lambda: score(strings), job.count, warm_up=lambda: score(some))


def _encode(names: NameSet, *, at_most: int | None = None) -> EncodedStrings:
    count = names.count if at_most is None else min(names.count, at_most)
    return EncodedStrings(*NameSet(names.folder, count).encoded())


def _blocks_of_one_length(strings: EncodedStrings) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the positions of at most 512 names of one length, (B,), and their ids, (T, B)."""
    ids, lengths = strings.ids, strings.lengths
    order, starts = np.argsort(lengths, kind="stable"), np.cumsum(lengths) - lengths
    for members in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
        for begin in range(0, len(members), BATCH):
            rows = members[begin : begin + BATCH]
            yield rows, ids[starts[rows] + np.arange(lengths[rows[0]])[:, None]]


def _onnx_graph(config: ModelConfig, tensors: dict[str, NDArray[np.float32]]) -> bytes:
    """Return the network as ONNX, ids (T, B) to logits (B, C).

    ONNX keeps a GRU's gates in the order update, reset, candidate, torch and Elman in reset, update, candidate;
    ``linear_before_reset`` applies the reset gate after the product, as both do.
    """
    from onnx import TensorProto, helper, numpy_helper

    def stack_gates(names: tuple[str, str]) -> NDArray[np.float32]:
        both = [tensors[name] for name in names]
        swapped = [np.concatenate([update, reset, new]) for reset, update, new in (np.split(each, 3) for each in both)]
        return np.stack(swapped)

    size = config.hidden_size
    weight_ih, weight_hh, bias_ih, bias_hh = map(stack_gates, zip(name_layer(0, 0), name_layer(0, 1), strict=True))
    constants = {
        "embedding": tensors[EMBEDDING],
        "W": weight_ih,
        "R": weight_hh,
        "B": np.concatenate([bias_ih, bias_hh], axis=1),
        "shape": np.array([-1, 2 * size], np.int64),
        "head": tensors[HEAD_WEIGHT],
        "bias": tensors[HEAD_BIAS],
    }
    nodes = [
        helper.make_node("Gather", ["embedding", "ids"], ["steps"]),
        helper.make_node(
            "GRU", ["steps", "W", "R", "B"], ["", "final"], direction="bidirectional", hidden_size=size,
            linear_before_reset=1,
        ),
        helper.make_node("Transpose", ["final"], ["by_name"], perm=[1, 0, 2]),
        helper.make_node("Reshape", ["by_name", "shape"], ["read"]),
        helper.make_node("Gemm", ["read", "head", "bias"], ["logits"], transB=1),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "names",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["T", "B"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", len(tensors[HEAD_BIAS])])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()
