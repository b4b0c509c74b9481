"""Files, globs and folders name tables, and each table gets a name in the output folder."""

import pytest

from elman.annotation.paths import find_tables, name_outputs, name_parquet_outputs
from elman.annotation.targets import name_side_file
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
