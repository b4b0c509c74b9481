"""Mutated model files: each is refused in one line, or read and used, and takes little memory and time.

    python benchmarks/mutations.py --count 10000 [--seed 0]

Small models of every kind are changed in random places: bytes, values of the document, tensors, and entries of the
header. Most changes get a digest that fits them, as an attacker would add it. Files have at most 1 MiB. A file that is
read answers for a few names; no answer may be NaN or infinite. Prints JSON, and exits with status 1 if a file took more
than 256 MiB or 10 seconds, or raised anything but a `ModelFileError`.
"""

import argparse
import faulthandler
import hashlib
import json
import math
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from elman.errors import DataError, ModelFileError, SettingError
from elman.model.config import ModelConfig
from elman.model.file import Artifact
from elman.model.files import dump_model
from elman.model.hierarchy import Levels
from elman.model.kinds import KINDS
from elman.model.seen import Seen
from elman.model.tensors import BAG_CODES, BAG_WEIGHT, SEEN_BITS
from elman.model.writer import Writer, with_seen
from elman.model.writing import WriterConfig
from elman.prediction.generator import Generator
from elman.prediction.loading import load_any
from elman.prediction.transcriber import Transcriber
from elman.records import Prediction
from elman.text.ngrams import inventory
from elman.text.normalisation import Normalisation
from elman.text.targets import Targets
from elman.text.vocabulary import MOST_LABELS, Labels, Vocabulary

LARGEST_FILE = 2**20
MOST_MEBIBYTES, MOST_SECONDS = 256, 10
INPUTS = {
    "StringReader": ["abc", "Nakamura", "ab'ba, ", "", "a" * 200, "\ufdfa" * 900],
    "FeatureReader": ["1,2", "1e30,-3"],
}
IDEOGRAPHS = "".join(map(chr, range(0x20000, 0x2A000)))
MANY = [f"{'abc'[k % 3]}{'ab' * (k % 9)}{'cba'[k % 2]}" for k in range(250)]

Document = dict[str, Any]
Tensors = dict[str, np.ndarray]
Draw = random.Random


def build_models() -> Iterator[Artifact | Writer]:
    """Yield small models of every kind, with random weights."""
    yield from build_writers()
    bare: dict[str, Any] = {"hidden_size": 3, "embedding_size": 2, "ngram_orders": (), "bag_orders": ()}
    yield _build({"hidden_size": 3, "embedding_size": 2, "ngram_buckets": 8})
    yield _build({**bare, "cell": "lstm", "layers": 2, "embedding_size": 0})
    yield _build({**bare, "cell": "elman", "activation": "none", "head": "concatenation", "directions": 1})
    yield _build({**bare, "cell": "none"}, evidence="all", levels=Levels(("kind", "half"), (("low", "low", "high"),)))
    yield _build({**bare, "readout": "each"}, kind=KINDS["tags"], labels=("x", "y"))
    yield _build({**bare, "cell": "rnn", "activation": "relu"}, kind=KINDS["number"], labels=("age",))
    features: dict[str, Any] = {"kind": KINDS["features"], "columns": ("size", "rooms")}
    yield _build({**bare, "cell": "none", "input_size": 2}, symbols="", labels=("rent",), **features)
    yield _build({**bare, "input_size": 4}, symbols="", kind=KINDS["images"], picture=(6, 4))
    yield _build({**bare, "bag_orders": (1, 2)}, labels=tuple(f"label {k}" for k in range(MOST_LABELS)))
    yield _build({**bare, "cell": "elman", "embedding_size": 0, "hidden_size": 1}, symbols="abc" + IDEOGRAPHS)


def build_writers() -> Iterator[Writer]:
    """Yield small models that write strings."""
    bare: dict[str, Any] = {"hidden_size": 3, "embedding_size": 2}
    read: dict[str, Any] = {"encoder_cell": "gru", "encoder_size": 2, "source_size": 2, "attention_size": 3}
    yield with_seen(_build_writer({**bare, "label_size": 0}), Seen.from_texts(["abc", "cab"]))
    yield _build_writer({**bare, "label_size": 2, "cell": "lstm", "layers": 2}, labels=("Alfa", "Beta"))
    yield _build_writer({**bare, **read, "label_size": 0, "attention": "additive", "mix_size": 3}, kind="pairs")
    dot = {**bare, **read, "label_size": 2, "attention": "dot", "cell": "elman"}
    yield _build_writer(dot, kind="pairs", labels=("Alfa", "Beta"), form="blanks")


def _build_writer(
    config: dict[str, Any], *, kind: str = "generate", labels: tuple[str, ...] = (), form: str = "characters"
) -> Writer:
    shape, draw = WriterConfig(**config), np.random.default_rng(0)
    targets = Targets(tuple("abc") if form == "characters" else ("AA1", "N", "T"), form)
    sources = Vocabulary(tuple("'abc") if kind == "pairs" else ())
    shapes = shape.tensor_shapes(symbols=len(targets), sources=len(sources), labels=len(labels))
    tensors = {name: draw.standard_normal(size).astype(np.float32) for name, size in shapes.items()}
    origin = {"data": {"source": "made up"}, "figures": {"test": {"nats_per_symbol": 0.5}}}
    known = Labels(labels) if labels else None
    return Writer("tiny", shape, tensors, targets, Normalisation(), KINDS[kind], 20, sources, known, provenance=origin)


def _build(
    config: dict[str, Any], *, symbols: str = "'abc", labels: tuple[str, ...] = ("Alfa", "Beta", "Gämma"), **kind: Any
) -> Artifact:
    shape, vocabulary, draw = ModelConfig(**config), Vocabulary(tuple(symbols)), np.random.default_rng(0)
    codes = inventory([vocabulary.encode("abcba'a")[:, None]], shape.bag_orders, 1) if shape.bag_orders else []
    shapes = shape.tensor_shapes(symbols=len(vocabulary), labels=len(labels), bag=len(codes))
    tensors = {name: draw.standard_normal(size).astype(np.float32) for name, size in shapes.items()}
    tensors |= {BAG_CODES: codes} if shape.bag_orders else {}
    origin = {"data": {"source": "made up"}, "figures": {"test": {"accuracy": 0.5}}}
    return Artifact("tiny", shape, tensors, vocabulary, Labels(labels), Normalisation(), 1.25, origin, **kind)


def parse(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header of a model file and the bytes of its tensors."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def write(document: Any, header: dict[str, Any], body: bytes, draw: Draw) -> bytes:
    """Return a model file whose digest fits its content, as far as its entries can be read."""
    text = document if isinstance(document, str) else json.dumps(document)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    names = {"F32": "float32", "F16": "float16", "I8": "int8", "I64": "int64"}
    for name, entry in sorted(header.items()):
        try:
            start, end = entry["data_offsets"]
            digest.update(f"\n{name} {names[entry['dtype']]} {tuple(entry['shape'])}\n".encode() + body[start:end])
        except (KeyError, TypeError, ValueError):
            pass
    head = json.dumps({"__metadata__": {"elman": text, "digest": digest.hexdigest()}, **header}).encode()
    head += b" " * draw.choice([-len(head) % 8, 0])
    return len(head).to_bytes(8, "little") + head + body


def pack(tensors: Tensors) -> tuple[dict[str, Any], bytes]:
    """Return the entries of tensors and their bytes."""
    names = {"float32": "F32", "float16": "F16", "int8": "I8", "int64": "I64", "float64": "F64", "bool": "BOOL"}
    header, body = {}, b""
    for name, tensor in tensors.items():
        offsets = [len(body), len(body) + tensor.nbytes]
        header[name] = {"dtype": names[tensor.dtype.name], "shape": list(tensor.shape), "data_offsets": offsets}
        body += tensor.tobytes()
    return header, body


def unpack(header: dict[str, Any], body: bytes) -> Tensors:
    """Return the tensors of a file."""
    types = {"F32": np.float32, "F16": np.float16, "I8": np.int8, "I64": np.int64}
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], types[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def draw_value(draw: Draw) -> Any:
    """Return a value of JSON that a program may not expect."""
    deep: Any = 1
    for _ in range(draw.choice([2, 90, 300])):
        deep = [deep] if draw.random() < 0.5 else {"a": deep}
    size = draw.choice([0, 1, 3, 200, 30_000])
    plain = [None, True, False, 0, 1, -1, 2, 3, 4, 8, 32, 1.5, 1e-300, 1e300, 3e38, 10**30, -(10**18), 2**31, 2**63]
    plain += ["", "a", "label", "tags", "strings", "none", "each", "\x1b[31m", "\ud800", "\ufdfa", "é", "nan", "1e5"]
    lists = [[draw.choice(plain)] * size, [str(k) for k in range(size)], [chr(0x4E00 + k) for k in range(size)]]
    return draw.choice([*plain, *lists, "x" * size, {str(k): k for k in range(size)}, [[]] * size, deep, math.nan])


def change_document(document: Document, draw: Draw) -> str | Document:
    """Change one to three values of a document; sometimes its text has a key twice."""
    for _ in range(draw.choice([1, 1, 2, 3])):
        part: Any = document
        while True:
            keys = list(part) if isinstance(part, dict) else range(len(part))
            if not keys:
                break
            key = draw.choice(list(keys))
            if isinstance(part[key], dict | list) and draw.random() < 0.6:
                part = part[key]
                continue
            if draw.random() < 0.1:
                del part[key]
            else:
                part[key] = draw_value(draw)
            break
    text = json.dumps(document)
    return text.replace("{", '{"name": 3, ', 1) if draw.random() < 0.03 else text


def change_tensors(tensors: Tensors, draw: Draw) -> Tensors:
    """Change the numbers, type or shape of a tensor, or add or remove one."""
    name = draw.choice(sorted(tensors))
    tensor = tensors[name]
    long = draw.choice([0, 1, 3, 1000, 100_000])
    kinds: list[Callable[[], Tensors]] = [
        lambda: {name: np.full_like(tensor, draw.choice([0, 1, 100])) * tensor.dtype.type(draw.choice([1, 100]))},
        lambda: {name: np.full(tensor.shape, draw.choice([3e38, -3e38, np.nan, np.inf, 1e20, 1e-40]), np.float32)},
        lambda: {name: tensor.astype(draw.choice([np.float16, np.float64, np.int64, np.int8, bool]))},
        lambda: {name: np.ones(tensor.shape, np.int8), f"{name}.scale": np.full(tensor.shape[:1], 3e38, np.float32)},
        lambda: {name: np.ones(tensor.shape, np.int8), f"{name}.scale": np.ones(draw.choice([(), (1,), (long, 1)]))},
        lambda: {name: np.ones(long, np.int8), f"{name}.scale": np.ones(long, np.float32)},
        lambda: {name: np.zeros((0, 10 ** draw.choice([1, 6, 12])), np.float32)},
        lambda: {name: tensor[..., None]},
        lambda: {name: tensor.ravel()},
        lambda: {name: np.ones(draw.choice([(), (long,), (long, 1), (1, long)]), draw.choice([np.float32, np.int8]))},
        lambda: {
            draw.choice(["x", BAG_CODES, BAG_WEIGHT, SEEN_BITS, f"{name}.scale", "a\x1b"]): np.ones(long, np.float32)
        },
    ]
    with np.errstate(all="ignore"):
        changed = {**tensors, **draw.choice(kinds)()}
    if draw.random() < 0.1:
        del changed[draw.choice(sorted(changed))]
    if draw.random() < 0.8:
        doubles = {one: array for one, array in changed.items() if array.dtype == np.float64}
        changed |= {one: array.astype(np.float32) for one, array in doubles.items()}
    return changed


def change_bytes(content: bytes, draw: Draw) -> bytes:
    """Change, insert, repeat or remove some bytes."""
    broken = bytearray(content)
    for _ in range(draw.choice([1, 2, 8, 64])):
        place, size = draw.randrange(len(broken) + 1), draw.choice([1, 8, 200, 5000])
        kind = draw.randrange(4)
        if kind == 0:
            broken[place : place + 1] = draw.randbytes(1)
        elif kind == 1:
            del broken[place : place + size]
        elif kind == 2:
            broken[place:place] = draw.choice([draw.randbytes(size), b"[" * size, b'{"a":' * size, bytes(size)])
        else:
            broken[place:place] = broken[:size]
    return bytes(broken)


def mutate(content: bytes, draw: Draw) -> bytes:
    """Return a changed model file of at most 1 MiB."""
    header, body = parse(content)
    document = json.loads(header.pop("__metadata__")["elman"])
    kind = draw.choice(["bytes", "document", "document", "document", "tensors", "tensors", "both", "entries"])
    if kind == "bytes":
        return change_bytes(content, draw)[:LARGEST_FILE]
    if kind in ("tensors", "both"):
        header, body = pack(change_tensors(unpack(header, body), draw))
    if kind == "entries":
        entry = header[draw.choice(sorted(header))]
        entry[draw.choice(sorted(entry))] = draw_value(draw)
    changed = change_document(document, draw) if kind in ("document", "both") else document
    return write(changed, header, body, draw)[:LARGEST_FILE]


def use(content: bytes, path: Path) -> str:
    """Load a model file and answer with it.

    Returns:
        ``refused`` or ``read``.

    Raises:
        AssertionError: an answer is not finite, or a message has more than one line.
    """
    path.write_bytes(content)
    try:
        predictor = load_any(path)
    except ModelFileError as error:
        assert str(error).isprintable() and len(str(error)) < 1000, f"a long or strange message: {str(error)[:200]!r}"
        return "refused"
    if isinstance(predictor, Generator):
        _write(predictor)
        return "read"
    if isinstance(predictor, Transcriber):
        _answer(predictor.predict(INPUTS["StringReader"][:3], beam=2, top=2))
        return "read"
    try:
        found = predictor.predict(INPUTS.get(type(predictor.reader).__name__, []))
    except DataError:  # a row with another number of columns
        found = []
    try:
        columns = predictor.predict_columns(MANY)
        assert np.isfinite(columns.probabilities[columns.reason_ids < 0]).all(), "a column that is not finite"
    except SettingError:  # the model does not answer strings with labels
        pass
    _answer(found)
    return "read"


def _write(generator: Generator) -> None:
    """Write and score strings; numbers that are too large are refused in one line."""
    try:
        samples = generator.sample(generator.labels[0] if generator.labels else None, count=20, seed=1)
        assert all(math.isfinite(sample.log_probability) for sample in samples), "a sample that is not finite"
        scores = generator.score(["abc", "Nakamura", "", "a" * 200])
        assert all(math.isfinite(one.log_probability or 0) for one in scores), "a score that is not finite"
    except ModelFileError as error:
        assert str(error).isprintable() and len(str(error)) < 1500, f"a long or strange message: {str(error)[:200]!r}"


def _answer(found: list[Prediction]) -> None:
    """Check that answers are finite."""
    for answer in found:
        shares = [one.probability for one in answer.top] + [answer.value or 0]
        assert all(map(math.isfinite, shares)), f"an answer that is not finite: {answer.top[:1]} {answer.value}"


def measure_peak() -> int:
    """Return the largest memory of this process since the last call, bytes; since its start where that is unknown."""
    try:
        status = Path("/proc/self/status").read_text()
        peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * 1024


def limit(mebibytes: int) -> None:
    """Let this process allocate so much more memory at most."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + mebibytes * 2**20, resource.RLIM_INFINITY))


def _stop(*_: object) -> None:
    raise TimeoutError("it took too long")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    faulthandler.enable()
    signal.signal(signal.SIGALRM, _stop)
    draw, outcomes, failures = random.Random(arguments.seed), Counter[str](), list[str]()
    sources = [dump_model(model, weights=weights) for model in build_models() for weights in ("float", "int8")]
    growth, slowest = 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mutated.safetensors")
        for source in sources:
            assert use(source, path) == "read"
        if sys.platform == "linux":
            limit(4 * MOST_MEBIBYTES)
        for number in range(arguments.count):
            content = mutate(draw.choice(sources), draw)
            before, started = measure_peak(), time.perf_counter()
            before = measure_peak() if sys.platform == "linux" else before
            signal.alarm(MOST_SECONDS)
            try:
                outcomes[use(content, path)] += 1
            except Exception as error:
                outcomes["failed"] += 1
                failures.append(f"{number}: {type(error).__name__}: {str(error)[:300]}")
            finally:
                signal.alarm(0)
            slowest = max(slowest, time.perf_counter() - started)
            grown = (measure_peak() - before) / 2**20
            growth = max(growth, grown)
            if grown > MOST_MEBIBYTES:
                failures.append(f"{number}: took {grown:.0f} MiB")
    print(
        json.dumps(
            {
                "cases": arguments.count,
                **outcomes,
                "largest_growth_mebibytes": round(growth, 1),
                "slowest_seconds": round(slowest, 2),
                "failures": failures[:20],
            },
            indent=2,
        )
    )
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
