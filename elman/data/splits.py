"""Splits: which examples train, which validate, and which are kept for the test.

Kinds of split, of examples that are strings:

- ``grouped``, the default: no normalised string is in two parts, not even with and without its accents. Copies of one
  labelled string become one example with a count.
- ``stratified``: every line is an example, as in the tutorials, so one string can be in two parts. Use it to compare
  scores with published ones.
- ``hashed``: as ``grouped``, but a hash of the string decides its part. This needs no memory, so data that are streamed
  are split so. Labels have their shares only on average, and the validation and the test part hold at most
  `MOST_KEPT_BACK` strings each; the others train.
- ``none``: every part holds every example, and the scores say what was memorised.

Of other examples: ``given``, the test part that the source comes with; ``random``, rows at random.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from elman.checks import check_choice, count_of
from elman.errors import DataError, SettingError
from elman.records import Example
from elman.text.normalisation import fold_accents

PARTS = ("train", "validation", "test")
GROUPED, STRATIFIED, HASHED, NOTHING_KEPT = "grouped", "stratified", "hashed", "none"
GIVEN, RANDOM = "given", "random"
STRING_SPLITS = (GROUPED, STRATIFIED, HASHED, NOTHING_KEPT)
"""The kinds of split of examples that are strings."""

MOST_KEPT_BACK = 100_000
"""The most different strings of the validation part, and of the test part, of a hashed split."""

BY_HEART = "nothing was kept back: the scores say how well the examples were learned by heart"

MOST_NAMED = 3
"""The labels with too few examples that a note names."""


@dataclass(frozen=True)
class Split:
    """Examples in three parts.

    Args:
        train: to learn from.
        validation: to choose the epoch and the temperature with.
        test: used once, at the end.
        kind: one of `STRING_SPLITS`.
        seed: what it was drawn with.
        notes: what a user should know, in a few lines.
        incomplete: the parts that have no example of a label, by label; those labels have too few.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    kind: str
    seed: int
    notes: tuple[str, ...] = ()
    incomplete: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def part(self, name: str) -> tuple[Example, ...]:
        """Return the part of that name; ``all`` is the three of them.

        Raises:
            SettingError: there is no such part.
        """
        if name == "all":
            return self.train + self.validation + self.test
        if name not in PARTS:
            raise SettingError(f"part must be one of {', '.join(PARTS)} or all; got {name!r}")
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]

    @property
    def sizes(self) -> dict[str, int]:
        """How many examples each part holds."""
        return {name: len(self.part(name)) for name in PARTS}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the examples of each part, whatever their order: equal splits have equal fingerprints."""
        if self.kind == HASHED:
            return fingerprint_counts({name: self.part(name) for name in PARTS})
        digest = hashlib.sha256()
        for name in PARTS:
            for line in sorted(f"{name}\t{e.text}\t{e.label}\t{e.count}\n" for e in self.part(name)):
                digest.update(line.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def split_examples(
    examples: Sequence[Example],
    kind: str = GROUPED,
    *,
    seed: int = 0,
    test_share: float = 0.1,
    validation_share: float = 0.05,
    by_label: bool = True,
    folds: Mapping[str, str] | None = None,
) -> Split:
    """Split normalised examples into three parts.

    Args:
        examples: with normalised text, so that spellings of one string are equal.
        kind: ``grouped``, ``stratified``, ``hashed`` or ``none``.
        seed: of the shuffle or the hash.
        test_share: share of the strings (grouped) or lines (stratified) that is kept for the test, between 0 and 1.
        validation_share: share of all that chooses the epoch and the temperature.
        by_label: give each part its share of every label; False if labels are tags or numbers.
        folds: the texts without accents, if known; see `fold_texts`.

    Raises:
        SettingError: the kind is unknown, or the shares do not leave three parts.
        DataError: there are too few examples to split.
    """
    check_choice("split", kind, STRING_SPLITS)
    if min(test_share, validation_share) <= 0 or test_share + validation_share >= 1:
        raise SettingError(
            f"the test and validation shares must be above 0 and together below 1; got {test_share}, {validation_share}"
        )
    if kind == NOTHING_KEPT:
        return Split(tuple(examples), tuple(examples), tuple(examples), kind, seed, (BY_HEART,))
    if kind == HASHED:
        parts = _split_by_hash(examples, seed, test_share, validation_share, folds)
    else:
        groups = Groups.of_strings(examples, folds) if kind == GROUPED else Groups.of_lines(examples)
        split_groups = _split_by_label if by_label else _split_without_labels
        parts = [groups.gather(positions) for positions in split_groups(groups, seed, test_share, validation_share)]
    train, validation, test = parts
    incomplete = find_incomplete_labels(parts) if by_label else {}
    notes = (note_incomplete_labels(incomplete),) if incomplete else ()
    return Split(train, validation, test, kind, seed, notes, incomplete)


def fold_texts(examples: Iterable[Example]) -> dict[str, str]:
    """Return the text of each example without its accents, as `fold_all` does.

    >>> fold_texts([Example("müller", "German"), Example("ito", "Japanese"), Example("müller", "Dutch")])
    {'müller': 'muller', 'ito': 'ito'}
    """
    return fold_all(example.text for example in examples)


def fold_all(texts: Iterable[str]) -> dict[str, str]:
    """Return each text without its accents; a text that occurs often is folded once."""
    distinct = dict.fromkeys(texts)
    return {text: text if text.isascii() else fold_accents(text) for text in distinct}


def ceiling(examples: Sequence[Example]) -> float:
    """Return the best accuracy that any classifier of the text alone can have, between 0 and 1.

    The answer to a string that has several labels can be right for only one of them.

    >>> ceiling([Example("lee", "English"), Example("lee", "Chinese"), Example("ito", "Japanese")]) == 2 / 3
    True
    """
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        seen[example.text][example.label] += 1
    return float(np.sum([max(counter.values()) for counter in seen.values()]) / len(examples))


class Borders:
    """Which strings of a hashed split are kept back: the lowest hashes for the test, the highest for validation.

    Args:
        test_share: as in `split_examples`.
        validation_share: as there.
        most: the most different strings of each of the two parts; `MOST_KEPT_BACK` if None.
    """

    def __init__(self, test_share: float, validation_share: float, most: int | None = None) -> None:
        self.most = MOST_KEPT_BACK if most is None else most
        self._test, self._validation = _Lowest(test_share, self.most), _Lowest(validation_share, self.most)

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """Count the strings with these hashes, (N,), as `hash_strings` returns them; copies count as one."""
        self._test.add(hashes)
        self._validation.add(~hashes)

    def choose_parts(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the position in `PARTS` of the part of each string, (N,), once all of them are counted."""
        parts = np.zeros(len(hashes), np.int64)
        parts[~hashes < self._validation.find_border()] = PARTS.index("validation")
        parts[hashes < self._test.find_border()] = PARTS.index("test")
        return parts


class _Lowest:
    """The lowest of many hashes, in bounded memory: a share of all possible ones, and at most so many different."""

    def __init__(self, share: float, most: int) -> None:
        self._border, self._most = np.uint64(int(share * 2**64)), most
        self._found, self._waiting = np.empty(0, np.uint64), np.empty(0, np.uint64)

    def add(self, hashes: NDArray[np.uint64]) -> None:
        self._waiting = np.concatenate([self._waiting, hashes[hashes < self._border]])
        if len(self._waiting) > self._most:
            self.find_border()

    def find_border(self) -> np.uint64:
        """Return the lowest hash that is not among them."""
        if len(self._waiting):
            found = np.unique(np.concatenate([self._found, self._waiting]))
            self._found, self._waiting = found[: self._most], self._waiting[:0]
            if len(found) > self._most:
                self._border = found[self._most]
        return self._border


def hash_strings(texts: Iterable[str], seed: int) -> NDArray[np.uint64]:
    """Return a number for each text that depends on nothing but the text and the seed, (N,), uint64.

    Args:
        texts: without accents, so that all spellings of a string have one hash.
        seed: from 0, below 2¹²⁸.

    >>> (hash_strings(["ito", "lee", "ito"], seed=0) % 1000).tolist()
    [732, 252, 732]
    """
    start = hashlib.blake2b(digest_size=8, salt=seed.to_bytes(16, "little"))
    digests = []
    for text in texts:
        digest = start.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        digests.append(digest.digest())
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def fingerprint_counts(parts: Mapping[str, Iterable[Example]], before: str = "") -> str:
    """Return a digest of the examples of each part, whatever their order and however they are counted.

    It is the sum of the SHA-256 of all examples modulo 2²⁵⁶. Examples that follow can therefore be added later.

    Args:
        parts: the examples of each part, by its name.
        before: the digest of other examples, to add these to.

    >>> ito, lee = Example("ito", "Japanese", 2), Example("lee", "English")
    >>> first = fingerprint_counts({"train": [ito]})
    >>> fingerprint_counts({"train": [lee, ito]}) == fingerprint_counts({"train": [lee]}, first)
    True
    """
    total = int(before or "0", 16)
    for name, examples in parts.items():
        for one in examples:
            line = f"{name}\t{one.text}\t{one.label}\n".encode("utf-8", "surrogatepass")
            total += one.count * int.from_bytes(hashlib.sha256(line).digest(), "big")
    return f"{total % 2**256:064x}"


def _split_by_hash(
    examples: Sequence[Example], seed: int, test_share: float, validation_share: float, folds: Mapping[str, str] | None
) -> list[tuple[Example, ...]]:
    """Return the examples of each part; copies of one labelled string become one example with a count."""
    folds = fold_texts(examples) if folds is None else folds
    counted = count_copies(examples)
    hashes = hash_strings((folds[example.text] for example in counted), seed)
    borders = Borders(test_share, validation_share)
    borders.add(hashes)
    chosen = borders.choose_parts(hashes)
    parts = [tuple(compress(counted, (chosen == part).tolist())) for part in range(len(PARTS))]
    check_hashed([len(part) for part in parts])
    return parts


def check_hashed(sizes: Sequence[int]) -> None:
    """Check that no part of a hashed split is empty.

    Raises:
        DataError: one is.
    """
    if min(sizes) < 1:
        found = ", ".join(f"{size} {part}" for size, part in zip(sizes, PARTS, strict=True))
        raise DataError(
            f"too few examples to split by hash ({found}); give more, or larger --test-share and --validation-share"
        )


@dataclass(frozen=True)
class Groups:
    """Examples that must be in one part, group by group.

    Args:
        examples: N of them, those of a group together, the groups in the order of their first examples.
        members: the group of each example, (N,), rising.
        labels: of each group, (G,), as positions in the labels in alphabetical order.
    """

    examples: Sequence[Example]
    members: NDArray[np.int64]
    labels: NDArray[np.int64]

    @classmethod
    def of_lines(cls, examples: Sequence[Example]) -> "Groups":
        """Return groups of one example each."""
        return cls(examples, np.arange(len(examples)), _number_labels(examples))

    @classmethod
    def of_strings(cls, examples: Sequence[Example], folds: Mapping[str, str] | None) -> "Groups":
        """Group spellings of one string: their most frequent label, and one counted example for each text and label."""
        folds = fold_texts(examples) if folds is None else folds
        counted = count_copies(examples)
        numbers: dict[str, int] = {}
        found = (numbers.setdefault(folds[example.text], len(numbers)) for example in counted)
        members = np.fromiter(found, np.int64, len(counted))
        order = np.argsort(members, kind="stable")
        examples, members = [counted[place] for place in order.tolist()], members[order]
        counts = np.fromiter((example.count for example in examples), np.int64, len(examples))
        best = np.lexsort((-counts, members))  # stable: of equally frequent labels the first
        return cls(examples, members, _number_labels(examples)[best[np.searchsorted(members, np.arange(len(numbers)))]])

    def __len__(self) -> int:
        """Return the number of groups, G."""
        return len(self.labels)

    def gather(self, groups: NDArray[np.int64]) -> tuple[Example, ...]:
        """Return the examples of some groups, in the order of all examples."""
        chosen = np.zeros(len(self), np.bool_)
        chosen[groups] = True
        return tuple(compress(self.examples, chosen[self.members].tolist()))


def count_copies(examples: Iterable[Example]) -> list[Example]:
    """Return one example for each text and label, with the number of its copies, in the order of the first ones.

    >>> count_copies([Example("ito", "Japanese"), Example("lee", "English"), Example("ito", "Japanese", 2)])
    [Example(text='ito', label='Japanese', count=3), Example(text='lee', label='English', count=1)]
    """
    counted: dict[tuple[str, str], Example] = {}
    for example in examples:
        key = example.text, example.label
        known = counted.get(key)
        counted[key] = example if known is None else Example(*key, known.count + example.count)
    return list(counted.values())


def _number_labels(examples: Sequence[Example]) -> NDArray[np.int64]:
    """Return the position of each example's label in the labels in alphabetical order, (N,)."""
    ids = {label: place for place, label in enumerate(sorted({example.label for example in examples}))}
    return np.fromiter((ids[example.label] for example in examples), np.int64, len(examples))


Positions = NDArray[np.int64]
"""Of some groups."""


def _split_by_label(
    groups: Groups, seed: int, test_share: float, validation_share: float
) -> tuple[Positions, Positions, Positions]:
    """Return the positions of the groups of each part, with each label's share; rare labels train only."""
    is_common = np.bincount(groups.labels)[groups.labels] >= len(PARTS)
    common, labels = np.flatnonzero(is_common), len(np.unique(groups.labels[is_common]))
    if labels < 2:
        raise DataError(f"a split needs at least two labels with {len(PARTS)} or more examples; found {labels}")
    try:
        rest, validation, test = _divide(groups.labels, common, seed, test_share, validation_share)
    except ValueError:
        smallest = min(round(test_share * len(common)), round(validation_share * len(common)))
        raise DataError(
            f"too few examples to split: the smallest part would hold {smallest} of {len(common)}, fewer than the "
            f"{count_of(labels, 'label')}; {_advise_shares(groups.labels, common, seed, test_share, validation_share)}"
        ) from None
    return np.concatenate([rest, np.flatnonzero(~is_common)]), validation, test


def _divide(
    labels: NDArray[np.int64], common: Positions, seed: int, test_share: float, validation_share: float
) -> tuple[Positions, Positions, Positions]:
    """Return the positions of each part, of the groups of labels with enough examples.

    Raises:
        ValueError: a part would be smaller than the number of labels.
    """
    rest, test = _draw(labels, common, test_share, seed)
    share = round(validation_share * len(common)) / len(rest)
    is_single = np.bincount(labels[rest])[labels[rest]] < 2  # the last group of a label trains
    kept, validation = _draw(labels, rest[~is_single], share, seed)
    return np.concatenate([kept, rest[is_single]]), validation, test


def _draw(labels: NDArray[np.int64], positions: Positions, share: float, seed: int) -> tuple[Positions, Positions]:
    """Return some groups without a share of each label, and that share.

    Raises:
        ValueError: a part would be smaller than the number of labels.
    """
    from sklearn.model_selection import train_test_split  # heavy, and other splits do without

    kept, drawn = train_test_split(positions, test_size=share, random_state=seed, stratify=labels[positions])
    return kept, drawn


def _advise_shares(
    labels: NDArray[np.int64], common: Positions, seed: int, test_share: float, validation_share: float
) -> str:
    """Return which shares are large enough for a split, found by splitting."""
    least = 100 * len(np.unique(labels[common])) // len(common)
    shares = [per_cent / 100 for per_cent in range(max(1, least), 50)]
    larger = [(max(test_share, share), max(validation_share, share)) for share in shares]
    for test, validation in (*larger, *zip(shares, shares, strict=True)):
        if test + validation >= 1 or (test, validation) == (test_share, validation_share):
            continue
        try:
            _divide(labels, common, seed, test, validation)
        except ValueError:
            continue
        return f"give more examples, or --test-share {test:g} --validation-share {validation:g}"
    return "give more examples"


def _split_without_labels(
    groups: Groups, seed: int, test_share: float, validation_share: float
) -> tuple[Positions, Positions, Positions]:
    """Return the positions of the groups of each part, whatever their labels are."""
    order = np.random.default_rng(seed).permutation(len(groups))
    test, validation = round(test_share * len(groups)), round(validation_share * len(groups))
    if min(test, validation) < 1 or test + validation >= len(groups):
        least = math.ceil(100 / max(1, len(groups))) / 100  # a part of one group
        larger = f"--test-share {max(test_share, least):g} --validation-share {max(validation_share, least):g}"
        raise DataError(
            f"too few examples to split: {count_of(len(groups), 'different string')}; give more, "
            f"{f'{larger}, ' if len(groups) >= len(PARTS) and max(test_share, least) + least < 1 else ''}"
            "or learn them by heart with --split none"
        )
    return order[test + validation :], order[test : test + validation], order[:test]


def find_incomplete_labels(parts: Sequence[Sequence[Example]]) -> dict[str, tuple[str, ...]]:
    """Return the parts that have no example of a label, by label, in the order of the labels."""
    found = [{example.label for example in part} for part in parts]
    missing = {
        label: tuple(name for name, labels in zip(PARTS, found, strict=True) if label not in labels)
        for label in sorted(set().union(*found))
    }
    return {label: names for label, names in missing.items() if names}


def note_incomplete_labels(incomplete: Mapping[str, tuple[str, ...]]) -> str:
    """Return in one line which labels are not in every part."""
    if len(incomplete) == 1:
        label, names = next(iter(incomplete.items()))
        return f"{label}: too few examples to split; none of them is in the {' or '.join(names)} part"
    shown = ", ".join(list(incomplete)[:MOST_NAMED])
    more = (
        f" and {count_of(len(incomplete) - MOST_NAMED, 'other')}, which the report lists"
        if len(incomplete) > MOST_NAMED
        else ""
    )
    return f"{count_of(len(incomplete), 'label')} have too few examples to be in every part: {shown}{more}"
