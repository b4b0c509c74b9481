"""CSV and TSV: every row is read once and unchanged, and a row that cannot be read is reported by its line."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_rows import names_in, read_table, rows_in

from elman.errors import DataError
from elman.tables import delimited
from elman.tables.formats import CELL_CHARACTERS, COLUMNS, TextOptions
from elman.tables.lines import Lines

CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WIDTHS = st.integers(1, 4)


@given(data=st.data(), width=WIDTHS, quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
@pytest.mark.parametrize(("suffix", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_every_row_is_returned_with_its_text(tmp_path_factory, suffix, delimiter, data, width, quoting):
    table = data.draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=6))
    table = [row for row in table if "".join(row)]
    path = tmp_path_factory.mktemp("table") / f"a.{suffix}"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=quoting).writerows([[f"c{k}" for k in range(width)], *table])
    _, chunks = read_table(path, column="c0")
    assert rows_in(chunks) == [tuple(row) for row in table]
    again = "".join(f"{line}\r\n" for chunk in chunks for line in chunk.lines)
    assert [tuple(row) for row in csv.reader(io.StringIO(again, newline=""), delimiter=delimiter)] == rows_in(chunks)
    assert path.read_bytes().endswith(again.encode())


@given(
    parts=st.lists(
        st.sampled_from(
            ["Ann,1", "Bøb,", '"B, ""b""",2', '"two\nlines",3', '"open', "", "x", "a,b,c", "\xff,1", "\u2028,1"]
        )
        | st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]),
        max_size=30,
    ),
    most=st.sampled_from([2, 3, 100]),
    characters=st.sampled_from([1, 20, 10_000]),
)
def test_many_rows_at_a_time_are_the_rows_that_are_read_one_by_one(tmp_path_factory, parts, most, characters):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    path.write_bytes(b"name,id\n" + "".join(parts).encode("utf-8").replace(b"\xc3\xbf", b"\xff"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "ROWS", most)
        patch.setattr(delimited, "CHARACTERS", characters)
        _, together = read_table(path, skip=True)
        patch.setattr(Lines, "take_block", lambda self: [])
        _, alone = read_table(path, skip=True)
    assert list(map(values_of, together)) == list(map(values_of, alone))


def values_of(chunk):
    return chunk.names, chunk.lines, list(map(list, chunk.cells)), chunk.malformed, chunk.done


def test_cells_are_strings_and_nothing_is_guessed(write):
    source, chunks = read_table(write("a.csv", 'id,name,n\r\n007,Ann,1.0\r\n,"B, ""b""",\r\n'))
    assert rows_in(chunks) == [("007", "Ann", "1.0"), ("", 'B, "b"', "")]
    assert (source.columns, source.newline, source.has_mark) == (("id", "name", "n"), "\r\n", False)
    assert chunks[0].lines == ["007,Ann,1.0", ',"B, ""b""",']


def test_a_byte_order_mark_is_not_part_of_the_first_column(write):
    source, chunks = read_table(write("a.csv", b"\xef\xbb\xbfname,id\nAnn,1\n"))
    assert (source.has_mark, source.columns, names_in(chunks)) == (True, ("name", "id"), ["Ann"])


def test_a_number_counts_columns_of_a_table_without_a_header(write):
    source, chunks = read_table(write("a.csv", "1,Ann\n2,Bob\n"), column="2")
    assert (names_in(chunks), source.has_header) == (["Ann", "Bob"], False)
    assert source.columns == ("column_1", "column_2")


@pytest.mark.parametrize(
    ("content", "column", "header", "names"),
    [
        ("1,2\nx,Ann\n", "2", True, ["Ann"]),
        ("1,2\nx,Ann\n", "2", False, ["2", "Ann"]),
        ("x,Ann\ny,Bob\n", "2", None, ["Ann", "Bob"]),
        ("x,Ann\ny,Bob\n", "2", True, ["Bob"]),
        ("x,2024\ny,Ann\n", "2024", None, ["Ann"]),
        ("0,1,2\nAnn,b,c\n", "0", None, ["Ann"]),
    ],
)
def test_a_column_is_given_by_its_name_or_its_number(write, content, column, header, names):
    options = TextOptions(header=header)
    assert names_in(read_table(write("a.csv", content), column=column, options=options)[1]) == names


@pytest.mark.parametrize(
    ("content", "column", "header", "message"),
    [
        ("1,2\nx,Ann\n", "2", None, "'2' is the number of a column and a cell of the first row; say --header"),
        ("2,Nakamura\n3,Ann\n", "2", None, "say --header if that row names the columns, or --no-header"),
        ("x,Ann\n", "name", False, "without a header expected the number of a column, 1 to 2; got 'name'"),
        ("x,Ann\n", "3", False, "without a header expected the number of a column, 1 to 2; got '3'"),
        ("x,Ann\n", "0", None, "expected one column '0'"),
        ("x,Ann\n", "3", None, "expected one column '3'"),
        ("x,Ann\n", "²", None, "expected one column '²'"),
    ],
)
def test_a_column_that_is_not_there_or_can_be_two_is_refused(write, content, column, header, message):
    with pytest.raises(DataError, match=re.escape(message)) as error:
        read_table(write("a.csv", content), column=column, options=TextOptions(header=header))
    assert error.value.code == "unknown_column"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_recognised_and_said(write, delimiter):
    source, chunks = read_table(write("a.csv", f"id{delimiter}name\n1{delimiter}Ann, B.\n"))
    assert names_in(chunks) == ["Ann, B."] and source.delimiter == delimiter
    assert len(source.notes) == 1 and "cells are separated by" in source.notes[0]


def test_a_delimiter_that_is_given_is_taken_and_nothing_is_said(write):
    source, chunks = read_table(write("a.csv", "a,b;name\n1;Ann\n"), options=TextOptions(delimiter=";"))
    assert (names_in(chunks), source.columns, source.notes) == (["Ann"], ("a,b", "name"), ())


def test_a_cell_may_have_so_many_characters_and_no_more(write):
    most = "x" * CELL_CHARACTERS
    _, chunks = read_table(write("a.csv", f"name,id\n{most},1\n{most}x,2\nAnn,3\n"), skip=True)
    assert names_in(chunks) == [most, "Ann"]
    assert chunks[0].malformed[0].problem == "expected cells of at most 131,072 characters"


def test_no_setting_of_the_csv_module_is_changed(write):
    before = csv.field_size_limit()
    read_table(write("a.csv", "name\nAnn\n"))
    assert csv.field_size_limit() == before


def test_too_many_columns_are_refused(write):
    content = ",".join(map(str, range(COLUMNS + 1)))
    with pytest.raises(DataError, match="expected at most 10,000 columns, got 10,001"):
        read_table(write("a.csv", content + "\n"), column="7", options=TextOptions(header=True))


def test_blank_lines_are_rows_of_one_column_and_ignored_in_several(write):
    assert names_in(read_table(write("a.csv", "name\nAnn\n\nBob\n\n"))[1]) == ["Ann", "", "Bob", ""]
    assert names_in(read_table(write("b.csv", "name,id\nAnn,1\n\nBob,2\n\n"))[1]) == ["Ann", "Bob"]


def test_a_last_line_without_an_end_is_a_row(write):
    assert names_in(read_table(write("a.csv", "name\nAnn\nBob"))[1]) == ["Ann", "Bob"]


BROKEN = [
    ("a.csv", b"name,id\nAnn,1\nBob\nCem,3\n", "expected 2 cells as in the first row, got 1"),
    ("a.csv", b"name,id\nAnn,1\nBob,2,2\nCem,3\n", "expected 2 cells as in the first row, got 3"),
    ("a.csv", b'name,id\nAnn,1\n"B"ob,2\nCem,3\n', "expected cells between ','"),
    ("a.csv", b'name,id\nAnn,1\n"Bob,2\nCem,3\n', "unexpected end of data"),
    ("a.csv", b"name,id\nAnn,1\nB\xfcb,2\nCem,3\n", "byte 0xfc is not UTF-8"),
    ("a.tsv", b"name\tid\nAnn\t1\nBob,2\nCem\t3\n", "expected 2 cells"),
]


@pytest.mark.parametrize(("name", "content", "problem"), BROKEN)
def test_a_row_that_cannot_be_read_stops_with_its_file_and_line(write, name, content, problem):
    with pytest.raises(DataError) as error:
        read_table(write(name, content))
    assert f"{name}, line 3: " in str(error.value) and problem in str(error.value)
    assert str(error.value).endswith("; fix it, or skip such rows with --on-error skip")
    assert (error.value.code, error.value.line) == ("wrong_encoding" if "UTF-8" in problem else "malformed_row", 3)
    assert "Bob" not in str(error.value)


@pytest.mark.parametrize(("name", "content", "problem"), BROKEN)
def test_a_row_that_cannot_be_read_is_returned_apart_if_such_rows_are_skipped(write, name, content, problem):
    _, chunks = read_table(write(name, content), skip=True)
    (row,) = [row for chunk in chunks for row in chunk.malformed]
    assert names_in(chunks) == ["Ann", "Cem"]
    assert row.place.endswith(f"{name}, line 3") and problem in row.problem
    assert row.text == content.split(b"\n")[2].decode(errors="backslashreplace")


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("content", [b"name,\xff\nAnn,1\n", b'"name"x,id\nAnn,1\n', b'"name,id\nAnn,1\n'])
def test_a_header_that_cannot_be_read_always_stops(write, content, skip):
    with pytest.raises(DataError, match=r"a\.csv, line 1: ") as error:
        read_table(write("a.csv", content), skip=skip)
    code = "wrong_encoding" if b"\xff" in content else "malformed_row"
    assert (error.value.code, error.value.line) == (code, 1)
    assert "--on-error" not in str(error.value)


def test_an_empty_file_is_an_error_and_a_header_alone_has_no_rows(write):
    with pytest.raises(DataError, match="is empty; expected a first line") as error:
        read_table(write("a.csv", ""))
    assert (error.value.code, error.value.line) == ("empty_table", None)
    assert names_in(read_table(write("b.csv", "name,id\n"))[1]) == []


@pytest.mark.parametrize("content", ["id,nom\n1,Ann\n", "name,name\na,b\n"])
def test_a_missing_or_repeated_column_is_an_error_that_lists_what_exists(write, content):
    with pytest.raises(DataError, match=r"a\.csv: expected one column 'name', found .*--column") as error:
        read_table(write("a.csv", content))
    assert (error.value.code, error.value.line) == ("unknown_column", None)


def test_chunks_end_after_enough_rows_or_characters(write, monkeypatch):
    path = write("a.csv", "name\n" + "Ann\n" * 10 + "x" * 100 + "\n" + "Bob\n" * 3)
    monkeypatch.setattr(delimited, "ROWS", 4)
    assert [len(chunk.names) for chunk in read_table(path)[1]] == [4, 4, 4, 2]
    monkeypatch.setattr(delimited, "CHARACTERS", 180)  # a cell takes 40 bytes and its characters
    assert [len(chunk.names) for chunk in read_table(path)[1]] == [4, 4, 3, 3]
