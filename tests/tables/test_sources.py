"""Sources read every row once, as it stood, and tell by file and line what they cannot read."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import DataError
from elman.tables import chunks, lines, sources
from elman.tables.sources import open_source

CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WIDTHS = st.integers(1, 4)


def read(*paths, column="name", **asked):
    with open_source([str(path) for path in paths], column=column, **asked) as source:
        found = list(source.chunks())
    return source, found


def names(found):
    return [name for chunk in found for name in chunk.names]


def rows(found):
    return [tuple(row) for chunk in found for row in chunk.rows()]


@pytest.fixture
def write(tmp_path):
    def put(name, content):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


@given(data=st.data(), width=WIDTHS, quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
@pytest.mark.parametrize(("suffix", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_every_row_of_a_delimited_file_comes_back(tmp_path_factory, suffix, delimiter, data, width, quoting):
    table = data.draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=6))
    table = [row for row in table if "".join(row)]
    path = tmp_path_factory.mktemp("table") / f"a.{suffix}"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=quoting).writerows([[f"c{k}" for k in range(width)], *table])
    _, found = read(path, column="c0")
    assert rows(found) == [tuple(row) for row in table]
    again = "".join(f"{line}\r\n" for chunk in found for line in chunk.lines)
    assert [tuple(row) for row in csv.reader(io.StringIO(again, newline=""), delimiter=delimiter)] == rows(found)
    assert path.read_bytes().endswith(again.encode())


def test_cells_are_strings_and_nothing_is_guessed(write):
    source, found = read(write("a.csv", 'id,name,n\r\n007,Ann,1.0\r\n,"B, ""b""",\r\n'))
    assert rows(found) == [("007", "Ann", "1.0"), ("", 'B, "b"', "")]
    assert (source.columns, source.newline, source.marked) == (("id", "name", "n"), "\r\n", False)
    assert found[0].lines == ["007,Ann,1.0", ',"B, ""b""",']


def test_a_byte_order_mark_is_no_part_of_the_first_column(write):
    source, found = read(write("a.csv", b"\xef\xbb\xbfname,id\nAnn,1\n"))
    assert (source.marked, source.columns, names(found)) == (True, ("name", "id"), ["Ann"])


def test_a_number_counts_columns_of_a_table_without_a_header(write):
    source, found = read(write("a.csv", "1,Ann\n2,Bob\n"), column="2")
    assert (names(found), source.has_header, source.columns) == (["Ann", "Bob"], False, ("column_1", "column_2"))


def test_a_number_that_names_a_column_names_it(write):
    source, found = read(write("a.csv", "1,2\nx,Ann\n"), column="2")
    assert (names(found), source.has_header) == (["Ann"], True)


def test_blank_lines_are_rows_of_one_column_and_nothing_among_several(write):
    assert names(read(write("a.csv", "name\nAnn\n\nBob\n\n"))[1]) == ["Ann", "", "Bob", ""]
    assert names(read(write("b.csv", "name,id\nAnn,1\n\nBob,2\n\n"))[1]) == ["Ann", "Bob"]


def test_a_last_line_without_an_end_is_a_row(write):
    assert names(read(write("a.csv", "name\nAnn\nBob"))[1]) == ["Ann", "Bob"]


BROKEN = [
    ("a.csv", b"name,id\nAnn,1\nBob\nCem,3\n", 3, "expected 2 cells as in the first row, got 1"),
    ("a.csv", b"name,id\nAnn,1\nBob,2,2\nCem,3\n", 3, "expected 2 cells as in the first row, got 3"),
    ("a.csv", b'name,id\nAnn,1\n"B"ob,2\nCem,3\n', 3, "expected cells between ','"),
    ("a.csv", b'name,id\nAnn,1\n"Bob,2\nCem,3\n', 3, "unexpected end of data"),
    ("a.csv", b"name,id\nAnn,1\nB\xfcb,2\nCem,3\n", 3, "byte 0xfc is not UTF-8"),
    ("a.tsv", b"name\tid\nAnn\t1\nBob,2\nCem\t3\n", 3, "expected 2 cells"),
    ("a.jsonl", b'{"name": "Ann"}\n\n{"name": "Bob"\n{"name": "Cem"}\n', 3, "expected a JSON object"),
    ("a.jsonl", b'{"name": "Ann"}\n["Bob"]\n{"name": "Cem"}\n', 2, "expected a JSON object, got list"),
    ("a.jsonl", b'{"name": "Ann"}\n{"name": 7}\n{"name": "Cem"}\n', 2, "a string or null under 'name', got int"),
    ("a.jsonl", b'{"name": "Ann"}\n' + b"[" * 10**5 + b'\n{"name": "Cem"}\n', 2, "a value beyond all bounds"),
    ("a.jsonl", b'{"name": "Ann"}\n{"n": ' + b"9" * 9999 + b'}\n{"name": "Cem"}\n', 2, "beyond all bounds"),
    ("a.jsonl", b'{"name": "Ann"}\n{"name": "\xff"}\n{"name": "Cem"}\n', 2, "byte 0xff is not UTF-8"),
]


@pytest.mark.parametrize(("name", "content", "line", "problem"), BROKEN)
def test_a_row_that_cannot_be_read_stops_with_its_file_and_line(write, name, content, line, problem):
    with pytest.raises(DataError) as error:
        read(write(name, content))
    assert f"{name}, line {line}: " in str(error.value) and problem in str(error.value)
    assert "Bob" not in str(error.value)


@pytest.mark.parametrize(("name", "content", "line", "problem"), BROKEN)
def test_a_row_that_cannot_be_read_is_handed_over_where_such_rows_are_skipped(write, name, content, line, problem):
    _, found = read(write(name, content), skip=True)
    (row,) = [row for chunk in found for row in chunk.malformed]
    assert names(found) == ["Ann", "Cem"]
    assert row.place.endswith(f"{name}, line {line}") and problem in row.problem
    assert row.text == content.split(b"\n")[line - 1].decode(errors="backslashreplace")


def test_an_open_quotation_mark_costs_its_own_line_alone(write, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_RECORD", 5)
    _, found = read(write("a.csv", "name,id\n" + '"Ann,1\n' + "Bob,2\n" * 20), skip=True)
    assert names(found) == ["Bob"] * 20
    assert [row.text for chunk in found for row in chunk.malformed] == ['"Ann,1']


def test_a_line_beyond_all_bounds_is_left_out_and_the_next_is_read(write, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 16)
    _, found = read(write("a.csv", f"name\nAnn\n{'x' * 50}\nBob\n"), skip=True)
    assert names(found) == ["Ann", "Bob"]
    assert "at most 16 bytes" in found[0].malformed[0].problem


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: pa.Codec("zstd").compress(content, asbytes=True)])
def test_packed_files_are_unpacked_members_behind_each_other_too(write, pack):
    suffix = "gz" if pack is gzip.compress else "zst"
    content = pack(b"name,id\nAnn,1\n") + pack(b"Bob,2\n")
    assert names(read(write(f"a.csv.{suffix}", content))[1]) == ["Ann", "Bob"]
    for broken in (content[:-3], b"no such thing", content[:12] + b"\xff\xff" + content[14:]):
        with pytest.raises(DataError, match="cannot be read|is empty|not UTF-8"):
            read(write(f"b.csv.{suffix}", broken))


def test_objects_keep_their_lines_and_lack_what_they_lack(write):
    _, found = read(write("a.jsonl", '{"name": "Ann", "n": 1e5}\n{"n":2}\n{"name":null}\n'))
    assert names(found) == ["Ann", None, None]
    assert found[0].lines == ['{"name": "Ann", "n": 1e5}', '{"n":2}', '{"name":null}']


def test_the_columns_of_objects_are_looked_for_in_the_whole_file(write, monkeypatch):
    monkeypatch.setattr(sources, "ROWS", 2)
    table = [{"name": "Ann"}, {"name": "Bob", "n": 1}, {"name": "Cem", "n": 2.5, "s": 1}, {"s": "x", "name": "Dan"}]
    source, found = read(write("a.jsonl", "".join(json.dumps(row) + "\n" for row in table)), typed=True)
    assert source.schema() == pa.schema([("name", pa.string()), ("n", pa.float64()), ("s", pa.string())])
    whole = pa.Table.from_batches([chunk.batch() for chunk in found])
    assert whole.to_pydict() == {
        "name": ["Ann", "Bob", "Cem", "Dan"],
        "n": [None, 1.0, 2.5, None],
        "s": [None, None, "1", "x"],
    }


def test_parquet_keeps_its_kinds_and_reads_every_kind_of_string(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ROWS", 2)
    values = ["Ann", None, "Bob", "", "Cem"]
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())):
        table = pa.table({"k": range(5), "name": pa.array(values).cast(kind)})
        pq.write_table(table, tmp_path / "a.parquet", row_group_size=3)
        source, found = read(tmp_path / "a.parquet")
        assert names(found) == values
        assert pa.Table.from_batches([chunk.batch() for chunk in found]).equals(table)
        assert [chunk.done for chunk in found][-1] == 1.0


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 9, b"name,id\n"])
def test_a_file_that_is_no_parquet_is_refused_by_name(write, content):
    with pytest.raises(DataError, match=r"a\.parquet: cannot be read as Parquet"):
        read(write("a.parquet", content))


def test_every_truncation_of_parquet_is_refused(tmp_path):
    pq.write_table(pa.table({"name": ["Ann", "Bob"] * 9}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut.parquet").write_bytes(content[:length])
        with pytest.raises(DataError, match=r"cut\.parquet"):
            read(tmp_path / "cut.parquet")


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", "id,nom\n1,Ann\n"), ("a.jsonl", '{"nom": "Ann"}\n'), ("a.csv", "name,name\na,b\n")]
)
def test_a_column_that_is_missing_or_there_twice_is_told_with_what_there_is(write, name, content):
    with pytest.raises(DataError, match=r"expected one column 'name', found .*--column"):
        read(write(name, content))


def test_a_column_of_numbers_is_no_column_of_names(tmp_path):
    pq.write_table(pa.table({"name": [1, 2]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="expected strings in the column 'name', got int64"):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["absent.csv", "absent.parquet", "absent.jsonl", "absent.csv.gz"])
def test_a_file_that_is_not_there_is_told(tmp_path, name):
    with pytest.raises(DataError, match="No such file"):
        read(tmp_path / name)


def test_an_empty_file_is_told_and_one_with_a_header_alone_has_no_rows(write):
    with pytest.raises(DataError, match="is empty; expected a first line"):
        read(write("a.csv", ""))
    assert names(read(write("b.csv", "name,id\n"))[1]) == []


def test_several_tables_follow_each_other_and_must_have_the_same_columns(write):
    first, second = write("a.csv", "name,id\nAnn,1\n"), write("b.csv", "name,id\nBob,2\n")
    source, found = read(first, second)
    assert (names(found), source.columns) == (["Ann", "Bob"], ("name", "id"))
    assert [chunk.done for chunk in found] == [0.5, 1.0]
    with pytest.raises(DataError, match=r"c\.csv: expected the columns of .*a\.csv, name, id; got id, name"):
        read(first, write("c.csv", "id,name\n2,Bob\n"))


def test_chunks_end_where_rows_or_characters_are_enough(write, monkeypatch):
    path = write("a.csv", "name\n" + "Ann\n" * 10 + "x" * 100 + "\n" + "Bob\n" * 3)
    monkeypatch.setattr(sources, "ROWS", 4)
    assert [len(chunk.names) for chunk in read(path)[1]] == [4, 4, 4, 2]
    monkeypatch.setattr(sources, "CHARACTERS", 50)
    assert [len(chunk.names) for chunk in read(path)[1]] == [4, 4, 3, 3]


def test_a_digest_tells_rows_that_differ(write):
    contents = ["name\nAnn\nBob\n", "name\nAnn\nBop\n", "name\nAnn\n", "name\nBob\nAnn\n"]
    digests = {read(write("a.csv", content))[1][0].digest() for content in contents}
    assert len(digests) == len(contents)
    assert read(write("a.csv", contents[0]))[1][0].digest() in digests


def test_plain_values_of_every_kind():
    assert chunks.plain_text({"a": [1, None, "é"]}) == '{"a": [1, null, "é"]}'
    assert chunks.plain_text(True) == "true" and chunks.plain_text(2.0) == "2.0"
    assert chunks.plain_text("half \ud800") == "half ?"
