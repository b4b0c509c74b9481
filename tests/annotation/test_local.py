"""Annotation gives back every row once, in its order, with the answers that Python gives."""

import io
import json
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import finish, read_rows, table_steps

from elman.annotation import job, parts
from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.annotation.job import Job, name_parts_folder
from elman.annotation.local import annotate_file, annotate_folder, annotate_stream, annotate_table
from elman.annotation.paths import name_side_file
from elman.errors import DataError, SettingError
from elman.files import find_scratch_files, open_atomically
from elman.prediction.predictor import Predictor
from elman.scoring.kernel.library import KERNEL, open_library
from elman.tables import delimited
from elman.tables.columnar import parquet
from elman.tables.formats import CELL_CHARACTERS, format_of

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize("processes", [None, 1, 2])
def test_every_row_is_written_once_in_order_with_the_answer_of_python(tiny, people, tmp_path, processes):
    original, out = read_rows(people), tmp_path / "out.csv"
    summary = finish(table_steps(tiny, people, out, top=2, abstain_below=0.9, processes=processes))
    written = read_rows(out)
    assert [{key: row[key] for key in ("id", "name")} for row in written] == original
    answers = tiny.predict([row["name"] for row in original], top=2, abstain_below=0.9)
    for row, answer in zip(written, answers, strict=True):
        assert (row["elman_label"] or None, row["elman_reason"] or None) == (answer.label, answer.reason)
        if not answer.abstained:
            assert float(row["elman_probability"]) == pytest.approx(answer.probability, abs=2e-6)
            assert row["elman_label_2"] == answer.top[1].label
            assert float(row["elman_probability_2"]) == pytest.approx(answer.top[1].probability, abs=2e-6)
    assert summary.rows == 100 and summary.malformed == 0
    assert sum(summary.labels.values()) + sum(summary.abstained.values()) == 100
    assert {reason.split(":")[0] for reason in summary.abstained} >= {"blank", "no letters", "too long", "unsure"}


def test_null_and_blank_names_abstain_with_their_reason(tiny, tmp_path):
    pq.write_table(pa.table({"name": ["abc", None, "", " "]}), tmp_path / "a.parquet")
    annotate_file(tiny, tmp_path / "a.parquet", tmp_path / "b.parquet", column="name")
    written = pq.read_table(tmp_path / "b.parquet").to_pydict()
    assert [reason and reason.split(":")[0] for reason in written["elman_reason"]] == [
        None,
        "missing",
        "blank",
        "blank",
    ]
    assert written["elman_label"][1:] == [None] * 3 and written["elman_probability"][1:] == [None] * 3


def test_an_interrupted_job_continues_and_gives_the_same_bytes(tiny, people, tmp_path, monkeypatch):
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    finish(table_steps(tiny, people, whole))
    steps = table_steps(tiny, people, out)
    for _ in range(4):
        next(steps)
    steps.close()  # as Ctrl-C does
    assert not out.exists() and name_parts_folder(out).is_dir()
    answered = []
    answer = Annotator.answer
    monkeypatch.setattr(Annotator, "answer", lambda self, names: answered.extend(names) or answer(self, names))
    progress = list(table_steps(tiny, people, out, resume=True))
    assert [step.kept for step in progress][:4] == [True] * 4
    assert len(answered) <= 100 - 4 * 9
    assert out.read_bytes() == whole.read_bytes() and not name_parts_folder(out).exists()
    assert progress[-1].summary.rows == 100


@pytest.mark.parametrize("name", ["out.parquet", "out.csv.gz", "out.jsonl.zst"])
def test_resuming_gives_the_same_bytes_in_every_format(tiny, people, tmp_path, name):
    finish(table_steps(tiny, people, tmp_path / f"whole-{name}"))
    steps = table_steps(tiny, people, tmp_path / name)
    next(steps)
    steps.close()
    finish(table_steps(tiny, people, tmp_path / name, resume=True))
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()


def test_a_job_with_other_settings_or_another_input_does_not_continue(tiny, people, tmp_path):
    out = tmp_path / "out.csv"
    steps = table_steps(tiny, people, out)
    next(steps)
    steps.close()
    with pytest.raises(DataError, match="an interrupted job exists, finished parts: 1"):
        finish(table_steps(tiny, people, out))
    with pytest.raises(DataError, match="has another model, input or options"):
        finish(table_steps(tiny, people, out, resume=True, top=2))
    people.write_bytes(people.read_bytes().replace(b"\n1,", b"\n7,"))
    with pytest.raises(DataError, match="the input has changed"):
        finish(table_steps(tiny, people, out, resume=True))
    assert not out.exists()


def test_a_malformed_row_stops_the_job_until_it_is_fixed(tiny, people, tmp_path):
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    finish(table_steps(tiny, people, whole))
    good = people.read_bytes()
    people.write_bytes(good.replace(b"\n95,", b"\n95,,"))
    with pytest.raises(DataError, match=r"people\.csv, line 97: expected 2 cells"):
        finish(table_steps(tiny, people, out))
    assert not out.exists()
    people.write_bytes(good)
    finish(table_steps(tiny, people, out, resume=True))
    assert out.read_bytes() == whole.read_bytes()


def test_skipped_rows_are_counted_and_written_to_another_file(tiny, people, tmp_path):
    lines = people.read_text(encoding="utf-8").splitlines(keepends=True)
    people.write_text("".join([*lines[:5], "broken\n", *lines[5:50], "x,y,z\n", *lines[50:]]), encoding="utf-8")
    out, skipped = tmp_path / "out.csv", tmp_path / "skipped.jsonl"
    summary = finish(table_steps(tiny, people, out, skip_malformed=True, skipped=skipped))
    assert (summary.rows, summary.malformed, len(read_rows(out))) == (100, 2, 100)
    written = [json.loads(line) for line in skipped.read_text(encoding="utf-8").splitlines()]
    assert [(row["text"], row["place"].split(", ")[-1]) for row in written] == [
        ("broken", "line 6"),
        ("x,y,z", "line 52"),
    ]


def test_a_folder_is_annotated_file_by_file_and_appears_at_once(tiny, people, tmp_path):
    finish(table_steps(tiny, people, tmp_path / "whole.csv"))
    tables = {str(people): "a/people.csv", str(tmp_path / "whole.csv"): "whole.jsonl"}
    annotator = Annotator(tiny, AnnotateConfig(prefix="again_"))
    steps = annotate_folder(annotator, tables, tmp_path / "folder")
    for step in steps:
        assert not (tmp_path / "folder").exists() or step.done == 1.0
        if step.summary.rows >= 150:
            break
    steps.close()
    assert not (tmp_path / "folder").exists()
    summary = finish(annotate_folder(annotator, tables, tmp_path / "folder", resume=True))
    assert summary.rows == 200
    found = sorted(str(path.relative_to(tmp_path / "folder")) for path in (tmp_path / "folder").rglob("*.*"))
    assert found == ["a/people.csv", "whole.jsonl"]
    assert not name_parts_folder(tmp_path / "folder").exists()
    with pytest.raises(DataError, match="already exists and is not empty"):
        finish(annotate_folder(annotator, tables, tmp_path / "folder"))


def test_a_table_whose_names_are_all_missing_does_not_stop_a_folder(tiny, tmp_path):
    for number, names in enumerate((["abc"], [None, None], ["cab"])):
        pq.write_table(pa.table({"name": pa.array(names, pa.string())}), tmp_path / f"{number}.parquet")
    tables = {str(tmp_path / f"{number}.parquet"): f"{number}.parquet" for number in range(3)}
    summary = finish(annotate_folder(Annotator(tiny, AnnotateConfig()), tables, tmp_path / "out"))
    assert summary.rows == 4 and [(reason[:7], count) for reason, count in summary.abstained.items()] == [
        ("missing", 2)
    ]


def test_the_formats_of_all_tables_are_checked_before_the_first_is_read(tiny, people, tmp_path):
    tables = {str(people): "a.csv", f"{people}.x": "b.txt"}
    with pytest.raises(SettingError, match=r"b\.txt: expected a table"):
        next(annotate_folder(Annotator(tiny, AnnotateConfig()), tables, tmp_path / "out"))


def test_a_stream_gets_each_part_when_it_is_finished(tiny, people, tmp_path):
    finish(table_steps(tiny, people, tmp_path / "whole.csv"))
    out = io.BytesIO()
    steps = annotate_stream(Annotator(tiny, AnnotateConfig()), [str(people)], out, form=format_of("-"))
    next(steps)
    assert out.getvalue().startswith(b"id,name,elman_label") and len(out.getvalue().splitlines()) == 10
    finish(steps)
    assert out.getvalue() == (tmp_path / "whole.csv").read_bytes()


@settings(max_examples=40)
@given(names=st.lists(ANY, min_size=1, max_size=5))
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_arbitrary_unicode_is_answered_as_in_python(tiny_artifact, tmp_path_factory, suffix, names):
    predictor, folder = Predictor(tiny_artifact), tmp_path_factory.mktemp("any")
    pq.write_table(pa.table({"name": names}), folder / "a.parquet")
    annotate_file(predictor, folder / "a.parquet", folder / f"b.{suffix}", column="name")
    again = Annotator(predictor, AnnotateConfig(prefix="again_"))
    finish(annotate_stream(again, [str(folder / f"b.{suffix}")], folder / "c.parquet", form=format_of("c.parquet")))
    written = pq.read_table(folder / "c.parquet").to_pydict()
    answers = predictor.predict(names)
    assert written["name"] == names
    assert [label or None for label in written["elman_label"]] == [answer.label for answer in answers]
    assert written["again_label"] == [answer.label for answer in answers]
    assert written["again_reason"] == [answer.reason for answer in answers]


def test_halves_of_surrogate_pairs_in_json_are_answered_as_in_python(tiny, tmp_path):
    names = ["ab\ud800c", "\udfff", "a\ud83d", "😀b"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"name": name}) + "\n" for name in names), encoding="ascii")
    for target in ("b.jsonl", "b.csv", "b.parquet"):
        annotate_file(tiny, tmp_path / "a.jsonl", tmp_path / target, column="name")
    written = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["elman_label"] for row in written] == [answer.label for answer in tiny.predict(names)]
    assert [row["name"] for row in written] == names
    assert [row["name"] for row in read_rows(tmp_path / "b.csv")] == ["ab?c", "?", "a?", "😀b"]


def test_the_longest_name_that_a_cell_can_hold_passes_through(tiny, tmp_path):
    (tmp_path / "a.csv").write_text(f"name\n{'ab' * (CELL_CHARACTERS // 2)}\nabc\n", encoding="utf-8")
    summary = annotate_file(tiny, tmp_path / "a.csv", tmp_path / "b.csv", column="name")
    assert summary.rows == 2 and [reason.split(":")[0] for reason in summary.abstained] == ["too long"]
    assert (tmp_path / "b.csv").stat().st_size > CELL_CHARACTERS


def test_few_chunks_are_read_ahead(tiny, people, tmp_path, monkeypatch):
    ahead = []
    chunks = delimited.DelimitedSource.chunks

    def count(self):
        for number, chunk in enumerate(chunks(self), start=1):
            ahead.append(number)
            yield chunk

    monkeypatch.setattr(delimited.DelimitedSource, "chunks", count)
    for written, _ in enumerate(table_steps(tiny, people, tmp_path / "out.csv", processes=2), start=1):
        assert len(ahead) <= written + 3
    assert len(ahead) == 12


# An input that has changed


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b"id,name\r\n", b"nr,name\r\n", "header"),
        (b"id,name\r\n", b"\xef\xbb\xbfid,name\r\n", "header"),
        (b"id,name\r\n", b"name,id\r\n", "header"),
        (b"id,name\r\n", b"id,name\n", "header"),
    ],
    ids=["renamed", "marked", "swapped", "other line ends"],
)
def test_a_job_does_not_continue_with_another_header(tiny, people, tmp_path, old, new, what):
    interrupt(table_steps(tiny, people, tmp_path / "out.csv"))
    people.write_bytes(people.read_bytes().replace(old, new))
    with pytest.raises(DataError, match=rf"has another model, input or options \({what}\)"):
        finish(table_steps(tiny, people, tmp_path / "out.csv", resume=True))
    assert not (tmp_path / "out.csv").exists() and name_parts_folder(tmp_path / "out.csv").exists()


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_job_does_not_continue_with_another_schema(tiny, tmp_path, monkeypatch, suffix):
    source, out, ids = tmp_path / "in.parquet", tmp_path / f"out.{suffix}", list(range(40))
    monkeypatch.setattr(parquet, "ROWS", 9)
    pq.write_table(pa.table({"id": ids, "name": ["abc"] * 40}), source)
    interrupt(table_steps(tiny, source, out))
    pq.write_table(pa.table({"id": pa.array(ids, pa.int32()), "name": ["abc"] * 40}), source)
    with pytest.raises(DataError, match=r"has another model, input or options \(schema\)"):
        finish(table_steps(tiny, source, out, resume=True))
    pq.write_table(pa.table({"id": ids, "name": ["abc"] * 40}), source)
    assert finish(table_steps(tiny, source, out, resume=True)).rows == 40


def interrupt(steps):
    """Stop a job after its first step, as Ctrl-C does."""
    next(steps)
    steps.close()


# Two jobs on one output


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_job_on_one_output_is_told_that_the_first_is_running(tiny, people, tmp_path, resume):
    first = table_steps(tiny, people, tmp_path / "out.csv")
    next(first)
    with pytest.raises(DataError, match=r"\.out\.csv\.parts: another process works on this output at the moment"):
        finish(table_steps(tiny, people, tmp_path / "out.csv", resume=resume))
    assert finish(first).rows == 100
    assert len(read_rows(tmp_path / "out.csv")) == 100 and not name_parts_folder(tmp_path / "out.csv").exists()


def test_a_second_job_on_one_folder_is_told_that_the_first_is_running(tiny, people, tmp_path):
    steps = [
        annotate_folder(Annotator(tiny, AnnotateConfig()), {str(people): "a.csv"}, tmp_path / "out", resume=resume)
        for resume in (False, True)
    ]
    next(steps[0])
    with pytest.raises(DataError, match=r"\.out\.parts: another process works on this output at the moment"):
        finish(steps[1])
    assert finish(steps[0]).rows == 100


# What exists


def test_an_output_that_exists_is_replaced_only_on_request(tiny, people, tmp_path):
    out, linked = tmp_path / "out.csv", tmp_path / "deep" / "real.csv"
    linked.parent.mkdir()
    linked.write_text("mine", encoding="utf-8")
    linked.chmod(0o640)
    out.symlink_to("deep/real.csv")
    for steps in (
        lambda **settings: table_steps(tiny, people, out, **settings),
        lambda **settings: annotate_stream(
            Annotator(tiny, AnnotateConfig()), [str(people)], out, form=format_of("x.csv"), **settings
        ),
    ):
        with pytest.raises(DataError, match=r"out\.csv: already exists; give another name, or --overwrite"):
            finish(steps())
        assert linked.read_text(encoding="utf-8") == "mine" and sorted(tmp_path.iterdir()) == sorted(
            [people, out, linked.parent]
        )
        finish(steps(overwrite=True))
        assert len(read_rows(linked)) == 100 and out.is_symlink() and linked.stat().st_mode & 0o777 == 0o640
        assert [path.name for path in linked.parent.iterdir()] == ["real.csv"]
        linked.write_text("mine", encoding="utf-8")


def test_an_output_that_appears_during_the_work_is_not_replaced(tiny, people, tmp_path):
    steps = table_steps(tiny, people, tmp_path / "out.csv")
    interrupt(steps)
    (tmp_path / "out.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"out\.csv: already exists"):
        finish(table_steps(tiny, people, tmp_path / "out.csv", resume=True))
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "mine"
    (tmp_path / "out.csv").unlink()
    assert finish(table_steps(tiny, people, tmp_path / "out.csv", resume=True)).rows == 100


@pytest.fixture
def broken(people):
    """The table with a row that cannot be read."""
    people.write_bytes(people.read_bytes().replace(b"\n50,", b"\n50,,"))
    return people


def test_a_file_of_skipped_rows_is_replaced_only_on_request_and_checked_first(tiny, broken, tmp_path, monkeypatch):
    side, out = tmp_path / "skipped.jsonl", tmp_path / "out.csv"
    settings = {"skip_malformed": True, "skipped": side}
    side.write_text("mine", encoding="utf-8")
    with (
        monkeypatch.context() as patch,
        pytest.raises(DataError, match=r"skipped\.jsonl: already exists; give another"),
    ):
        patch.setattr(Annotator, "answer", lambda *_: pytest.fail("the work has begun"))
        finish(table_steps(tiny, broken, out, **settings))
    assert side.read_text(encoding="utf-8") == "mine" and not out.exists()
    finish(table_steps(tiny, broken, out, overwrite=True, **settings))
    assert len(side.read_text(encoding="utf-8").splitlines()) == 1 and len(read_rows(out)) == 99
    for path in (out, broken):
        with pytest.raises(DataError, match="is the output or an input; name another file for skipped rows"):
            finish(table_steps(tiny, broken, out, overwrite=True, **{**settings, "skipped": path}))
    broken.write_text("id,name\n1,abc\n", encoding="utf-8")
    finish(table_steps(tiny, broken, out, overwrite=True, **settings))
    assert side.read_bytes() == b""  # and not the rows of the earlier table


def test_without_skipped_rows_their_file_is_never_touched(tiny, people, tmp_path):
    side = tmp_path / "skipped.jsonl"
    finish(table_steps(tiny, people, tmp_path / "a.csv", skip_malformed=True, skipped=side))
    assert not side.exists()
    side.write_text("mine", encoding="utf-8")
    finish(table_steps(tiny, people, tmp_path / "b.csv", skipped=side))
    assert side.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["n" * 250, "名" * 80, "n" * 255], ids=["250", "80 Chinese", "255"])
def test_outputs_of_any_legal_name_are_written_and_resumed(tiny, broken, tmp_path, name):
    out, form = tmp_path / name, format_of("", "csv")
    side = Path(name_side_file(str(out)))
    annotator = Annotator(tiny, AnnotateConfig(skip_malformed=True))
    interrupt(annotate_table(annotator, [str(broken)], out, form=form, skipped=side))
    assert finish(annotate_table(annotator, [str(broken)], out, form=form, skipped=side, resume=True)).rows == 99
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, side.name, "people.csv"])
    folder = tmp_path / "folder"
    assert finish(annotate_folder(annotator, {str(broken): f"deep/{name[:-8]}.csv"}, folder)).rows == 99
    assert len(list((folder / "deep").iterdir())) == 2


# What a kill leaves


@pytest.mark.parametrize("moment", ["assembly", "before delivery", "after delivery"])
def test_a_job_that_is_killed_at_its_end_continues_and_leaves_nothing(tiny, broken, tmp_path, monkeypatch, moment):
    whole, out, side = tmp_path / "whole.csv", tmp_path / "out.csv", tmp_path / "skipped.jsonl"
    finish(table_steps(tiny, broken, whole, skip_malformed=True, skipped=tmp_path / "whole.jsonl"))
    kill_at(moment, out, table_steps(tiny, broken, out, skip_malformed=True, skipped=side), monkeypatch)
    with pytest.raises(DataError, match=r"exists"):
        finish(table_steps(tiny, broken, out, skip_malformed=True, skipped=side))
    monkeypatch.setattr(Annotator, "answer", lambda *_: pytest.fail("a part is made again"))
    steps = list(table_steps(tiny, broken, out, skip_malformed=True, skipped=side, resume=True))
    assert (steps[-1].summary.rows, steps[-1].summary.malformed) == (99, 1)
    assert out.read_bytes() == whole.read_bytes() and side.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not name_parts_folder(out).exists() and len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("moment", ["before delivery", "after delivery"])
def test_a_folder_job_that_is_killed_at_its_end_continues(tiny, broken, tmp_path, monkeypatch, moment):
    def steps(**settings):
        return annotate_folder(annotator, {str(broken): "a.csv"}, tmp_path / "out", **settings)

    annotator = Annotator(tiny, AnnotateConfig(skip_malformed=True))
    kill_at(moment, tmp_path / "out", steps(), monkeypatch)
    with pytest.raises(DataError, match=r"exists"):
        finish(steps())
    summary = finish(steps(resume=True))
    assert (summary.rows, summary.malformed) == (99, 1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.csv", "a.csv.skipped.jsonl"]
    assert not name_parts_folder(tmp_path / "out").exists()


def kill_at(moment, target, steps, monkeypatch):
    """Run a job to a moment near its end, where it stops without cleaning up, as after ``kill -9``."""

    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    replace, remove = job.replace, Job.remove
    with monkeypatch.context() as patch:
        if moment == "assembly":
            patch.setattr(
                Job, "read_parts", lambda self, count: (die() if number else b"half" for number in range(count))
            )
            patch.setattr(Path, "unlink", lambda self, missing_ok=False: None)
        elif moment == "before delivery":
            patch.setattr(job, "replace", lambda source, place: die() if place == target else replace(source, place))
        else:
            parts = name_parts_folder(target)
            patch.setattr(Job, "remove", lambda self: die() if self.folder == parts else remove(self))
        with pytest.raises(Killed):
            finish(steps)


def test_scratch_files_of_killed_processes_are_swept_at_the_next_start(tiny, broken, tmp_path):
    (tmp_path / ".out.csv.4711.0123abcd").touch()
    (tmp_path / ".skipped.jsonl.4711.0123abcd").touch()
    with open_atomically(tmp_path / "out.csv") as file:  # another process is writing it
        settings = {"skip_malformed": True, "skipped": tmp_path / "skipped.jsonl"}
        finish(table_steps(tiny, broken, tmp_path / "out.csv", **settings))
        assert len(find_scratch_files(tmp_path / "out.csv")) == 1
        file.write(b"theirs")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "people.csv", "skipped.jsonl"]


# Streams


def test_a_stream_is_flushed_after_each_part(tiny, people):
    class Buffered(io.BytesIO):
        flushed = 0

        def flush(self):
            Buffered.flushed = len(self.getvalue())

    out = Buffered()
    steps = annotate_stream(Annotator(tiny, AnnotateConfig()), [str(people)], out, form=format_of("-"))
    for step in steps:
        assert Buffered.flushed == len(out.getvalue()) > 0
        assert out.getvalue().count(b"\n") == step.summary.rows + 1


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl", "parquet"])
def test_a_reader_that_leaves_is_a_broken_pipe_in_every_format(tiny, people, form):
    class Closed(io.BytesIO):
        def flush(self):
            if self.tell() > 400:
                raise BrokenPipeError

        def write(self, content):
            self.flush()
            return super().write(content)

    steps = annotate_stream(Annotator(tiny, AnnotateConfig()), [str(people)], Closed(), form=format_of("", form))
    with pytest.raises(BrokenPipeError):
        finish(steps)


def test_the_skipped_rows_of_a_stream_appear_at_its_end_or_not_at_all(tiny, broken, tmp_path):
    side = tmp_path / "skipped.jsonl"
    settings = {"form": format_of("-"), "skipped": side}
    annotator = Annotator(tiny, AnnotateConfig(skip_malformed=True))
    steps = annotate_stream(annotator, [str(broken)], io.BytesIO(), **settings)
    for step in steps:
        assert not side.exists() or step.done == 1.0
        if step.summary.malformed:
            break
    steps.close()
    assert list(tmp_path.iterdir()) == [broken]
    finish(annotate_stream(annotator, [str(broken)], io.BytesIO(), **settings))
    assert json.loads(side.read_text(encoding="utf-8"))["text"].startswith("50,,")
    with pytest.raises(DataError, match=r"skipped\.jsonl: already exists; give another name with --skipped"):
        finish(annotate_stream(annotator, [str(broken)], io.BytesIO(), **settings))
    finish(annotate_stream(annotator, [str(broken)], io.BytesIO(), overwrite=True, **settings))
    assert len(side.read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize(("kernel", "is_alone"), [("native", True), ("numpy", False)])
def test_the_work_is_shared_by_threads_if_the_kernel_is_compiled_and_by_processes_otherwise(
    tiny_artifact, people, tmp_path, monkeypatch, kernel, is_alone
):
    if kernel == "native" and isinstance(open_library(), str):
        pytest.skip("no compiled kernel")
    monkeypatch.setenv(KERNEL, kernel)
    monkeypatch.setattr(parts, "cores", lambda: 2)
    predictor = Predictor(tiny_artifact)
    finish(table_steps(predictor, people, tmp_path / "shared.csv", processes=None))
    assert (predictor._pool is None) == is_alone
    finish(table_steps(predictor, people, tmp_path / "alone.csv", processes=1))
    predictor.close()
    assert (tmp_path / "shared.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()


def test_several_parts_are_made_at_a_time_on_threads(tiny_artifact, people, tmp_path, monkeypatch):
    if isinstance(open_library(), str):
        pytest.skip("no compiled kernel")
    monkeypatch.setattr(parts, "cores", lambda: 2)
    both, real = threading.Barrier(2, timeout=20), Annotator.answer
    monkeypatch.setattr(Annotator, "answer", lambda self, names, **more: (both.wait(), real(self, names, **more))[1])
    first = "".join(people.read_text("utf-8").splitlines(keepends=True)[:18])  # two chunks, of nine rows and of eight
    (tmp_path / "two.csv").write_text(first, encoding="utf-8")
    summary = finish(table_steps(Predictor(tiny_artifact), tmp_path / "two.csv", tmp_path / "o.csv", processes=None))
    assert summary.rows == 17  # a part alone would have waited in vain
