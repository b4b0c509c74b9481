"""A file stands whole or not at all."""

import os

import pytest

from elman.files import write_atomically


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
