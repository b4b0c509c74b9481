"""What a hashed split keeps back, found in one pass over a source of any size.

The validation and the test part have at most `elman.data.splits.MOST_KEPT_BACK` strings each, and nothing else is kept.
The borders between the parts are known at the end only, but they never grow: a string outside them trains, whatever
follows. So the pass keeps the strings inside the borders of the moment, and counts the others.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from elman.checks import check_choice
from elman.data.examples import MAX_CHARACTERS, Reading, Tally, read_strings
from elman.data.splits import PARTS, Borders, fingerprint_counts, fold_all, hash_strings
from elman.data.streaming import normalise_columns
from elman.records import Example
from elman.tables.formats import TextOptions
from elman.tables.sql.queries import Query
from elman.text.normalisation import Normalisation

LEAST_KEPT = 2**16
"""So many examples are kept before those outside the borders are looked for."""


@dataclass(frozen=True)
class HeldBackReading(Reading):
    """A source whose strings are forgotten, except those that a hashed split keeps back; ``examples`` is empty.

    Args:
        validation: with normalised text; copies of one labelled string are one example with a count.
        test: likewise.
        trained: how many rows of each label train.
        fingerprint: of the split; see `elman.data.splits.Split`.
    """

    validation: tuple[Example, ...] = field(kw_only=True)
    test: tuple[Example, ...] = field(kw_only=True)
    trained: Mapping[str, int] = field(kw_only=True)
    fingerprint: str = field(kw_only=True)

    def part(self, name: str) -> tuple[Example, ...]:
        """Return the part of that name.

        Raises:
            SettingError: it was not kept back.
        """
        check_choice("part", name, PARTS[1:])
        return {"validation": self.validation, "test": self.test}[name]

    def list_labels(self) -> Sequence[Example]:
        """Return an example without a text for each label, with the number of its rows that train."""
        return [Example("", label, count) for label, count in self.trained.items()]


def hold_back(
    path: Path | str | Query,
    *,
    normalisation: Normalisation,
    seed: int,
    test_share: float,
    validation_share: float,
    text: str = "name",
    label: str = "label",
    max_characters: int = MAX_CHARACTERS,
    options: TextOptions | None = None,
    on_error: str = "skip",
) -> HeldBackReading:
    """Read a source once, and keep what its hashed split keeps back.

    Args:
        path: as in `elman.data.examples.read_examples`.
        normalisation: how strings are prepared.
        seed: as in `elman.data.splits.split_examples`.
        test_share: as there.
        validation_share: as there.
        text: as in `elman.data.examples.read_examples`.
        label: as there.
        max_characters: as there.
        options: as there.
        on_error: as there.

    Raises:
        DataError: the source cannot be read.
        SettingError: an option is for other sources than this.
    """
    tally, rows = Tally(), _Rows(Borders(test_share, validation_share), seed)
    columns = read_strings(
        path, tally, text=text, label=label, max_characters=max_characters, options=options, on_error=on_error
    )
    for _, labels, texts in normalise_columns(columns, normalisation, tally):
        rows.add(texts, labels)
    dropped = {reason: count for reason, count in tally.dropped.items() if count}
    parts = rows.divide()
    return HeldBackReading(
        (),
        tally.lines,
        dropped,
        dict(tally.repaired),
        tuple(tally.notes),
        validation=tuple(parts["validation"]),
        test=tuple(parts["test"]),
        trained=dict(rows.trained),
        fingerprint=fingerprint_counts(parts, rows.fingerprint),
    )


class _Rows:
    """The rows of a source that may be kept back, and what is counted of the others.

    Args:
        borders: of the parts.
        seed: of the hash.
    """

    def __init__(self, borders: Borders, seed: int) -> None:
        self.borders, self.seed = borders, seed
        self.trained: Counter[str] = Counter()
        self.fingerprint = ""
        self._kept: dict[tuple[str, str], int] = {}  # copies of each text and label
        self._most = LEAST_KEPT

    def add(self, texts: Sequence[str], labels: Sequence[str]) -> None:
        """Keep the rows inside the borders, and count the others."""
        train: list[Example] = []
        for text, label, part in self._choose(texts, labels):
            if part == "train":
                train.append(Example(text, label))
            else:
                self._kept[text, label] = self._kept.get((text, label), 0) + 1
        self._count(train)
        if len(self._kept) > self._most:
            self.divide()
            self._most = max(LEAST_KEPT, 2 * len(self._kept))

    def divide(self) -> dict[str, list[Example]]:
        """Return the examples that are kept back, by part; those outside the borders are counted and forgotten."""
        parts: dict[str, list[Example]] = {part: [] for part in PARTS}
        texts, labels = ([key[column] for key in self._kept] for column in (0, 1))
        for text, label, part in list(self._choose(texts, labels, are_new=False)):
            parts[part].append(Example(text, label, self._kept[text, label]))
        for example in parts["train"]:
            del self._kept[example.text, example.label]
        self._count(parts.pop("train"))
        return parts

    def _choose(
        self, texts: Sequence[str], labels: Sequence[str], *, are_new: bool = True
    ) -> Iterator[tuple[str, str, str]]:
        """Return the text, the label and the part of each row, as far as the borders are known."""
        folds = fold_all(texts)
        hashes = hash_strings(map(folds.__getitem__, texts), self.seed)
        if are_new:
            self.borders.add(hashes)
        parts = (PARTS[part] for part in self.borders.choose_parts(hashes).tolist())
        return zip(texts, labels, parts, strict=True)

    def _count(self, examples: Sequence[Example]) -> None:
        """Count examples that train."""
        self.fingerprint = fingerprint_counts({"train": examples}, self.fingerprint)
        for example in examples:
            self.trained[example.label] += example.count
