"""Familiarity: how much a string is like those that a model learned from, whatever the answer is.

Four measures are put together, all of them cheap:

- confidence: the log-odds of the most likely label (D. Hendrycks and K. Gimpel, "A baseline for detecting misclassified
  and out-of-distribution examples in neural networks", 2017, use its probability);
- energy: the logarithm of the sum of the exponentials of the logits (W. Liu et al., "Energy-based out-of-distribution
  detection", 2020);
- likelihood: the mean log-probability of a symbol under a model of character n-grams, which takes the longest n-gram
  that it knows (T. Brants et al., "Large language models in machine translation", 2007, section 4);
- known: the share of the string's 3-grams that training contained.

The result is a rank among names that the model knows: 0.02 means that 2 % of such names are less familiar. Scripts have
ranks of their own, because a script with thousands of symbols makes every name less likely, symbol by symbol.
"""

import base64
import binascii
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import is_finite_number
from elman.errors import DataError
from elman.text.encoded import EncodedStrings
from elman.text.ngrams import EDGE, MULTIPLIER, ngram_codes
from elman.text.vocabulary import has_controls

MEASURES = ("confidence", "energy", "likelihood", "known")

ORDERS = (1, 2, 3, 4)
"""The lengths of the n-grams whose counts are kept."""

KNOWN_ORDER = 3

MOST_SLOTS = 2**18
"""The most slots of the table of counts, a byte each."""

STEP = 1 / 16
"""Nats between two values of the table."""

BACKOFF = -0.916
"""What an n-gram that is too rare costs for each order that is left out: log 0.4, as the source has it."""

MOST_RANKS, MOST_GROUPS = 1001, 32
"""The most values of the scores of known names, and the most groups of symbols that have such values."""

LONGEST_WORD = 60


@dataclass(frozen=True, eq=False)
class Familiarity:
    """What measures how familiar a string is.

    Args:
        counts: of character n-grams, (slots,), uint8: 0 without any, and otherwise 1 + log(count) / `STEP`. An
            n-gram has two slots, and its count is the smaller one. The number of slots is a power of two.
        total: how many symbols were counted, at least 1.
        weights: of the `MEASURES`, whose weighted sum is the score.
        ranks: the scores of known names at equal steps from the lowest to the highest, rising, at least 2.
        threshold: the familiarity below which the model abstains by default, 0 to 1.
        noun: what the model learned from, for the reason: ``names``.
        groups: of each symbol, by its id: 0, or the number of a script with ranks of its own. A string belongs to
            the last group of its symbols. Empty: all strings are compared with ``ranks``.
        ranks_of_groups: as ``ranks``, of the names of group 1 and so on.

    Raises:
        DataError: a value is out of range.
    """

    counts: NDArray[np.uint8]
    total: int
    weights: tuple[float, ...]
    ranks: tuple[float, ...]
    threshold: float = 0.01
    noun: str = "strings"
    groups: tuple[int, ...] = ()
    ranks_of_groups: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        """Check the values."""
        slots = len(self.counts)
        if not 1 <= slots <= MOST_SLOTS or slots & (slots - 1) or self.counts.dtype != np.uint8:
            raise DataError(f"familiarity must have a power of two of counts, at most {MOST_SLOTS:,}")
        if type(self.total) is not int or not 1 <= self.total < 2**62:
            raise DataError("familiarity must state how many symbols were counted")
        if len(self.weights) != len(MEASURES) or not all(map(is_finite_number, self.weights)):
            raise DataError(f"familiarity must have a weight for {', '.join(MEASURES)}")
        if len(self.ranks_of_groups) > MOST_GROUPS:
            raise DataError(f"familiarity must have ranks of at most {MOST_GROUPS} groups")
        for ranks in (self.ranks, *self.ranks_of_groups):
            if not 2 <= len(ranks) <= MOST_RANKS or not all(map(is_finite_number, ranks)):
                raise DataError(f"familiarity must have from 2 to {MOST_RANKS:,} scores of known names")
            if list(ranks) != sorted(ranks):
                raise DataError("familiarity must have scores of known names in rising order")
        if not all(type(group) is int and 0 <= group <= len(self.ranks_of_groups) for group in self.groups):
            raise DataError("familiarity must have a group with ranks for each symbol")
        if not is_finite_number(self.threshold) or not 0 <= self.threshold <= 1:
            raise DataError("the threshold of familiarity must be between 0 and 1")
        if not isinstance(self.noun, str) or not 0 < len(self.noun) <= LONGEST_WORD or has_controls(self.noun):
            raise DataError(f"familiarity must name what was learned from, in 1 to {LONGEST_WORD} characters")

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same values."""
        return isinstance(other, Familiarity) and self.to_dict() == other.to_dict()

    @property
    def reason(self) -> str:
        """Why the model abstains for a string that is not familiar."""
        return f"unfamiliar: unlike the {self.noun} that the model learned from"

    def rank(self, measures: NDArray[np.float64], strings: EncodedStrings) -> NDArray[np.float64]:
        """Return the familiarity of N strings, (N,), 0 to 1.

        Args:
            measures: of the strings, as `measure_strings` returns them, (N, 4).
            strings: N of them, each with at least one symbol.
        """
        scores, groups = self.score(measures), self.find_groups(strings)
        found = np.empty(len(scores))
        for group, ranks in enumerate((self.ranks, *self.ranks_of_groups)):
            own = groups == group
            found[own] = np.interp(scores[own], ranks, np.linspace(0, 1, len(ranks)))
        return found

    def find_groups(self, strings: EncodedStrings) -> NDArray[np.int64]:
        """Return the group of each string, (N,)."""
        if not self.groups or len(strings) == 0:
            return np.zeros(len(strings), np.int64)
        groups = np.array(self.groups, np.int64)[strings.ids]
        largest: NDArray[np.int64] = np.maximum.reduceat(groups, strings.starts)
        return largest

    def score(self, measures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of N strings, (N,), on a scale of their own: higher for what is more familiar."""
        scores: NDArray[np.float64] = np.clip(measures, -1e6, 1e6) @ np.array(self.weights)
        return scores

    def measure_strings(
        self, strings: EncodedStrings, logits: NDArray[np.floating], temperature: float
    ) -> NDArray[np.float64]:
        """Return the `MEASURES` of N strings, (N, 4).

        Args:
            strings: N of them, each with at least one symbol.
            logits: of the model, (N, C).
            temperature: what they are divided by.
        """
        likelihood, known = self.measure_ngrams(strings)
        return np.stack([*measure_logits(logits, temperature), likelihood, known], axis=1)

    def measure_ngrams(self, strings: EncodedStrings) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean log-probability of a symbol, and the share of known n-grams, both (N,)."""
        ids, offsets = add_edges_to_all(strings)
        values = [np.full(len(ids), np.log(self.total)), *(self._look_up(ids, order) for order in ORDERS)]
        values[1][offsets == 0] -= np.log(2)  # half of the edges begin a string
        chances = np.full(len(ids), np.log(0.5 / self.total))
        is_found = np.zeros(len(ids), np.bool_)
        for order in reversed(ORDERS):
            context = np.concatenate([[-np.inf], values[order - 1][:-1]])
            fits = ~is_found & (offsets >= order - 1) & np.isfinite(values[order]) & np.isfinite(context)
            cost = BACKOFF * (ORDERS[-1] - order)
            chances[fits] = np.minimum(values[order][fits] - context[fits], 0) + cost
            is_found |= fits
        chances[~is_found] += BACKOFF * ORDERS[-1]
        chances[offsets == 0] = 0  # what comes before a string is certain
        lengths = strings.lengths + 2
        starts = np.cumsum(lengths) - lengths
        of_known = np.where(offsets >= KNOWN_ORDER - 1, np.isfinite(values[KNOWN_ORDER]), 0.0)
        counted = np.maximum(1, lengths - KNOWN_ORDER + 1)
        return np.add.reduceat(chances, starts) / (lengths - 1), np.add.reduceat(of_known, starts) / counted

    def _look_up(self, ids: NDArray[np.int64], order: int) -> NDArray[np.float64]:
        """Return the logarithm of the count of the n-gram that ends at each place, (L,); −∞ for an unknown one."""
        first, second = find_slots(ngram_codes(ids[:, None], order)[:, 0], len(self.counts))
        return self.logarithms[np.minimum(self.counts[first], self.counts[second])]

    @cached_property
    def logarithms(self) -> NDArray[np.float64]:
        """The logarithm of a count by its value in the table, (256,)."""
        return np.concatenate([[-np.inf], STEP * np.arange(255)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; the counts are packed."""
        packed = base64.b64encode(zlib.compress(self.counts.tobytes(), 9)).decode()
        return {
            "counts": packed,
            "slots": len(self.counts),
            "total": self.total,
            "weights": list(self.weights),
            "ranks": list(self.ranks),
            "threshold": self.threshold,
            "noun": self.noun,
            **({"groups": list(self.groups)} if self.groups else {}),
            **({"ranks_of_groups": [list(ranks) for ranks in self.ranks_of_groups]} if self.groups else {}),
        }

    @classmethod
    def from_dict(cls, values: Any) -> "Familiarity":
        """Return what `to_dict` wrote; at most `MOST_SLOTS` bytes are unpacked.

        Raises:
            DataError: it is of another form.
        """
        names = ("counts", "slots", "total", "weights", "ranks", "threshold", "noun")
        if not isinstance(values, dict) or not all(name in values for name in names):
            raise DataError(f"familiarity must be an object with {', '.join(names)}")
        packed, slots, total, weights, ranks, threshold, noun = (values[name] for name in names)
        if not isinstance(packed, str) or not isinstance(weights, list) or not isinstance(ranks, list):
            raise DataError("the counts of familiarity must be a string, and its weights and ranks lists")
        try:
            counts = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), MOST_SLOTS + 1)
        except (ValueError, binascii.Error, zlib.error):
            raise DataError("the counts of familiarity cannot be unpacked") from None
        if type(slots) is not int or len(counts) != slots:
            raise DataError("familiarity must have as many counts as it says")
        groups, of_groups = values.get("groups", []), values.get("ranks_of_groups", [])
        if not isinstance(groups, list) or not isinstance(of_groups, list) or not all(map(_is_list, of_groups)):
            raise DataError("the groups of familiarity must be a list, and their ranks a list of lists")
        plain = np.frombuffer(counts, np.uint8), total, tuple(weights), tuple(ranks), threshold, noun
        return cls(*plain, tuple(groups), tuple(tuple(ranks) for ranks in of_groups))


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def measure_logits(logits: NDArray[np.floating], temperature: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return confidence and energy of N strings, both (N,), from their logits, (N, C), C at least 2."""
    scaled = logits.astype(np.float64) / temperature
    largest = scaled.max(axis=1)
    powers = np.exp(scaled - largest[:, None])
    others = np.maximum(powers.sum(axis=1) - 1, np.finfo(np.float64).tiny)  # the largest one is 1
    return -np.log(others), largest + np.log1p(others)


def count_ngrams(strings: EncodedStrings, *, slots: int = MOST_SLOTS) -> tuple[NDArray[np.uint8], int]:
    """Return the table of counts of a `Familiarity`, and how many symbols were counted.

    The most frequent n-grams are kept, a quarter as many as there are slots, so that few unknown ones look known.

    Args:
        strings: that the model learned from.
        slots: of the table, a power of two.
    """
    ids, offsets = add_edges_to_all(strings)
    codes = [ngram_codes(ids[:, None], order)[offsets >= order - 1, 0] for order in ORDERS]
    distinct, counts = np.unique(np.concatenate(codes), return_counts=True)
    kept = np.argsort(-counts, kind="stable")[: slots // 4]
    values = np.minimum(255, 1 + np.rint(np.log(counts[kept]) / STEP)).astype(np.uint8)
    table = np.zeros(slots, np.uint8)
    for places in find_slots(distinct[kept], slots):
        np.maximum.at(table, places, values)
    return table, len(ids)


def add_edges_to_all(strings: EncodedStrings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids of strings with `EDGE` before and after each, (L,), and the place of each in its string, (L,)."""
    lengths = strings.lengths + 2
    starts = np.cumsum(lengths) - lengths
    offsets = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
    ids = np.full(len(offsets), EDGE, np.int64)
    ids[(offsets > 0) & (offsets < np.repeat(lengths, lengths) - 1)] = strings.ids
    return ids, offsets


def find_slots(codes: NDArray[np.int64], slots: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the two slots of each code, of a power of two of them."""
    with np.errstate(over="ignore"):
        mixed = codes * MULTIPLIER
        return (mixed >> 20) & (slots - 1), (mixed >> 42) & (slots - 1)
