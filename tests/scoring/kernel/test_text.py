"""Text that the compiled kernel encodes has the ids that Python gives it, whatever its characters."""

import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman.model.file import Artifact
from elman.prediction.inputs import StringReader
from elman.prediction.predictor import Predictor
from elman.scoring.kernel.library import Library, open_library
from elman.scoring.kernel.text import ASK, CHARACTERS, READ, Column, CompiledAlphabet, normalise_character
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Vocabulary

pytestmark = pytest.mark.skipif(not isinstance(open_library(), Library), reason="the kernel is not compiled")

SYMBOLS = Vocabulary(tuple(" '-.abcdefghijklmnopqrstuvwxyzABCÉßàéíñøúüěłşễ"))
WAYS = [Normalisation(), Normalisation(lower_case=False, accents=False), Normalisation(transliterate=False)]
COMMON = st.text(st.sampled_from([chr(point) for point in CHARACTERS]), max_size=12)
ANY = st.text(st.characters(), max_size=8)
TEXTS = st.lists(
    COMMON | ANY | st.sampled_from(["n/a", "N/A ", "et al.", " unknown,", ", ,", "a" * 45, "É" * 44]), max_size=9
)


@pytest.fixture(scope="module")
def tiny_predictor(tiny_artifact):
    return Predictor(tiny_artifact)


def reader_of(artifact: Artifact, normalisation: Normalisation) -> StringReader:
    reader = StringReader(replace(artifact, normalisation=normalisation))
    reader.vocabulary = SYMBOLS
    return reader


@pytest.mark.parametrize("normalisation", WAYS, ids=str)
@settings(max_examples=200)
@given(texts=TEXTS)
@example(texts=["ΑΣ", "x̄", "İi", "ŉ", "Straße", "a\u00adb", "a\x1fb", "x\x00", "a\ud800", "Å", "ﬁ", "½", "ĳ", "ʼn"])
def test_every_text_has_the_ids_and_the_reason_that_python_gives_it(tiny_artifact, normalisation, texts):
    reader = reader_of(tiny_artifact, normalisation)
    texts = texts * 4 + ["abc"] * 16  # so many that the kernel reads them
    strings, unread, reasons = reader.encode_column(texts)
    _, expected, why = reader.encode_all(texts)
    assert dict(zip(unread, reasons, strict=True)) == {k: reason for k, reason in enumerate(why) if reason is not None}
    read = np.flatnonzero([reason is None for reason in why])
    assert [ids.tolist() for ids in strings.split()] == [expected[place].tolist() for place in read]


@settings(max_examples=100)
@given(texts=st.lists(st.none() | COMMON | ANY | st.sampled_from(["n/a", "Жук", "É" * 44, "a" * 45]), max_size=9))
def test_a_column_of_arrow_has_the_answers_of_the_list(tiny_predictor, texts):
    pa = pytest.importorskip("pyarrow")
    texts = [None if text is None else text.encode("utf-8", "replace").decode() for text in texts] * 4 + ["abc"] * 16
    columns = pa.chunked_array([texts[:20], texts[20:]], pa.string())
    one, other = (tiny_predictor.predict_columns(names, top=2) for names in (texts, columns))
    for name in ("best", "probabilities", "reason_ids"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.reasons == other.reasons


@pytest.mark.parametrize("text", ["Müller-Lüdenscheidt", " O’Brien, ", "Ła\tska", "Nguyễn", "peña\xa0del  río"])
def test_common_names_are_read_by_the_kernel_alone(tiny_artifact, text):
    alphabet = reader_of(tiny_artifact, Normalisation())._alphabet
    assert isinstance(alphabet, CompiledAlphabet)
    for column in (Column.join([text]), in_utf_8([text])):
        strings, statuses = alphabet.encode(column)
        assert statuses.tolist() == [READ]
        assert strings.ids.tolist() == SYMBOLS.encode(Normalisation().apply(text.rstrip(", "))).tolist()


def in_utf_8(texts: list[str]) -> Column:
    data = [text.encode() for text in texts]
    return Column(b"".join(data), np.cumsum([0, *map(len, data)]), 0)


@given(texts=st.lists(COMMON | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=9))
def test_utf_8_is_read_as_characters_are(tiny_artifact, texts):
    alphabet = reader_of(tiny_artifact, Normalisation())._alphabet
    found, expected = alphabet.encode(in_utf_8(texts)), alphabet.encode(Column.join(texts))
    assert found[1].tolist() == expected[1].tolist() and found[0].ids.tolist() == expected[0].ids.tolist()


@pytest.mark.parametrize("text", ["Иванов", "e\N{COMBINING ACUTE ACCENT}", "a" * 45, "12", "n/a"])
def test_python_is_asked_about_what_is_not_common(tiny_artifact, text):
    alphabet = reader_of(tiny_artifact, Normalisation())._alphabet
    assert alphabet.encode(Column.join([text]))[1].tolist() == [ASK]


def test_no_character_that_composes_with_another_is_looked_up():
    for point in CHARACTERS:
        if unicodedata.combining(chr(point)):
            assert normalise_character(chr(point), Normalisation()) is None


@pytest.mark.usefixtures("kernel")
def test_columns_are_the_same_on_every_kernel(tiny_artifact):
    reader = reader_of(tiny_artifact, Normalisation())
    strings, unread, reasons = reader.encode_column(["abc", "", "12", "Жук", "é, ", "n/a"] * 5)
    assert (len(strings), unread[:3], reasons[0]) == (15, [1, 2, 5], "blank: there is nothing to read")
