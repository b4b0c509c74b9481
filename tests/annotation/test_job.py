"""Parts are kept whole, belong to one job, and are gone on with only when asked."""

import pytest

from elman.annotation.job import Parts
from elman.errors import DataError


def test_parts_come_back_in_their_order_with_what_was_recorded(tmp_path):
    parts = Parts(tmp_path / "job", {"model": "a"}, resume=False)
    for number in (2, 0, 1):
        parts.keep(number, b"%d" % number, {"rows": number})
    again = Parts(tmp_path / "job", {"model": "a"}, resume=True)
    assert list(again.contents(3)) == [b"0", b"1", b"2"]
    assert [again.record(number) for number in range(4)] == [{"rows": 0}, {"rows": 1}, {"rows": 2}, None]
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_part_without_a_readable_record_is_not_finished(tmp_path):
    parts = Parts(tmp_path / "job", {}, resume=False)
    parts.keep(0, b"x", {"rows": 1})
    for broken in ("", "{", "[]"):
        (tmp_path / "job" / "00000000.json").write_text(broken, encoding="utf-8")
        assert parts.record(0) is None


def test_an_interrupted_job_is_not_gone_on_with_unless_asked_and_not_as_another(tmp_path):
    Parts(tmp_path / "job", {"model": "a"}, resume=False).keep(0, b"x", {})
    with pytest.raises(DataError, match="an interrupted job lies here, finished parts: 1; go on with --resume"):
        Parts(tmp_path / "job", {"model": "a"}, resume=False)
    with pytest.raises(DataError, match="was asked for something else"):
        Parts(tmp_path / "job", {"model": "b"}, resume=True)


def test_resuming_what_never_began_begins_it(tmp_path):
    assert Parts(tmp_path / "deep" / "job", {}, resume=True).record(0) is None
