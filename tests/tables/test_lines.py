"""Lines are read whole, with their numbers; a bad line costs only itself."""

import gzip
import io

import pyarrow as pa
import pytest
from table_rows import names_in, read_table

from elman.errors import DataError
from elman.tables import lines
from elman.tables.lines import Lines, open_table


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
