"""Annotation gives back every row once, in its order, with the answers that Python gives."""

import csv
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.annotation import annotator as annotation
from elman.annotation.annotator import AnnotateConfig, Annotator
from elman.annotation.job import parts_folder
from elman.annotation.local import annotate_file, annotate_folder, annotate_stream, annotate_table
from elman.errors import DataError, SettingError
from elman.prediction.predictor import Predictor
from elman.tables import delimited
from elman.tables.formats import format_of

COLUMNS = ["elman_label", "elman_probability", "elman_reason"]


@pytest.fixture
def tiny(tiny_artifact):
    built = Predictor(tiny_artifact)
    yield built
    built.close()


@pytest.fixture
def people(tmp_path, monkeypatch):
    """A table of 100 rows, in chunks of 9."""
    monkeypatch.setattr(delimited, "ROWS", 9)
    draw = random.Random(3)
    path = tmp_path / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name"])
        writer.writerows((k, draw.choice(["abc", "cab", "", "b'a", "水", "42", "a" * 300])) for k in range(100))
    return path


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(steps):
    return list(steps)[-1].summary


def table_steps(predictor, source, target, **asked):
    config = {key: asked.pop(key) for key in ("top", "abstain_below", "skip_malformed", "prefix") if key in asked}
    annotator = Annotator(predictor, AnnotateConfig(**config))
    return annotate_table(annotator, [str(source)], target, form=format_of(str(target)), **asked)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_row_comes_back_once_in_order_with_what_python_answers(tiny, people, tmp_path, processes):
    given_rows, out = rows(people), tmp_path / "out.csv"
    summary = run(table_steps(tiny, people, out, top=2, abstain_below=0.9, processes=processes))
    written = rows(out)
    assert [{key: row[key] for key in ("id", "name")} for row in written] == given_rows
    answers = tiny.predict([row["name"] for row in given_rows], top=2, abstain_below=0.9)
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


def test_an_interrupted_job_goes_on_and_gives_the_same_bytes(tiny, people, tmp_path, monkeypatch):
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    run(table_steps(tiny, people, whole))
    steps = table_steps(tiny, people, out)
    for _ in range(4):
        next(steps)
    steps.close()  # as Ctrl-C does
    assert not out.exists() and parts_folder(out).is_dir()
    answered = []
    answer = Annotator.answer
    monkeypatch.setattr(Annotator, "answer", lambda self, names: answered.extend(names) or answer(self, names))
    progress = list(table_steps(tiny, people, out, resume=True))
    assert [step.kept for step in progress][:4] == [True] * 4
    assert len(answered) <= 100 - 4 * 9
    assert out.read_bytes() == whole.read_bytes() and not parts_folder(out).exists()
    assert progress[-1].summary.rows == 100


@pytest.mark.parametrize("name", ["out.parquet", "out.csv.gz", "out.jsonl.zst"])
def test_resuming_gives_the_same_bytes_in_every_format(tiny, people, tmp_path, name):
    run(table_steps(tiny, people, tmp_path / f"whole-{name}"))
    steps = table_steps(tiny, people, tmp_path / name)
    next(steps)
    steps.close()
    run(table_steps(tiny, people, tmp_path / name, resume=True))
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()


def test_another_job_or_another_input_does_not_go_on(tiny, people, tmp_path):
    out = tmp_path / "out.csv"
    steps = table_steps(tiny, people, out)
    next(steps)
    steps.close()
    with pytest.raises(DataError, match="an interrupted job lies here"):
        run(table_steps(tiny, people, out))
    with pytest.raises(DataError, match="asked for something else"):
        run(table_steps(tiny, people, out, resume=True, top=2))
    people.write_bytes(people.read_bytes().replace(b"\n1,", b"\n7,"))
    with pytest.raises(DataError, match="the input has changed"):
        run(table_steps(tiny, people, out, resume=True))
    assert not out.exists()


def test_a_malformed_row_stops_the_job_and_nothing_appears_until_it_is_mended(tiny, people, tmp_path):
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    run(table_steps(tiny, people, whole))
    good = people.read_bytes()
    people.write_bytes(good.replace(b"\n95,", b"\n95,,"))
    with pytest.raises(DataError, match=r"people\.csv, line 97: expected 2 cells"):
        run(table_steps(tiny, people, out))
    assert not out.exists()
    people.write_bytes(good)
    run(table_steps(tiny, people, out, resume=True))
    assert out.read_bytes() == whole.read_bytes()


def test_malformed_rows_that_are_skipped_are_counted_and_kept_apart(tiny, people, tmp_path):
    lines = people.read_text(encoding="utf-8").splitlines(keepends=True)
    people.write_text("".join([*lines[:5], "broken\n", *lines[5:50], "x,y,z\n", *lines[50:]]), encoding="utf-8")
    out, apart = tmp_path / "out.csv", tmp_path / "apart.jsonl"
    summary = run(table_steps(tiny, people, out, skip_malformed=True, skipped=apart))
    assert (summary.rows, summary.malformed, len(rows(out))) == (100, 2, 100)
    kept = [json.loads(line) for line in apart.read_text(encoding="utf-8").splitlines()]
    assert [(row["text"], row["place"].split(", ")[-1]) for row in kept] == [("broken", "line 6"), ("x,y,z", "line 52")]


def test_a_folder_is_annotated_file_by_file_and_appears_at_once(tiny, people, tmp_path):
    run(table_steps(tiny, people, tmp_path / "whole.csv"))
    tables = {str(people): "a/people.csv", str(tmp_path / "whole.csv"): "whole.jsonl"}
    annotator = Annotator(tiny, AnnotateConfig(prefix="again_"))
    steps = annotate_folder(annotator, tables, tmp_path / "folder")
    for step in steps:
        assert not (tmp_path / "folder").exists() or step.done == 1.0
        if step.summary.rows >= 150:
            break
    steps.close()
    assert not (tmp_path / "folder").exists()
    summary = run(annotate_folder(annotator, tables, tmp_path / "folder", resume=True))
    assert summary.rows == 200
    found = sorted(str(path.relative_to(tmp_path / "folder")) for path in (tmp_path / "folder").rglob("*.*"))
    assert found == ["a/people.csv", "whole.jsonl"]
    assert not parts_folder(tmp_path / "folder").exists()
    with pytest.raises(DataError, match="is there already, and not empty"):
        run(annotate_folder(annotator, tables, tmp_path / "folder"))


def test_a_stream_gets_parts_as_they_are_made(tiny, people, tmp_path):
    import io

    run(table_steps(tiny, people, tmp_path / "whole.csv"))
    out = io.BytesIO()
    steps = annotate_stream(Annotator(tiny, AnnotateConfig()), [str(people)], out, form=format_of("-"))
    next(steps)
    assert out.getvalue().startswith(b"id,name,elman_label") and len(out.getvalue().splitlines()) == 10
    run(steps)
    assert out.getvalue() == (tmp_path / "whole.csv").read_bytes()


def test_models_that_answer_with_tags_or_numbers_annotate_too(tmp_path, kinds):
    (tmp_path / "a.csv").write_text("name\nab\n\nba\n", encoding="utf-8")
    for predictor, columns in kinds:
        summary = annotate_file(predictor, tmp_path / "a.csv", tmp_path / "b.csv", column="name")
        written = rows(tmp_path / "b.csv")
        assert list(written[0])[1:] == columns and summary.rows == 3
        answers = predictor.predict(["ab", "", "ba"])
        shown = [written[k][columns[0]] for k in (0, 2)]
        expected = [answers[k].label if columns[0] == "elman_label" else f"{answers[k].value:.6f}" for k in (0, 2)]
        assert shown == expected and written[1]["elman_reason"].startswith("blank")


@pytest.fixture
def kinds(tiny_model):
    import numpy as np

    from elman.model.file import Artifact
    from elman.text.normalisation import Normalisation
    from elman.text.vocabulary import Labels, Vocabulary

    def model(answers, labels, **changes):
        config = tiny_model(ngram_orders=(), bag_orders=(), **changes)
        draw, vocabulary = np.random.default_rng(0), Vocabulary(tuple("ab"))
        shapes = config.tensor_shapes(symbols=len(vocabulary), labels=len(labels), bag=0)
        tensors = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        return Predictor(
            Artifact("t", config, tensors, vocabulary, Labels(labels), Normalisation(), 1.0, answers=answers)
        )

    return [
        (model("tags", ("x", "y"), readout="each"), COLUMNS),
        (model("number", ("age",)), ["elman_value", "elman_reason"]),
    ]


@pytest.mark.parametrize(("asked", "said"), [({"top": 0}, "top must"), ({"abstain_below": 2.0}, "abstain_below must")])
def test_settings_that_cannot_work_are_refused_before_anything_is_read(tiny, asked, said):
    with pytest.raises(SettingError, match=said):
        Annotator(tiny, AnnotateConfig(**asked))
    with pytest.raises(SettingError, match="at least one character"):
        AnnotateConfig(prefix="")


def test_more_labels_than_there_are_give_all_of_them(tiny):
    assert list(Annotator(tiny, AnnotateConfig(top=9)).columns)[-3:] == [
        "elman_label_3",
        "elman_probability_3",
        "elman_reason",
    ]


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=40)
@given(names=st.lists(ANY, min_size=1, max_size=5))
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_arbitrary_unicode_is_answered_as_in_python(tiny_artifact, tmp_path_factory, suffix, names):
    predictor, folder = Predictor(tiny_artifact), tmp_path_factory.mktemp("any")
    pq.write_table(pa.table({"name": names}), folder / "a.parquet")
    annotate_file(predictor, folder / "a.parquet", folder / f"b.{suffix}", column="name")
    again = Annotator(predictor, AnnotateConfig(prefix="again_"))
    run(annotate_stream(again, [str(folder / f"b.{suffix}")], folder / "c.parquet", form=format_of("c.parquet")))
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
    assert [row["name"] for row in rows(tmp_path / "b.csv")] == ["ab?c", "?", "a?", "😀b"]


def test_a_name_of_a_million_characters_passes_through(tiny, tmp_path):
    (tmp_path / "a.csv").write_text(f"name\n{'ab' * 500_000}\nabc\n", encoding="utf-8")
    summary = annotate_file(tiny, tmp_path / "a.csv", tmp_path / "b.csv", column="name")
    assert summary.rows == 2 and [reason.split(":")[0] for reason in summary.abstained] == ["too long"]
    assert (tmp_path / "b.csv").stat().st_size > 1_000_000


def test_memory_is_bounded_by_parts_under_way(tiny, people, tmp_path, monkeypatch):
    ahead = []
    chunks = delimited.DelimitedSource.chunks

    def counted(self):
        for number, chunk in enumerate(chunks(self), start=1):
            ahead.append(number)
            yield chunk

    monkeypatch.setattr(delimited.DelimitedSource, "chunks", counted)
    for made, _ in enumerate(table_steps(tiny, people, tmp_path / "out.csv", processes=2), start=1):
        assert len(ahead) <= made + 3
    assert annotation.PREFIX == "elman_" and len(ahead) == 12
