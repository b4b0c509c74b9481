"""The end of a file name decides its format."""

import pytest

from elman.errors import SettingError
from elman.tables.formats import Format, TextOptions, format_of, is_table


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize(("suffix", "packing"), [("", None), (".gz", "gzip"), (".zst", "zstd")])
def test_a_suffix_names_the_format_and_back(kind, suffix, packing):
    found = format_of(f"some.people.{kind}{suffix}")
    assert found == Format(kind, packing) == format_of("-", f"{kind}{suffix}")
    assert found.suffix == f".{kind}{suffix}"


def test_standard_streams_are_csv_unless_another_is_wanted():
    assert format_of("-") == Format("csv") and format_of("-", "jsonl.gz") == Format("jsonl", "gzip")
    assert format_of("people.csv", "tsv") == Format("tsv")


@pytest.mark.parametrize("name", ["people", "people.parquet.gz", "people.gz", "csv", "", "."])
def test_other_names_are_refused_and_are_not_tables(name):
    with pytest.raises(SettingError, match=r"expected a table, \.csv, .*--from or --to"):
        format_of(name)
    assert not is_table(name)


@pytest.mark.parametrize("name", ["people.xlsx", "PEOPLE.XLS", "a.b.ods"])
def test_a_workbook_gets_a_line_of_its_own(name):
    with pytest.raises(SettingError, match="is a workbook, .*; save its sheet as CSV UTF-8 or as Parquet"):
        format_of(name)
    assert not is_table(name)


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "\r", " "])
def test_a_delimiter_is_one_character(delimiter):
    with pytest.raises(SettingError, match="the delimiter must be one character"):
        TextOptions(delimiter=delimiter)


@pytest.mark.parametrize("encoding", ["latin-42", "rot13", "base64", ""])
def test_an_encoding_is_one_of_text(encoding):
    with pytest.raises(SettingError, match="expected the name of an encoding"):
        TextOptions(encoding=encoding)


def test_a_tab_can_be_given_in_words():
    assert [TextOptions(delimiter=name).delimiter for name in ("\\t", "tab", "\t")] == ["\t"] * 3
