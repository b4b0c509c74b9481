"""Lines are read whole, with their numbers; a bad line costs only itself."""

import gzip
import io
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_rows import names_in, read_table

from elman.errors import DataError
from elman.tables import lines
from elman.tables.formats import TextOptions
from elman.tables.lines import Lines, open_table, split_lines

PATIENCE = 10  # seconds; a quadratic search would take minutes


def test_an_open_quotation_mark_costs_only_its_own_line(write, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_RECORD", 5)
    _, chunks = read_table(write("a.csv", "name,id\n" + '"Ann,1\n' + "Bob,2\n" * 20), skip=True)
    assert names_in(chunks) == ["Bob"] * 20
    assert [row.text for chunk in chunks for row in chunk.malformed] == ['"Ann,1']


def test_a_line_that_is_too_long_is_skipped_and_the_next_is_read(write, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 16)
    _, chunks = read_table(write("a.csv", f"name\nAnn\n{'x' * 50}\nBob\n"), skip=True)
    assert names_in(chunks) == ["Ann", "Bob"]
    assert "at most 16 bytes" in chunks[0].malformed[0].problem


def test_a_malformed_row_stops_the_reading_unless_such_rows_are_skipped():
    for skip in (True, False):
        table = Lines(io.BytesIO(b"name\nAnn\n"), "a.csv", None)
        next(table), table.take(), next(table)
        if skip:
            assert table.take_malformed("bad", skip=True).place == "a.csv, line 2"
            continue
        with pytest.raises(DataError) as error:
            table.take_malformed("bad", skip=False)
        assert str(error.value) == "a.csv, line 2: bad; fix it, or skip such rows with --on-error skip"
        assert (error.value.code, error.value.line) == ("malformed_row", 2)


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: pa.Codec("zstd").compress(content, asbytes=True)])
def test_packed_files_are_unpacked_even_in_several_members(write, pack):
    suffix = "gz" if pack is gzip.compress else "zst"
    content = pack(b"name,id\nAnn,1\n") + pack(b"Bob,2\n")
    assert names_in(read_table(write(f"a.csv.{suffix}", content))[1]) == ["Ann", "Bob"]
    for broken in (content[:-3], b"no such thing", content[:12] + b"\xff\xff" + content[14:]):
        with pytest.raises(DataError, match="cannot be read|is empty|not UTF-8"):
            read_table(write(f"b.csv.{suffix}", broken))


def test_a_packed_file_that_ends_early_is_unreadable_after_its_last_line(write):
    content = gzip.compress(b"name,id\nAnn,1\n") + gzip.compress(b"Bob,2\n")[:-3]
    with pytest.raises(DataError, match="after line 3: cannot be read") as error:
        read_table(write("a.csv.gz", content))
    assert (error.value.code, error.value.line) == ("unreadable", 4)


@pytest.mark.parametrize("name", ["absent.csv", "a\0b.csv", "."])
def test_a_file_that_cannot_be_opened_is_unreadable(tmp_path, name):
    with pytest.raises(DataError, match="cannot be read") as error:
        open_table(str(tmp_path / name))
    assert (error.value.code, error.value.line) == ("unreadable", None)


ENDS = ["\n", "\r\n", "\r", "\r\r\n"]


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), st.sampled_from(ENDS))
    )
)
def test_a_file_is_split_at_these_ends_and_at_no_other_character(parts):
    # A line that ends in CR and one that is empty and ends in an LF, or in CR LF, read as one line end.
    parts = [(text or "x", end) for text, end in parts]
    content = "".join(text + end for text, end in parts).encode()
    with pytest.MonkeyPatch.context() as patch:
        for piece in (1, 3, 2**16):
            patch.setattr(lines, "PIECE", piece)
            found = [line.decode() for line in split_lines(io.BufferedReader(io.BytesIO(content)))]
            assert found == [text + end for text, end in parts]


@pytest.mark.parametrize(
    "content", [b"\r" * 50_000, b"a" * 200_000, b"a\r" * 50_000, b"\r\n" * 50_000, b"\r\r" * 1001 + b"\n"]
)
def test_nothing_is_lost_or_slow_in_strange_files(content):
    started = time.monotonic()
    assert b"".join(split_lines(io.BufferedReader(io.BytesIO(content)))) == content
    assert time.monotonic() - started < PATIENCE


def test_a_line_without_an_end_takes_no_more_memory_than_the_longest_line(monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 2**18)
    found = list(split_lines(io.BufferedReader(io.BytesIO(b"x" * 2**22 + b"\nAnn\n"))))
    assert [len(line) for line in found] == [2**18 + 1, 4]


TEXT = "name,id\nÄnn,1\nBøb,2\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_says_the_encoding(write, encoding):
    source, chunks = read_table(write("a.csv", TEXT.encode(encoding)))
    assert names_in(chunks) == ["Änn", "Bøb"] and source.has_mark


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16-le", "utf-16-be", "cp1250"])
def test_another_encoding_is_read_if_it_is_given(write, encoding):
    text = TEXT if encoding != "cp1250" else TEXT.replace("ø", "ő")
    _, chunks = read_table(write("a.csv", text.encode(encoding)), options=TextOptions(encoding=encoding))
    assert names_in(chunks) == ["Änn", "Bőb" if encoding == "cp1250" else "Bøb"]


def test_bytes_that_are_not_utf_8_are_refused_with_the_encoding_that_they_seem_to_have(write):
    with pytest.raises(DataError, match=r"line 2: byte 0xc4 is not UTF-8; .* seems to be cp1252: --encoding cp1252"):
        read_table(write("a.csv", TEXT.encode("cp1252")))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised(write, encoding):
    with pytest.raises(
        DataError, match=f"seems to be UTF-16 without a byte order mark; read it with --encoding {encoding}"
    ):
        read_table(write("a.csv", TEXT.encode(encoding)))


def test_bytes_that_are_not_in_the_given_encoding_are_refused(write):
    content = TEXT.encode("utf-16") + b"\x00\xd8\x00"
    with pytest.raises(DataError, match="after line 3: byte 0x00 is not utf-16.*; give the encoding"):
        read_table(write("a.csv", content))


def test_a_line_is_looked_at_without_being_taken():
    table = Lines(io.BytesIO(b"name\r\nAnn\r\n"), "a.csv", None)
    assert [table.peek(), table.peek(), next(table), next(table)] == ["name", "name", "name\r\n", "Ann\r\n"]
    assert table.peek() == ""
