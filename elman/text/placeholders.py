"""Placeholders: strings that say that something is missing, such as ``N/A``.

The list is short, because people are called Null, Nan, Na or Nil: of those only ``null`` is in it.
"""

from collections.abc import Iterable

from elman.text.normalisation import Normalisation

PLACEHOLDERS = (
    *("null", "(null)", "<null>", "none", "n/a", "#n/a", "<na>", "unknown", "(unknown)", "[unknown]", "undefined"),
    *("missing", "not available", "not applicable", "no name", "anonymous", "et al", "et al."),
)
"""The strings, in lower case; they are compared as whole cells, in any letter case."""


def normalise_placeholders(placeholders: Iterable[str], normalisation: Normalisation) -> frozenset[str]:
    """Return how placeholders are spelt after normalisation, in the usual letter cases.

    >>> sorted(normalise_placeholders(["n/a"], Normalisation()))
    ['n/a']
    """
    spelt = (case(text) for text in placeholders for case in (str.lower, str.upper, str.capitalize, str.title))
    return frozenset(normalisation.apply_all(list(dict.fromkeys(spelt)))) - {""}


def find_placeholders(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the placeholders for a model that has learned these texts: those that are none of them.

    >>> "missing" in find_placeholders(["Missing", "found"]), "n/a" in find_placeholders(["Missing", "found"])
    (False, True)
    """
    learned = {text.casefold() for text in texts if len(text) <= 20}
    return tuple(text for text in PLACEHOLDERS if text not in learned)
