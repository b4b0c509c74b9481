"""Inputs: strings, pictures and rows of numbers, turned into what a network reads, or into a reason to abstain.

There is one reader for each kind of input.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.checks import count_of, shown
from elman.errors import DataError
from elman.extras import extra
from elman.model.file import Artifact
from elman.records import UNKNOWN
from elman.scoring.kernel.library import NATIVE, choose_kernel, open_library
from elman.text.encoded import EncodedStrings
from elman.text.evidence import ALL, LETTERS, find_evidence
from elman.text.normalisation import LONGEST, SHORT, Normalisation, clean, compose, is_too_long
from elman.text.placeholders import PLACEHOLDERS, normalise_placeholders
from elman.text.scripts import has_letter, script_of
from elman.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from elman.scoring.kernel.text import CompiledAlphabet

MISSING = "missing: there is no name"
PLACEHOLDER = "placeholder: this says that there is no name"
BLANK = "blank: there is nothing to read"
NO_LETTERS = "no letters: there is nothing that the model can read"
NO_KNOWN_SYMBOL = "no known symbol: the model has never seen any of these characters"
TOO_LONG = "too long: more than {limit} characters is no name"
NOT_FINITE = "not finite: the numbers of the model are too large for this input"

LONGEST_REASON = 400
"""The most characters of a path, or of another library's reason, in an error message."""

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
    """Reads strings: cleans and normalises them, as training does, and looks up the id of each symbol.

    Args:
        artifact: the model, for its normalisation, vocabulary and evidence.
    """

    def __init__(self, artifact: Artifact) -> None:
        answers = artifact.kind.answers
        placeholders = PLACEHOLDERS if artifact.placeholders is None else artifact.placeholders
        self._start(
            artifact.normalisation,
            artifact.vocabulary,
            answers,
            artifact.evidence or (LETTERS if answers == "label" else ALL),
            placeholders if answers == "label" else (),
        )

    @classmethod
    def of_parts(
        cls, normalisation: Normalisation, vocabulary: Vocabulary, *, answers: str, evidence: str
    ) -> "StringReader":
        """Return a reader for a model that is no `Artifact`; no string means that something is missing.

        Args:
            normalisation: of the model.
            vocabulary: the symbols that it reads.
            answers: as in `elman.model.kinds.Kind`.
            evidence: as in `elman.model.file.Artifact`.
        """
        reader = cls.__new__(cls)
        reader._start(normalisation, vocabulary, answers, evidence, ())
        return reader

    def _start(
        self,
        normalisation: Normalisation,
        vocabulary: Vocabulary,
        answers: str,
        evidence: str,
        placeholders: Collection[str],
    ) -> None:
        self.normalisation, self.vocabulary, self.answers, self.evidence = normalisation, vocabulary, answers, evidence
        self._placeholders = normalise_placeholders(placeholders, normalisation) if placeholders else frozenset[str]()
        # A string has a tag for each symbol, and what is written can have commas, too.
        self._is_cleaned = answers not in ("tags", "strings")

    def read(self, value: str) -> Input:
        """Read one string; see `InputReader.read`."""
        if self._is_cleaned:
            value = clean(value)
        if is_too_long(value):
            return self._build_too_long(value)
        described = self.normalisation.describe(value)
        ids = self._list_ids(described[0])
        reason = self._check(described[0], ids)
        return self._build_input(described, np.array(ids, np.int64), reason, has_unknown=UNKNOWN in ids)

    def read_all(self, values: Sequence[str]) -> list[Input]:
        """Read many strings; see `InputReader.read_all`."""
        if len(values) < FEW:
            return [self.read(value) for value in values]
        cleaned, endless = self._clean_all(values)
        all_described = self.normalisation.describe_all(cleaned)
        strings, reasons = self._encode_texts([text for text, _, _ in all_described])
        ids, has_unknown = strings.ids, _any_of_each(strings.ids == UNKNOWN, strings).tolist()
        inputs = [
            self._build_input(described, ids[start : start + length], reason, has_unknown=unknown)
            for described, start, length, reason, unknown in zip(
                all_described, strings.starts.tolist(), strings.lengths.tolist(), reasons, has_unknown, strict=True
            )
        ]
        for place in endless:
            inputs[place] = self._build_too_long(values[place])
        return inputs

    def encode_all(self, values: Sequence[str]) -> tuple[list[str], EncodedStrings, list[str | None]]:
        """Clean, normalise and encode many strings.

        Returns:
            The normalised strings, their ids, and the reason why the model would not read each; None if it reads it.
        """
        cleaned, endless = self._clean_all(values)
        texts = self.normalisation.apply_all(cleaned)
        strings, reasons = self._encode_texts(texts)
        for place in endless:
            reasons[place] = TOO_LONG.format(limit=LONGEST)
        return texts, strings, reasons

    def encode_column(self, values: Sequence[str | None]) -> tuple[EncodedStrings, list[int], list[str]]:
        """Clean, normalise and encode many strings, with the compiled kernel if it runs; a missing one is blank.

        Returns:
            The ids of those that the model reads; the places of the others, rising; and the reason for each of them.
        """
        if self._alphabet is None or len(values) < FEW:
            _, strings, reasons = self.encode_all([value or "" for value in values])
            unread = [place for place, reason in enumerate(reasons) if reason is not None]
            return _leave_out(strings, unread), unread, [reason for reason in reasons if reason is not None]
        from elman.scoring.kernel.text import ASK, READ, Column

        strings, statuses = self._alphabet.encode(Column.join(values))
        asked = np.flatnonzero(statuses == ASK)
        _, answered, answers = self.encode_all([values[place] or "" for place in asked.tolist()])
        reasons_at = dict(zip(asked.tolist(), answers, strict=True))
        strings = strings.replace(asked, answered)
        found = {place: reasons_at.get(place, BLANK) for place in np.flatnonzero(statuses != READ).tolist()}
        unread = [place for place, reason in found.items() if reason is not None]
        return _leave_out(strings, unread), unread, [reason for reason in found.values() if reason is not None]

    @cached_property
    def _alphabet(self) -> "CompiledAlphabet | None":
        """The characters that the compiled kernel looks up; None if numpy scores, or strings are not cleaned."""
        library = open_library()
        if choose_kernel().kernel != NATIVE or isinstance(library, str) or not self._is_cleaned:
            return None
        from elman.scoring.kernel.text import CompiledAlphabet

        placeholders = self._placeholders
        return CompiledAlphabet(library, self.normalisation, self.vocabulary, self._is_evidence, placeholders)

    def _clean_all(self, values: Sequence[str]) -> tuple[list[str], list[int]]:
        """Return strings ready to be normalised, and the places of those that are too long, which are empty there."""
        cleaned = list(values)
        if self._is_cleaned and "," in "".join(values):  # white space at the ends is left to normalisation
            cleaned = [clean(value) for value in values]
        endless = [place for place, value in enumerate(cleaned) if len(value) > SHORT and is_too_long(value)]
        for place in endless:
            cleaned[place] = ""
        return cleaned, endless

    def _build_too_long(self, value: str) -> Input:
        """Return what is said of a string that is not normalised."""
        script = script_of(compose(value.strip()[:SHORT]))
        return Input(key="", numbers=None, normalised="", reason=TOO_LONG.format(limit=LONGEST), script=script)

    def _encode_texts(self, texts: Sequence[str]) -> tuple[EncodedStrings, list[str | None]]:
        """Return normalised texts encoded, and why the model would not read each; None if it reads it."""
        strings = self.vocabulary.encode_all(texts)
        is_read = _any_of_each(self._is_evidence[strings.ids], strings) & (strings.lengths <= LONGEST)
        if not self._placeholders.isdisjoint(texts):
            is_read &= [text not in self._placeholders for text in texts]
        return strings, [
            None if read else self._explain_unread(text) for read, text in zip(is_read.tolist(), texts, strict=True)
        ]

    def abstention(self, normalised: str) -> str | None:
        """Return why the model would not read this normalised string; None if it reads it."""
        return self._check(normalised, self._list_ids(normalised))

    def abstentions(self, normalised: Sequence[str]) -> list[str | None]:
        """Return for each of the normalised strings what `abstention` returns."""
        return self._encode_texts(normalised)[1]

    def _list_ids(self, text: str) -> list[int]:
        """Return the ids of one normalised string."""
        if len(text) <= LONGEST:
            return self.vocabulary.list_ids(text)
        # It looks up each distinct symbol once, however long the text is.
        ids: list[int] = self.vocabulary.encode_all([text]).ids.tolist()
        return ids

    def _check(self, text: str, ids: list[int]) -> str | None:
        """Return why the model would not read a normalised string with these ids; None if it reads it."""
        has_evidence = not self._evidence.isdisjoint(ids)
        is_read = has_evidence and len(text) <= LONGEST and text not in self._placeholders
        return None if is_read else self._explain_unread(text)

    def _explain_unread(self, text: str) -> str:
        """Return the reason why the model does not read a normalised string."""
        if not text:
            return BLANK
        if text in self._placeholders:
            return PLACEHOLDER
        if len(text) > LONGEST:
            return TOO_LONG.format(limit=LONGEST)
        return NO_KNOWN_SYMBOL if self.evidence == ALL or has_letter(text) else NO_LETTERS

    def _build_input(
        self, described: tuple[str, str, bool], ids: NDArray[Any], reason: str | None, *, has_unknown: bool
    ) -> Input:
        text, script, transliterated = described
        return Input(
            key=text,
            numbers=ids if reason is None else None,
            normalised=text,
            reason=reason,
            unknown=self._find_unknown(text, ids) if has_unknown or not text.isascii() else (),
            script=script,
            transliterated=transliterated,
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
    def _evidence(self) -> frozenset[int]:
        """The symbol ids that an answer can rest on."""
        return frozenset(np.flatnonzero(self._is_evidence).tolist())

    @cached_property
    def _is_evidence(self) -> NDArray[np.bool_]:
        """Which symbol ids an answer can rest on, (V,)."""
        return find_evidence(self.vocabulary, self.evidence)


def _leave_out(strings: EncodedStrings, places: Sequence[int]) -> EncodedStrings:
    """Return strings without those at some places."""
    if not places:
        return strings
    kept = np.ones(len(strings), np.bool_)
    kept[list(places)] = False
    return strings.select(np.flatnonzero(kept))


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
                        f"{_show_path(path)}: expected a picture of {self.shape[1]} × {self.shape[0]} pixels, got "
                        f"{columns} × {rows}; scale it to that size"
                    )
                if picture.mode.startswith(("I", "F")):
                    raise DataError(f"{_show_path(path)}: has more than 8 bits a pixel; save it as an 8-bit PNG")
                flat = Image.new("RGBA", picture.size, "white")
                flat.alpha_composite(picture.convert("RGBA"))
                return np.asarray(flat.convert("L"))
        except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
            reason = shown(str(error), LONGEST_REASON)
            raise DataError(f"{_show_path(path)}: is not a readable picture ({reason}); give a PNG file") from None
        except OSError as error:
            reason = shown(error.strerror or str(error), LONGEST_REASON)
            raise DataError(f"{_show_path(path)}: cannot be read ({reason}); give a PNG file") from None


def _show_path(path: str) -> str:
    return shown(path, LONGEST_REASON)


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
                f"'{shown(value)}': expected {count_of(len(self.columns), 'number')} separated by commas, "
                f"{', '.join(self.columns)}"
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
    return readers[artifact.kind.reads](artifact)
