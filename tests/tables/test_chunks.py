"""Chunks have a digest of their rows, and their values become text, JSON and Arrow arrays."""

import pyarrow as pa
import pytest
from table_rows import names_in, read_table, rows_in

from elman.errors import DataError
from elman.tables import chunks
from elman.tables.chunks import ArrowChunk, cut_chunk, find_column
from elman.tables.columnar.arrays import to_array, type_of
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


def test_the_type_of_values_is_text_if_they_differ():
    assert (type_of([1, None]), type_of([None]), type_of([1, "a"])) == (pa.int64(), pa.null(), pa.string())


@pytest.mark.parametrize(
    ("column", "similar"),
    [("full name", "Full Name"), ("FULL_NAME", "Full Name"), ("Full-Nam", "Full Name"), ("surnam", "surname")],
)
def test_a_similar_name_is_suggested(column, similar):
    with pytest.raises(DataError, match=f"columns id, Full Name, surname; did you mean --column '{similar}'?"):
        find_column(column, ["id", "Full Name", "surname"])


def test_a_message_shows_some_of_many_columns_and_escapes_them():
    message = r"expected one column 'a\\x1b', found the columns \\x07, 1, .*, 19 and 81 more; name the right one"
    with pytest.raises(DataError, match=message) as error:
        find_column("a\x1b", ["\x07", *map(str, range(1, 101))])
    assert str(error.value).isprintable()


def test_a_number_counts_columns_only_where_it_may():
    assert find_column("2", ["a", "b"], by_number=True) == 1 and find_column("2", ["2", "b"], by_number=True) == 0
    for column, by_number in (("2", False), ("0", True), ("3", True), ("٢", True), ("2" * 30, True)):
        with pytest.raises(DataError, match="expected one column"):
            find_column(column, ["a", "b"], by_number=by_number)


def test_every_chunk_has_the_text_of_any_column(write):
    _, (cells,) = read_table(write("a.csv", "name,n\nAnn,1\nBob,\n"))
    assert cells.strings("n") == ["1", ""] and cells.strings("1") == ["Ann", "Bob"]
    lines = '{"name": "Ann", "n": 1.5, "m": true}\n{"name": "Bob", "n": null, "x": [1]}\n{"name": "Cem", "n": NaN}\n'
    _, (objects,) = read_table(write("a.jsonl", lines))
    assert objects.strings("n") == ["1.5", None, None] and objects.strings("m") == ["True", None, None]
    assert objects.strings("nowhere") == [None] * 3
    with pytest.raises(DataError, match="expected strings in the column 'x', got list") as error:
        objects.strings("x")
    assert error.value.code == "not_strings"


def test_a_digest_depends_on_the_entries_of_a_dictionary():
    batches = [pa.record_batch({"name": pa.array(names).dictionary_encode()}) for names in (["a", "b"], ["a", "c"])]
    first, second = (ArrowChunk(batch, batch["name"].to_pylist()) for batch in batches)
    assert first.digest() == ArrowChunk(batches[0], []).digest() != second.digest()


@pytest.mark.parametrize("typed", [True, False])
def test_a_chunk_of_many_columns_is_cut_into_parts_with_all_rows(write, monkeypatch, typed):
    header, row = ",".join(["name", *(f"column {k}" for k in range(10))]), "Ann" + "," * 10
    cells = write("a.csv", "\n".join([header, *[row] * 9]))
    objects = write("a.jsonl", '{"name": "Ann", "x": {"a": 1, "b": 2, "c": 3, "d": 4}}\n{"name": "Bob", "y": 1}\n' * 8)
    tables = [read_table(table, typed=typed)[1] for table in (cells, objects)]
    monkeypatch.setattr(chunks, "CHARACTERS", 150)
    for whole in tables:
        parts = [part for chunk in whole for part in cut_chunk(chunk)]
        assert names_in(parts) == names_in(whole) and rows_in(parts) == rows_in(whole)
        assert len(parts) > 1 or (whole[0].dialect == "jsonl" and not typed)
