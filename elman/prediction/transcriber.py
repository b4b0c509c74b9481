"""Transcriber: strings to the strings that belong to them, such as names to their pronunciation, with numpy alone."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import overload

import numpy as np

from elman.checks import check_number, check_whole, count_of, shown, suggest
from elman.errors import DataError, SettingError
from elman.model.writer import Writer
from elman.prediction.alignment import END_MARK, Alignment
from elman.prediction.inputs import MISSING, Input, StringReader
from elman.prediction.names import is_one_name, list_names, read_name
from elman.prediction.options import BEAM
from elman.prediction.publishing import Published
from elman.records import UNKNOWN, Candidate, Prediction
from elman.scoring.decoder import NO_LABEL
from elman.scoring.transducer import TransducerScorer, Written
from elman.text.evidence import ALL

UNKNOWN_SYMBOL = "unknown symbol: the model has never read {symbols}"
ENDLESS = "no end: the model wrote {most} symbols, the most for such a string, and no end"

MOST_BEAM = 1000


def check_search(top: int, beam: int) -> None:
    """Check how many answers and hypotheses are asked for.

    Raises:
        SettingError: one of them is no whole number or out of range.
    """
    check_whole("top", top, 1)
    check_whole("beam", beam, 1, most=MOST_BEAM)


class Transcriber(Published):
    """Writes a string for each string that it reads, with one model.

    Args:
        writer: the model, of the kind ``pairs``.
        origin: where it was read from; see `elman.prediction.predictor.Predictor`.

    Raises:
        SettingError: the model does not read strings.
    """

    artifact: Writer

    def __init__(self, writer: Writer, origin: str | None = None) -> None:
        if writer.kind.reads != "strings":
            raise SettingError(f"{shown(writer.name)} reads no strings; {writer.kind.remedy}")
        self.artifact, self.origin = writer, origin

    def __repr__(self) -> str:
        """Return the name of the model and its kind."""
        return f"<Transcriber {shown(self.name)!r}: {self.artifact.kind}>"

    def _repr_html_(self) -> str:
        """Return the model as a notebook shows it: its kind, its size, its data and its scores."""
        from elman.prediction.facts import render_writer

        return render_writer(self.artifact)

    @property
    def name(self) -> str:
        """What its answers call the model."""
        return self.artifact.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it can be told; empty if it knows none."""
        return () if self.artifact.labels is None else self.artifact.labels.names

    @cached_property
    def reader(self) -> StringReader:
        """What reads strings: as training does."""
        writer = self.artifact
        return StringReader.of_parts(writer.normalisation, writer.sources, answers=writer.kind.answers, evidence=ALL)

    @cached_property
    def scorer(self) -> TransducerScorer:
        """The encoder and the decoder."""
        writer = self.artifact
        return TransducerScorer(writer.config, writer.tensors, writer.temperature, writer.longest)

    @overload
    def predict(  # type: ignore[overload-overlap]  # a string is an iterable of strings too; it comes first
        self,
        strings: str | bytes | None,
        *,
        top: int = 1,
        beam: int = BEAM,
        label: str | None = None,
        length_power: float = 0.0,
    ) -> Prediction: ...

    @overload
    def predict(
        self,
        strings: Iterable[str | bytes | None],
        *,
        top: int = 1,
        beam: int = BEAM,
        label: str | Sequence[str | None] | None = None,
        length_power: float = 0.0,
    ) -> list[Prediction]: ...

    def predict(
        self,
        strings: str | bytes | Iterable[str | bytes | None] | None,
        *,
        top: int = 1,
        beam: int = BEAM,
        label: str | Sequence[str | None] | None = None,
        length_power: float = 0.0,
    ) -> Prediction | list[Prediction]:
        """Write what belongs to one string or to many.

        Args:
            strings: as `elman.prediction.predictor.Predictor.predict` takes names.
            top: how many answers to list, at least 1.
            beam: how many hypotheses to keep at each step, at least 1 and at least ``top`` if that is above 1; 1 writes
                the likeliest symbol at each step.
            label: the label of all strings, or of each one, for a model that was trained with labels; None for none.
            length_power: answers are ranked by the logarithm of their probability over their length to this power, 0
                to 2: 0 ranks by probability, 1 by the mean of a symbol.

        Returns:
            One `Prediction`, or a list of the same length and order as ``strings``. Its ``label`` is the best answer,
            and its ``probability`` that of this whole answer.

        Raises:
            SettingError: an option is invalid, the model has no such label, or an input is not a string.
        """
        if is_one_name(strings):
            told = label if label is None else str(label)
            return self.answer_all([read_name(strings)], top=top, beam=beam, labels=[told], length_power=length_power)[
                0
            ]
        listed = list_names(strings)
        labels = [label] * len(listed) if label is None or isinstance(label, str) else list(label)
        return self.answer_all(listed, top=top, beam=beam, labels=labels, length_power=length_power)

    def explain(self, string: str | bytes | None, *, label: str | None = None, answer: str | None = None) -> Alignment:
        """Show where the model looks in a string while it writes each symbol of an answer.

        Args:
            string: as in `predict`.
            label: as in `predict`.
            answer: the answer to explain, of symbols that the model writes; its own if None.

        Raises:
            SettingError: the model has no attention or no such label, or it cannot read the string or write the answer.
        """
        if self.artifact.config.attention == "none":
            raise SettingError(f"{shown(self.name)} has no attention, so nothing shows where it looks")
        text = read_name(string)
        if text is None:
            raise SettingError(f"a missing string cannot be explained: {MISSING}")
        found = self.predict(text, label=label)
        one = self._refuse_unknown(self.reader.read(text))
        if one.numbers is None or (answer is None and found.label is None):
            raise SettingError(f"'{shown(text)}' cannot be explained, because there is no answer: {found.reason}")
        wanted, targets = str(found.label) if answer is None else answer, self.artifact.targets
        try:
            ids = targets.encode(wanted)
        except DataError as error:
            raise SettingError(f"the answer to explain cannot be written: {error}") from None
        told = self.find_label(label) if self.labels else None
        logs, weights = self.scorer.score(one.numbers, ids.tolist(), told)
        return Alignment(
            name=text,
            normalised=one.normalised,
            label=wanted,
            probability=float(np.exp(logs.sum())),
            symbols=(*targets.split(wanted), END_MARK),
            chances=tuple(np.exp(logs).tolist()),
            weights=tuple(map(tuple, weights.tolist())),
            model=self.name,
        )

    def close(self) -> None:
        """Do nothing: it has no worker processes."""

    def answer_all(
        self,
        strings: Sequence[str | None],
        *,
        top: int = 1,
        beam: int = BEAM,
        labels: Sequence[str | None] | None = None,
        length_power: float = 0.0,
    ) -> list[Prediction]:
        """Answer as `predict` for many strings, each with its label; None for a missing string or no label."""
        check_search(top, beam)
        check_number("length_power", length_power, least=0, most=2)
        told = [None] * len(strings) if labels is None else list(labels)
        if len(told) != len(strings):
            raise SettingError(f"expected one label for each string; got {len(told)} for {len(strings)}")
        ids = {label: self.find_label(label) for label in dict.fromkeys(told)}
        both = zip(strings, told, strict=True)
        distinct = list(dict.fromkeys((one, label) for one, label in both if one is not None))
        inputs = [self._refuse_unknown(one) for one in self.reader.read_all([string for string, _ in distinct])]
        keys = [(one.key, ids[label]) for one, (_, label) in zip(inputs, distinct, strict=True)]
        read = {key: one.numbers for key, one in zip(keys, inputs, strict=True) if one.numbers is not None}
        told_ids = [label for _, label in read] if self.labels else None
        written = self.scorer.write(
            list(read.values()), beam=max(beam, top), top=top, labels=told_ids, length_power=length_power
        )
        found = dict(zip(read, written, strict=True))
        answers = {
            pair: self._build_prediction(pair[0], one, found.get(key))
            for pair, one, key in zip(distinct, inputs, keys, strict=True)
        }
        missing = Prediction("", None, None, (), "", (), "None", False, MISSING, self.name)
        return [missing if one is None else answers[one, label] for one, label in zip(strings, told, strict=True)]

    def find_label(self, label: str | None) -> int:
        """Return the id of a label, `NO_LABEL` for None.

        Raises:
            SettingError: the model has no such label.
        """
        if label is None:
            return NO_LABEL
        if not self.labels:
            raise SettingError(f"{shown(self.name)} has no label {shown(repr(label))}; leave it out")
        if label not in self.labels:
            known = f"; it has {count_of(len(self.labels), 'label')}: {shown(', '.join(self.labels), 200)}"
            near = suggest(str(label), self.labels) or known
            raise SettingError(f"{shown(self.name)} has no label {shown(repr(label))}{near}")
        return self.labels.index(label) + 1

    def _refuse_unknown(self, one: Input) -> Input:
        """Return an input that is read only if the model knows all of its symbols: each of them has to be written."""
        if one.numbers is None or (one.numbers != UNKNOWN).all():
            return one
        reason = UNKNOWN_SYMBOL.format(symbols=shown(" ".join(one.unknown)))
        return replace(one, numbers=None, reason=reason)

    def _build_prediction(self, string: str, one: Input, written: Written | None) -> Prediction:
        top: tuple[Candidate, ...] = ()
        reason = one.reason
        if written is not None:
            decode = self.artifact.targets.decode
            top = tuple(
                Candidate(decode(symbols.tolist()), math.exp(score))
                for symbols, score in zip(written.symbols, written.scores, strict=True)
            )
            if not top:
                reason = ENDLESS.format(most=written.most)
        return Prediction(
            name=string,
            label=top[0].label if top else None,
            probability=top[0].probability if top else None,
            top=top,
            normalised=one.normalised,
            unknown=one.unknown,
            script=one.script,
            transliterated=one.transliterated,
            reason=reason,
            model=self.name,
        )
