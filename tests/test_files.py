"""A file is complete or does not exist."""

import os

import pytest

from elman.files import (
    find_scratch_files,
    fit_name,
    open_atomically,
    replace,
    sweep_scratch_files,
    try_lock,
    write_atomically,
)


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


# Links, permissions, devices


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "versions").mkdir()
    write_atomically(tmp_path / "versions" / "1", b"old")
    (tmp_path / "latest").symlink_to("versions/1")
    write_atomically(tmp_path / "latest", b"new")
    assert os.readlink(tmp_path / "latest") == "versions/1"
    assert (tmp_path / "versions" / "1").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["1", "latest", "versions"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_an_older_file_keeps_its_permissions_and_is_never_open_to_others(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    with open_atomically(path) as file:
        file.write(b"new")
        assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == mode


def test_a_folder_keeps_its_permissions(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    (tmp_path / "old").chmod(0o750)
    (tmp_path / "new" / "file").touch()
    replace(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "file").exists() and (tmp_path / "old").stat().st_mode & 0o777 == 0o750


def test_a_device_is_written_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(tmp_path / "pipe", b"content")
    assert os.read(reader, 100) == b"content"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo() and len(list(tmp_path.iterdir())) == 1


def test_a_folder_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(IsADirectoryError), open_atomically(tmp_path):
        pytest.fail("the folder was opened")


@pytest.mark.parametrize(("content", "names"), [(b"", []), (b"x", ["file"])])
def test_an_empty_file_is_discarded_on_request(tmp_path, content, names):
    with open_atomically(tmp_path / "file", keep_empty=False) as file:
        file.write(content)
    assert [path.name for path in tmp_path.iterdir()] == names


# What killed processes left


def test_only_scratch_files_that_no_process_uses_are_swept(tmp_path):
    path = tmp_path / "table.csv"
    stale = tmp_path / ".table.csv.4711.0123abcd"
    stale.touch()
    (tmp_path / ".table.csv.parts").touch()
    with open_atomically(path) as file:
        sweep_scratch_files(path)
        assert len(find_scratch_files(path)) == 1 and not stale.exists()
        file.write(b"content")
    assert sorted(found.name for found in tmp_path.iterdir()) == [".table.csv.parts", "table.csv"]


def test_scratch_files_of_the_file_behind_a_link_are_swept(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "link").symlink_to("deep/file")
    (tmp_path / "deep" / ".file.4711.0123abcd").touch()
    sweep_scratch_files(tmp_path / "link")
    assert list((tmp_path / "deep").iterdir()) == []


def test_nothing_is_swept_where_there_are_no_locks(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr("fcntl.flock", fail)
    (tmp_path / ".file.4711.0123abcd").touch()
    sweep_scratch_files(tmp_path / "file")
    write_atomically(tmp_path / "file", b"content")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_lock_has_one_holder_at_a_time(tmp_path):
    with open(tmp_path / "lock", "wb") as first, open(tmp_path / "lock", "wb") as second:
        assert try_lock(first) is True and try_lock(second) is False
        first.close()
        assert try_lock(second) is True


@pytest.mark.parametrize("name", LONG, ids=lambda name: f"{name[0]}{len(name)}")
@pytest.mark.parametrize("after", ["", ".skipped.jsonl", ".00001.parquet"])
def test_a_name_fits_the_file_system_and_differs_from_others(tmp_path, name, after):
    fitted, other = (fit_name(one, before=".", after=after) for one in (name, name[:-1] + "m"))
    (tmp_path / fitted).touch()
    assert fitted != other and fitted.startswith(f".{name[0]}") and fitted.endswith(after)
