"""Seen: whether a string was in the training part, without the strings themselves.

A model that writes names can write one that it learned by heart. To tell, its file has a Bloom filter of the training
strings (B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970): each string sets a few bits
of an array, at places that a hash chooses. A string whose bits are all set was probably there; one with a bit that is
not set was certainly not. So no training string is ever missed, and a string that was not there is taken for one with a
probability of about `FALSE_POSITIVES`.

The file holds no string. Whoever has the file can still ask of a string that they already know whether it was probably
there, as they can with the probabilities of any model; a training part that is secret should not have a filter.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.checks import check_whole
from elman.errors import SettingError

FALSE_POSITIVES = 0.01
"""The share of strings that were not there and are taken for ones that were, if `MOST_BYTES` does not bind."""

MOST_BYTES = 2**20
"""The most bytes of a filter: enough for 875,000 strings. With more of them the filter errs more often, and says so."""

MOST_HASHES = 32
_BITS = 64
"""Bits of a word of the array."""


@dataclass(frozen=True)
class Seen:
    """A filter of strings.

    Args:
        bits: (words,), int64, at least one word; 64 bits each.
        hashes: how many bits a string sets, 1 to `MOST_HASHES`.

    Raises:
        SettingError: there is no word, or hashes is another number.

    >>> seen = Seen.from_texts(["emma", "olivia"])
    >>> "emma" in seen, "emmar" in seen
    (True, False)
    """

    bits: NDArray[np.int64]
    hashes: int

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_whole("hashes", self.hashes, 1, most=MOST_HASHES)
        if not len(self.bits):
            raise SettingError("a filter of strings must have at least one word; got none")

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "Seen":
        """Return the filter of these texts, of the size that suits their number.

        For n strings and an error p the best size is −n ln p / ln² 2 bits, with ln 2 · bits / n hashes.
        """
        distinct = set(texts)
        count = max(1, len(distinct))
        best = -count * math.log(FALSE_POSITIVES) / math.log(2) ** 2
        words = min(MOST_BYTES // 8, math.ceil(best / _BITS))
        hashes = min(MOST_HASHES, max(1, round(math.log(2) * words * _BITS / count)))
        seen = cls(np.zeros(words, np.int64), hashes)
        bits = seen.bits.view(np.uint64)
        for text in distinct:
            for place in seen._places(text):
                bits[place // _BITS] |= np.uint64(1 << place % _BITS)
        return seen

    def __contains__(self, text: str) -> bool:
        """Return whether a text was probably there; if it was, the answer is always True."""
        bits = self.bits.view(np.uint64)
        return all(int(bits[place // _BITS]) >> place % _BITS & 1 for place in self._places(text))

    @property
    def false_positives(self) -> float:
        """The share of strings that were not there and are taken for ones that were: that of set bits, each hash."""
        share = np.unpackbits(self.bits.view(np.uint8)).mean()
        return float(share**self.hashes)

    def _places(self, text: str) -> list[int]:
        """Return the bits of a text: two hashes h + k · g make as many as are needed (Kirsch & Mitzenmacher, 2006)."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        first, second = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little") | 1
        size = len(self.bits) * _BITS
        return [(first + number * second) % size for number in range(self.hashes)]
