"""Queries: rows of SQLite and PostgreSQL are annotated like the same rows of a file, and nothing secret is shown."""

import base64
import csv
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import deque
from contextlib import closing
from glob import glob
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.annotation.job import name_parts_folder
from elman.annotation.local import annotate_stream, annotate_table
from elman.errors import DataError, MissingExtraError, SettingError
from elman.prediction.predictor import Predictor
from elman.tables.formats import format_of
from elman.tables.sql import queries
from elman.tables.sql.queries import Query, open_query

PASSWORD = "geheim"
NAMES = ["abc", "cab", None, "", "b'a", "水", 'a,"b', "42"]
PATIENCE = 60  # seconds for the database to start or to stop


# What the tests share


@pytest.fixture
def annotator(tiny_artifact):
    return Annotator(Predictor(tiny_artifact), AnnotateConfig())


@pytest.fixture
def people(tmp_path):
    """An SQLite file of 100 people; some have no name, or one that cannot be read."""
    path = tmp_path / "people.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table people (id integer, name text, note text)")
        rows = [(k, NAMES[k % len(NAMES)], f"note {k}\n") for k in range(100)]
        database.executemany("insert into people values (?, ?, ?)", rows)
        database.commit()
    return f"sqlite:///{path}"


@pytest.fixture
def in_nines(monkeypatch):
    monkeypatch.setattr(queries, "ROWS", 9)
    monkeypatch.setattr(queries, "FETCH_ROWS", 3)


@pytest.fixture(scope="module")
def postgres():
    """The URL of a PostgreSQL server that this module starts and stops; it listens on its own socket."""
    found = [*sorted(glob("/usr/lib/postgresql/*/bin/initdb"))[::-1], shutil.which("initdb")]
    if found[0] is None:
        pytest.skip("needs PostgreSQL's programs: apt install postgresql, or put initdb and pg_ctl on the PATH")
    as_user = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        if shutil.which("runuser") is None or subprocess.run([*as_user, "true"], check=False).returncode:
            pytest.skip("needs a user postgres and runuser, because PostgreSQL refuses to run as root")
    programs, folder = Path(found[0]).parent, Path(tempfile.mkdtemp(prefix="pg"))  # a socket's path must be short
    (folder / "password").write_text(PASSWORD)
    if as_user:
        for place in (folder, folder / "password"):
            shutil.chown(place, "postgres")

    def run(program, *arguments):
        command = [*as_user, programs / program, "-D", folder / "data", *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE, cwd=folder)

    try:
        run("initdb", "-U", "ada", "-A", "scram-sha-256", f"--pwfile={folder}/password", "-E", "UTF8", "--no-sync")
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off -c timezone=Europe/Berlin"
        run("pg_ctl", "start", "-w", "-l", folder / "log", "-o", settings)
        try:
            yield f"postgresql+psycopg://ada:{PASSWORD}@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def execute(url, sql):
    """Run a statement, commit it, and return its rows."""
    from sqlalchemy import NullPool, create_engine

    with create_engine(url, poolclass=NullPool).begin() as connection:
        result = connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        return result.fetchall() if result.returns_rows else []


def annotate(annotator, query, target):
    deque(annotate_stream(annotator, query, target, form=format_of(str(target))), maxlen=0)
    return target


def rows_of(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file]


def chunks_of(query, column="name"):
    with open_query(query, column=column) as source:
        return list(source.chunks())


# Rows


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_query_is_answered_like_a_file_of_the_same_rows(annotator, people, tmp_path, suffix):
    some = "from people where name is not null order by people.id"  # a delimited file cannot hold NULL
    with (tmp_path / "people.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "name", "note"), *execute(people, f"select * {some}")])
    query = Query(people, f"select cast(id as text) as id, name, note {some}")
    by_query = annotate(annotator, query, tmp_path / f"query.{suffix}")
    by_file = annotate(annotator, [str(tmp_path / "people.csv")], tmp_path / f"file.{suffix}")
    assert rows_of(by_query) == rows_of(by_file)
    assert len(rows_of(by_query)) == 87


def test_a_name_that_is_null_is_missing_and_one_without_letters_is_blank(annotator, people, tmp_path):
    query = Query(people, "select name from people where id in (2, 3) order by id")
    table = rows_of(annotate(annotator, query, tmp_path / "out.parquet"))
    assert [(row["name"], row["elman_reason"].split(":")[0]) for row in table] == [(None, "missing"), ("", "blank")]


def test_a_query_without_rows_makes_a_table_without_rows(annotator, people, tmp_path):
    query = Query(people, "select * from people where id < 0")
    table = pq.read_table(annotate(annotator, query, tmp_path / "out.parquet"))
    assert table.num_rows == 0 and table.column_names[:3] == ["id", "name", "note"]
    assert annotate(annotator, query, tmp_path / "out.csv").read_text().startswith("id,name,note,elman_label")


def test_a_query_is_sent_unchanged(people):
    (chunk,) = chunks_of(Query(people, "select 'a%s :b' as name, '?' as other -- 100 %"))
    assert list(chunk.rows()) == [("a%s :b", "?")]


# Nothing is changed


CHANGES = [
    "with t as (select 1) delete from people returning name",
    "with t as (select 1) insert into people select 7, 'new', '' returning name",
    "with t as (select 1) update people set name = 'new' returning name",
    "delete from people",
    "delete from people returning name",
    "insert into people values (100, 'new', '') returning name",
    "drop table people",
    "create table others (name text)",
    "select * from people; delete from people",
    "select * from people where name = 'a;b'; delete from people -- ;",
    "select 1 as name; rollback; delete from people; commit",
    "commit",
]
ONLY_SQLITE = [
    "attach 'other.db' as other",
    "pragma writable_schema = 1",
    "pragma query_only = off",
    "vacuum into 'other.db'",
    "select load_extension('other.so') as name",
    "replace into people values (1, 'new', '')",
]
ONLY_POSTGRESQL = [
    "select name, nextval('numbers') from people",
    "select name, add_person() from people",
    "select set_config('transaction_read_only', 'off', false) as name",
    "select name into others from people",
    "with gone as (delete from people returning name) select name from gone",
    "select name from people for update",
    "copy (select 1) to program 'touch other.db'",
    "do $$ begin delete from people; end $$",
    "call remove_people()",
]


@pytest.fixture(params=["checked", "unchecked"])
def statements(request, monkeypatch):
    """Each test runs twice: as users meet it, and with nothing but the database's own means."""
    if request.param == "unchecked":
        monkeypatch.setattr(queries, "check_statement", lambda *_: None)


@pytest.mark.usefixtures("statements")
@pytest.mark.parametrize("sql", [*CHANGES, *ONLY_SQLITE])
def test_sqlite_refuses_to_change_anything(people, tmp_path, monkeypatch, sql):
    monkeypatch.chdir(tmp_path)
    before = (tmp_path / "people.db").read_bytes()
    with pytest.raises(DataError) as refused:
        chunks_of(Query(people, sql))
    assert "\n" not in str(refused.value)
    assert (tmp_path / "people.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["people.db"]


@pytest.mark.usefixtures("statements")
@pytest.mark.parametrize("sql", [*CHANGES, *ONLY_SQLITE])
def test_a_database_in_memory_is_not_changed_either(tmp_path, monkeypatch, sql):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        chunks_of(Query("sqlite://", sql))
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def postgres_people(postgres):
    execute(postgres, "create table people (id integer, name text, note text)")
    execute(postgres, "insert into people values (1, 'abc', '')")
    execute(postgres, "create sequence numbers")
    body = "begin insert into people values (2, 'new', ''); return 1; end"
    execute(postgres, f"create function add_person() returns integer language plpgsql as $$ {body} $$")
    execute(postgres, "create procedure remove_people() language sql as $$ delete from people $$")
    return postgres


@pytest.mark.usefixtures("statements")
@pytest.mark.parametrize("sql", [*CHANGES, *ONLY_POSTGRESQL])
def test_postgresql_refuses_to_change_anything(postgres_people, sql):
    with pytest.raises(DataError) as refused:
        chunks_of(Query(postgres_people, sql))
    assert "\n" not in str(refused.value)
    assert execute(postgres_people, "select id, name from people") == [(1, "abc")]
    assert execute(postgres_people, "select to_regclass('others'), is_called from numbers") == [(None, False)]


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_database_is_read_while_another_program_writes_to_it(people, tmp_path, mode):
    with closing(sqlite3.connect(tmp_path / "people.db")) as database:
        database.execute(f"pragma journal_mode = {mode}")
    assert sum(len(chunk.names) for chunk in chunks_of(Query(people, "select name from people"))) == 100
    with closing(sqlite3.connect(tmp_path / "people.db")) as database:
        database.execute("insert into people values (100, 'new', '')")  # not committed
        assert sum(len(chunk.names) for chunk in chunks_of(Query(people, "select name from people"))) == 100


@pytest.mark.parametrize(
    "url", ["sqlite:///file:{0}?uri=true", "sqlite:///file:{0}?mode=rwc&uri=true", "sqlite:///{0}?timeout=3"]
)
def test_other_ways_to_name_a_file_of_sqlite_only_read_too(people, tmp_path, monkeypatch, url):
    monkeypatch.setattr(queries, "check_statement", lambda *_: None)
    url = url.format(tmp_path / "people.db")
    assert len(chunks_of(Query(url, "select name from people"))) == 1
    with pytest.raises(DataError, match="the query failed"):
        chunks_of(Query(url, "delete from people"))
    with pytest.raises(DataError, match="no such file|cannot be reached"):
        chunks_of(Query(url.replace("people.db", "absent.db"), "select 1"))
    assert [path.name for path in tmp_path.iterdir()] == ["people.db"]


# Bytes and long names


def test_bytes_in_a_column_of_text_are_text(annotator, people, tmp_path):
    columns = "iif(id = 1, cast('水abc' as blob), 'cab') as name, iif(id = 1, x'61', 'b') as note"
    sql = f"select {columns} from people where id < 3"
    for suffix in ("csv", "jsonl", "parquet"):
        rows = rows_of(annotate(annotator, Query(people, sql), tmp_path / f"out.{suffix}"))
        assert [(row["name"], row["note"]) for row in rows] == [("cab", "b"), ("水abc", "a"), ("cab", "b")]


def test_a_column_of_bytes_is_a_column_of_names(annotator, people, tmp_path):
    sql = "select cast(name as blob) as name from people where id < 8 order by id"
    expected = rows_of(annotate(annotator, Query(people, sql.replace("blob", "text")), tmp_path / "text.jsonl"))
    assert rows_of(annotate(annotator, Query(people, sql), tmp_path / "bytes.jsonl")) == expected
    table = pq.read_table(annotate(annotator, Query(people, sql), tmp_path / "bytes.parquet"))
    assert table.schema.field("name").type == pa.binary() and table["name"][5].as_py() == "水".encode()


UNREADABLE = {
    "other bytes": ("iif(id = 5, cast(x'4e616b616dff' as text), 'abc')", "expected text in UTF-8 in the column 'name'"),
    "other bytes, stored as bytes": (
        "iif(id = 5, x'4e616b616dff', 'abc')",
        "expected text in UTF-8 in the column 'name'",
    ),
    "nothing but bytes": ("iif(id = 5, x'4e616b616dff', x'61')", "expected text in UTF-8 in the column 'name'"),
    "a long name": ("iif(id = 5, hex(zeroblob(65537)), 'abc')", "expected at most 131,072 characters, got 131,074"),
}


@pytest.mark.parametrize(("value", "problem"), UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_name_that_cannot_be_read_is_a_malformed_row(annotator, people, tmp_path, value, problem, suffix):
    query, target = Query(people, f"select {value} as name, id from people order by id"), tmp_path / f"out.{suffix}"
    with pytest.raises(DataError, match="row 6: " + problem + ".*--on-error skip") as refused:
        annotate(annotator, query, target)
    assert "Nakam" not in str(refused.value) and not target.exists()
    assert (refused.value.code, refused.value.line) == ("malformed_row", 6)
    skipping, side = Annotator(annotator.predictor, AnnotateConfig(skip_malformed=True)), tmp_path / "side.jsonl"
    *_, last = annotate_stream(skipping, query, target, form=format_of(str(target)), skipped=side)
    assert (last.summary.rows, last.summary.malformed) == (99, 1)
    assert [str(row["id"]) for row in rows_of(target)] == [str(k) for k in range(100) if k != 5]
    (row,) = map(json.loads, side.read_text().splitlines())
    assert row["place"] == "sqlite://***, row 6" and problem in row["problem"] and json.loads(row["text"])["id"] == 5


def test_bytes_in_another_column_of_text_are_a_malformed_row_too(people):
    query = Query(people, "select name, iif(id = 5, x'ff', 'abc') as note from people order by id")
    with pytest.raises(DataError, match="row 6: expected text in UTF-8 in the column 'note'"):
        chunks_of(query)


def test_a_column_is_found_by_its_number(people):
    (chunk,) = chunks_of(Query(people, "select id, name from people"), column="2")
    assert list(chunk.names)[:2] == ["abc", "cab"] and chunk.strings("1")[:2] == ["0", "1"]
    with pytest.raises(DataError, match="did you mean --column 'Full Name'"):
        chunks_of(Query(people, 'select name as "Full Name" from people'), column="full_name")


# Types


TYPES = """
select 'abc' as name, 7 as small, 1.50::numeric(10, 2) as price, 2.5::float8 as weight, true as flag,
  date '2001-02-03' as day, timestamp '2001-02-03 04:05:06.789' as local,
  timestamptz '2001-07-03 04:05:06+02' as instant, '\\x00ff'::bytea as content,
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as uuid, '{"b": [1, {"c": null}], "a": "ü"}'::jsonb as json,
  array[1, 2] as numbers, array['a', null] as texts, array[[1], [2]] as matrix, '[]'::json as empty,
  interval '1 day 2 hours' as span, time '04:05' as hour, timetz '04:05+02' as hour_zone,
  inet '10.0.0.1' as address, '{1.5, NaN}'::float8[] as floats, '"x"'::jsonb as scalar, null::int as nothing
"""


def test_every_type_of_postgresql_is_written_to_parquet(annotator, postgres, tmp_path):
    table = pq.read_table(annotate(annotator, Query(postgres, TYPES), tmp_path / "out.parquet"))
    kinds = {field.name: str(field.type) for field in table.schema if not field.name.startswith("elman_")}
    assert kinds == {
        "name": "string",
        "small": "int64",
        "price": "decimal128(38, 2)",
        "weight": "double",
        "flag": "bool",
        "day": "date32[day]",
        "local": "timestamp[us]",
        "instant": "timestamp[us, tz=UTC]",
        "content": "binary",
        "uuid": "string",
        "json": "string",
        "numbers": "list<element: int64>",
        "texts": "list<element: string>",
        "matrix": "list<element: list<element: int64>>",
        "empty": "string",
        "span": "duration[us]",
        "hour": "time64[us]",
        "hour_zone": "string",
        "address": "string",
        "floats": "string",
        "scalar": "string",
        "nothing": "string",
    }
    (row,) = table.to_pylist()
    assert str(row["price"]) == "1.50" and row["content"] == b"\x00\xff" and row["matrix"] == [[1], [2]]
    assert json.loads(row["json"]) == {"a": "ü", "b": [1, {"c": None}]}
    assert row["instant"].isoformat() == "2001-07-03T02:05:06+00:00"
    assert row["nothing"] is None and row["elman_label"] is not None


def test_every_type_of_postgresql_is_written_as_text(annotator, postgres, tmp_path):
    (row,) = rows_of(annotate(annotator, Query(postgres, TYPES), tmp_path / "out.csv"))
    (written,) = rows_of(annotate(annotator, Query(postgres, TYPES), tmp_path / "out.jsonl"))
    expected = {
        "name": "abc",
        "small": 7,
        "price": "1.50",
        "weight": 2.5,
        "flag": True,
        "day": "2001-02-03",
        "local": "2001-02-03T04:05:06.789000",
        "instant": "2001-07-03T02:05:06+00:00",
        "content": base64.b64encode(b"\x00\xff").decode(),
        "uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "json": {"a": "ü", "b": [1, {"c": None}]},
        "numbers": [1, 2],
        "texts": ["a", None],
        "matrix": [[1], [2]],
        "empty": [],
        "span": "1 day, 2:00:00",
        "hour": "04:05:00",
        "hour_zone": "04:05:00+02:00",
        "address": "10.0.0.1",
        "floats": [1.5, None],
        "scalar": "x",
        "nothing": None,
    }
    assert {key: value for key, value in written.items() if not key.startswith("elman_")} == expected
    for column, value in expected.items():
        assert row[column] == ("" if value is None else value) or json.loads(row[column]) == value


@pytest.mark.parametrize(
    ("early", "late"), [("1", "1.5"), ("1", "'x'"), ("1.5", "'x'"), ("1", "x'00'"), ("x'00'", "'x'"), ("1", "1e300")]
)
@pytest.mark.usefixtures("in_nines")
def test_a_later_value_of_another_type_is_refused_with_its_column(people, early, late):
    query = Query(people, f"select name, iif(id < 50, {early}, {late}) as value from people order by id")
    with pytest.raises(DataError, match=r"row 46 or one after it: expected .* in the column 'value'") as error:
        chunks_of(query)
    assert error.value.code == "malformed_row"


@pytest.mark.usefixtures("in_nines")
def test_a_column_that_begins_with_nulls_holds_text(people):
    chunks = chunks_of(Query(people, "select name, iif(id < 50, null, id) as value from people order by id"))
    assert [row[1] for chunk in chunks for row in chunk.rows()] == [None] * 50 + [str(k) for k in range(50, 100)]


@pytest.mark.usefixtures("in_nines")
def test_later_decimals_may_be_longer_and_objects_may_differ(postgres):
    sql = """select 'abc' as name, (k * 1000.5)::numeric as price, jsonb_build_object('k' || k, k) as json
             from generate_series(1, 30) k"""
    rows = [row for chunk in chunks_of(Query(postgres, sql)) for row in chunk.rows()]
    assert [(str(price), json) for _, price, json in rows] == [(f"{k * 1000.5}", {f"k{k}": k}) for k in range(1, 31)]


@pytest.mark.parametrize("value", ["1", "1.5"])
def test_names_that_are_not_strings_are_refused(people, value):
    with pytest.raises(DataError, match="expected strings in the column 'name', got") as error:
        chunks_of(Query(people, f"select {value} as name"))
    assert error.value.code == "not_strings"


@pytest.mark.parametrize("sql", ["select id from people", "select name, name from people"])
def test_a_missing_or_repeated_column_is_refused(people, sql):
    with pytest.raises(DataError, match="expected one column 'name', found") as error:
        chunks_of(Query(people, sql))
    assert error.value.code == "unknown_column"


# Memory


def test_the_server_computes_rows_only_as_they_are_read(postgres):
    query = Query(postgres, "select 'abc' as name, clock_timestamp() as made from generate_series(1, 200000)")
    last, seen = None, 0
    with open_query(query, column="name") as source:
        for chunk in source.chunks():
            made = chunk.batch()["made"]
            assert last is None or made[0].as_py() > last  # the row was computed after the chunk before was read
            ((last,),) = execute(postgres, "select clock_timestamp()")
            seen += len(chunk.names)
            assert len(chunk.names) <= queries.ROWS
    assert seen == 200_000


def test_wide_rows_make_short_chunks(people, monkeypatch):
    monkeypatch.setattr(queries, "FETCH_ROWS", 2)
    monkeypatch.setattr(queries, "CHUNK_BYTES", 5000)
    chunks = chunks_of(Query(people, "select 'abc' as name, hex(zeroblob(1000)) as wide from people"))
    assert [len(chunk.names) for chunk in chunks] == [3] * 33 + [1]


# Resuming


@pytest.mark.usefixtures("in_nines")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_resumed_query_writes_the_same_bytes(annotator, people, tmp_path, suffix):
    query, out = Query(people, "select * from people order by id"), tmp_path / f"out.{suffix}"
    form = format_of(str(out))
    deque(annotate_table(annotator, query, tmp_path / f"whole.{suffix}", form=form), maxlen=0)
    steps = annotate_table(annotator, query, out, form=form)
    for _ in range(4):
        next(steps)
    steps.close()
    assert not out.exists()
    steps = list(annotate_table(annotator, query, out, form=form, resume=True))
    assert sum(step.kept for step in steps) == 4 and steps[-1].summary.rows == 100
    assert out.read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()


@pytest.mark.usefixtures("in_nines")
def test_rows_that_differ_from_before_stop_the_job(annotator, people, tmp_path):
    query, out = Query(people, "select * from people order by id"), tmp_path / "out.csv"
    steps = annotate_table(annotator, query, out, form=format_of("csv", "csv"))
    next(steps), steps.close()
    execute(people, "update people set note = 'other' where id = 1")
    with pytest.raises(DataError, match="the input has changed since the job was interrupted"):
        list(annotate_table(annotator, query, out, form=format_of("csv", "csv"), resume=True))
    other = Query(people, "select * from people order by name")
    with pytest.raises(DataError, match="has another model, input or options"):
        list(annotate_table(annotator, other, out, form=format_of("csv", "csv"), resume=True))


# What is never shown


@pytest.mark.usefixtures("in_nines")
def test_the_parts_of_a_job_contain_no_password(annotator, postgres, tmp_path):
    query = Query(postgres, "select 'abc' as name from generate_series(1, 100)")
    steps = annotate_table(annotator, query, tmp_path / "out.csv", form=format_of("out.csv"))
    next(steps)
    note = (name_parts_folder(tmp_path / "out.csv") / "job.json").read_text()
    assert "postgresql+psycopg://***" in note and not {"ada", PASSWORD} & set(re.findall(r"\w+", note))
    steps.close()


@pytest.mark.parametrize("wrong", ["falsch%40", PASSWORD + "x"])
def test_a_refusal_shows_no_password(postgres, wrong, elman_here):
    url = postgres.replace(PASSWORD, wrong)
    outcome = elman_here("annotate", "out.csv", "--from-sql", url, "--query", "select 'abc' as name")
    assert outcome.status == 2 and outcome.err.count("\n") == 1
    assert "postgresql+psycopg://***: " in outcome.err and "password authentication failed" in outcome.err
    for secret in (wrong, "falsch", PASSWORD, "ada", "/tmp", "postgres "):
        assert secret not in outcome.err


@pytest.mark.parametrize(
    "url", ["geheim", "postgresql://ada:ge/heim@host:port/x", "postgresql+psycopg://ada@/x?host=/nowhere&geheim=geheim"]
)
def test_the_message_for_an_invalid_url_shows_no_password(url):
    with pytest.raises((SettingError, DataError)) as refused:
        chunks_of(Query(url, "select 1"))
    shown = "".join(map(str, (refused.value, refused.value.__cause__, Query(url, "select 1"))))
    assert "heim" not in shown.replace("invalid connection option", "").replace('"geheim"', "")
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://grete:geheim@nowhere.invalid:5433/bank?sslmode=require&application_name=tresor",
        "postgresql+psycopg://grete:geheim@127.0.0.1:1/bank",
        "postgresql+psycopg://grete@[::1]:1/bank?sslpassword=geheim",
        "postgresql+psycopg://grete@/bank?host=/nowhere/tresor",
        "mysql+pymysql://grete:geheim@127.0.0.1:1/bank",
        "sqlite:////nowhere/bank/geheim.db",
        "sqlite:///file:/nowhere/bank?uri=true&vfs=tresor",
        "sqlite:////proc",
        "oracel://grete:geheim@127.0.0.1/bank",
        "postgresql+asyncpg://grete:geheim@127.0.0.1/bank",
    ],
)
def test_no_message_shows_any_part_of_a_url(url):
    with pytest.raises((DataError, SettingError, MissingExtraError)) as refused:
        chunks_of(Query(url, "select 1"))
    shown = "".join(map(str, (refused.value, refused.value.__cause__, Query(url, "select 1"))))
    for secret in ("grete", "geheim", "nowhere", "bank", "tresor", "127.0.0.1", "::1", "/proc", "5433"):
        assert secret not in shown
    assert "\n" not in str(refused.value) and (refused.value.__suppress_context__ or not refused.value.__context__)


def test_an_error_of_the_database_shows_no_part_of_its_url(postgres):
    with pytest.raises(DataError, match="the query failed") as refused:
        chunks_of(Query(postgres, "select ada.postgres.geheim from people"))
    assert not {"ada", "postgres", "geheim"} & set(re.findall(r"\w+", str(refused.value)))


@pytest.mark.parametrize(
    "sql",
    [
        "select name, (case when k > 3000 then name end)::int from (select 'Nakamura' as name, k "
        "from generate_series(1, 5000) k) x",
        "select 'Nakamura' as name, 'Nakamura'::int",
    ],
)
def test_a_database_error_never_shows_what_a_row_holds(postgres, sql):
    with pytest.raises(DataError, match="the query failed .*InvalidTextRepresentation") as refused:
        chunks_of(Query(postgres, sql))
    assert refused.value.code == "unreadable"
    assert "Nakamura" not in str(refused.value) and "\n" not in str(refused.value)


# Errors


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select", "incomplete input"),
        ("select * form people", 'near "form": syntax error'),
        ("select * from nowhere", "no such table: nowhere"),
        ("delete from people", "begins with SELECT, WITH, VALUES or TABLE, got delete"),
        ("select 1; select 2", "one statement"),
    ],
)
def test_a_query_that_the_database_refuses_is_one_line(people, sql, message):
    with pytest.raises(DataError, match=message) as refused:
        chunks_of(Query(people, sql))
    assert "\n" not in str(refused.value) and refused.value.code == "unreadable"


def test_a_missing_file_is_not_created(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        chunks_of(Query(f"sqlite:///{tmp_path}/absent.db", "select 1"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+pg8000://ada@host/x", "needs the driver pg8000: pip install 'pg8000'"),
        ("mysql+mysqldb://ada@host/x", "needs the driver mysqlclient: pip install 'mysqlclient'"),
        ("oracel://ada@host/x", "supports databases of the kind 'oracel'"),
    ],
)
def test_a_missing_driver_is_named_with_what_to_install(url, message, monkeypatch):
    for module in ("pg8000", "MySQLdb"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=message):
        chunks_of(Query(url, "select 1"))


def test_an_asynchronous_driver_is_refused(people):
    with pytest.raises(SettingError, match="is asynchronous"):
        chunks_of(Query(people.replace("sqlite:", "sqlite+aiosqlite:"), "select 1"))


def test_without_sqlalchemy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'elman\[sql\]'"):
        chunks_of(Query("sqlite:///people.db", "select 1"))


# The command line


def test_a_query_replaces_the_input(elman_process, tiny_file, people, tmp_path):
    options = ("--from-sql", people, "--query", "select * from people order by id", "--model", tiny_file)
    done = elman_process("annotate", "out.csv", *options)
    assert (done.returncode, done.stdout) == (0, b"") and b"100 rows" in done.stderr
    assert len(rows_of(tmp_path / "out.csv")) == 100
    assert elman_process("annotate", "-", *options).stdout == (tmp_path / "out.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("out.csv", "--query", "select 1"), "--from-sql URL and --query SQL go together"),
        (("out.csv", "--from-sql", "sqlite://"), "--from-sql URL and --query SQL go together"),
        (("in.csv", "out.csv", "--from-sql", "sqlite://", "--query", "select 1"), "expected one argument"),
        (("out.csv", "--from-sql", "sqlite://", "--query", "select 1", "--from", "csv"), "--from names the format"),
        (("out/", "--from-sql", "sqlite://", "--query", "select 1"), "expected a file to write"),
    ],
)
def test_options_that_conflict_with_a_query_are_refused_in_one_line(elman_here, arguments, message):
    outcome = elman_here("annotate", *arguments)
    assert outcome.status == 2 and message in outcome.err and outcome.err.count("\n") == 1


def test_parquet_reads_back_the_types_that_were_written(postgres):
    with open_query(Query(postgres, TYPES), column="name") as source:
        (chunk,) = source.chunks()
        out = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_batches([chunk.batch()]), out)
    assert pq.read_table(pa.BufferReader(out.getvalue())).to_pylist() == chunk.batch().to_pylist()
