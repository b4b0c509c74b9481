"""Variants of a name: other ways in which the same name is written in a column of real data.

The case of letters needs no variant: normalisation folds it.
"""

import random
from collections.abc import Callable

from elman.text.normalisation import compose
from elman.text.scripts import script_of

TITLES = {
    "Latin": [
        "Dr",
        "Dr.",
        "Prof.",
        "Mr",
        "Mr.",
        "Mrs",
        "Mrs.",
        "Ms",
        "Miss",
        "Sir",
        "Dame",
        "Herr",
        "Frau",
        "Señor",
        "Don",
        "Doña",
        "M.",
        "Mme",
        "Sr.",
        "Sra.",
        "Dott.",
        "Ing.",
        "Rev.",
        "Hr",
    ],
    "Cyrillic": ["г-н", "г-жа", "д-р", "проф."],
    "Greek": ["κ.", "Δρ."],
    "Arabic": ["د.", "السيد", "السيدة"],
    "Hebrew": ["ד״ר", "מר", "גב׳"],
}
AFTER = {
    "Han": ["先生", "女士", "さん", "様"],
    "Hangul": [" 씨", "님"],
    "Katakana": ["さん", "様"],
    "Hiragana": ["さん", "様"],
}
DEGREES = (", PhD", ", MD", " Jr.", " Jr", " III", ", M.Sc.", " PhD")
KINDS = ("alone", "turned", "comma", "initials", "titled")


def vary(name: str, rng: random.Random, *, kinds: tuple[str, ...] = KINDS) -> str:
    """Return one variant of a name, of a kind that the generator chooses among those that fit it.

    Args:
        name: a full name, forename first as a rule; a name of one word has titles as its only variants.
        rng: decides the kind and its details.
        kinds: some of `KINDS`: ``"alone"`` (its first or last part), ``"turned"`` (last part first), ``"comma"``
            ("Family, Given"), ``"initials"`` (of all parts but the last), ``"titled"`` (a title or degree).

    Returns:
        The variant; the name itself if no kind fits.

    Raises:
        ValueError: a kind is unknown.

    >>> vary("Kari Ann Nordmann", random.Random(0), kinds=("comma",))
    'Nordmann, Kari Ann'
    """
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(f"kinds: expected some of {', '.join(KINDS)}; found {', '.join(sorted(unknown))}")
    variants = {one for kind in kinds if (one := _WAYS[kind](name, rng)) != name}
    return rng.choice(sorted(variants)) if variants else name


def first_or_last(name: str, rng: random.Random) -> str:
    """Return the forenames or the family name with its particles, alone."""
    forenames, family = split_name(name)
    return rng.choice([forenames, family]) if forenames else name


def turn(name: str, rng: random.Random) -> str:
    """Return the family name before the forenames, without a comma."""
    forenames, family = split_name(name)
    return f"{family} {forenames}" if forenames else name


def put_comma(name: str, rng: random.Random) -> str:
    """Return "Family, Given"."""
    forenames, family = split_name(name)
    return f"{family}, {forenames}" if forenames else name


def shorten(name: str, rng: random.Random) -> str:
    """Return a name whose forenames, or all of them after the first, are initials: "K. A. Nordmann", "Nordmann KA"."""
    forenames, family = split_name(name)
    if not forenames or script_of(compose(name)) not in ("Latin", "Cyrillic", "Greek", "Armenian"):
        return name
    words = forenames.replace("-", " ").split()
    way = rng.randrange(5)
    if way == 0:
        return f"{family} {''.join(word[0] for word in words)}"
    if way == 1:
        return f"{family}, {' '.join(word[0] + '.' for word in words)}"
    if way == 2 and len(words) > 1:
        return f"{words[0]} {' '.join(word[0] + '.' for word in words[1:])} {family}"
    dot = "." if way == 3 else ""
    return f"{' '.join(word[0] + dot for word in words)} {family}"


def add_title(name: str, rng: random.Random) -> str:
    """Return a name with a title before it or, as its script has it, after it; in Latin script also a degree."""
    script = script_of(compose(name))
    if script in AFTER:
        return name + rng.choice(AFTER[script])
    if script not in TITLES:
        return name
    if script == "Latin" and rng.random() < 0.3:
        return name + rng.choice(DEGREES)
    return f"{rng.choice(TITLES[script])} {name}"


def split_name(name: str) -> tuple[str, str]:
    """Return the forenames and the family name with its particles; no forenames if there is one word.

    >>> split_name("Ludwig van der Rohe"), split_name("Aristotle")
    (('Ludwig', 'van der Rohe'), ('', 'Aristotle'))
    """
    words = name.split()
    start = len(words) - 1
    while start > 1 and words[start - 1].islower():  # particles: van der, de la, bin, e
        start -= 1
    return " ".join(words[:start]), " ".join(words[start:])


_WAYS: dict[str, Callable[[str, random.Random], str]] = {
    "alone": first_or_last,
    "turned": turn,
    "comma": put_comma,
    "initials": shorten,
    "titled": add_title,
}
