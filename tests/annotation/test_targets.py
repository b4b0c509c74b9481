"""Whether an output can be written is known before the work starts, and is said in one line."""

import os
from pathlib import Path

import pytest

from elman.annotation.targets import check_apart, check_file, check_folder, check_side_file, find_place, name_side_file
from elman.errors import DataError

REFUSED = {
    "exists": "exists: already exists; give another name, or --overwrite to replace it",
    "folder": "folder: is a folder; name a file",
    "link to a folder": "link to a folder: is a folder; name a file",
    "broken link": "broken link: is a link to a file that does not exist; remove it, or give another name",
    "pipe": "pipe: already exists; give another name, or --overwrite to replace it",
    "missing/out.csv": "missing/out.csv: the folder missing does not exist; make it first",
    "missing/../out.csv": "missing/../out.csv: the folder missing/.. does not exist; make it first",
    "exists/out.csv": "exists/out.csv: the folder exists does not exist; make it first",
    "link to missing/out.csv": "link to missing/out.csv: the folder link to missing does not exist; make it first",
    "locked/out.csv": "locked/out.csv: nothing can be written to the folder locked; name another one",
    "mis\x1bsing/a\n": r"mis\x1bsing/a\n: the folder mis\x1bsing does not exist; make it first",
    ".": ".: is a folder; name a file",
    "": ".: is a folder; name a file",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with files, folders, links and a pipe."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exists").write_bytes(b"mine")
    for name in ("folder", "filled", "locked"):
        (tmp_path / name).mkdir()
    (tmp_path / "filled" / ".hidden").touch()
    os.mkfifo(tmp_path / "pipe")
    for name, target in {
        "link": "exists",
        "link to a folder": "folder",
        "link to a filled folder": "filled",
        "broken link": "missing",
        "link to missing": "missing",
    }.items():
        (tmp_path / name).symlink_to(target)
    return tmp_path


def message_of(check, path, **settings):
    with pytest.raises(DataError) as error:
        check(Path(path), **settings)
    return str(error.value)


@pytest.mark.parametrize("path", REFUSED)
def test_a_file_that_cannot_be_written_is_refused(here, monkeypatch, path):
    monkeypatch.setattr(os, "access", lambda place, mode: str(place) != "locked")
    assert message_of(check_file, path, overwrite=False) == REFUSED[path]


@pytest.mark.parametrize("path", ["new", "folder/new", "link to a folder/new", "n" * 255])
def test_a_file_that_does_not_exist_can_be_written(here, path):
    for check in (check_file, check_side_file):
        check(Path(path), overwrite=False)


def test_a_file_is_replaced_only_on_request_and_only_if_it_is_one(here, monkeypatch):
    for path in ("exists", "link"):
        check_file(Path(path), overwrite=True)
    assert message_of(check_file, "pipe", overwrite=True) == (
        "pipe: is not a file; write to standard output with -, and redirect it"
    )
    assert message_of(check_file, "link to a folder", overwrite=True).endswith("is a folder; name a file")
    monkeypatch.setattr(os, "access", lambda place, mode: str(place) != "exists")
    assert message_of(check_file, "exists", overwrite=True) == (
        "exists: may not be written; give another name, or change its permissions"
    )
    monkeypatch.setattr(os.path, "ismount", lambda place: str(place) == "exists")
    assert message_of(check_file, "exists", overwrite=True).startswith(
        "exists: is a mount point and cannot be replaced"
    )


def test_a_file_for_skipped_rows_is_replaced_only_on_request_and_devices_are_written(here):
    assert message_of(check_side_file, "exists", overwrite=False) == (
        "exists: already exists; give another name with --skipped, or --overwrite to replace it"
    )
    check_side_file(Path("exists"), overwrite=True)
    for device in ("pipe", "/dev/null"):
        check_side_file(Path(device), overwrite=False)
    assert message_of(check_side_file, "folder", overwrite=True) == "folder: is a folder; name a file with --skipped"
    assert message_of(check_side_file, "missing/a", overwrite=True).endswith(
        "folder missing does not exist; make it first"
    )


@pytest.mark.parametrize("path", ["exists", "link", "folder/../exists"])
def test_skipped_rows_never_go_to_the_input_or_the_output(here, path):
    with pytest.raises(DataError, match="is the output or an input; name another file for skipped rows with --skipped"):
        check_apart(Path(path), ["other.csv", "exists"])
    check_apart(Path(path), ["other.csv"])


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("exists", "already exists and is not empty; name a folder that does not exist"),
        ("filled", "already exists and is not empty; name a folder that does not exist"),
        ("link to a filled folder", "already exists and is not empty; name a folder that does not exist"),
        (".", "already exists and is not empty; name a folder that does not exist"),
        ("/", "already exists and is not empty; name a folder that does not exist"),
        ("broken link", "is a link to a file that does not exist; remove it, or give another name"),
        ("missing/out", "the folder missing does not exist; make it first"),
        ("locked/out", "nothing can be written to the folder locked; name another one"),
    ],
)
def test_a_folder_that_cannot_be_written_is_refused(here, monkeypatch, path, problem):
    monkeypatch.setattr(os, "access", lambda place, mode: str(place) != "locked")
    assert message_of(check_folder, path) == f"{path}: {problem}"


def test_an_empty_folder_can_be_written_unless_it_is_the_current_one_or_a_mount_point(here, monkeypatch):
    for path in ("folder", "link to a folder", "new"):
        check_folder(Path(path))
    check_folder(Path("filled"), may_be_filled=True)
    monkeypatch.setattr(os.path, "ismount", lambda place: str(place) == "folder")
    assert message_of(check_folder, "folder") == (
        "folder: is a mount point; name a folder inside it that does not exist"
    )
    monkeypatch.chdir(here / "folder")
    for path in (".", "", str(here / "folder"), "../link to a folder"):
        assert message_of(check_folder, path).endswith(": is the current folder; name a folder that does not exist")


def test_an_output_is_written_where_its_links_lead(here):
    assert find_place(Path("link to a folder")) == here / "folder"
    assert find_place(Path("folder/new")) == Path("folder/new")
    assert find_place(Path(".")) == here and find_place(Path("folder/..")) == here


@pytest.mark.parametrize("name", ["n" * 250, "名" * 80 + ".csv", "n" * 255])
def test_the_file_for_skipped_rows_has_a_legal_name(tmp_path, name):
    path = Path(name_side_file(str(tmp_path / name)))
    path.touch()
    assert path.parent == tmp_path and path.name.startswith(name[:50]) and path.name.endswith(".skipped.jsonl")
    assert name_side_file("people.csv") == "people.csv.skipped.jsonl"
