"""Checks of values that a user gives. Each refuses in one way, and names the value and what was expected."""

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeGuard

from elman.errors import SettingError

_BLANK = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0x16FE4),  # combining grapheme joiner, fillers
            *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),  # variation selectors
            *(0x2800, 0x13441, 0x13442, 0x1D159),  # symbols whose glyph is empty
        ),
    )
)
"""Characters that Python calls printable, and that show nothing."""

_NON_JOINER, _JOINER = "\u200c", "\u200d"
_VIRAMA = 9
"""The combining class of the signs that join consonants in the scripts of India and its neighbours."""

MOST_COMPARED = 1000
"""How many choices are compared with a word that nearly names one of them, at most."""


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Check that a value is one of several strings.

    Raises:
        SettingError: it is not.
    """
    if value not in choices:
        raise SettingError(f"{name} must be one of {', '.join(choices)}; got {value!r}")


def check_whole(name: str, value: object, least: int, *, most: int | None = None, unit: str = "") -> None:
    """Check that a value is a whole number in a range; True and False are not numbers.

    Args:
        name: what the message calls the value.
        value: the value.
        least: the smallest number allowed.
        most: the largest number allowed; no limit if None.
        unit: what is counted, for the message: ``pixels``.

    Raises:
        SettingError: it is not.
    """
    if isinstance(value, int) and not isinstance(value, bool) and least <= value and (most is None or value <= most):
        return
    counted = f"a whole number of {unit}" if unit else "a whole number"
    limits = f"from {least} to {most}" if most is not None else f"of at least {least}"
    raise SettingError(f"{name} must be {counted} {limits}; got {value!r}")


def check_number(
    name: str, value: object, *, above: float = -math.inf, least: float = -math.inf, most: float = math.inf
) -> None:
    """Check that a value is a finite number in a range.

    Args:
        name: what the message calls the value.
        value: the value.
        above: the number must be larger than this.
        least: the number must not be smaller than this.
        most: the number must not be larger than this.

    Raises:
        SettingError: it is not.
    """
    if is_finite_number(value) and above < value and least <= value <= most:
        return
    lower = f"above {above:g}" if math.isfinite(above) else f"of at least {least:g}"
    upper = f" and at most {most:g}" if math.isfinite(most) else ""
    raise SettingError(f"{name} must be a number {lower}{upper}; got {value!r}")


def is_finite_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a finite number; True and False are not numbers.

    >>> [is_finite_number(value) for value in (1, 0.5, True, "1", float("nan"))]
    [True, True, False, False, False]
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_share(name: str, value: object) -> None:
    """Check that a value is a share: a number of at least 0 and below 1.

    Raises:
        SettingError: it is not.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise SettingError(f"{name} must be at least 0 and below 1; got {value!r}")


def count_of(number: int, noun: str) -> str:
    """Return how many of something there are, in words that fit the number.

    Args:
        number: how many.
        noun: the word for one of them, whose plural ends in ``s``.

    >>> count_of(1, "line"), count_of(1200, "line"), count_of(0, "label")
    ('1 line', '1,200 lines', '0 labels')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def is_missing(value: object) -> bool:
    """Return whether a value marks a missing one: None, NaN, NaT, pandas' NA, or a null of Arrow.

    >>> [is_missing(value) for value in (None, float("nan"), "nan", "", 0)]
    [True, True, False, False, False]
    """
    if value is None:
        return True
    if isinstance(value, str | bytes):
        return False
    if type(value).__name__ == "NAType" or getattr(value, "is_valid", True) is False:
        return True
    try:
        return bool(value != value)  # NaN and NaT differ from themselves
    except (TypeError, ValueError):  # an array has no single truth value
        return False


def shown(text: str, limit: int = 60) -> str:
    r"""Return a text as a message may show it: what is invisible is escaped, and a long text is cut.

    >>> shown("a\x1b[31mb\u200b")
    'a\\x1b[31mb\\u200b'
    """
    return escape_invisible(text if len(text) <= limit else f"{text[: limit - 1]}…")


def escape_invisible(text: str, *, kept: str = "", escape: Callable[[str], str] | None = None) -> str:
    r"""Return a text in which each invisible character is escaped, so that two texts that differ look different.

    Invisible are control and format characters, white space other than the space, surrogates, unassigned characters,
    variation selectors, fillers and blank symbols. Joiners are kept where they change the letters beside them, as
    spelling in Persian and in the languages of India needs.

    Args:
        text: any text.
        kept: invisible characters that stay, such as line ends.
        escape: returns the escaped form of one character; as Python writes it, if None.

    >>> escape_invisible("a\u200cb \u0639\u0644\u06cc\u200c\u0631\u0636\u0627 \u3164")
    'a\\u200cb علی\u200cرضا \\u3164'
    """
    if text.isprintable() and _BLANK.isdisjoint(text):
        return text
    escape = escape or (lambda character: character.encode("unicode_escape").decode())
    around = f" {text} "
    return "".join(
        character if character in kept or _is_visible(character, before, after) else escape(character)
        for before, character, after in zip(around, text, around[2:], strict=False)
    )


def _is_visible(character: str, before: str, after: str) -> bool:
    """Return whether a character shows something, or changes how the characters before and after it look."""
    if character not in (_NON_JOINER, _JOINER):
        return character.isprintable() and character not in _BLANK
    if _VIRAMA in (unicodedata.combining(before), unicodedata.combining(after)):
        return True
    are_arabic = unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"
    return character == _NON_JOINER and are_arabic and _joins_next(before)


def _joins_next(letter: str) -> bool:
    """Return whether a letter of the Arabic script, such as YEH and unlike DAL, joins to the next one."""
    try:  # of each such letter, Unicode has the form that begins a word
        return bool(unicodedata.lookup(f"{unicodedata.name(letter, '')} INITIAL FORM"))
    except KeyError:
        return False


def whole(text: object) -> str:
    """Return a text, such as a path, for a message or a terminal: escaped as `shown` does, and not cut."""
    return shown(str(text), len(str(text)))


def suggest(word: str, choices: Iterable[str]) -> str:
    """Return the end of a message that suggests the choice most like a word; empty if none is like it.

    >>> suggest("Langages", ["languages", "mnist"]), suggest("abc", ["languages"])
    ("; did you mean 'languages'?", '')
    """
    similar = find_similar(word, choices)
    return "" if similar is None else f"; did you mean '{shown(similar)}'?"


def find_similar(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice most like a word: but for case and separators, or but for a typing error; None if none is.

    >>> find_similar("full_nmae", ["id", "Full Name"])
    'Full Name'
    """
    from difflib import get_close_matches

    by_key = {_plain(choice): choice for choice in islice(choices, MOST_COMPARED)}
    return next((by_key[key] for key in get_close_matches(_plain(word), by_key, 1)), None)


def _plain(word: str) -> str:
    """Return a word without case, with a blank for each separator inside."""
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())
