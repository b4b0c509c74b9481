"""Uploaded tables are annotated, and their shares estimated, as in Python; no temporary file is left."""

import asyncio
import encodings.aliases
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from client import CANARY, CSV, PATIENCE, Connection, annotate, error_message, estimate, make_app, make_tagger, send

from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.annotation.local import annotate_file, annotate_stream
from elman.errors import DATA_CODES
from elman.model.hierarchy import Levels
from elman.prediction.predictor import Predictor
from elman.server.jobs import Reply
from elman.server.pool import Worker
from elman.server.uploads import _MESSAGES
from elman.shares.estimates import Estimator, estimate_table
from elman.tables.formats import format_of


@pytest.fixture(scope="module")
def app(predictor):
    return make_app(predictor, make_tagger())


@pytest.fixture(scope="module", autouse=True)
def temporary_folder(tmp_path_factory):
    """Put temporary files of this process and of its workers into a folder, and check that none ever has a name."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder
    assert list(folder.iterdir()) == []


def to_parquet(**columns) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, write_statistics=False)
    return file.getvalue()


ROWS = {"name": ["abcabc", "", None, "xyz", "42"], "id": [1, 2, 3, 4, 5]}
TABLES = {
    "people.csv": 'name,id\nabcabc,1\n,2\n"x\nyz",3\n42,4\n',
    "people.tsv": "id\tname\n1\tabcabc\n2\t\n",
    "people.jsonl": '{"name": "abcabc", "id": 1}\n{"name": null}\n{"name": "é\\u00e9"}\n',
    "people.parquet": to_parquet(**ROWS),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("top", [1, 2])
def test_a_table_is_annotated_as_in_python(app, predictor, tmp_path, name, top):
    content = TABLES[name] if isinstance(TABLES[name], bytes) else TABLES[name].encode()
    answer = annotate(app, content, name, top=top, abstain_below=0.3)
    assert answer.status_code == 200, answer.text
    source, target = tmp_path / name, tmp_path / f"annotated{Path(name).suffix}"
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
def test_the_response_names_a_file_after_the_upload(app, name, file_name):
    body = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name.translate(ESCAPES)}"\r\n\r\n'.encode()
        + CSV.encode()
        + b"\r\n--b--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = send(app, "POST", "/v1/annotate?column=name", content=body, headers=kind)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith(f"filename*=UTF-8''{file_name}")


ESCAPES = str.maketrans({'"': '\\"'})


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("wanted", ["csv", "tsv", "jsonl", "parquet"])
def test_the_format_of_the_response_can_be_chosen(app, name, wanted):
    answer = annotate(app, TABLES[name], name, format=wanted)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].endswith(f"people.annotated.{wanted}")
    if wanted == "parquet":
        labels = pq.read_table(io.BytesIO(answer.content))["elman_label"].to_pylist()
    elif wanted == "jsonl":
        labels = [json.loads(line)["elman_label"] for line in answer.text.splitlines()]
    else:
        labels = [answer.text.splitlines()[1].split("," if wanted == "csv" else "\t")[-3]]
    assert labels[0] == "Alfa"


def test_a_large_table_is_complete(app):
    rows = "".join(f"abc{'de' * (k % 5)},{k}\n" for k in range(50_000))
    answer = annotate(app, f"name,id\n{rows}")
    lines = answer.text.splitlines()
    assert len(lines) == 50_001
    assert [line.split(",")[1] for line in lines[1:]] == [str(k) for k in range(50_000)]
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("media_type", ["", "text/csv", "application/json", "application/x-www-form-urlencoded"])
def test_a_table_must_be_sent_as_a_form(app, media_type):
    answer = send(app, "POST", "/v1/annotate?column=name", content=CSV, headers={"Content-Type": media_type})
    assert "multipart/form-data" in error_message(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("name", ["people.exe", "people", "people.csv.gz", "people.ndjson.zst", "csv"])
def test_an_unknown_format_is_an_error(app, name):
    error_message(annotate(app, CSV, name), 415, "unknown_format")


@pytest.mark.parametrize(
    "content",
    [
        b"not a form",
        b"--b",
        b"--b\r\nnonsense\r\n\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    ],
)
def test_an_invalid_form_is_malformed(app, content):
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = send(app, "POST", "/v1/annotate?column=name", content=content, headers=kind)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["code"] in ("malformed", "invalid")


def test_a_form_without_a_boundary_or_a_file_is_an_error(app):
    kind = {"Content-Type": "multipart/form-data"}
    error_message(send(app, "POST", "/v1/annotate?column=name", content=b"x", headers=kind), 400, "malformed")
    answer = send(app, "POST", "/v1/annotate?column=name", files={"other": ("a.csv", CSV)})
    assert error_message(answer, 422, "invalid").startswith("file: ")
    answer = send(app, "POST", "/v1/annotate?column=name", data={"file": CANARY}, files={"other": ("a.csv", CSV)})
    assert CANARY not in error_message(answer, 422, "invalid")


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
        ({"header": CANARY}, "header"),
        ({"delimiter": CANARY}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
        ({"delimiter": ""}, "delimiter"),
        ({"encoding": CANARY * 4}, "encoding"),
        ({"encoding": ""}, "encoding"),
        ({"encoding": "\x00"}, "encoding"),
    ],
)
def test_an_invalid_parameter_is_named(app, query, named):
    message = error_message(annotate(app, CSV, **query), 422, "invalid")
    assert message.startswith(f"{named}: ")
    assert CANARY not in message


def test_the_column_must_be_named(app):
    answer = send(app, "POST", "/v1/annotate", files={"file": ("a.csv", CSV)})
    assert error_message(answer, 422, "invalid").startswith("column: ")


def test_the_model_can_be_chosen(app):
    error_message(annotate(app, CSV, model="other"), 404, "unknown_model")
    error_message(annotate(app, CSV, model="tagger"), 422, "other_kind_of_model")
    assert annotate(app, CSV, model="toy").status_code == 200


# How a table is read


READINGS = {
    "semicolons": (b"name;id\nabc;1\n", {}, ["abc"]),
    "bars": (b"name|id,x\nabc|1\n", {"delimiter": "|"}, ["abc"]),
    "tabs by name": (b"name\tid,x\nabc\t1\n", {"delimiter": "\\t"}, ["abc"]),
    "cp1252": ("name\nMüller\n".encode("cp1252"), {"encoding": "cp1252"}, ["Müller"]),
    "UTF-16 with its mark": ("name\nMüller\n".encode("utf-16"), {}, ["Müller"]),
    "UTF-16 without it": ("name\nMüller\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, ["Müller"]),
    "no header": (b"1,abc\n2,xyz\n", {"column": "2", "header": "false"}, ["abc", "xyz"]),
    "no header, by the column": (b"1,abc\n3,xyz\n", {"column": "2"}, ["abc", "xyz"]),
    "a header, by its number": (b"id,surname\n1,abc\n", {"column": "2", "header": "true"}, ["abc"]),
    "JSON Lines, whatever the header": (b'{"name": "abc"}\n', {"name": "a.jsonl", "header": "true"}, ["abc"]),
    "a header of numbers": (b"2,1\nabc,xyz\n", {"column": "2", "header": "true"}, ["abc"]),
}


@pytest.mark.parametrize(("content", "query", "names"), READINGS.values(), ids=READINGS)
def test_a_table_is_read_as_the_parameters_say(app, predictor, content, query, names):
    answer = annotate(app, content, format="jsonl", **query)
    assert answer.status_code == 200, answer.text
    labels = [json.loads(line)["elman_label"] for line in answer.text.splitlines()]
    assert labels == [one.label for one in predictor.predict(names)]


@pytest.mark.parametrize("encoding", [CANARY, "base64", "aliases", "..", "mbcs"])
def test_an_unknown_encoding_is_an_error(app, encoding):
    assert error_message(annotate(app, CSV, encoding=encoding), 422, "unknown_encoding").startswith("encoding: ")


def test_a_column_that_can_be_a_name_or_a_number_needs_a_decision(app):
    message = error_message(annotate(app, b"2,1\nabc,xyz\n", column="2"), 422, "unknown_column")
    assert "header=true" in message


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("a.csv", f"name\nabc\n{CANARY}".encode() + b"\xff\n", " at line 3"),
        ("a.csv", b"n\xe4me\nabc\n", " at line 1"),
        ("a.jsonl", b'{"name": "M\xfcller"}\n', " at line 1"),
        ("a.csv", "name\nabc\n".encode("utf-16-le"), ""),
        ("a.csv", ("name\n" + "abc\n" * 9).encode("utf-16")[:-1], " at line 10"),
    ],
)
def test_text_in_another_encoding_gets_its_own_sentence(app, name, content, where):
    message = error_message(annotate(app, content, name), 422, "wrong_encoding")
    assert f"encoding{where}; save it as CSV UTF-8" in message
    assert CANARY not in message


ENCODINGS = {*encodings.aliases.aliases.values(), "undefined", "idna", "punycode", "unicode_escape", "utf-8-sig"}


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))  # those of bytes and those of other systems included
def test_no_encoding_is_a_bug(app, encoding):
    assert annotate(app, CSV, encoding=encoding).status_code in (200, 422)
    assert annotate(app, bytes(range(256)) * 9, encoding=encoding).status_code in (200, 422)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", f"{CANARY},id\nabc,1\n", "unknown_column"),
        ("a.csv", "name,name\nabc,1\n", "unknown_column"),
        ("a.csv", "", "empty_table"),
        ("a.csv", f"name,elman_label\n{CANARY},1\n", "column_taken"),
        ("a.parquet", f"PAR1 {CANARY}", "unreadable_table"),
        ("a.parquet", to_parquet(name=[1, 2]), "not_strings"),
        ("a.parquet", to_parquet(other=[CANARY]), "unknown_column"),
        ("a.jsonl", f'{{"{CANARY}": 1}}\n', "unknown_column"),
    ],
)
def test_an_unreadable_table_is_an_error_with_the_code_of_its_problem(app, name, content, code):
    assert CANARY not in error_message(annotate(app, content, name), 422, code)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", f"name,id\nabc,1\n{CANARY},2,3\n", 3),
        ("a.csv", f"name,id\nabc,1\n{CANARY}\n", 3),
        ("a.csv", f'name,id\n"{CANARY}"x,1\n', 2),
        ("a.jsonl", f'{{"name": "abc"}}\n{{"name": {CANARY}}}\n', 2),
        ("a.jsonl", f'{{"name": ["{CANARY}"]}}\n', 1),
        ("a.jsonl", "[" * 100_000 + "\n", 1),
    ],
)
def test_a_malformed_row_is_named_by_its_line_only(app, name, content, line):
    message = error_message(annotate(app, content, name), 422, "malformed_row")
    assert f"line {line}:" in message
    assert CANARY not in message


def test_a_parquet_file_that_is_damaged_inside_is_unreadable(app):
    content = bytearray(to_parquet(name=[f"{CANARY}{k}" for k in range(5000)]))
    content[100:4000] = bytes(3900)
    message = error_message(annotate(app, bytes(content), "a.parquet"), 422, "unreadable_table")
    assert CANARY not in message


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (Reply(problem="unknown_column"), "unknown_column", "name one of its columns"),
        (Reply(problem="malformed_row", line=1234), "malformed_row", "at line 1,234: expected"),
        (Reply(problem="malformed_row"), "malformed_row", "cannot be read: expected"),
        (Reply(problem="unreadable"), "unreadable_table", "check that its format matches its name"),
        (Reply(problem="a new problem", line=7), "unreadable_table", "at line 7; check"),
        (Reply(problem="invalid"), "invalid", "column, top or abstain_below"),
        (Reply(problem="no_finite_answer"), "no_finite_answer", "no finite answer"),
    ],
    ids=str,
)
def test_problems_of_tables_are_told_apart_by_their_code(app, monkeypatch, reply, code, words):
    monkeypatch.setattr(Worker, "run", lambda *arguments: reply)
    assert words in error_message(annotate(app, CSV), 422, code)


def test_every_code_of_a_data_error_has_a_message():
    assert set(DATA_CODES) - {"unreadable"} <= set(_MESSAGES)


def test_a_bug_in_a_worker_is_logged_by_its_place(app, monkeypatch, caplog):
    monkeypatch.setattr(Worker, "run", lambda *arguments: Reply(bug="KeyError in elman/tables/lines.py, line 3"))
    error_message(annotate(app, CSV), 500, "internal")
    assert "KeyError in elman/tables/lines.py, line 3" in caplog.text


def test_a_worker_that_ends_fails_only_its_own_table(app, monkeypatch, caplog):
    original = Worker.run

    def kill_and_annotate(worker, *arguments):
        worker.process.kill()
        worker.process.wait()
        return original(worker, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "run", kill_and_annotate)
        error_message(annotate(app, CSV), 500, "internal")
    assert "a worker process ended, status -9" in caplog.text
    assert annotate(app, CSV).status_code == 200


def test_several_files_in_one_form_are_an_error(app):
    for second in ("file", "other"):
        files = [("file", ("a.csv", CSV)), (second, (f"{CANARY}.csv", CSV))]
        answer = send(app, "POST", "/v1/annotate?column=name", files=files)
        message = error_message(answer, 422, "invalid")
        assert "one file in a request; this has 2" in message and CANARY not in message


@pytest.mark.parametrize("name", ["people.xlsx", "People.XLS", "a.xlsm", "a.ods"])
def test_a_spreadsheet_gets_its_own_sentence(app, name):
    assert "CSV UTF-8" in error_message(annotate(app, b"PK\x03\x04", name), 415, "spreadsheet")


@pytest.mark.parametrize("head", [b"PK\x03\x04\x14\x00", b"\xd0\xcf\x11\xe0\xa1\xb1"])
def test_a_spreadsheet_with_another_name_gets_the_same_sentence(app, head):
    assert "CSV UTF-8" in error_message(annotate(app, head, "people.csv"), 415, "spreadsheet")


@pytest.mark.parametrize(("name", "content"), [("a.csv", b"\r\n \n"), ("a.tsv", b"\n"), ("a.parquet", b"")])
def test_a_file_of_nothing_is_empty(app, name, content):
    assert "the file is empty" in error_message(annotate(app, content, name), 422, "empty_table")


def test_a_table_gets_a_limited_number_of_labels(predictor, monkeypatch):
    monkeypatch.setattr("elman.server.uploads.MOST_LABELS", 2)
    app = make_app(predictor)
    assert "2 labels" in error_message(annotate(app, CSV, top=1000), 422, "too_many_labels")
    assert annotate(app, CSV, top=2).status_code == 200


def test_a_table_whose_download_stops_ends_its_worker(predictor, monkeypatch):
    workers = []
    original = Worker.run
    monkeypatch.setattr(Worker, "run", lambda worker, *rest: workers.append(worker) or original(worker, *rest))
    app = make_app(predictor, uploads=1)
    table = "name\n" + "abc\n" * 200_000

    async def stop_download():
        kind = "multipart/form-data; boundary=b"
        connection = Connection(app, "/v1/annotate?column=name", content_type=kind, transfer_encoding="chunked")
        connection.send(b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n')
        connection.send(table.encode() + b"\r\n--b--\r\n", is_last=True)
        while len(connection.messages) < 2:
            await asyncio.sleep(0.001)
        connection.leave()
        return await connection.response()

    answer = asyncio.run(stop_download())
    assert len(answer.content) < int(answer.headers["content-length"])
    (worker,) = workers
    assert worker.process.wait(PATIENCE) != 0
    assert annotate(app, CSV).status_code == 200


def test_two_columns_of_one_name_cannot_become_parquet(app):
    error_message(annotate(app, "name,id,id\nabc,1,2\n", format="parquet"), 422, "column_twice")


def test_the_number_of_rows_is_limited(predictor):
    app = make_app(predictor, rows=2)
    assert annotate(app, CSV).status_code == 200
    assert "2 rows" in error_message(annotate(app, CSV + "abc,3\n"), 422, "too_many_rows")


def test_a_small_file_with_very_much_text_is_an_error(predictor):
    app = make_app(predictor, upload_bytes=10_000)
    content = to_parquet(name=["abc"] * 50, note=["x" * 3000] * 50)  # stored once, used fifty times
    assert len(content) < 10_000
    error_message(annotate(app, content, "a.parquet", format="csv"), 422, "too_much_text")


# What the new columns say


COLUMNS = {
    "half": {"level": "half"},
    "auto": {"level": "auto"},
    "uniform": {"prior": "uniform"},
    "set": {"coverage": 0.9},
    "unfamiliar": {"unfamiliar_below": 0.7},
    "all": {"all": True, "level": "half"},
    "add": {"add": ["script", "unknown", "familiar", "set"]},
}
OF_PYTHON = {"all": "every"}


@pytest.fixture(scope="module")
def full_app(full):
    return make_app(full)


@pytest.mark.parametrize("query", COLUMNS.values(), ids=COLUMNS)
def test_a_table_gets_the_columns_of_the_options_as_in_python(full_app, full, tmp_path, query):
    content = "name\nabc\nzzqé7\n42\nabmx\n"
    answer = annotate(full_app, content, **query)
    assert answer.status_code == 200, answer.text
    (tmp_path / "people.csv").write_text(content, encoding="utf-8")
    settings = {OF_PYTHON.get(name, name): tuple(one) if name == "add" else one for name, one in query.items()}
    wanted = io.BytesIO()
    for _ in annotate_stream(
        Annotator(full, AnnotateConfig(**settings)), [str(tmp_path / "people.csv")], wanted, form=format_of("", "csv")
    ):
        pass
    assert answer.content == wanted.getvalue()


@pytest.mark.parametrize("query", [{"level": "region"}, {"coverage": 0.85}, {"all": True, "level": "auto"}])
def test_columns_that_the_model_does_not_have_are_refused(full_app, query):
    error_message(annotate(full_app, CSV, **query), 422, "unknown_option")


# Shares


GROUPED = "name,town\nabcabc,Bern\nxyz,Bern\nmnop,Rome\n,Rome\n42,\n"


@pytest.mark.parametrize("by", [None, "town"])
def test_shares_are_estimated_as_in_python(app, predictor, tmp_path, by):
    (tmp_path / "people.csv").write_text(GROUPED, encoding="utf-8")
    wanted = estimate_table(Estimator(predictor), [str(tmp_path / "people.csv")], column="name", by=by)
    answer = estimate(app, GROUPED, **({} if by is None else {"by": by}))
    assert answer.status_code == 200, answer.text
    assert answer.json() == wanted.to_dict()
    assert [one["group"] for one in answer.json()["groups"]] == ([None] if by is None else ["Bern", "Rome", None])


@pytest.mark.parametrize("name", TABLES)
def test_shares_are_estimated_of_every_format(app, name):
    groups = estimate(app, TABLES[name], name).json()["groups"]
    assert [one["names"] for one in groups] == [{"people.parquet": 5, "people.jsonl": 3, "people.tsv": 2}.get(name, 4)]
    assert sum(share["share"] for share in groups[0]["shares"]) == pytest.approx(1, abs=1e-4)


def test_the_shares_of_a_level_are_those_of_its_groups(predictor):
    levels = Levels(("kind", "half"), (("first", "first", "second"),))
    app = make_app(Predictor(replace(predictor.artifact, levels=levels, sets=None)))
    answer = estimate(app, GROUPED, level="half").json()
    assert answer["level"] == "half"
    assert {one["label"] for one in answer["groups"][0]["shares"]} == {"first", "second"}
    for level in ("auto", CANARY):
        message = error_message(estimate(app, GROUPED, level=level), 422, "unknown_option")
        assert "its levels are kind, half" in message and CANARY not in message


def test_a_model_that_cannot_estimate_says_so(predictor):
    artifact = replace(predictor.artifact, prior=None, provenance={})
    app = make_app(Predictor(artifact), make_tagger())
    assert "how frequent its labels are" in error_message(estimate(app, GROUPED), 422, "unknown_option")
    error_message(estimate(app, GROUPED, model="tagger"), 422, "other_kind_of_model")


@pytest.mark.parametrize(
    ("name", "content", "query", "status", "code"),
    [
        ("a.xlsx", b"PK\x03\x04", {}, 415, "spreadsheet"),
        ("a.csv", b"", {}, 422, "empty_table"),
        ("a.csv", "name,town\n", {}, 422, "no_rows"),
        ("a.csv", f"name,{CANARY}\nabc,\n", {"by": CANARY}, 422, "no_groups"),
        ("a.csv", CSV, {"by": CANARY}, 422, "unknown_column"),
        ("a.csv", f"name\nabc\n{CANARY}".encode() + b"\xff\n", {}, 422, "wrong_encoding"),
        ("a.csv", f"name,id\n{CANARY}\n", {}, 422, "malformed_row"),
        ("a.csv", CSV, {"delimiter": CANARY}, 422, "invalid"),
        ("a.csv", CSV, {"encoding": CANARY}, 422, "unknown_encoding"),
        ("a.csv", CSV, {"by": ""}, 422, "invalid"),
    ],
)
def test_a_table_whose_shares_cannot_be_estimated_gets_its_own_sentence(app, name, content, query, status, code):
    assert CANARY not in error_message(estimate(app, content, name, **query), status, code)


def test_what_is_estimated_is_limited(predictor):
    app = make_app(predictor, rows=3, upload_bytes=20_000)
    error_message(estimate(app, CSV + "abc,1\nabc,1\n"), 422, "too_many_rows")
    content = to_parquet(name=["x" * 60_000] * 3, id=[1, 2, 3])  # stored once, used three times
    assert len(content) < 20_000
    error_message(estimate(app, content, "a.parquet"), 422, "too_much_text")
    many = "name,town\n" + "".join(f"abc,{town}\n" for town in range(1001))
    assert "1,000 groups" in error_message(estimate(make_app(predictor), many, by="town"), 422, "too_many_groups")


def test_shares_that_take_too_long_end_their_worker(predictor):
    app = make_app(predictor, upload_seconds=0.05)
    error_message(estimate(app, "name\n" + "abc\n" * 50_000), 504, "timeout")


def test_an_estimate_takes_a_place_among_the_uploads_and_gives_it_back(predictor):
    app = make_app(predictor, uploads=1, json_bytes=100)
    for _ in range(3):
        assert estimate(app, GROUPED).status_code == 200
    names = send(app, "GET", "/metrics").text
    assert 'elman_names_total{model="toy"} 15.0' in names
