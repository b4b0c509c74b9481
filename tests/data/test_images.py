"""Images: an IDX file is read as it was written, or refused in one line that says what was expected and what came."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.images import FILES, has_images, read_idx, read_images
from elman.errors import DataError

PICTURES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
ANSWERS = np.array([0, 1, 2, 1, 0], np.uint8)


def idx(array, *, kind=8):
    """Return the bytes of an IDX file, as its makers describe them."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, kind, array.ndim)) + sizes + array.tobytes()


def write(path, content):
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def fill(folder, *, ending="", **changes):
    """Write the four files to a folder and return it; keywords such as ``train_images`` replace arrays."""
    arrays = {
        "train_images": PICTURES,
        "train_labels": ANSWERS,
        "t10k_images": PICTURES[1:4],
        "t10k_labels": ANSWERS[1:4],
    }
    names = dict(
        zip(arrays, (FILES["images"][0], FILES["labels"][0], FILES["images"][1], FILES["labels"][1]), strict=True)
    )
    for key, array in {**arrays, **changes}.items():
        if array is not None:
            write(folder / f"{names[key]}{ending}", idx(array))
    return folder


def refusal(call):
    """Return the message of a refusal, which has one line."""
    with pytest.raises(DataError) as refused:
        call()
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("name", ["plain", "packed.gz"])
@pytest.mark.parametrize("array", [PICTURES, ANSWERS, PICTURES[0]])
def test_a_file_is_read_as_it_was_written(tmp_path, name, array):
    found = read_idx(write(tmp_path / name, idx(array)), dimensions=array.ndim)
    assert found.dtype == np.uint8
    assert np.array_equal(found, array)


@pytest.mark.parametrize("name", ["file", "file.gz"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(PICTURES)[:-1], "its header promises (5, 4, 3), 76 bytes; it holds 75; fetch it again"),
        (idx(PICTURES) + b"\0", "its header promises (5, 4, 3), 76 bytes; it holds 77; fetch it again"),
        (idx(PICTURES)[:15], "should start with the bytes 00 00 08 03, and starts with 00 00 08 03"),
        (b"", "should start with the bytes 00 00 08 03, and starts with nothing"),
        (b"\x89PNG\r\n", "should start with the bytes 00 00 08 03, and starts with 89 50 4e 47"),
        (idx(PICTURES, kind=13), "not an IDX file of unsigned bytes in 3 dimensions; .* starts with 00 00 0d 03"),
        (idx(ANSWERS), "not an IDX file of unsigned bytes in 3 dimensions; .* starts with 00 00 08 01"),
    ],
)
def test_an_incomplete_file_or_one_of_another_kind_is_refused(tmp_path, name, content, message):
    path = write(tmp_path / name, content)
    with pytest.raises(DataError, match=message.replace("(", r"\(").replace(")", r"\)")) as refused:
        read_idx(path, dimensions=3)
    assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)


@pytest.mark.parametrize("cut", [slice(0, 5), slice(0, -1), slice(0, -9), slice(3, None)])
def test_a_broken_gzip_file_is_refused(tmp_path, cut):
    (tmp_path / "file.gz").write_bytes(gzip.compress(idx(PICTURES))[cut])
    assert "file.gz: is not a complete gzip file" in refusal(lambda: read_idx(tmp_path / "file.gz", dimensions=3))


def test_a_gzip_file_whose_content_was_altered_is_refused(tmp_path):
    content = bytearray(gzip.compress(idx(PICTURES)))
    content[-6] ^= 1  # the checksum
    (tmp_path / "file.gz").write_bytes(content)
    assert "file.gz: is not a complete gzip file" in refusal(lambda: read_idx(tmp_path / "file.gz", dimensions=3))


@pytest.mark.parametrize("name", ["absent", "folder"])
def test_a_missing_file_and_a_folder_are_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    assert f"{name}: cannot be read (" in refusal(lambda: read_idx(tmp_path / name, dimensions=1))


@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (0, 2**32 - 1, 2**32 - 1), (2**32 - 1, 2**32 - 1, 0)])
def test_a_header_with_impossible_sizes_is_refused(tmp_path, shape):
    header = bytes((0, 0, 8, 3)) + b"".join(size.to_bytes(4, "big") for size in shape)
    assert "file: " in refusal(lambda: read_idx(write(tmp_path / "file", header), dimensions=3))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("idx")


@given(length=st.integers(0, len(idx(PICTURES)) - 1), ending=st.sampled_from(["", ".gz"]))
def test_every_truncation_is_refused(place, length, ending):
    path = write(place / f"cut{ending}", idx(PICTURES)[:length])
    assert f"cut{ending}: " in refusal(lambda: read_idx(path, dimensions=3))


@given(share=st.floats(0, 1, exclude_max=True))
def test_every_truncation_of_a_gzip_file_is_refused(place, share):
    content = gzip.compress(idx(PICTURES))
    (place / "short.gz").write_bytes(content[: int(share * len(content))])
    assert "short.gz: " in refusal(lambda: read_idx(place / "short.gz", dimensions=3))


@given(position=st.integers(0, 15), flip=st.integers(1, 255), ending=st.sampled_from(["", ".gz"]))
def test_an_altered_byte_of_a_header_is_refused(place, position, flip, ending):
    content = bytearray(idx(PICTURES))
    content[position] ^= flip
    path = write(place / f"flipped{ending}", bytes(content))
    assert f"flipped{ending}: " in refusal(lambda: read_idx(path, dimensions=3))


@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_an_altered_byte_of_a_gzip_file_is_refused_or_changes_nothing(place, share, flip):
    content = bytearray(gzip.compress(idx(PICTURES)))
    content[int(share * len(content))] ^= flip
    (place / "altered.gz").write_bytes(content)
    try:
        found = read_idx(place / "altered.gz", dimensions=3)
    except DataError as error:
        assert "altered.gz: " in str(error)
    else:
        assert np.array_equal(found, PICTURES)  # a time or a name in the header of gzip


# Four files


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_the_four_files_of_a_folder_are_read(tmp_path, ending):
    reading = read_images(fill(tmp_path, ending=ending))
    assert np.array_equal(reading.images, PICTURES) and np.array_equal(reading.test_images, PICTURES[1:4])
    assert (reading.labels.tolist(), reading.test_labels.tolist()) == ([0, 1, 2, 1, 0], [1, 2, 1])
    assert reading.labels.dtype == reading.test_labels.dtype == np.int64
    assert (reading.names, reading.lines, reading.dropped, reading.repaired) == (("0", "1", "2"), 8, {}, {})


@pytest.mark.parametrize("name", [name for names in FILES.values() for name in names])
def test_a_missing_file_is_named(tmp_path, name):
    (fill(tmp_path) / name).unlink()
    assert f"{name} or {name}.gz is missing" in refusal(lambda: read_images(tmp_path))


def test_a_plain_file_is_read_rather_than_a_gzipped_one(tmp_path):
    fill(tmp_path)
    (tmp_path / f"{FILES['images'][0]}.gz").write_bytes(b"broken")
    assert np.array_equal(read_images(str(tmp_path)).images, PICTURES)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"train_labels": ANSWERS[:4]},
            "train-images-idx3-ubyte holds 5 images for 4 labels; fetch them again",
        ),
        (
            {"t10k_images": PICTURES[:2]},
            "t10k-images-idx3-ubyte holds 2 images for 3 labels; fetch them again",
        ),
        ({"t10k_images": PICTURES[1:4, :, :2]}, "train images are (4, 3), test images (4, 2)"),
        ({"t10k_labels": np.array([1, 2, 7], np.uint8)}, "got [0, 1, 2], and for the test also [7]"),
        ({"train_labels": np.zeros(5, np.uint8), "t10k_labels": np.zeros(3, np.uint8)}, "at least two labels"),
        (
            {"t10k_images": PICTURES[:0], "t10k_labels": ANSWERS[:0]},
            "header promises (0, 4, 3)",
        ),
        (
            {"train_images": PICTURES[:, :0], "t10k_images": PICTURES[1:4, :0]},
            "header promises (5, 0, 3)",
        ),
        ({"train_images": ANSWERS}, "is not an IDX file of unsigned bytes in 3 dimensions"),
        ({"train_labels": PICTURES}, "is not an IDX file of unsigned bytes in 1 dimensions"),
    ],
)
def test_files_that_do_not_match_each_other_are_refused(tmp_path, changes, expected):
    message = refusal(lambda: read_images(fill(tmp_path, **changes)))
    assert message.startswith(str(tmp_path)) and expected in message


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    "names",
    [
        "{part}-{content}-idx{dimensions}-ubyte",
        "{part}-{content}.idx{dimensions}-ubyte",
        "{part}.{content}.idx{dimensions}.ubyte",
        "emnist-letters-{part}-{content}-idx{dimensions}-ubyte",
        "KMNIST_{part}_{content}_idx{dimensions}_ubyte",
    ],
)
@pytest.mark.parametrize("test", ["t10k", "test", "Test"])
def test_a_set_of_other_names_and_labels_is_read(tmp_path, names, ending, test):
    for part, images, labels in (("train", PICTURES, ANSWERS), (test, PICTURES[1:4], ANSWERS[1:4])):
        for content, dimensions, array in (("images", 3, images), ("labels", 1, 1 + 12 * labels)):
            name = names.format(part=part, content=content, dimensions=dimensions)
            write(tmp_path / f"{name}{ending}", idx(array.astype(np.uint8)))
            (tmp_path / f"._{name}{ending}").write_bytes(b"")
    reading = read_images(tmp_path)
    assert has_images(tmp_path)
    assert reading.names == ("1", "13", "25")
    assert reading.labels.tolist() == ANSWERS.tolist() and reading.test_labels.tolist() == ANSWERS[1:4].tolist()
    assert np.array_equal(reading.images, PICTURES)


def test_a_folder_of_two_sets_is_refused(tmp_path):
    fill(tmp_path)
    (tmp_path / "digits-train-images-idx3-ubyte").write_bytes(b"")
    assert "holds several sets of IDX files, …, digits-…; give" in refusal(lambda: read_images(tmp_path))


def test_a_folder_without_idx_files_has_no_images(tmp_path):
    (tmp_path / "images.txt").write_text("x")
    (tmp_path / "._train-images-idx3-ubyte").write_text("x")
    assert not has_images(tmp_path) and not has_images(tmp_path / "images.txt") and not has_images(tmp_path / "none")


def test_the_real_digits_are_read_in_their_classic_order(real_digits):
    reading = read_images(real_digits)
    assert (reading.images.shape, reading.test_images.shape) == ((60_000, 28, 28), (10_000, 28, 28))
    assert reading.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert reading.names == tuple("0123456789")
    assert (reading.images / 255).mean() == pytest.approx(0.1307, abs=5e-5)
