"""Scorer: encoded sequences to logits and the best answers, with the fastest scorer that is exact.

That is the compiled kernel if there is one and it reads the model; otherwise numpy. See `elman.scoring.kernel.library`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import check_whole
from elman.model.config import ModelConfig
from elman.scoring.kernel.library import NATIVE, choose_kernel
from elman.scoring.probabilities import best_of
from elman.scoring.processor import cores, map_on_threads
from elman.scoring.reference import ReferenceScorer, can_share, count_answers
from elman.text.encoded import EncodedStrings

if TYPE_CHECKING:
    from elman.scoring.kernel.scorer import NativeScorer
    from elman.scoring.trie import TrieScorer

Array = NDArray[np.float32]

ALONE = 2
"""The most strings that the reference scorer reads if there is a choice; reading them together saves nothing."""

FEW = 192
"""Fewer strings than this are not sorted: they have too little in common."""

MANY = 2048
"""The least strings for which several threads are used by default."""

CUT = 4096
"""The most strings whose best answers one thread finds at a time."""

LARGEST_CUT = 2**21
"""How many logits these strings can have together; one string is read in any case."""


class Scorer:
    """The forward pass of one model.

    Args:
        config: the shape of the network.
        tensors: its weights by name, as `ModelConfig.tensor_shapes` lists them: float32, and int64 for codes.

    Raises:
        SettingError: ``ELMAN_KERNEL`` asks for a kernel that does not run here.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.config, self.tensors = config, tensors
        self._reference, self._choice = ReferenceScorer(config, tensors), choose_kernel()
        self._can_share = can_share(config)

    @cached_property
    def _native(self) -> "NativeScorer | None":
        """The scorer of the compiled kernel; None if numpy scores."""
        if self._choice.kernel != NATIVE or not self._can_share:
            return None
        from elman.scoring.kernel.packing import can_pack
        from elman.scoring.kernel.scorer import NativeScorer

        return NativeScorer(self.config, self.tensors, self._choice) if can_pack(self.config) else None

    @property
    def native(self) -> "NativeScorer | None":
        """The scorer of the compiled kernel; None if numpy scores."""
        return self._native

    @cached_property
    def _trie(self) -> "TrieScorer":
        from elman.scoring.trie import TrieScorer  # imported late, because a single string does not need it

        return TrieScorer(self.config, self.tensors)

    def logits(self, sequences: Sequence[NDArray[Any]] | EncodedStrings, *, threads: int | None = None) -> Array:
        """Return the scores of each sequence, for models whose readout is ``last``.

        Args:
            sequences: ids of each string, (T,), integers, or the numbers of each step, (T, I), float32; at least one
                step.
            threads: how many threads to use, at least 1; None: all cores for many strings, one otherwise.

        Returns:
            (len(sequences), C), float32, in the order of the sequences.

        Raises:
            SettingError: ``threads`` is not a whole number of at least 1.
        """
        threads = _choose_threads(threads, len(sequences))
        if self._native is not None:
            return self._native.logits(EncodedStrings.gather(sequences), threads=threads)
        if len(sequences) < FEW or not self._can_share:
            return self._logits_of_few(sequences)
        return self._trie.logits(EncodedStrings.gather(sequences), threads=threads)

    def logits_of_steps(self, sequences: Sequence[NDArray[Any]]) -> list[Array]:
        """Return the scores of each step, for models whose readout is ``each``.

        Args:
            sequences: as in `logits`.

        Returns:
            For each sequence (T, C), float32, in the order of the sequences.
        """
        return self._reference.logits_of_steps(sequences)

    def best(
        self,
        sequences: Sequence[NDArray[Any]] | EncodedStrings,
        *,
        top: int,
        temperature: float = 1.0,
        floor: float = 0.0,
        threads: int | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the most likely answers of each sequence, without memory for the logits of all.

        Args:
            sequences: as in `logits`.
            top: how many answers, at least 1; all labels if there are fewer.
            temperature: what logits are divided by, above 0.
            floor: as in `elman.scoring.probabilities.softmax`.
            threads: as in `logits`.

        Returns:
            Ids of the labels and their probabilities, both (N, top), best first, equal ones in the order of the ids.

        Raises:
            SettingError: as `logits`.
        """
        if self._native is not None:
            strings, threads = EncodedStrings.gather(sequences), _choose_threads(threads, len(sequences))
            return self._native.best(strings, top=top, temperature=temperature, floor=floor, threads=threads)
        count = min(top, count_answers(self.config, self.tensors))
        labels, chances = np.empty((len(sequences), count), np.int32), np.empty((len(sequences), count))

        def choose(rows: NDArray[np.int64], logits: Array) -> None:
            labels[rows], chances[rows] = best_of(logits, top, temperature, floor)

        self.each(sequences, choose, threads=threads)
        return labels, chances

    def each(
        self,
        sequences: Sequence[NDArray[Any]] | EncodedStrings,
        work: Callable[[NDArray[np.int64], Array], None],
        *,
        threads: int | None = None,
    ) -> None:
        """Call a function with the logits of some sequences after the other, without memory for the logits of all.

        Args:
            sequences: as in `logits`.
            work: gets the places of n sequences, (n,), int64, and their logits, (n, C), float32. Each sequence is in
                one call. Calls are made on several threads at a time if ``threads`` allows it.
            threads: as in `logits`.

        Raises:
            SettingError: as `logits`.
        """
        threads = _choose_threads(threads, len(sequences))
        most = max(1, LARGEST_CUT // count_answers(self.config, self.tensors))
        if self._native is None and (len(sequences) < FEW or not self._can_share):
            for start in range(0, max(1, len(sequences)), most):
                logits = self._logits_of_few(_cut(sequences, start, most))
                work(np.arange(start, start + len(logits)), logits)
            return
        strings, cut = EncodedStrings.gather(sequences), min(CUT, most)
        with map_on_threads(threads) as map_work:
            for rows, logits in (self._native or self._trie).parts(strings, threads=threads):
                starts = range(0, len(rows), cut)
                list(map_work(work, (rows[s : s + cut] for s in starts), (logits[s : s + cut] for s in starts)))

    def _logits_of_few(self, sequences: Sequence[NDArray[Any]] | EncodedStrings) -> Array:
        if len(sequences) <= ALONE or not self._can_share:
            return self._reference.logits(sequences.split() if isinstance(sequences, EncodedStrings) else sequences)
        return self._trie.logits_of_few(EncodedStrings.gather(sequences))


def _cut(sequences: Sequence[NDArray[Any]] | EncodedStrings, start: int, size: int) -> Any:
    """Return at most ``size`` of the sequences, from ``start``."""
    if start == 0 and len(sequences) <= size:
        return sequences
    if isinstance(sequences, EncodedStrings):
        return sequences.select(np.arange(start, min(start + size, len(sequences))))
    return sequences[start : start + size]


def _choose_threads(threads: int | None, strings: int) -> int:
    if threads is None:
        return cores() if strings >= MANY else 1
    check_whole("threads", threads, 1)
    return threads
