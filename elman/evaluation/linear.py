"""A linear model on hashed character n-grams, fitted by a number of operations that is known before.

The n-grams are those of words with a blank before and after, weighted by how rare they are (tf-idf) and scaled to
length 1 for each string. A hash, not a dictionary, gives each n-gram its row of weights, so memory does not grow with
the strings. Batches are fitted with AdaGrad (J. Duchi et al., "Adaptive subgradient methods for online learning and
stochastic optimization", 2011): each weight has a rate of its own, which is lower the more it was changed.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from elman.scoring.probabilities import softmax

LONGEST = 5
"""The longest n-grams; the shortest are single characters."""

MOST_ROWS, MOST_WEIGHTS = 2**18, 2**25
"""The table has at most so many rows, and at most so many weights: 128 MB, and as much again while it is fitted."""

BATCH, CHUNK = 128, 8192
"""Strings of one step of the fit, and strings whose n-grams are in memory at the same time."""

RATE = 0.4
"""The first step size; it falls to 0 on a straight line."""

_BLANK, _MULTIPLIER = 32, np.uint64(6_364_136_223_846_793_005)  # D. E. Knuth's multiplier, as in elman.text.ngrams


class LinearModel:
    """Probabilities of labels from the character n-grams of a string.

    Args:
        labels: the C names.
        rows: of the table of weights; None: as many as `MOST_ROWS` and `MOST_WEIGHTS` allow.
    """

    def __init__(self, labels: Sequence[str], *, rows: int | None = None) -> None:
        self.classes_ = tuple(labels)
        self.rows = rows or max(1, min(MOST_ROWS, MOST_WEIGHTS // len(labels)))

    def fit(
        self,
        texts: Sequence[str],
        truth: NDArray[np.int64],
        weights: NDArray[np.floating],
        *,
        passes: int,
        seed: int = 0,
    ) -> "LinearModel":
        """Fit the model; the same arguments give the same model.

        Args:
            texts: (N,), N at least 1.
            truth: label ids, (N,), int64.
            weights: how much each string counts, (N,).
            passes: how often each string is used.
            seed: of the order of the strings.
        """
        self.idf, self.table = self._measure_idf(texts), np.zeros((self.rows, len(self.classes_)), np.float32)
        frequency = np.bincount(truth, weights=weights, minlength=len(self.classes_))
        self.bias = np.log((frequency + 1e-2) / frequency.sum()).astype(np.float32)
        squares = np.zeros_like(self.table), np.zeros_like(self.bias)  # sums of the squared gradients, for AdaGrad
        shuffle, step, steps = np.random.default_rng(seed), 0, passes * -(-len(texts) // BATCH)
        for _ in range(passes):
            for inputs, chosen in self._read_batches(texts, shuffle.permutation(len(texts))):
                self._step(inputs, truth[chosen], weights[chosen], squares, RATE * (1 - step / steps))
                step += 1
        return self

    def _step(
        self,
        inputs: csr_matrix,
        truth: NDArray[np.int64],
        weights: NDArray[np.floating],
        squares: tuple[NDArray[np.float32], NDArray[np.float32]],
        rate: float,
    ) -> None:
        """Fit one batch; only the rows of its n-grams are read and written."""
        touched, places = np.unique(inputs.indices, return_inverse=True)
        local = csr_matrix((inputs.data, places, inputs.indptr), shape=(len(truth), len(touched)))
        table = self.table[touched]
        errors = softmax(local @ table + self.bias)  # (B, C); of cross-entropy: probability − truth
        errors[np.arange(len(truth)), truth] -= 1
        errors = (errors * weights[:, None]).astype(np.float32)
        self.table[touched] = table - _scale(local.T @ errors, squares[0], touched, rate)
        self.bias -= _scale(errors.sum(axis=0), squares[1], slice(None), rate)

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probabilities of the labels, (N, C)."""
        probabilities = np.empty((len(texts), len(self.classes_)))
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            probabilities[start : start + CHUNK] = softmax(self._weigh(chunk) @ self.table + self.bias)
        return probabilities

    def _read_batches(
        self, texts: Sequence[str], order: NDArray[np.int64]
    ) -> Iterator[tuple[csr_matrix, NDArray[np.int64]]]:
        """Yield the n-grams of each batch, (B, rows), and the positions of its strings, (B,)."""
        for start in range(0, len(order), CHUNK):
            chunk = order[start : start + CHUNK]
            inputs = self._weigh([texts[position] for position in chunk.tolist()])
            for first in range(0, len(chunk), BATCH):
                yield inputs[first : first + BATCH], chunk[first : first + BATCH]

    def _weigh(self, texts: Sequence[str]) -> csr_matrix:
        """Return the weighted n-grams of strings, (N, rows), float32; the squares of a row sum to 1."""
        rows, owners = hash_ngrams(texts, self.rows)
        values = self.idf[rows]
        length = np.sqrt(np.bincount(owners, weights=values.astype(np.float64) ** 2, minlength=len(texts)))
        ends = np.cumsum(np.bincount(owners, minlength=len(texts)))
        values = (values / length[owners]).astype(np.float32)
        return csr_matrix((values, rows, np.concatenate([[0], ends])), shape=(len(texts), self.rows))

    def _measure_idf(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the weight of each row, (rows,): the rarer its n-grams, the larger."""
        counts = np.zeros(self.rows)
        for start in range(0, len(texts), CHUNK):
            counts += np.bincount(hash_ngrams(texts[start : start + CHUNK], self.rows)[0], minlength=self.rows)
        weights: NDArray[np.float32] = (np.log((1 + len(texts)) / (1 + counts)).clip(0) + 1).astype(np.float32)
        return weights


def _scale(
    gradient: NDArray[np.float32], squares: NDArray[np.float32], rows: NDArray[np.integer] | slice, rate: float
) -> NDArray[np.float32]:
    """Return the step of AdaGrad for a gradient of these rows, and add its squares; in place, because it is large."""
    sums = squares[rows]
    sums += gradient**2
    squares[rows] = sums
    sums += 1e-6
    gradient /= np.sqrt(sums, out=sums)
    gradient *= rate
    return gradient


def hash_ngrams(texts: Sequence[str], rows: int) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Return the rows of all n-grams of 1 to 5 characters, within words between blanks.

    Args:
        texts: at most 65,536.
        rows: how many the table has.

    Returns:
        For each n-gram its row, (G,), and the position of its text, (G,), in rising order.
    """
    joined = " ".join(["", *texts, ""])
    characters = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1  # with the blank before
    owners = np.append(np.repeat(np.arange(len(texts), dtype=np.uint16), lengths), np.uint16(0))
    blank = characters == _BLANK
    code, crosses = np.zeros(len(characters), np.uint64), blank & np.append(blank[1:], True)
    found_rows, found_owners = [], []
    for order in range(1, LONGEST + 1):
        windows = max(0, len(characters) - order + 1)
        code = (code[:windows] + characters[order - 1 :] + np.uint64(1)) * _MULTIPLIER  # overflows on purpose
        if order > 2:  # a blank is the first or the last character of an n-gram, or not part of it
            crosses = crosses[:windows] | blank[order - 2 : order - 2 + windows]
        kept = np.flatnonzero(~(blank[:windows] if order == 1 else crosses[:windows]))
        found_rows.append(((code[kept] >> np.uint64(32)) % np.uint64(rows)).astype(np.int32))
        found_owners.append(owners[kept])
    owner = np.concatenate(found_owners)
    sort = np.argsort(owner, kind="stable")  # a radix sort, because 16 bits are enough
    return np.concatenate(found_rows)[sort], owner[sort]


def count_ngrams(texts: Sequence[str]) -> int:
    """Return about how many n-grams strings have, without making them; exact for words of 4 characters or more.

    >>> count_ngrams(["anna"]), len(hash_ngrams(["anna"], 100)[0])
    (18, 18)
    """
    return sum(LONGEST * len(text) - 2 for text in texts)
