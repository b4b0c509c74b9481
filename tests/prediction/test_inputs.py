"""Readers: what a user hands in becomes numbers, or is refused with what was expected."""

import numpy as np
import PIL.Image
import pytest

from elman.errors import DataError
from elman.model.config import ModelConfig
from elman.model.file import Artifact
from elman.prediction.inputs import (
    BLANK,
    NO_KNOWN_SYMBOL,
    NO_LETTERS,
    FeatureReader,
    ImageReader,
    StringReader,
    reader_of,
)
from elman.text.normalisation import LONGEST, Normalisation
from elman.text.vocabulary import Labels, Vocabulary


def model_of(reads, input_size, **kind):
    """A very small model that reads numbers."""
    config = ModelConfig(cell="none", input_size=input_size, ngram_orders=(), bag_orders=())
    shapes = config.tensor_shapes(symbols=1, labels=2)
    tensors = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    return Artifact(
        "made", config, tensors, Vocabulary(()), Labels(("x", "y")), Normalisation(), 1.0, reads=reads, **kind
    )


@pytest.fixture(scope="module")
def features():
    return reader_of(model_of("features", 2, columns=("size", "rooms")))


@pytest.fixture(scope="module")
def pictures():
    pytest.importorskip("PIL")
    return reader_of(model_of("images", 4, picture=(3, 4)))


def test_a_model_gets_the_reader_of_what_it_reads(tiny_artifact, features):
    assert isinstance(reader_of(tiny_artifact), StringReader)
    assert isinstance(features, FeatureReader)
    assert isinstance(reader_of(model_of("images", 4, picture=(3, 4))), ImageReader)


# Strings


def test_a_string_is_read_as_the_ids_of_its_normalised_symbols(tiny_artifact):
    read = reader_of(tiny_artifact).read("  abz ")
    assert (read.key, read.normalised, read.reason, read.unknown, read.script) == ("abz", "abz", None, ("z",), "Latin")
    assert (read.numbers.tolist(), read.numbers.dtype) == ([1, 2, 0], np.int64)


@pytest.mark.parametrize(
    ("given", "reason"),
    [(" ", BLANK), ("'", NO_LETTERS), ("12", NO_LETTERS), ("xyz", NO_KNOWN_SYMBOL)],
)
def test_a_string_that_cannot_be_read_says_why(tiny_artifact, given, reason):
    read = reader_of(tiny_artifact).read(given)
    assert (read.numbers, read.reason) == (None, reason)


def test_the_longest_string_is_read_and_a_longer_one_is_not(tiny_artifact):
    reader = reader_of(tiny_artifact)
    assert len(reader.read("a" * LONGEST).numbers) == LONGEST
    assert str(LONGEST) in reader.read("a" * (LONGEST + 1)).reason


# Numbers


@pytest.mark.parametrize("given", ["1.5,-2", " 1.5 , -2.0 ", "15e-1,-2\n"])
def test_a_row_of_numbers_is_one_step(features, given):
    read = features.read(given)
    assert (read.numbers.tolist(), read.numbers.dtype) == ([[1.5, -2.0]], np.float32)
    assert (read.normalised, read.reason) == ("size 1.5, rooms -2", None)


def test_rows_that_a_network_tells_apart_have_keys_of_their_own(features):
    one, other = features.read("1000000.25,1"), features.read("1000000.5,1")
    assert not np.array_equal(one.numbers, other.numbers)
    assert one.key != other.key  # what has one key gets one answer


@pytest.mark.parametrize("given", ["1", "1,2,3", "1,two", "1,", "1,nan", "inf,2", "1;2", "1,1e999"])
def test_what_is_no_row_of_so_many_numbers_is_refused(features, given):
    with pytest.raises(DataError, match="expected 2 numbers separated by commas, size, rooms"):
        features.read(given)


@pytest.mark.parametrize("kind", ["features", "pictures"])
def test_a_blank_line_abstains_for_every_reader(request, kind):
    read = request.getfixturevalue(kind).read(" ")
    assert (read.numbers, read.reason) == (None, "blank: there is nothing to read")


def test_a_picture_of_16_bits_a_pixel_is_refused(pictures, tmp_path):
    place = str(tmp_path / "deep.png")
    PIL.Image.fromarray(np.full(pictures.shape, 30_000, np.uint16)).save(place)
    with pytest.raises(DataError, match="8-bit PNG"):
        pictures.read(place)


def test_a_number_beyond_single_precision_is_refused(features):
    with pytest.raises(DataError, match="1e300"):
        features.read("1e300,2")


# Pictures

INK = np.zeros((3, 4), np.uint8)
INK[1, 1:3] = (255, 51)


def saved(path, pixels, mode="L"):
    from PIL import Image

    Image.fromarray(pixels, "L").convert(mode).save(path)
    return str(path)


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("turned", [False, True])
def test_ink_is_1_and_paper_0_whichever_is_dark(pictures, tmp_path, turned, mode):
    path = saved(tmp_path / "one.png", 255 - INK if turned else INK, mode)
    read = pictures.read(path)
    assert (read.key, read.reason, read.numbers.dtype) == (path, None, np.float32)
    np.testing.assert_allclose(read.numbers, INK / 255, atol=1e-6)
    assert ("turned round" in read.normalised) is turned and "4 × 3 pixels" in read.normalised


def test_what_is_transparent_is_paper(pictures, tmp_path):
    from PIL import Image

    pixels = np.zeros((3, 4, 4), np.uint8)  # black all over, and opaque in one place only
    pixels[1, 2, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "one.png")
    expected = np.zeros((3, 4))
    expected[1, 2] = 1
    assert np.array_equal(pictures.read(str(tmp_path / "one.png")).numbers, expected)


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
def test_a_picture_of_another_size_is_refused_with_both_sizes(pictures, tmp_path):
    path = saved(tmp_path / "tall.png", INK.T.copy())
    with pytest.raises(DataError, match=r"tall\.png: expected a picture of 4 × 3 pixels, got 3 × 4"):
        pictures.read(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_a_file_that_is_no_picture_is_refused_by_name(pictures, tmp_path, content):
    (tmp_path / "other.png").write_bytes(content)
    with pytest.raises(DataError, match=r"other\.png: .*give a PNG file"):
        pictures.read(str(tmp_path / "other.png"))


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
def test_every_truncation_of_a_picture_is_refused_or_changes_nothing(pictures, tmp_path):
    path = saved(tmp_path / "one.png", INK)
    with open(path, "rb") as file:
        content = file.read()
    whole = pictures.read(path).numbers
    for length in range(len(content)):
        (tmp_path / "cut.png").write_bytes(content[:length])
        try:
            assert np.array_equal(pictures.read(str(tmp_path / "cut.png")).numbers, whole)
        except DataError as error:
            assert "cut.png: " in str(error)  # the last bytes may hold nothing of the picture


@pytest.mark.parametrize("name", ["absent.png", "."])
def test_a_picture_that_cannot_be_opened_is_refused_by_name(pictures, tmp_path, name):
    with pytest.raises(DataError, match="cannot be read .*give a PNG file"):
        pictures.read(str(tmp_path / name))


ACCENTS = "\u0301\u0316" * 500_000


@pytest.mark.parametrize("endless", ["a" * 1_000_000, ACCENTS, f"e{ACCENTS}", "水" * 9999])
def test_a_string_of_a_million_characters_is_too_long_at_once(tiny_artifact, endless):
    reader = reader_of(tiny_artifact)
    alone, (among, *_) = reader.read(endless), reader.read_all([endless, *["abc"] * 20])
    assert alone == among
    assert (alone.numbers, alone.reason.split(":")[0]) == (None, "too long")
    assert reader.encoded([endless, "abc"])[2][0] == alone.reason


def test_white_space_around_a_string_is_not_counted(tiny_artifact):
    reader = reader_of(tiny_artifact)
    padded = " " * 5000 + "abc" + "\t" * 5000
    assert reader.read(padded).normalised == "abc"
    assert reader.encoded([padded])[2] == [None]
