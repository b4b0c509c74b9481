"""Sources: files of every format, several as one table, and standard input."""

import io
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from table_rows import names_in, read_table

from elman.errors import DataError
from elman.tables.formats import format_of
from elman.tables.sinks import sink_for
from elman.tables.sources import open_source


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


@pytest.fixture
def parts(tmp_path, write):
    """Tables with the same columns, whose types differ in one."""
    pq.write_table(pa.table({"name": ["Ann"], "n": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"name": ["Bob"], "n": [0.5]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"name": ["Cem"], "m": [2]}), tmp_path / "c.parquet")
    write("d.csv", "name,n\nDan,3\n")
    return tmp_path


@pytest.mark.parametrize("others", [["b.parquet"], ["a.parquet", "b.parquet"], ["d.csv"]])
def test_tables_of_different_types_are_refused_before_parquet_is_written(parts, others):
    paths = [str(parts / name) for name in ("a.parquet", *others)]
    problem = rf"{others[-1]}: the column 'n' has the type (double|string), and int64 in .*a\.parquet"
    with open_source(paths, column="name", typed=True) as source, pytest.raises(DataError, match=problem) as refused:
        sink_for(format_of("o.parquet"), source, {})
    assert "\n" not in str(refused.value)


def test_tables_of_different_types_become_text(parts):
    paths = [str(parts / name) for name in ("a.parquet", "b.parquet", "d.csv")]
    with open_source(paths, column="name", typed=True) as source:
        sink = sink_for(format_of("o.csv"), source, {"new": str})
        written = [sink.part(chunk, {"new": ["y"]}) for chunk in source.chunks()]
    assert written == [b"Ann,1,y\n", b"Bob,0.5,y\n", b"Dan,3,y\n"]


def test_other_columns_are_refused_before_a_row_is_read(parts):
    paths = [str(parts / name) for name in ("a.parquet", "a.parquet", "c.parquet")]
    with open_source(paths, column="name") as source:
        chunks = source.chunks()
        with pytest.raises(DataError, match=r"c\.parquet: expected the columns of .*a\.parquet, name, n; got name, m"):
            next(chunks)


def test_standard_input_may_be_one_of_several_tables(parts, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"name,n\nEve,4\n")))
    _, chunks = read_table(parts / "d.csv", "-", parts / "d.csv", form=format_of("d.csv"))
    assert names_in(chunks) == ["Dan", "Eve", "Dan"]


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
