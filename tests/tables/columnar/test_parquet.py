"""Parquet keeps its types, and a file that is not Parquet is refused by name."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from table_rows import names_in, read_table

from elman.errors import DataError
from elman.tables.columnar import parquet
from elman.tables.formats import CELL_CHARACTERS

VALUES = ["Ann", None, "Bob", "", "水"]
DATA = [None if value is None else value.encode() for value in VALUES]
KINDS = {
    "string": pa.array(VALUES),
    "large string": pa.array(VALUES, pa.large_string()),
    "string view": pa.array(VALUES, pa.string_view()),
    "binary": pa.array(DATA),
    "large binary": pa.array(DATA, pa.large_binary()),
    "binary view": pa.array(DATA, pa.binary_view()),
    "dictionary of strings": pa.array(VALUES).cast(pa.dictionary(pa.int8(), pa.string())),
    "dictionary of large strings": pa.array(VALUES, pa.large_string()).dictionary_encode(),
    "dictionary of bytes": pa.array(DATA).dictionary_encode(),
    "null": pa.nulls(5),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [2, 5])
def test_types_are_kept_and_every_kind_of_text_is_read(tmp_path, monkeypatch, kind, rows):
    monkeypatch.setattr(parquet, "ROWS", rows)
    table = pa.table({"k": range(5), "name": KINDS[kind]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=3)
    _, chunks = read_table(tmp_path / "a.parquet")
    expected = [None] * 5 if kind == "null" else VALUES
    assert names_in(chunks) == expected and all(len(chunk.names) <= rows for chunk in chunks)
    assert [name for chunk in chunks for name in chunk.strings("name")] == expected
    batches = [chunk.batch() for chunk in chunks]
    assert pa.Table.from_batches(batches).cast(table.schema).to_pylist() == table.to_pylist()
    assert batches[0].schema == pq.read_schema(tmp_path / "a.parquet")
    assert [chunk.done for chunk in chunks][-1] == 1.0
    in_text = [row[1] for chunk in chunks for row in chunk.rows()]
    assert in_text == expected  # never base64


@pytest.mark.parametrize("view", [pa.string(), pa.binary(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
def test_bytes_that_are_not_utf8_are_refused_with_their_row(tmp_path, view):
    array = pa.array([b"Ann", b"Bob", b"vw\xe9", b"Cem"])
    if view == pa.dictionary(pa.int8(), pa.string()):
        array = pa.DictionaryArray.from_arrays(
            pa.array([1, 1, 0, 1], pa.int8()), _as_text(pa.array([b"vw\xe9", b"Ann"]))
        )
    elif view != pa.binary():
        array = _as_text(array)
        array = array if view == pa.string() else array.cast(view)
    for names, column in ((array, "name"), (pa.array(["a", "b", "c", "d"]), "x")):
        if column == "x" and view == pa.binary():
            continue  # bytes may be anything there
        table = pa.table({"name": names, **({"x": array} if column == "x" else {})})
        pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
        for skip in (False, True):
            problem = f"row 3: expected UTF-8 in the column '{column}', got other bytes|cannot be read .Invalid UTF8"
            with pytest.raises(DataError, match=problem) as error:
                read_table(tmp_path / "a.parquet", skip=skip)
            assert error.value.code == "unreadable" and error.value.line in (1, 3)


def _as_text(array):
    """Return bytes as strings that claim to be UTF-8, as a careless program writes them."""
    return pa.Array.from_buffers(pa.string(), len(array), array.buffers())


@pytest.mark.parametrize("kind", [pa.string(), pa.binary(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_a_long_name_is_a_malformed_row(tmp_path, kind):
    most = "水" * CELL_CHARACTERS
    table = pa.table({"k": [1, 2, 3, 4], "name": pa.array(["Ann", most, most + "x", "Bob"])})
    array = table["name"].combine_chunks()
    table = table.set_column(1, "name", array.dictionary_encode() if pa.types.is_dictionary(kind) else array.cast(kind))
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="row 3: expected at most 131,072 characters, got 131,073; .*skip") as error:
        read_table(tmp_path / "a.parquet")
    assert (error.value.code, error.value.line) == ("malformed_row", 3)
    _, chunks = read_table(tmp_path / "a.parquet", skip=True)
    assert names_in(chunks) == ["Ann", most, "Bob"]
    assert [row for chunk in chunks for row in chunk.strings("k")] == ["1", "2", "4"]
    (row,) = [row for chunk in chunks for row in chunk.malformed]
    assert row.place.endswith("a.parquet, row 3") and json.loads(row.text) == {"k": 3, "name": most + "x"}


def test_rows_are_numbered_from_the_start_of_the_file(tmp_path):
    table = pa.table({"name": ["a", "b", "c", "v" * (CELL_CHARACTERS + 1), "d"]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    with open(tmp_path / "a.parquet", "rb") as file:
        source = parquet.ParquetSource(file, "a.parquet", "name", [1, 2], skip=True)
        chunks = list(source.chunks())
    assert names_in(chunks) == ["c", "d"] and chunks[0].malformed[0].place == "a.parquet, row 4"


def test_any_column_is_read_as_text(tmp_path):
    table = {
        "name": ["Ann", None],
        "n": [1, None],
        "x": [0.5, float("nan")],
        "yes": [True, None],
        "day": pa.array([0, None], pa.date32()),
        "raw": pa.array([b"a", None]),
        "many": [[1], None],
        "wrong": pa.array([b"\xff", None]),
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    _, (chunk,) = read_table(tmp_path / "a.parquet")
    expected = {"name": "Ann", "n": "1", "x": "0.5", "yes": "True", "day": "1970-01-01", "raw": "a"}
    assert {column: chunk.strings(column) for column in expected} == {k: [v, None] for k, v in expected.items()}
    assert chunk.strings("2") == ["1", None]
    for column, found in (("many", "list<element: int64>"), ("wrong", "bytes that are not UTF-8")):
        with pytest.raises(DataError, match=f"expected strings in the column '{column}', got {found}") as error:
            chunk.strings(column)
        assert error.value.code == "not_strings"


def test_a_column_is_its_name_or_else_its_number(tmp_path):
    pq.write_table(pa.table({"Full Name": ["Ann"], "3": ["x"], "y": ["Bob"]}), tmp_path / "a.parquet")
    for column, names in (("Full Name", ["Ann"]), ("1", ["Ann"]), ("3", ["x"]), ("y", ["Bob"])):
        assert names_in(read_table(tmp_path / "a.parquet", column=column)[1]) == names
    for column in ("full name", "full_name", "FullName", "Ful Name"):
        with pytest.raises(DataError, match="found the columns Full Name, 3, y; did you mean --column 'Full Name'?"):
            read_table(tmp_path / "a.parquet", column=column)
    for column in ("0", "4", "-1", "²", "99999999999999999999"):
        with pytest.raises(DataError, match="expected one column .*; name the right one with --column"):
            read_table(tmp_path / "a.parquet", column=column)


def test_a_file_of_too_many_columns_is_refused(tmp_path, monkeypatch):
    pq.write_table(pa.table({"name": ["Ann"], "x": [{"a": 1, "b": 2}]}), tmp_path / "a.parquet")
    monkeypatch.setattr(parquet, "COLUMNS", 2)
    with pytest.raises(DataError, match="expected at most 2 columns, those inside objects included, got 3"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 9, b"name,id\n"])
def test_a_file_that_is_not_parquet_is_refused_by_name(write, content):
    with pytest.raises(DataError, match=r"a\.parquet: cannot be read as Parquet") as error:
        read_table(write("a.parquet", content))
    assert (error.value.code, error.value.line) == ("unreadable", None)


def test_every_truncation_is_refused(tmp_path):
    pq.write_table(pa.table({"name": ["Ann", "Bob"] * 9}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut.parquet").write_bytes(content[:length])
        with pytest.raises(DataError, match=r"cut\.parquet"):
            read_table(tmp_path / "cut.parquet")


def test_rows_that_are_damaged_are_reported_by_their_number(tmp_path):
    pq.write_table(pa.table({"name": ["Ann", "Bob"]}), tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content[:4] + b"\0" * 40 + content[44:])
    with pytest.raises(DataError, match=r"a\.parquet, after row 0: cannot be read") as error:
        read_table(tmp_path / "a.parquet")
    assert (error.value.code, error.value.line) == ("unreadable", 1)


def test_a_missing_column_is_an_error(tmp_path):
    pq.write_table(pa.table({"nom": ["Ann"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="expected one column 'name', found the columns nom") as error:
        read_table(tmp_path / "a.parquet")
    assert error.value.code == "unknown_column"


def test_a_column_of_numbers_is_not_a_column_of_names(tmp_path):
    pq.write_table(pa.table({"name": [1, 2]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="expected strings in the column 'name', got int64") as error:
        read_table(tmp_path / "a.parquet")
    assert (error.value.code, error.value.line) == ("not_strings", None)
