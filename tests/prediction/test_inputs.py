"""Inputs become numbers, or are refused with what was expected."""

import unicodedata
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import DataError
from elman.model.config import ModelConfig
from elman.model.file import Artifact
from elman.model.kinds import KINDS
from elman.prediction.inputs import (
    BLANK,
    FEW,
    NO_KNOWN_SYMBOL,
    NO_LETTERS,
    TOO_LONG,
    FeatureReader,
    ImageReader,
    StringReader,
    choose_reader,
)
from elman.prediction.predictor import Predictor
from elman.text.normalisation import LARGEST_EXPANSION, LONGEST, LONGEST_INPUT, SHORT, Normalisation
from elman.text.vocabulary import Labels, Vocabulary


def model_of(kind, input_size, **rest):
    """A very small model that reads numbers."""
    config = ModelConfig(cell="none", input_size=input_size, ngram_orders=(), bag_orders=())
    labels = Labels(("rent",) if kind == "features" else ("x", "y"))
    shapes = config.tensor_shapes(symbols=1, labels=len(labels))
    tensors = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    return Artifact("numbers", config, tensors, Vocabulary(()), labels, Normalisation(), 1.0, kind=KINDS[kind], **rest)


@pytest.fixture(scope="module")
def features():
    return choose_reader(model_of("features", 2, columns=("size", "rooms")))


@pytest.fixture(scope="module")
def pictures():
    pytest.importorskip("PIL")
    return choose_reader(model_of("images", 4, picture=(3, 4)))


def test_a_model_gets_the_reader_of_what_it_reads(tiny_artifact, features):
    assert isinstance(choose_reader(tiny_artifact), StringReader)
    assert isinstance(features, FeatureReader)
    assert isinstance(choose_reader(model_of("images", 4, picture=(3, 4))), ImageReader)


# Strings


def test_a_string_is_read_as_the_ids_of_its_normalised_symbols(tiny_artifact):
    read = choose_reader(tiny_artifact).read("  abz ")
    assert (read.key, read.normalised, read.reason, read.unknown, read.script) == ("abz", "abz", None, ("z",), "Latin")
    assert (read.numbers.tolist(), read.numbers.dtype) == ([1, 2, 0], np.int64)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(" ", BLANK), ("'", NO_LETTERS), ("12", NO_LETTERS), ("xyz", NO_KNOWN_SYMBOL)],
)
def test_an_unreadable_string_has_a_reason(tiny_artifact, value, reason):
    read = choose_reader(tiny_artifact).read(value)
    assert (read.numbers, read.reason) == (None, reason)


def test_the_longest_string_is_read_and_a_longer_one_is_not(tiny_artifact):
    reader = choose_reader(tiny_artifact)
    assert len(reader.read("a" * LONGEST).numbers) == LONGEST
    assert str(LONGEST) in reader.read("a" * (LONGEST + 1)).reason


@pytest.mark.parametrize(
    "value",
    [
        "a" * (LONGEST + 1),
        "é" * (LONGEST + 1),
        "水 " * (LONGEST + 1),
        "a" * (LONGEST_INPUT + 1),
        "\ufdfa" * (SHORT + 1),
        "\ufdfa" * LONGEST_INPUT,
        f" {'é' * 9 * LONGEST_INPUT} ",
    ],
    ids=[
        "a letter too many",
        "of Latin",
        "of Han",
        "letters",
        "just too long after NFKC",
        "very long after NFKC",
        "white space around",
    ],
)
def test_a_string_that_costs_too_much_is_not_normalised(tiny_artifact, monkeypatch, value):
    finish, lengths = Normalisation._finish, []
    count = lambda self, text, **options: lengths.append(len(text)) or finish(self, text, **options)  # noqa: E731
    monkeypatch.setattr(Normalisation, "_finish", count)
    reader = choose_reader(tiny_artifact)
    _, _, reasons = reader.encode_all([value, "abc"])
    reads = [reader.read(value), *reader.read_all([value, *"abc" * FEW])]
    assert {reads[0].reason, reads[1].reason, reasons[0]} == {TOO_LONG.format(limit=LONGEST)}
    assert max(lengths, default=0) <= 3 and reasons[1] is None


def test_a_string_is_not_too_long_before_nfkc_has_lengthened_it(tiny_artifact):
    reader = choose_reader(replace(tiny_artifact, normalisation=Normalisation(transliterate=False)))
    assert reader.read("\ufdfa" * SHORT).normalised != ""
    assert max(len(unicodedata.normalize("NFKC", chr(code))) for code in range(0x110000)) == LARGEST_EXPANSION


def test_a_name_is_looked_up_in_the_vocabulary_once(tiny_artifact, monkeypatch):
    monkeypatch.setenv("ELMAN_KERNEL", "numpy")  # the compiled kernel looks up characters by itself
    looked_up = []
    list_ids, encode_all = Vocabulary.list_ids, Vocabulary.encode_all
    monkeypatch.setattr(Vocabulary, "list_ids", lambda self, text: looked_up.append(text) or list_ids(self, text))
    monkeypatch.setattr(
        Vocabulary, "encode_all", lambda self, texts: looked_up.extend(texts) or encode_all(self, texts)
    )
    predictor = Predictor(tiny_artifact)
    predictor.predict("abz")
    assert looked_up == ["abz"]
    names = ["abz", "é", "12", "", "x'" * LONGEST, *("abc" + "b" * k for k in range(FEW))]
    for answer in (predictor.predict, predictor.predict_columns):
        looked_up.clear()
        answer(names)
        assert looked_up == names


@given(names=st.lists(st.text("abc'xyzéâễß中😀\u0301 ", max_size=9), min_size=FEW, max_size=FEW))
def test_unknown_symbols_are_those_that_are_not_in_the_vocabulary(tiny_artifact, names):
    reader = choose_reader(replace(tiny_artifact, normalisation=Normalisation(transliterate=False)))
    known = tiny_artifact.vocabulary.symbols
    for one in (*reader.read_all(names), *map(reader.read, names)):
        assert one.unknown == tuple(dict.fromkeys(symbol for symbol in one.normalised if symbol not in known))


def test_few_strings_and_many_are_read_alike(predictor):
    names = ["Nakamura", "", "  o`hara ", "12", "中村", "Müller", "a" * 300, "Жук", "abc", "\ud800x", "İi"]
    alone, together = [predictor.reader.read(name) for name in names], predictor.reader.read_all(names * 3)
    for one, other in zip(alone * 3, together, strict=True):
        assert (one.numbers is None) == (other.numbers is None)
        assert one.numbers is None or one.numbers.tolist() == other.numbers.tolist()
        assert replace(one, numbers=None) == replace(other, numbers=None)


@pytest.mark.parametrize("value", ["abc,", " abc ,, ", "abc,\t"])
def test_a_string_is_cleaned_as_in_training(tiny_artifact, value):
    reader = choose_reader(tiny_artifact)
    for read in (reader.read(value), *reader.read_all([value] * FEW)):
        assert (read.key, read.normalised, read.unknown) == ("abc", "abc", ())
    assert reader.encode_all([value, "b"])[0] == ["abc", "b"]


def test_a_string_of_commas_is_blank(tiny_artifact):
    assert choose_reader(tiny_artifact).read(" , ,").reason == BLANK


def test_a_string_to_tag_keeps_its_commas(tiny_artifact):
    config = replace(tiny_artifact.config, readout="each", bag_orders=(), ngram_orders=())
    shapes = config.tensor_shapes(symbols=5, labels=3)
    tensors = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    tagger = replace(tiny_artifact, config=config, tensors=tensors, kind=KINDS["tags"])
    answer = Predictor(tagger).predict("abc,")
    assert (answer.normalised, len(answer.label)) == ("abc,", 4 * len("Alfa"))


@pytest.mark.parametrize(
    ("evidence", "value", "reason"),
    [
        (None, "'", NO_LETTERS),
        ("letters", "'", NO_LETTERS),
        ("all", "'", None),
        ("all", "a", None),
        ("all", "12", NO_KNOWN_SYMBOL),
        ("all", " ", BLANK),
        ("letters", "12", NO_LETTERS),
    ],
)
def test_the_evidence_of_the_model_decides_which_strings_are_read(tiny_artifact, evidence, value, reason):
    reader = choose_reader(replace(tiny_artifact, evidence=evidence))
    assert reader.read(value).reason == reader.abstention(value.strip()) == reason
    assert reader.encode_all([value, "a"])[2] == [reason, None]


# Numbers


@pytest.mark.parametrize("value", ["1.5,-2", " 1.5 , -2.0 ", "15e-1,-2\n"])
def test_a_row_of_numbers_is_one_step(features, value):
    read = features.read(value)
    assert (read.numbers.tolist(), read.numbers.dtype) == ([[1.5, -2.0]], np.float32)
    assert (read.normalised, read.reason) == ("size 1.5, rooms -2", None)


def test_different_rows_have_different_keys(features):
    one, other = features.read("1000000.25,1"), features.read("1000000.5,1")
    assert not np.array_equal(one.numbers, other.numbers)
    assert one.key != other.key  # inputs with one key get one answer


@pytest.mark.parametrize("value", ["1", "1,2,3", "1,two", "1,", "1,nan", "inf,2", "1;2", "1,1e999"])
def test_an_invalid_row_of_numbers_is_refused(features, value):
    with pytest.raises(DataError, match="expected 2 numbers separated by commas, size, rooms"):
        features.read(value)


@pytest.mark.parametrize("kind", ["features", "pictures"])
def test_a_blank_line_abstains_for_every_reader(request, kind):
    read = request.getfixturevalue(kind).read(" ")
    assert (read.numbers, read.reason) == (None, "blank: there is nothing to read")


def test_a_picture_of_16_bits_a_pixel_is_refused(pictures, tmp_path):
    place = str(tmp_path / "deep.png")
    PIL.Image.fromarray(np.full(pictures.shape, 30_000, np.uint16)).save(place)
    with pytest.raises(DataError, match="8-bit PNG"):
        pictures.read(place)


def test_a_number_too_large_for_single_precision_is_refused(features):
    with pytest.raises(DataError, match="1e300"):
        features.read("1e300,2")


# Pictures

INK = np.zeros((3, 4), np.uint8)
INK[1, 1:3] = (255, 51)


def save(path, pixels, mode="L"):
    from PIL import Image

    Image.fromarray(pixels, "L").convert(mode).save(path)
    return str(path)


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("turned", [False, True])
def test_ink_is_1_and_paper_0_whichever_is_dark(pictures, tmp_path, turned, mode):
    path = save(tmp_path / "one.png", 255 - INK if turned else INK, mode)
    read = pictures.read(path)
    assert (read.key, read.reason, read.numbers.dtype) == (path, None, np.float32)
    np.testing.assert_allclose(read.numbers, INK / 255, atol=1e-6)
    assert ("turned round" in read.normalised) is turned and "4 × 3 pixels" in read.normalised


def test_transparent_pixels_are_paper(pictures, tmp_path):
    from PIL import Image

    pixels = np.zeros((3, 4, 4), np.uint8)  # all black, and only one pixel is opaque
    pixels[1, 2, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "one.png")
    expected = np.zeros((3, 4))
    expected[1, 2] = 1
    assert np.array_equal(pictures.read(str(tmp_path / "one.png")).numbers, expected)


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
def test_a_picture_of_another_size_is_refused_with_both_sizes(pictures, tmp_path):
    path = save(tmp_path / "tall.png", INK.T.copy())
    with pytest.raises(DataError, match=r"tall\.png: expected a picture of 4 × 3 pixels, got 3 × 4"):
        pictures.read(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_a_file_that_is_not_a_picture_is_refused_by_name(pictures, tmp_path, content):
    (tmp_path / "other.png").write_bytes(content)
    with pytest.raises(DataError, match=r"other\.png: .*give a PNG file"):
        pictures.read(str(tmp_path / "other.png"))


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
def test_every_truncation_of_a_picture_is_refused_or_changes_nothing(pictures, tmp_path):
    path = save(tmp_path / "one.png", INK)
    with open(path, "rb") as file:
        content = file.read()
    whole = pictures.read(path).numbers
    for length in range(len(content)):
        (tmp_path / "cut.png").write_bytes(content[:length])
        try:
            assert np.array_equal(pictures.read(str(tmp_path / "cut.png")).numbers, whole)
        except DataError as error:
            assert "cut.png: " in str(error)  # the last bytes may not belong to the pixels


@pytest.mark.parametrize("name", ["absent.png", "."])
def test_a_picture_that_cannot_be_opened_is_refused_by_name(pictures, tmp_path, name):
    with pytest.raises(DataError, match="cannot be read .*give a PNG file"):
        pictures.read(str(tmp_path / name))


ACCENTS = "\u0301\u0316" * 500_000


@pytest.mark.parametrize(
    "endless", ["a" * 1_000_000, ACCENTS, f"e{ACCENTS}", "水" * 9999, "\ufdfa" * 990, "a" * 801, "x, " * 400]
)
def test_a_string_that_is_much_too_long_is_not_normalised(tiny_artifact, endless):
    reader = choose_reader(tiny_artifact)
    alone, (among, *others) = reader.read(endless), reader.read_all([endless, *["abc"] * 20])
    assert alone == among
    assert (alone.numbers, alone.normalised, alone.reason.split(":")[0]) == (None, "", "too long")
    assert {other.normalised for other in others} == {"abc"}
    assert reader.encode_all([endless, "abc"])[2][0] == alone.reason


def test_white_space_around_a_string_is_not_counted(tiny_artifact):
    reader = choose_reader(tiny_artifact)
    padded = " " * 5000 + "abc" + "\t" * 5000
    assert reader.read(padded).normalised == "abc"
    assert reader.encode_all([padded])[2] == [None]


def test_a_string_that_is_a_little_too_long_is_still_shown_as_the_model_would_read_it(tiny_artifact):
    read = choose_reader(tiny_artifact).read("ab " * 90)
    assert (read.normalised, read.reason.split(":")[0]) == ("ab " * 89 + "ab", "too long")


def test_a_message_shows_a_path_and_a_row_escaped(features, pictures):
    for reader, value, expected in (
        (pictures, "\x1b[31mno.png", r"\x1b[31mno.png: cannot be read"),
        (features, "1;\x07", r"'1;\x07': expected 2 numbers"),
        (features, "1," * 5000, "…': expected 2 numbers"),
    ):
        with pytest.raises(DataError) as refused:
            reader.read(value)
        assert expected in str(refused.value)
        assert str(refused.value).isprintable() and len(str(refused.value)) < 600
