"""Prediction: strings (or pictures, or numbers) to `Prediction` records, from one model file, with numpy alone.

Python, the command line and the service all use this one runtime.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from elman.checks import check_whole, shown
from elman.errors import SettingError
from elman.model.file import Artifact, load_artifact
from elman.model.prior import Prior
from elman.model.shipped import DEFAULT_MODEL, find_model, find_origin
from elman.prediction.columns import TOO_UNSURE, answer_columns, share_columns
from elman.prediction.inputs import MISSING, NOT_FINITE, Input, InputReader, StringReader, choose_reader
from elman.prediction.names import is_one_name, list_names, read_column, read_name
from elman.prediction.options import AnswerOptions
from elman.prediction.publishing import Published
from elman.records import Candidate, Prediction, PredictionColumns
from elman.scoring.probabilities import softmax
from elman.scoring.scorer import Scorer

if TYPE_CHECKING:
    from elman.prediction.answers import Answerer
    from elman.prediction.explanation import Explanation
    from elman.prediction.pool import Pool


class AnswerSettings(TypedDict, total=False):
    """The options of `Predictor.predict`, for type checkers."""

    top: int
    abstain_below: float
    level: str | None
    prior: Prior | None
    coverage: float | None
    unfamiliar_below: float | None


class Predictor(Published):
    """Answers with one model.

    The model decides what an input is: a string; the path of a picture; or numbers as ``"1.5,2"``. It also decides what
    an answer is: a label; a string of tags, one for each symbol read, with the probability that all of them are right;
    or a number.

    Args:
        artifact: the model.
        origin: where it was read from: the path of a file, or ``hf://owner/name@commit``; None if it was
            made in memory.
    """

    artifact: Artifact

    def __init__(self, artifact: Artifact, origin: str | None = None) -> None:
        self.artifact, self.origin = artifact, origin
        self._pool: Pool | None = None
        self._answerer: tuple[AnswerOptions, Answerer] | None = None

    def __repr__(self) -> str:
        """Return the name of the model and its kind."""
        return f"<Predictor {shown(self.name)!r}: {self.artifact.kind}>"

    def _repr_html_(self) -> str:
        """Return the model as a notebook shows it: its kind, its size, its data, its scores and its labels."""
        from elman.prediction.facts import render_model

        return render_model(self.artifact)

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
        self, names: str | bytes | None, **options: Unpack[AnswerSettings]
    ) -> Prediction: ...

    @overload
    def predict(self, names: Iterable[str | bytes | None], **options: Unpack[AnswerSettings]) -> list[Prediction]: ...

    def predict(
        self,
        names: str | bytes | Iterable[str | bytes | None] | None,
        *,
        top: int = 3,
        abstain_below: float = 0.0,
        level: str | None = None,
        prior: Prior | None = None,
        coverage: float | None = None,
        unfamiliar_below: float | None = None,
    ) -> Prediction | list[Prediction]:
        """Answer for one string or for many.

        Args:
            names: a string; or a list or another iterable of strings, or a column of pandas, polars, Arrow or numpy. A
                missing value (None, NaN, a null) is a missing name, and bytes are read as UTF-8.
            top: how many labels to list, at least 1; all if there are fewer.
            abstain_below: abstain if the best label's probability is lower, 0 to 1.
            level: the level of the labels to answer at, such as ``region``; ``auto`` for the finest one whose best
                answer has a probability of ``abstain_below``, or of a half if that is 0; None for the labels.
            prior: ``uniform``, ``balanced``, or a mapping from labels to their shares in the population that the names
                come from; None or ``model`` for the shares that the model assumes.
            coverage: give each answer a set of labels among which the right one is with this probability: 0.8, 0.9 or
                0.95; None for no sets.
            unfamiliar_below: abstain for names that are less familiar than this, 0 to 1; None for the model's own
                threshold, if it has one. 0 never abstains.

        Returns:
            One `Prediction`, or a list of the same length and order as ``names``.

        Raises:
            SettingError: an option is invalid or the model has no such thing, a name is not a string, or ``names`` is
                a table.
        """
        options = AnswerOptions(top, abstain_below, level, prior, coverage, unfamiliar_below)
        if is_one_name(names):
            return self.answer_all([read_name(names)], options)[0]
        return self.answer_all(list_names(names), options)

    def answer_all(self, names: Sequence[str | None], options: AnswerOptions) -> list[Prediction]:
        """Answer as `predict` for many names, with the options in one record.

        Args:
            names: strings, or None for missing ones.
            options: what an answer says.

        Raises:
            SettingError: the model cannot answer so.
        """
        options.check(self.artifact)
        return self._predict_all(names, options)

    def predict_columns(
        self,
        names: Iterable[str | bytes | None],
        *,
        top: int = 3,
        abstain_below: float = 0.0,
        level: str | None = None,
        prior: Prior | None = None,
        coverage: float | None = None,
        unfamiliar_below: float | None = None,
        familiar: bool = False,
        every: bool = False,
        threads: int | None = None,
        processes: int = 1,
    ) -> PredictionColumns:
        """Answer for many strings in columns, for tables: the answers of `predict`, faster and in less memory.

        Args:
            names: a column, as in `predict`.
            top: as in `predict`.
            abstain_below: as in `predict`.
            level: as in `predict`.
            prior: as in `predict`.
            coverage: as in `predict`.
            unfamiliar_below: as in `predict`.
            familiar: say how familiar each name is, if the model measures it.
            every: keep the probability of every label, or of every group of the level.
            threads: as in `elman.scoring.scorer.Scorer.logits`.
            processes: if more than 1, so many worker processes share the work. They start with the first such call,
                which takes some tenths of a second, and stay until `close`.

        Raises:
            SettingError: as `predict`; or the model does not read strings, or does not answer with a label.
            WorkerError: one of the processes failed.

        >>> columns = load("languages").predict_columns(["Nakamura", ""], top=1)
        >>> columns[0][0], columns[1]
        ('Japanese', (None, None, 'blank: there is nothing to read'))
        """
        options = AnswerOptions(top, abstain_below, level, prior, coverage, unfamiliar_below, familiar, every)
        return self.answer_columns(read_column(names), options, threads=threads, processes=processes)

    def answer_columns(
        self,
        names: Sequence[str | None],
        options: AnswerOptions,
        *,
        threads: int | None = None,
        processes: int = 1,
    ) -> PredictionColumns:
        """Answer as `predict_columns`, with the options in one record.

        Args:
            names: strings, or None for missing ones.
            options: what an answer says.
            threads: as in `predict_columns`.
            processes: as in `predict_columns`.

        Raises:
            SettingError, WorkerError: as `predict_columns`.
        """
        self.check_columns(options)
        if processes != 1:
            return share_columns(self.workers(processes), names, options)
        reader = self.reader
        assert isinstance(reader, StringReader)
        return answer_columns(self.artifact, reader, self.scorer, names, options, threads=threads)

    def workers(self, count: int) -> "Pool":
        """Return a pool of worker processes that answer with this model: the same one from call to call, until `close`.

        Raises:
            SettingError: count is not a whole number of at least 1.
            WorkerError: a process did not start.
        """
        check_whole("processes", count, 1)
        from elman.prediction.pool import Pool

        if self._pool is None or self._pool.count != count or self._pool.closed:
            self.close()
            self._pool = Pool(self.artifact, count)
        return self._pool

    def close(self) -> None:
        """End the worker processes, if there are any; the next call that needs them starts others."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None

    def check_columns(self, options: AnswerOptions) -> None:
        """Check that `answer_columns` can answer with these options.

        Raises:
            SettingError: as `predict_columns`.
        """
        if self.artifact.kind.answers != "label" or not isinstance(self.reader, StringReader):
            raise SettingError(f"{self.name} does not read strings and answer with a label: use predict")
        options.check(self.artifact)

    def probabilities(self, names: Iterable[str | bytes | None]) -> NDArray[np.float64]:
        """Return the calibrated probability of every label for many strings, which are normalised as in `predict`.

        Args:
            names: a column, as in `predict`.

        Returns:
            (N, C), float64; the columns are in the order of `labels`. The row of a string for which `predict` abstains
            is NaN.

        Raises:
            SettingError: as `predict`; it is a single string; or the model does not read strings, or does not answer
                with a label.

        >>> load("languages").probabilities(["Nakamura", ""]).shape
        (2, 18)
        """
        listed = list_names(names)
        if self.artifact.kind.answers != "label" or not isinstance(self.reader, StringReader):
            raise SettingError(f"{self.name} does not read strings and answer with a label: it has no probabilities")
        columns = self.answer_columns(listed, AnswerOptions(top=1, every=True))
        assert columns.every is not None
        columns.every[columns.reason_ids >= 0] = np.nan
        return columns.every

    def explain(self, name: str | bytes | None, *, label: str | None = None, level: str | None = None) -> "Explanation":
        """Explain the answer for one string: how it changes while the string is read, and what each letter adds.

        Args:
            name: the string, as in `predict`.
            label: the label to explain, or the group of labels at the level; the model's answer if None.
            level: of the label, such as ``region``, or ``auto``, as in `predict`; None for the labels.

        Raises:
            SettingError: the model is of another kind, it cannot read the string, or it has no such level or label.

        >>> load("languages").explain("Nakamura").label
        'Japanese'
        """
        from elman.prediction.explanation import explain

        return explain(self, name, label=label, level=level)

    def logits(self, normalised: Sequence[str]) -> NDArray[np.float32]:
        """Return the logits of normalised, readable strings, before calibration: (len(normalised), C), float32.

        Raises:
            SettingError: it is a single string.
        """
        if isinstance(normalised, str):
            raise SettingError("names must be a list of normalised strings; got str: give [name]")
        return self.scorer.logits(self.artifact.vocabulary.encode_all(normalised))

    def abstention(self, normalised: str) -> str | None:
        """Return why the model would not read this normalised string; None if it reads it."""
        return StringReader(self.artifact).abstention(normalised)

    def abstentions(self, normalised: Sequence[str]) -> list[str | None]:
        """Return for each of the normalised strings what `abstention` returns."""
        return StringReader(self.artifact).abstentions(normalised)

    @cached_property
    def reader(self) -> InputReader:
        """The reader of the model's kind of input."""
        return choose_reader(self.artifact)

    @cached_property
    def scorer(self) -> Scorer:
        """The forward pass, for sequences that are encoded already."""
        return Scorer(self.artifact.config, self.artifact.tensors)

    def _predict_all(self, names: Sequence[str | None], options: AnswerOptions) -> list[Prediction]:
        distinct = [name for name in dict.fromkeys(names) if name is not None]
        if len(distinct) == len(names) == 1:  # as below, in less time
            one = self.reader.read(distinct[0])
            (answer,) = (_NOTHING,) if one.numbers is None else self._answer([one.numbers], options)
            return [self._build_prediction(distinct[0], one, answer, options)]
        inputs = self.reader.read_all(distinct)
        readable = {one.key: one.numbers for one in inputs if one.numbers is not None}
        found = dict(zip(readable, self._answer(list(readable.values()), options), strict=True))
        answers: dict[str | None, Prediction] = {
            name: self._build_prediction(name, one, found.get(one.key, _NOTHING), options)
            for name, one in zip(distinct, inputs, strict=True)
        }
        if None in names:
            answers[None] = Prediction("", None, None, (), "", (), "None", False, MISSING, self.name)
        return [answers[name] for name in names]

    def _answer(self, sequences: list[NDArray[Any]], options: AnswerOptions) -> Iterable["_Found"]:
        """Return what the model answers to each sequence."""
        if not sequences:
            return []
        if self.artifact.kind.answers == "number":
            return [_Found(value=float(value)) for value in self.scorer.logits(sequences)[:, 0]]
        if self.artifact.kind.answers == "tags":
            return [_Found((self._build_tags(logits),)) for logits in self.scorer.logits_of_steps(sequences)]
        if not options.is_plain or self.artifact.levels is not None or self.artifact.familiarity is not None:
            return self._answer_all(sequences, options)
        artifact = self.artifact
        labels, chances = self.scorer.best(
            sequences, top=options.top, temperature=artifact.temperature, floor=artifact.floor
        )
        rows = zip(labels.tolist(), chances.tolist(), strict=True)
        return [_Found(_list_candidates(self.labels, *row)) for row in rows]

    def _answer_all(self, sequences: list[NDArray[Any]], options: AnswerOptions) -> Iterator["_Found"]:
        """Yield what a model of labels answers, with levels and sets."""
        answerer = self._find_answerer(options)
        names, levels = answerer.names, answerer.levels if self.artifact.levels is not None else ()
        for level, ranked, members, familiar in answerer.answer_each(self.scorer, sequences):
            tops = [_list_candidates(names, ids, chances) for ids, chances in ranked]
            of_levels = dict(zip(levels, tops, strict=True)) if levels else None
            of_set = None if members is None else tuple([names[one] for one in members])
            yield _Found(tops[level], None, levels[level] if levels else None, of_levels, of_set, familiar)

    def _find_answerer(self, options: AnswerOptions) -> "Answerer":
        """Return what answers as some options ask; the last one is kept, because calls are often alike."""
        from elman.prediction.answers import Answerer  # imported late: the first answer does without it

        known = self._answerer
        if known is None or known[0] != options:
            familiar = replace(options, familiar=self.artifact.familiarity is not None)
            known = self._answerer = options, Answerer(self.artifact, familiar, all_levels=True)
        return known[1]

    def _build_tags(self, logits: NDArray[np.float32]) -> Candidate:
        """Return the most likely tag of each step as one string, from logits (T, C)."""
        probabilities = softmax(logits, self.artifact.temperature)
        tags = "".join(self.labels[label] for label in probabilities.argmax(axis=1))
        return Candidate(tags, float(probabilities.max(axis=1).prod()))

    def _build_prediction(self, name: str, one: Input, found: "_Found", options: AnswerOptions) -> Prediction:
        reason, top, measure = one.reason, found.top, self.artifact.familiarity
        if not math.isfinite(top[0].probability if top else found.value or 0.0):
            reason, found, top = NOT_FINITE, _NOTHING, ()
        elif measure is not None and found.familiar is not None and found.familiar < options.limit(self.artifact):
            reason = measure.reason
        elif top and top[0].probability < options.abstain_below:
            reason = TOO_UNSURE.format(limit=options.abstain_below)
        is_answered = top and not reason
        return Prediction(
            name=name,
            label=top[0].label if is_answered else None,
            probability=top[0].probability if is_answered else None,
            top=top,
            normalised=one.normalised,
            unknown=one.unknown,
            script=one.script,
            transliterated=one.transliterated,
            reason=reason,
            model=self.name,
            value=found.value,
            level=found.level,
            levels=found.levels,
            set=found.members,
            familiar=found.familiar,
        )


class _Found(NamedTuple):
    """What a model answers to one input; see the fields of `Prediction`."""

    top: tuple[Candidate, ...] = ()
    value: float | None = None
    level: str | None = None
    levels: dict[str, tuple[Candidate, ...]] | None = None
    members: tuple[str, ...] | None = None
    familiar: float | None = None


_NOTHING = _Found()


def _list_candidates(names: Sequence[str], ids: list[int], chances: list[float]) -> tuple[Candidate, ...]:
    return tuple([Candidate(names[one], chance) for one, chance in zip(ids, chances, strict=True)])


def load(model: str | Path = DEFAULT_MODEL) -> Predictor:
    """Return a predictor for a shipped model, by name; a model file, by path; or a model on the Hugging Face Hub.

    Args:
        model: a name, a path, or an address, ``hf://owner/name`` or ``hf://owner/name@revision``. The predictor's
            ``origin`` says which commit an address led to. Without a network the cache of huggingface_hub is used.

    Raises:
        NotAModelError: no such model or file exists, or the file is of another kind.
        SettingError, HubError, MissingExtraError: the address is invalid, or the Hub cannot be used.
        DamagedModelError, NewerModelError: as `elman.model.file.load_artifact`.

    >>> load("languages").predict("Nakamura").label
    'Japanese'
    """
    file = find_model(model)
    return Predictor(load_artifact(file), find_origin(model, file))
