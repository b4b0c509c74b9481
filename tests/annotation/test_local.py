"""Annotation gives back every row once, in its order, with the answers that Python gives."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import finish, read_rows, table_steps

from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.annotation.job import name_parts_folder
from elman.annotation.local import annotate_file, annotate_folder, annotate_stream
from elman.errors import DataError
from elman.prediction.predictor import Predictor
from elman.tables import delimited
from elman.tables.formats import CELL_CHARACTERS, format_of

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize("processes", [1, 2])
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
