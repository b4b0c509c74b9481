"""Native text: names to symbol ids with the compiled kernel, for the characters that can be looked up one by one.

The normalisation of most letters of Latin script does not depend on their neighbours: `CompiledAlphabet` normalises
each of them once, in Python, and the kernel looks them up. Names with other characters, long names, and those that
cannot be read are left to Python, whose answers are the same; a property test compares them over all of Unicode.
"""

import ctypes
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.columns import TextColumn
from elman.scoring.kernel.library import Alphabet, Library, Texts
from elman.text.encoded import EncodedStrings
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Vocabulary

MOST_LETTERS = 4
"""As in kernel.h: how many symbols a character can become."""

READ, ASK, BLANK = 0, 1, 2
"""What the kernel says of a name: it is read; Python is asked; it has no symbol."""

_OTHER, _SPACE, _LETTERS = 0, 1, 2

CHARACTERS = (*range(0x250), *range(0x1E00, 0x1F00), *range(0x2010, 0x2020))
"""Code points that may be looked up: Latin letters with and without accents, digits, signs, and quotation marks."""


@dataclass(frozen=True)
class Column:
    """Names one after the other.

    Args:
        data: their characters.
        starts: the place of the first character of each, and the end of the last, (N + 1,), int64.
        width: 1 if each byte is a character, 4 for UTF-32; 0 for UTF-8, whose places are bytes.
    """

    data: bytes | memoryview | NDArray[np.uint8]
    starts: NDArray[np.int64]
    width: int

    @classmethod
    def join(cls, names: Sequence[str | None]) -> "Column":
        """Return a list of strings as a column; a missing one is empty."""
        if isinstance(names, TextColumn):
            first, last = (int(names.starts[place]) for place in (0, -1))
            return cls(names.data[first:last], names.starts - first, 0)
        texts = [name or "" for name in names]
        joined = "".join(texts)
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=starts[1:])
        if joined.isascii():
            return cls(joined.encode("ascii"), starts, 1)
        return cls(joined.encode("utf-32-le", "surrogatepass"), starts, 4)


class CompiledAlphabet:
    """What becomes of each character.

    Args:
        library: the kernel.
        normalisation: of the model.
        vocabulary: of the model.
        is_evidence: which symbol ids an answer can rest on, (V,).
        placeholders: normalised strings that say that there is no name.
    """

    def __init__(
        self,
        library: Library,
        normalisation: Normalisation,
        vocabulary: Vocabulary,
        is_evidence: NDArray[np.bool_],
        placeholders: frozenset[str],
    ) -> None:
        self._library, size = library, CHARACTERS[-1] + 1
        kinds, counts = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        ids = np.zeros((size, MOST_LETTERS), np.int32)
        for point in CHARACTERS:
            letters = normalise_character(chr(point), normalisation)
            if chr(point).isspace() and letters == " ":
                kinds[point] = _SPACE
            elif letters is not None and len(letters) <= MOST_LETTERS and " " not in letters:
                kinds[point], counts[point] = _LETTERS, len(letters)
                ids[point, : len(letters)] = vocabulary.encode(letters)
        codes = np.array([self._hash(vocabulary.encode(text)) for text in sorted(placeholders)], np.uint64)
        self._kept = (kinds, counts, np.ascontiguousarray(is_evidence, np.uint8), ids, codes)
        space = int(vocabulary.encode(" ")[0])
        self._alphabet = Alphabet(*(array.ctypes.data for array in self._kept), size, space, len(codes))

    def encode(self, column: Column) -> tuple[EncodedStrings, NDArray[np.uint8]]:
        """Return the ids of the names of a column that are read, and for each name whether it is; see `READ`.

        Names that are not read have no ids.
        """
        count = len(column.starts) - 1
        data = np.frombuffer(column.data, np.uint8)
        characters = len(data) // (column.width or 1)
        ids = np.empty(max(1, characters) * (1 if column.width == 1 else MOST_LETTERS), np.int32)
        lengths, statuses = np.empty(count, np.int64), np.empty(count, np.uint8)
        texts = Texts(data.ctypes.data, column.starts.ctypes.data, column.width)
        places = (array.ctypes.data for array in (ids, lengths, statuses))
        used = self._library.encode(ctypes.byref(self._alphabet), ctypes.byref(texts), count, *places)
        return EncodedStrings(ids[:used], lengths), statuses

    def _hash(self, ids: NDArray[np.int64]) -> int:
        narrow = np.ascontiguousarray(ids, np.int32)
        code: int = self._library.placeholder(narrow.ctypes.data, len(narrow))
        return code


def normalise_character(character: str, normalisation: Normalisation) -> str | None:
    """Return what a character becomes among any others; a space for white space; None if that depends on them.

    >>> normalise_character("Ü", Normalisation()), normalise_character("\N{COMBINING ACUTE ACCENT}", Normalisation())
    ('ü', None)
    """
    among = normalisation.apply(f"x{character}x")
    letters, composed = among[1:-1], unicodedata.normalize("NFKC", character)
    has_marks = any(unicodedata.category(one)[0] == "M" for one in composed + letters)
    return None if has_marks or among[0] + among[-1] != "xx" else letters
