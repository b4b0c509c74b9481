"""Native answers: logits to the best groups of each level and to familiarity, with the compiled kernel.

It does what `elman.prediction.answers.Answerer` does in numpy, for the answers that most calls ask for.
"""

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.model.familiarity import Familiarity
from elman.scoring.kernel.library import FEW, AnswersWanted, FamiliarityTables, LevelAnswers, Library, Strings
from elman.text.encoded import EncodedStrings

if TYPE_CHECKING:
    from elman.scoring.kernel.scorer import NativeScorer

LANES = 64
"""At least as many numbers as a vector has on any processor."""

Ranked = Sequence[tuple[NDArray[np.int32], NDArray[np.float64]]]


class NativeAnswers:
    """Answers of one model at some levels.

    Args:
        library: the kernel.
        routines: the name of its instruction set.
        groups: for each level the place of the group of each label, (C,), from 0.
        familiarity: of the model, if it is to be measured; its groups are of at least as many symbols as the model has.
        temperature: what logits are divided by, above 0.
        floor: as in `elman.scoring.probabilities.softmax`.
    """

    def __init__(
        self,
        library: Library,
        routines: str,
        groups: Sequence[NDArray[np.int64]],
        *,
        familiarity: Familiarity | None,
        temperature: float,
        floor: float,
    ) -> None:
        self._library, self._kept = library, list[Any]()
        self._few: list[_Few] = []
        self._groups = [None if _are_labels(group) else self._keep(group, np.int32) for group in groups]
        self._sizes = [int(group.max()) + 1 for group in groups]
        self._tables = None if familiarity is None else self._pack(familiarity)
        self._wanted = AnswersWanted(
            routines=ctypes.cast(library.routines[routines], ctypes.c_void_p),
            familiarity=None if self._tables is None else ctypes.pointer(self._tables),
            floor=floor,
            temperature=temperature,
            levels=len(groups),
            answers=len(groups[0]),
        )

    def write_to(
        self, ranked: Ranked, familiar: NDArray[np.float64] | None, strings: EncodedStrings | None
    ) -> "AnswerWriter":
        """Return what writes the answers of N strings to arrays.

        Args:
            ranked: for each level, for the best groups as places among those of all levels, and their probabilities,
                both (N, k).
            familiar: for how familiar each string is, (N,); None if that is not measured.
            strings: N of them; they can be None in that case.
        """
        starts = np.cumsum([0, *self._sizes]).tolist()
        levels = [
            LevelAnswers(group, ids.ctypes.data, chances.ctypes.data, size, start, ids.shape[1])
            for group, size, start, (ids, chances) in zip(self._groups, self._sizes, starts, ranked, strict=False)
        ]
        wanted = AnswersWanted.from_buffer_copy(self._wanted)
        of_levels = (LevelAnswers * len(levels))(*levels)
        wanted.of_levels = ctypes.addressof(of_levels)
        wanted.familiar = None if familiar is None else familiar.ctypes.data
        return AnswerWriter(self._library, wanted, strings, (self, of_levels, ranked, familiar))

    def answer_few(
        self, scorer: "NativeScorer", strings: EncodedStrings, tops: Sequence[int]
    ) -> tuple[list[tuple[list[list[int]], list[list[float]]]], list[float] | None]:
        """Return the answers of a few strings in lists, with one call of the kernel.

        Args:
            scorer: of the model.
            strings: N of them, of which its `NativeScorer.is_small` is true.
            tops: how many groups of each level to find, the same in each call.

        Returns:
            For each level its best groups and their probabilities, and how familiar each string is, as in `write_to`.
        """
        few, count = self._few.pop() if self._few else self._make_room(tops), len(strings.lengths)
        try:
            scorer.answer(strings, few.wanted)
            ranked = [(ids[:count].tolist(), chances[:count].tolist()) for ids, chances in few.ranked]
            return ranked, None if few.familiar is None else few.familiar[:count].tolist()
        finally:
            self._few.append(few)

    def _make_room(self, tops: Sequence[int]) -> "_Few":
        """Return memory for the answers of a small call."""
        ranked = [(np.empty((FEW, top), np.int32), np.empty((FEW, top))) for top in tops]
        familiar = None if self._tables is None else np.empty(FEW)
        writer = self.write_to(ranked, familiar, None)
        return _Few(ranked, familiar, writer.wanted, writer)

    def _pack(self, familiarity: Familiarity) -> FamiliarityTables:
        every = (familiarity.ranks, *familiarity.ranks_of_groups)
        return FamiliarityTables(
            self._keep(familiarity.counts, np.uint8),
            self._keep(familiarity.logarithms, np.float64),
            self._keep(familiarity.groups, np.int32) if familiarity.groups else None,
            self._keep(np.concatenate(every), np.float64),
            self._keep(np.cumsum([0, *map(len, every)]), np.int64),
            len(familiarity.counts) - 1,
            float(np.log(familiarity.total)),
            (ctypes.c_double * len(familiarity.weights))(*familiarity.weights),
        )

    def _keep(self, values: Any, kind: type) -> int:
        """Return the address of an array of some numbers, which is kept."""
        self._kept.append(np.ascontiguousarray(values, kind))
        address: int = self._kept[-1].ctypes.data
        return address


class _Few(NamedTuple):
    """Memory for the answers of a small call; see `NativeAnswers.write_to`."""

    ranked: Ranked
    familiar: NDArray[np.float64] | None
    wanted: AnswersWanted
    kept: "AnswerWriter"


class AnswerWriter:
    """Writes answers; several threads can use it at a time.

    Args:
        library: the kernel.
        wanted: where it writes, and how it answers.
        strings: of which the logits are; None if only the logits count.
        kept: what ``wanted`` points to.
    """

    def __init__(self, library: Library, wanted: AnswersWanted, strings: EncodedStrings | None, kept: Any) -> None:
        self._library, self.wanted, self._kept = library, wanted, kept
        self._strings = self._arrays = None
        if strings is not None:
            kinds = ((strings.ids, np.int32), (strings.starts, np.int64), (strings.lengths, np.int64))
            self._arrays = [np.ascontiguousarray(array, kind) for array, kind in kinds]
            self._strings = Strings(*(array.ctypes.data for array in self._arrays))

    def write(self, rows: NDArray[np.int64], logits: NDArray[np.float32]) -> None:
        """Write the answers of n strings.

        Args:
            rows: their places, (n,).
            logits: of the model, (n, C).
        """
        rows, logits = np.ascontiguousarray(rows, np.int64), np.ascontiguousarray(logits, np.float32)
        memory = np.empty(self.wanted.answers + (self.wanted.answers + LANES) // 2 + 1)
        places = (array.ctypes.data for array in (logits, rows, memory))
        logits_at, rows_at, memory_at = places
        self._library.find_answers(self.wanted, logits_at, self._strings, rows_at, len(rows), memory_at)


def _are_labels(groups: NDArray[np.int64]) -> bool:
    """Return whether each label is a group of its own, in their order."""
    return bool(np.array_equal(groups, np.arange(len(groups))))
