"""Pairs of strings of any lengths: what is read, and what can be written for it.

Three forms are read. Their lines are counted as those of other examples are: each becomes a pair, or is dropped with
its reason.

- Lines of text without a header, ``source<TAB>target``, and ``source<TAB>target<TAB>target`` if several targets are
  right. So are files with the ending ``.tsv``, unless their columns are named.
- A table (CSV, TSV, JSON Lines, Parquet or the rows of a query) with a column of sources and one of targets; in JSON
  Lines and Parquet a value may be a list of right targets.
- Either with a column that says how often a pair occurs, and one with the label of each pair, such as the script of its
  target.

A source that has several lines is one pair with several right targets; if it has several labels, one for each of them.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from elman.checks import check_choice, count_of, shown
from elman.data.columns import list_tables, read_columns, read_lines
from elman.data.examples import BLANK, MALFORMED, MAX_CHARACTERS, ON_ERROR, TOO_LONG, USUAL, clean_label
from elman.data.splits import GIVEN, GROUPED, PARTS, split_examples
from elman.errors import DataError, SettingError
from elman.records import Example, Pair
from elman.tables.formats import TextOptions, check_options, format_of
from elman.tables.sql.queries import Query
from elman.text.normalisation import Normalisation, clean_all
from elman.text.vocabulary import has_controls

CHARACTERS, BLANKS = "characters", "blanks"
"""The symbols of a target: its characters, or tokens with blanks between them."""

SOURCE, TARGET = "source", "target"
"""The columns of a table, if no others are named."""

NO_TARGET, IN_ANOTHER_PART = "no target", "source in the validation or test part"
LINES = "lines of source<TAB>target"


@dataclass(frozen=True)
class PairReading:
    """The pairs of a source of data; no source is in two of them, unless they have different labels.

    Args:
        examples: all pairs; the training part, if the data come with others.
        lines: how many lines or rows were read.
        dropped: how many of them did not become a part of a pair, by reason.
        repaired: empty.
        notes: what a user should know of how the data are read, one sentence each.
        target_symbols: ``characters`` or ``blanks``, what the symbols of a target are.
        validation: the validation part that the data come with; empty if they have none.
        test: the test part that the data come with; empty if they have none.
        held_out: how many of the examples validate if the data come with a test part alone; a share of them if None.
    """

    reads: ClassVar[str] = "strings"

    examples: tuple[Pair, ...]
    lines: int
    dropped: dict[str, int]
    repaired: dict[str, int]
    notes: tuple[str, ...] = ()
    target_symbols: str = CHARACTERS
    validation: tuple[Pair, ...] = ()
    test: tuple[Pair, ...] = ()
    held_out: int | None = None

    @property
    def is_given(self) -> bool:
        """Whether the data come with a test part."""
        return bool(self.test)

    @property
    def all(self) -> tuple[Pair, ...]:
        """The pairs of all parts."""
        return self.examples + self.validation + self.test


@dataclass(frozen=True)
class PairSplit:
    """Pairs in three parts.

    Args:
        train: to learn from.
        validation: to choose the epoch with.
        test: used once, at the end.
        kind: one of `elman.data.splits.STRING_SPLITS`, or ``given``.
        seed: what it was drawn with.
        notes: what a user should know, in a few lines.
    """

    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    test: tuple[Pair, ...]
    kind: str
    seed: int
    notes: tuple[str, ...] = ()

    def part(self, name: str) -> tuple[Pair, ...]:
        """Return the part of that name; ``all`` is the three of them.

        Raises:
            SettingError: there is no such part.
        """
        check_choice("part", name, (*PARTS, "all"))
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return self.train + self.validation + self.test if name == "all" else parts[name]

    @property
    def sizes(self) -> dict[str, int]:
        """How many pairs each part holds."""
        return {name: len(self.part(name)) for name in PARTS}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the pairs of each part, whatever their order: equal splits have equal fingerprints."""
        digest = hashlib.sha256()
        for name in PARTS:
            for line in sorted(f"{name}\t{_describe(pair)}\n" for pair in self.part(name)):
                digest.update(line.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def read_transcriptions(
    path: Path | str | Query,
    *,
    source: str | None = None,
    target: str | None = None,
    count: str | None = None,
    label: str = "label",
    target_symbols: str = CHARACTERS,
    join: bool = False,
    max_characters: int = MAX_CHARACTERS,
    options: TextOptions | None = None,
    on_error: str = "skip",
) -> PairReading:
    """Read pairs from one of the forms that this module names.

    Args:
        path: a file, a folder or glob of tables, or a query.
        source: the column of the sources: its name, or its number from 1. ``source`` if None, the first of lines.
        target: the column of the targets, in the same way; if None, all columns of lines but the first.
        count: the column that says how often a pair occurs; once if None.
        label: the column of the labels. If it is ``label`` and there is no such column, the pairs have no labels.
        target_symbols: ``characters`` or ``blanks``.
        join: remove the blanks inside targets, which are between all letters in some published files.
        max_characters: pairs with a longer source, or with more symbols in a target, are dropped and counted.
        options: how text files are read, where their names and contents are not enough.
        on_error: ``skip`` drops and counts rows that cannot be read, ``stop`` stops at the first.

    Raises:
        DataError: the path is missing or of another kind, a column is unknown, bytes are not text, there is no pair, or
            a row cannot be read and ``on_error`` is ``stop``.
        SettingError: a setting has no such value, or an option is for other files than these.
    """
    check_choice("on_error", on_error, ON_ERROR)
    check_choice("target_symbols", target_symbols, (CHARACTERS, BLANKS))
    options, skip = options or TextOptions(), on_error == "skip"
    named = {"--source": source, "--target": target, "--count": count}
    collect = partial(
        _collect, path, options=options, skip=skip, symbols=target_symbols, join=join, most=max_characters
    )
    if label != USUAL["label"]:
        return collect({**named, "--label": label})
    if _has_names(path, named, options):
        try:
            return collect({**named, "--label": label})
        except DataError as error:
            if error.code != "unknown_column":
                raise
    return collect({**named, "--label": None})


def _has_names(path: Path | str | Query, columns: Mapping[str, str | None], options: TextOptions) -> bool:
    """Return whether the columns of the data have names, among which one can be called ``label``."""
    if isinstance(path, Query):
        return True
    return not _is_lines(Path(path), columns, options) and not any(map(_is_number, columns.values()))


def _collect(
    path: Path | str | Query,
    columns: Mapping[str, str | None],
    *,
    options: TextOptions,
    skip: bool,
    symbols: str,
    join: bool,
    most: int,
) -> PairReading:
    """Read pairs as `read_transcriptions` does; ``columns`` has that of each option, None for the usual one."""
    notes = list[str]()
    title = path.place if isinstance(path, Query) else str(path)
    if isinstance(path, Query):
        check_options(options, (), "a query")
        rows = _read_table(path, columns, options, notes, skip=skip)
    elif _is_lines(Path(path), columns, options):
        check_options(options, ("lines",), LINES)
        rows = _read_lines(Path(path), columns, options, notes, skip=skip)
    elif tables := list_tables(Path(path)):
        check_options(options, {format_of(table).kind for table in tables}, title)
        rows = _read_table(tables, columns, options, notes, skip=skip)
    elif Path(path).exists():
        raise DataError(f"{path}: expected a file of {LINES}, or tables with the columns source and target; found none")
    else:
        raise DataError(f"{path}: no such file or folder; give a file of {LINES}, or a table")
    collected = _Collected(title, symbols=symbols, join=join, most=most, skip=skip)
    for row in rows:
        collected.add(row)
    if not collected.targets:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in collected.dropped.items()) or "none"
        message = f"{title}: no usable pair in {count_of(collected.lines, 'line')}; dropped: {reasons}"
        raise DataError(message, code="empty_table")
    dropped = dict(collected.dropped)
    return PairReading(collected.pairs(), collected.lines, dropped, {}, tuple(notes), symbols)


def join_parts(train: PairReading, validation: PairReading | None, test: PairReading, **facts: Any) -> PairReading:
    """Return the parts that data come with as one reading.

    Args:
        train: the training part.
        validation: the validation part, if there is one.
        test: the test part.
        facts: other fields of the reading, by name.
    """
    parts = [part for part in (train, validation, test) if part is not None]
    dropped = sum((Counter(part.dropped) for part in parts), Counter[str]())
    return replace(
        train,
        lines=sum(part.lines for part in parts),
        dropped=dict(dropped),
        notes=tuple(note for part in parts for note in part.notes),
        validation=validation.examples if validation else (),
        test=test.examples,
        **facts,
    )


def normalise_reading(reading: PairReading, normalisation: Normalisation) -> PairReading:
    """Return the pairs with normalised sources; targets stay as they are.

    Sources that are equal then are one pair for each label. One that is in the validation or test part, too, is no
    longer in an earlier part.

    Raises:
        DataError: no pair is left.
    """
    return _rebuild(reading, lambda pairs: zip(normalisation.apply_all([p.source for p in pairs]), pairs, strict=True))


def drop_labels(reading: PairReading) -> PairReading:
    """Return the pairs without labels; those of one source are one pair.

    >>> labelled = PairReading((Pair("an", ("a",), (1,), "Greek"), Pair("an", ("b", "a"), (1, 2), "Polish")), 3, {}, {})
    >>> drop_labels(labelled).examples
    (Pair(source='an', targets=('a', 'b'), counts=(3, 1), label=''),)
    """
    return _rebuild(reading, lambda pairs: ((pair.source, replace(pair, label="")) for pair in pairs))


def swap_reading(reading: PairReading) -> PairReading:
    """Return pairs that read what was written, and write what was read.

    A source with several right targets becomes several pairs, and sources with one target become one. A string that is
    in the validation or test part, too, is no longer in an earlier part.

    Raises:
        SettingError: the symbols of the targets are tokens; only strings of characters can be read.

    >>> swapped = swap_reading(PairReading((Pair("ann", ("an",), (2,)), Pair("an", ("an",), (1,))), 2, {}, {}))
    >>> swapped.examples
    (Pair(source='an', targets=('ann', 'an'), counts=(2, 1), label=''),)
    """
    if reading.target_symbols != CHARACTERS:
        raise SettingError(
            "pairs whose targets are tokens between blanks cannot be swapped: what is read are characters; leave swap "
            "out"
        )
    return _rebuild(
        reading,
        lambda pairs: (
            (target, Pair(target, (pair.source,), (count,), pair.label))
            for pair in pairs
            for target, count in zip(pair.targets, pair.counts, strict=True)
        ),
    )


def split_pairs(
    reading: PairReading,
    kind: str | None = None,
    *,
    seed: int = 0,
    test_share: float = 0.1,
    validation_share: float = 0.05,
) -> PairSplit:
    """Return normalised pairs in three parts.

    Args:
        reading: the pairs.
        kind: as in `elman.data.splits.split_examples`; ``grouped`` if None, but ``given`` if the data come with a test
            part.
        seed: of what is drawn at random.
        test_share: share of the sources that is kept for the test.
        validation_share: share of all sources that chooses the epoch.

    Raises:
        SettingError: the data come with a test part and the kind is another, or the other way round; or as in
            `elman.data.splits.split_examples`.
        DataError: there are too few pairs.
    """
    kind = kind or (GIVEN if reading.is_given else GROUPED)
    if reading.is_given != (kind == GIVEN):
        parts = "come with their own test part" if reading.is_given else "come without a test part"
        raise SettingError(f"these pairs {parts}; leave --split out; got {kind!r}")
    if reading.is_given:
        train, validation = reading.examples, reading.validation
        if not validation:
            train, validation = _hold_out(train, reading.held_out, validation_share, seed)
        return PairSplit(train, validation, reading.test, kind, seed)
    pairs_of = _group_by_source(reading.examples)
    split = split_examples(
        [Example(source, "", sum(pair.count for pair in pairs)) for source, pairs in pairs_of.items()],
        kind,
        seed=seed,
        test_share=test_share,
        validation_share=validation_share,
        by_label=False,
    )
    train, validation, test = (
        tuple(pair for example in split.part(name) for pair in pairs_of[example.text]) for name in PARTS
    )
    return PairSplit(train, validation, test, kind, seed, split.notes)


def count_targets(pairs: Iterable[Pair]) -> tuple[int, int]:
    """Return how many right targets pairs have together, and how many pairs have several.

    >>> count_targets([Pair("a", ("AH", "EY"), (1, 1)), Pair("an", ("AE N",), (1,))])
    (3, 1)
    """
    sizes = [len(pair.targets) for pair in pairs]
    return sum(sizes), sum(size > 1 for size in sizes)


@dataclass
class _Row:
    """One line or row.

    Args:
        number: of the line, from 1.
        source: its source; None if missing.
        targets: its targets.
        count: how often it occurs; None if missing.
        label: its label; None if missing.
        problem: why it cannot be read; empty if it can.
    """

    number: int
    source: str | None = None
    targets: Sequence[Any] = ()
    count: Any = 1
    label: Any = None
    problem: str = ""


@dataclass
class _Collected:
    """The rows up to now: the targets of each source and label with their counts, and what was dropped."""

    title: str
    symbols: str
    join: bool
    most: int
    skip: bool
    lines: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    targets: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)

    def pairs(self) -> tuple[Pair, ...]:
        """Return the pairs, in the order of their sources."""
        return _to_pairs(self.targets)

    def add(self, row: _Row) -> None:
        """Add a row, or count why it is dropped."""
        self.lines += 1
        source = clean_all([row.source])[0]
        count, targets, label = _parse_count(row.count), [_tidy(one) for one in row.targets], clean_label(row.label)
        problem = row.problem
        if not problem and (has_controls(source) or None in targets):
            problem = "expected text without control characters"
        if not problem and label is None:
            problem = f"expected a label of characters that can be shown, got {shown(str(row.label))}"
        if not problem and count is None:
            problem = f"expected how often the pair occurs, a whole number above 0, got {shown(str(row.count))}"
        if problem and not self.skip:
            message = f"{self.title}, line {row.number:,}: {problem}"
            raise DataError(message, code="malformed_row", line=row.number)
        texts = [target.replace(" ", "") if self.join else target for target in targets if target]
        if problem:
            self.dropped[MALFORMED] += 1
        elif not source:
            self.dropped[BLANK] += 1
        elif not texts:
            self.dropped[NO_TARGET] += 1
        elif max(len(source), *map(self._count_symbols, texts)) > self.most:
            self.dropped[TOO_LONG] += 1
        else:
            known = self.targets.setdefault((source, label or ""), {})
            for text in texts:
                known[text] = known.get(text, 0) + (count or 0)

    def _count_symbols(self, target: str) -> int:
        return len(target) if self.symbols == CHARACTERS else target.count(" ") + 1


def _tidy(target: Any) -> str | None:
    """Return a target composed and with single blanks, empty if it is missing; None if it is not text for a report."""
    if target is None:
        return ""
    if not isinstance(target, str) or has_controls(" ".join(target.split())):
        return None
    return " ".join(unicodedata.normalize("NFC", target).split())


def _parse_count(value: Any) -> int | None:
    """Return a whole number above 0; None if the value is no such number."""
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 and int(text) > 0 else None


def _is_lines(path: Path, columns: Mapping[str, str | None], options: TextOptions) -> bool:
    """Return whether a path is read as lines: a text file that is no table, or a TSV file without column names."""
    if not path.is_file():
        return False
    tables = list_tables(path)
    if not tables:
        return True
    by_number = all(column is None or _is_number(column) for column in columns.values())
    return format_of(tables[0]).kind == "tsv" and by_number and not options.header and options.delimiter in (None, "\t")


def _is_number(column: str | None) -> bool:
    return column is not None and column.isascii() and column.isdecimal()


def _read_lines(
    path: Path, columns: Mapping[str, str | None], options: TextOptions, notes: list[str], *, skip: bool
) -> Iterator[_Row]:
    """Yield the rows of a file whose cells have tabs between them."""
    places = [None if column is None else _place_of(option, column) for option, column in columns.items()]
    first, target, count, label = places
    first = 0 if first is None else first
    needed = max(place for place in (first, target, count, label, 1) if place is not None)
    for number, line in read_lines(path, replace(options, delimiter=None, header=None), skip=skip):
        cells = [] if line is None else line.split("\t")
        if number == 1 and [cell.strip().lower() for cell in cells[:2]] == [SOURCE, TARGET]:
            notes.append(f"{path}: the first line names the columns, and is no pair")
            names = [cell.strip().lower() for cell in cells]
            label = names.index(USUAL["label"]) if label is None and USUAL["label"] in names else label
            continue
        if line is None or not line.strip():
            yield _Row(
                number, problem="expected source<TAB>target, got a line that is too long" if line is None else ""
            )
            continue
        if len(cells) <= needed:
            found = count_of(len(cells), "column")
            yield _Row(number, problem=f"expected source<TAB>target in {count_of(needed + 1, 'column')}, got {found}")
            continue
        others = [place for place in range(len(cells)) if place not in (first, count, label)]
        others = others if target is None else [target]
        times = 1 if count is None else cells[count]
        told = None if label is None or label >= len(cells) else cells[label]
        yield _Row(number, cells[first], [cells[place] for place in others], times, told)


def _place_of(option: str, column: str) -> int:
    if not (_is_number(column) and 0 < int(column) < 10_000):
        raise SettingError(
            f"{option} must be the number of a column, from 1; these lines name no columns; got {column}"
        )
    return int(column) - 1


def _read_table(
    tables: Sequence[str] | Query,
    columns: Mapping[str, str | None],
    options: TextOptions,
    notes: list[str],
    *,
    skip: bool,
) -> Iterator[_Row]:
    """Yield the rows of a table; those that cannot be read come before the others of their block."""
    usual = {"--source": SOURCE, "--target": TARGET}
    wanted = {option: column or usual.get(option) for option, column in columns.items()}
    named = {option: column for option, column in wanted.items() if column is not None}
    number = 0
    for rows in read_columns(tables, named, options, skip=skip, notes=notes):
        for _ in range(rows.malformed):
            number += 1
            yield _Row(number, problem="a row that cannot be read")
        cells = dict(zip(named, rows.columns, strict=True))
        size = len(rows.columns[0])
        counts, labels = cells.get("--count", [1] * size), cells.get("--label", [None] * size)
        for source, value, count, label in zip(cells["--source"], cells["--target"], counts, labels, strict=True):
            number += 1
            found = list(value) if isinstance(value, list | tuple) else [value]
            yield _Row(number, source, found, count, label)


def _rebuild(reading: PairReading, change: Callable[[Sequence[Pair]], Iterable[tuple[str, Pair]]]) -> PairReading:
    """Return a reading whose pairs have other sources; equal ones become one, and none is in two parts.

    Args:
        reading: the pairs.
        change: returns the new source of each pair of a part, and the pair with its targets.
    """
    dropped, seen = Counter(reading.dropped), set[str]()
    parts: list[tuple[Pair, ...]] = []
    for pairs in (reading.test, reading.validation, reading.examples):
        targets: dict[tuple[str, str], dict[str, int]] = {}
        for source, pair in change(pairs):
            if not source or source in seen:
                dropped[BLANK if not source else IN_ANOTHER_PART] += len(pair.targets)
                continue
            known = targets.setdefault((source, pair.label), {})
            for target, count in zip(pair.targets, pair.counts, strict=True):
                known[target] = known.get(target, 0) + count
        seen.update(source for source, _ in targets)
        parts.append(_to_pairs(targets))
    test, validation, examples = parts
    if not examples:
        raise DataError("no usable pair is left after normalisation", code="empty_table")
    return replace(reading, examples=examples, validation=validation, test=test, dropped=dict(dropped))


def _describe(pair: Pair) -> str:
    """Return a pair as text that is the same whatever the order of its targets."""
    answers = sorted(zip(pair.targets, pair.counts, strict=True))
    label = ["", pair.label] if pair.label else []  # no target is empty, so that this is no answer
    return "\t".join([pair.source, *(f"{target}\t{count}" for target, count in answers), *label])


def _to_pairs(targets: Mapping[tuple[str, str], Mapping[str, int]]) -> tuple[Pair, ...]:
    """Return the pairs of sources and labels, in their order."""
    return tuple(
        Pair(source, tuple(of_both), tuple(of_both.values()), label) for (source, label), of_both in targets.items()
    )


def _group_by_source(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Return the pairs of each source, which have different labels."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.source, []).append(pair)
    return groups


def _hold_out(
    pairs: tuple[Pair, ...], size: int | None, share: float, seed: int
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Return pairs without those of some sources, which are drawn at random, and those."""
    sources = list(dict.fromkeys(pair.source for pair in pairs))
    size = max(1, round(share * len(sources))) if size is None else size
    if size >= len(sources):
        raise DataError(f"too few pairs to keep {size:,} of {len(sources):,} for validation; give more")
    drawn = np.random.default_rng(seed).permutation(len(sources))[:size].tolist()
    held = {sources[place] for place in drawn}
    kept = tuple(pair for pair in pairs if pair.source not in held)
    return kept, tuple(pair for pair in pairs if pair.source in held)
