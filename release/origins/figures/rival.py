"""fastText on the very same training file: the rival that the figures of `origins` are beside.

It reads what the model reads, composed and in lower case, in shuffled order: fastText does not shuffle. It is needed by
the measurements alone: `pip install -c constraints.txt fasttext`.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.text.normalisation import compose
from release.origins.figures.answers import Answers, Floats
from release.origins.rows import Row

NAME = "fastText"
SETTINGS: dict[str, Any] = {
    "wordNgrams": 2,
    "minn": 1,
    "maxn": 5,
    "dim": 64,
    "epoch": 10,
    "lr": 0.5,
    "minCount": 1,
    "loss": "softmax",
    "thread": 1,
    "seed": 0,
}
PREFIX = "__label__"
BATCH = 2000
EXPONENTS = (0.5, 1.0)
"""Powers of the labels' shares that are divided out; the one that suits fastText better on a list is the one that counts."""


class Rival:
    """A fastText model and its labels.

    Args:
        model: as the package fasttext loads it.
        labels: the C labels, in the order of the columns.
        shares: of the labels in training, (C,).
    """

    def __init__(self, model: Any, labels: tuple[str, ...], shares: Floats) -> None:
        self.model, self.labels, self.shares = model, labels, shares

    def ask(self, names: Sequence[str]) -> Answers:
        """Return its answers; it has one for every name."""
        probabilities = np.zeros((len(names), len(self.labels)))
        for start in range(0, len(names), BATCH):
            lines = [prepare(name) for name in names[start : start + BATCH]]
            for place, (found, chances) in enumerate(zip(*self.model.predict(lines, k=-1), strict=True), start):
                ids = [int(label.removeprefix(PREFIX)) for label in found]
                probabilities[place, ids] = chances
        probabilities = np.maximum(probabilities, 1e-12)
        return Answers(probabilities / probabilities.sum(axis=1, keepdims=True), self.labels, (None,) * len(names))


def train_rival(rows: Sequence[Row], labels: tuple[str, ...], folder: Path, *, seed: int = 0, **settings: Any) -> Rival:
    """Return fastText trained on rows; a model of the same rows and settings in the folder is read instead.

    Args:
        rows: the training part.
        labels: in the order that its answers are to have.
        folder: where the model is kept. It holds words of the names: not for publication.
        seed: of the order of the rows.
        settings: of fastText, instead of those of `SETTINGS`.

    Raises:
        ModuleNotFoundError: the package fasttext is not installed.
        RuntimeError: fastText met an invalid number; that depends on its memory, so the same command often works.
    """
    try:
        import fasttext
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("fastText is not installed: pip install -c constraints.txt fasttext") from error
    used, ids = {**SETTINGS, **settings}, {label: number for number, label in enumerate(labels)}
    lines = [f"{PREFIX}{ids[row.label]} {prepare(row.name)}\n" for row in rows]
    random.Random(seed).shuffle(lines)
    text = "".join(lines)
    digest = hashlib.blake2b((text + repr(sorted(used.items()))).encode(), digest_size=8).hexdigest()
    path = folder / f"fasttext-{digest}.bin"
    if path.exists():
        model = fasttext.load_model(str(path))
    else:
        folder.mkdir(parents=True, exist_ok=True)
        source = path.with_suffix(".txt")
        source.write_text(text, encoding="utf-8")
        model = fasttext.train_supervised(str(source), verbose=0, **used)
        model.save_model(str(path))
        source.unlink()
    counts = np.bincount([ids[row.label] for row in rows], minlength=len(labels)).astype(np.float64)
    return Rival(model, labels, np.maximum(counts, 1) / counts.sum())


def take_prior_out(rival: Rival, answers: Answers) -> Iterator[tuple[float, Answers]]:
    """Yield the answers divided by the labels' shares, for each of `EXPONENTS`."""
    for exponent in EXPONENTS:
        yield exponent, answers.divide(rival.shares**exponent)


def prepare(name: str) -> str:
    r"""Return a name as fastText gets it: composed, in lower case, on one line.

    >>> prepare("Mu\u0308ller\n")
    'müller'
    """
    return " ".join(compose(name).lower().split())
