"""One rule for one thing: small nasty tables go through every entrance, and all must understand the same.

Each case says what a table holds: the names of its rows in order, None for a missing one; or that it is refused. Every
entrance (`annotate` to a file, in a stream and over REST, SQL, training, `evaluate`, `data show`, `predict`, `explain`,
Python) must understand exactly that.
"""

import csv
import io
import json
import math
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from elman import read_examples
from elman.data.examples import MALFORMED
from elman.errors import DataError
from elman.prediction.predictor import Predictor

REFUSED = "refused"
Names = list[str | None]


@dataclass(frozen=True)
class Case:
    """A table with the columns name and label.

    Args:
        suffix: of its file.
        content: of its file.
        names: what its rows hold, those that cannot be read left out; or `REFUSED`, if the whole file is.
        malformed: how many rows cannot be read.
        is_decoded: whether all of its bytes are text; training refuses the whole file if they are not.
    """

    suffix: str
    content: bytes
    names: Names | str
    malformed: int = 0
    is_decoded: bool = True


def text(*lines: str, end: str = "\n", encoding: str = "utf-8") -> bytes:
    return "".join(line + end for line in lines).encode(encoding, "surrogatepass")


def parquet(names: pa.Array, count: int | None = None) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"name": names, "label": pa.array(["x"] * len(names))}), out)
    return out.getvalue()


HEADER, ROWS = "name,label", ("abc,x", "vwx,x")
BOTH: Names = ["abc", "vwx"]
OBJECTS = ('{"name": "abc", "label": "x"}', '{"name": "vwx", "label": "x"}')

CASES = {
    # Line ends
    "LF": Case(".csv", text(HEADER, *ROWS), BOTH),
    "CRLF": Case(".csv", text(HEADER, *ROWS, end="\r\n"), BOTH),
    "CR alone": Case(".csv", text(HEADER, *ROWS, end="\r"), BOTH),
    "CR CR LF": Case(".csv", text(HEADER, *ROWS, end="\r\r\n"), BOTH),
    "mixed line ends": Case(".csv", b"name,label\r\nabc,x\rvwx,x\n", BOTH),
    "no last line end": Case(".csv", text(HEADER, *ROWS)[:-1], BOTH),
    "tsv, CR": Case(".tsv", text("name\tlabel", "abc\tx", "vwx\tx", end="\r"), BOTH),
    "jsonl, CRLF": Case(".jsonl", text(*OBJECTS, end="\r\n"), BOTH),
    "jsonl, CR": Case(".jsonl", text(*OBJECTS, end="\r"), BOTH),
    "jsonl, CR CR LF": Case(".jsonl", text(*OBJECTS, end="\r\r\n"), BOTH),
    "line end in a quoted cell": Case(".csv", b'name,label\n"ab\nc",x\nvwx,x\n', ["ab\nc", "vwx"]),
    "CRLF in a quoted cell": Case(".csv", b'name,label\r\n"ab\r\nc",x\r\nvwx,x\r\n', ["ab\r\nc", "vwx"]),
    "unicode line separators": Case(".csv", text(HEADER, "ab\u2028c,x", "vw\x85x,x"), ["ab\u2028c", "vw\x85x"]),
    "form feed": Case(".csv", text(HEADER, "ab\x0cc,x", "vwx,x"), ["ab\x0cc", "vwx"]),
    # Marks, encodings, delimiters
    "byte order mark": Case(".csv", b"\xef\xbb\xbf" + text(HEADER, *ROWS), BOTH),
    "byte order mark, quoted": Case(".csv", b'\xef\xbb\xbf"name","label"\nabc,x\nvwx,x\n', BOTH),
    "jsonl, byte order mark": Case(".jsonl", b"\xef\xbb\xbf" + text(*OBJECTS), BOTH),
    "not UTF-8": Case(
        ".csv", text(HEADER, "abc,x", "vwé,x", encoding="latin-1"), ["abc"], malformed=1, is_decoded=False
    ),
    "UTF-16, marked": Case(".csv", "name,label\nabc,x\nvwx,x\n".encode("utf-16"), BOTH),
    "semicolons": Case(".csv", text("name;label", "abc;x", "vwx;x"), BOTH),
    "NUL": Case(".csv", b"name,label\nab\x00c,x\nvwx,x\n", ["ab\x00c", "vwx"]),
    # Missing and blank
    "blank name": Case(".csv", text(HEADER, "abc,x", ",x", "vwx,x"), ["abc", "", "vwx"]),
    "white space": Case(".csv", text(HEADER, " abc ,x", "   ,x", "vwx,x"), [" abc ", "   ", "vwx"]),
    "blank lines": Case(".csv", text(HEADER, "", "abc,x", "", "vwx,x", ""), BOTH),
    "the word nan": Case(".csv", text(HEADER, "nan,x", "vwx,x"), ["nan", "vwx"]),
    "jsonl, null": Case(".jsonl", text(OBJECTS[0], '{"name": null, "label": "x"}', OBJECTS[1]), ["abc", None, "vwx"]),
    "jsonl, NaN": Case(".jsonl", text(OBJECTS[0], '{"name": NaN, "label": "x"}', OBJECTS[1]), ["abc", None, "vwx"]),
    "jsonl, missing key": Case(".jsonl", text(OBJECTS[0], '{"label": "x"}', OBJECTS[1]), ["abc", None, "vwx"]),
    "jsonl, blank lines": Case(".jsonl", text("", OBJECTS[0], "", OBJECTS[1], ""), BOTH),
    "parquet, null": Case(".parquet", parquet(pa.array(["abc", None, "vwx"])), ["abc", None, "vwx"]),
    "parquet, all null": Case(".parquet", parquet(pa.nulls(2)), [None, None]),
    "parquet, binary": Case(".parquet", parquet(pa.array([b"abc", None, b"vwx"])), ["abc", None, "vwx"]),
    "parquet, large": Case(".parquet", parquet(pa.array(BOTH, pa.large_string())), BOTH),
    "parquet, dictionary": Case(
        ".parquet", parquet(pa.array(["abc", "vwx", "abc"]).dictionary_encode()), ["abc", "vwx", "abc"]
    ),
    "parquet, not UTF-8": Case(".parquet", parquet(pa.array([b"abc", b"vw\xe9"])), REFUSED),
    "parquet, numbers": Case(".parquet", parquet(pa.array([1, 2])), REFUSED),
    # Rows and columns
    "short row": Case(".csv", text(HEADER, "abc,x", "vwx"), ["abc"], malformed=1),
    "long row": Case(".csv", text(HEADER, "abc,x", "vwx,x,y"), ["abc"], malformed=1),
    "open quotation mark": Case(".csv", text(HEADER, "abc,x", '"vwx,x'), ["abc"], malformed=1),
    "quotation marks in a cell": Case(".csv", text(HEADER, '"a""bc",x', "vwx,x"), ['a"bc', "vwx"]),
    "header alone": Case(".csv", text(HEADER), []),
    "nothing": Case(".csv", b"", REFUSED),
    "other columns": Case(".csv", text("surname,label", *ROWS), REFUSED),
    "a column twice": Case(".csv", text("name,label,name", "abc,x,d", "vwx,x,d"), REFUSED),
    "jsonl, a number": Case(".jsonl", text(OBJECTS[0], '{"name": 7, "label": "x"}'), ["abc"], malformed=1),
    "jsonl, a list": Case(".jsonl", text(OBJECTS[0], '{"name": ["vwx"], "label": "x"}'), ["abc"], malformed=1),
    "jsonl, not JSON": Case(".jsonl", text(OBJECTS[0], "name"), ["abc"], malformed=1),
    "jsonl, not an object": Case(".jsonl", text(OBJECTS[0], "[1]"), ["abc"], malformed=1),
    "parquet, damaged": Case(".parquet", b"PAR1 and more PAR1", REFUSED),
    "a long cell": Case(".csv", text(HEADER, "abc,x", "v" * 5000 + ",x"), ["abc", "v" * 5000]),
    "a very long cell": Case(".csv", text(HEADER, "abc,x", "v" * 140_000 + ",x"), ["abc"], malformed=1),
    "jsonl, a very long cell": Case(
        ".jsonl", text(OBJECTS[0], json.dumps({"name": "v" * 140_000, "label": "x"})), ["abc"], malformed=1
    ),
    "parquet, a very long cell": Case(".parquet", parquet(pa.array(["abc", "v" * 140_000])), ["abc"], malformed=1),
}


@pytest.fixture
def table(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Case]:
    case = CASES[request.param]
    path = tmp_path / f"people{case.suffix}"
    path.write_bytes(case.content)
    return path, case


every_case = pytest.mark.parametrize("table", CASES, indirect=True)


def answered(rows: list[dict[str, Any]]) -> Names:
    """Return the names of annotated rows, and check that each row has an answer or a reason."""
    for row in rows:
        assert bool(row["elman_label"]) != bool(row["elman_reason"])
        assert ("missing" in (row["elman_reason"] or "")) == (row["name"] is None)
    return [row["name"] for row in rows]


def read_jsonl(content: bytes) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in content.decode("utf-8-sig").replace("\r", "\n").split("\n") if line.strip()]
    for row in rows:
        if isinstance(row.get("name", None), float) and math.isnan(row["name"]):
            row["name"] = None
        row.setdefault("name", None)
    return rows


def assert_refused(status: int, message: str) -> None:
    assert status == 2 and message.startswith("elman: ") and message.count("\n") == 1


@every_case
def test_annotate_to_json_lines(table, elman_here, model_file, tmp_path):
    path, case = table
    done = elman_here("annotate", path, tmp_path / "out.jsonl", "--model", model_file, "--processes", 1)
    if case.names == REFUSED or case.malformed:
        assert_refused(done.status, done.err)
        assert not (tmp_path / "out.jsonl").exists()
    else:
        assert done.status == 0, done.err
        assert answered(read_jsonl((tmp_path / "out.jsonl").read_bytes())) == case.names


@every_case
def test_annotate_without_the_rows_that_cannot_be_read(table, elman_here, model_file, tmp_path):
    path, case = table
    options = ("--model", model_file, "--processes", 1, "--on-error", "skip")
    done = elman_here("annotate", path, tmp_path / "out.jsonl", *options)
    if case.names == REFUSED:
        assert done.status == 2
    else:
        assert done.status == 0, done.err
        assert answered(read_jsonl((tmp_path / "out.jsonl").read_bytes())) == case.names
        side = tmp_path / "out.jsonl.skipped.jsonl"
        assert (len(side.read_text().splitlines()) if side.exists() else 0) == case.malformed


@every_case
def test_annotate_to_csv_parses_back_to_itself(table, elman_here, model_file, tmp_path):
    path, case = table
    done = elman_here("annotate", path, tmp_path / "out.csv", "--model", model_file, "--processes", 1)
    if case.names == REFUSED or case.malformed:
        assert_refused(done.status, done.err)
    else:
        assert done.status == 0, done.err
        content = (tmp_path / "out.csv").read_bytes()
        content = content.decode("utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else content.decode("utf-8-sig")
        lines = io.StringIO(content, newline="")
        rows = list(csv.DictReader(lines, delimiter=";" if ";" in content.split("\n")[0] else ","))
        assert [row["name"] for row in rows if row] == [name or "" for name in case.names]
        assert all(None not in row and None not in row.values() for row in rows)


@every_case
def test_annotate_in_a_stream(table, elman_process, model_file):
    path, case = table
    kind = case.suffix[1:]
    done = elman_process(
        "annotate",
        "-",
        "-",
        "--from",
        kind,
        "--to",
        "jsonl",
        "--model",
        model_file,
        "--processes",
        1,
        stdin=case.content,
    )
    if case.names == REFUSED or case.malformed:
        assert_refused(done.returncode, done.stderr.decode())
    else:
        assert done.returncode == 0, done.stderr
        assert answered(read_jsonl(done.stdout)) == case.names


@every_case
def test_the_service(table, predictor: Predictor):
    from client import annotate, make_app

    path, case = table
    response = annotate(make_app(predictor), case.content, path.name, format="jsonl")
    if case.names == REFUSED or case.malformed:
        assert response.status_code == 422 and response.json()["error"]["message"]
    else:
        assert response.status_code == 200, response.text
        assert answered(read_jsonl(response.content)) == case.names


def readable(names: Names) -> Counter[str]:
    """Return what training makes of names: the missing, the blank and the too long are dropped."""
    stripped = [(name or "").strip() for name in names]
    return Counter(name for name in stripped if name and len(name) <= 200)


@every_case
def test_training(table):
    path, case = table
    if case.names == REFUSED or not case.is_decoded:
        with pytest.raises(DataError):
            read_examples(path)
        return
    reading = read_examples(path)
    assert Counter(example.text for example in reading.examples) == readable(case.names)
    assert reading.lines - sum(reading.dropped.values()) == len(reading.examples)
    assert reading.dropped.get(MALFORMED, 0) == case.malformed


@every_case
def test_data_show(table, elman_here):
    path, case = table
    done = elman_here("data", "show", path)
    if case.names == REFUSED or not case.is_decoded:
        assert_refused(done.status, done.err)
    else:
        assert done.status == 0, done.err
        assert f"{readable(case.names).total()} example" in done.out


@every_case
def test_evaluate(table, elman_here, model_file):
    path, case = table
    # The toy model knows the labels Alfa, Beta and Gamma.
    if case.suffix == ".parquet":
        if case.content[:4] == b"PAR1" and case.names != REFUSED:
            pq.write_table(_with_label(pq.read_table(path)), path)
    else:
        path.write_bytes(_alfa(case.content))
    done = elman_here("evaluate", model_file, path, "--json")
    if case.names == REFUSED or not case.is_decoded or not readable(case.names):
        assert_refused(done.status, done.err.splitlines(keepends=True)[-1])
    else:
        assert done.status == 0, done.err
        assert json.loads(done.out)["examples"] == readable(case.names).total()


def _alfa(content: bytes) -> bytes:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16").replace(",x", ",Alfa").encode("utf-16")
    for delimiter in (b",", b";", b"\t"):
        content = content.replace(delimiter + b"x", delimiter + b"Alfa")
    return content.replace(b'"label": "x"', b'"label": "Alfa"')


def _with_label(table: pa.Table) -> pa.Table:
    return table.set_column(1, "label", pa.array(["Alfa"] * table.num_rows))


@every_case
def test_sql(table, elman_here, model_file, tmp_path):
    _, case = table
    if case.names == REFUSED:
        pytest.skip("a database holds no malformed table")
    connection = sqlite3.connect(tmp_path / "people.db")
    connection.execute("create table people (place integer, name text)")
    connection.executemany("insert into people values (?, ?)", enumerate(case.names))
    connection.commit()
    connection.close()
    query = ("--from-sql", f"sqlite:///{tmp_path}/people.db", "--query", "select * from people order by place")
    done = elman_here("annotate", tmp_path / "out.jsonl", *query, "--model", model_file)
    assert done.status == 0, done.err
    assert answered(read_jsonl((tmp_path / "out.jsonl").read_bytes())) == case.names


# Columns of names in Python


def columns_of(names: Names) -> dict[str, Any]:
    import numpy as np
    import pandas as pd
    import polars as pl

    as_floats = [math.nan if name is None else name for name in names]
    return {
        "list": names,
        "tuple": tuple(names),
        "iterator": iter(names),
        "NaN": as_floats,
        "pd.NA": [pd.NA if name is None else name for name in names],
        "NaT": [pd.NaT if name is None else name for name in names],
        "numpy": np.array(names, object),
        "pandas": pd.Series(names, dtype=object),
        "pandas, NaN": pd.Series(as_floats, dtype=object),
        "pandas, string": pd.Series(names, dtype="string"),
        "polars": pl.Series("name", names, dtype=pl.String),
        "arrow": pa.array(names, pa.string()),
        "arrow, chunked": pa.chunked_array([pa.array(names[:1], pa.string()), pa.array(names[1:], pa.string())]),
        "arrow, binary": pa.array([None if name is None else name.encode() for name in names], pa.binary()),
    }


COLUMN: Names = ["abc", None, "", "nan", "vwx"]


@pytest.mark.parametrize("kind", columns_of(["a"]))
def test_every_column_of_names_is_understood_alike(kind, predictor):
    expected = predictor.predict(COLUMN)
    assert [answer.reason is not None and "missing" in answer.reason for answer in expected] == [
        name is None for name in COLUMN
    ]
    assert predictor.predict(columns_of(COLUMN)[kind]) == expected
    in_columns = predictor.predict_columns(columns_of(COLUMN)[kind])
    assert [in_columns[place][2] for place in range(len(COLUMN))] == [answer.reason for answer in expected]


NAMES: dict[str, str] = {
    "plain": "abc",
    "white space": "  abc ",
    "line end": "abc\r",
    "control": "ab\x07c",
    "invisible": "ab\u200bc",
    "comma at the end": "abc,",
    "decomposed": "abce\u0301",
    "long": "a" * 300,
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_understood_alike_by_predict_explain_annotate_and_the_service(
    name, predictor, elman_here, model_file, tmp_path
):
    from client import make_app, predict

    expected = predictor.predict(name)
    by_service = predict(make_app(predictor), [name]).json()["predictions"][0]
    assert (by_service["label"], by_service["reason"]) == (expected.label, expected.reason)
    by_command = json.loads(elman_here("predict", name, "--json", "--model", model_file).out)[0]
    assert (by_command["label"], by_command["reason"]) == (expected.label, expected.reason)
    (tmp_path / "one.jsonl").write_text(json.dumps({"name": name}) + "\n")
    elman_here("annotate", tmp_path / "one.jsonl", tmp_path / "out.jsonl", "--model", model_file)
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert (row["elman_label"], row["elman_reason"]) == (expected.label, expected.reason)
    explained = elman_here("explain", name, "--json", "--model", model_file)
    assert (explained.status == 0) == (expected.reason is None)
    if explained.status == 0:
        assert json.loads(explained.out)["label"] == expected.label


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"], ids=repr)
def test_lines_of_standard_input_are_names_whatever_ends_them(end, elman_process, model_file, predictor):
    done = elman_process("predict", "--model", model_file, "--json", stdin=f"abc{end}vwx{end}".encode())
    assert [answer["name"] for answer in json.loads(done.stdout)] == ["abc", "vwx"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\r\r\n"], ids=repr)
def test_lines_of_a_folder_are_examples_whatever_ends_them(end, tmp_path):
    (tmp_path / "x.txt").write_bytes(b"abc" + end + b"vwx" + end)
    assert [example.text for example in read_examples(tmp_path).examples] == ["abc", "vwx"]
