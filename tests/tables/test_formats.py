"""The end of a file name decides its format."""

import pytest

from elman.errors import SettingError
from elman.tables.formats import Format, format_of, is_table


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize(("suffix", "packing"), [("", None), (".gz", "gzip"), (".zst", "zstd")])
def test_a_suffix_names_the_format_and_back(kind, suffix, packing):
    found = format_of(f"some.people.{kind}{suffix}")
    assert found == Format(kind, packing) == format_of("-", f"{kind}{suffix}")
    assert found.suffix == f".{kind}{suffix}"


def test_standard_streams_are_csv_unless_another_is_wanted():
    assert format_of("-") == Format("csv") and format_of("-", "jsonl.gz") == Format("jsonl", "gzip")
    assert format_of("people.csv", "tsv") == Format("tsv")


@pytest.mark.parametrize("name", ["people", "people.xlsx", "people.parquet.gz", "people.gz", "csv", "", "."])
def test_other_names_are_refused_and_are_not_tables(name):
    with pytest.raises(SettingError, match=r"expected a table, \.csv, .*--from or --to"):
        format_of(name)
    assert not is_table(name)
