"""Prediction: strings (or pictures, or numbers) to `Prediction` records, from one model file, with numpy alone.

The single runtime behind Python, the command line and every service.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from elman.errors import SettingError
from elman.model.file import Artifact, load_artifact
from elman.prediction.inputs import MISSING, Read, Reader, StringReader, reader_of
from elman.records import Candidate, Prediction, PredictionColumns
from elman.scoring.probabilities import softmax
from elman.scoring.scorer import Scorer
from elman.text.encoded import EncodedStrings

if TYPE_CHECKING:
    from elman.prediction.pool import Workers
from elman.model.shipped import find_model

BLOCK = 65_536
"""Names that are normalised together, which bounds the memory of a long column."""


SHARE = 32_768
"""Names that a worker process is handed at a time, at most."""


TOO_UNSURE = "unsure: no label reaches the probability {limit:g}"


class Predictor:
    """Answers with one model.

    What it is handed depends on what the model reads: strings; paths of pictures; or numbers as ``"1.5,2"``. What it
    answers with depends on the model too, and stands in the `Prediction`: a label; a string of tags, one for each
    symbol read, whose probability is that of all of them being right; or a number.

    Args:
        artifact: the model.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self._workers: Workers | None = None

    @property
    def name(self) -> str:
        """What its predictions call the model."""
        return self.artifact.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The answers that it can give."""
        return self.artifact.labels.names

    @overload
    def predict(  # type: ignore[overload-overlap]  # a string is an iterable of strings too; it comes first
        self, names: str | None, *, top: int = ..., abstain_below: float = ...
    ) -> Prediction: ...

    @overload
    def predict(
        self, names: Iterable[str | None], *, top: int = ..., abstain_below: float = ...
    ) -> list[Prediction]: ...

    def predict(
        self, names: str | Iterable[str | None] | None, *, top: int = 3, abstain_below: float = 0.0
    ) -> Prediction | list[Prediction]:
        """Answer for one string or for many.

        Args:
            names: a string, or any iterable of strings; None stands for a missing one.
            top: how many labels to list, at least 1; all where there are fewer.
            abstain_below: abstain where the best label's probability is lower, 0 to 1.

        Returns:
            One `Prediction`, or a list of the same length and order as ``names``.

        Raises:
            SettingError: ``top`` or ``abstain_below`` cannot work, or something is not a string.
        """
        _check_asked(top, abstain_below)
        if names is None or isinstance(names, str):
            return self._predict_all([names], top, abstain_below)[0]
        return self._predict_all(_listed(names), top, abstain_below)

    def predict_columns(
        self,
        names: Iterable[str | None],
        *,
        top: int = 3,
        abstain_below: float = 0.0,
        threads: int | None = None,
        processes: int = 1,
    ) -> PredictionColumns:
        """Answer for many strings in columns, for tables: the same answers as `predict`, faster and in less memory.

        Args:
            names: any iterable of strings; None stands for a missing one.
            top: as in `predict`.
            abstain_below: as in `predict`.
            threads: as in `elman.scoring.scorer.Scorer.logits`.
            processes: more than 1: so many processes share the work instead. They start with the first such call,
                which takes some tenths of a second, and stay until `close`.

        Raises:
            SettingError: as `predict`; or the model answers with something else than a label, or reads no strings.
            WorkerError: one of the processes failed.

        >>> columns = load("languages").predict_columns(["Nakamura", ""], top=1)
        >>> columns[0][0], columns[1]
        ('Japanese', (None, None, 'blank: there is nothing to read'))
        """
        self.check_columns(top=top, abstain_below=abstain_below)
        listed = _listed(names)
        if processes == 1:
            return self._columns(listed, top, abstain_below, threads)
        from concurrent.futures import ThreadPoolExecutor  # the first answer need not pay for what many strings need

        workers, shares = self.workers(processes), max(1, -(-len(listed) // SHARE))
        shares = -(-shares // processes) * processes  # equal shares, as many as keep all busy to the end
        bounds = np.linspace(0, len(listed), shares + 1).astype(int).tolist()

        def answered(bound: tuple[int, int]) -> PredictionColumns:
            return workers.predict_columns(listed[slice(*bound)], top=top, abstain_below=abstain_below)

        with ThreadPoolExecutor(processes) as pool:
            return _joined_columns(list(pool.map(answered, pairwise(bounds))))

    def workers(self, count: int) -> "Workers":
        """Return so many processes that answer with this model, the same from call to call, until `close`.

        Raises:
            SettingError: count is no whole number of at least 1.
            WorkerError: one of them did not start.
        """
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise SettingError(f"processes must be a whole number of at least 1; got {count!r}")
        from elman.prediction.pool import Workers

        if self._workers is None or self._workers.count != count or self._workers.closed:
            self.close()
            self._workers = Workers(self.artifact, count)
        return self._workers

    def close(self) -> None:
        """End the processes that share the work, if there are any; the next call that wants them starts others."""
        if self._workers is not None:
            self._workers.close()
        self._workers = None

    def check_columns(self, *, top: int = 3, abstain_below: float = 0.0) -> None:
        """Check that `predict_columns` can answer as asked.

        Raises:
            SettingError: as `predict_columns`.
        """
        if self.artifact.answers != "label" or not isinstance(self.reader, StringReader):
            raise SettingError(f"{self.name} does not read strings and answer with a label: use predict")
        _check_asked(top, abstain_below)

    def _columns(
        self, listed: Sequence[str | None], top: int, abstain_below: float, threads: int | None
    ) -> PredictionColumns:
        reader = self.reader
        assert isinstance(reader, StringReader)
        reasons = [MISSING]
        parts: list[EncodedStrings] = []
        reason_ids = np.full(len(listed), -1, np.int8)
        for start in range(0, len(listed), BLOCK):
            block = listed[start : start + BLOCK]
            _, strings, why = reader.encoded([name or "" for name in block])
            for position, reason in enumerate(why):
                if reason is not None:
                    reason = MISSING if block[position] is None else reason
                    reasons += [] if reason in reasons else [reason]
                    reason_ids[start + position] = reasons.index(reason)
            parts.append(strings.select(np.flatnonzero(reason_ids[start : start + BLOCK] < 0)))
        read = np.flatnonzero(reason_ids < 0)
        strings = _joined(parts)
        parts.clear()  # a long column is not held twice while it is scored
        labels, chances = self.scorer.best(strings, top=top, temperature=self.artifact.temperature, threads=threads)
        best = np.full((len(listed), min(top, len(self.labels))), -1, np.int32)
        probabilities = np.full(best.shape, np.nan)
        best[read], probabilities[read] = labels, chances
        reasons.append(TOO_UNSURE.format(limit=abstain_below))
        reason_ids[read[chances[:, 0] < abstain_below]] = len(reasons) - 1
        return PredictionColumns(self.labels, best, probabilities, reason_ids, tuple(reasons), self.name)

    def probabilities(self, normalised: Sequence[str]) -> NDArray[np.float64]:
        """Return the calibrated probabilities of normalised, readable strings: (len(normalised), C), float64."""
        return softmax(self.logits(normalised), self.artifact.temperature)

    def logits(self, normalised: Sequence[str]) -> NDArray[np.float32]:
        """Return what the network says before calibration: (len(normalised), C), float32."""
        return self.scorer.logits(self.artifact.vocabulary.encode_all(normalised))

    def abstention(self, normalised: str) -> str | None:
        """Return why the model would not read this normalised string; None where it reads it."""
        return StringReader(self.artifact).abstention(normalised)

    @cached_property
    def reader(self) -> Reader:
        """What turns what the model is handed into what its network reads."""
        return reader_of(self.artifact)

    @cached_property
    def scorer(self) -> Scorer:
        """The forward pass, for those who hold encoded sequences."""
        return Scorer(self.artifact.config, self.artifact.tensors)

    def _predict_all(self, names: Sequence[str | None], top: int, abstain_below: float) -> list[Prediction]:
        distinct = [name for name in dict.fromkeys(names) if name is not None]
        reads = dict(zip(distinct, self.reader.read_all(distinct), strict=True))
        readable = {read.key: read.numbers for read in reads.values() if read.numbers is not None}
        best = dict(zip(readable, self._best(list(readable.values()), top), strict=True))
        answers = {
            name: self._answer(name, read, *best.get(read.key, ((), None)), abstain_below)
            for name, read in reads.items()
        }
        missing = Prediction("", None, None, (), "", (), "None", False, MISSING, self.name)
        return [missing if name is None else answers[name] for name in names]

    def _best(self, sequences: Sequence[NDArray[Any]], top: int) -> list[tuple[tuple[Candidate, ...], float | None]]:
        """Return for each sequence the most likely answers, best first, and the number where it is one."""
        if not sequences:
            return []
        if self.artifact.answers == "number":
            return [((), float(value)) for value in self.scorer.logits(sequences)[:, 0]]
        if self.artifact.answers == "tags":
            return [((self._tagged(logits),), None) for logits in self.scorer.logits_of_steps(sequences)]
        labels, chances = self.scorer.best(sequences, top=top, temperature=self.artifact.temperature)
        return [
            (tuple(Candidate(self.labels[label], chance) for label, chance in zip(*row, strict=True)), None)
            for row in zip(labels.tolist(), chances.tolist(), strict=True)
        ]

    def _tagged(self, logits: NDArray[np.float32]) -> Candidate:
        """Return the most likely tag of each step as one string, from logits (T, C)."""
        probabilities = softmax(logits, self.artifact.temperature)
        tags = "".join(self.labels[label] for label in probabilities.argmax(axis=1))
        return Candidate(tags, float(probabilities.max(axis=1).prod()))

    def _answer(
        self, name: str, read: Read, candidates: tuple[Candidate, ...], value: float | None, abstain_below: float
    ) -> Prediction:
        reason = read.reason
        if candidates and candidates[0].probability < abstain_below:
            reason = TOO_UNSURE.format(limit=abstain_below)
        answered = candidates and not reason
        return Prediction(
            name=name,
            label=candidates[0].label if answered else None,
            probability=candidates[0].probability if answered else None,
            top=candidates,
            normalised=read.normalised,
            unknown=read.unknown,
            script=read.script,
            transliterated=read.transliterated,
            reason=reason,
            model=self.name,
            value=value,
        )


def _check_asked(top: int, abstain_below: float) -> None:
    if not isinstance(top, int) or isinstance(top, bool) or top < 1:
        raise SettingError(f"top must be a whole number of at least 1; got {top!r}")
    if not isinstance(abstain_below, int | float) or not 0 <= abstain_below <= 1:
        raise SettingError(f"abstain_below must lie between 0 and 1; got {abstain_below!r}")


def _listed(names: Iterable[str | None]) -> list[str | None]:
    """Return names as a list of strings and None."""
    if not isinstance(names, Iterable) or isinstance(names, bytes | str):
        raise SettingError(f"names must be a string or many of them; got {type(names).__name__}")
    listed = list(names)
    for position, name in enumerate(listed):
        if name is not None and not isinstance(name, str):
            raise SettingError(f"each name must be a string; got {type(name).__name__} at position {position}")
    return listed


def _joined(parts: Sequence[EncodedStrings]) -> EncodedStrings:
    if not parts:
        return EncodedStrings.gather([])
    return EncodedStrings(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("ids", "lengths")))


def _joined_columns(parts: Sequence[PredictionColumns]) -> PredictionColumns:
    """Return the columns of several lists of names as those of one."""
    reasons = tuple(dict.fromkeys(reason for part in parts for reason in part.reasons))
    ids = [np.array([*map(reasons.index, part.reasons), -1], np.int8)[part.reason_ids] for part in parts]
    best, probabilities = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("best", "probabilities")
    )
    return PredictionColumns(parts[0].labels, best, probabilities, np.concatenate(ids), reasons, parts[0].model)


def load(model: str | Path = "languages") -> Predictor:
    """Return a predictor for a shipped model, by name, or for a model file, by path.

    Raises:
        NotAModelError: there is no such name or file, or the file is of another kind.
        DamagedModelError, NewerModelError: as `elman.model.file.load_artifact`.

    >>> load("languages").predict("Nakamura").label
    'Japanese'
    """
    return Predictor(load_artifact(find_model(model)))
