"""Files, globs and folders name tables, and each table gets a name in the output folder."""

import os
from pathlib import Path

import pytest

from elman.annotation.paths import (
    check_apart,
    check_file,
    check_folder,
    check_side_file,
    find_place,
    name_outputs,
    name_parquet_outputs,
    name_side_file,
)
from elman.errors import DataError, SettingError
from elman.tables.sources import find_tables


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with tables, hidden files and files that are not tables."""
    names = ["b.csv", "a.csv", "notes.txt", "in/z.parquet", "in/deep/y.jsonl.gz", "in/notes.txt"]
    names += ["in/_SUCCESS", "in/.hidden.csv", "in/_temporary/x.csv", "in/.git/x.csv", "other/notes.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_tables_of_each_input_are_sorted_by_name(here):
    assert find_tables(["b.csv", "*.csv", "-", "in"]) == [
        "b.csv",
        "a.csv",
        "b.csv",
        "-",
        "in/deep/y.jsonl.gz",
        "in/z.parquet",
    ]


def test_a_glob_with_two_stars_matches_all_folders(here):
    assert find_tables(["in/**/*.gz"]) == ["in/deep/y.jsonl.gz"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("other", "other: contains no table"),
        ("missing.csv", "missing.csv: no such file, and no file matches this pattern"),
        ("*.parquet", r"\*\.parquet: no such file, and no file matches this pattern"),
    ],
)
def test_an_input_that_names_no_table_is_refused(here, path, message):
    with pytest.raises(DataError, match=f"^{message}; expected CSV, TSV, JSON Lines or Parquet$"):
        find_tables(["a.csv", path])


def test_a_table_of_a_folder_keeps_its_path_and_gets_the_suffix_of_its_format(here):
    assert name_outputs(["in", "a.csv"], None) == {
        "in/deep/y.jsonl.gz": "deep/y.jsonl.gz",
        "in/z.parquet": "z.parquet",
        "a.csv": "a.csv",
    }
    assert list(name_outputs(["in"], "csv.zst").values()) == ["deep/y.csv.zst", "z.csv.zst"]


def test_two_tables_with_one_output_are_refused(here):
    (here / "z.csv").touch()
    with pytest.raises(DataError, match=r"z\.csv: two files would become z\.csv in the folder"):
        name_outputs(["in/z.parquet", "z.csv"], "csv")


@pytest.mark.parametrize(
    ("name", "write_as", "output"),
    [
        ("sales.2024.csv", "parquet", "sales.2024.parquet"),
        ("sales.2024.csv.gz", "parquet", "sales.2024.parquet"),
        ("sales.2024.csv", "csv.zst", "sales.2024.csv.zst"),
        ("sales.csv.2024.jsonl", "csv", "sales.csv.2024.csv"),
        ("SALES.CSV.GZ", "tsv", "SALES.tsv"),
        ("v1.2.parquet", "jsonl", "v1.2.jsonl"),
        ("csv.csv", "jsonl", "csv.jsonl"),
        ("parquet", "csv", "parquet.csv"),
        ("sales.2024", "csv", "sales.2024.csv"),
        ("x.gz", "csv", "x.csv"),
        ("sales.2024.csv", None, "sales.2024.csv"),
    ],
)
def test_only_the_suffix_of_the_format_is_replaced(here, name, write_as, output):
    (here / name).touch()
    assert name_outputs([name], write_as) == {name: output}


@pytest.mark.parametrize("stem", ["n" * 250, "名" * 80, "名" * 83], ids=["latin", "80 Chinese", "83 Chinese"])
def test_a_long_name_stays_legal_in_another_format(here, stem):
    for name in (f"{stem}.csv", f"{stem[:-1]}x.csv"):
        (here / "in" / name).touch()
    outputs = name_outputs(["in"], "jsonl.gz", skip_malformed=True)
    assert len(set(outputs.values())) == 4 == len(outputs)
    for output in outputs.values():
        for path in (here / output, here / name_side_file(output)):
            path.parent.mkdir(exist_ok=True)
            path.touch()


def test_an_output_that_is_the_file_of_skipped_rows_of_another_is_refused(here):
    for name in ("people.csv", "people.csv.skipped.jsonl"):
        (here / "other" / name).touch()
    assert len(name_outputs(["other"], None)) == 2
    message = r"people\.csv\.skipped\.jsonl: two files would become people\.csv\.skipped\.jsonl in the folder"
    with pytest.raises(DataError, match=message):
        name_outputs(["other"], None, skip_malformed=True)


def test_an_output_that_is_a_folder_of_another_is_refused(here):
    (here / "other" / "z.parquet").mkdir()
    (here / "other" / "z.parquet" / "a.csv").touch()
    with pytest.raises(DataError, match=r"a\.csv: z\.parquet would be a file and a folder; annotate the inputs sep"):
        name_outputs(["in", "other"], None)


def test_what_does_not_print_is_escaped_in_messages(here):
    with pytest.raises(DataError, match=r"^a\\x1b\[31m\\n\.csv: no such file"):
        find_tables(["a\x1b[31m\n.csv"])


def test_standard_input_has_no_output_in_a_folder(here):
    with pytest.raises(SettingError, match="standard input has no name"):
        name_outputs(["a.csv", "-"], None)


def test_a_cluster_reads_files_of_parquet_and_writes_a_folder(here):
    assert name_parquet_outputs(["in/z.parquet"], "out", "parquet", None) == {"in/z.parquet": "z.parquet"}
    for inputs, out, read_as in (([], "out", None), (["-"], "out", None), (["in"], "-", None), (["in"], "out", "csv")):
        with pytest.raises(SettingError, match="--engine ray reads Parquet files and writes a folder"):
            name_parquet_outputs(inputs, out, read_as, None)


# Where an output can be written


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
def places(tmp_path, monkeypatch):
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
def test_a_file_that_cannot_be_written_is_refused(places, monkeypatch, path):
    monkeypatch.setattr(os, "access", lambda place, mode: str(place) != "locked")
    assert message_of(check_file, path, overwrite=False) == REFUSED[path]


@pytest.mark.parametrize("path", ["new", "folder/new", "link to a folder/new", "n" * 255])
def test_a_file_that_does_not_exist_can_be_written(places, path):
    for check in (check_file, check_side_file):
        check(Path(path), overwrite=False)


def test_a_file_is_replaced_only_on_request_and_only_if_it_is_one(places, monkeypatch):
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


def test_a_file_for_skipped_rows_is_replaced_only_on_request_and_devices_are_written(places):
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
def test_skipped_rows_never_go_to_the_input_or_the_output(places, path):
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
def test_a_folder_that_cannot_be_written_is_refused(places, monkeypatch, path, problem):
    monkeypatch.setattr(os, "access", lambda place, mode: str(place) != "locked")
    assert message_of(check_folder, path) == f"{path}: {problem}"


def test_an_empty_folder_can_be_written_unless_it_is_the_current_one_or_a_mount_point(places, monkeypatch):
    for path in ("folder", "link to a folder", "new"):
        check_folder(Path(path))
    check_folder(Path("filled"), may_be_filled=True)
    monkeypatch.setattr(os.path, "ismount", lambda place: str(place) == "folder")
    assert message_of(check_folder, "folder") == (
        "folder: is a mount point; name a folder inside it that does not exist"
    )
    monkeypatch.chdir(places / "folder")
    for path in (".", "", str(places / "folder"), "../link to a folder"):
        assert message_of(check_folder, path).endswith(": is the current folder; name a folder that does not exist")


def test_an_output_is_written_where_its_links_lead(places):
    assert find_place(Path("link to a folder")) == places / "folder"
    assert find_place(Path("folder/new")) == Path("folder/new")
    assert find_place(Path(".")) == places and find_place(Path("folder/..")) == places


@pytest.mark.parametrize("name", ["n" * 250, "名" * 80 + ".csv", "n" * 255])
def test_the_file_for_skipped_rows_has_a_legal_name(tmp_path, name):
    path = Path(name_side_file(str(tmp_path / name)))
    path.touch()
    assert path.parent == tmp_path and path.name.startswith(name[:50]) and path.name.endswith(".skipped.jsonl")
    assert name_side_file("people.csv") == "people.csv.skipped.jsonl"
