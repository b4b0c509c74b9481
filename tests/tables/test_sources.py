"""Sources: files of every format, several as one table, and standard input."""

import io
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from table_rows import names_in, read_table

from elman.errors import DataError
from elman.tables.formats import format_of


@pytest.mark.parametrize("name", ["absent.csv", "absent.parquet", "absent.jsonl", "absent.csv.gz"])
def test_a_missing_file_is_an_error(tmp_path, name):
    with pytest.raises(DataError, match="No such file") as error:
        read_table(tmp_path / name)
    assert error.value.code == "unreadable"


def test_several_tables_follow_each_other_and_must_have_the_same_columns(write):
    first, second = write("a.csv", "name,id\nAnn,1\n"), write("b.csv", "name,id\nBob,2\n")
    source, chunks = read_table(first, second)
    assert (names_in(chunks), source.columns) == (["Ann", "Bob"], ("name", "id"))
    assert [chunk.done for chunk in chunks] == [0.5, 1.0]
    with pytest.raises(DataError, match=r"c\.csv: expected the columns of .*a\.csv, name, id; got id, name") as error:
        read_table(first, write("c.csv", "id,name\n2,Bob\n"))
    assert error.value.code == "unreadable"


def test_several_files_of_objects_have_the_columns_of_all(write):
    first, second = write("a.jsonl", '{"name": "Ann", "n": 1}\n'), write("b.jsonl", '{"name": "Bob", "n": 0.5}\n')
    source, chunks = read_table(first, second, typed=True)
    assert source.schema() == pa.schema([("name", pa.string()), ("n", pa.float64())])
    assert names_in(chunks) == ["Ann", "Bob"]


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_standard_input_is_read_in_every_format(monkeypatch, kind, typed):
    out = io.BytesIO()
    pq.write_table(pa.table({"name": ["Ann"]}), out)
    content = {"csv": b"name\nAnn\n", "jsonl": b'{"name": "Ann"}\n', "parquet": out.getvalue()}[kind]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    source, chunks = read_table("-", form=format_of("-", kind), typed=typed)
    assert (names_in(chunks), source.title) == (["Ann"], "standard input")
