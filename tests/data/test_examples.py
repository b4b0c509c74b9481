"""Examples: every line becomes an example or is counted with its reason."""

import gzip
import json
import math
import sqlite3
from contextlib import closing

import pyarrow as pa
import pytest

from elman.data.examples import (
    BLANK,
    JUNK,
    MALFORMED,
    NO_LABEL,
    STRAY_COMMA,
    TOO_LONG,
    read_examples,
    read_features,
    read_pairs,
)
from elman.errors import DataError, SettingError
from elman.records import Example
from elman.tables.chunks import ArrowChunk
from elman.tables.formats import TextOptions
from elman.tables.sql.queries import Query, QuerySource

SMITH_AND_ITO = (Example("Smith", "English"), Example("Ito", "Japanese"))


def test_the_rows_of_a_query_are_examples(tmp_path):
    with closing(sqlite3.connect(tmp_path / "people.db")) as database:
        database.execute("create table people (name text, born integer)")
        database.executemany("insert into people values (?, ?)", [("Ann, ", 1970), (None, 1), ("Bob", None)])
        database.commit()
    query = Query(f"sqlite:///{tmp_path / 'people.db'}", "select * from people")
    found = read_examples(query, label="born")
    assert (found.examples, found.lines) == ((Example("Ann", "1970"),), 3)
    assert (found.dropped, found.repaired) == ({BLANK: 1, NO_LABEL: 1}, {STRAY_COMMA: 1})
    assert read_examples(query, text="1", label="2") == found


def test_an_object_of_a_query_is_no_label(monkeypatch):
    batch = pa.RecordBatch.from_pydict({"name": ["Ann", "Bob"], "label": ['{"a": 1}', '"x"']})
    chunk = ArrowChunk(batch, ["Ann", "Bob"], json_columns=frozenset({1}), position=0)
    monkeypatch.setattr(QuerySource, "chunks", lambda self: [chunk])
    found = read_examples(Query("sqlite://", "select 'a' as name, 'b' as label"))
    assert (found.examples, found.dropped) == ((Example("Bob", "x"),), {MALFORMED: 1})


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def is_complete(reading) -> bool:
    return reading.lines == len(reading.examples) + sum(reading.dropped.values())


def test_a_folder_gives_each_line_the_label_of_its_file(tmp_path):
    write(tmp_path / "English.txt", "Smith\nJones\n")
    write(tmp_path / "Japanese.txt", "Ito")
    write(tmp_path / "README.md", "not data")
    reading = read_examples(tmp_path)
    assert reading.examples == (Example("Smith", "English"), Example("Jones", "English"), Example("Ito", "Japanese"))
    assert (reading.lines, reading.dropped, reading.repaired) == (3, {}, {})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.csv", "name,label\nSmith,English\nIto,Japanese\n"),
        ("names.CSV", "id,label,name\n1,English,Smith\n2,Japanese,Ito"),
        ("names.tsv", "name\tlabel\nSmith\tEnglish\nIto\tJapanese\n"),
        ("names.jsonl", '{"name": "Smith", "label": "English"}\n{"label": "Japanese", "name": "Ito", "id": 7}\n'),
    ],
)
def test_every_table_format_gives_the_same_examples(tmp_path, name, content):
    reading = read_examples(write(tmp_path / name, content))
    assert (reading.examples, reading.lines, reading.dropped) == (SMITH_AND_ITO, 2, {})


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("names.csv", [b"name,label", b"Smith,English", b"Ito,Japanese"]),
        ("names.tsv", [b"name\tlabel", b"Smith\tEnglish", b"Ito\tJapanese"]),
        ("names.jsonl", [b'{"name":"Smith","label":"English"}', b'{"name":"Ito","label":"Japanese"}']),
    ],
)
def test_byte_order_marks_and_line_ends_of_windows_change_nothing(tmp_path, mark, end, name, lines):
    reading = read_examples(write(tmp_path / name, mark + end.join(lines) + end))
    assert (reading.examples, reading.lines, reading.dropped) == (SMITH_AND_ITO, 2, {})


def test_a_folder_may_come_from_windows_too(tmp_path):
    write(tmp_path / "Czech.txt", b"\xef\xbb\xbfNov\xc3\xa1k\r\nDvo\xc5\x99\xc3\xa1k\r\n")
    reading = read_examples(tmp_path)
    assert [example.text for example in reading.examples] == ["Novák", "Dvořák"]
    assert reading.lines == 2


def test_every_line_of_a_folder_is_counted(tmp_path):
    write(tmp_path / "English.txt", "Smith\n\n   \n , \nTo The First Page\nJones,\nxxxxxxxxxxx\n  Brown \n")
    reading = read_examples(tmp_path, max_characters=10, junk={"To The First Page"})
    assert [example.text for example in reading.examples] == ["Smith", "Jones", "Brown"]
    assert reading.dropped == {BLANK: 3, JUNK: 1, TOO_LONG: 1}
    assert reading.repaired == {STRAY_COMMA: 1}
    assert reading.lines == 8 and is_complete(reading)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "names.csv",
            'name,label\nSmith,English\n,English\nIto\nxxxxxxxxxxx,Dutch\nLee, \njunk,Dutch\n"Abe,",Japanese\n',
        ),
        (
            "names.tsv",
            "name\tlabel\nSmith\tEnglish\n\tEnglish\nIto\nxxxxxxxxxxx\tDutch\nLee\t \njunk\tDutch\nAbe,\tJapanese\n",
        ),
        (
            "names.jsonl",
            '{"name":"Smith","label":"English"}\n{"name":null,"label":"English"}\n["Ito"]\n{"name":"xxxxxxxxxxx","label":"Dutch"}\n'
            '{"name":"Lee","label":null}\n{"name":"junk","label":"Dutch"}\n{"name":"Abe,","label":"Japanese"}\n',
        ),
    ],
)
def test_every_row_of_a_table_is_counted(tmp_path, name, content):
    reading = read_examples(write(tmp_path / name, content), max_characters=10, junk={"junk"})
    assert reading.examples == (Example("Smith", "English"), Example("Abe", "Japanese"))
    assert reading.dropped == {BLANK: 1, MALFORMED: 1, TOO_LONG: 1, NO_LABEL: 1, JUNK: 1}
    assert reading.repaired == {STRAY_COMMA: 1}
    assert reading.lines == 7 and is_complete(reading)


def test_a_string_of_the_longest_length_is_kept(tmp_path):
    write(tmp_path / "A.txt", "x" * 100 + "\n" + "y" * 101)
    assert read_examples(tmp_path).examples == (Example("x" * 100, "A"),)
    assert len(read_examples(tmp_path, max_characters=101).examples) == 2


def test_columns_may_have_other_names(tmp_path):
    file = write(tmp_path / "people.csv", "surname,country\nSmith,English\nIto,Japanese\n")
    assert read_examples(file, text="surname", label="country").examples == SMITH_AND_ITO


@pytest.mark.parametrize("name", ["names.csv", "names.tsv"])
def test_columns_are_counted_from_one_if_there_is_no_header(tmp_path, name):
    content = "1,English,Smith\n2,Japanese,Ito\n".replace(",", "," if name == "names.csv" else "\t")
    reading = read_examples(write(tmp_path / name, content), text="3", label="2")
    assert (reading.examples, reading.lines) == (SMITH_AND_ITO, 2)


def test_there_is_no_column_number_zero(tmp_path):
    file = write(tmp_path / "names.csv", "Smith,English\nIto,Japanese\n")
    with pytest.raises(DataError, match=r"names\.csv"):
        read_examples(file, text="0", label="2")


def test_quoted_fields_can_hold_delimiters_quotes_and_line_ends(tmp_path):
    content = 'name,label\r\n"Smith, Jr.",English\r\n"The ""Rock""",English\r\n"Anna\nMaria",Italian\r\n'
    reading = read_examples(write(tmp_path / "names.csv", content))
    assert [example.text for example in reading.examples] == ["Smith, Jr.", 'The "Rock"', "Anna\nMaria"]
    assert (reading.lines, reading.dropped) == (3, {})


def test_labels_of_json_may_be_numbers_and_strings_may_not(tmp_path):
    file = write(tmp_path / "digits.jsonl", '{"name": 42, "label": 1}\n{"name": "7", "label": 2}\n')
    reading = read_examples(file)
    assert (reading.examples, reading.dropped) == ((Example("7", "2"),), {MALFORMED: 1})


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("names.csv", "surname,label\nSmith,English\n", "expected one column 'name', .* surname, label; .* --text"),
        ("names.csv", "name,country\nSmith,English\n", "expected one column 'label', .* name, country; .* --label"),
        ("names.csv", "name,country\n", "expected one column 'label', .* name, country; .* --label"),
        ("names.tsv", "name+label\nSmith+English\n", r"expected one column 'name', .* name\+label; .* --text"),
        ("names.csv", "", "is empty; expected a first line"),
        ("names.jsonl", '{"surname": "Smith", "label": "x"}\n', "expected one column 'name', .* --text"),
        ("names.jsonl", '{"name": "Smith", "kind": "x"}\n', "expected one column 'label', .* name, kind; .* --label"),
    ],
)
def test_a_table_without_the_columns_is_refused(tmp_path, name, content, complaint):
    with pytest.raises(DataError, match=rf"{name}: {complaint}"):
        read_examples(write(tmp_path / name, content))


@pytest.mark.parametrize(
    ("content", "dropped"),
    [("name,label\n", {}), ("name,label\n,x\n", {BLANK: 1}), ("name,label\na\n", {MALFORMED: 1})],
)
def test_a_table_may_have_no_example(tmp_path, content, dropped):
    reading = read_examples(write(tmp_path / "names.csv", content))
    assert (reading.examples, reading.dropped) == ((), dropped) and is_complete(reading)


@pytest.mark.parametrize("path", ["nothing", "nothing.csv"])
def test_a_missing_path_is_named(tmp_path, path):
    with pytest.raises(DataError, match=f"{path}: no such file or folder"):
        read_examples(tmp_path / path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected files named Label\.txt .* found none"):
        read_examples(tmp_path)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("names.xlsx", "is a workbook, .* CSV UTF-8 or as Parquet"),
        ("names.XLS", "is a workbook, .* CSV UTF-8 or as Parquet"),
        (
            "names.txt",
            r"expected a folder of Label\.txt files, or a table ending in \.csv, \.tsv, \.jsonl or \.parquet",
        ),
        ("names", r"expected a folder of Label\.txt files, or a table"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, name, complaint):
    with pytest.raises(DataError, match=f"{name}: {complaint}"):
        read_examples(write(tmp_path / name, "Smith"))


def test_a_folder_named_like_a_file_of_labels_is_not_read(tmp_path):
    (tmp_path / "English.txt").mkdir()
    with pytest.raises(DataError, match=r"Label\.txt"):
        read_examples(tmp_path)


@pytest.mark.parametrize("name", ["names.csv", "names.tsv", "names.jsonl", "English.txt"])
def test_bytes_that_are_not_utf8_are_named_by_file_and_line(tmp_path, name):
    write(tmp_path / name, b"name,label\nIto,Japanese\nM\xfcller,German\n")
    with pytest.raises(DataError, match=rf"{name}, line 3: byte 0xfc is not UTF-8"):
        read_examples(tmp_path if name.endswith(".txt") else tmp_path / name)


BAD_ROWS = [
    ("names.jsonl", '{"name": "Abe", "label": "Japanese"}', "Smith", "expected a JSON object"),
    ("names.jsonl", '{"name": "Abe", "label": "Japanese"}', '{"name": "Ito"', "expected a JSON object"),
    ("names.jsonl", '{"name": "Abe", "label": "Japanese"}', '["Ito", "Japanese"]', "expected a JSON object, got list"),
    ("names.jsonl", '{"name": "Abe", "label": "Japanese"}', "[" * 200_000, "expected a JSON object"),
    ("names.csv", "name,label\nAbe,Japanese", '"Smith"son,English', "expected cells between ','"),
    ("names.csv", "name,label\nAbe,Japanese", '"Smith,English', "expected cells between ','"),
    ("names.csv", "name,label\nAbe,Japanese", "Smith", "expected 2 cells .* got 1"),
    ("names.tsv", "name\tlabel\nAbe\tJapanese", "Smith\tx\ty", "expected 2 cells .* got 3"),
    ("names.csv", "name,label\nAbe,Japanese", "Smith,Eng\x07lish", "expected a label"),
]


@pytest.mark.parametrize(("name", "good", "bad", "complaint"), BAD_ROWS)
def test_a_row_that_cannot_be_read_is_counted_or_stops_the_reading(tmp_path, name, good, bad, complaint):
    file = write(tmp_path / name, f"{good}\n{bad}\n")
    reading = read_examples(file)
    assert (reading.examples, reading.dropped) == ((Example("Abe", "Japanese"),), {MALFORMED: 1})
    with pytest.raises(DataError, match=rf"names\..*(line|row) [23]: {complaint}") as refusal:
        read_examples(file, on_error="stop")
    assert refusal.value.code == "malformed_row"


def test_there_are_two_things_to_do_with_a_row_that_cannot_be_read(tmp_path):
    file = write(tmp_path / "names.csv", "name,label\nAbe,Japanese\n")
    with pytest.raises(SettingError, match="on_error must be one of skip, stop; got 'ignore'"):
        read_examples(file, on_error="ignore")


def test_the_18_languages_have_20050_names_with_or_without_the_junk_of_the_published_archive(real_names):
    # shared/data/README.md: 20,050 after cleaning; the archive's 20,074 lines are these and 24 of "To The First Page"
    reading = read_examples(real_names, junk={"To The First Page"})
    assert (len(reading.examples), len({example.label for example in reading.examples})) == (20_050, 18)
    assert is_complete(reading)


def test_a_row_longer_than_its_header_is_malformed(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("who,where,note\nDoe, John,R,x\nIto,Japan,y\n", encoding="utf-8")
    reading = read_examples(table, text="who", label="where")
    assert reading.examples == (Example("Ito", "Japan"),)
    assert reading.dropped == {"malformed row": 1}


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("name,label,name\na,b,c\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected one column 'name', found 2 of that name"):
        read_examples(table)


def test_values_that_are_not_text_are_malformed(tmp_path):
    table = tmp_path / "t.jsonl"
    rows = ['{"name": {"x": 1}, "label": "A"}', '{"name": "a", "label": "\\ud800"}', '{"name": "a", "label": "A"}']
    table.write_text("\n".join(rows), encoding="utf-8")
    assert read_examples(table).dropped == {"malformed row": 2}


# Pairs of equal length


def test_pairs_are_read_in_order_with_blank_lines_counted(tmp_path):
    reading = read_pairs(write(tmp_path / "pairs.tsv", "hello\tohlol\n\n  \t \nab\tBA\n"))
    assert reading.examples == (Example("hello", "ohlol"), Example("ab", "BA"))
    assert (reading.lines, reading.dropped, reading.repaired) == (4, {BLANK: 2}, {})


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_pairs_may_come_from_windows_too(tmp_path, mark, end):
    reading = read_pairs(write(tmp_path / "pairs.txt", mark + end.join([b"ab\txy", b"c\tz"]) + end))
    assert (reading.examples, reading.lines) == ((Example("ab", "xy"), Example("c", "z")), 2)


def test_a_letter_and_its_accent_are_one_symbol_of_a_pair(tmp_path):
    reading = read_pairs(write(tmp_path / "pairs", "ne\u0301\tn-\nab\ta\u0308o\n"))
    assert reading.examples == (Example("né", "n-"), Example("ab", "äo"))


def test_case_and_letters_of_other_scripts_are_unchanged_in_a_pair(tmp_path):
    reading = read_pairs(write(tmp_path / "pairs", "Αθήνα O'Neil\tabcdefghijkl\n"))
    assert reading.examples == (Example("Αθήνα O'Neil", "abcdefghijkl"),)


def test_pairs_that_are_too_long_are_dropped_and_counted(tmp_path):
    file = write(tmp_path / "pairs", "abcd\tabcd\nabcde\tabcde\n")
    reading = read_pairs(file, max_characters=4)
    assert (reading.examples, reading.dropped) == ((Example("abcd", "abcd"),), {TOO_LONG: 1})
    assert is_complete(reading)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("abc\tab", "the source has 3 symbols and the target 2; .* one target symbol for each source symbol"),
        ("abc\t", "the source has 3 symbols and the target 0"),
        ("ﬁn\tab", "the source has 3 symbols and the target 2"),  # composition replaces the ligature by two letters
        ("abc", "expected source<TAB>target, got 1 column"),
        ("ab\tab\tab", "got 3 columns"),
        (" ab\tabc", "white space"),
        ("ab \tabc", "white space"),
        ("a  b\tabcd", "white space"),
        ("a\u00a0\u00a0b\tabcd", "white space"),
        ("a\x07b\tabc", "control characters"),
        ("abc\ta\x07b", "control characters"),
        ("a’b\tabc", "curly apostrophe"),
        ("a–b\tabc", "dash"),
    ],
)
def test_a_line_that_is_not_a_pair_is_refused_by_file_and_line(tmp_path, line, complaint):
    file = write(tmp_path / "pairs.tsv", f"hello\tohlol\n\n{line}\n")
    with pytest.raises(DataError, match=rf"pairs\.tsv, line 3: .*{complaint}"):
        read_pairs(file)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "no usable pair in 0 lines; dropped: none"),
        ("\n\n", r"no usable pair in 2 lines; dropped: \{'blank': 2\}"),
        ("abc\tabc", r"dropped: \{'too long': 1\}"),
        (b"ab\t\xffb", "line 1: byte 0xff is not UTF-8"),
    ],
)
def test_a_file_without_any_pair_is_refused(tmp_path, content, complaint):
    with pytest.raises(DataError, match=rf"pairs.*{complaint}"):
        read_pairs(write(tmp_path / "pairs", content), max_characters=2)


@pytest.mark.parametrize("name", ["absent", "."])
def test_pairs_are_read_from_a_file_only(tmp_path, name):
    with pytest.raises(DataError, match="no such file; give a file of lines like hello<TAB>ohlol"):
        read_pairs(tmp_path / name)


# Columns of numbers

NUMBERS = "size,rooms,price\n1.5,2,30\n-4e-1,3,5\n"


@pytest.mark.parametrize("name", ["flats.csv", "flats.TSV"])
def test_columns_of_numbers_are_read_in_the_requested_order(tmp_path, name):
    content = NUMBERS if name.endswith("csv") else NUMBERS.replace(",", "\t")
    reading = read_features(write(tmp_path / name, content), features=["rooms", "size"], number="price")
    assert (reading.columns, reading.number) == (("rooms", "size"), "price")
    assert reading.features.tolist() == [[2.0, 1.5], [3.0, -0.4]]
    assert reading.numbers.tolist() == [30.0, 5.0]
    assert (reading.lines, reading.dropped, reading.repaired) == (2, {}, {})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        *((row, "not all numbers") for row in ("x,2,30", "1,,30", "1,2,inf", "1,-Infinity,3", "nan,2,3")),
        *((row, MALFORMED) for row in ("1,2", "1,2,3,4", '"1"2,3,4')),
    ],
)
def test_a_row_that_is_not_all_numbers_is_dropped_and_counted(tmp_path, row, reason):
    file = write(tmp_path / "flats.csv", f"{NUMBERS}{row}\n1,1,1\n")
    reading = read_features(file, features=["size", "rooms"], number="price")
    assert reading.numbers.tolist() == [30.0, 5.0, 1.0]
    assert (reading.lines, reading.dropped) == (4, {reason: 1})


def test_other_columns_may_hold_anything(tmp_path):
    file = write(tmp_path / "flats.csv", 'town,size,price\n"Ulm, old",2,3\n,4,5\n')
    reading = read_features(file, features=["size"], number="price")
    assert (reading.features.tolist(), reading.numbers.tolist()) == ([[2.0], [4.0]], [3.0, 5.0])


@pytest.mark.parametrize(
    ("features", "number", "complaint"),
    [
        (["height"], "price", r"flats\.csv: expected one column 'height', .* size, rooms, price; .* --features"),
        (["size"], "cost", r"flats\.csv: expected one column 'cost', .* --number"),
        (["size", "size"], "price", "different columns; got size, size, price"),
        (["size", "price"], "price", "different columns; got size, price, price"),
        ([], "price", "different columns; got price"),
    ],
)
def test_missing_and_repeated_columns_are_refused(tmp_path, features, number, complaint):
    with pytest.raises(DataError, match=complaint):
        read_features(write(tmp_path / "flats.csv", NUMBERS), features=features, number=number)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("size,price\nlarge,3\n,\n", "no row in 2 has a number in each of size, price"),
        ("size,price\n", "no row in 0"),
        ("", "is empty; expected a first line"),
        ("size,price,size\n1,2,3\n", "expected one column 'size', found 2 of that name"),
        (b"size,price\n1,\xff\n", "line 2: byte 0xff is not UTF-8"),
    ],
)
def test_a_table_without_rows_of_numbers_is_refused(tmp_path, content, complaint):
    with pytest.raises(DataError, match=rf"flats\.csv.*{complaint}"):
        read_features(write(tmp_path / "flats.csv", content), features=["size"], number="price")


@pytest.mark.parametrize("name", ["flats.jsonl", "flats.txt", "absent.csv", "folder.csv"])
def test_numbers_come_from_csv_or_tsv_files_only(tmp_path, name):
    (tmp_path / "folder.csv").mkdir()
    if name.startswith("flats"):
        write(tmp_path / name, NUMBERS)
    with pytest.raises(DataError, match=f"{name}: expected a CSV or TSV file with columns of numbers"):
        read_features(tmp_path / name, features=["size"], number="price")


# Codes and lines for programs


@pytest.mark.parametrize(
    ("name", "content", "code", "line"),
    [
        ("names.csv", "surname,label\nSmith,English\n", "unknown_column", None),
        ("names.csv", "name,name,label\na,b,c\n", "unknown_column", None),
        ("names.csv", "", "empty_table", None),
        ("names.csv", 'name,label\nIto,Japanese\n"Smith"son,English\n', "malformed_row", 3),
        ("names.jsonl", '{"surname": "Smith"}\n', "unknown_column", None),
        ("names.jsonl", '{"name": "Ito", "label": "x"}\n[1]\n', "malformed_row", 2),
        ("names.jsonl", "{\n", "malformed_row", 1),
        ("names.csv", b"name,label\nM\xfcller,German\n", "wrong_encoding", 2),
        ("names.xlsx", "", "unreadable", None),
    ],
)
def test_an_error_of_a_table_has_a_code_and_the_line(tmp_path, name, content, code, line):
    with pytest.raises(DataError) as refusal:
        read_examples(write(tmp_path / name, content), on_error="stop")
    assert (refusal.value.code, refusal.value.line) == (code, line)


@pytest.mark.parametrize(
    ("content", "code", "line"), [("ab\tcd\nab\tc\n", "malformed_row", 2), ("\n\n", "empty_table", None)]
)
def test_an_error_of_pairs_has_a_code_and_the_line(tmp_path, content, code, line):
    with pytest.raises(DataError) as refusal:
        read_pairs(write(tmp_path / "pairs", content))
    assert (refusal.value.code, refusal.value.line) == (code, line)


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        ("size\n1\n", "unknown_column", None),
        ("size,price\nlarge,3\n", "empty_table", None),
        ('size,price\n1,2\n"1"2,3\n', "malformed_row", 3),
    ],
)
def test_an_error_of_numbers_has_a_code_and_the_line(tmp_path, content, code, line):
    with pytest.raises(DataError) as refusal:
        read_features(write(tmp_path / "flats.csv", content), features=["size"], number="price", on_error="stop")
    assert (refusal.value.code, refusal.value.line) == (code, line)


# One reader for tables, whatever reads them


@pytest.mark.parametrize("name", ["names.csv.gz", "names.jsonl.zst", "names.parquet", "names.NDJSON"])
def test_every_table_that_annotate_reads_has_examples(tmp_path, name):
    pa = pytest.importorskip("pyarrow")
    rows = [{"name": "Smith", "label": "English"}, {"name": "Ito", "label": "Japanese"}]
    if name.endswith("parquet"):
        pa.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    else:
        content = (
            "\n".join(map(json.dumps, rows)) if "js" in name.lower() else "name,label\nSmith,English\nIto,Japanese"
        )
        write(tmp_path / name, pack(content.encode(), name))
    assert read_examples(tmp_path / name).examples == SMITH_AND_ITO


def pack(content, name):
    if name.endswith("gz"):
        return gzip.compress(content)
    if name.endswith("zst"):
        import pyarrow

        return pyarrow.compress(content, "zstd", asbytes=True)
    return content


@pytest.mark.parametrize("pattern", [".", "*.csv"], ids=["folder", "glob"])
def test_tables_of_a_folder_or_glob_follow_each_other(tmp_path, pattern):
    write(tmp_path / "a.csv", "name,label\nSmith,English\n")
    write(tmp_path / "b.csv", "name,label\nIto,Japanese\n")
    write(tmp_path / "._b.csv", "\0")
    assert read_examples(tmp_path / pattern).examples == SMITH_AND_ITO


@pytest.mark.parametrize(
    ("content", "text", "label", "header", "expected"),
    [
        ("name,label\nSmith,English\n", "name", "2", None, ("Smith", "English")),
        ("name,label\nSmith,English\n", "1", "label", None, ("Smith", "English")),
        ("name,label\nSmith,English\n", "1", "2", True, ("Smith", "English")),
        ("Smith,English\n", "1", "2", None, ("Smith", "English")),
        ("1,2\nSmith,English\n", "1", "2", True, ("Smith", "English")),
        ("2,1\nSmith,English\n", "1", "2", True, ("English", "Smith")),
        ("2,1\nSmith,English\n", "1", "2", False, ("2", "1")),
        ("1900,1901\nSmith,English\n", "1900", "1901", None, ("Smith", "English")),
    ],
)
def test_a_column_is_named_by_its_name_or_else_by_its_number(tmp_path, content, text, label, header, expected):
    file = write(tmp_path / "names.csv", content)
    reading = read_examples(file, text=text, label=label, options=TextOptions(header=header))
    assert (reading.examples[0].text, reading.examples[0].label) == expected


@pytest.mark.parametrize(
    ("content", "text", "label"),
    [
        ("0,1,2\nx,Smith,English\n", "1", "2"),  # both readings are possible
        ("a,1900\nSmith,English\n", "1", "1900"),  # one is a number, the other can only be a name
        ("2,Smith\n3,Ito\n", "2", "1"),
    ],
)
def test_columns_that_may_be_names_or_numbers_are_refused(tmp_path, content, text, label):
    with pytest.raises(DataError, match="--header if that row names the columns, or --no-header") as refusal:
        read_examples(write(tmp_path / "names.csv", content), text=text, label=label)
    assert refusal.value.code == "unknown_column"


def test_delimiters_and_encodings_are_recognised_or_given(tmp_path):
    by_semicolons = write(tmp_path / "a.csv", "name;label\nMüller;German\n")
    reading = read_examples(by_semicolons)
    assert reading.examples == (Example("Müller", "German"),)
    assert "cells are separated by ';'" in reading.notes[0]
    western = write(tmp_path / "b.csv", "name/label\nMüller/German\n".encode("cp1252"))
    reading = read_examples(western, options=TextOptions(delimiter="/", encoding="cp1252"))
    assert (reading.examples, reading.notes) == ((Example("Müller", "German"),), ())
    with pytest.raises(DataError, match=r"line 2: byte 0xfc is not UTF-8; .* --encoding cp1252"):
        read_examples(western, options=TextOptions(delimiter="/"))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("value", [None, math.nan, "nan"])
def test_a_missing_label_is_no_label_and_nan_is_a_word(tmp_path, kind, value):
    rows = [{"name": "Smith", "label": value}, {"name": "Ito", "label": value}]
    if kind == "jsonl":
        write(tmp_path / "t.jsonl", "\n".join(map(json.dumps, rows)))
    else:
        pa = pytest.importorskip("pyarrow")
        pa.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    reading = read_examples(tmp_path / f"t.{kind}")
    assert [example.label for example in reading.examples] == (["nan", "nan"] if value == "nan" else [])
    assert reading.dropped == ({} if value == "nan" else {NO_LABEL: 2})


def test_labels_of_parquet_become_text_unless_they_are_nested(tmp_path):
    pa = pytest.importorskip("pyarrow")
    columns = {"int": [7], "float": [1.5], "bool": [True], "bytes": [b"x"], "list": [["x"]], "dict": [{"a": 1}]}
    pa.parquet.write_table(pa.table({"name": ["Smith"], **columns}), tmp_path / "t.parquet")
    labels = {column: read_examples(tmp_path / "t.parquet", label=column) for column in columns}
    assert {column: reading.examples[0].label for column, reading in labels.items() if reading.examples} == {
        "int": "7",
        "float": "1.5",
        "bool": "True",
        "bytes": "x",
    }
    assert labels["list"].dropped == labels["dict"].dropped == {MALFORMED: 1}


def test_a_column_of_parquet_may_be_a_number(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pa.parquet.write_table(pa.table({"name": ["Smith"], "kind": ["English"]}), tmp_path / "t.parquet")
    assert read_examples(tmp_path / "t.parquet", label="2").examples == SMITH_AND_ITO[:1]
    with pytest.raises(DataError, match=r"expected one column '3', .* --label"):
        read_examples(tmp_path / "t.parquet", label="3")


# Folders


def test_two_spellings_of_one_label_are_one_class(tmp_path):
    write(tmp_path / "Tu\u0308rkisch.txt", "a\n")
    write(tmp_path / "T\u00fcrkisch.TXT", "b\n")
    write(tmp_path / "t.csv", "name,label\na,Tu\u0308rkisch\nb,T\u00fcrkisch \n")
    folder, table = read_examples(tmp_path), read_examples(tmp_path / "t.csv")
    assert {example.label for reading in (folder, table) for example in reading.examples} == {"T\u00fcrkisch"}
    assert sorted(example.text for example in folder.examples) == ["a", "b"]


def test_files_that_are_not_read_are_counted_and_named(tmp_path):
    write(tmp_path / "English.txt", "Smith\n")
    for name in ("._English.txt", ".DS_Store", "README.md", "a\x1b[31m.csv"):
        write(tmp_path / name, b"\xff")
    reading = read_examples(tmp_path)
    assert reading.examples == SMITH_AND_ITO[:1]
    hidden, others = reading.notes
    assert (
        "2 skipped, hidden: ._English.txt, .DS_Store" in hidden or "2 skipped, hidden: .DS_Store, ._English" in hidden
    )
    assert "2 skipped, not .txt: README.md, a\\x1b[31m.csv" in others


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\r\r\n"], ids=repr)
def test_lines_of_a_folder_may_end_in_any_way(tmp_path, end):
    write(tmp_path / "English.txt", b"Smith" + end + b"Jo\xe2\x80\xa8nes" + end)
    reading = read_examples(tmp_path)
    assert ([example.text for example in reading.examples], reading.lines) == (["Smith", "Jo\u2028nes"], 2)


def test_pairs_may_be_packed_in_another_encoding_and_dropped(tmp_path):
    content = gzip.compress("é\tx\r\rab\tc\r".encode("cp1252"))
    reading = read_pairs(write(tmp_path / "p.gz", content), options=TextOptions(encoding="cp1252"), on_error="skip")
    assert (reading.examples, reading.dropped) == ((Example("é", "x"),), {BLANK: 1, MALFORMED: 1})
