"""Scripts: which writing system the letters of a string belong to, and Latin spellings of the others.

The functions for strings take composed text, as `elman.text.normalisation.compose` returns it, so that a name is
composed once however many questions are asked of it. ASCII text always counts as composed here.
"""

import unicodedata
from collections import Counter
from functools import lru_cache

CACHED = 2**17
"""The most characters whose script and Latin spelling are kept in memory: as many as Unicode has letters, 46 MiB."""

_SCRIPT_NAMES = {"CJK": "Han", "IDEOGRAPHIC": "Han", "HALFWIDTH": "Katakana"}
_SHARED = ("Latin", "Combining", "Modifier", "Masculine", "Feminine", "Micro")
_END_OF_LATIN = "\u0250"  # no letter before it belongs to another script


def script_of(text: str) -> str:
    """Return the script of most letters of a composed string, as Unicode names it.

    Returns:
        ``"Latin"``, ``"Cyrillic"``, ``"Greek"``, ``"Han"``, ``"Hangul"``, ``"Arabic"`` and so on; ``"None"`` if the
        string has no letter.

    >>> script_of("Нakamura"), script_of("中村"), script_of("42")
    ('Latin', 'Han', 'None')
    """
    if text.isascii():
        return "Latin" if has_letter(text) else "None"
    scripts: Counter[str] = Counter()
    for character, count in Counter(text).items():  # in order of appearance, which decides between equal counts
        if character.isalpha():
            scripts[script_of_character(character)] += count
    return scripts.most_common(1)[0][0] if scripts else "None"


@lru_cache(CACHED)
def script_of_character(character: str) -> str:
    """Return the script of one character: the first word of its Unicode name.

    >>> script_of_character("й"), script_of_character("中"), script_of_character("1")
    ('Cyrillic', 'Han', 'Digit')
    """
    first = unicodedata.name(character, "Unnamed").split()[0]
    return _SCRIPT_NAMES.get(first, first.capitalize())


def is_foreign(text: str) -> bool:
    """Return whether a composed string contains letters that `transliterate` spells in Latin ones.

    >>> is_foreign("Müller"), is_foreign("Müllerов")
    (False, True)
    """
    return not text.isascii() and not all(map(_is_latin_or_shared, text))


def transliterate(text: str) -> str:
    """Return a composed string with the letters of other scripts in Latin spelling.

    >>> transliterate("Müllerов")
    'Müllerov'
    """
    return text.translate(_LATIN)


def has_letter(text: str) -> bool:
    """Return whether any character of ``text`` is a letter."""
    return any(map(str.isalpha, text))


def count_letters(text: str) -> int:
    """Return how many characters of ``text`` are letters."""
    return sum(map(str.isalpha, text))


@lru_cache(CACHED)
def _is_latin_or_shared(character: str) -> bool:
    """Return whether a character is Latin, or is used by all scripts, as digits and accents are."""
    if character < _END_OF_LATIN or not (character.isalpha() or unicodedata.category(character)[0] == "M"):
        return True
    return script_of_character(character) in _SHARED


class _LatinSpellings(dict[int, str]):
    """The Latin spelling of each code point; a character that needs no other one is its own."""

    def __missing__(self, point: int) -> str:
        from anyascii import anyascii  # its tables add to the start-up time; Latin names do not need them

        character = chr(point)
        spelling: str = character if _is_latin_or_shared(character) else anyascii(character)
        if len(self) >= CACHED:  # or rare characters, once there are so many, would keep all others out
            self.clear()
        self[point] = spelling
        return spelling


_LATIN = _LatinSpellings()
