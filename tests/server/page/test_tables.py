"""Lists are predicted in batches, CSV is read and written as Python does it, and transfers are described."""

import csv
import io
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from elman.shares.report import COLUMNS

# Batches


PREDICT_ALL = """
async ({ predictAll, limits }, { names, most, longest, total, settings }) => {
  Object.assign(limits, settings);
  const sizes = [], progress = [];
  const predict = async (some) => {
    sizes.push(some.length);
    const fail = (code) => { throw Object.assign(new Error("too large"), { code }); };
    if (some.length > most) fail("too_many_names");
    if (some.some((name) => name.length > longest)) fail("name_too_long");
    if (total && some.join("").length > total) fail("too_many_characters");
    return some.map((label) => ({ label }));
  };
  const predictions = await predictAll(names, predict, (done) => progress.push(done));
  return { labels: predictions.map(({ label, reason }) => label ?? reason), sizes, progress, names: limits.names };
}
"""


def predict_all(
    run: Callable[..., Any], names: list[str], /, *, most: int = 99, longest: int = 99, total: int = 0, **settings: int
) -> dict[str, Any]:
    argument = {"names": names, "most": most, "longest": longest, "total": total, "settings": settings}
    return run("tables", PREDICT_ALL, argument)


def test_a_short_list_is_one_request_without_progress(run):
    found = predict_all(run, ["a", "b"])
    assert (found["labels"], found["sizes"], found["progress"]) == (["a", "b"], [2], [])


def test_a_long_list_is_split_by_names_and_by_characters(run):
    names = [str(k) for k in range(7)]
    found = predict_all(run, names, names=3)
    assert (found["labels"], found["sizes"], found["progress"]) == (names, [3, 3, 1], [0, 3, 6])
    long = ["a" * 6, "b" * 6, "c" * 3, "d" * 20]
    assert predict_all(run, long, characters=10)["sizes"] == [1, 2, 1]


def test_a_list_is_halved_until_the_service_accepts_it(run):
    names = [str(k) for k in range(20)]
    found = predict_all(run, names, most=3, names=10)
    assert found["labels"] == names
    assert found["names"] <= 3
    assert found["sizes"][-1] <= 3


def test_names_that_have_too_many_characters_together_are_sent_in_parts(run):
    names = ["a" * 6, "b" * 6, "c" * 3, "d" * 3]
    found = predict_all(run, names, total=10)
    assert (found["labels"], found["sizes"][0]) == (names, 4)


def test_a_name_that_the_service_rejects_fails_alone(run):
    found = predict_all(run, ["a", "b" * 100, "c"])
    assert found["labels"] == ["a", "too large", "c"]
    assert found["names"] == 500


def test_other_errors_end_the_list(run):
    function = """
    async ({ predictAll }) => {
      const predict = async () => { throw new Error("gone"); };
      return predictAll(["a", "b"], predict, () => {}).catch((error) => error.message);
    }
    """
    assert run("tables", function) == "gone"


# CSV


@pytest.mark.parametrize(
    ("text", "lines"),
    [("a", ["a"]), ("a\n", ["a"]), ("a\r\n\r\n", ["a"]), ("a\n\nb\rc\r\nd", ["a", "", "b", "c", "d"]), ("", [""])],
)
def test_every_line_is_a_name_except_empty_ones_at_the_end(run, text, lines):
    assert run("tables", "({ splitLines }, text) => splitLines(text)", text) == lines


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
    assert run("tables", function, [texts, delimiter]) == records


def test_csv_is_read_back_by_python_and_formulas_stay_text(run):
    rows = random_records(200)
    text = run("tables", "({ toCsv }, rows) => toCsv(rows)", rows)
    expected = [[f"'{cell}" if cell[:1] in ("=", "\t", "\r") else cell for cell in row] for row in rows]
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert [row or [""] for row in found] == expected
    assert run("tables", "({ toCsv }) => toCsv([['+1', '-1', '@a', -1, 0.5]])") == "'+1,'-1,'@a,-1,0.5\r\n"


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
    assert run("tables", "({ readColumns }, [name, head]) => readColumns(name, head)", [name, head]) == columns


def test_a_column_with_a_likely_title_is_found(run):
    columns = [["id", "Last_Name"], ["id", "nickname"], None]
    found = run("tables", "({ findNameColumn }, all) => all.map((one) => findNameColumn(one) ?? null)", columns)
    assert found == ["Last_Name", None, None]


def test_answers_become_rows_of_a_table(run):
    predictions = [
        {"label": "Greek", "probability": 0.12345678, "reason": None},
        {"label": None, "probability": None, "reason": "no letters"},
        {"label": None, "probability": None, "reason": None, "value": 2.5},
    ]
    function = "({ toRows, answersToCsv }, all) => answersToCsv(toRows(['a', 'b', '=c'], all))"
    assert run("tables", function, predictions).split("\r\n") == [
        "name,elman_label,elman_probability,elman_reason",
        "a,Greek,0.123457,",
        "b,,,no letters",
        "'=c,2.5,,",
        "",
    ]


def test_the_csv_of_a_model_that_pronounces_has_a_column_of_ipa(run):
    predictions = [
        {"label": "B AH", "ipa": "bʌ", "probability": 0.5, "reason": None},
        {"label": None, "ipa": "", "probability": None, "reason": "no letters"},
        {"label": None, "probability": None, "reason": "a name may have 4 characters"},
    ]
    function = "({ toRows, answersToCsv }, all) => answersToCsv(toRows(['a', 'b', 'c'], all))"
    assert run("tables", function, predictions).split("\r\n") == [
        "name,elman_label,elman_probability,elman_reason,elman_ipa",
        "a,B AH,0.5,,bʌ",
        "b,,,no letters,",
        "c,,,a name may have 4 characters,",
        "",
    ]


# Transfers


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=\"annotated.csv\"; filename*=UTF-8''M%C3%BCller.csv", "Müller.csv"),
        ('attachment; filename="annotated.csv"', "annotated.csv"),
        ("", None),
    ],
)
def test_the_name_of_a_file_comes_from_its_header(run, header, name):
    function = """
    ({ readFileName }, header) =>
      readFileName(new Response("", { headers: { "Content-Disposition": header } })) ?? null
    """
    assert run("tables", function, header) == name


def test_a_body_is_read_with_progress_and_its_rows_are_described(run):
    function = """
    async ({ readBody, describeRows }) => {
      const headers = { "Content-Type": "text/csv", "X-Elman-Rows": "1200", "X-Elman-Abstained": "3" };
      const response = new Response("name\\nMüller\\n", { headers });
      const bytes = [];
      const blob = await readBody(response, (count) => bytes.push(count));
      const rows = describeRows(response).replaceAll("\\u00a0", " ");
      return [await blob.text(), blob.type, bytes.at(-1), rows, describeRows(new Response(""))];
    }
    """
    assert run("tables", function) == ["name\nMüller\n", "text/csv", 13, "1,200 rows, 3 abstained. ", ""]


def test_a_transfer_that_ends_early_is_described(run):
    function = """
    ({ describeTransferError }) =>
      [new TypeError("network error"), new Error("Too many rows.")].map(describeTransferError)
    """
    first, second = run("tables", function)
    assert (first, second) == ("The download stopped before its end; nothing was saved.", "Too many rows.")


# Files


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("people.csv", b"name\nM\xc3\xbcller\n", ""),
        ("people.csv", b"name\n" + b"a" * 20 + "ü".encode()[:1], ""),  # the end of what was read, within a letter
        ("people.CSV", "name\nMüller\n".encode("utf-16"), ""),
        ("people.tsv", b"\xfe\xff" + "name\n".encode("utf-16-be"), ""),
        ("people.parquet", b"PAR1\xff\xfe\xfd", ""),
        ("people.csv", "name\nMüller\n".encode("latin-1"), "not UTF-8"),
        ("people.jsonl", b'{"name": "M\xfcller"}\n', "not UTF-8"),
        ("people.csv", b"", "empty"),
        ("people.xlsx", b"PK\x03\x04", "spreadsheets"),
        ("people.XLS", b"", "spreadsheets"),
        ("people.pdf", b"%PDF", "CSV, TSV, JSONL and Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_gets_its_own_sentence(run, name, content, words):
    function = "({ describeUnreadable }, [name, bytes]) => describeUnreadable(name, Uint8Array.from(bytes))"
    sentence = run("tables", function, [name, list(content)])
    assert words in sentence and bool(words) == bool(sentence)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_head_of_a_file_is_read_by_its_byte_order_mark(run, encoding):
    content = "name,Größe\n".encode(encoding)
    function = "({ decodeHead }, bytes) => decodeHead(Uint8Array.from(bytes))"
    assert run("tables", function, list(content)) == "name,Größe\n"


@pytest.mark.parametrize(
    ("name", "line", "columns"),
    [
        ("a.csv", "id;full name", ["id", "full name"]),
        ("a.csv", "id\tname", ["id", "name"]),
        ("a.csv", "id|name;x|y", ["id", "name;x", "y"]),
        ("a.csv", "id,name;x", ["id", "name;x"]),
        ("a.tsv", "id,name", ["id", "name"]),
        ("a.csv", "name", ["name"]),
    ],
)
def test_the_delimiter_is_recognised_in_the_first_line(run, name, line, columns):
    function = "({ readColumns }, [name, head]) => readColumns(name, head)"
    assert run("tables", function, [name, f"{line}\n1;2,3\t4\n"]) == columns


def test_shares_become_the_table_that_the_command_writes(run):
    counts = {"names": 3, "missing": 1, "read": 2, "abstained": 0}
    one = {"label": "=A", "share": 0.75, "low": 0.5, "high": 1, "counted": 0.5}
    report = {"groups": [{"group": "x, y", **counts, "shares": [one]}, {"group": None, **counts, "shares": []}]}
    rows = list(
        csv.reader(io.StringIO(run("tables", "({ sharesToCsv }, report) => sharesToCsv(report)", report), newline=""))
    )
    assert tuple(rows[0]) == COLUMNS
    assert rows[1:] == [
        ["x, y", "'=A", "0.75", "0.5", "1", "0.5", "3", "1", "2", "0"],
        ["", "", "", "", "", "", "3", "1", "2", "0"],
    ]
