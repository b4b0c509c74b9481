"""Answers: logits to what a prediction says, for models with levels, and with the options of `AnswerOptions`.

The most likely labels alone are found by `elman.scoring.scorer.Scorer.best`, which is faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.model.file import Artifact
from elman.model.hierarchy import AUTO
from elman.model.prior import shift_logits
from elman.prediction.options import AnswerOptions
from elman.scoring.probabilities import allow_overflow, rank, softmax
from elman.scoring.scorer import Scorer
from elman.text.encoded import EncodedStrings

if TYPE_CHECKING:
    from elman.scoring.kernel.answers import NativeAnswers

Sequences = list[NDArray[Any]] | EncodedStrings


@dataclass(frozen=True)
class Answers:
    """What a model answers to N strings.

    Args:
        names: of the labels, or of the groups of the levels, one level after the other.
        best: places in ``names`` of the most likely ones at the level of the answer, (N, top), int32; −1 where a level
            has fewer.
        probabilities: of these, (N, top), float64; NaN where a level has fewer.
        levels: the names of the levels asked for; empty if the model has none.
        level_ids: the level of each answer, (N,), int8, a place among the levels asked for.
        ranked: for each level asked for, its best groups as places in ``names``, and their probabilities, both (N, k).
        members: places in ``names`` of the labels in each prediction set, most likely first, an array for each string;
            None without sets.
        familiar: how familiar each string is, (N,), float64; None if that is not measured.
        every: the probability of each name, (N, C), float64; None unless asked for.
    """

    names: tuple[str, ...]
    best: NDArray[np.int32]
    probabilities: NDArray[np.float64]
    levels: tuple[str, ...]
    level_ids: NDArray[np.int8]
    ranked: tuple[tuple[NDArray[np.int32], NDArray[np.float64]], ...]
    members: NDArray[np.object_] | None
    familiar: NDArray[np.float64] | None
    every: NDArray[np.float64] | None


class Answer(NamedTuple):
    """What a model answers to one string.

    Args:
        level: the place of its level among the levels asked for.
        ranked: for each level asked for, its best groups as places in `Answerer.names`, and their probabilities.
        members: places of the labels in its prediction set, most likely first; None without sets.
        familiar: how familiar the string is; None if that is not measured.
    """

    level: int
    ranked: Sequence[tuple[list[int], list[float]]]
    members: list[int] | None
    familiar: float | None


class Answerer:
    """Answers as some options ask.

    Args:
        artifact: the model, which answers with a label.
        options: what to say; `AnswerOptions.check` has passed.
        all_levels: find the best groups of every level, whichever the answer is at.

    Attributes:
        levels: the names of the levels asked for; one empty name if the model has none.
        names: the labels, or the groups of the levels asked for, one level after the other.
    """

    def __init__(self, artifact: Artifact, options: AnswerOptions, *, all_levels: bool = False) -> None:
        self.options, self.temperature, self.floor = options, artifact.temperature, artifact.floor
        self._levels, self._sets = artifact.levels, artifact.sets
        self._shift = None if options.prior is None else shift_logits(artifact, options.prior)
        self._familiarity = artifact.familiarity if options.measures(artifact) else None
        self._native: tuple[Scorer, NativeAnswers] | None = None
        labels = artifact.labels.names
        if self._levels is None:
            self.levels: tuple[str, ...] = ("",)
            groups = [labels]
        else:
            wanted = self._levels.names[0] if options.level is None else options.level
            self.levels = self._levels.names if all_levels or wanted == AUTO else (wanted,)
            groups = [self._levels.list_groups(level, labels) for level in self.levels]
        self._groups = groups
        self._tops = [min(options.top, len(group)) for group in groups]
        asked = options.level
        self._level = None if asked == AUTO else 0 if asked is None else self.levels.index(asked)
        self._starts = np.cumsum([0, *map(len, groups)])
        self.names = tuple(name for groups in self._groups for name in groups)

    def answer_each(self, scorer: Scorer, sequences: list[NDArray[Any]]) -> list[Answer]:
        """Answer for sequences of ids, each in a record of its own; see `Answer`."""
        native, count = self._find_native(scorer), len(sequences)
        if count and native is not None and scorer.native is not None:
            strings = EncodedStrings.gather(sequences)
            if scorer.native.is_small(strings):
                ranked, familiar = native.answer_few(scorer.native, strings, self._tops)
                return self._cut(ranked, [None] * count, familiar or [None] * count)
        answers = self.answer_all(scorer, sequences)
        members = [None] * count if answers.members is None else [one.tolist() for one in answers.members]
        ranked = [(ids.tolist(), chances.tolist()) for ids, chances in answers.ranked]
        return self._cut(ranked, members, [None] * count if answers.familiar is None else answers.familiar.tolist())

    def _cut(
        self,
        ranked: list[tuple[list[list[int]], list[list[float]]]],
        members: Sequence[list[int] | None],
        familiar: Sequence[float | None],
    ) -> list[Answer]:
        """Return a record for each string from the lists of all."""
        of_strings = zip(*(zip(*level, strict=True) for level in ranked), strict=True)
        rows = zip(of_strings, members, familiar, strict=True)
        return [Answer(self._find_level(of_levels), of_levels, ids, share) for of_levels, ids, share in rows]

    def _find_level(self, row: Sequence[tuple[list[int], list[float]]]) -> int:
        """Return the level of an answer whose groups are ranked."""
        if self._level is not None:
            return self._level
        return next((level for level, (_, best) in enumerate(row[:-1]) if best[0] >= self.options.sure), len(row) - 1)

    def answer_all(self, scorer: Scorer, sequences: Sequences, *, threads: int | None = None) -> Answers:
        """Answer for sequences of ids; see `Answers`."""
        answers = self._allocate(len(sequences))
        if len(sequences):
            native = self._find_native(scorer)
            strings = EncodedStrings.gather(sequences) if self._familiarity is not None else None
            if native is None:
                scorer.each(sequences, partial(self._answer, answers, strings), threads=threads)
            else:
                writer = native.write_to(answers.ranked, answers.familiar, strings)
                scorer.each(strings or sequences, writer.write, threads=threads)
                self._set_best(answers, np.arange(len(sequences)))
        return answers

    def _allocate(self, count: int) -> Answers:
        """Return answers of so many strings that are to be written."""
        ranked = tuple((np.empty((count, top), np.int32), np.empty((count, top))) for top in self._tops)
        if self._level is not None and self._tops[self._level] == max(self._tops):
            best, probabilities = ranked[self._level]
        else:
            best = np.full((count, max(self._tops)), -1, np.int32)
            probabilities = np.full((count, max(self._tops)), np.nan)
        return Answers(
            names=self.names,
            best=best,
            probabilities=probabilities,
            levels=() if self._levels is None else self.levels,
            level_ids=np.full(count, self._level or 0, np.int8),
            ranked=ranked,
            familiar=None if self._familiarity is None else np.empty(count),
            members=None if self.options.coverage is None else np.empty(count, object),
            every=np.empty((count, len(self.names))) if self.options.every else None,
        )

    def _find_native(self, scorer: Scorer) -> "NativeAnswers | None":
        """Return the same in the compiled kernel, if it scores, and if it can say what is asked."""
        is_usual = self._shift is None and self.options.coverage is None and not self.options.every
        if not is_usual or scorer.native is None:
            return None
        if self._native is None or self._native[0] is not scorer:
            from elman.scoring.kernel.answers import NativeAnswers

            levels = self._levels
            places = [np.arange(len(group)) for group in self._groups]
            native = NativeAnswers(
                scorer.native.library,
                scorer.native.routines,
                places if levels is None else [levels.place_labels(level) for level in self.levels],
                familiarity=self._familiarity,
                temperature=self.temperature,
                floor=self.floor,
            )
            self._native = scorer, native
        return self._native[1]

    def _answer(
        self, answers: Answers, strings: EncodedStrings | None, rows: NDArray[np.int64], logits: NDArray[np.float32]
    ) -> None:
        """Set the answers of some strings."""
        of_labels = self._weigh(logits)
        of_levels = [self._sum(of_labels, level) for level in self.levels]
        for (ids, probabilities), start, of_level in zip(answers.ranked, self._starts, of_levels, strict=False):
            places, probabilities[rows] = rank(of_level, self.options.top)
            ids[rows] = places + int(start)
        chosen = self._set_best(answers, rows)
        if answers.familiar is not None and self._familiarity is not None and strings is not None:
            with allow_overflow():
                chosen_strings = strings.select(rows)
                measures = self._familiarity.measure_strings(chosen_strings, logits, self.temperature)
                answers.familiar[rows] = self._familiarity.rank(measures, chosen_strings)
        if answers.every is not None:
            answers.every[rows] = np.concatenate(of_levels, axis=1)
        if answers.members is not None:
            for level, of_level in enumerate(of_levels):
                own = np.flatnonzero(chosen == level)
                for row, members in zip(rows[own].tolist(), self._find_members(of_level[own], level), strict=True):
                    answers.members[row] = members

    def _set_best(self, answers: Answers, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """Set the level and the best groups of some strings whose groups are ranked, and return the levels, (n,)."""
        if self._level is not None and answers.best is answers.ranked[self._level][0]:
            return answers.level_ids[rows]  # they are those of the level that was asked for
        chosen = self._choose([probabilities[rows, 0] for _, probabilities in answers.ranked])
        answers.level_ids[rows] = chosen
        for level in set(chosen.tolist()):
            (ids, probabilities), own = answers.ranked[level], rows[chosen == level]
            answers.best[own, : ids.shape[1]] = ids[own]
            answers.probabilities[own, : ids.shape[1]] = probabilities[own]
        return chosen

    def _weigh(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the calibrated probabilities of the labels, (n, C), under the prior asked for."""
        if self._shift is None:
            return softmax(logits, self.temperature, self.floor)
        with allow_overflow():
            scaled = logits / np.float64(self.temperature)
            if self.floor:
                scaled = np.log(softmax(logits, self.temperature, self.floor))
            return softmax(scaled + self._shift)

    def _sum(self, of_labels: NDArray[np.float64], level: str) -> NDArray[np.float64]:
        return of_labels if self._levels is None else self._levels.sum_probabilities(of_labels, level)

    def _choose(self, best: list[NDArray[np.float64]]) -> NDArray[np.int8]:
        """Return the level of each answer, (n,), given the probability of the best group at each level, (n,)."""
        sure = self.options.sure
        if self._level is not None:
            return np.full(len(best[0]), self._level, np.int8)
        chosen = np.full(len(best[0]), len(best) - 1, np.int8)
        for level in range(len(best) - 2, -1, -1):
            chosen[best[level] >= sure] = level
        return chosen

    def _find_members(self, probabilities: NDArray[np.float64], level: int) -> list[NDArray[np.int64]]:
        """Return the prediction set of each string as places in ``names``."""
        assert self._sets is not None and self.options.coverage is not None
        place = 0 if self._levels is None else self._levels.find(self.levels[level])
        members = self._sets.find_members(probabilities, self.options.coverage, level=place)
        start = int(self._starts[level])
        return [start + row for row in members] if start else members
