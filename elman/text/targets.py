"""Targets: the symbols that a model writes, to ids and back.

A symbol is a character, or a token between blanks such as ``AA1``. Id 0 is the mark, which is no symbol: what is read
before the first symbol of a string, and what is written after its last one. Symbols that are unknown have no id,
because a model can write only what it has seen.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from elman.checks import check_choice, count_of, shown
from elman.errors import DataError
from elman.text.vocabulary import has_controls

MARK = 0
"""The id of the mark."""

FORMS = ("characters", "blanks")

MOST_TARGETS, LONGEST_TARGET = 100_000, 100
"""The most symbols that a model writes, and the most characters of one: a step takes time for each of them."""


@dataclass(frozen=True)
class Targets:
    """The symbols that a model can write, in the order of their ids.

    Args:
        symbols: distinct; ``symbols[k]`` has id ``k + 1``.
        form: ``characters``, each symbol is one; or ``blanks``, symbols are tokens with blanks between them.

    Raises:
        DataError: the symbols are not distinct, do not fit the form, or are too many.

    >>> targets = Targets(("AA1", "T"), "blanks")
    >>> targets.encode("T AA1").tolist(), targets.decode([2, 1])
    ([2, 1], 'T AA1')
    """

    symbols: tuple[str, ...]
    form: str = "characters"
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check and index the symbols."""
        check_choice("target_symbols", self.form, FORMS)
        if not 0 < len(self.symbols) <= MOST_TARGETS:
            raise DataError(f"there must be 1 to {MOST_TARGETS:,} symbols to write; got {len(self.symbols):,}")
        ids = {symbol: position for position, symbol in enumerate(self.symbols, start=1)}
        fits = self._is_character if self.form == "characters" else self._is_token
        wrong = [symbol for symbol in ids if not fits(symbol) or has_controls(symbol)]
        if wrong or len(ids) != len(self.symbols):
            what = "single characters" if self.form == "characters" else f"tokens of 1 to {LONGEST_TARGET} characters"
            raise DataError(
                f"symbols to write must be distinct {what} without control characters"
                + (f"; got {shown(repr(wrong[0]))}" if wrong else "")
            )
        object.__setattr__(self, "_ids", ids)

    @staticmethod
    def _is_character(symbol: str) -> bool:
        return len(symbol) == 1

    @staticmethod
    def _is_token(symbol: str) -> bool:
        return len(symbol) <= LONGEST_TARGET and symbol.split() == [symbol]

    @classmethod
    def from_texts(
        cls, texts: Iterable[str], *, form: str = "characters", min_count: int = 1, first: Sequence[str] = ()
    ) -> "Targets":
        """Collect the symbols that occur at least ``min_count`` times in ``texts``, in code point order.

        Args:
            texts: what is to be written.
            form: as of the record.
            min_count: at least 1.
            first: symbols that keep the first ids, whether they occur or not.

        Raises:
            DataError: there are none, or too many.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(split_symbols(text, form))
        found = sorted(symbol for symbol, count in counts.items() if count >= min_count and symbol not in first)
        return cls((*first, *found), form)

    def __len__(self) -> int:
        """Return the number of ids, the mark included."""
        return len(self.symbols) + 1

    def find(self, symbol: str) -> int | None:
        """Return the id of a symbol; None if it is unknown."""
        return self._ids.get(symbol)

    def split(self, text: str) -> list[str]:
        """Return the symbols of a text, known or not."""
        return split_symbols(text, self.form)

    def unknown_in(self, text: str) -> tuple[str, ...]:
        """Return the distinct symbols of ``text`` that have no id, in order of appearance."""
        return tuple(dict.fromkeys(symbol for symbol in self.split(text) if symbol not in self._ids))

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the ids of ``text`` without any mark: (symbols,), int64.

        Raises:
            DataError: a symbol is unknown.
        """
        try:
            return np.array([self._ids[symbol] for symbol in self.split(text)], np.int64)
        except KeyError as missing:
            raise DataError(
                f"the symbol {shown(repr(missing.args[0]))} is not among the {count_of(len(self.symbols), 'symbol')} "
                "that the model writes; use text with the symbols that it was trained on"
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids``, up to the first mark if there is one.

        Raises:
            DataError: an id is negative or too large.
        """
        symbols: list[str] = []
        for one in ids:
            if not 0 <= one < len(self):
                raise DataError(f"ids must be from 0 to {len(self) - 1}; got {one}")
            if one == MARK:
                break
            symbols.append(self.symbols[one - 1])
        return join_symbols(symbols, self.form)


def split_symbols(text: str, form: str) -> list[str]:
    """Return the symbols of a text: its characters, or its tokens between blanks."""
    return list(text) if form == "characters" else text.split()


def join_symbols(symbols: Sequence[str], form: str) -> str:
    """Return the text of symbols, which `split_symbols` takes apart again."""
    return ("" if form == "characters" else " ").join(symbols)
