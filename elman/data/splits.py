"""Splits: which examples train, which choose, and which are kept for one last look.

``grouped`` (the default) is honest about memory: copies of one labelled string become one example with a count, and no
normalised string stands in two parts, not even with and without its accents. ``stratified`` is the tutorials': every
line is an example, so the same string may be learned and then asked. It is offered for comparison with published
figures. ``none`` keeps nothing back: every part holds every example, and the scores say what was learned by heart.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from elman.errors import DataError, SettingError
from elman.records import Example
from elman.text.normalisation import fold_accents

PARTS = ("train", "validation", "test")
SPLITS = ("grouped", "stratified")
NOTHING_KEPT = "none"
BY_HEART = "nothing was kept back: the scores say how well the examples were learned by heart"


@dataclass(frozen=True)
class Split:
    """Examples in three parts.

    Args:
        train: to learn from.
        validation: to choose the epoch and the temperature with.
        test: touched once, at the end.
        kind: ``grouped``, ``stratified`` or ``none``.
        seed: what it was drawn with.
        notes: what a user should know, such as labels with too few examples.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    kind: str
    seed: int
    notes: tuple[str, ...] = ()

    def part(self, name: str) -> tuple[Example, ...]:
        """Return the part of that name; ``all`` is the three of them.

        Raises:
            SettingError: there is none.
        """
        if name == "all":
            return self.train + self.validation + self.test
        if name not in PARTS:
            raise SettingError(f"part must be one of {', '.join(PARTS)} or all; got {name!r}")
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the examples of each part, whatever their order: equal splits have equal fingerprints."""
        digest = hashlib.sha256()
        for name in PARTS:
            for line in sorted(f"{name}\t{e.text}\t{e.label}\t{e.count}\n" for e in self.part(name)):
                digest.update(line.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def split_examples(
    examples: Sequence[Example],
    kind: str = "grouped",
    *,
    seed: int = 0,
    test_share: float = 0.1,
    validation_share: float = 0.05,
    by_label: bool = True,
) -> Split:
    """Split normalised examples into three parts.

    Args:
        examples: with their text normalised, so that spellings of one string meet.
        kind: ``grouped``, ``stratified`` or ``none``.
        seed: of the shuffle.
        test_share: share of the strings (grouped) or lines (stratified) that is kept for the test, between 0 and 1.
        validation_share: share of all that chooses the epoch and the temperature.
        by_label: give each part its share of every label; False where labels are tags or numbers.

    Raises:
        SettingError: the kind is unknown or a share does not leave three parts.
        DataError: there are too few examples to split.
    """
    if kind not in (*SPLITS, NOTHING_KEPT):
        raise SettingError(f"split must be one of {', '.join(SPLITS)}, {NOTHING_KEPT}; got {kind!r}")
    if min(test_share, validation_share) <= 0 or test_share + validation_share >= 1:
        raise SettingError(
            f"the test and validation shares must be above 0 and together below 1; got {test_share}, {validation_share}"
        )
    if kind == NOTHING_KEPT:
        return Split(tuple(examples), tuple(examples), tuple(examples), kind, seed, (BY_HEART,))
    groups = _by_string(examples) if kind == "grouped" else [(e.label, [e]) for e in examples]
    if not by_label:
        return _split_whatever_the_label(groups, kind, seed, test_share, validation_share)
    counts = Counter(label for label, _ in groups)
    common = [position for position, (label, _) in enumerate(groups) if counts[label] >= len(PARTS)]
    labels = [groups[position][0] for position in common]
    if len(set(labels)) < 2:
        raise DataError(
            f"a split needs at least two labels with {len(PARTS)} or more examples; found {len(set(labels))}"
        )
    try:
        rest, test = train_test_split(common, test_size=test_share, random_state=seed, stratify=labels)
        share = round(validation_share * len(common)) / len(rest)
        rest, validation = _hold_out(rest, groups, share, seed)
    except ValueError:
        smallest = min(round(test_share * len(common)), round(validation_share * len(common)))
        raise DataError(
            f"too few examples to split: the smallest part would hold {smallest} of {len(common)}, fewer than the "
            f"{len(set(labels))} labels; give more examples, or larger --test-share and --validation-share"
        ) from None
    train = rest + [position for position, (label, _) in enumerate(groups) if counts[label] < len(PARTS)]

    def gathered(positions: Iterable[int]) -> tuple[Example, ...]:
        return tuple(example for position in sorted(positions) for example in groups[position][1])

    parts = gathered(train), gathered(validation), gathered(test)
    return Split(*parts, kind, seed, _notes(*parts))


def _split_whatever_the_label(
    groups: Sequence[tuple[str, list[Example]]], kind: str, seed: int, test_share: float, validation_share: float
) -> Split:
    order = np.random.default_rng(seed).permutation(len(groups))
    test, validation = round(test_share * len(groups)), round(validation_share * len(groups))
    if min(test, validation) < 1 or test + validation >= len(groups):
        raise DataError(
            f"too few examples to split: {len(groups)} different ones; give more, larger --test-share and "
            "--validation-share, or learn them by heart with --split none"
        )

    def gathered(cut: Iterable[int]) -> tuple[Example, ...]:
        return tuple(example for position in sorted(cut) for example in groups[position][1])

    return Split(
        train=gathered(order[test + validation :]),
        validation=gathered(order[test : test + validation]),
        test=gathered(order[:test]),
        kind=kind,
        seed=seed,
    )


def _notes(train: Sequence[Example], validation: Sequence[Example], test: Sequence[Example]) -> tuple[str, ...]:
    """Name the labels that some part lacks: they have too few examples to split."""
    found = [{example.label for example in part} for part in (train, validation, test)]
    lacking = {
        label: [name for name, labels in zip(PARTS, found, strict=True) if label not in labels]
        for label in sorted(set().union(*found))
    }
    return tuple(
        f"{label}: too few examples to split; none of them is in the {' or '.join(parts)} part"
        for label, parts in lacking.items()
        if parts
    )


def _hold_out(
    positions: list[int], groups: list[tuple[str, list[Example]]], share: float, seed: int
) -> tuple[list[int], list[int]]:
    """Take a stratified share away, sparing labels that have a single group left."""
    counts = Counter(groups[position][0] for position in positions)
    single = [position for position in positions if counts[groups[position][0]] < 2]
    several = [position for position in positions if counts[groups[position][0]] >= 2]
    kept, held = train_test_split(
        several, test_size=share, random_state=seed, stratify=[groups[position][0] for position in several]
    )
    return kept + single, held


def _by_string(examples: Sequence[Example]) -> list[tuple[str, list[Example]]]:
    """Gather spellings of one string: their most frequent label, and one counted example for each text and label."""
    groups: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for example in examples:
        groups[fold_accents(example.text)][example.text, example.label] += example.count
    return [
        (counter.most_common(1)[0][0][1], [Example(text, label, count) for (text, label), count in counter.items()])
        for counter in groups.values()
    ]


def ceiling(examples: Sequence[Example]) -> float:
    """Return the best accuracy that any classifier of the text alone can have, between 0 and 1.

    A string that stands under several labels can be right for only one of them.

    >>> ceiling([Example("lee", "English"), Example("lee", "Chinese"), Example("ito", "Japanese")]) == 2 / 3
    True
    """
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        seen[example.text][example.label] += 1
    return float(np.sum([max(counter.values()) for counter in seen.values()]) / len(examples))
