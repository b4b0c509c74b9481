"""The readers of the four sources: names and labels as they are stored, tidied, nothing drawn.

NaNa (Apache-2.0), openfootball and international goal scorers (CC0), and the name parts of the Fakers (MIT).
"""

import hashlib
import html
import io
import pickle
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from elman.text.normalisation import compose
from elman.text.scripts import transliterate
from release.origins.labels import Labels
from release.origins.rows import Row, make_row

NANA_SHA256 = "cf6c45de61accfeb1d80c9ae86efd42fcf40cac481da5ab04d8a66dd7195fe94"
NANA_MEMBER = "name2nat/name2nats.pkl"
PLAYERS = {"openfootball": "openfootball-players.tsv", "goalscorers": "international-goalscorers.tsv"}
FAKER = "faker-names.tsv"
SOURCES = ("nana", *PLAYERS, "faker")
"""In this order: a name that two sources hold with the same label is counted for the first."""

COPIES = {
    # The list of another country again; the fourth field of the file is the package.
    ("faker-php", "es_AR"),
    ("faker-php", "es_ES"),
    ("faker-php", "ro_MD"),
    ("faker-js", "de_AT"),
    # The English list among them.
    ("faker-js", "fr_BE"),
    ("faker-js", "en_ZA"),
    # All forenames of residents, which hold most forenames of every other country.
    ("faker-ruby", "nl", "forename"),
    ("faker-php", "nb_NO", "forename"),
}
"""What is not read of the Fakers: (package, locale), or (package, locale, role)."""

SPELLED = ("ka_GE", "kk_KZ")
"""Locales whose parts are read in Latin spelling too: other sources have few of these names, and the spelling is regular."""

_NICKNAME = re.compile(r"\s*[\"“”„«»(\[][^\"“”»)\]]*[\"“”»)\]]\s*")
_HONORIFIC = re.compile(r"^(?:Sir|Dame|Lord|Lady|Dr\.?|Rev\.?)\s+", re.IGNORECASE)
_SUFFIX = re.compile(r"\s+(?:Jr\.?|Sr\.?|[IVX]{2,4})$")
_NO_NAME = re.compile(r"\d|[/:;!?=+@&]|\b(?:of|the|and|und|et)\b|\b(?:II|III|IV|VI|VII|VIII|IX|XI+|XIV)\b")


class Part(NamedTuple):
    """A forename or surname of a locale of the Fakers."""

    text: str
    locale: str
    role: str


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler for lists, dicts and strings alone."""

    def find_class(self, module: str, name: str) -> None:
        raise pickle.UnpicklingError(f"NaNa: expected plain lists, dicts and strings, found {module}.{name}; not read")


def load_nana(wheel: Path, *, sha256: str = NANA_SHA256) -> dict[str, list[str]]:
    """Return the nationality words of each name in the name2nat wheel; arguments and errors as for `read_nana`."""
    if not wheel.is_file():
        raise SystemExit(f"{wheel}: no such file; fetch it with: pip download --no-deps name2nat==0.5.1")
    content = wheel.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ValueError(f"{wheel.name}: expected SHA-256 {sha256}, found {found}; fetch name2nat 0.5.1 again")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names: dict[str, list[str]] = _PlainUnpickler(io.BytesIO(archive.read(NANA_MEMBER))).load()
    return names


def read_nana(wheel: Path, labels: Labels, unmapped: Counter[str], *, sha256: str = NANA_SHA256) -> Iterator[Row]:
    """Yield the names of the name2nat wheel that have a label.

    Args:
        wheel: the wheel of name2nat 0.5.1.
        labels: the origins.
        unmapped: counts the nationality words without a label.
        sha256: what the wheel must have.

    Raises:
        ValueError: the wheel is not the expected one.
        pickle.UnpicklingError: the pickle asks for a class.
    """
    for raw, words in load_nana(wheel, sha256=sha256).items():
        name = tidy(raw)
        for word in words:
            label = labels.nana.get(word)
            if label is None:
                unmapped[word] += 1
            elif name:
                yield make_row(name, label, "nana", kind_of(name))


def read_players(path: Path, source: str, labels: Labels, unmapped: Counter[str]) -> Iterator[Row]:
    """Yield the names of a file of footballers (name, country) whose country has a label."""
    for name, country, *_ in _read_table(path):
        label = labels.countries.get(country)
        if label is None:
            unmapped[country] += 1
        elif tidied := tidy(name):
            yield make_row(tidied, label, source, kind_of(tidied))


def read_parts(path: Path, labels: Labels, unmapped: Counter[str]) -> list[Part]:
    """Return the forenames and surnames of the locales that have a label, each once, sorted."""
    parts = set()
    for text, locale, role, package in _read_table(path):
        if locale not in labels.locales or {(package, locale), (package, locale, role)} & COPIES:
            unmapped[locale] += 1
        elif (tidied := tidy(text)) and tidied != "Doe":
            parts.add(Part(tidied, locale, role))
            if locale in SPELLED:
                parts.add(Part(spell(tidied), locale, role))
    return sorted(parts)


def tidy(text: str) -> str:
    """Return a name without nickname, title of rank, or what follows a comma; empty if it is no person's name.

    >>> tidy("Richard Long, 4th Viscount Long"), tidy("Jimmy &quot;Preacher&quot; Ellis"), tidy("Roger of Wendover")
    ('Richard Long', 'Jimmy Ellis', '')
    """
    text = html.unescape(text) if "&" in text else text
    text = _NICKNAME.sub(" ", text.partition(",")[0])
    text = _SUFFIX.sub("", _HONORIFIC.sub("", " ".join(text.split())))
    if _NO_NAME.search(text) or not any(map(str.isalpha, text)):
        return ""
    return text


def spell(text: str) -> str:
    """Return a part in Latin letters, as a passport has it.

    >>> spell("ჭიღლაძე")
    'Chighladze'
    """
    return transliterate(compose(text)).replace("'", "").capitalize()


def kind_of(name: str) -> str:
    """Return whether a name of a person is full or, as a single word, a part."""
    return "full" if " " in name else "part"


def _read_table(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\r\n").split("\t")
