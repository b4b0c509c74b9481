"""Lines, cells and columns are read and written as Python reads and writes them."""

import csv
import io
from random import Random

import pytest


@pytest.mark.parametrize(
    ("text", "lines"),
    [("a", ["a"]), ("a\n", ["a"]), ("a\r\n\r\n", ["a"]), ("a\n\nb\rc\r\nd", ["a", "", "b", "c", "d"]), ("", [""])],
)
def test_every_line_is_a_name_except_empty_ones_at_the_end(run, text, lines):
    assert run("csv", "({ splitLines }, text) => splitLines(text)", text) == lines


def random_records(count: int) -> list[list[str]]:
    draw = Random(5)
    pieces = ["a", "é", " ", ",", "\t", '"', "\r\n", "\n", "=", "名"]
    return [
        ["".join(draw.choices(pieces, k=draw.randint(0, 4))) for _ in range(draw.randint(1, 4))] for _ in range(count)
    ]


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_the_first_record_is_read_as_python_reads_it(run, delimiter):
    records = random_records(200)
    texts = []
    for record in records:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter).writerows([record, ["next"]])
        texts.append(text.getvalue())
    function = "({ readRecord }, [texts, delimiter]) => texts.map((text) => readRecord(text, delimiter))"
    assert run("csv", function, [texts, delimiter]) == records


def test_csv_is_read_back_by_python_and_formulas_stay_text(run):
    rows = random_records(200)
    text = run("csv", "({ toCsv }, rows) => toCsv(rows)", rows)
    expected = [[f"'{cell}" if cell[:1] in ("=", "\t", "\r") else cell for cell in row] for row in rows]
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert [row or [""] for row in found] == expected
    assert run("csv", "({ toCsv }) => toCsv([['+1', '-1', '@a', -1, 0.5]])") == "'+1,'-1,'@a,-1,0.5\r\n"


@pytest.mark.parametrize(
    ("name", "head", "columns"),
    [
        ("a.CSV", 'id,"full, name"\n1,2', ["id", "full, name"]),
        ("a.tsv", "id\tname\r\n", ["id", "name"]),
        ("a.jsonl", '{"id": 1, "name": "x"}\n{"other', ["id", "name"]),
        ("a.parquet", "PAR1", None),
        ("a.csv", "PK\0\3,x", None),
        ("a", "id,name", None),
    ],
)
def test_the_columns_of_a_text_file_are_found(run, name, head, columns):
    assert run("csv", "({ readColumns }, [name, head]) => readColumns(name, head)", [name, head]) == columns


def test_a_column_with_a_likely_title_is_found(run):
    columns = [["id", "Last_Name"], ["id", "nickname"], None]
    found = run("csv", "({ findNameColumn }, all) => all.map((one) => findNameColumn(one) ?? null)", columns)
    assert found == ["Last_Name", None, None]


def test_answers_become_rows_of_a_table(run):
    predictions = [
        {"label": "Greek", "probability": 0.12345678, "reason": None},
        {"label": None, "probability": None, "reason": "no letters"},
        {"label": None, "probability": None, "reason": None, "value": 2.5},
    ]
    function = "({ toRows, answersToCsv }, all) => answersToCsv(toRows(['a', 'b', '=c'], all))"
    assert run("csv", function, predictions).split("\r\n") == [
        "name,elman_label,elman_probability,elman_reason",
        "a,Greek,0.123457,",
        "b,,,no letters",
        "'=c,2.5,,",
        "",
    ]
