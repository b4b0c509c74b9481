"""Pronouncer: names to their pronunciations in ARPAbet and IPA, with a model of pairs that writes ARPAbet.

The model reads one word at a time. A name of several words is split at blanks and hyphens; its pronunciations are
those of its words, one after the other, the likeliest combinations first. As for other models, a name of more than 200
characters is too long to read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from elman.checks import shown
from elman.errors import DataError, SettingError
from elman.prediction.inputs import BLANK, MISSING, TOO_LONG
from elman.prediction.names import list_names
from elman.prediction.options import BEAM
from elman.prediction.transcriber import Transcriber, check_search
from elman.records import Candidate, Prediction
from elman.text.normalisation import LONGEST, Normalisation, is_too_long
from elman.text.phonemes import to_ipa

LATIN = Normalisation(lower_case=False)
"""Names in other scripts are read in Latin letters."""

BETWEEN_WORDS = str.maketrans("-", " ")

Word = tuple[str, str | None]
"""A word, and the label of its name."""


@dataclass(frozen=True)
class Pronunciation:
    """One way to say a name.

    Args:
        arpabet: its phonemes in ARPAbet, with blanks between them.
        ipa: the same in the International Phonetic Alphabet, with blanks between words.
        probability: of the whole, 0 to 1.
    """

    arpabet: str
    ipa: str
    probability: float


@dataclass(frozen=True)
class SpokenName:
    """A name and how it is said.

    Args:
        name: as it was given.
        top: its pronunciations, the likeliest first; empty without an answer.
        reason: why it has no pronunciation; None if it has one.
        model: the name of the model.
    """

    name: str
    top: tuple[Pronunciation, ...]
    reason: str | None
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values for JSON."""
        top = [{"arpabet": one.arpabet, "ipa": one.ipa, "probability": one.probability} for one in self.top]
        return {"name": self.name, "top": top, "reason": self.reason, "model": self.model}


def pronounce(
    transcriber: Transcriber,
    names: Iterable[str | bytes | None],
    *,
    top: int = 1,
    beam: int = BEAM,
    labels: Sequence[str | None] | None = None,
) -> list[SpokenName]:
    """Return how names are said, in the same order.

    Args:
        transcriber: a model that writes ARPAbet.
        names: as `Transcriber.predict` takes strings.
        top: pronunciations of each.
        beam: as in `Transcriber.predict`.
        labels: the label of each name, for models with labels.

    Raises:
        SettingError: the model writes something else, there is not one label for each name, or as
            `Transcriber.predict`.
    """
    check_phonemes(transcriber)
    check_search(top, beam)
    listed = list_names(names)
    told = [None] * len(listed) if labels is None else list(labels)
    if len(told) != len(listed):
        raise SettingError(f"expected one label for each name; got {len(told)} for {len(listed)}")
    parts = pronounce_parts(transcriber, listed, told, top=top, beam=beam, size=max(1, len(listed)))
    return list(chain.from_iterable(parts))


def pronounce_parts(
    transcriber: Transcriber,
    names: Sequence[str | None],
    labels: Sequence[str | None],
    *,
    top: int,
    beam: int,
    size: int,
) -> Iterator[list[SpokenName]]:
    """Yield what `pronounce` returns, in parts between which a caller can stop.

    Args:
        transcriber: it writes ARPAbet.
        names: None for a missing one.
        labels: the label of each; None for none.
        top: as in `pronounce`.
        beam: likewise.
        size: the most names that a part has, and the most words that the model reads for it. A part that only reads
            words is empty.
    """
    answers: dict[Word, Prediction] = {}
    for start in range(0, len(names), size):
        some, told = names[start : start + size], labels[start : start + size]
        split = [_split_words(name) for name in some]
        words = dict.fromkeys((word, label) for (own, _), label in zip(split, told, strict=True) for word in own)
        unread = [word for word in words if word not in answers]
        for first in range(0, len(unread), size):
            part = unread[first : first + size]
            found = transcriber.answer_all([w for w, _ in part], top=top, beam=beam, labels=[own for _, own in part])
            answers.update(zip(part, found, strict=True))
            yield []
        yield [
            _say(name or "", [(word, label) for word in own], reason, answers, top, transcriber.name)
            for name, (own, reason), label in zip(some, split, told, strict=True)
        ]


def writes_phonemes(transcriber: Transcriber) -> bool:
    """Return whether a model writes ARPAbet, and nothing else."""
    return _find_other_symbol(transcriber) is None


def check_phonemes(transcriber: Transcriber) -> None:
    """Check that a model writes ARPAbet.

    Raises:
        SettingError: it writes other symbols.
    """
    other = _find_other_symbol(transcriber)
    if other is not None:
        raise SettingError(
            f"{shown(transcriber.name)} writes {shown(repr(other))}, which is no symbol of ARPAbet; give a model "
            "of pronunciations with --model, or use `elman predict`"
        )


def _find_other_symbol(transcriber: Transcriber) -> str | None:
    """Return the first symbol of a model that is no symbol of ARPAbet; None if all are."""
    for symbol in transcriber.artifact.targets.symbols:
        try:
            to_ipa([symbol])
        except DataError:
            return symbol
    return None


def _split_words(name: str | None) -> tuple[list[str], str | None]:
    """Return the words of a name in Latin letters, and the reason if there are none."""
    if name is None:
        return [], MISSING
    text = None if is_too_long(name) else LATIN.apply(name)
    if text is None or len(text) > LONGEST:
        return [], TOO_LONG.format(limit=LONGEST)
    words = text.translate(BETWEEN_WORDS).split()
    return words, None if words else BLANK


def _say(
    name: str, words: Sequence[Word], reason: str | None, answers: Mapping[Word, Prediction], top: int, model: str
) -> SpokenName:
    """Return how a name is said, from the answers to its words, or why it has no pronunciation."""
    parts = [answers[word] for word in words]
    reason = reason or next((part.reason for part in parts if part.reason), None)
    return SpokenName(name, () if reason else _combine([part.top for part in parts], top), reason, model)


class _Beginning(NamedTuple):
    """The first words of a name, each in one of its pronunciations."""

    probability: float
    last: Candidate | None = None
    before: "_Beginning | None" = None

    def list_words(self) -> list[str]:
        """Return the pronunciations of its words, in order."""
        words, place = list[str](), self
        while place.last is not None and place.before is not None:
            words.append(place.last.label)
            place = place.before
        return words[::-1]


def _combine(parts: Sequence[Sequence[Candidate]], top: int) -> tuple[Pronunciation, ...]:
    """Return the likeliest pronunciations of words that follow each other.

    Only the likeliest of each beginning can be in those of the whole. Both the beginnings and the pronunciations of a
    word are sorted. So the pair of places i and j, from 1, is no better than the other i·j - 1 pairs up to these
    places, and only pairs with i·j ≤ ``top`` are compared.
    """
    found = [_Beginning(1.0)]
    for part in parts:
        longer = [
            _Beginning(start.probability * one.probability, one, start)
            for place, start in enumerate(found, start=1)
            for one in part[: top // place]
        ]
        found = sorted(longer, key=attrgetter("probability"), reverse=True)[:top]
    spoken = [(one.list_words(), one.probability) for one in found]
    ipa = {word: to_ipa(word) for word in dict.fromkeys(chain.from_iterable(words for words, _ in spoken))}
    return tuple(
        Pronunciation(" ".join(words), " ".join(ipa[word] for word in words), probability)
        for words, probability in spoken
    )
