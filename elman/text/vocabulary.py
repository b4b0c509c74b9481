"""Vocabulary: symbols to ids and back, and labels to ids and back.

Id 0 is the unknown symbol. It has its own embedding, is trained by symbol dropout, and is reported with each
prediction. A symbol is replaced by another in one case only: an accented letter that the model does not know is read as
the letter without accents if that is known (``ễ`` as ``e``), and is still reported as unknown.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from elman.checks import count_of, shown
from elman.errors import DataError
from elman.records import UNKNOWN
from elman.text.encoded import EncodedStrings
from elman.text.normalisation import fold_accents

MOST_LABELS, LONGEST_LABEL = 10_000, 1000
"""The most labels, and the most characters of one: more are no classes, and each takes memory for each string."""


@dataclass(frozen=True)
class Vocabulary:
    """The symbols that a model knows, in the order of their ids; all other symbols have id 0.

    Args:
        symbols: distinct single characters; ``symbols[k]`` has id ``k + 1``.
    """

    symbols: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the symbols."""
        ids = {symbol: position for position, symbol in enumerate(self.symbols, start=1)}
        if len(ids) != len(self.symbols) or any(len(symbol) != 1 for symbol in ids):
            raise DataError("a vocabulary needs distinct single characters; rebuild it with Vocabulary.from_texts")
        object.__setattr__(self, "_ids", ids)

    @classmethod
    def from_texts(cls, texts: Iterable[str], *, min_count: int = 1, first: Sequence[str] = ()) -> "Vocabulary":
        """Collect the symbols that occur at least ``min_count`` times in ``texts``, in code point order.

        Args:
            texts: normalised.
            min_count: at least 1.
            first: symbols that keep the first ids, whether they occur or not.
        """
        return cls.from_counts(Counter(chain.from_iterable(texts)), min_count=min_count, first=first)

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], *, min_count: int = 1, first: Sequence[str] = ()) -> "Vocabulary":
        """Return the symbols that occur at least ``min_count`` times, in code point order.

        Args:
            counts: how often each symbol occurs.
            min_count: as in `from_texts`.
            first: as there.
        """
        found = sorted(symbol for symbol, count in counts.items() if count >= min_count and symbol not in first)
        return cls((*first, *found))

    def __len__(self) -> int:
        """Return the number of ids, including the unknown one."""
        return len(self.symbols) + 1

    def find(self, symbol: str) -> int | None:
        """Return the id of a symbol; None if it is unknown."""
        return self._ids.get(symbol)

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the ids of ``text``: shape (characters,), int64, 0 for an unknown symbol.

        >>> Vocabulary(("a", "b")).encode("abcâ").tolist()
        [1, 2, 0, 1]
        """
        return np.array(self.list_ids(text), np.int64)

    def list_ids(self, text: str) -> list[int]:
        """Return the ids of ``text`` as `encode` does, in a list: for a short text that is faster."""
        return [self._ids.get(symbol) or self._id_without_accent(symbol) for symbol in text]

    def encode_all(self, texts: Sequence[str]) -> EncodedStrings:
        """Return the ids of many texts, as `encode` does one by one.

        >>> Vocabulary(("a", "b")).encode_all(["abc", "b"]).split()
        [array([1, 2, 0], dtype=int32), array([2], dtype=int32)]
        """
        return self.encode_joined("".join(texts), np.fromiter(map(len, texts), np.int64, len(texts)))

    def encode_joined(self, joined: str, lengths: NDArray[np.int64]) -> EncodedStrings:
        """Return the ids of many texts, given one after the other.

        Args:
            joined: the texts, without anything between them.
            lengths: characters of each, (N,).
        """
        symbols = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
        known = np.array([ord(symbol) for symbol in self.symbols], np.uint32)
        by_code_point = np.zeros(int(known.max(initial=0)) + 2, np.int32)  # the last entry is for all larger ones
        by_code_point[known] = np.arange(1, len(known) + 1)
        ids = by_code_point[np.minimum(symbols, len(by_code_point) - 1)]
        unknown = np.flatnonzero(ids == UNKNOWN)
        distinct, place = np.unique(symbols[unknown], return_inverse=True)
        ids[unknown] = np.array([self._id_without_accent(chr(point)) for point in distinct.tolist()], np.int32)[place]
        return EncodedStrings(ids, lengths)

    def decode(self, ids: Iterable[int], *, unknown: str = "\N{REPLACEMENT CHARACTER}") -> str:
        """Return the text of ``ids``, with ``unknown`` for id 0.

        Raises:
            DataError: an id is negative or too large for the vocabulary.
        """
        ids = list(ids)
        if wrong := [symbol_id for symbol_id in ids if not 0 <= symbol_id < len(self)]:
            raise DataError(f"ids must be from 0 to {len(self) - 1}; got {wrong[0]}")
        return "".join(unknown if symbol_id == UNKNOWN else self.symbols[symbol_id - 1] for symbol_id in ids)

    def _id_without_accent(self, symbol: str) -> int:
        """Return the id of a letter without its accents and strokes; 0 if that is unknown too."""
        return UNKNOWN if symbol.isascii() else self._ids.get(fold_accents(symbol), UNKNOWN)

    def unknown_in(self, text: str) -> tuple[str, ...]:
        """Return the distinct symbols of ``text`` that have no id, in order of appearance."""
        return tuple(dict.fromkeys(symbol for symbol in text if symbol not in self._ids))


@dataclass(frozen=True)
class Labels:
    """The labels that a classifier can answer with, in the order of their ids.

    Args:
        names: distinct, at least one; a model that answers with a number has one label, the name of that number.
    """

    names: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the names."""
        object.__setattr__(self, "_ids", {name: position for position, name in enumerate(self.names)})
        if len(self._ids) != len(self.names) or not self.names:
            raise DataError(f"labels must be distinct, and at least one; got {shown(', '.join(self.names))}")
        if len(self.names) > MOST_LABELS:
            raise DataError(f"there must be at most {MOST_LABELS:,} labels; got {len(self.names):,}")
        for name in self.names:
            if len(name) > LONGEST_LABEL or has_controls(name):
                raise DataError(
                    f"a label must have at most {LONGEST_LABEL} characters and no control characters; got {shown(name)}"
                )

    @classmethod
    def from_names(cls, names: Iterable[str]) -> "Labels":
        """Collect the distinct ``names`` in alphabetical order, for a classifier.

        Raises:
            DataError: there are fewer than two of them.
        """
        distinct = sorted(set(names))
        if len(distinct) < 2:
            raise DataError(f"a classifier needs at least two distinct labels; found {len(distinct)}")
        return cls(tuple(distinct))

    def __len__(self) -> int:
        """Return the number of labels."""
        return len(self.names)

    def encode(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the ids of ``names``: shape (len(names),), int64.

        Raises:
            DataError: a name is not among the labels.

        >>> Labels(("Dutch", "Greek")).encode(["Greek", "Dutch"]).tolist()
        [1, 0]
        """
        try:
            return np.array([self._ids[name] for name in names], dtype=np.int64)
        except KeyError as missing:
            raise DataError(
                f"the label '{shown(missing.args[0])}' is not among the model's {count_of(len(self), 'label')}; "
                "use data with the labels that the model was trained on"
            ) from None


def has_controls(text: str) -> bool:
    r"""Return whether a text has control characters or lone surrogates.

    >>> has_controls("a\tb"), has_controls("Müller \u200b")
    (True, False)
    """
    return not text.isprintable() and any(unicodedata.category(character) in ("Cc", "Cs") for character in text)
