"""The catalog: what each named set is, and the folder that its files are in."""

import pytest

from elman.data.catalog import CATALOG, NamedSet, check_folder, find_set
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
        assert entry.about and entry.origin and entry.task in TASKS
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
