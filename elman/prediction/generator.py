"""Generator: new strings from a model, and how probable it finds given ones, with numpy alone."""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np

from elman.checks import check_number, check_whole, count_of, shown, suggest
from elman.errors import DamagedModelError, SettingError
from elman.model.writer import Writer
from elman.prediction.inputs import BLANK, MISSING, TOO_LONG
from elman.prediction.names import is_one_name, list_names, read_name
from elman.prediction.publishing import Published
from elman.records import Likelihood, Sample
from elman.scoring.decoder import NO_LABEL, DecoderScorer, Drawn
from elman.text.normalisation import LONGEST, clean, is_too_long
from elman.text.targets import MARK

CANNOT_WRITE = "unknown symbol: the model cannot write {symbols}"
CUT = "cut: no end after {longest} symbols, the most that the model writes"

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 10.0
"""Below the first, only the likeliest symbol is ever drawn; above the second, nearly any is as likely as any other."""

MOST_SAMPLES = 1_000_000
"""The most strings of one call."""

MOST_ROUNDS = 50
"""How many times as many strings as asked for are written, at most, to find ones that were not in the training part."""

LARGEST_SEED = 2**63 - 1


class Generator(Published):
    """Writes new strings, and scores given ones, with one model.

    Args:
        writer: the model, of the kind ``generate``.
        origin: where it was read from; see `elman.prediction.predictor.Predictor`.

    Raises:
        SettingError: the model reads strings.
    """

    artifact: Writer

    def __init__(self, writer: Writer, origin: str | None = None) -> None:
        if writer.kind.reads != "labels":
            raise SettingError(f"{shown(writer.name)} {writer.kind}; {writer.kind.remedy}")
        self.artifact, self.origin = writer, origin

    def __repr__(self) -> str:
        """Return the name of the model and its kind."""
        return f"<Generator {shown(self.name)!r}: {self.artifact.kind}>"

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
        """What strings can be conditioned on; empty if it knows no labels."""
        return () if self.artifact.labels is None else self.artifact.labels.names

    @cached_property
    def scorer(self) -> DecoderScorer:
        """The decoder, for strings that are encoded already."""
        return DecoderScorer(self.artifact.config, self.artifact.tensors, self.artifact.temperature)

    def sample(
        self,
        label: str | None = None,
        *,
        count: int = 1,
        start: str = "",
        temperature: float = 1.0,
        seed: int | None = None,
        unseen: bool = False,
    ) -> list[Sample]:
        """Write new strings.

        Each symbol is drawn by its probability after those before it, so the strings are as varied as those that the
        model learned from, and one string can come twice. A string ends when its end is drawn, or when it has as many
        symbols as the model writes at most: then its ``reason`` says so.

        Args:
            label: what to condition the strings on; None: on nothing.
            count: how many, 1 to `MOST_SAMPLES`.
            start: what all of them begin with.
            temperature: 0.05 to 10; below 1 likely strings become likelier, above 1 strings become more unusual.
            seed: of the draw; the same seed gives the same strings. None: another draw each time.
            unseen: give only strings that were not in the training part. The model file has a filter of those, from
                which none of them can be read; see `elman.model.seen`. It never misses one, and takes about one new
                string in a hundred for one, which is then left out as well.

        Returns:
            So many samples, in the order in which they were drawn.

        Raises:
            SettingError: an option is invalid or the model has no such label, or too few strings are new.
            DamagedModelError: the numbers of the model are too large to compute with.

        >>> from elman.prediction.loading import load  # doctest: +SKIP
        >>> [str(one) for one in load("runs/names").sample(count=2, start="pap", seed=1)]  # doctest: +SKIP
        ['papson', 'papia']
        """
        rounds = self.sample_rounds(label, count=count, start=start, temperature=temperature, seed=seed, unseen=unseen)
        return [sample for samples in rounds for sample in samples]

    def sample_rounds(
        self,
        label: str | None = None,
        *,
        count: int = 1,
        start: str = "",
        temperature: float = 1.0,
        seed: int | None = None,
        unseen: bool = False,
    ) -> Iterator[list[Sample]]:
        """Yield the strings of `sample` in the rounds in which they are written: a caller can stop between them.

        There is one round, or with ``unseen`` at most `MOST_ROUNDS` of ``count`` strings each.

        Raises:
            SettingError, DamagedModelError: as in `sample`.
        """
        check_whole("count", count, 1, most=MOST_SAMPLES)
        check_number("temperature", temperature, least=LOWEST_TEMPERATURE, most=HIGHEST_TEMPERATURE)
        if seed is not None:
            check_whole("seed", seed, 0, most=LARGEST_SEED)
        begin, row = self.encode_start(start), self._find_row(label)
        if unseen and self.artifact.seen is None:
            raise SettingError(f"{shown(self.name)} has no filter of its training strings; leave unseen out")
        random, found, written = np.random.default_rng(seed), 0, 0
        while found < count and written < MOST_ROUNDS * count:
            drawn = self.scorer.sample(
                min(count, MOST_ROUNDS * count - written),
                random,
                label=row,
                begin=begin,
                temperature=temperature,
                longest=self.artifact.longest,
            )
            written += len(drawn)
            samples = [self._describe(one, label) for one in drawn]
            new = [one for one in samples if not (unseen and one.is_seen)][: count - found]
            found += len(new)
            yield new
        if found < count:
            raise SettingError(
                f"of {count_of(written, 'string')} only {found:,} were not in the training part; raise temperature, "
                "give another start, or lower count"
            )

    @overload
    def score(  # type: ignore[overload-overlap]  # a string is an iterable of strings too; it comes first
        self, names: str | bytes | None, *, label: str | None = None
    ) -> Likelihood: ...

    @overload
    def score(self, names: Iterable[str | bytes | None], *, label: str | None = None) -> list[Likelihood]: ...

    def score(
        self, names: str | bytes | Iterable[str | bytes | None] | None, *, label: str | None = None
    ) -> Likelihood | list[Likelihood]:
        """Return how probable strings are.

        Args:
            names: one or many, as `elman.prediction.predictor.Predictor.predict` takes them.
            label: what to condition them on; None: on nothing.

        Returns:
            One `Likelihood`, or a list of the same length and order as ``names``. A string that the model cannot write
            has a reason instead of a probability.

        Raises:
            SettingError: the model has no such label, or a name is not a string.
        """
        if is_one_name(names):
            return self.score_all([read_name(names)], label=label)[0]
        return self.score_all(list_names(names), label=label)

    def score_all(self, names: Sequence[str | None], *, label: str | None = None) -> list[Likelihood]:
        """Score as `score` for many strings; None for a missing one."""
        row, targets = self._find_row(label), self.artifact.targets
        read = [self._read(name) for name in names]
        known = [position for position, (_, _, reason) in enumerate(read) if reason is None]
        strings = [targets.encode(read[position][0]) for position in known]
        nats = dict(zip(known, self.scorer.score(strings, [row] * len(known)), strict=True))
        found = []
        for position, (name, (normalised, unknown, reason)) in enumerate(zip(names, read, strict=True)):
            own = nats.get(position)
            total = None if own is None else -_finite(float(own.sum()), self.name)
            symbols = 0 if own is None else len(own)
            found.append(Likelihood(name or "", label, total, symbols, normalised, unknown, reason, self.name))
        return found

    def list_next(self, before: str = "", *, label: str | None = None) -> dict[str, float]:
        """Return the probability of each symbol that can come after a beginning, most likely first.

        Args:
            before: what the string begins with.
            label: what to condition it on.

        Returns:
            By symbol; the empty string is the end. The probabilities sum to 1.

        Raises:
            SettingError: as in `sample`.
        """
        chances = self.scorer.likely_next(self.encode_start(before), self._find_row(label))
        _finite(float(chances.sum()), self.name)
        names = ["" if one == MARK else self.artifact.targets.symbols[one - 1] for one in range(len(chances))]
        return {names[one]: float(chances[one]) for one in np.argsort(-chances, kind="stable").tolist()}

    def is_seen(self, text: str) -> bool | None:
        """Return whether a string was probably in the training part; None if the model has no filter of that."""
        seen = self.artifact.seen
        return None if seen is None else seen_key(self.artifact.normalisation.apply(clean(text))) in seen

    def _read(self, name: str | None) -> tuple[str, tuple[str, ...], str | None]:
        """Return a string as the model reads it, its unknown symbols, and why it has no probability."""
        if name is None:
            return "", (), MISSING
        if is_too_long(name):
            return "", (), TOO_LONG.format(limit=LONGEST)
        normalised = self.artifact.normalisation.apply(clean(name))
        if not normalised:
            return normalised, (), BLANK
        if unknown := self.artifact.targets.unknown_in(normalised):
            return normalised, unknown, CANNOT_WRITE.format(symbols=shown(" ".join(unknown)))
        return normalised, (), None

    def encode_start(self, start: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        """Return the ids of what strings begin with, shape (symbols,); a blank at its end is kept.

        Raises:
            SettingError: it has a symbol that the model cannot write, or as many symbols as the model writes at most.
        """
        if not isinstance(start, str) or is_too_long(start):
            raise SettingError(f"start must be a string of at most {LONGEST} characters; got {shown(repr(start))}")
        begin = self.artifact.normalisation.apply(start)
        begin += " " if begin and start[-1:].isspace() else ""
        targets, longest = self.artifact.targets, self.artifact.longest
        if unknown := targets.unknown_in(begin):
            raise SettingError(
                f"the model cannot write {shown(repr(unknown[0]))}, which start has: it is not among the "
                f"{count_of(len(targets.symbols), 'symbol')} of its training part; give another start"
            )
        ids = targets.encode(begin)
        if len(ids) >= longest:
            raise SettingError(
                f"start must have fewer symbols than the {longest} that the model writes at most; got {len(ids)}"
            )
        return ids

    def _find_row(self, label: str | None) -> int:
        """Return the row of a label."""
        if label is None:
            return NO_LABEL
        if not self.labels:
            raise SettingError(f"{shown(self.name)} learned without labels; leave label out")
        if label not in self.labels:
            listed = shown(", ".join(self.labels), 300)
            near = suggest(str(label), self.labels) or f"; its labels are {listed}"
            raise SettingError(f"{shown(self.name)} has no label '{shown(str(label))}'{near}")
        return self.labels.index(label) + 1

    def _describe(self, drawn: Drawn, label: str | None) -> Sample:
        writer = self.artifact
        text, nats = writer.targets.decode(drawn.ids.tolist()), _finite(float(drawn.nats.sum()), self.name)
        reason = None if drawn.ended else CUT.format(longest=writer.longest)
        seen = None if writer.seen is None else seen_key(text) in writer.seen
        return Sample(text, label, -nats, len(drawn.nats), seen, reason, self.name)


def seen_key(text: str) -> str:
    """Return what the filter of training strings holds of a normalised string: its letters without their case."""
    return text.casefold()


def _finite(nats: float, model: str) -> float:
    """Return a number that the model has computed.

    Raises:
        DamagedModelError: it is infinite or NaN.
    """
    if not math.isfinite(nats):
        raise DamagedModelError(f"the numbers of the model {shown(model)} are too large to compute with; train again")
    return nats
