"""Every type of Arrow goes through every format, with pandas or without, or is refused before a row is read."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arrow_types import COLUMNS, NOT_IN_PARQUET, ZONES
from table_rows import ArrowSource, convert_table

from elman.errors import DataError
from elman.tables.columnar.arrays import plain_values, read_texts
from elman.tables.values import plain_text

TARGETS = ["csv", "tsv", "jsonl", "parquet"]
HAS_ZONES = not os.environ.get("ELMAN_TEST_NO_ZONES")  # see tests/bare_python.py
COLUMNS = COLUMNS | {name: (array, local if HAS_ZONES else utc) for name, (array, local, utc) in ZONES.items()}
every_type = pytest.mark.parametrize("kind", COLUMNS)


def as_source(array, tmp_path):
    """Return the values as a column of a Parquet file, or as a source of its own if Parquet lacks the type."""
    table = pa.table({"name": ["abc", "cab"], "x": array})
    try:
        pq.write_table(table, tmp_path / "a.parquet")
    except pa.ArrowNotImplementedError:
        return ArrowSource(table.to_batches()[0])
    return str(tmp_path / "a.parquet")


@every_type
@pytest.mark.parametrize("target", ["csv", "tsv"])
def test_every_type_is_written_as_text(kind, target, tmp_path):
    array, expected = COLUMNS[kind]
    written = convert_table(as_source(array, tmp_path), target).decode()
    rows = list(csv.DictReader(io.StringIO(written, newline=""), delimiter="\t" if target == "tsv" else ","))
    expected = array.to_pylist() if kind == "no number" else expected
    assert [row["x"] for row in rows] == list(map(plain_text, expected))


@every_type
def test_every_type_is_written_as_json(kind, tmp_path):
    array, expected = COLUMNS[kind]
    written = convert_table(as_source(array, tmp_path), "jsonl").decode()
    assert [json.loads(line)["x"] for line in written.split("\n")[:-1]] == expected


@every_type
def test_every_type_is_kept_by_parquet_or_refused_before_a_row_is_read(kind, tmp_path):
    source = as_source(COLUMNS[kind][0], tmp_path)
    assert isinstance(source, ArrowSource) == (kind in NOT_IN_PARQUET)
    if isinstance(source, ArrowSource):
        with pytest.raises(DataError, match="^arrow: Parquet cannot hold the column 'x' of the type ") as refused:
            convert_table(source, "parquet")
        assert "\n" not in str(refused.value) and not source.is_read
    else:
        written = pq.read_table(io.BytesIO(convert_table(source, "parquet")))
        assert written["x"].type == pq.read_table(source)["x"].type
        values = [plain_values(column.chunk(0)) for column in (written["x"], pq.read_table(source)["x"])]
        assert repr(values[0]) == repr(values[1])  # NaN does not equal itself


@every_type
def test_parts_of_an_array_have_the_same_values(kind):
    array, expected = COLUMNS[kind]
    assert plain_values(array.slice(1), finite=True) == expected[1:]
    assert plain_values(array.slice(0, 1), finite=True) == expected[:1]
    assert plain_values(array.slice(0, 0)) == []


@every_type
def test_the_text_of_a_column_is_its_values_or_it_has_none(kind):
    array, expected = COLUMNS[kind]
    is_bytes = "binary" in kind and "fixed" not in kind
    if any(isinstance(value, list | dict) for value in expected) or "union" in kind or kind == "run ends":
        with pytest.raises(DataError, match="expected strings in the column 'x', got ") as refused:
            read_texts(array, "x")
        assert refused.value.code == "not_strings"
    elif is_bytes:
        with pytest.raises(UnicodeDecodeError):
            read_texts(array, "x")
    elif kind != "no number":
        assert read_texts(array, "x") == [None if value is None else str(value) for value in expected]


@pytest.mark.parametrize("missing", ["pandas", "pandas,tzdata"])
def test_the_same_without_pandas_and_without_time_zones(missing):
    if "ELMAN_TEST_MISSING" in os.environ:
        pytest.skip("runs in such a Python already")
    more = {"PYTHONTZPATH": "", "ELMAN_TEST_NO_ZONES": "1"} if "tzdata" in missing else {}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "bare_python", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "ELMAN_TEST_MISSING": missing, **more},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout


# What Arrow and JSON can hold, and not each other


@pytest.mark.parametrize("target", TARGETS)
def test_members_of_one_name_are_refused_with_their_column(target, tmp_path):
    array = pa.StructArray.from_arrays([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])
    with pytest.raises(DataError, match=r"a\.parquet: the column 'x' has no text, .* two members"):
        convert_table(as_source(array, tmp_path), target)


OBJECTS = {
    "half characters": ({"x": ["a\ud800", {"b": "\udfff"}]}, '["a\\ud800", {"b": "\\udfff"}]'),
    "half characters in keys": ({"x": {"a\ud800": 1}}, '{"a\\ud800": 1}'),
    "no numbers": ({"x": [float("nan"), float("inf")]}, "[null, null]"),
    "an empty object": ({"x": {}}, "{}"),
    "a list of empty objects": ({"x": [{}]}, "[{}]"),
    "a long number": ({"x": 2**70}, str(2**70)),
    "a large number": ({"x": 2**63}, str(2**63)),
    "deep": ({"x": [[[[[[[[1]]]]]]]]}, "[[[[[[[[1]]]]]]]]"),
}


@pytest.mark.parametrize("target", ["csv", "parquet"])
@pytest.mark.parametrize("kind", OBJECTS)
def test_every_object_is_written_as_text_and_parquet(kind, target, tmp_path):
    value, text = OBJECTS[kind]
    (tmp_path / "a.jsonl").write_text('{"name": "abc"}\n' + json.dumps({"name": "cab", **value}) + "\n")
    written = convert_table(str(tmp_path / "a.jsonl"), target)
    if target == "csv":
        rows = list(csv.DictReader(io.StringIO(written.decode(), newline="")))
        assert [row["x"] for row in rows] == ["", text]
    else:
        found = pq.read_table(io.BytesIO(written))["x"].to_pylist()
        assert found[0] is None
        if kind == "half characters":
            assert found[1] == '["a\\ud800", {"b": "\\udfff"}]'  # a list of different kinds is text
        elif kind == "no numbers":
            assert list(map(str, found[1])) == ["nan", "inf"]
        elif isinstance(found[1], str):
            assert found[1] == text
        else:
            assert found[1] == value["x"]


MIXED = {
    "numbers": ([1, 1.5], "double", [1.0, 1.5]),
    "numbers that doubles change": ([2**53 + 1, 1.5], "string", [str(2**53 + 1), "1.5"]),
    "numbers and text": ([1, "a"], "string", ["1", "a"]),
    "booleans and numbers": ([True, 2], "string", ["true", "2"]),
    "signed and unsigned": ([-1, 2**63], "string", ["-1", str(2**63)]),
    "lists of numbers": ([[1], [1.5]], "list<element: double>", [[1.0], [1.5]]),
    "lists of different kinds": ([[1], ["a"]], "string", ["[1]", '["a"]']),
    "objects": ([{"a": 1}, {"b": "x"}], "struct<a: int64, b: string>", [{"a": 1, "b": None}, {"a": None, "b": "x"}]),
    "objects and an empty one": ([{}, {"a": 1}], "struct<a: int64>", [{"a": None}, {"a": 1}]),
    "objects and lists": ([{"a": 1}, [1]], "string", ['{"a": 1}', "[1]"]),
    "half characters in lists": ([["a\ud800"], ["b"]], "list<element: string>", [["a?"], ["b"]]),
    "nothing": ([None, None], "string", [None, None]),
    "empty lists": ([[], [None]], "list<element: string>", [[], [None]]),
}


@pytest.mark.parametrize("rows", [2, 1])
@pytest.mark.parametrize("kind", MIXED)
def test_values_of_different_types_share_a_type_that_changes_none(kind, rows, tmp_path, monkeypatch):
    monkeypatch.setattr("elman.tables.jsonl.ROWS", rows)  # in one chunk, and in one each
    values, type_, expected = MIXED[kind]
    lines = [json.dumps({"name": "abc", "x": value}) + "\n" for value in values]
    (tmp_path / "a.jsonl").write_text("".join(lines), encoding="utf-8")
    written = pq.read_table(io.BytesIO(convert_table(str(tmp_path / "a.jsonl"), "parquet")))
    assert str(written["x"].type) == type_ and written["x"].to_pylist() == expected


@pytest.mark.parametrize("target", ["csv", "parquet"])
def test_a_key_with_half_a_character_is_refused_before_a_row_is_written(target, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"name": "abc", "a\\ud800": 1}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.jsonl: expected keys that are text, got 'a\\ud800'") as refused:
        convert_table(str(tmp_path / "a.jsonl"), target)
    refused.value.args[0].encode()
    assert json.loads(convert_table(str(tmp_path / "a.jsonl"), "jsonl"))["a\ud800"] == 1


@pytest.mark.parametrize("depth", [50, 400, 900])
@pytest.mark.parametrize("target", TARGETS)
def test_deep_lists_are_text_or_refused_in_one_line(depth, target, tmp_path):
    value = "[" * depth + "]" * depth
    (tmp_path / "a.jsonl").write_text(f'{{"name": "abc", "x": {value}}}\n', encoding="utf-8")
    try:
        written = convert_table(str(tmp_path / "a.jsonl"), target)
    except DataError as error:
        assert "nested too deeply" in str(error) and "\n" not in str(error)
    else:
        assert value.encode() in written or target == "parquet"
