"""Strings that are no names of persons, for the answer "none of these": a part to train on, and a test of other kinds.

Written from the short word lists below and from a seed. Some kinds are in the test part alone, so that the figures say
how kinds that training did not contain are recognised; words of one list are in one part only.
"""

import random
import string
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from release.origins.rows import share_of
from release.origins.words import (
    CITIES,
    COMPANY_FORMS,
    COMPANY_WORDS,
    DEPARTMENTS,
    FOREIGN_SCRIPTS,
    MISSING,
    PRODUCTS,
    STREETS,
    WORDS,
)

TEST_KINDS = ("address", "department", "product", "foreign script", "file")
"""Kinds that only the test part has."""


class NonName(NamedTuple):
    """A string that is no name, and its kind."""

    text: str
    kind: str


def make_nonnames(count: int, part: str, seed: int = 0) -> list[NonName]:
    """Return different strings that are no names, about equally many of each kind.

    Args:
        count: how many; kinds with few strings (``"missing"``) give fewer, and the others more.
        part: ``"train"`` or ``"test"``.
        seed: of the choice; the words of a list are split between the parts by their hash, whatever the seed.

    Raises:
        ValueError: the part is unknown.
    """
    if part not in ("train", "test"):
        raise ValueError(f"part: expected train or test, found {part!r}")
    rng = random.Random(f"{part} {seed}")
    kinds = [kind for kind in _MAKERS if part == "test" or kind not in TEST_KINDS]
    found: dict[str, NonName] = {}
    tries = 0
    while len(found) < count and tries < 60 * count:
        kind = kinds[tries % len(kinds)]
        text = _MAKERS[kind](rng, part)
        found.setdefault(text.casefold(), NonName(text, kind))
        tries += 1
    return list(found.values())


@cache
def words_of(words: tuple[str, ...], part: str) -> list[str]:
    """Return the words of a list that belong to a part: seven in ten to train, the others to test; by hash."""
    return [word for word in words if (share_of(word, 0) < 0.7) == (part == "train")]


def make_company(rng: random.Random, part: str) -> str:
    """Return a company name: a word or two of trade, and its legal form as a rule."""
    words = rng.sample(words_of(COMPANY_WORDS, part), rng.choice((1, 2, 2)))
    form = rng.choice(words_of(COMPANY_FORMS, part))
    return " ".join([*words, form] if len(words) == 1 or rng.random() < 0.8 else words)


def make_city(rng: random.Random, part: str) -> str:
    """Return a city, alone or with a word of an office."""
    city = rng.choice(words_of(CITIES, part))
    return rng.choice((city, city, f"City of {city}", f"{city} Airport", f"University of {city}", f"{city} Council"))


def make_words(rng: random.Random, part: str) -> str:
    """Return one to four dictionary words."""
    return " ".join(rng.sample(words_of(WORDS, part), rng.choice((1, 2, 2, 3, 4))))


def make_missing(rng: random.Random, part: str) -> str:
    """Return what tables hold for a missing name, in some case."""
    text = rng.choice(words_of(MISSING, part))
    return rng.choice((text, text.lower(), text.upper(), text.title()))


def make_noise(rng: random.Random, part: str) -> str:
    """Return what fingers on a keyboard write: keys of the upper rows to train; other keys, and any letters, to test."""
    if part == "test" and rng.random() < 0.5:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(5, 14)))
    row = rng.choice(("qwertyuiop", "asdfghjkl", "asdf", "qwe") if part == "train" else ("zxcvbnm", "jkluio", "dfcv"))
    text = "".join(rng.choices(row, k=rng.randint(3, 9)))
    return text if rng.random() < 0.6 else f"{text} {''.join(rng.choices(row, k=rng.randint(2, 7)))}"


def make_repeats(rng: random.Random, part: str) -> str:
    """Return a letter or a short syllable several times."""
    letters = string.ascii_lowercase[::2] if part == "train" else string.ascii_lowercase[1::2]
    unit = "".join(rng.choices(letters, k=rng.choice((1, 1, 2, 3))))
    return unit * rng.randint(3, 8)


def make_code(rng: random.Random, part: str) -> str:
    """Return letters and digits of an identifier, a user name or an e-mail address."""
    letters = "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 6)))
    number = str(rng.randint(1, 99999))
    shapes = (
        f"{letters.upper()}-{number}",
        f"{letters}{number}",
        f"user_{number}",
        f"{letters}@{letters}.com",
        f"ID {number}",
    )
    return rng.choice(shapes)


def make_address(rng: random.Random, part: str) -> str:
    """Return a street with a number."""
    return f"{rng.randint(1, 300)} {rng.choice(STREETS)}"


def make_department(rng: random.Random, part: str) -> str:
    """Return an office, a team or an event."""
    return rng.choice(DEPARTMENTS)


def make_product(rng: random.Random, part: str) -> str:
    """Return a product, alone or with a number."""
    product = rng.choice(PRODUCTS)
    return product if rng.random() < 0.5 else f"{product} {rng.randint(2, 900)}"


def make_foreign(rng: random.Random, part: str) -> str:
    """Return letters of a script that no training name is written in."""
    first, last = rng.choice(FOREIGN_SCRIPTS)
    letters = [chr(point) for point in range(first, last + 1) if chr(point).isalpha()]
    return " ".join("".join(rng.choices(letters, k=rng.randint(3, 8))) for _ in range(rng.choice((1, 2))))


def make_file(rng: random.Random, part: str) -> str:
    """Return a file's name or a web address."""
    word = rng.choice(words_of(WORDS, part))
    return rng.choice((f"{word}.pdf", f"{word}_final.docx", f"www.{word}.com", f"https://{word}.org", f"{word}.csv"))


_MAKERS: dict[str, Callable[[random.Random, str], str]] = {
    "company": make_company,
    "city": make_city,
    "words": make_words,
    "missing": make_missing,
    "noise": make_noise,
    "repeats": make_repeats,
    "code": make_code,
    "address": make_address,
    "department": make_department,
    "product": make_product,
    "foreign script": make_foreign,
    "file": make_file,
}
