"""Native scorer: encoded strings to logits or best answers, with the compiled kernel.

It does what `elman.scoring.trie.TrieScorer` does, and the tests compare the two. The interpreter lock is released while
the kernel runs, and each thread reads parts of the sorted strings.
"""

import ctypes
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig
from elman.scoring.kernel.library import (
    BAD_SYMBOL,
    DONE,
    FEW,
    MOST_TOP,
    AnswersWanted,
    Choice,
    Library,
    Output,
    Strings,
    open_library,
)
from elman.scoring.kernel.packing import PackedModel, allocate
from elman.scoring.probabilities import best_of
from elman.scoring.processor import map_on_threads
from elman.text.encoded import EncodedStrings

Array = NDArray[np.float32]
Ids = NDArray[np.int64]
Answer = TypeVar("Answer")

PART = 32_768
"""The most strings that the kernel reads in one call."""

LARGEST_OUTPUT = 2**20
"""How many logits of a part are in memory; one string is read in any case."""

FEW_SYMBOLS, MOST_ANSWERS = 4096, 1024
"""The most symbols of all strings of a small call, and the most logits of each."""

WORTH_TABLES = 64
"""The most strings of a call that does without tables of inputs. To make them takes time once, and saves it for each
string. The number of strings alone decides, so that a call has the same answer whatever came before it."""


class NativeScorer:
    """The forward pass of one model with the compiled kernel.

    Args:
        config: the shape of a network for which `elman.scoring.kernel.packing.can_pack` is true.
        tensors: its weights by name, as for `elman.scoring.scorer.Scorer`.
        choice: the kernel, which is native.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]], choice: Choice) -> None:
        library = open_library()
        assert isinstance(library, Library) and choice.routines is not None
        self.config, self.tensors, self._library = config, tensors, library
        self.routines = choice.routines
        self._packed = PackedModel(config, tensors, library, choice.routines)
        self._model = ctypes.byref(self._packed.model)
        self.answers = int(self._packed.model.answers)
        self._memories: list[NDArray[np.uint8]] = []
        self._few: list[_Few] = []

    @property
    def library(self) -> Library:
        """The kernel."""
        return self._library

    def logits(self, strings: EncodedStrings, *, threads: int = 1) -> Array:
        """Return the logits of encoded strings, (N, C), float32.

        Args:
            strings: N of them, of at least one symbol.
            threads: how many threads to use, at least 1.

        Raises:
            IndexError: a symbol is not one of the model's, or a string has none.
        """
        logits = np.empty((len(strings), self.answers), np.float32)
        sorted_strings = _Sorted(self, strings)

        def score(part: Ids) -> None:
            sorted_strings.score(part, Output(logits=logits.ctypes.data))

        _share(score, sorted_strings.cut(threads, PART), threads)
        return logits

    def parts(self, strings: EncodedStrings, *, threads: int = 1) -> Iterator[tuple[Ids, Array]]:
        """Read encoded strings part by part; arguments as for `logits`.

        Yields:
            The positions of some of the strings, (n,), and their logits, (n, C), float32.
        """
        if len(strings) > 0 and self.is_small(strings):
            yield np.arange(len(strings)), self._ask_few(lambda few: few.logits(strings))
            return
        sorted_strings = _Sorted(self, strings)

        def score(part: Ids) -> tuple[Ids, Array]:
            logits = np.empty((len(part), self.answers), np.float32)
            sorted_strings.score(part, Output(logits=logits.ctypes.data, by_order=1))
            return part, logits

        most = max(1, min(PART, LARGEST_OUTPUT // self.answers))
        with map_on_threads(threads) as map_parts:
            parts = sorted_strings.cut(threads, most)
            for start in range(0, len(parts), threads):
                yield from map_parts(score, parts[start : start + threads])

    def best(
        self, strings: EncodedStrings, *, top: int, temperature: float = 1.0, floor: float = 0.0, threads: int = 1
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the most likely answers; see `elman.scoring.scorer.Scorer.best`."""
        top = min(top, self.answers)
        if _are_few(strings) and top <= MOST_TOP:
            return self._ask_few(lambda few: few.best(strings, top, temperature, floor))
        labels, chances = np.empty((len(strings), top), np.int32), np.empty((len(strings), top))
        if top > MOST_TOP:
            for rows, logits in self.parts(strings, threads=threads):
                labels[rows], chances[rows] = best_of(logits, top, temperature, floor)
            return labels, chances
        sorted_strings = _Sorted(self, strings)
        places = {"labels": labels.ctypes.data, "chances": chances.ctypes.data}

        def score(part: Ids) -> None:
            sorted_strings.score(part, Output(**places, top=top, temperature=temperature, floor=floor))

        _share(score, sorted_strings.cut(threads, PART), threads)
        return labels, chances

    def is_small(self, strings: EncodedStrings) -> bool:
        """Return whether a call with these strings is so small that memory for it is kept."""
        return _are_few(strings) and self.answers <= MOST_ANSWERS

    def answer(self, strings: EncodedStrings, wanted: AnswersWanted) -> None:
        """Write the answers of a few strings, of which `is_small` is true.

        Args:
            strings: N of them.
            wanted: how to answer, and where to write it; see `elman.scoring.kernel.answers`.
        """
        self._ask_few(lambda few: few.answer(strings, wanted))

    def _ask_few(self, ask: "Callable[[_Few], Answer]") -> Answer:
        """Return what is asked of a few strings, without new memory, and without more than one call of the kernel."""
        few = self._few.pop() if self._few else _Few(self)
        try:
            return ask(few)
        finally:
            self._few.append(few)

    def choose_model(self, count: int) -> Any:
        """Return the model for a call with so many strings, as the kernel gets it."""
        return self._model if count <= WORTH_TABLES else ctypes.byref(self._packed.large)

    def take_memory(self, size: int) -> NDArray[np.uint8]:
        """Return memory of at least so many bytes that no other thread uses, which begins at a multiple of 64."""
        memory = self._memories.pop() if self._memories else np.empty(0, np.uint8)
        return memory if len(memory) >= size else allocate(size + size // 8)


class _Few:
    """Memory for the strings of a small call, and for its answers.

    Args:
        scorer: of the model.
    """

    def __init__(self, scorer: NativeScorer) -> None:
        self._library, self._model = scorer._library, scorer._model
        self._symbols = int(scorer._packed.model.symbols)
        self._ids, self._lengths = np.empty(FEW_SYMBOLS, np.int32), np.empty(FEW, np.int64)
        self._labels, self._chances = np.empty(FEW * MOST_TOP, np.int32), np.empty(FEW * MOST_TOP)
        self._logits = np.empty(FEW * scorer.answers if scorer.answers <= MOST_ANSWERS else 0, np.float32)
        self._memory = allocate(self._library.answering_size(self._model, FEW))
        self._best = Output(labels=self._labels.ctypes.data, chances=self._chances.ctypes.data)
        self._every = Output(logits=self._logits.ctypes.data)
        arrays = (self._ids, self._lengths, self._memory)
        self._ids_at, self._lengths_at, self._memory_at = (array.ctypes.data for array in arrays)

    def best(
        self, strings: EncodedStrings, top: int, temperature: float, floor: float
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the most likely answers; see `NativeScorer.best`."""
        count, output = len(strings.lengths), self._best
        output.top, output.temperature, output.floor = top, temperature, floor
        self._ask(strings, output)
        labels, chances = self._labels[: count * top], self._chances[: count * top]
        return labels.reshape(count, top).copy(), chances.reshape(count, top).copy()

    def logits(self, strings: EncodedStrings) -> Array:
        """Return the logits of the strings, (n, C)."""
        self._ask(strings, self._every)
        count = len(strings.lengths)
        logits: Array = self._logits.reshape(FEW, -1)[:count].copy()
        return logits

    def answer(self, strings: EncodedStrings, wanted: AnswersWanted) -> None:
        """Write answers; see `NativeScorer.answer`."""
        self._ask(strings, self._every, wanted)

    def _ask(self, strings: EncodedStrings, output: Output, answers: AnswersWanted | None = None) -> None:
        count = len(strings.lengths)
        self._ids[: len(strings.ids)] = strings.ids
        self._lengths[:count] = strings.lengths
        places = self._ids_at, self._lengths_at, count
        status = self._library.answer(self._model, *places, output, answers, self._memory_at)
        _check(status, self._symbols)


class _Sorted:
    """Strings in the order in which the kernel reads them.

    Args:
        scorer: of the model.
        strings: N of them.
    """

    def __init__(self, scorer: NativeScorer, strings: EncodedStrings) -> None:
        self._scorer, self._library = scorer, scorer._library
        self._model = scorer.choose_model(len(strings))
        self._arrays = (
            np.ascontiguousarray(strings.ids, np.int32),
            np.ascontiguousarray(strings.starts, np.int64),
            np.ascontiguousarray(strings.lengths, np.int64),
        )
        self._strings = Strings(*(array.ctypes.data for array in self._arrays))
        symbols, count = scorer._packed.model.symbols, len(strings)
        _check(self._library.check(self._strings, symbols, count), symbols)
        self.order = np.arange(count)
        memory = scorer.take_memory(self._library.sorting_size(count))
        self._library.sort(self._strings, symbols, 0, count, self.order.ctypes.data, memory.ctypes.data)
        scorer._memories.append(memory)

    def cut(self, threads: int, most: int) -> list[Ids]:
        """Return the order in parts of equal size, at most ``most``, in a number that keeps all threads busy."""
        rounds = -(-len(self.order) // (threads * most))
        return [part for part in np.array_split(self.order, max(1, threads * rounds)) if len(part)]

    def score(self, part: Ids, output: Output) -> None:
        """Score some of the strings, given by their places in the order of the sort."""
        scorer = self._scorer
        memory = scorer.take_memory(self._library.memory_size(self._model, len(part)))
        self._library.score(self._model, self._strings, part.ctypes.data, len(part), output, memory.ctypes.data)
        scorer._memories.append(memory)


def _are_few(strings: EncodedStrings) -> bool:
    return len(strings.lengths) <= FEW and len(strings.ids) <= FEW_SYMBOLS


def _check(status: int, symbols: int) -> None:
    """Raise an IndexError if the kernel refused strings."""
    if status != DONE:
        reason = f"ids must be from 0 to {symbols - 1}" if status == BAD_SYMBOL else "a string has no symbol"
        raise IndexError(f"these strings cannot be scored: {reason}")


def _share(work: Callable[[Ids], None], parts: list[Ids], threads: int) -> None:
    """Do some work for each part, on several threads if there are several parts."""
    with map_on_threads(min(threads, len(parts))) as map_parts:
        list(map_parts(work, parts))
