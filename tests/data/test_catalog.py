"""The catalog: what each named set is, and the folder that its files are in."""

import hashlib

import pytest

from elman.data.catalog import CATALOG, NamedSet, PairFiles, TextSet, check_files, check_folder, find_set
from elman.errors import DataError
from elman.training.tasks.registry import TASKS

TINY = NamedSet(
    name="tiny",
    about="two labels",
    origin="this test",
    url="https://example.invalid/tiny.zip",
    folder="data/names",
    labels=("English", "Japanese"),
    junk=frozenset(),
)


def fill(folder, *labels):
    folder.mkdir(parents=True)
    for label in labels:
        (folder / f"{label}.txt").write_text("Smith\n")
    return folder


def test_every_entry_is_found_by_its_key_and_says_what_it_is():
    for name, entry in CATALOG.items():
        assert find_set(name) is entry and entry.name == name
        assert entry.about and entry.origin and entry.task in {*TASKS, "pairs", "generate"}
        assert getattr(entry, "url", "https://").startswith("https://")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(DataError, match="no data set is named 'klingon'; the named sets are languages, hello, mnist"):
        find_set("klingon")


def test_the_languages_are_eighteen():
    assert len(set(CATALOG["languages"].labels)) == 18


def test_the_digits_have_a_digest_for_each_of_their_four_files():
    digests = CATALOG["mnist"].digests
    assert set(digests) == {
        *(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
    }
    assert all(len(bytes.fromhex(digest)) == 16 for digest in digests.values())


@pytest.mark.parametrize("inside", [".", "names"])
def test_the_files_are_in_the_folder_or_in_its_subfolder_named_as_in_the_archive(tmp_path, inside):
    place = fill(tmp_path / "mine" / inside, *TINY.labels)
    assert check_folder(TINY, tmp_path / "mine") == place


def test_missing_files_are_named(tmp_path):
    folder = fill(tmp_path / "mine", "English")
    with pytest.raises(DataError, match=r"mine: files of the data set 'tiny' are missing: Japanese\.txt"):
        check_folder(TINY, folder)


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_any_file_of_the_set_is_refused(tmp_path, exists):
    if exists:
        fill(tmp_path / "mine", "Klingon")
    with pytest.raises(
        DataError, match=r"mine: does not contain the data set 'tiny'; expected English\.txt … Japanese\.txt"
    ):
        check_folder(TINY, tmp_path / "mine")


FILES = [entry for entry in CATALOG.values() if isinstance(entry, PairFiles | TextSet)]


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry.name)
def test_files_are_pinned_to_a_commit_and_to_their_digests(entry):
    assert all(len(bytes.fromhex(digest)) == 32 for digest in entry.digests.values())
    assert len([part for part in entry.url.split("/") if len(part) == 40]) == 1 and entry.url.endswith("/")
    if isinstance(entry, PairFiles):
        assert set(entry.files.values()) == set(entry.digests) and {"train", "test"} <= set(entry.files)
        assert ("validation" in entry.files) == (entry.held_out is None)


def test_missing_files_of_pairs_are_named(tmp_path):
    (tmp_path / "g014b2b.ref").write_text("a\tAH\n")
    with pytest.raises(DataError, match=r"files of the data set 'pronunciation' are missing: g014b2b\.train"):
        check_files(CATALOG["pronunciation"], tmp_path)


PLACES = {"pronunciation": "pronunciation", "given-names": "generation"}


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry.name)
def test_the_digests_are_those_of_local_copies(entry, real_data):
    # The addresses cannot be tested without a network; copies that were fetched from them can.
    folder = real_data(PLACES.get(entry.name, "transliteration"))
    for name, digest in entry.digests.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
