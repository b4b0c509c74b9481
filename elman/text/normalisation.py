"""Text: from a string as it was typed to the string that a model reads.

One normalisation serves training and prediction, and its settings travel inside the model file:

1. compatibility composition (NFKC): full-width, ligature and decomposed forms become one form;
2. apostrophes, hyphens and dashes of any kind become ``'`` and ``-``; controls and format characters are dropped;
3. letters of other scripts are transliterated to Latin (optional, on by default);
4. lower case (optional, on by default);
5. accents dropped (optional, off by default);
6. white space is collapsed to single spaces and trimmed.

Accents stay unless asked otherwise, because they tell origins apart (``müller``, ``muñoz``, ``ślusarski``). That a
model still answers folded spellings (``muller``) is taught in training, not done here: see `fold_accents`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 200
"""Characters of normalised text that a model reads; longer strings abstain rather than cost unbounded time."""

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
_SCRIPT_NAMES = {"CJK": "Han", "IDEOGRAPHIC": "Han", "HALFWIDTH": "Katakana"}


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How a string is prepared before its symbols are looked up.

    Args:
        lower_case: fold upper case to lower case.
        transliterate: write letters of other scripts in Latin letters.
        accents: keep accents and strokes; False drops them, as the tutorials do.
    """

    lower_case: bool = True
    transliterate: bool = True
    accents: bool = True

    def apply(self, text: str) -> str:
        r"""Return ``text`` normalised; applying it twice changes nothing more.

        >>> Normalisation().apply("  MU\u0308LLER ")
        'müller'
        """
        text = _composed(text)
        if not text.isascii() and self.transliterate:
            text = _composed(_transliterated(text))
        if self.lower_case:
            # "İ" lowers to "i" and a dot above, which composes with nothing.
            text = _composed(_DOTTED_I.sub("i", text.lower()))
        if not self.accents:
            text = fold_accents(text)
        return " ".join(text.split())

    def apply_all(self, texts: Sequence[str]) -> list[str]:
        """Return each text normalised, as `apply` does it one by one: plain ASCII texts go through together.

        >>> Normalisation().apply_all(["  O`Hara ", "Müller"])
        ["o'hara", 'müller']
        """
        plain = [text for text in texts if text.isascii() and text.isprintable()]
        joined = "\n".join(plain).translate(_SAME)
        lines = iter((joined.lower() if self.lower_case else joined).split("\n"))
        if "  " in joined or joined.startswith(" ") or joined.endswith(" ") or " \n" in joined or "\n " in joined:
            lines = (" ".join(line.split()) for line in lines)
        return [next(lines) if text.isascii() and text.isprintable() else self.apply(text) for text in texts]


def script_of(text: str) -> str:
    """Return the script that most letters of ``text`` are written in, as Unicode names it.

    Returns:
        ``"Latin"``, ``"Cyrillic"``, ``"Greek"``, ``"Han"``, ``"Hangul"``, ``"Arabic"`` and so on; ``"None"`` where
        there is no letter.

    >>> script_of("Нakamura"), script_of("中村"), script_of("42")
    ('Latin', 'Han', 'None')
    """
    if text.isascii():
        return "Latin" if any(map(str.isalpha, text)) else "None"
    scripts = Counter(_script(character) for character in _composed(text) if character.isalpha())
    return scripts.most_common(1)[0][0] if scripts else "None"


def is_foreign(text: str) -> bool:
    """Return whether ``text`` holds letters that transliteration writes in Latin ones.

    >>> is_foreign("Müller"), is_foreign("Müllerов")
    (False, True)
    """
    return not text.isascii() and not all(map(_is_latin_or_shared, _composed(text)))


def fold_accents(text: str) -> str:
    """Return ``text`` with accents and strokes dropped, as an English keyboard would spell it.

    >>> fold_accents("łukasz müßig")
    'lukasz mussig'
    """
    bare, latin = [], False
    for character in unicodedata.normalize("NFD", text):
        if not unicodedata.combining(character):
            latin = character < "\u0250" or _script(character) == "Latin"
            bare.append(character)
        elif not latin:  # in other scripts a mark makes another letter: й is not и
            bare.append(character)
    return unicodedata.normalize("NFC", "".join(bare).translate(_STROKES))


def has_letter(text: str) -> bool:
    """Return whether any character of ``text`` is a letter."""
    return any(map(str.isalpha, text))


def _composed(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text.translate(_SAME)
    # Before NFKC, which would split an acute accent standing alone into a space and a mark; and after it.
    text = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
    # Surrogates, controls and format characters carry no letter; white space among them is kept for the last step.
    kept = (c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return unicodedata.normalize("NFKC", "".join(kept))


def _transliterated(text: str) -> str:
    if all(map(_is_latin_or_shared, text)):
        return text
    from anyascii import anyascii  # its tables cost start-up time that Latin names need not pay

    return "".join(c if _is_latin_or_shared(c) else anyascii(c) for c in text)


def _is_latin_or_shared(character: str) -> bool:
    if character < "\u0250" or not (character.isalpha() or unicodedata.category(character)[0] == "M"):
        return True
    return _script(character) in ("Latin", "Combining", "Modifier", "Masculine", "Feminine", "Micro")


def _script(character: str) -> str:
    first = unicodedata.name(character, "Unnamed").split()[0]
    return _SCRIPT_NAMES.get(first, first.capitalize())
