"""A job keeps its parts whole, and continues only on request and with the same settings."""

import pytest

from elman.annotation.job import Job, check_free, read_state
from elman.errors import DataError


def test_parts_are_read_in_their_order_with_their_records(tmp_path):
    job = Job(tmp_path / "job", {"model": "a"}, resume=False)
    for number in (2, 0, 1):
        job.save_part(number, b"%d" % number, {"rows": number})
    again = Job(tmp_path / "job", {"model": "a"}, resume=True)
    assert list(again.read_parts(3)) == [b"0", b"1", b"2"]
    assert [again.read_record(number) for number in range(4)] == [{"rows": 0}, {"rows": 1}, {"rows": 2}, None]
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_part_without_a_readable_record_is_not_finished(tmp_path):
    job = Job(tmp_path / "job", {}, resume=False)
    job.save_part(0, b"x", {"rows": 1})
    for broken in ("", "{", "[]"):
        (tmp_path / "job" / "00000000.json").write_text(broken, encoding="utf-8")
        assert job.read_record(0) is None


def test_an_interrupted_job_continues_only_on_request_and_with_the_same_settings(tmp_path):
    Job(tmp_path / "job", {"model": "a"}, resume=False).save_part(0, b"x", {})
    with pytest.raises(DataError, match="an interrupted job exists, finished parts: 1; continue it with --resume"):
        Job(tmp_path / "job", {"model": "a"}, resume=False)
    with pytest.raises(DataError, match="has another model, input or options"):
        Job(tmp_path / "job", {"model": "b"}, resume=True)


def test_a_job_that_never_began_can_be_resumed(tmp_path):
    assert Job(tmp_path / "deep" / "job", {}, resume=True).read_record(0) is None


def test_a_job_without_finished_parts_leaves_no_folder(tmp_path):
    with Job(tmp_path / "empty", {}, resume=False):
        pass
    with Job(tmp_path / "begun", {}, resume=False) as job:
        job.save_part(0, b"x", {})
    assert [path.name for path in tmp_path.iterdir()] == ["begun"]


def test_only_a_missing_or_empty_folder_is_free(tmp_path):
    check_free(tmp_path / "missing")
    check_free(tmp_path)
    (tmp_path / "file").touch()
    for target in (tmp_path, tmp_path / "file"):
        with pytest.raises(DataError, match="already exists and is not empty"):
            check_free(target)


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
