"""The names that `speed.py` reads: encoded once and saved in a folder that every process maps.

Three sets: the 18 languages of the catalog; NaNa, the 1,074,617 full names in the name2nat wheel, which is only read
and never run; and any number of made-up names, from seeded syllables.
"""

import hashlib
import json
import pickle
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WHEEL_DIGEST = "cf6c45de61accfeb1d80c9ae86efd42fcf40cac481da5ab04d8a66dd7195fe94"
SYLLABLES = """
ka na mu shi va len ber man ti ro dou wei mac al cor dra fer gol hu jan kle lo mor pe sa ta vos zim o' ra ko ski son ez
ni pa las en chen ha to ov elli mann kov sen berg ton ini ard eau is os ek ova ley dez kis in
"""

Pairs = list[tuple[str, str]]
"""Names and their labels."""


@dataclass(frozen=True)
class NameSet:
    """A set of names in a folder, or its first ones.

    Args:
        folder: where `save_names` saved it.
        count: N, how many are read.
    """

    folder: Path
    count: int

    def texts(self) -> list[str]:
        """Return the names, one by one from the file, so that reading them leaves nothing else in memory."""
        return self._lines("texts.txt")

    def label_names(self) -> list[str]:
        """Return the label of each name."""
        return self._lines("labels.txt")

    def encoded(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the ids of all symbols, (characters,), and the number of each name's symbols, (N,)."""
        lengths = np.load(self.folder / "lengths.npy")[: self.count]
        return np.array(np.load(self.folder / "ids.npy", mmap_mode="r")[: lengths.sum()]), lengths

    def targets(self) -> NDArray[np.int64]:
        """Return the label ids, (N,)."""
        return np.load(self.folder / "targets.npy")[: self.count]

    @property
    def symbols(self) -> int:
        """V of the whole set, the unknown one included."""
        return self._sizes["symbols"]

    @property
    def labels(self) -> int:
        """C of the whole set."""
        return self._sizes["labels"]

    @property
    def _sizes(self) -> dict[str, int]:
        return json.loads((self.folder / "sizes.json").read_text())

    def _lines(self, file: str) -> list[str]:
        with (self.folder / file).open(encoding="utf-8", newline="\n") as lines:
            return [line[:-1] for line, _ in zip(lines, range(self.count), strict=False)]


def read_languages(folder: Path | None) -> tuple[Pairs, Pairs]:
    """Return the 18 languages, normalised as Elman trains on them, and as they are written in their files."""
    # Imported here, because the memory of the processes that are timed is measured, and they read only saved names.
    from elman.data.reading import read_named
    from elman.text.normalisation import Normalisation
    from elman.training.tasks.strings import normalise_examples

    reading = read_named("languages", folder)
    normalised, _ = normalise_examples(reading, Normalisation())
    return [(e.text, e.label) for e in normalised], [(e.text, e.label) for e in reading.examples]


def read_nana(wheel: Path) -> Pairs:
    """Return NaNa's full names, each with the first of its labels; see `read_nana_pairs`."""
    first_labels: dict[str, str] = {}
    for name, label in read_nana_pairs(wheel):
        first_labels.setdefault(name, label)
    return list(first_labels.items())


def read_nana_pairs(wheel: Path) -> Pairs:
    """Return NaNa's full names with each of their labels.

    Raises:
        SystemExit: the file is not that wheel.
    """
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_DIGEST:
        raise SystemExit(f"{wheel}: is not the wheel of name2nat 0.5.1; pip download --no-deps name2nat==0.5.1")
    with zipfile.ZipFile(wheel) as archive, archive.open("name2nat/name2nats.pkl") as file:
        labels_of: dict[str, list[str]] = _PlainUnpickler(file).load()
    usable = (pair for pair in labels_of.items() if not set(pair[0]) & {"\n", "\r"})
    return [(name, label) for name, labels in usable for label in labels]


class _PlainUnpickler(pickle.Unpickler):
    """Reads plain values only: the file holds a dict of strings to lists of strings, and nothing in it may run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"a plain dict was expected; found {module}.{name}")


def make_up_names(count: int, *, seed: int = 0) -> Pairs:
    """Return distinct made-up names of two to six syllables."""
    draw, names, known = np.random.default_rng(seed), dict[str, None](), SYLLABLES.split()
    while len(names) < count:
        syllables = draw.integers(len(known), size=(count, 6))
        for row, length in zip(syllables.tolist(), draw.integers(2, 7, size=count).tolist(), strict=True):
            names["".join(known[k] for k in row[:length])] = None
    return [(name, "made up") for name in list(names)[:count]]


def save_names(folder: Path, pairs: Pairs, *, labels: int | None = None, seed: int = 0) -> Path:
    """Shuffle, encode and save names.

    Args:
        folder: is created.
        pairs: the names and their labels; no name is empty.
        labels: C if it is not the number of distinct labels.
        seed: of the shuffle.
    """
    folder.mkdir(parents=True)
    pairs = [pairs[k] for k in np.random.default_rng(seed).permutation(len(pairs)).tolist()]
    texts, label_names = [text for text, _ in pairs], [label for _, label in pairs]
    for file, lines in (("texts.txt", texts), ("labels.txt", label_names)):
        with (folder / file).open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(f"{line}\n" for line in lines)
    symbols, ids = np.unique(np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32), return_inverse=True)
    distinct, targets = np.unique(np.array(label_names), return_inverse=True)
    np.save(folder / "ids.npy", ids.astype(np.int64) + 1)  # 0 is the unknown symbol
    np.save(folder / "lengths.npy", np.array([len(text) for text in texts], np.int64))
    np.save(folder / "targets.npy", targets.astype(np.int64))
    sizes = {"symbols": len(symbols) + 1, "labels": labels or len(distinct)}
    (folder / "sizes.json").write_text(json.dumps(sizes))
    return folder


def count_distinct_beginnings(texts: Sequence[str]) -> int:
    """Count the distinct proper beginnings, of at least one symbol, that some name continues.

    Each is a state that must be multiplied with the recurrent weights at least once, however names share work; the
    state of the empty beginning is zero.

    >>> count_distinct_beginnings(["ada", "adam", "bo"])
    4
    """
    seen: set[str] = set()
    for text in texts:
        for end in range(len(text) - 1, 0, -1):
            if text[:end] in seen:  # and so are all the shorter ones
                break
            seen.add(text[:end])
    return len(seen)


def count_distinct_endings(texts: Sequence[str]) -> int:
    """Count the distinct proper endings, as `count_distinct_beginnings` counts beginnings.

    >>> count_distinct_endings(["ada", "da", "bo"])
    3
    """
    return count_distinct_beginnings([text[::-1] for text in texts])
