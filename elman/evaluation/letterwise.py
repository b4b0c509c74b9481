"""Letter by letter: the simplest writer of pairs, which is what a network has to beat.

Each symbol of a source writes a chunk: none, one or two symbols of the target. Which ones, is found by aligning pairs
again and again with the counts of the last round, where each pair has one best alignment (hard expectation
maximisation, as in training hidden Markov models by the Viterbi path). Then a symbol writes the chunk that it wrote
most often between its two neighbours, or if they are new, the one that it wrote most often of all.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

Key = TypeVar("Key")
Symbols = tuple[str, ...]
Chunks = list[Symbols]

LONGEST_CHUNK = 2
ROUNDS = 4
MOST_ALIGNED = 10_000
"""Pairs that are aligned at most: more take longer and change little."""

EDGE = ""
"""The neighbour of the first and of the last symbol."""

UNSEEN = 0.1
"""What is added to the count of a chunk that a symbol has not written."""


class LetterWriter:
    """Writes symbol by symbol what the counts say.

    Args:
        pairs: sources with one target each, at least one.
        seed: of the pairs that are aligned, if there are too many.

    >>> writer = LetterWriter([("ab", ("A", "B")), ("ba", ("B", "A")), ("axb", ("A", "B"))])
    >>> writer.write("bxa")
    ('B', 'A')
    """

    def __init__(self, pairs: Sequence[tuple[str, Symbols]], *, seed: int = 0) -> None:
        if len(pairs) > MOST_ALIGNED:
            chosen = np.random.default_rng(seed).choice(len(pairs), MOST_ALIGNED, replace=False)
            pairs = [pairs[place] for place in chosen.tolist()]
        self._counts: dict[str, Counter[Symbols]] = {}
        self._between: dict[tuple[str, str, str], Counter[Symbols]] = {}
        aligned: list[tuple[str, Chunks]] = []
        for _ in range(ROUNDS):
            scores = self._score()
            aligned = [(source, chunks) for source, target in pairs if (chunks := _align(source, target, scores))]
            self._counts = _count(
                (symbol, chunk) for source, chunks in aligned for symbol, chunk in _zip(source, chunks)
            )
        self._between = _count(both for source, chunks in aligned for both in _zip(_neighbours(source), chunks))

    def write(self, source: str) -> Symbols:
        """Return the symbols for a source."""
        written: list[str] = []
        for context in _neighbours(source):
            counts = self._between.get(context) or self._counts.get(context[1])
            if counts:
                written += counts.most_common(1)[0][0]
        return tuple(written)

    def _score(self) -> "_Scores":
        """Return the logarithm of the share of each chunk that a symbol writes; the counts of the last round say it."""
        scores = _Scores()
        for symbol, counts in self._counts.items():
            total = math.log(counts.total())
            scores.of[symbol] = {chunk: math.log(count) - total for chunk, count in counts.items()}
            scores.unseen[symbol] = math.log(UNSEEN) - total
        return scores


class _Scores:
    """Scores of chunks: those of a symbol that has been counted, and a prior for chunks near the diagonal otherwise."""

    def __init__(self) -> None:
        self.of: dict[str, dict[Symbols, float]] = {}
        self.unseen: dict[str, float] = {}

    def score(self, symbol: str, chunk: Symbols, offset: float) -> float:
        """Return the score; ``offset``: how far the chunk is from where an even alignment has it, in source symbols."""
        known = self.of.get(symbol)
        if known is None:
            return -offset - abs(len(chunk) - 1)
        return known.get(chunk, self.unseen[symbol])


def _align(source: str, target: Symbols, scores: _Scores) -> Chunks | None:
    """Return the chunk of each symbol in the best alignment of a pair; None if there is none."""
    rows, columns = len(source), len(target)
    if columns > LONGEST_CHUNK * rows:
        return None
    best: list[list[float]] = [[0.0] + [-math.inf] * columns]
    sizes: list[list[int]] = []
    for row, symbol in enumerate(source):
        before, now, chosen = best[-1], [-math.inf] * (columns + 1), [0] * (columns + 1)
        for end in range(columns + 1):
            for size in range(min(LONGEST_CHUNK, end) + 1):
                start = before[end - size]
                if start == -math.inf:
                    continue
                offset = abs((end - size / 2) * rows / max(columns, 1) - row - 0.5)
                total = start + scores.score(symbol, target[end - size : end], offset)
                if total > now[end]:
                    now[end], chosen[end] = total, size
        best.append(now)
        sizes.append(chosen)
    end, chunks = columns, list[Symbols]()
    for chosen in reversed(sizes):
        chunks.append(target[end - chosen[end] : end])
        end -= chosen[end]
    return chunks[::-1]


def _neighbours(source: str) -> list[tuple[str, str, str]]:
    """Return each symbol between its neighbours."""
    padded = [EDGE, *source, EDGE]
    return list(zip(padded, padded[1:], padded[2:], strict=False))


def _zip(keys: Iterable[Key], chunks: Chunks) -> Iterable[tuple[Key, Symbols]]:
    return zip(keys, chunks, strict=True)


def _count(written: Iterable[tuple[Key, Symbols]]) -> dict[Key, Counter[Symbols]]:
    counts: defaultdict[Key, Counter[Symbols]] = defaultdict(Counter)
    for key, chunk in written:
        counts[key][chunk] += 1
    return dict(counts)
