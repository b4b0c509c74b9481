"""Readers: what a user hands in, turned into the numbers that a network reads, with the reason where it cannot be.

One reader for each kind of input: strings, pictures, and named numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.errors import DataError, MissingExtraError
from elman.model.file import Artifact
from elman.records import UNKNOWN
from elman.text.encoded import EncodedStrings
from elman.text.normalisation import LONGEST, compose
from elman.text.scripts import has_letter, script_of

MISSING = "missing: there is no name"
BLANK = "blank: there is nothing to read"
NO_LETTERS = "no letters: there is nothing that the model can read"
NO_KNOWN_SYMBOL = "no known symbol: the model has never seen any of these characters"
TOO_LONG = "too long: more than {limit} characters is no name"


LONGEST_GIVEN = 4096
"""Characters of a string as it was given: normalising costs more than its length where many accents follow each other,
so longer ones are not even begun with. White space at the ends does not count."""

FEW = 16
"""Fewer strings than this are read one by one."""


@dataclass(frozen=True, slots=True)
class Read:
    """One input as a network reads it.

    Args:
        key: inputs with the same key are the same to the network.
        numbers: symbol ids, (T,), int64, or the numbers of each step, (T, I), float32; None where there is a reason.
        normalised: what is read, in words.
        reason: why it cannot be read; None where it can.
        unknown: the distinct symbols that the model does not know.
        script: of a string, as `elman.text.scripts.script_of` names it.
        transliterated: whether letters of another script were written in Latin letters.
    """

    key: str
    numbers: NDArray[Any] | None
    normalised: str
    reason: str | None = None
    unknown: tuple[str, ...] = ()
    script: str = "None"
    transliterated: bool = False


class Reader(Protocol):
    """Turns what a user hands in into what a network reads."""

    def read(self, given: str) -> Read:
        """Read one input.

        Raises:
            DataError: it is not of the kind that the model reads.
        """

    def read_all(self, given: Sequence[str]) -> list[Read]:
        """Read many inputs, as `read` does it one by one."""


class StringReader:
    """Reads strings: normalised, each symbol an id.

    Args:
        artifact: its normalisation and vocabulary.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.normalisation, self.vocabulary, self.answers = (
            artifact.normalisation,
            artifact.vocabulary,
            artifact.answers,
        )

    def read(self, given: str) -> Read:
        """Read one string; see `Reader.read`."""
        if len(given) > LONGEST_GIVEN and len(given := given.strip()) > LONGEST_GIVEN:
            script = script_of(compose(given[:LONGEST_GIVEN]))
            return Read(key="", numbers=None, normalised="", reason=TOO_LONG.format(limit=LONGEST), script=script)
        text, script, transliterated = self.normalisation.describe(given)
        reason = self.abstention(text)
        return Read(
            key=text,
            numbers=self.vocabulary.encode(text) if reason is None else None,
            normalised=text,
            reason=reason,
            unknown=self.vocabulary.unknown_in(text),
            script=script,
            transliterated=transliterated,
        )

    def read_all(self, given: Sequence[str]) -> list[Read]:
        """Read many strings; see `Reader.read_all`."""
        if len(given) < FEW:
            return [self.read(one) for one in given]
        if max(map(len, given)) > LONGEST_GIVEN:
            return [self.read(one) for one in given]
        described = self.normalisation.describe_all(given)
        strings, reasons = self._encode([text for text, _, _ in described])
        holds_unknown = _any_in_each(strings.ids == UNKNOWN, strings).tolist()  # of plain texts; others are looked at
        starts = strings.starts.tolist()
        return [
            Read(
                key=text,
                numbers=strings.ids[start : start + len(text)] if reason is None else None,
                normalised=text,
                reason=reason,
                unknown=self.vocabulary.unknown_in(text) if odd or not text.isascii() else (),
                script=script,
                transliterated=transliterated,
            )
            for (text, script, transliterated), start, odd, reason in zip(
                described, starts, holds_unknown, reasons, strict=True
            )
        ]

    def encoded(self, given: Sequence[str]) -> tuple[list[str], EncodedStrings, list[str | None]]:
        """Return many strings normalised and encoded, and why the model would not read them; None where it reads."""
        endless = {place for place, one in enumerate(given) if len(one) > LONGEST_GIVEN < len(one.strip())}
        texts = self.normalisation.apply_all(["" if place in endless else one for place, one in enumerate(given)])
        strings, reasons = self._encode(texts)
        for place in endless:
            reasons[place] = TOO_LONG.format(limit=LONGEST)
        return texts, strings, reasons

    def _encode(self, texts: Sequence[str]) -> tuple[EncodedStrings, list[str | None]]:
        """Return normalised texts encoded, and why the model does not read each; None if it does."""
        strings = self.vocabulary.encode_all(texts)
        is_read = _any_in_each(self._is_evidence[strings.ids], strings) & (strings.lengths <= LONGEST)
        return strings, [
            None if read else self.abstention(text) for read, text in zip(is_read.tolist(), texts, strict=True)
        ]

    def abstention(self, normalised: str) -> str | None:
        """Return why the model would not read this normalised string; None where it reads it."""
        if not normalised:
            return BLANK
        if len(normalised) > LONGEST:
            return TOO_LONG.format(limit=LONGEST)
        if self._is_evidence[self.vocabulary.encode(normalised)].any():
            return None
        return NO_KNOWN_SYMBOL if has_letter(normalised) else NO_LETTERS

    @cached_property
    def _is_evidence(self) -> NDArray[np.bool_]:
        """Which symbol ids an answer can rest on: for labels letters, where the vocabulary has any, else all of it."""
        symbols = self.vocabulary.symbols
        letters = np.array([False, *map(str.isalpha, symbols)])
        return letters if self.answers == "label" and letters.any() else np.arange(len(letters)) > UNKNOWN


def _any_in_each(truths: NDArray[np.bool_], strings: EncodedStrings) -> NDArray[np.bool_]:
    """Return whether anything is true of any symbol of each string, which may be empty, (N,)."""
    upto = np.concatenate([[0], np.cumsum(truths)])
    found: NDArray[np.bool_] = upto[strings.starts + strings.lengths] > upto[strings.starts]
    return found


class ImageReader:
    """Reads picture files, row by row, as grey values from 0 (paper) to 1 (ink).

    Args:
        artifact: its picture size.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.shape = artifact.picture

    def read(self, given: str) -> Read:
        """Read one picture file; dark ink on light paper is turned round. See `Reader.read`."""
        if not given.strip():
            return Read(key="", numbers=None, normalised="", reason=BLANK)
        try:
            from PIL import Image, UnidentifiedImageError
        except ImportError:
            raise MissingExtraError("reading pictures needs the package pillow: pip install 'elman[images]'") from None
        try:
            with Image.open(Path(given)) as picture:
                rows, columns = picture.height, picture.width
                if (rows, columns) != self.shape:
                    raise DataError(
                        f"{given}: expected a picture of {self.shape[1]} × {self.shape[0]} pixels, got "
                        f"{columns} × {rows}; scale it to that size"
                    )
                if picture.mode.startswith(("I", "F")):
                    raise DataError(f"{given}: holds more than 8 bits a pixel; save it as an 8-bit PNG")
                flat = Image.new("RGBA", picture.size, "white")
                flat.alpha_composite(picture.convert("RGBA"))
                grey = np.asarray(flat.convert("L"))
        except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
            raise DataError(f"{given}: is not a picture that can be read ({error}); give a PNG file") from None
        except OSError as error:
            raise DataError(f"{given}: cannot be read ({error.strerror or error}); give a PNG file") from None
        border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
        turned = float(np.median(border)) > 127
        pixels = (255 - grey if turned else grey).astype(np.float32) / 255
        how = "dark on light, turned round" if turned else "light on dark"
        return Read(key=given, numbers=pixels, normalised=f"{columns} × {rows} pixels, {how}")

    def read_all(self, given: Sequence[str]) -> list[Read]:
        """Read many inputs; see `Reader.read_all`."""
        return [self.read(one) for one in given]


class FeatureReader:
    """Reads rows of named numbers, ``1.5,2``: one step of as many numbers as the model has features.

    Args:
        artifact: the names of its features.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.columns = artifact.columns

    def read(self, given: str) -> Read:
        """Read one row; see `Reader.read`."""
        if not given.strip():
            return Read(key="", numbers=None, normalised="", reason=BLANK)
        parts = [part.strip() for part in given.split(",")]
        try:
            values = [float(part) for part in parts]
        except ValueError:
            values = []
        with np.errstate(over="ignore"):
            numbers = np.array([values], np.float32)
        if len(values) != len(self.columns) or not np.isfinite(numbers).all():
            raise DataError(
                f"{given!r}: expected {len(self.columns)} numbers separated by commas, {', '.join(self.columns)}"
            )
        said = ", ".join(f"{column} {value:g}" for column, value in zip(self.columns, values, strict=True))
        return Read(key=given, numbers=numbers, normalised=said)

    def read_all(self, given: Sequence[str]) -> list[Read]:
        """Read many inputs; see `Reader.read_all`."""
        return [self.read(one) for one in given]


def reader_of(artifact: Artifact) -> Reader:
    """Return the reader for what a model reads."""
    readers: dict[str, type[StringReader | ImageReader | FeatureReader]] = {
        "strings": StringReader,
        "images": ImageReader,
        "features": FeatureReader,
    }
    return readers[artifact.reads](artifact)
