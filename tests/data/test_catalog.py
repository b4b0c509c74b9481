"""The catalog: a named set is downloaded once, checked, and read; nothing here touches the network."""

import gzip
import hashlib
import zipfile

import numpy as np
import pytest

from elman.data import reading
from elman.data.catalog import CATALOG, ImageSet, NamedSet, check, named
from elman.data.download import cache_folder, fetch
from elman.data.examples import JUNK
from elman.data.reading import read_named
from elman.errors import DataError
from elman.records import Example
from elman.training.tasks import TASKS

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
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(CATALOG, "tiny", TINY)
    return tmp_path / "cache"


class FakeDownload:
    """Writes a zip archive of the given members, and counts how often it was asked."""

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


def filled(folder, files=FILES):
    folder.mkdir(parents=True)
    for label, content in files.items():
        (folder / f"{label}.txt").write_text(content, encoding="utf-8")
    return folder


def refuse(*_):
    raise AssertionError("must not download")


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


def test_reading_a_cached_set_drops_and_counts_the_junk_line():
    fetch(TINY, download=whole_archive())
    reading = read_named("tiny")
    assert reading.examples == (Example("Smith", "English"), Example("Ito", "Japanese"), Example("Abe", "Japanese"))
    assert (reading.lines, reading.dropped) == (5, {JUNK: 2})


@pytest.mark.parametrize(
    ("download", "complaint"),
    [
        (lambda url, file: file.write_bytes(b"<html>502 Bad Gateway</html>"), "not a whole zip archive; try again"),
        (lambda url, file: file.write_bytes(b""), "not a whole zip archive; try again"),
        (FakeDownload({}), r"expected English\.txt … Japanese\.txt"),
        (
            FakeDownload({"other/English.txt": "Smith", "other/Japanese.txt": "Ito"}),
            "does not hold the data set 'tiny'",
        ),
        (FakeDownload({"data/names/English.txt": "Smith"}), r"lacks Japanese\.txt"),
    ],
    ids=["page", "nothing", "empty archive", "wrong archive", "incomplete archive"],
)
def test_a_download_that_is_not_the_set_leaves_nothing_behind(cache, download, complaint):
    with pytest.raises(DataError, match=complaint):
        fetch(TINY, download=download)
    assert list(cache.iterdir()) == []


def test_a_download_with_a_damaged_member_leaves_nothing_behind(cache):
    def damaged(url, file):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for label in TINY.labels:
                archive.writestr(f"data/names/{label}.txt", "Smith\n" * 50)
        content = bytearray(file.read_bytes())
        content[52:62] = b"\xff" * 10  # within the first member's compressed bytes
        file.write_bytes(content)

    with pytest.raises(DataError, match="not a whole zip archive"):
        fetch(TINY, download=damaged)
    assert list(cache.iterdir()) == []


def test_a_download_that_fails_leaves_nothing_behind_and_can_be_tried_again(cache):
    def fail(url, file):
        file.write_bytes(b"half")
        raise DataError("could not download")

    with pytest.raises(DataError, match="could not download"):
        fetch(TINY, download=fail)
    assert list(cache.iterdir()) == []
    assert fetch(TINY, download=whole_archive()).is_dir()


@pytest.mark.parametrize("inside", [".", "names"])
def test_the_users_folder_or_the_one_named_as_the_archives_inside_it_is_read(tmp_path, monkeypatch, inside):
    monkeypatch.setattr(reading, "fetch", refuse)
    place = filled(tmp_path / "mine" / inside)
    assert check(TINY, tmp_path / "mine") == place
    assert len(read_named("tiny", tmp_path / "mine").examples) == 3


def test_a_folder_that_lacks_files_is_told_which(tmp_path):
    folder = filled(tmp_path / "mine", {"English": "Smith\n"})
    with pytest.raises(DataError, match=r"mine: the data set 'tiny' lacks Japanese\.txt"):
        read_named("tiny", folder)


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_that_holds_nothing_of_the_set_is_refused(tmp_path, made):
    if made:
        filled(tmp_path / "mine", {"Klingon": "Worf\n"})
    with pytest.raises(DataError, match="mine: does not hold the data set 'tiny'"):
        check(TINY, tmp_path / "mine")


def test_a_cached_set_that_lost_a_file_is_not_read_as_if_whole(cache):
    filled(cache / "tiny", {"English": "Smith\n"})
    with pytest.raises(DataError, match=r"lacks Japanese\.txt"):
        fetch(TINY, download=refuse)


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(
        DataError, match="no data set is named 'klingon'; the named sets are languages, hello, mnist, tiny"
    ):
        read_named("klingon")


def test_every_entry_is_named_by_its_key_and_says_what_it_is():
    for name, entry in CATALOG.items():
        assert named(name) is entry and entry.name == name
        assert entry.about and entry.origin and entry.task in TASKS
        assert getattr(entry, "url", "https://").startswith("https://")


def test_the_languages_are_eighteen():
    assert len(set(CATALOG["languages"].labels)) == 18


def test_the_real_languages_are_read_from_their_folder(real_names):
    reading = read_named("languages", real_names.parent)
    assert {example.label for example in reading.examples} == set(CATALOG["languages"].labels)


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch, cache):
    assert cache_folder() == cache
    monkeypatch.delenv("ELMAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "elman"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "elman"


# A set that stands in the package


def test_hello_is_one_pair_that_needs_no_folder(monkeypatch):
    monkeypatch.setattr(reading, "fetch", refuse)
    hello = read_named("hello")
    assert (hello.examples, hello.lines, hello.dropped) == ((Example("hello", "ohlol"),), 1, {})


def test_what_stands_in_the_package_cannot_be_fetched(cache):
    with pytest.raises(DataError, match="'hello' is inside the package; there is nothing to fetch"):
        fetch(CATALOG["hello"], download=refuse)
    assert not cache.exists()


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
    about="four pictures",
    origin="this test",
    url="https://example.invalid/digits/",
    digests={name: hashlib.md5(content).hexdigest() for name, content in IMAGE_FILES.items()},
)


class FakeFiles:
    """Writes each file that is asked for, the last of them altered if need be, and remembers the addresses."""

    def __init__(self, *, altered=()):
        self.altered, self.calls = altered, []

    def __call__(self, url, file):
        self.calls.append(url)
        name = url.rsplit("/", 1)[1]
        file.write_bytes(IMAGE_FILES[name] + b"\0" * (name in self.altered))


def test_images_with_the_right_digests_are_cached_as_they_came(cache):
    download = FakeFiles()
    place = fetch(DIGITS, download=download)
    assert place == cache / "mnist"
    assert download.calls == [DIGITS.url + name for name in IMAGE_FILES]
    assert {path.name: path.read_bytes() for path in place.iterdir()} == IMAGE_FILES
    assert list(cache.iterdir()) == [place]


def test_cached_images_are_not_downloaded_again_and_are_read(monkeypatch):
    place = fetch(DIGITS, download=FakeFiles())
    assert fetch(DIGITS, download=refuse) == place
    monkeypatch.setitem(CATALOG, "mnist", DIGITS)
    reading = read_named("mnist")
    assert np.array_equal(reading.images, PIXELS)
    assert (reading.test_labels.tolist(), reading.lines) == ([1, 0], 6)


@pytest.mark.parametrize("name", IMAGE_FILES)
def test_images_with_a_wrong_digest_are_refused_and_leave_nothing_behind(cache, name):
    came = hashlib.md5(IMAGE_FILES[name] + b"\0").hexdigest()
    with pytest.raises(DataError, match=f"digits/{name}: expected MD5 {DIGITS.digests[name]}, got {came}; try again"):
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


def test_images_are_read_from_the_users_folder_without_a_download(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "fetch", refuse)
    for name, content in IMAGE_FILES.items():
        (tmp_path / name).write_bytes(content)
    assert read_named("mnist", tmp_path).names == ("0", "1")


def test_a_folder_without_the_images_is_told_what_it_lacks(tmp_path):
    with pytest.raises(DataError, match="lacks train-images-idx3-ubyte"):
        read_named("mnist", tmp_path)


def test_the_digits_have_a_digest_for_each_of_their_four_files():
    assert set(CATALOG["mnist"].digests) == set(IMAGE_FILES)
    assert all(len(bytes.fromhex(digest)) == 16 for digest in CATALOG["mnist"].digests.values())
