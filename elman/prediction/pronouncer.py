"""Pronouncer: names to their pronunciations in ARPAbet and IPA, with a model of pairs that writes ARPAbet.

The model reads one word at a time. A name of several words is split at blanks and hyphens; its pronunciations are
those of its words, one after the other, the likeliest combinations first.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from elman.checks import shown
from elman.errors import DataError, SettingError
from elman.prediction.inputs import BLANK, MISSING
from elman.prediction.names import list_names
from elman.prediction.options import BEAM
from elman.prediction.transcriber import Transcriber
from elman.records import Candidate
from elman.text.normalisation import Normalisation
from elman.text.phonemes import to_ipa

LATIN = Normalisation(lower_case=False)
"""Names in other scripts are read in Latin letters."""

BETWEEN_WORDS = str.maketrans("-", " ")


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
        top: its pronunciations, the likeliest first; empty if there is none.
        reason: why there is none; None if there is one.
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
        SettingError: the model writes something else, or as `Transcriber.predict`.
    """
    check_phonemes(transcriber)
    listed = list_names(names)
    told = [None] * len(listed) if labels is None else list(labels)
    words = [[] if name is None else LATIN.apply(name).translate(BETWEEN_WORDS).split() for name in listed]
    pairs = list(dict.fromkeys((word, label) for some, label in zip(words, told, strict=True) for word in some))
    found = transcriber.answer_all([word for word, _ in pairs], top=top, beam=beam, labels=[one for _, one in pairs])
    answers = dict(zip(pairs, found, strict=True))
    spoken = []
    for name, some, label in zip(listed, words, told, strict=True):
        parts = [answers[word, label] for word in some]
        reason = MISSING if name is None else BLANK if not parts else next((p.reason for p in parts if p.reason), None)
        best = () if reason else _combine([part.top for part in parts], top)
        spoken.append(SpokenName(name or "", best, reason, transcriber.name))
    return spoken


def check_phonemes(transcriber: Transcriber) -> None:
    """Check that a model writes ARPAbet.

    Raises:
        SettingError: it writes other symbols.
    """
    for symbol in transcriber.artifact.targets.symbols:
        try:
            to_ipa([symbol])
        except DataError:
            raise SettingError(
                f"{shown(transcriber.name)} writes {shown(repr(symbol))}, which is no symbol of ARPAbet; give a model "
                "of pronunciations with --model, or use `elman predict`"
            ) from None


def _combine(parts: Sequence[Sequence[Candidate]], top: int) -> tuple[Pronunciation, ...]:
    """Return the likeliest pronunciations of words that follow each other."""
    found: list[tuple[Candidate, ...]] = [()]
    for part in parts:  # only the best of each beginning can be in the best of the whole
        longer = ((*start, one) for start, one in product(found, part))
        found = heapq.nlargest(top, longer, key=lambda words: prod(word.probability for word in words))
    return tuple(
        Pronunciation(
            " ".join(word.label for word in words),
            " ".join(to_ipa(word.label) for word in words),
            prod(word.probability for word in words),
        )
        for words in found
    )
