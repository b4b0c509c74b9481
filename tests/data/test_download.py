"""Downloads: a named set is fetched once, checked and cached; nothing here uses the network."""

import gzip
import hashlib
import sys
import zipfile

import numpy as np
import pytest

from elman.data.catalog import CATALOG, ImageSet, NamedSet, PairFiles
from elman.data.download import cache_folder, fetch
from elman.errors import DataError, MissingExtraError

TINY = NamedSet(
    name="tiny",
    about="two labels",
    origin="this test",
    url="https://example.invalid/tiny.zip",
    folder="data/names",
    labels=("English", "Japanese"),
    junk=frozenset({"To The First Page"}),
)
FILES = {"English": "Smith\nTo The First Page\n", "Japanese": "Ito\nTo The First Page\nAbe\n"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache, empty and not made yet."""
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class FakeDownload:
    """Writes a zip archive of the given members, and records the addresses."""

    def __init__(self, members):
        self.members, self.calls = members, []

    def __call__(self, url, file):
        self.calls.append(url)
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in self.members.items():
                archive.writestr(name, content)


def whole_archive():
    names = {f"data/names/{label}.txt": content for label, content in FILES.items()}
    return FakeDownload({**names, "data/eng-fra.txt": "other data", "data/names/notes.md": "notes"})


def refuse(*_):
    raise AssertionError("must not download")


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch, cache):
    assert cache_folder() == cache
    monkeypatch.delenv("ELMAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "elman"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "elman"


def test_a_set_is_downloaded_into_the_cache(cache):
    download = whole_archive()
    assert fetch(TINY, download=download) == cache / "tiny"
    assert download.calls == [TINY.url]
    assert {path.name: path.read_text() for path in (cache / "tiny").iterdir()} == {
        f"{label}.txt": content for label, content in FILES.items()
    }
    assert [path.name for path in cache.iterdir()] == ["tiny"]


def test_a_second_fetch_does_not_download():
    place = fetch(TINY, download=whole_archive())
    assert fetch(TINY, download=refuse) == place


@pytest.mark.parametrize(
    ("download", "complaint"),
    [
        (lambda url, file: file.write_bytes(b"<html>502 Bad Gateway</html>"), "not a complete zip archive; try again"),
        (lambda url, file: file.write_bytes(b""), "not a complete zip archive; try again"),
        (FakeDownload({}), r"expected English\.txt … Japanese\.txt"),
        (
            FakeDownload({"other/English.txt": "Smith", "other/Japanese.txt": "Ito"}),
            "does not contain the data set 'tiny'",
        ),
        (FakeDownload({"data/names/English.txt": "Smith"}), r"are missing: Japanese\.txt"),
    ],
    ids=["page", "nothing", "empty archive", "wrong archive", "incomplete archive"],
)
def test_a_download_that_is_not_the_set_leaves_nothing_behind(cache, download, complaint):
    with pytest.raises(DataError, match=complaint):
        fetch(TINY, download=download)
    assert list(cache.iterdir()) == []


def test_a_download_with_a_damaged_member_leaves_nothing_behind(cache):
    def damage(url, file):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for label in TINY.labels:
                archive.writestr(f"data/names/{label}.txt", "Smith\n" * 50)
        content = bytearray(file.read_bytes())
        content[52:62] = b"\xff" * 10  # within the first member's compressed bytes
        file.write_bytes(content)

    with pytest.raises(DataError, match="not a complete zip archive"):
        fetch(TINY, download=damage)
    assert list(cache.iterdir()) == []


def test_a_failed_download_leaves_nothing_behind_and_can_be_tried_again(cache):
    def fail(url, file):
        file.write_bytes(b"half")
        raise DataError("could not download")

    with pytest.raises(DataError, match="could not download"):
        fetch(TINY, download=fail)
    assert list(cache.iterdir()) == []
    assert fetch(TINY, download=whole_archive()).is_dir()


def test_a_cached_set_that_lost_a_file_is_refused(cache):
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny" / "English.txt").write_text("Smith\n")
    with pytest.raises(DataError, match=r"are missing: Japanese\.txt"):
        fetch(TINY, download=refuse)


def test_a_set_inside_the_package_cannot_be_fetched(cache):
    with pytest.raises(DataError, match="'hello' is inside the package; there is nothing to fetch"):
        fetch(CATALOG["hello"], download=refuse)
    assert not cache.exists()


def test_without_pooch_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"downloading needs the package pooch: pip install 'elman\[train\]'"):
        fetch(TINY)


# Images


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return gzip.compress(bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes(), mtime=0)


PIXELS = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
IMAGE_FILES = {
    "train-images-idx3-ubyte.gz": idx(PIXELS),
    "train-labels-idx1-ubyte.gz": idx(np.array([0, 1, 1, 0], np.uint8)),
    "t10k-images-idx3-ubyte.gz": idx(PIXELS[:2]),
    "t10k-labels-idx1-ubyte.gz": idx(np.array([1, 0], np.uint8)),
}
DIGITS = ImageSet(
    name="mnist",
    about="four images",
    origin="this test",
    url="https://example.invalid/digits/",
    digests={name: hashlib.md5(content).hexdigest() for name, content in IMAGE_FILES.items()},
)


class FakeFiles:
    """Writes each file that is requested, altered if its name is in ``altered``, and records the addresses."""

    def __init__(self, *, altered=()):
        self.altered, self.calls = altered, []

    def __call__(self, url, file):
        self.calls.append(url)
        name = url.rsplit("/", 1)[1]
        file.write_bytes(IMAGE_FILES[name] + b"\0" * (name in self.altered))


def test_images_with_the_right_digests_are_cached_unchanged(cache):
    download = FakeFiles()
    place = fetch(DIGITS, download=download)
    assert place == cache / "mnist"
    assert download.calls == [DIGITS.url + name for name in IMAGE_FILES]
    assert {path.name: path.read_bytes() for path in place.iterdir()} == IMAGE_FILES
    assert list(cache.iterdir()) == [place]


def test_cached_images_are_not_downloaded_again():
    place = fetch(DIGITS, download=FakeFiles())
    assert fetch(DIGITS, download=refuse) == place


@pytest.mark.parametrize("name", IMAGE_FILES)
def test_images_with_a_wrong_digest_are_refused_and_leave_nothing_behind(cache, name):
    digest = hashlib.md5(IMAGE_FILES[name] + b"\0").hexdigest()
    with pytest.raises(DataError, match=f"digits/{name}: expected MD5 {DIGITS.digests[name]}, got {digest}; try again"):
        fetch(DIGITS, download=FakeFiles(altered=[name]))
    assert list(cache.iterdir()) == []
    assert fetch(DIGITS, download=FakeFiles()).is_dir()


def test_a_download_of_images_that_fails_half_way_leaves_nothing_behind(cache):
    good = FakeFiles()

    def fail(url, file):
        if len(good.calls) == 2:
            raise DataError("could not download")
        good(url, file)

    with pytest.raises(DataError, match="could not download"):
        fetch(DIGITS, download=fail)
    assert list(cache.iterdir()) == []


# Files


WORDS = {"words.train": b"ann\tAE N\n", "words.ref": b"lee\tL IY\n"}
PAIRED = PairFiles(
    name="words",
    about="two pairs",
    origin="this test",
    url="https://example.invalid/words/",
    files={"train": "words.train", "test": "words.ref"},
    digests={name: hashlib.sha256(content).hexdigest() for name, content in WORDS.items()},
    held_out=1,
)


def test_files_with_the_right_digests_are_cached_and_others_refused(cache):
    wrong = hashlib.sha256(b"404: Not Found").hexdigest()
    expected = PAIRED.digests["words.train"]
    with pytest.raises(DataError, match=rf"words/words\.train: expected SHA-256 {expected}, got {wrong}; try again"):
        fetch(PAIRED, download=lambda url, file: file.write_bytes(b"404: Not Found"))
    assert list(cache.iterdir()) == []
    place = fetch(PAIRED, download=lambda url, file: file.write_bytes(WORDS[url.rsplit("/", 1)[1]]))
    assert {path.name: path.read_bytes() for path in place.iterdir()} == WORDS
    assert fetch(PAIRED, download=refuse) == place
    (place / "words.ref").unlink()
    with pytest.raises(DataError, match=r"data set 'words' are missing: words\.ref"):
        fetch(PAIRED, download=refuse)
