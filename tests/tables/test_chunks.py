"""Chunks have a digest of their rows, and their values become text, JSON and Arrow arrays."""

import pyarrow as pa
import pytest
from table_rows import read_table

from elman.errors import DataError
from elman.tables.chunks import find_column
from elman.tables.columnar.arrays import common_type, to_array, type_of
from elman.tables.values import plain_text


def test_a_digest_differs_for_different_rows(write):
    contents = ["name\nAnn\nBob\n", "name\nAnn\nBop\n", "name\nAnn\n", "name\nBob\nAnn\n"]
    digests = {read_table(write("a.csv", content))[1][0].digest() for content in contents}
    assert len(digests) == len(contents)
    assert read_table(write("a.csv", contents[0]))[1][0].digest() in digests


def test_plain_text_of_every_kind_of_value():
    assert plain_text({"a": [1, None, "é"]}) == '{"a": [1, null, "é"]}'
    assert plain_text(True) == "true" and plain_text(2.0) == "2.0"
    assert plain_text("half \ud800") == "half ?"


@pytest.mark.parametrize("columns", [(), ("id", "nom"), ("name", "name")])
def test_a_column_is_found_once_or_refused(columns):
    assert find_column("name", ["id", "name"], "a.csv") == 1
    with pytest.raises(DataError, match=r"^a\.csv: expected one column 'name', found .*--column") as error:
        find_column("name", columns, "a.csv")
    assert (error.value.code, error.value.line) == ("unknown_column", None)


def test_values_of_another_type_become_text_only_in_columns_of_text():
    assert to_array([1, None, "a"], pa.string()).to_pylist() == ["1", None, "a"]
    with pytest.raises(DataError, match="expected values of the type int64") as error:
        to_array([1, "a"], pa.int64())
    assert error.value.code == "unreadable"


def test_types_are_those_that_hold_all_values():
    assert (type_of([1, None]), type_of([None]), type_of([1, "a"])) == (pa.int64(), pa.null(), pa.string())
    assert common_type(pa.int64(), pa.float64()) == pa.float64()
    assert common_type(pa.int64(), pa.string()) == pa.string()
