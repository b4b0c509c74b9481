"""Inputs: strings, pictures and rows of numbers, turned into what a network reads, or into a reason to abstain.

There is one reader for each kind of input.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.errors import DataError
from elman.extras import extra
from elman.model.file import Artifact
from elman.records import UNKNOWN
from elman.text.encoded import EncodedStrings
from elman.text.normalisation import LONGEST, has_letter, is_foreign, script_of

MISSING = "missing: there is no name"
BLANK = "blank: there is nothing to read"
NO_LETTERS = "no letters: there is nothing that the model can read"
NO_KNOWN_SYMBOL = "no known symbol: the model has never seen any of these characters"
TOO_LONG = "too long: more than {limit} characters is no name"


LONGEST_INPUT = 4096
"""Characters of a string before normalisation, without white space at its ends, and after NFKC, which writes one
character as up to `EXPANSION`. Longer strings are not normalised: that costs more than linear time if many accents
follow each other."""

EXPANSION = 18
"""Characters that NFKC makes of one, at most: of U+FDFA."""

SURELY_SHORT = LONGEST_INPUT // EXPANSION
"""Strings of up to so many characters need no further check of their length."""

FEW = 16
"""Fewer strings than this are read one by one."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input in the form that a network reads.

    Args:
        key: inputs with the same key are the same to the network.
        numbers: symbol ids, (T,), integers, or the numbers of each step, (T, I), float32; None if there is a reason.
        normalised: what is read, in words.
        reason: why it cannot be read; None if it can.
        unknown: the distinct symbols that the model does not know, in order of appearance.
        script: of a string, as `elman.text.normalisation.script_of` names it.
        transliterated: whether letters of another script were written in Latin letters.
    """

    key: str
    numbers: NDArray[Any] | None
    normalised: str
    reason: str | None = None
    unknown: tuple[str, ...] = ()
    script: str = "None"
    transliterated: bool = False


class InputReader(Protocol):
    """Reads inputs of one kind."""

    def read(self, value: str) -> Input:
        """Read one input.

        Raises:
            DataError: it is not of the kind that the model reads.
        """

    def read_all(self, values: Sequence[str]) -> list[Input]:
        """Read many inputs; the results are those of `read`."""


class StringReader:
    """Reads strings: normalises them, and looks up the id of each symbol.

    Args:
        artifact: the model, for its normalisation and vocabulary.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.normalisation, self.vocabulary, self.answers = (
            artifact.normalisation,
            artifact.vocabulary,
            artifact.answers,
        )

    def read(self, value: str) -> Input:
        """Read one string; see `InputReader.read`."""
        if len(value) > SURELY_SHORT and _is_endless(value):
            script = script_of(value.strip()[:LONGEST])
            return Input(key="", numbers=None, normalised="", reason=TOO_LONG.format(limit=LONGEST), script=script)
        text = self.normalisation.apply(value)
        ids = self._encode(text)
        return self._build_input(value, text, ids, self._check(text, ids), has_unknown=not ids.all())

    def read_all(self, values: Sequence[str]) -> list[Input]:
        """Read many strings; see `InputReader.read_all`."""
        if len(values) < FEW or (max(map(len, values)) > SURELY_SHORT and any(map(_is_endless, values))):
            return [self.read(value) for value in values]
        texts, strings, reasons = self.encode_all(values)
        ids, has_unknown = strings.ids, _any_of_each(strings.ids == UNKNOWN, strings).tolist()
        return [
            self._build_input(value, text, ids[start : start + len(text)], reason, has_unknown=unknown)
            for value, text, start, reason, unknown in zip(
                values, texts, strings.starts.tolist(), reasons, has_unknown, strict=True
            )
        ]

    def encode_all(self, values: Sequence[str]) -> tuple[list[str], EncodedStrings, list[str | None]]:
        """Normalise and encode many strings.

        Returns:
            The normalised strings, their ids, and the reason why the model would not read each; None if it reads it.
        """
        endless = {place for place, one in enumerate(values) if len(one) > SURELY_SHORT and _is_endless(one)}
        texts = self.normalisation.apply_all(["" if place in endless else one for place, one in enumerate(values)])
        strings = self.vocabulary.encode_all(texts)
        is_read = _any_of_each(self._is_evidence[strings.ids], strings) & (strings.lengths <= LONGEST)
        reasons = [None if read else _explain_unread(text) for read, text in zip(is_read.tolist(), texts, strict=True)]
        for place in endless:
            reasons[place] = TOO_LONG.format(limit=LONGEST)
        return texts, strings, reasons

    def abstention(self, normalised: str) -> str | None:
        """Return why the model would not read this normalised string; None if it reads it."""
        return self._check(normalised, self._encode(normalised))

    def _encode(self, text: str) -> NDArray[Any]:
        """Return the ids of one normalised string, (T,), integers."""
        if len(text) <= LONGEST:
            return self.vocabulary.encode(text)
        return self.vocabulary.encode_all([text]).ids  # looks up each distinct symbol once, however long the text is

    def _check(self, text: str, ids: NDArray[Any]) -> str | None:
        is_read = len(text) <= LONGEST and self._is_evidence[ids].any()
        return None if is_read else _explain_unread(text)

    def _build_input(self, value: str, text: str, ids: NDArray[Any], reason: str | None, *, has_unknown: bool) -> Input:
        return Input(
            key=text,
            numbers=ids if reason is None else None,
            normalised=text,
            reason=reason,
            unknown=self._find_unknown(text, ids) if has_unknown or not text.isascii() else (),
            script=script_of(value),
            transliterated=self.normalisation.transliterate and is_foreign(value),
        )

    def _find_unknown(self, text: str, ids: NDArray[Any]) -> tuple[str, ...]:
        """Return the distinct symbols that are not in the vocabulary, in order of appearance.

        An unknown accented letter can have the id of the letter alone, so symbols are compared, not only ids.
        """
        known = self._known_symbols
        return tuple(
            dict.fromkeys(symbol for symbol, number in zip(text, ids.tolist(), strict=True) if known[number] != symbol)
        )

    @cached_property
    def _known_symbols(self) -> tuple[str, ...]:
        """The symbol of each id; no symbol for the unknown one, id 0."""
        return ("", *self.vocabulary.symbols)

    @cached_property
    def _is_evidence(self) -> NDArray[np.bool_]:
        """Which symbol ids an answer can rest on: for labels letters, if the vocabulary has any; otherwise all."""
        symbols = self.vocabulary.symbols
        letters = np.array([False, *map(str.isalpha, symbols)])
        return letters if self.answers == "label" and letters.any() else np.arange(len(letters)) > UNKNOWN


def _is_endless(value: str) -> bool:
    """Return whether a string has more than `LONGEST_INPUT` characters, before or after NFKC."""
    if len(value) > LONGEST_INPUT and len(value := value.strip()) > LONGEST_INPUT:
        return True
    return not value.isascii() and len(unicodedata.normalize("NFKC", value)) > LONGEST_INPUT


def _explain_unread(text: str) -> str:
    """Return the reason why a model does not read a normalised string."""
    if not text:
        return BLANK
    if len(text) > LONGEST:
        return TOO_LONG.format(limit=LONGEST)
    return NO_KNOWN_SYMBOL if has_letter(text) else NO_LETTERS


def _any_of_each(truths: NDArray[np.bool_], strings: EncodedStrings) -> NDArray[np.bool_]:
    """Return whether anything is true of any symbol of each string, which may be empty, (N,)."""
    upto = np.concatenate([[0], np.cumsum(truths)])
    found: NDArray[np.bool_] = upto[strings.starts + strings.lengths] > upto[strings.starts]
    return found


class ImageReader:
    """Reads picture files as grey values, row by row, from 0 (paper) to 1 (ink).

    Args:
        artifact: the model, for the size of its pictures.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.shape = artifact.picture

    def read(self, value: str) -> Input:
        """Read one picture file; dark ink on light paper is inverted. See `InputReader.read`."""
        if not value.strip():
            return Input(key="", numbers=None, normalised="", reason=BLANK)
        grey = self._read_grey(value)
        border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
        is_dark_on_light = float(np.median(border)) > 127
        pixels = (255 - grey if is_dark_on_light else grey).astype(np.float32) / 255
        ink = "dark on light, turned round" if is_dark_on_light else "light on dark"
        rows, columns = grey.shape
        return Input(key=value, numbers=pixels, normalised=f"{columns} × {rows} pixels, {ink}")

    def read_all(self, values: Sequence[str]) -> list[Input]:
        """Read many inputs; see `InputReader.read_all`."""
        return [self.read(value) for value in values]

    def _read_grey(self, path: str) -> NDArray[np.uint8]:
        """Return the grey values of a picture file, (rows, columns), uint8, from 0 (black); transparency is white."""
        with extra("images"):
            from PIL import Image, UnidentifiedImageError
        try:
            with Image.open(Path(path)) as picture:
                rows, columns = picture.height, picture.width
                if (rows, columns) != self.shape:
                    raise DataError(
                        f"{path}: expected a picture of {self.shape[1]} × {self.shape[0]} pixels, got "
                        f"{columns} × {rows}; scale it to that size"
                    )
                if picture.mode.startswith(("I", "F")):
                    raise DataError(f"{path}: has more than 8 bits a pixel; save it as an 8-bit PNG")
                flat = Image.new("RGBA", picture.size, "white")
                flat.alpha_composite(picture.convert("RGBA"))
                return np.asarray(flat.convert("L"))
        except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
            raise DataError(f"{path}: is not a readable picture ({error}); give a PNG file") from None
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error}); give a PNG file") from None


class FeatureReader:
    """Reads rows of named numbers, ``1.5,2``: one step of as many numbers as the model has features.

    Args:
        artifact: the model, for the names of its features.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.columns = artifact.columns

    def read(self, value: str) -> Input:
        """Read one row; see `InputReader.read`."""
        if not value.strip():
            return Input(key="", numbers=None, normalised="", reason=BLANK)
        try:
            row = [float(cell.strip()) for cell in value.split(",")]
        except ValueError:
            row = []
        with np.errstate(over="ignore"):
            numbers = np.array([row], np.float32)
        if len(row) != len(self.columns) or not np.isfinite(numbers).all():
            raise DataError(
                f"{value!r}: expected {len(self.columns)} numbers separated by commas, {', '.join(self.columns)}"
            )
        normalised = ", ".join(f"{column} {number:g}" for column, number in zip(self.columns, row, strict=True))
        return Input(key=value, numbers=numbers, normalised=normalised)

    def read_all(self, values: Sequence[str]) -> list[Input]:
        """Read many inputs; see `InputReader.read_all`."""
        return [self.read(value) for value in values]


def choose_reader(artifact: Artifact) -> InputReader:
    """Return the reader for what a model reads."""
    readers: dict[str, type[StringReader | ImageReader | FeatureReader]] = {
        "strings": StringReader,
        "images": ImageReader,
        "features": FeatureReader,
    }
    return readers[artifact.reads](artifact)
