"""JSON Lines: every object keeps its line, and a line that cannot be read is reported by its number."""

import json

import pyarrow as pa
import pytest
from table_rows import names_in, read_table

from elman.errors import DataError
from elman.tables import jsonl


def test_objects_keep_their_lines_and_may_lack_keys(write):
    _, chunks = read_table(write("a.jsonl", '{"name": "Ann", "n": 1e5}\n{"n":2}\n{"name":null}\n'))
    assert names_in(chunks) == ["Ann", None, None]
    assert chunks[0].lines == ['{"name": "Ann", "n": 1e5}', '{"n":2}', '{"name":null}']


def test_the_whole_file_is_searched_for_columns_on_request(write, monkeypatch):
    monkeypatch.setattr(jsonl, "ROWS", 2)
    table = [{"name": "Ann"}, {"name": "Bob", "n": 1}, {"name": "Cem", "n": 2.5, "s": 1}, {"s": "x", "name": "Dan"}]
    source, chunks = read_table(write("a.jsonl", "".join(json.dumps(row) + "\n" for row in table)), typed=True)
    assert source.schema() == pa.schema([("name", pa.string()), ("n", pa.float64()), ("s", pa.string())])
    whole = pa.Table.from_batches([chunk.batch() for chunk in chunks])
    assert whole.to_pydict() == {
        "name": ["Ann", "Bob", "Cem", "Dan"],
        "n": [None, 1.0, 2.5, None],
        "s": [None, None, "1", "x"],
    }


BROKEN = [
    (b'{"name": "Ann"}\n\n{"name": "Bob"\n{"name": "Cem"}\n', 3, "expected a JSON object, got: Expecting"),
    (b'{"name": "Ann"}\n["Bob"]\n{"name": "Cem"}\n', 2, "expected a JSON object, got list"),
    (b'{"name": "Ann"}\n{"name": 7}\n{"name": "Cem"}\n', 2, "a string or null under 'name', got int"),
    (b'{"name": "Ann"}\n' + b"[" * 10**5 + b'\n{"name": "Cem"}\n', 2, "nested too deeply"),
    (b'{"name": "Ann"}\n{"n": ' + b"9" * 9999 + b'}\n{"name": "Cem"}\n', 2, "a number that is too long"),
    (b'{"name": "Ann"}\n{"name": "\xff"}\n{"name": "Cem"}\n', 2, "byte 0xff is not UTF-8"),
]


@pytest.mark.parametrize(("content", "line", "problem"), BROKEN)
def test_a_row_that_cannot_be_read_stops_with_its_file_and_line(write, content, line, problem):
    with pytest.raises(DataError) as error:
        read_table(write("a.jsonl", content))
    assert f"a.jsonl, line {line}: " in str(error.value) and problem in str(error.value)
    assert (error.value.code, error.value.line) == ("wrong_encoding" if "UTF-8" in problem else "malformed_row", line)
    assert "Bob" not in str(error.value)


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize(("content", "line", "problem"), BROKEN)
def test_a_row_that_cannot_be_read_is_returned_apart_if_such_rows_are_skipped(write, content, line, problem, typed):
    _, chunks = read_table(write("a.jsonl", content), skip=True, typed=typed)
    (row,) = [row for chunk in chunks for row in chunk.malformed]
    assert names_in(chunks) == ["Ann", "Cem"]
    assert row.place.endswith(f"a.jsonl, line {line}") and problem in row.problem
    assert row.text == content.split(b"\n")[line - 1].decode(errors="backslashreplace")


def test_a_key_that_no_early_object_has_is_an_error(write):
    with pytest.raises(DataError, match=r"a\.jsonl: expected one column 'name', found the columns nom; .*") as error:
        read_table(write("a.jsonl", '{"nom": "Ann"}\n'))
    assert (error.value.code, error.value.line) == ("unknown_column", None)


def test_an_empty_file_has_no_rows(write):
    assert names_in(read_table(write("a.jsonl", ""))[1]) == []
