"""An annotator makes the new columns of a table, whatever its model answers with."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from people import read_rows

from elman.annotation.annotator import AnnotateConfig, Annotator, Summary
from elman.annotation.local import annotate_file
from elman.columns import TextColumn
from elman.errors import SettingError
from elman.model.file import Artifact
from elman.model.kinds import KINDS
from elman.prediction.predictor import Predictor, load
from elman.tables.formats import format_of
from elman.tables.sinks import sink_for
from elman.tables.sources import open_source
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary

COLUMNS = ["elman_label", "elman_probability", "elman_reason"]


@pytest.fixture(scope="module")
def origins():
    return load("origins")


def test_models_that_answer_with_tags_or_numbers_annotate(tmp_path, kinds):
    (tmp_path / "a.csv").write_text("name\nab\n\nba\n", encoding="utf-8")
    for predictor, columns in kinds:
        summary = annotate_file(predictor, tmp_path / "a.csv", tmp_path / "b.csv", column="name", overwrite=True)
        written = read_rows(tmp_path / "b.csv")
        assert list(written[0])[1:] == columns and summary.rows == 3
        answers = predictor.predict(["ab", "", "ba"])
        shown = [written[k][columns[0]] for k in (0, 2)]
        expected = [answers[k].label if columns[0] == "elman_label" else f"{answers[k].value:.6f}" for k in (0, 2)]
        assert shown == expected and written[1]["elman_reason"].startswith("blank")


@pytest.fixture
def kinds(tiny_model):
    def model(answers, labels, **changes):
        config = tiny_model(ngram_orders=(), bag_orders=(), **changes)
        draw, vocabulary = np.random.default_rng(0), Vocabulary(tuple("ab"))
        shapes = config.tensor_shapes(symbols=len(vocabulary), labels=len(labels), bag=0)
        tensors = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        return Predictor(
            Artifact("t", config, tensors, vocabulary, Labels(labels), Normalisation(), 1.0, kind=KINDS[answers])
        )

    return [
        (model("tags", ("x", "y"), readout="each"), COLUMNS),
        (model("number", ("age",)), ["elman_value", "elman_reason"]),
    ]


@pytest.mark.parametrize(
    ("settings", "message"), [({"top": 0}, "top must"), ({"abstain_below": 2.0}, "abstain_below must")]
)
def test_invalid_settings_are_refused_before_anything_is_read(tiny, settings, message):
    with pytest.raises(SettingError, match=message):
        Annotator(tiny, AnnotateConfig(**settings))
    with pytest.raises(SettingError, match="at least one character"):
        AnnotateConfig(prefix="")


def test_a_top_above_the_number_of_labels_gives_all_of_them(tiny):
    assert list(Annotator(tiny, AnnotateConfig(top=9)).columns)[-3:] == [
        "elman_label_3",
        "elman_probability_3",
        "elman_reason",
    ]


def test_new_columns_and_their_counts_belong_to_the_rows(tiny):
    annotator = Annotator(tiny, AnnotateConfig())
    names = ["abc", None, "12", "cab"]
    columns, summary = annotator.annotate(names)
    answers = tiny.predict(names)
    assert list(columns) == list(annotator.columns) == COLUMNS
    assert list(columns["elman_label"]) == [answer.label for answer in answers]
    assert list(columns["elman_reason"]) == [answer.reason for answer in answers]
    assert columns["elman_probability"][0] == round(answers[0].probability, 6)
    assert (summary.rows, sum(summary.labels.values()), len(summary.abstained)) == (4, 2, 2)


OPTIONS = [
    {"top": 3},
    {"every": True, "level": "region", "abstain_below": 0.6},
    {"level": "auto", "coverage": 0.9, "add": ("set", "familiar", "script", "unknown")},
    {"prior": "uniform", "unfamiliar_below": 0.2},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("target", ["b.csv", "b.tsv", "b.jsonl", "b.parquet"])
@pytest.mark.parametrize("kind", ["csv", "string", "large_string", "binary", "dictionary", "string_view"])
def test_a_table_is_written_with_the_same_bytes_as_from_lists(origins, tmp_path, kind, target, options):
    names = ["Nakamura", None, "Müller", "", "N/A", "Иванов Пётр", 'Ann "X"', "two\nlines", "12", "a" * 300, "Łukasz"]
    table = pa.table({"id": range(len(names)), "name": names, "city": ['Köln, "N"'] * len(names)})
    path = tmp_path / ("a.csv" if kind == "csv" else "a.parquet")
    if kind == "csv":
        pa.csv.write_csv(table, path)
    else:
        column = table["name"].dictionary_encode() if kind == "dictionary" else table["name"].cast(getattr(pa, kind)())
        pq.write_table(table.set_column(1, "name", column), path)
    annotator = Annotator(origins, AnnotateConfig(**options))
    with open_source([str(path)], column="name") as source:
        (chunk,) = source.chunks()
        assert isinstance(chunk.names, TextColumn) == (kind != "csv")
        sink = sink_for(format_of(target), source, annotator.columns)
        columns, summary = annotator.annotate(chunk.names)
        from_lists, other = annotator.annotate(list(chunk.names))
        lists = {name: list(values) for name, values in from_lists.items()}
        as_lists = replace(chunk, names=list(chunk.names))
        assert sink.part(chunk, columns) == sink.part(as_lists, lists) and summary == other


def test_summaries_add_up_and_survive_json():
    one = Summary(3, Counter({"Dutch": 2}), Counter({"blank": 1}), malformed=1)
    both = one + Summary(2, Counter({"Greek": 1, "Dutch": 1}))
    assert both == Summary(5, Counter({"Dutch": 3, "Greek": 1}), Counter({"blank": 1}), malformed=1)
    assert Summary.from_dict(json.loads(json.dumps(both.to_dict()))) == both
