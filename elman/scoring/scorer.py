"""Scoring: encoded sequences to logits, probabilities and the best answers, by the fastest path that is exact."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import SettingError
from elman.model.config import ModelConfig
from elman.scoring.processor import cores
from elman.scoring.reference import PlainScorer
from elman.text.encoded import EncodedStrings

if TYPE_CHECKING:
    from elman.scoring.trie import SharingScorer
from elman.scoring.probabilities import best_of

Array = NDArray[np.float32]


ALONE = 2
"""Up to so many strings are read length by length: there is little that they could be read together."""


FEW = 192
"""Fewer strings than this have too little in common to sort them first."""


MANY = 2048
"""From so many strings on, several threads share the work."""


CUT = 4096
"""Strings whose best answers one thread finds at a time."""


class Scorer:
    """The network of one model, ready to read.

    Args:
        config: its shape.
        tensors: its weights by name, as `ModelConfig.tensor_shapes` lists them: float32, and int64 for codes.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.config, self.tensors = config, tensors
        self._plain = PlainScorer(config, tensors)

    @cached_property
    def _sharing(self) -> "SharingScorer":
        from elman.scoring.trie import SharingScorer  # the first answer need not pay for what many strings need

        return SharingScorer(self.config, self.tensors)

    def logits(self, sequences: Sequence[NDArray[Any]] | EncodedStrings, *, threads: int | None = None) -> Array:
        """Read encoded sequences and answer once for each.

        Args:
            sequences: ids of each string, (T,), integers, or the numbers of each step, (T, I), float32; at least one
                step.
            threads: how many share the work, at least 1; None: all cores where there are many strings.

        Returns:
            (len(sequences), C), float32, in the order given.

        Raises:
            SettingError: threads is no whole number of at least 1.
        """
        threads = _threads(threads, len(sequences))
        if len(sequences) < FEW or not self._can_share:
            return self._logits_of_few(sequences)
        return self._sharing.logits(EncodedStrings.gather(sequences), threads=threads)

    def logits_of_steps(self, sequences: Sequence[NDArray[Any]]) -> list[Array]:
        """Read encoded sequences and answer at each step; for models whose readout is ``each``.

        Args:
            sequences: as in `logits`.

        Returns:
            For each sequence, in the order given, (T, C), float32.
        """
        return self._plain.logits_of_steps(sequences)

    def best(
        self,
        sequences: Sequence[NDArray[Any]] | EncodedStrings,
        *,
        top: int,
        temperature: float = 1.0,
        threads: int | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Read encoded sequences and return the most likely answers of each, without room for the logits of all.

        Args:
            sequences: as in `logits`.
            top: how many answers, at least 1; all where there are fewer.
            temperature: what logits are divided by, above 0.
            threads: as in `logits`.

        Returns:
            Labels and their probabilities, both (N, top), best first, equal ones in the order of the labels.

        Raises:
            SettingError: as `logits`.
        """
        threads = _threads(threads, len(sequences))
        if len(sequences) < FEW or not self._can_share:
            return best_of(self._logits_of_few(sequences), top, temperature)
        from concurrent.futures import ThreadPoolExecutor

        strings = EncodedStrings.gather(sequences)
        count = min(top, self._sharing.answers)
        labels, chances = np.empty((len(strings), count), np.int32), np.empty((len(strings), count))

        def choose(rows: NDArray[np.int64], logits: Array) -> None:
            labels[rows], chances[rows] = best_of(logits, top, temperature)

        with ThreadPoolExecutor(threads) as pool:
            for rows, logits in self._sharing.parts(strings, threads=threads):
                starts = range(0, len(rows), CUT)
                list(pool.map(choose, (rows[s : s + CUT] for s in starts), (logits[s : s + CUT] for s in starts)))
        return labels, chances

    def _logits_of_few(self, sequences: Sequence[NDArray[Any]] | EncodedStrings) -> Array:
        if len(sequences) <= ALONE or not self._can_share:
            return self._plain.logits(_separate(sequences))
        return self._sharing.logits_of_few(EncodedStrings.gather(sequences))

    @cached_property
    def _can_share(self) -> bool:
        from elman.scoring.trie import can_share

        return can_share(self.config)


def _separate(sequences: Sequence[NDArray[Any]] | EncodedStrings) -> Sequence[NDArray[Any]]:
    return sequences.split() if isinstance(sequences, EncodedStrings) else sequences


def _threads(wanted: int | None, strings: int) -> int:
    if wanted is None:
        return cores() if strings >= MANY else 1
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
        raise SettingError(f"threads must be a whole number of at least 1; got {wanted!r}")
    return wanted
