"""Doubt: which stored labels a model that was trained on the other names contradicts.

    python -m release.origins.audit --built FOLDER --out FOLDER

FOLDER is what `release.origins.build` wrote. A linear model over n-grams, words and pairs of words is fitted twice,
each time without half of the names, and judges that half. It is trained with the logarithm of each label's share
added to its logits, and judges without it, so that no label is doubted because it is rare.

The rule. A name is dropped from the training part if the model gives its stored label less than `LEAST`, another label
more than `MOST`, and the two labels are not akin: not in one subregion, and without a common naming tradition. A
footballer's nationality says less than a biography, so for those two files `MOST` alone decides. Validation and test
keep every name as stored: the audit makes no figure better by leaving out what is hard. Names of one word are never
dropped: in the sample of `judged.json` more of them were right than wrong, because a forename is common to many
countries.
"""

import argparse
import csv
import json
import random
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from elman.text.normalisation import compose
from release.origins.build import count, write
from release.origins.labels import Labels, read_labels
from release.origins.rows import PARTS, Row, key_of, share_of
from release.origins.sources import PLAYERS

LEAST, MOST = 0.01, 0.9
FOLDS, EPOCHS = 2, 2
BUCKETS, WIDTH, BATCH, ORDERS = 2**18, 64, 512, (1, 2, 3, 4, 5)
STEP = 0.5
"""The step size of Adagrad."""
SAMPLE = 200
TRADITIONS = Path(__file__).with_name("traditions.txt")


class Doubt(NamedTuple):
    """What the model says of a name that it was not trained on.

    Args:
        stored: the probability of the stored label.
        best: the label with the highest probability.
        sure: the probability of ``best``.
    """

    stored: float
    best: str
    sure: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", type=Path, required=True, help="the folder that the build wrote")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the data without doubtful names")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    started = time.perf_counter()
    parts = {path.stem: read_rows(path) for path in sorted(arguments.built.glob("*.csv"))}
    labels, rows = read_labels(), [row for part in PARTS for row in parts[part]]
    doubts = cross_fit(rows, arguments.seed)
    kinship = Kinship(labels)
    doubtful = {
        (row, part): doubt
        for part, row, doubt in zip((part for part in PARTS for _ in parts[part]), rows, doubts, strict=True)
        if is_doubtful(row, doubt, kinship)
    }
    parts["train"] = [row for row in parts["train"] if (row, "train") not in doubtful]
    counts = {**json.loads((arguments.built / "counts.json").read_text("utf-8")), **count(parts)}
    counts["doubtful"] = count_doubtful(doubtful)
    write(parts, counts, arguments.out)
    sample = random.Random(arguments.seed).sample(sorted(doubtful.items()), min(SAMPLE, len(doubtful)))
    write_sample(sample, arguments.out / "doubtful.tsv")
    print(json.dumps(counts["doubtful"], ensure_ascii=False, indent=1))
    print(f"{len(rows)} names judged, {len(doubtful)} doubtful, in {time.perf_counter() - started:.0f} s")


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file of the build; a command ends with one line if there is no such file."""
    if not path.is_file():
        raise SystemExit(f"{path}: no such file; give a folder that release.origins.build or audit wrote")
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(*values) for values in list(csv.reader(file))[1:]]


class Kinship:
    """Which labels are akin: in one subregion, or on one line of `traditions.txt`."""

    def __init__(self, labels: Labels, path: Path = TRADITIONS) -> None:
        self.subregion = labels.subregion
        lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
        self.traditions = [frozenset(line.split("; ")) for line in lines]
        if unknown := sorted(frozenset().union(*self.traditions) - self.subregion.keys()):
            raise ValueError(f"{path.name}: expected labels of the table, found {', '.join(unknown)}")

    def joins(self, first: str, second: str) -> bool:
        """Return whether two labels are akin."""
        return self.subregion[first] == self.subregion[second] or any(
            first in tradition and second in tradition for tradition in self.traditions
        )


def is_doubtful(row: Row, doubt: Doubt, kinship: Kinship) -> bool:
    """Return whether the rule of this module drops a name."""
    if row.kind == "part" or doubt.sure <= MOST or kinship.joins(row.label, doubt.best):
        return False
    return row.source in PLAYERS or doubt.stored < LEAST


def cross_fit(rows: list[Row], seed: int, *, epochs: int = EPOCHS) -> list[Doubt]:
    """Return what models say of each row that were trained without the names of its key."""
    names = sorted({row.label for row in rows})
    numbers = {label: number for number, label in enumerate(names)}
    stored = np.array([numbers[row.label] for row in rows])
    fold = np.array([int(share_of(key_of(row.name), seed + 1) * FOLDS) for row in rows])
    texts = [compose(row.name).lower() for row in rows]
    doubts: list[Doubt] = [Doubt(0.0, "", 0.0)] * len(rows)
    for number in range(FOLDS):
        model = fit(texts, stored, np.flatnonzero(fold != number), len(names), seed + number, epochs)
        for chosen in batches(np.flatnonzero(fold == number)):
            probabilities = softmax(model.logits(bag([texts[index] for index in chosen])))
            best = probabilities.argmax(1)
            for place, index in enumerate(chosen):
                own = probabilities[place]
                doubts[index] = Doubt(float(own[stored[index]]), names[best[place]], float(own[best[place]]))
        print(f"{number + 1} of {FOLDS} halves judged", flush=True)
    return doubts


class Wide:
    """A bag of hashed n-grams and words, a row of `WIDTH` numbers each, and one linear layer."""

    def __init__(self, labels: int, rng: np.random.Generator) -> None:
        self.table = rng.uniform(-0.5 / WIDTH, 0.5 / WIDTH, (BUCKETS, WIDTH)).astype(np.float32)
        self.weight = np.zeros((WIDTH, labels), np.float32)
        self.bias = np.zeros(labels, np.float32)
        self._squares = [np.full_like(array, 1e-6) for array in (self.weight, self.bias)]
        self._row_squares = np.full((BUCKETS, 1), 1e-6, np.float32)

    def logits(self, names: csr_matrix) -> NDArray[np.float32]:
        """Return (names, labels), float32."""
        return (names @ self.table) @ self.weight + self.bias

    def step(self, names: csr_matrix, stored: NDArray[np.int64], prior: NDArray[np.float32]) -> None:
        """Change the model by one step of Adagrad down the cross-entropy of a batch, the log prior added."""
        used, columns = np.unique(names.indices, return_inverse=True)
        own = csr_matrix((names.data, columns, names.indptr), (names.shape[0], len(used)))
        hidden = own @ self.table[used]
        change = softmax(hidden @ self.weight + self.bias + prior)
        change[np.arange(len(stored)), stored] -= 1
        rows = own.T @ (change @ self.weight.T)
        for array, square, slope in zip(
            (self.weight, self.bias), self._squares, (hidden.T @ change, change.sum(0)), strict=True
        ):
            slope = slope / len(stored)
            square += slope * slope
            array -= STEP * slope / np.sqrt(square)
        rows /= len(stored)
        self._row_squares[used] += (rows * rows).mean(1, keepdims=True)
        self.table[used] -= STEP * rows / np.sqrt(self._row_squares[used])


def fit(
    texts: list[str], stored: NDArray[np.int64], chosen: NDArray[np.int64], labels: int, seed: int, epochs: int
) -> Wide:
    """Return a model trained on the chosen texts, its logits free of the labels' shares."""
    rng = np.random.default_rng(seed)
    model = Wide(labels, rng)
    shares = np.bincount(stored[chosen], minlength=labels) + 1
    prior = np.log(shares / shares.sum()).astype(np.float32)
    for _ in range(epochs):
        for batch in batches(rng.permutation(chosen)):
            model.step(bag([texts[index] for index in batch]), stored[batch], prior)
    return model


def batches(indices: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield indices in pieces of at most `BATCH`."""
    for start in range(0, len(indices), BATCH):
        yield indices[start : start + BATCH]


def bag(texts: list[str]) -> csr_matrix:
    """Return the mean bag of each text: hashed n-grams inside words, words, and pairs of words; (texts, `BUCKETS`)."""
    joined = "".join(f"\n {text} " for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le"), np.uint32).astype(np.uint64)
    owner = np.cumsum(codes == ord("\n")) - 1
    border = (codes == ord("\n")) | (codes == ord(" "))
    buckets, owners = [], []
    code, crosses = np.zeros(len(codes), np.uint64), np.zeros(len(codes), bool)
    for order in ORDERS:  # the n-gram that ends at each symbol; blanks may be its first or last symbol only
        end = len(codes) - order + 1
        code = code[:end] * np.uint64(0x9E3779B97F4A7C15) + codes[order - 1 :] + np.uint64(order)
        crosses = crosses[:end] | border[order - 2 : order - 2 + end] if order > 2 else codes[:end] == ord("\n")
        kept = ~crosses & (codes[order - 1 :] != ord("\n")) & ~(border[:end] & border[order - 1 :])
        buckets.append((code[kept] >> np.uint64(40)) % np.uint64(BUCKETS))
        owners.append(owner[:end][kept])
    for number, text in enumerate(texts):
        words = text.split()
        pairs = [*words, *map(" ".join, zip(words, words[1:], strict=False))]
        buckets.append(np.array([zlib.crc32(word.encode()) % BUCKETS for word in pairs], np.uint64))
        owners.append(np.full(len(pairs), number))
    flat, rows = np.concatenate(buckets).astype(np.int64), np.concatenate(owners)
    sizes = np.bincount(rows, minlength=len(texts))
    return csr_matrix(((1 / sizes[rows]).astype(np.float32), (rows, flat)), (len(texts), BUCKETS))


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probabilities of each row."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def count_doubtful(doubtful: dict[tuple[Row, str], Doubt]) -> dict[str, Any]:
    """Return how many names the rule doubts by part, source, kind and label; only those of `train` are dropped."""
    rows = list(doubtful)
    return {
        "part": dict(Counter(part for _, part in rows)),
        "source": dict(Counter(row.source for row, _ in rows)),
        "kind": dict(Counter(row.kind for row, _ in rows)),
        "label": dict(Counter(row.label for row, _ in rows).most_common()),
    }


def write_sample(sample: list[tuple[tuple[Row, str], Doubt]], path: Path) -> None:
    """Write names for a person to judge; the file holds names of persons and is not for publication."""
    lines = ["name\tlabel\tsource\tbest\tstored\tsure"]
    for (row, _), doubt in sample:
        lines.append(f"{row.name}\t{row.label}\t{row.source}\t{doubt.best}\t{doubt.stored:.5f}\t{doubt.sure:.3f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
