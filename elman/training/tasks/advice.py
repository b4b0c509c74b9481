"""Advice on data: what a setting would change, and labels that are several labels in one cell."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from elman.data.examples import TOO_LONG, Reading
from elman.errors import DataError
from elman.records import Example
from elman.text.normalisation import Normalisation

SEPARATORS = (";", "|", ",", "/")
"""What people write between several labels of one string."""

MOST_CHECKED = 20_000
"""Case is measured on at most so many examples, spread over the source."""

CASE_GAIN = 0.05
"""Case is worth a note if its patterns alone are right on so much more of the examples than the most frequent label."""

DROPPED_SHARE = 0.01
"""Dropped strings are worth a note if they are so large a share of the source."""


def refuse_several_labels(counts: Mapping[str, int]) -> None:
    """Check that no label consists of several other labels.

    A label such as ``a;b`` is refused only if ``a`` and ``b`` are labels of other examples.

    Args:
        counts: rows of each label.

    Raises:
        DataError: a label does.
    """
    for separator in SEPARATORS:
        several = [label for label in counts if separator in label and _are_labels(label.split(separator), counts)]
        if several:
            label = max(several, key=lambda name: counts[name])
            rows = sum(counts[name] for name in several)
            raise DataError(
                f"the label {label!r} is several labels in one cell, as in {rows:,} of the rows, and a string has one "
                "label here; write a row for each label, keep the most important one, or, if it is a label of its own, "
                f"write it without {separator!r}",
            )


def _are_labels(parts: Sequence[str], labels: Collection[str]) -> bool:
    stripped = [part.strip() for part in parts]
    return len(stripped) > 1 and all(part in labels for part in stripped)


def note_dropped(reading: Reading, max_characters: int) -> tuple[str, ...]:
    """Note that the limit of characters drops much of the source, if it does."""
    count = reading.dropped.get(TOO_LONG, 0)
    if count < DROPPED_SHARE * reading.lines:
        return ()
    return (
        f"{count:,} of {reading.lines:,} strings have more than {max_characters} characters and were dropped; "
        "--max-characters keeps longer ones",
    )


def note_case(reading: Reading, training: Sequence[Example], normalisation: Normalisation) -> tuple[str, ...]:
    """Note that upper and lower case tell labels apart, if the training part says so and the model does not read them.

    The most frequent label of each pattern of case, such as ``camelCase`` or ``UPPER_CASE``, is the answer of a very
    simple classifier. If it is right much more often than the most frequent label of all, case is worth reading.

    Args:
        reading: the strings as they are in the source.
        training: the normalised examples to learn from; no other strings are measured.
        normalisation: how the strings are prepared.
    """
    if not normalisation.lower_case:
        return ()
    learned = {example.text for example in training}
    every = max(1, len(reading.examples) // MOST_CHECKED)
    patterns: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in reading.examples[::every]:
        if normalisation.apply(example.text) in learned:
            patterns[case_pattern(example.text)][example.label] += 1
    gain = _measure_gain(patterns)
    if gain < CASE_GAIN:
        return ()
    return (
        "upper and lower case tell the labels apart, and the model does not read them: their patterns alone are right "
        f"on {100 * gain:.0f} % more of the training part than the most frequent label; try --keep-case",
    )


def _measure_gain(patterns: Mapping[str, Counter[str]]) -> float:
    """Return how much more often the best label of each pattern is right than the best label of all.

    A pattern costs one example, so that many rare patterns gain nothing by chance.
    """
    overall = sum(patterns.values(), Counter[str]())
    total = overall.total()
    if not total:
        return 0.0
    right = sum(counter.most_common(1)[0][1] - 1 for counter in patterns.values())
    return (right - overall.most_common(1)[0][1]) / total


def case_pattern(text: str) -> str:
    """Return how a text uses case: its first letter, what follows, and whether a capital follows a small letter.

    >>> [case_pattern(text) for text in ("snake_case", "camelCase", "PascalCase", "UPPER_CASE", "Name", "42")]
    ['lower', 'lower, inner capitals', 'capital, inner capitals', 'upper', 'capital', 'no case']
    """
    letters = [letter for letter in text if letter.lower() != letter.upper()]
    if not letters:
        return "no case"
    if len(letters) > 1 and all(letter.isupper() for letter in letters):
        return "upper"
    start = "capital" if letters[0].isupper() else "lower"
    return f"{start}, inner capitals" if INNER_CAPITAL.search("".join(letters)) else start


INNER_CAPITAL = re.compile(r"[^\W\d_A-Z][A-Z]")
