"""Scores of written strings: how many are right, and how many edits the others are from a right one."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from elman.evaluation.intervals import bound_score, bound_share_of, resample
from elman.reports import Outcomes, TranscriptionReport

Symbols = Sequence[str]

FIRST = 3
"""Among so many answers a right one is looked for, too."""


def count_edits(written: Symbols, reference: Symbols) -> int:
    """Return the fewest insertions, deletions and replacements of a symbol that make one string of another.

    Source: V. I. Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", 1966.

    >>> count_edits("kitten", "sitting")
    3
    """
    before = list(range(len(reference) + 1))
    for row, symbol in enumerate(written, 1):
        now = [row]
        for column, other in enumerate(reference, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (symbol != other)))
        before = now
    return before[-1]


def score_transcriptions(
    answers: Sequence[Sequence[Symbols]],
    references: Sequence[Sequence[Symbols]],
    reasons: Sequence[str | None] | None = None,
    labels: Sequence[str] | None = None,
) -> TranscriptionReport:
    """Score the answers to strings, each of which can have several right ones.

    Args:
        answers: to each of N strings, the best first; none if the model abstains.
        references: the right answers of each, at least one.
        reasons: why the model abstains; None where it answers.
        labels: of each string, empty for none; those of each label are also scored alone.
    """
    reasons = [None] * len(answers) if reasons is None else reasons
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(labels or ()):
        if label:
            places[label].append(place)
    per_label = {
        label: _score(
            [answers[place] for place in some],
            [references[place] for place in some],
            [reasons[place] for place in some],
        )
        for label, some in sorted(places.items())
    }
    return replace(_score(answers, references, reasons), per_label=per_label)


def _score(
    answers: Sequence[Sequence[Symbols]], references: Sequence[Sequence[Symbols]], reasons: Sequence[str | None]
) -> TranscriptionReport:
    right, in_three = np.zeros(len(answers)), np.zeros(len(answers))
    edits, sizes = np.zeros(len(answers)), np.zeros(len(answers))
    for place, (found, known) in enumerate(zip(answers, references, strict=True)):
        listed, wanted = [tuple(one) for one in found], {tuple(one) for one in known}
        first = listed[0] if listed else ()
        if listed and first in wanted:
            right[place], sizes[place] = 1, len(first)
        else:
            edits[place], sizes[place] = min((count_edits(first, one), len(one)) for one in wanted)
        in_three[place] = bool(wanted.intersection(listed[:FIRST]))
    count, symbols = len(answers), sizes.sum()
    error = 1 - float(right.mean())
    rate = float(edits.sum() / symbols)
    has_three = max(map(len, answers), default=0) > 1
    intervals = {"word_error_rate": bound_share_of(error, count)}
    drawn = np.concatenate([sums[:, 0] / sums[:, 1] for sums in resample(csr_array(np.stack([edits, sizes])))])
    if (interval := bound_score(rate, drawn, examples=count, low=0.0)) is not None:
        intervals["symbol_error_rate"] = interval
    if has_three:
        intervals["right_in_three"] = bound_share_of(float(in_three.mean()), count)
    return TranscriptionReport(
        examples=count,
        symbols=int(symbols),
        word_error_rate=error,
        symbol_error_rate=rate,
        right_in_three=float(in_three.mean()) if has_three else None,
        abstentions=dict(Counter(reason for reason in reasons if reason is not None)),
        intervals=intervals,
        outcomes=Outcomes(right, np.ones(count)),
    )
