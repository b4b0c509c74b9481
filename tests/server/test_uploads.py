"""Tables come back annotated, as Python annotates them, and nothing of them stays behind."""

import io
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from asking import CANARY, CSV, annotate, ask, refusal, service, tagger

from elman.annotation.local import annotate_file


@pytest.fixture(scope="module")
def app(predictor):
    return service(predictor, tagger())


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Temporary files lie in a folder of the test's own, and none stays there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.glob("elman-*")) == []


def parquet(**columns) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, write_statistics=False)
    return file.getvalue()


ROWS = {"name": ["abcabc", "", None, "xyz", "42"], "id": [1, 2, 3, 4, 5]}
TABLES = {
    "people.csv": 'name,id\nabcabc,1\n,2\n"x\nyz",3\n42,4\n',
    "people.tsv": "id\tname\n1\tabcabc\n2\t\n",
    "people.jsonl": '{"name": "abcabc", "id": 1}\n{"name": null}\n{"name": "é\\u00e9"}\n',
    "people.parquet": parquet(**ROWS),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("top", [1, 2])
def test_a_table_comes_back_as_python_annotates_it(app, predictor, own_folder, name, top):
    content = TABLES[name] if isinstance(TABLES[name], bytes) else TABLES[name].encode()
    answer = annotate(app, content, name, top=top, abstain_below=0.3)
    assert answer.status_code == 200, answer.text
    source, target = own_folder / name, own_folder / f"annotated{Path(name).suffix}"
    source.write_bytes(content)
    summary = annotate_file(predictor, source, target, column="name", top=top, abstain_below=0.3)
    assert answer.content == target.read_bytes()
    assert answer.headers["x-elman-rows"] == str(summary.rows)
    assert answer.headers["x-elman-abstained"] == str(sum(summary.abstained.values()))


@pytest.mark.parametrize(
    ("name", "file_name"),
    [
        ("people.csv", "people.annotated.csv"),
        ("PEOPLE.CSV", "PEOPLE.annotated.csv"),
        ("a b.c.csv", "a%20b.c.annotated.csv"),
        ('ö"; x=y.csv', "%C3%B6%22%3B%20x%3Dy.annotated.csv"),
        ("../../etc/people.csv", "people.annotated.csv"),
        (".csv.csv", ".csv.annotated.csv"),
    ],
)
def test_the_answer_is_a_file_of_the_same_name(app, name, file_name):
    body = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name.translate(ESCAPES)}"\r\n\r\n'.encode()
        + CSV.encode()
        + b"\r\n--b--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = ask(app, "POST", "/v1/annotate?column=name", content=body, headers=kind)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith(f"filename*=UTF-8''{file_name}")


ESCAPES = str.maketrans({'"': '\\"'})


@pytest.mark.parametrize("given", TABLES)
@pytest.mark.parametrize("wanted", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_comes_back_in_the_format_that_is_asked_for(app, given, wanted):
    answer = annotate(app, TABLES[given], given, format=wanted)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].endswith(f"people.annotated.{wanted}")
    if wanted == "parquet":
        labels = pq.read_table(io.BytesIO(answer.content))["elman_label"].to_pylist()
    elif wanted == "jsonl":
        labels = [json.loads(line)["elman_label"] for line in answer.text.splitlines()]
    else:
        labels = [answer.text.splitlines()[1].split("," if wanted == "csv" else "\t")[-3]]
    assert labels[0] == "Alfa"


def test_a_large_table_comes_back_whole(app):
    rows = "".join(f"abc{'de' * (k % 5)},{k}\n" for k in range(50_000))
    answer = annotate(app, f"name,id\n{rows}")
    lines = answer.text.splitlines()
    assert len(lines) == 50_001
    assert [line.split(",")[1] for line in lines[1:]] == [str(k) for k in range(50_000)]
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("media_type", ["", "text/csv", "application/json", "application/x-www-form-urlencoded"])
def test_a_table_is_sent_as_a_form(app, media_type):
    answer = ask(app, "POST", "/v1/annotate?column=name", content=CSV, headers={"Content-Type": media_type})
    assert "multipart/form-data" in refusal(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("name", ["people.exe", "people", "people.csv.gz", "people.ndjson.zst", "csv"])
def test_a_file_of_another_format_is_refused(app, name):
    refusal(annotate(app, CSV, name), 415, "unknown_format")


@pytest.mark.parametrize(
    "content",
    [
        b"no form at all",
        b"--b",
        b"--b\r\nnonsense\r\n\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    ],
)
def test_a_form_that_is_none_is_malformed(app, content):
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = ask(app, "POST", "/v1/annotate?column=name", content=content, headers=kind)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["code"] in ("malformed", "invalid")


def test_a_form_without_a_boundary_or_a_file_is_refused(app):
    kind = {"Content-Type": "multipart/form-data"}
    refusal(ask(app, "POST", "/v1/annotate?column=name", content=b"x", headers=kind), 400, "malformed")
    answer = ask(app, "POST", "/v1/annotate?column=name", files={"other": ("a.csv", CSV)})
    assert refusal(answer, 422, "invalid").startswith("file: ")
    answer = ask(app, "POST", "/v1/annotate?column=name", data={"file": CANARY}, files={"other": ("a.csv", CSV)})
    assert CANARY not in refusal(answer, 422, "invalid")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"column": ""}, "column"),
        ({"top": 0}, "top"),
        ({"top": 1001}, "top"),
        ({"top": CANARY}, "top"),
        ({"abstain_below": 2}, "abstain_below"),
        ({"abstain_below": "nan"}, "abstain_below"),
        ({"format": CANARY}, "format"),
    ],
)
def test_a_setting_that_cannot_be_is_named(app, query, named):
    message = refusal(annotate(app, CSV, **query), 422, "invalid")
    assert message.startswith(f"{named}: ")
    assert CANARY not in message


def test_the_column_must_be_named(app):
    answer = ask(app, "POST", "/v1/annotate", files={"file": ("a.csv", CSV)})
    assert refusal(answer, 422, "invalid").startswith("column: ")


def test_models_are_chosen_as_elsewhere(app):
    refusal(annotate(app, CSV, model="other"), 404, "unknown_model")
    refusal(annotate(app, CSV, model="tagger"), 422, "other_kind_of_model")
    assert annotate(app, CSV, model="toy").status_code == 200


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", f"{CANARY},id\nabc,1\n", "unknown_column"),
        ("a.csv", "name,name\nabc,1\n", "unknown_column"),
        ("a.csv", "", "empty_table"),
        ("a.csv", f"name,elman_label\n{CANARY},1\n", "column_taken"),
        ("a.parquet", f"PAR1 {CANARY}", "unreadable_table"),
        ("a.parquet", parquet(name=[1, 2]), "not_strings"),
        ("a.parquet", parquet(other=[CANARY]), "unknown_column"),
        ("a.jsonl", f'{{"{CANARY}": 1}}\n', "unknown_column"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_in_words_of_its_own(app, name, content, code):
    assert CANARY not in refusal(annotate(app, content, name), 422, code)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", f"name,id\nabc,1\n{CANARY},2,3\n", 3),
        ("a.csv", f"name,id\nabc,1\n{CANARY}\n", 3),
        ("a.csv", f'name,id\n"{CANARY}"x,1\n', 2),
        ("a.csv", f"name\nabc\n{CANARY}".encode() + b"\xff\n", 3),
        ("a.jsonl", f'{{"name": "abc"}}\n{{"name": {CANARY}}}\n', 2),
        ("a.jsonl", f'{{"name": ["{CANARY}"]}}\n', 1),
        ("a.jsonl", "[" * 100_000 + "\n", 1),
    ],
)
def test_a_row_that_cannot_be_read_is_told_by_its_line_alone(app, name, content, line):
    message = refusal(annotate(app, content, name), 422, "malformed_row")
    assert f"line {line}:" in message
    assert CANARY not in message


def test_a_column_that_stands_twice_cannot_become_parquet(app):
    refusal(annotate(app, "name,id,id\nabc,1,2\n", format="parquet"), 422, "column_twice")


def test_a_table_holds_so_many_rows(predictor):
    app = service(predictor, rows=2)
    assert annotate(app, CSV).status_code == 200
    assert "2 rows" in refusal(annotate(app, CSV + "abc,3\n"), 422, "too_many_rows")


def test_a_small_file_that_holds_very_much_text_is_refused(predictor):
    app = service(predictor, upload_bytes=10_000)
    content = parquet(name=["abc"] * 50, note=["x" * 3000] * 50)  # written once, and referred to fifty times
    assert len(content) < 10_000
    refusal(annotate(app, content, "a.parquet", format="csv"), 422, "too_much_text")
