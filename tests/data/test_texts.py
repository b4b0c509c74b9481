"""Strings to learn to write: lines, tables and folders, with labels or without."""

import gzip

import pytest

from elman.data.texts import read_texts
from elman.errors import DataError, SettingError


def pairs(reading):
    return [(example.text, example.label) for example in reading.examples]


def test_a_text_file_has_a_string_on_each_line(tmp_path):
    (tmp_path / "names.txt").write_text("emma\n\n olivia ,\nava\n" + "x" * 101 + "\n", encoding="utf-8")
    reading = read_texts(tmp_path / "names.txt")
    assert pairs(reading) == [("emma", ""), ("olivia", ""), ("ava", "")]
    assert (reading.lines, reading.dropped) == (5, {"blank": 1, "too long": 1})
    assert reading.repaired == {"stray comma removed": 1}


def test_a_packed_file_and_one_without_an_ending_are_read(tmp_path):
    (tmp_path / "names.txt.gz").write_bytes(gzip.compress(b"emma\nava\n"))
    (tmp_path / "names").write_text("emma\nava\n")
    assert pairs(read_texts(tmp_path / "names.txt.gz")) == pairs(read_texts(tmp_path / "names"))


def test_a_folder_has_labels(toy_folder):
    reading = read_texts(toy_folder)
    assert {example.label for example in reading.examples} == {"Alfa", "Beta", "Gamma"}


def test_a_table_has_labels_if_it_has_a_column_of_them(tmp_path):
    (tmp_path / "both.csv").write_text("name,label\nemma,f\nnoah,m\n")
    (tmp_path / "one.csv").write_text("id,name\n1,emma\n2,noah\n")
    assert pairs(read_texts(tmp_path / "both.csv")) == [("emma", "f"), ("noah", "m")]
    assert pairs(read_texts(tmp_path / "one.csv")) == [("emma", ""), ("noah", "")]


def test_a_label_column_that_was_asked_for_must_exist(tmp_path):
    (tmp_path / "one.csv").write_text("name,sex\nemma,f\nnoah,m\n")
    with pytest.raises(DataError, match="sexx.*did you mean"):
        read_texts(tmp_path / "one.csv", label="sexx")
    with pytest.raises(DataError, match="expected one column 'nome'"):
        read_texts(tmp_path / "one.csv", text="nome")


def test_an_option_for_tables_is_refused_for_lines(tmp_path):
    (tmp_path / "names.txt").write_text("emma\n")
    with pytest.raises(SettingError, match="--text would have no effect on a file with a string on each line"):
        read_texts(tmp_path / "names.txt", text="word")


@pytest.mark.parametrize("name", ["absent.txt", "absent"])
def test_a_missing_file_is_refused_by_name(tmp_path, name):
    with pytest.raises(DataError, match=f"{name}: no such file or folder"):
        read_texts(tmp_path / name)
