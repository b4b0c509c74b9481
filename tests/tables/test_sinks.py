"""Sinks write rows with new columns: unchanged in the same format, and with the same values in another."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from table_rows import ArrowSource

from elman.errors import DataError
from elman.tables.chunks import TextChunk
from elman.tables.formats import format_of
from elman.tables.sinks import sink_for
from elman.tables.sources import open_source

NEW = {"x_label": str, "x_probability": float, "x_reason": str}
VALUES = {"x_label": ["A, b", None], "x_probability": [0.25, None], "x_reason": [None, "blank: é"]}


def convert(path, target, new=NEW, values=VALUES):
    """Return the content of a table in another format, with new columns."""
    form = format_of(target)
    with open_source([str(path)], column="name", typed=form.kind != "jsonl") as source:
        sink, out = sink_for(form, source, new), io.BytesIO()
        with sink.writer(out) as append:
            for chunk in source.chunks():
                append(sink.part(chunk, values))
    return out.getvalue()


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffid,name\r\n"007",Ann\r\n1,"B\n""b"""\r\n'.encode())
    return path


def test_rows_of_the_same_format_are_written_unchanged(table):
    written = convert(table, "o.csv").decode()
    assert written == (
        '\ufeffid,name,x_label,x_probability,x_reason\r\n"007",Ann,"A, b",0.250000,\r\n1,"B\n""b""",,,blank: é\r\n'
    )


def test_objects_keep_their_text_and_get_members_at_the_end(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"name":"Ann","n":1.50e3 }\n{}\n', encoding="utf-8")
    first, second = convert(tmp_path / "a.jsonl", "o.jsonl").decode().splitlines()
    assert first == '{"name":"Ann","n":1.50e3, "x_label": "A, b", "x_probability": 0.25, "x_reason": null}'
    assert json.loads(second) == {"x_label": None, "x_probability": None, "x_reason": "blank: é"}


@pytest.mark.parametrize("target", ["o.csv", "o.tsv", "o.jsonl", "o.parquet", "o.csv.gz", "o.jsonl.zst"])
@pytest.mark.parametrize("source", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.tsv.zst", "a.jsonl.gz"])
def test_every_pairing_of_formats_holds_the_same_values(table, tmp_path, source, target):
    middle = tmp_path / f"middle-{source}"
    middle.write_bytes(convert(table, source, {"y": str}, {"y": ["a", "b"]}))
    end = tmp_path / target
    end.write_bytes(convert(middle, target))
    with open_source([str(end)], column="name", typed=True) as read:
        (chunk,) = read.chunks()
        found = [dict(zip(read.columns, row, strict=True)) for row in chunk.rows()]
    text = "jsonl" not in target and "parquet" not in target
    assert [list(row.values())[:2] for row in found] == [["007", "Ann"], ["1", 'B\n"b"']]
    assert [row["x_label"] for row in found] == ["A, b", "" if text else None]
    assert [row["x_probability"] for row in found] == (["0.250000", ""] if text else [0.25, None])


def test_values_of_parquet_become_text_that_can_be_read_again(tmp_path):
    import datetime
    from decimal import Decimal

    values = {
        "name": ["Ann", None],
        "n": [1, None],
        "x": [1.5, float("nan")],
        "when": [datetime.datetime(2024, 5, 17, 12, 30, tzinfo=datetime.UTC), None],
        "day": [datetime.date(2024, 5, 17), None],
        "money": [Decimal("1.10"), None],
        "many": [[1, 2], None],
        "raw": [b"\xff\x00", None],
        "yes": [True, None],
    }
    pq.write_table(pa.table(values), tmp_path / "a.parquet")
    rows = list(csv.DictReader(io.StringIO(convert(tmp_path / "a.parquet", "o.csv").decode(), newline="")))
    assert list(rows[0].values())[:9] == [
        "Ann", "1", "1.5", "2024-05-17T12:30:00+00:00", "2024-05-17", "1.10", "[1, 2]", "/wA=", "true",
    ]  # fmt: skip
    assert list(rows[1].values())[:9] == ["", "", "nan", "", "", "", "", "", ""]
    first = json.loads(convert(tmp_path / "a.parquet", "o.jsonl").decode().splitlines()[0])
    assert (first["n"], first["many"], first["when"], first["yes"]) == (1, [1, 2], "2024-05-17T12:30:00+00:00", True)


def test_parquet_keeps_kinds_and_metadata(tmp_path):
    table = pa.table({"k": pa.array([1, 2], pa.int8()), "name": ["Ann", "Bob"]}).replace_schema_metadata({"a": "b"})
    pq.write_table(table, tmp_path / "a.parquet")
    written = pq.read_table(io.BytesIO(convert(tmp_path / "a.parquet", "o.parquet")))
    assert written.select(["k", "name"]).equals(table) and written.schema.metadata[b"a"] == b"b"
    assert written["x_probability"].to_pylist() == [0.25, None]


@pytest.mark.parametrize("target", ["o.csv", "o.jsonl", "o.parquet"])
def test_a_column_is_never_overwritten(tmp_path, target):
    (tmp_path / "a.csv").write_text("name,x_label\nAnn,1\nBob,2\n", encoding="utf-8")
    with pytest.raises(
        DataError, match="has a column 'x_label' already; give the new columns another --prefix"
    ) as error:
        convert(tmp_path / "a.csv", target)
    assert (error.value.code, error.value.line) == ("column_taken", None)


def test_a_member_that_first_appears_late_is_never_overwritten(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"name": "Ann"}\n{"name": "Bob", "x_label": 1}\n', encoding="utf-8")
    with pytest.raises(DataError, match="'x_label' already") as error:
        convert(tmp_path / "a.jsonl", "o.jsonl")
    assert error.value.code == "column_taken"


def test_packed_output_is_the_same_every_time(table):
    assert convert(table, "o.csv.gz") == convert(table, "o.csv.gz")
    assert gzip.decompress(convert(table, "o.csv.gz")) == convert(table, "o.csv")


def test_a_table_with_two_columns_of_one_name_can_only_be_delimited(tmp_path):
    (tmp_path / "a.csv").write_text("name,a,a\nAnn,1,2\nBob,3,4\n", encoding="utf-8")
    assert convert(tmp_path / "a.csv", "o.csv").startswith(b"name,a,a,x_label")
    for target in ("o.parquet", "o.jsonl"):
        with pytest.raises(DataError, match="two columns have the same name, which only CSV and TSV allow") as error:
            convert(tmp_path / "a.csv", target)
        assert (error.value.code, error.value.line) == ("column_twice", None)


ROWS_TO_KEEP = ["Ann,1", '"Ann",1', '"A""n""n",1', '"A\nnn",1', '"A\r\nnn","1"', 'A"nn,1', " Ann ,1"]


@pytest.mark.parametrize("line", ROWS_TO_KEEP)
def test_a_row_that_is_read_as_its_cells_keeps_its_text(line):
    (cells,) = csv.reader([line])
    assert add_to_row(line, cells) == line + ',"A, b"\r\n'


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("Ann,1\r", ["Ann", "1"]),  # an end of line that a reader took for another
        ("Ann\n,1", ["Ann", "1"]),
        ('"Ann,1', ['"Ann', "1"]),
        ('"Ann" ,1', ["Ann ", "1"]),
        ('Ann","1', ["Ann", "1"]),
    ],
)
def test_a_row_that_would_be_read_as_other_cells_is_written_anew(line, cells):
    written = add_to_row(line, cells)
    assert list(csv.reader(io.StringIO(written, newline=""), strict=True)) == [[*cells, "A, b"]]


def add_to_row(line, cells):
    """Return a row of two cells as it is written with a new one, between rows that need no look."""
    names = ["Cem", cells[0], "Dan"]
    chunk = TextChunk(("name", "n"), names, ",", ["Cem,1", line, "Dan,2"], [["Cem", "1"], cells, ["Dan", "2"]])
    source = ArrowSource(pa.record_batch({"name": ["Ann"], "n": ["1"]}))
    source.kind, source.delimiter, source.newline = "csv", ",", "\r\n"
    written = sink_for(format_of("o.csv"), source, {"new": str}).part(chunk, {"new": [None, "A, b", None]}).decode()
    assert written.startswith("Cem,1,\r\n") and written.endswith("Dan,2,\r\n")
    return written.removeprefix("Cem,1,\r\n").removesuffix("Dan,2,\r\n")


def test_row_groups_hold_the_rows_of_several_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("elman.tables.columnar.parquet.ROWS", 2)
    pq.write_table(pa.table({"name": ["Ann"] * 10, "x": [[{"a": None}]] * 10}), tmp_path / "a.parquet")
    written = convert(tmp_path / "a.parquet", "o.parquet")
    assert pq.read_metadata(io.BytesIO(written)).num_row_groups == 1
    monkeypatch.setattr("elman.tables.sinks.ROWS", 4)
    written = convert(tmp_path / "a.parquet", "o.parquet")
    assert pq.read_metadata(io.BytesIO(written)).num_row_groups == 3
    assert pq.read_table(io.BytesIO(written))["x"].to_pylist() == [[{"a": None}]] * 10
