"""Files, globs and folders name tables, and each table gets a name in the output folder."""

import pytest

from elman.annotation.paths import find_tables, name_outputs, name_parquet_outputs
from elman.errors import DataError, SettingError


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
    with pytest.raises(DataError, match=r"z\.csv: two tables would become z\.csv in the folder"):
        name_outputs(["in/z.parquet", "z.csv"], "csv")


def test_standard_input_has_no_output_in_a_folder(here):
    with pytest.raises(SettingError, match="standard input has no name"):
        name_outputs(["a.csv", "-"], None)


def test_a_cluster_reads_files_of_parquet_and_writes_a_folder(here):
    assert name_parquet_outputs(["in/z.parquet"], "out", "parquet", None) == {"in/z.parquet": "z.parquet"}
    for inputs, out, read_as in (([], "out", None), (["-"], "out", None), (["in"], "-", None), (["in"], "out", "csv")):
        with pytest.raises(SettingError, match="--engine ray reads Parquet files and writes a folder"):
            name_parquet_outputs(inputs, out, read_as, None)
