"""A job keeps its parts whole, has one process at a time, and continues only on request and with the same settings."""

import errno
import os

import pytest

from elman.annotation import job as jobs
from elman.annotation.job import Job, name_parts_folder, read_state, remove_leftovers
from elman.errors import DataError


@pytest.fixture
def begun(tmp_path):
    """The folder of a job that was interrupted after one part."""
    with Job(tmp_path / "job", {"model": "a", "header": ["id"]}, resume=False) as job:
        job.save_part(0, b"x", {"rows": 1})
    return job.folder


def test_parts_are_read_in_their_order_with_their_records(tmp_path):
    with Job(tmp_path / "job", {"model": "a"}, resume=False) as job:
        for number in (2, 0, 1):
            job.save_part(number, b"%d" % number, {"rows": number})
    with Job(tmp_path / "job", {"model": "a"}, resume=True) as again:
        assert list(again.read_parts(3)) == [b"0", b"1", b"2"] and again.count_records() == 3
        assert [again.read_record(number) for number in range(4)] == [{"rows": 0}, {"rows": 1}, {"rows": 2}, None]
        again.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_part_without_a_readable_record_is_not_finished(begun):
    for broken in ("", "{", "[]"):
        (begun / "00000000.json").write_text(broken, encoding="utf-8")
        with Job(begun, {"model": "a", "header": ["id"]}, resume=True) as job:
            assert job.read_record(0) is None


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"model": "b", "header": ["id"]}, "model"),
        ({"model": "b", "header": ["nr"]}, "header, model"),
        ({"model": "a"}, "header"),
        ({"model": "a", "header": ["id"], "schema": "x"}, "schema"),
    ],
)
def test_an_interrupted_job_continues_only_on_request_and_with_the_same_settings(begun, settings, names):
    with pytest.raises(DataError, match="an interrupted job exists, finished parts: 1; continue it with --resume"):
        Job(begun, {"model": "a", "header": ["id"]}, resume=False)
    with pytest.raises(DataError, match=rf"has another model, input or options \({names}\); give the same ones"):
        Job(begun, settings, resume=True)
    with Job(begun, {"model": "a", "header": ["id"]}, resume=True) as job:
        assert job.read_record(0) == {"rows": 1}


def test_a_job_that_never_began_can_be_resumed(tmp_path):
    with Job(tmp_path / "job", {}, resume=True) as job:
        assert job.read_record(0) is None


def test_a_job_without_finished_parts_leaves_no_folder(tmp_path):
    with Job(tmp_path / "empty", {}, resume=False) as job:
        job.whole.mkdir()
    with Job(tmp_path / "begun", {}, resume=False) as job:
        job.save_part(0, b"x", {})
    assert [path.name for path in tmp_path.iterdir()] == ["begun"]


def test_no_other_user_can_read_the_parts(tmp_path):
    with Job(tmp_path / "job", {}, resume=False) as job:
        assert job.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_process_on_one_job_is_told_that_the_first_is_running(tmp_path, resume):
    with Job(tmp_path / "job", {}, resume=False) as first:
        first.save_part(0, b"x", {})
        with pytest.raises(DataError, match="another process works on this output at the moment"):
            Job(tmp_path / "job", {}, resume=resume)
    with Job(tmp_path / "job", {}, resume=True) as second:
        assert second.read_record(0) == {}


def test_a_job_that_ends_while_another_opens_its_lock_is_followed_by_a_new_one(tmp_path, monkeypatch):
    first, lock = Job(tmp_path / "job", {"model": "a"}, resume=False), jobs.try_lock

    def lock_late(file):
        monkeypatch.setattr(jobs, "try_lock", lock)
        first.remove()
        first.__exit__()
        return lock(file)

    monkeypatch.setattr(jobs, "try_lock", lock_late)
    with Job(tmp_path / "job", {"model": "b"}, resume=False) as second:
        second.save_part(0, b"x", {})
    assert (tmp_path / "job" / jobs.SETTINGS).read_text() == '{"model": "b"}'


def test_a_job_never_removes_the_folder_of_the_next(tmp_path):
    with Job(tmp_path / "job", {"model": "a"}, resume=False) as first:
        first.remove()
        second = Job(tmp_path / "job", {"model": "b"}, resume=False)
    assert (tmp_path / "job" / jobs.SETTINGS).exists()
    second.__exit__()
    assert list(tmp_path.iterdir()) == []


def test_without_locks_a_job_runs_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "try_lock", lambda file: None)
    with Job(tmp_path / "job", {}, resume=False) as job:
        job.save_part(0, b"x", {})


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"missing: no folder can be made there .No such file or directory"):
        Job(tmp_path / "missing" / "job", {}, resume=False)


# The whole output


def test_the_whole_output_moves_to_its_place_and_keeps_the_permissions_of_the_old_one(begun):
    target = begun.with_name("out")
    target.write_bytes(b"old")
    target.chmod(0o640)
    with Job(begun, {"model": "a", "header": ["id"]}, resume=True) as job:
        with job.open_whole() as file:
            file.write(b"new")
        assert job.is_complete and not job.is_delivered
        job.deliver(target)
    assert target.read_bytes() == b"new" and target.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in begun.parent.iterdir()] == ["out"]


def test_half_a_whole_output_is_removed_after_an_error(begun):
    with Job(begun, {"model": "a", "header": ["id"]}, resume=True) as job:
        with pytest.raises(OSError, match="no space"), job.open_whole() as file:
            file.write(b"half")
            raise OSError("no space")
        assert not job.is_complete and not job.whole.exists()


def test_a_job_that_was_killed_after_delivery_is_complete_or_starts_again(begun):
    settings = {"model": "a", "header": ["id"]}
    with Job(begun, settings, resume=True) as job:
        job.complete()
    with Job(begun, settings, resume=True) as job:
        assert job.is_delivered and job.count_records() == 1
        job.deliver(begun.with_name("out"))
    assert not begun.exists() and not begun.with_name("out").exists()
    with Job(begun, settings, resume=False) as job:
        job.save_part(0, b"x", {})
        job.complete()
    with Job(begun, {"model": "b"}, resume=False) as job:
        assert not job.is_complete and job.count_records() == 0


def test_an_empty_folder_at_the_target_is_replaced_for_a_try(tmp_path):
    target = tmp_path / "out"
    target.mkdir(mode=0o750)
    before = target.stat()
    with Job(tmp_path / "job", {}, resume=False) as job:
        job.try_folder(tmp_path / "missing")
        job.try_folder(target)
    assert target.stat().st_ino != before.st_ino and target.stat().st_mode == before.st_mode
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_replaced_is_refused(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr(jobs, "write_atomically", lambda path, content: path.write_bytes(content))
    with (
        Job(tmp_path / "job", {}, resume=False) as job,
        pytest.raises(DataError, match=r"out: cannot be replaced .Device or resource busy., perhaps because"),
    ):
        job.try_folder(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_only_the_files_of_the_output_stay_in_its_folder(tmp_path):
    for name in ("a.csv", "deep/b.csv", "deep/.b.csv.4711.0123abcd"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, ["a.csv", "deep/b.csv"])
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["a.csv", "b.csv"]


@pytest.mark.parametrize("name", ["out.csv", "n" * 250, "名" * 83, "名" * 80 + ".csv"])
def test_the_folder_for_parts_has_a_legal_name(tmp_path, name):
    (tmp_path / name).touch()
    folder = name_parts_folder(tmp_path / name)
    folder.mkdir()
    assert folder.name.startswith(f".{name[:50]}") and folder.name.endswith(".parts")


def test_the_state_of_a_file_changes_with_its_content(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"name\n")
    before = read_state(str(path))
    assert before[0] == 5 and read_state(str(path)) == before
    path.write_bytes(b"names\n")
    assert read_state(str(path)) != before
    for place in (str(tmp_path / "missing"), "a\0b"):
        with pytest.raises(DataError, match="cannot be read"):
            read_state(place)
