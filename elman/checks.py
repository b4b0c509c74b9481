"""Checks of values that a user gives. Each refuses in one way, and names the value and what was expected."""

import math
from collections.abc import Iterable, Sequence

from elman.errors import SettingError


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
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and above < value and least <= value <= most:  # type: ignore[operator,arg-type]
        return
    lower = f"above {above:g}" if math.isfinite(above) else f"of at least {least:g}"
    upper = f" and at most {most:g}" if math.isfinite(most) else ""
    raise SettingError(f"{name} must be a number {lower}{upper}; got {value!r}")


def check_share(name: str, value: object) -> None:
    """Check that a value is a share: a number of at least 0 and below 1.

    Raises:
        SettingError: it is not.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise SettingError(f"{name} must be at least 0 and below 1; got {value!r}")


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
    r"""Return a text as a message may show it: what does not print is escaped, and a long text is cut.

    >>> shown("a\x1b[31mb\u200b")
    'a\\x1b[31mb\\u200b'
    """
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def suggest(word: str, choices: Iterable[str]) -> str:
    """Return the end of a message that suggests the choice most like a word; empty if none is like it.

    >>> suggest("Langages", ["languages", "mnist"]), suggest("abc", ["languages"])
    ("; did you mean 'languages'?", '')
    """
    from difflib import get_close_matches

    by_key = {choice.casefold(): choice for choice in choices}
    return "".join(f"; did you mean '{shown(by_key[key])}'?" for key in get_close_matches(word.casefold(), by_key, 1))
