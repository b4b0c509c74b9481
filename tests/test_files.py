"""A file is complete or does not exist."""

import os

import pytest

from elman.files import find_scratch_files, open_atomically, write_atomically


def test_the_content_is_written_and_folders_are_made(tmp_path):
    write_atomically(tmp_path / "a" / "b" / "model.bin", b"\x00\xff")
    assert (tmp_path / "a" / "b" / "model.bin").read_bytes() == b"\x00\xff"


def test_an_older_file_is_replaced(tmp_path):
    for content in (b"old and long", b"new"):
        write_atomically(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == b"new"


def test_nothing_else_is_left_in_the_folder(tmp_path):
    write_atomically(tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_others_may_read_the_file(tmp_path):
    write_atomically(tmp_path / "file", b"content")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_older_file_and_no_scratch(tmp_path, monkeypatch, step):
    def fail(*_: object) -> None:
        raise OSError("no space left")

    write_atomically(tmp_path / "file", b"old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(tmp_path / "file", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"old"}


LONG = ["n" * 250, "名" * 80, "n" * 199, "n" * 200, "n" * 201, "🙂" * 60]


@pytest.mark.parametrize("name", LONG, ids=lambda name: f"{name[0]}{len(name)}")
def test_a_long_name_is_written_and_its_scratch_files_are_found(tmp_path, name):
    path, other = tmp_path / name, tmp_path / (name[:-1] + "m")
    write_atomically(other, b"another file")
    with open_atomically(path) as file:
        file.write(b"content")
        assert [found.name for found in find_scratch_files(path)] == [
            found.name for found in tmp_path.iterdir() if found.name.startswith(".")
        ]
        assert find_scratch_files(other) == []
    assert path.read_bytes() == b"content" and find_scratch_files(path) == []


def test_what_a_killed_process_left_is_found(tmp_path):
    (tmp_path / ".table.csv.4711.0123abcd").touch()
    (tmp_path / ".table.csv.parts").touch()
    (tmp_path / ".table.csv.bak.4711.0123abcd").touch()
    assert [path.name for path in find_scratch_files(tmp_path / "table.csv")] == [".table.csv.4711.0123abcd"]
