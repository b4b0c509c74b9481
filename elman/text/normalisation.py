"""Normalisation: from a string as it was typed to the string that a model reads.

Training and prediction use the same normalisation, and its settings are saved in the model file:

1. compatibility composition (NFKC): full-width, ligature and decomposed forms become one form;
2. apostrophes, hyphens and dashes of any kind become ``'`` and ``-``; control and format characters are dropped;
3. letters of other scripts are transliterated to Latin (optional, on by default);
4. lower case (optional, on by default);
5. accents are dropped (optional, off by default);
6. white space is collapsed to single spaces and trimmed.

Accents are kept by default, because they tell origins apart (``müller``, ``muñoz``, ``ślusarski``). Training teaches a
model to answer folded spellings (``muller``) as well: see `fold_accents`.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from elman.text.scripts import count_letters, is_foreign, script_of, script_of_character, transliterate

LONGEST = 200
"""The most characters of normalised text that a model reads, and the most letters of a string that is normalised, since
letters hardly ever get lost. Longer strings abstain, so that time stays bounded."""

LONGEST_INPUT = 4096
"""The most characters of a string that is normalised, without white space at its ends. To compose a longer one costs
more than linear time if many accents follow each other."""

LONGEST_COMPOSED = 4 * LONGEST
"""The most characters that a string which is normalised composes to. Normalising can drop most of them: a letter of
another script can have several marks that its Latin spelling lacks."""

LARGEST_EXPANSION = 18
"""The most characters that one character composes to (U+FDFA)."""

SHORT = LONGEST_COMPOSED // LARGEST_EXPANSION
"""The most characters with which a string is never too long, whatever they are."""

_SEPARATORS = "," + "".join(character for character in map(chr, range(0x3001)) if character.isspace())
_APOSTROPHES = "'`´ʻʼʽˈ‘’‛′＇\u05f3"
_DASHES = "-‐‑‒–—―−﹣－\u05be\u058a"
_SAME = str.maketrans({**dict.fromkeys(_APOSTROPHES, "'"), **dict.fromkeys(_DASHES, "-")})
_STROKES = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "Æ": "AE",
        "Œ": "OE",
    }
)
_DOTTED_I = re.compile("i\u0307+")


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How a string is prepared before its symbols are looked up.

    Args:
        lower_case: fold upper case to lower case.
        transliterate: spell letters of other scripts in Latin letters.
        accents: keep accents and strokes; False drops them, as the tutorials do.
    """

    lower_case: bool = True
    transliterate: bool = True
    accents: bool = True

    def apply(self, text: str) -> str:
        r"""Return ``text`` normalised; applying it twice gives the same string as applying it once.

        >>> Normalisation().apply("  MU\u0308LLER ")
        'müller'
        """
        text = compose(text)
        return self._finish(text, foreign=self.transliterate and is_foreign(text))

    def apply_all(self, texts: Sequence[str]) -> list[str]:
        """Return each text normalised, as `apply` does one by one; plain ASCII texts are processed together.

        >>> Normalisation().apply_all(["  O`Hara ", "Müller"])
        ["o'hara", 'müller']
        """
        plain = [text for text in texts if text.isascii() and text.isprintable()]
        joined = "\n".join(plain).translate(_SAME)
        lines = iter((joined.lower() if self.lower_case else joined).split("\n"))
        if "  " in joined or joined.startswith(" ") or joined.endswith(" ") or " \n" in joined or "\n " in joined:
            lines = (" ".join(line.split()) for line in lines)
        return [next(lines) if text.isascii() and text.isprintable() else self.apply(text) for text in texts]

    def describe(self, text: str) -> tuple[str, str, bool]:
        """Return ``text`` normalised, and what records say of its script; it is composed once for both.

        Returns:
            The normalised string; the script of ``text``, as `elman.text.scripts.script_of` names it; whether letters
            of another script are now in Latin spelling.

        >>> Normalisation().describe("Иванов")
        ('ivanov', 'Cyrillic', True)
        """
        composed = compose(text)
        foreign = self.transliterate and is_foreign(composed)
        return self._finish(composed, foreign=foreign), script_of(composed), foreign

    def describe_all(self, texts: Sequence[str]) -> list[tuple[str, str, bool]]:
        """Return for each text what `describe` returns; plain ASCII texts are processed together."""
        plain = iter(self.apply_all([text for text in texts if text.isascii()]))
        return [(next(plain), script_of(text), False) if text.isascii() else self.describe(text) for text in texts]

    def _finish(self, text: str, *, foreign: bool) -> str:
        """Return a composed text after steps 3 to 6; ``foreign`` says whether step 3 applies."""
        if foreign:
            text = compose(transliterate(text))
        if self.lower_case and not text.isascii():
            # "İ" lowers to "i" and a dot above, which compose to no letter. Other small letters do compose with marks
            # that their capitals do not compose with: "H" with a line below has no letter of its own, "ẖ" is one.
            text = unicodedata.normalize("NFKC", _DOTTED_I.sub("i", text.lower()))
        elif self.lower_case:
            text = text.lower()
        if not self.accents:
            text = fold_accents(text)
        return " ".join(text.split())


def clean(text: str) -> str:
    """Return ``text`` without white space at its ends, and without commas and white space after it.

    Training and prediction both do this to each string before they normalise it, except for strings with a tag for each
    symbol: lists of names often end in a stray separator.

    >>> clean(" Nakamura, ")
    'Nakamura'
    """
    return text.strip().rstrip(_SEPARATORS)


def clean_all(texts: Iterable[str | None]) -> list[str]:
    """Return each text as `clean` does one by one; an empty text if it is missing.

    >>> clean_all([" Nakamura, ", None])
    ['Nakamura', '']
    """
    return [text.strip().rstrip(_SEPARATORS) if text else "" for text in texts]


def is_too_long(text: str) -> bool:
    """Return whether a string is too long to be normalised; the time is at most linear in `LONGEST_INPUT`.

    >>> is_too_long("a" * LONGEST), is_too_long("a" * (LONGEST + 1))
    (False, True)
    """
    if len(text) <= SHORT:
        return False
    text = text.strip()
    if len(text) > LONGEST_INPUT:
        return True
    text, length, letters = " ".join(text.split()), 0, 0
    for end in range(LONGEST, len(text) + LONGEST, LONGEST):  # by parts, to stop early
        part = compose(text[end - LONGEST : end])
        length, letters = length + len(part), letters + count_letters(part)
        # Two parts can have a Hangul syllable in pieces, which are letters too: the beginning as a whole has none.
        if length > LONGEST_COMPOSED or (letters > LONGEST and count_letters(compose(text[:end])) > LONGEST):
            return True
    return False


def compose(text: str) -> str:
    """Return ``text`` after steps 1 and 2 of the module's list; composing it twice changes nothing more.

    >>> compose("Ｏ’Brien")
    "O'Brien"
    """
    if text.isascii() and text.isprintable():
        return text.translate(_SAME)
    # Apostrophes are replaced before NFKC, which splits a single acute accent into a space and a mark, and after it.
    text = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
    if text.isprintable():
        return text
    # Surrogates, controls and format characters carry no letter. White space among them is kept for step 6.
    kept = (c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return unicodedata.normalize("NFKC", "".join(kept))


def fold_accents(text: str) -> str:
    """Return ``text`` without accents and strokes, as it is typed on an English keyboard.

    >>> fold_accents("łukasz müßig")
    'lukasz mussig'
    """
    bare, latin = [], False
    for character in unicodedata.normalize("NFD", text):
        if not unicodedata.combining(character):
            latin = character < "\u0250" or character.isspace() or script_of_character(character) == "Latin"
            bare.append(character)
        elif not latin:  # in other scripts a mark makes another letter: й is not и
            bare.append(character)
    return unicodedata.normalize("NFC", "".join(bare).translate(_STROKES))
