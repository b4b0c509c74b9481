"""Native scorer: encoded strings to logits or best answers, with the compiled kernel.

It does what `elman.scoring.trie.TrieScorer` does, and the tests compare the two. The interpreter lock is released while
the kernel runs, and each thread reads parts of the sorted strings.
"""

import ctypes
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.model.config import ModelConfig
from elman.scoring.kernel.library import BAD_SYMBOL, DONE, MOST_TOP, Choice, Library, Output, Strings, open_library
from elman.scoring.kernel.packing import PackedModel
from elman.scoring.probabilities import best_of
from elman.text.encoded import EncodedStrings

Array = NDArray[np.float32]
Ids = NDArray[np.int64]

PART = 16_384
"""The most strings that the kernel reads in one call."""

LARGEST_OUTPUT = 2**23
"""How many logits of a part are in memory; one string is read in any case."""

FEW, FEW_SYMBOLS = 64, 4096
"""The most strings, and the most symbols of all of them, that are scored in memory which is kept for small calls."""

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
        self._packed = PackedModel(config, tensors, library, choice.routines)
        self._model = ctypes.byref(self._packed.model)
        self._memories: list[NDArray[np.uint8]] = []
        self._few: list[_Few] = []

    @property
    def answers(self) -> int:
        """How many logits each string has, C."""
        return int(self._packed.model.answers)

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
        sorted_strings = _Sorted(self, strings)

        def score(part: Ids) -> tuple[Ids, Array]:
            logits = np.empty((len(part), self.answers), np.float32)
            sorted_strings.score(part, Output(logits=logits.ctypes.data, by_order=1))
            return part, logits

        from concurrent.futures import ThreadPoolExecutor  # imported late: the first answer does without it

        most = max(1, min(PART, LARGEST_OUTPUT // self.answers))
        with ThreadPoolExecutor(threads) as pool:
            parts = sorted_strings.cut(threads, most)
            for start in range(0, len(parts), threads):
                yield from pool.map(score, parts[start : start + threads])

    def best(
        self, strings: EncodedStrings, *, top: int, temperature: float = 1.0, floor: float = 0.0, threads: int = 1
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the most likely answers; see `elman.scoring.scorer.Scorer.best`."""
        top = min(top, self.answers)
        if _are_few(strings) and top <= MOST_TOP:
            return self._best_of_few(strings, top, temperature, floor)
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

    def _best_of_few(
        self, strings: EncodedStrings, top: int, temperature: float, floor: float
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the most likely answers of a few strings without new memory, and without more than one call."""
        few = self._few.pop() if self._few else _Few(self)
        try:
            return few.best(strings, top, temperature, floor)
        finally:
            self._few.append(few)

    def choose_model(self, count: int) -> Any:
        """Return the model for a call with so many strings, as the kernel gets it."""
        return self._model if count <= WORTH_TABLES else ctypes.byref(self._packed.large)

    def take_memory(self, size: int) -> NDArray[np.uint8]:
        """Return memory of at least so many bytes that no other thread uses, which begins at a multiple of 64."""
        memory = self._memories.pop() if self._memories else np.empty(0, np.uint8)
        return memory if len(memory) >= size else _allocate(size + size // 8)


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
        self._memory = _allocate(self._library.answering_size(self._model, FEW))
        self._output = Output(labels=self._labels.ctypes.data, chances=self._chances.ctypes.data)
        arrays = (self._ids, self._lengths, self._memory)
        self._ids_at, self._lengths_at, self._memory_at = (array.ctypes.data for array in arrays)

    def best(
        self, strings: EncodedStrings, top: int, temperature: float, floor: float
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the most likely answers; see `NativeScorer.best`."""
        count, output = len(strings.lengths), self._output
        self._ids[: len(strings.ids)] = strings.ids
        self._lengths[:count] = strings.lengths
        output.top, output.temperature, output.floor = top, temperature, floor
        status = self._library.answer(self._model, self._ids_at, self._lengths_at, count, output, self._memory_at)
        _check(status, self._symbols)
        labels, chances = self._labels[: count * top], self._chances[: count * top]
        return labels.reshape(count, top).copy(), chances.reshape(count, top).copy()


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


def _allocate(size: int) -> NDArray[np.uint8]:
    """Return memory of so many bytes that begins at a multiple of 64, as vectors like it."""
    memory = np.empty(size + 64, np.uint8)
    return memory[-memory.ctypes.data % 64 :]


def _share(work: Callable[[Ids], None], parts: list[Ids], threads: int) -> None:
    """Do some work for each part, on several threads if there are several parts."""
    if threads == 1 or len(parts) == 1:
        for part in parts:
            work(part)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, parts))
