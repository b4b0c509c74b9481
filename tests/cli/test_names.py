"""Names from arguments and standard input: line ends, encodings, files that were meant, and headers."""

import codecs
import io
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.cli.names import check_arguments, check_names, decode_text, read_names
from elman.errors import DataError
from elman.tables.lines import LONGEST_LINE

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
PIECES = st.lists(st.sampled_from(["a", "é", "🙂", "\r", "\n", "\r\n", "\r\r\n", "\u2028", "\x85", "\x0c", "\x0b"]))
ENDS = re.compile("\r\r\n|\r\n|\r|\n")


class Slow(io.BytesIO):
    """A stream that returns a few bytes at a time, as a pipe may."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self.size = size

    def read1(self, size: int | None = -1) -> bytes:
        return super().read1(self.size)


def lines_of(content: bytes, size: int = 2**18) -> list[str]:
    return [line for block in read_names(Slow(content, size)) for line in block]


def expected_lines(text: str) -> list[str]:
    """Return the lines by the definition: what each line end closes, and what follows the last one."""
    *lines, last = ENDS.split(text)
    return [*lines, *([last] if last else [])]


@given(pieces=PIECES, size=st.integers(1, 9), encoding=st.sampled_from(["utf-8", *MARKS.values()]))
def test_lines_end_by_one_rule_wherever_a_chunk_ends(pieces, size, encoding):
    text = "".join(pieces)
    mark = next((mark for mark, name in MARKS.items() if name == encoding), b"")
    assert lines_of(mark + text.encode(encoding), size) == expected_lines(text)


def test_blocks_are_bounded_by_lines_and_by_characters(monkeypatch):
    monkeypatch.setattr("elman.cli.names.BLOCK", 3)
    monkeypatch.setattr("elman.cli.names.LONGEST_BLOCK", 10)
    blocks = list(read_names(io.BytesIO(b"a\nb\nc\nd\n0123456789\ne\n")))
    assert blocks == [["a", "b", "c"], ["d", "0123456789"], ["e"]]


def test_a_line_without_end_does_not_fill_the_memory():
    class Endless(io.BytesIO):
        taken = 0

        def read1(self, size: int | None = -1) -> bytes:
            if not self.taken:
                self.taken = 1
                return b"a\nbbb"
            self.taken += 2**18
            return b"b" * 2**18

    stream = Endless()
    with pytest.raises(DataError, match=f"standard input, line 2: expected a line of at most {LONGEST_LINE:,} bytes"):
        list(read_names(stream))
    assert stream.taken <= LONGEST_LINE + 2**19


@pytest.mark.parametrize("size", [1, 2, 3, 2**18])
@pytest.mark.parametrize(
    ("content", "line", "byte"),
    [
        (b"Ann\nB\xff", 2, "0xff"),
        (b"Ann\r\nB\r\r\nC\r\xe9\n", 4, "0xe9"),
        (b"Ann\nZo\xc3", 2, "0xc3"),
        (b"Ann\n\xc3", 2, "0xc3"),
        (b"\xef\xbb\xbfAnn\n\n\x80", 3, "0x80"),
        (b"\xff", 1, "0xff"),
    ],
)
def test_an_invalid_byte_is_named_with_its_line(content, line, byte, size):
    with pytest.raises(DataError, match=f"^standard input, line {line}: byte {byte} is not UTF-8; ") as refusal:
        lines_of(content, size)
    assert refusal.value.line == line


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_an_invalid_byte_in_another_encoding_is_named_with_its_line(encoding):
    mark = next(mark for mark, name in MARKS.items() if name == encoding)
    content = mark + "Ann\nB\n".encode(encoding) + "\ud800".encode(encoding, "surrogatepass") + "C".encode(encoding)
    with pytest.raises(DataError, match="after line 2: byte 0x.. is not utf-.*; give the encoding"):
        lines_of(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PAR1\x15\x04", "a Parquet table; use elman annotate - OUT.csv --from parquet"),
        (b"\x1f\x8b\x08\0\0\0", "packed with gzip; use gzip -dc"),
        (b"\x28\xb5\x2f\xfd\0\0", "packed with zstd; use zstd -dc"),
        (b"PK\x03\x04\x14\0", "an Excel file"),
        (b"\xd0\xcf\x11\xe0\xa1", "an Excel file"),
        ("Ann\nCem".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ("Ann\nCem".encode("utf-16-be"), "UTF-16 without a byte order mark"),
    ],
)
def test_what_does_not_consist_of_lines_is_recognised(content, words):
    with pytest.raises(DataError, match=re.escape(words)):
        lines_of(content)


@pytest.mark.parametrize("content", [b"PAR1\n", b"PK\n", b"\0\n", b"a\0b\n", b"\0\0\0\0\n"])
def test_strange_names_are_still_names(content):
    assert lines_of(content) == [content.decode().strip("\n")]


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_alone_is_empty_input(mark):
    assert lines_of(mark) == []
    assert lines_of(b"") == []


def test_the_marks_are_those_of_python():
    assert {mark: codecs.lookup(name).name for mark, name in MARKS.items()} == MARKS


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("name,label", "csv"),
        ("Surname;Country", "csv"),
        ('"id","full_name"', "csv"),
        ("id\tFamily Name", "tsv"),
        ("Nachname,Vorname", "csv"),
        ("name", "csv"),
        ('{"name": "Ann"}', "jsonl"),
    ],
)
def test_a_header_gets_a_note(line, form, capsys):
    assert lines_of(f"{line}\nAnn,x\n".encode()) == [line, "Ann,x"]
    assert re.search(rf"looks like .*elman annotate - - --from {form} --column NAME\n$", capsys.readouterr().err)


@pytest.mark.parametrize("line", ["Nakamura, Kenji", "Country", "id", "O'Neil;", "{", "von, der", "Nombre"])
def test_a_name_gets_no_note(line, capsys):
    assert lines_of(f"Ann\n{line}\nname,label\n".encode())[:2] == ["Ann", line]
    lines_of(f"{line}\n".encode())
    assert capsys.readouterr().err == ""


def test_bytes_that_python_could_not_decode_are_read_as_utf8():
    assert decode_text("a" + "é水".encode().decode("ascii", "surrogateescape") + "ü", "this line") == "aé水ü"
    with pytest.raises(DataError, match="^this line: byte 0xc3 is not UTF-8; give text in UTF-8$"):
        decode_text("a\udcc3b", "this line")
    assert decode_text("\ud800\udfff", "this line") == "\ud800\udfff"  # no byte becomes one of these


def test_an_argument_may_be_a_file_whose_name_is_not_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.csv"
    with open(path, "wb"):
        pass
    check_arguments(["annotate", os.fsdecode(path), f"--model={os.fsdecode(path)}"])
    with pytest.raises(DataError, match="^argument 2: byte 0xff"):
        check_arguments(["annotate", os.fsdecode(path) + "x"])
    with pytest.raises(DataError, match="^a name: byte 0xff"):
        check_names([os.fsdecode(path)])
