"""A name with its label, and how names are folded, keyed and assigned to the parts of the split."""

import hashlib
from functools import lru_cache
from typing import NamedTuple

from elman.text.normalisation import compose, fold_accents
from elman.text.scripts import script_of

PARTS = ("train", "validation", "test")
SHARES = (0.8, 0.9, 1.0)


class Row(NamedTuple):
    """One name of the data.

    Args:
        name: as its source writes it, white space and quotes tidied.
        label: one of the labels of `labels.tsv`.
        source: ``"nana"``, ``"openfootball"``, ``"goalscorers"``, or ``"faker"``.
        script: the script of most of its letters, as `elman.text.scripts.script_of` names it.
        kind: ``"full"`` or ``"part"`` (forename or surname alone).
    """

    name: str
    label: str
    source: str
    script: str
    kind: str


def make_row(name: str, label: str, source: str, kind: str) -> Row:
    """Return the row of a name, its script read from its letters."""
    return Row(name, label, source, script_of(compose(name)), kind)


def fold(name: str) -> str:
    """Return a name in lower case, without accents, hyphens as blanks.

    >>> fold("Jean-Luc MÜLLER")
    'jean luc muller'
    """
    folded = fold_accents(compose(name).lower()).replace("-", " ").replace(".", " ").replace(",", " ")
    return " ".join(folded.split())


def key_of(name: str) -> str:
    """Return what all orders and spellings of a name share: its folded parts, sorted, each once.

    >>> key_of("Müller, Jean-Luc") == key_of("jean luc muller")
    True
    """
    return " ".join(sorted(set(fold(name).split())))


@lru_cache(2**20)
def part_of(key: str, seed: int = 0) -> str:
    """Return the part of the split of a key: eight in ten to train, one to validate, one to test; by hash.

    >>> part_of(key_of("Kari Nordmann")) == part_of(key_of("NORDMANN, Kari"))
    True
    """
    share = share_of(key, seed)
    return next(part for part, limit in zip(PARTS, SHARES, strict=True) if share < limit)


def share_of(text: str, seed: int) -> float:
    """Return a number in [0, 1) that depends on the text and the seed alone."""
    digest = hashlib.blake2b(text.encode(), digest_size=8, key=seed.to_bytes(8, "little")).digest()
    return int.from_bytes(digest, "little") / 2**64
