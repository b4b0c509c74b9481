"""A request is checked first, and then starts the kind of annotation that its output needs."""

import io
import json

import pytest
from people import finish, read_rows

from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.annotation.request import AnnotateRequest, annotate_request
from elman.errors import DataError, SettingError
from elman.tables.formats import TextOptions
from elman.tables.sql.queries import Query

SQL = {"from_sql": "sqlite:///people.db", "query": "select name from people"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with one table."""
    (tmp_path / "people.csv").write_text("name\nabc\ncab\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def annotate(tiny, inputs, output, *, skip_malformed=False, **settings):
    out = io.BytesIO()
    annotator = Annotator(tiny, AnnotateConfig(skip_malformed=skip_malformed))
    summary = finish(annotate_request(annotator, AnnotateRequest(inputs, output, processes=1, **settings), out))
    return summary, out.getvalue()


@pytest.mark.parametrize(
    ("inputs", "settings", "message"),
    [
        ([], {}, "annotate needs a table to read and one to write"),
        ([], {"from_sql": "sqlite://"}, "go together; one of them is missing"),
        (["a.csv"], {"query": "select 1"}, "go together; one of them is missing"),
        (["a.csv"], SQL, "with --from-sql expected one argument, the table to write; got 2"),
        ([], {**SQL, "read_as": "csv"}, "leave it out with --from-sql"),
        (["a.csv"], {"engine": "spark"}, "engine must be one of local, ray; got 'spark'"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(inputs, settings, message):
    with pytest.raises(SettingError, match=message):
        AnnotateRequest(inputs, "out.csv", **settings)


def test_a_request_reads_its_query_or_its_tables(here):
    assert AnnotateRequest([], "out.csv", **SQL).find_sources() == Query(url=SQL["from_sql"], sql=SQL["query"])
    assert AnnotateRequest(["*.csv"], "out.csv").find_sources() == ["people.csv"]


def test_a_request_never_shows_the_url_of_its_database():
    assert "secret" not in repr(AnnotateRequest([], "out.csv", from_sql="sqlite://a:secret@b", query="select 'secret'"))


def test_a_file_a_folder_and_a_stream_get_the_same_rows(tiny, here):
    assert annotate(tiny, ["people.csv"], "out.csv")[0].rows == 2
    assert annotate(tiny, ["people.csv"], "folder/")[0].rows == 2
    _, stream = annotate(tiny, ["people.csv"], "-")
    assert stream == (here / "out.csv").read_bytes() == (here / "folder" / "people.csv").read_bytes()


def test_a_folder_that_is_the_only_input_has_a_folder_as_output(tiny, here):
    (here / "in").mkdir()
    (here / "people.csv").rename(here / "in" / "people.csv")
    annotate(tiny, ["in"], "out", write_as="jsonl")
    assert (here / "out" / "people.jsonl").is_file()
    annotate(tiny, ["in"], "one.csv")
    assert len(read_rows(here / "one.csv")) == 2


def test_an_existing_file_is_replaced_only_on_request(tiny, here):
    (here / "out.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"^out\.csv: already exists; give another name, or --overwrite to replace it$"):
        annotate(tiny, ["people.csv"], "out.csv")
    annotate(tiny, ["people.csv"], "out.csv", overwrite=True)
    assert len(read_rows(here / "out.csv")) == 2


def test_a_query_is_not_written_to_a_folder(tiny, here):
    with pytest.raises(SettingError, match="out/: expected a file to write, because a query is one table"):
        annotate(tiny, [], "out/", **SQL)


@pytest.mark.parametrize("output", ["out.csv", "-"])
def test_skipped_rows_are_written_to_their_file(tiny, here, output):
    (here / "people.csv").write_text("name\nabc\nx,y\ncab\n", encoding="utf-8")
    summary, _ = annotate(tiny, ["people.csv"], output, skip_malformed=True, skipped=here / "skipped.jsonl")
    assert (summary.rows, summary.malformed) == (2, 1)
    assert json.loads((here / "skipped.jsonl").read_text(encoding="utf-8"))["text"] == "x,y"


def test_a_stream_with_skipped_rows_needs_a_file_for_them(tiny, here):
    with pytest.raises(SettingError, match="--on-error skip needs --skipped FILE"):
        annotate(tiny, ["people.csv"], "-", skip_malformed=True)


@pytest.mark.parametrize(
    ("inputs", "settings", "text", "message"),
    [
        ([], SQL, TextOptions(encoding="cp1252"), "--encoding is for text files, and would have no effect on a query"),
        (["a.jsonl"], {}, TextOptions(header=False), "--header and --no-header are for CSV and TSV, .* a.jsonl; leave"),
        (
            ["a.jsonl", "people.csv"],
            {"read_as": "parquet"},
            TextOptions(delimiter=";"),
            "--delimiter is for CSV and TSV",
        ),
    ],
)
def test_options_of_text_files_are_refused_where_none_is_read(tiny, here, inputs, settings, text, message):
    (here / "a.jsonl").write_text('{"name": "abc"}\n', encoding="utf-8")
    annotator = Annotator(tiny, AnnotateConfig(text=text))
    with pytest.raises(SettingError, match=message):
        annotate_request(annotator, AnnotateRequest(inputs, "out.csv", **settings), io.BytesIO())


def test_one_table_of_text_is_enough_for_its_options(tiny, here):
    (here / "more.tsv").write_text("name\nabc\n", encoding="utf-8")
    annotator = Annotator(tiny, AnnotateConfig(text=TextOptions(delimiter=";")))
    request = AnnotateRequest(["people.csv", "more.tsv"], "out.csv", processes=1)
    assert finish(annotate_request(annotator, request, io.BytesIO())).rows == 3
