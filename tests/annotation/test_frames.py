"""A data frame comes back as the same kind of frame, with the answers of Python in new columns."""

import math
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pairs import build_writer

import elman
from elman.errors import DataError, MissingExtraError, SettingError
from elman.prediction.transcriber import Transcriber

NAMES = ["abc", None, "", "cab", "水"]
COLUMNS = ["elman_label", "elman_probability", "elman_reason"]
KINDS = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


def annotate(predictor, frame, column="name", **settings):
    return elman.annotate_frame(frame, column, model=predictor, **settings)


def columns_of(frame):
    """Return the columns of a frame as lists, with None for what is missing."""
    if isinstance(frame, pd.DataFrame):
        frame = frame.astype(object).where(frame.notna(), None)
        return {str(name): frame[name].tolist() for name in frame}
    return frame.to_pydict() if isinstance(frame, pa.Table) else frame.to_dict(as_series=False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_comes_back_with_the_answers_of_python(tiny, kind):
    frame = KINDS[kind]({"id": list(range(5)), "name": NAMES})
    before = columns_of(frame)
    annotated = annotate(tiny, frame, top=2, abstain_below=0.2)
    columns, answers = columns_of(annotated), tiny.predict(NAMES, top=2, abstain_below=0.2)
    assert type(annotated) is type(frame) and columns_of(frame) == before
    assert list(columns) == ["id", "name", *COLUMNS[:2], "elman_label_2", "elman_probability_2", "elman_reason"]
    assert {name: columns[name] for name in before} == before
    assert columns["elman_label"] == [answer.label for answer in answers]
    assert columns["elman_reason"] == [answer.reason for answer in answers]
    for row, answer in enumerate(answers):
        second = None if answer.abstained else answer.top[1]
        assert columns["elman_label_2"][row] == (second and second.label)
        assert columns["elman_probability_2"][row] == (second and round(second.probability, 6))


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_without_rows_gets_the_columns_too(tiny, kind):
    frame = KINDS[kind]({"name": NAMES})[:0]
    annotated = annotate(tiny, frame)
    assert list(columns_of(annotated)) == ["name", *COLUMNS] and len(annotated) == 0


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, 3, 1, 0], name="key"),
        pd.date_range("2026-01-01", periods=5),
        pd.MultiIndex.from_tuples([(1, "a")] * 5, names=["x", "y"]),
    ],
    ids=["twice", "dates", "levels"],
)
def test_a_frame_of_pandas_keeps_its_index(tiny, index):
    annotated = annotate(tiny, pd.DataFrame({"name": NAMES}, index=index))
    pd.testing.assert_index_equal(annotated.index, index)
    assert annotated["elman_label"].notna().tolist() == [True, False, False, True, False]


COLUMNS_OF_NAMES = {
    "pandas, NaN": pd.Series(["abc", math.nan, "cab"], dtype=object),
    "pandas, NA": pd.Series(["abc", pd.NA, "cab"], dtype="string"),
    "pandas, NaT": pd.Series(["abc", pd.NaT, "cab"], dtype=object),
    "pandas, categories": pd.Series(["abc", None, "cab"], dtype="category"),
    "pandas, Arrow": pd.Series(["abc", None, "cab"], dtype=pd.ArrowDtype(pa.large_string())),
    "pandas, bytes": pd.Series([b"abc", None, b"cab"], dtype=object),
    "polars, categories": pl.Series(["abc", None, "cab"], dtype=pl.Categorical),
    "polars, enumeration": pl.Series(["abc", None, "cab"], dtype=pl.Enum(["abc", "cab"])),
    "polars, bytes": pl.Series([b"abc", None, b"cab"]),
    "pyarrow, dictionary": pa.array(["abc", None, "cab"]).dictionary_encode(),
    "pyarrow, bytes": pa.array([b"abc", None, b"cab"]),
    "pyarrow, chunks": pa.chunked_array([["abc", None], ["cab"]]),
}


@pytest.mark.parametrize("kind", COLUMNS_OF_NAMES)
def test_every_kind_of_column_of_strings_is_read_alike(tiny, kind):
    frame = KINDS[kind.partition(",")[0]]({"name": COLUMNS_OF_NAMES[kind]})
    answers = tiny.predict(["abc", None, "cab"])
    columns = columns_of(annotate(tiny, frame))
    assert columns["elman_label"] == [answer.label for answer in answers]
    assert columns["elman_reason"] == [answer.reason for answer in answers]


@pytest.mark.parametrize("values", [[None, None], [math.nan, math.nan]])
def test_a_column_of_missing_names_abstains(tiny, values):
    columns = columns_of(annotate(tiny, pd.DataFrame({"name": values})))
    assert columns["elman_label"] == [None, None]
    assert [reason.split(":")[0] for reason in columns["elman_reason"]] == ["missing", "missing"]


def test_a_column_that_is_all_null_abstains(tiny):
    for frame in (pl.DataFrame({"name": [None, None]}), pa.table({"name": pa.nulls(2)})):
        assert columns_of(annotate(tiny, frame))["elman_label"] == [None, None]


def test_the_default_model_and_a_model_file_answer(tiny, tiny_file):
    frame = pl.DataFrame({"name": ["Nakamura"]})
    assert elman.annotate_frame(frame, model="languages")["elman_label"].to_list() == ["Japanese"]
    assert elman.annotate_frame(frame, model=tiny_file, prefix="x_").equals(annotate(tiny, frame, prefix="x_"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("full name", "the frame has no column 'full name'; did you mean 'Full Name '?"),
        ("nmae", "the frame has no column 'nmae'; did you mean 'name'?"),
        ("zzz", r"the frame has no column 'zzz'; name one of name, Full Name , b\x1b[31m"),
        ("a\x1b[31m\n", r"the frame has no column 'a\x1b[31m\n'; did you mean 'b\x1b[31m'?"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_does_not_exist_is_refused_with_the_nearest_one(tiny, kind, column, message):
    frame = KINDS[kind]({"name": ["abc"], "Full Name ": ["abc"], "b\x1b[31m": ["abc"]})
    with pytest.raises(DataError) as error:
        annotate(tiny, frame, column)
    assert str(error.value).startswith(message) and len(str(error.value).splitlines()) == 1
    assert error.value.code == "unknown_column"


@pytest.mark.parametrize(
    ("frame", "message", "code"),
    [
        ({"name": ["abc", None, 7]}, "expected strings in the column 'name', got int in row 3", "not_strings"),
        ({"name": ["abc", b"\xff"]}, "the column 'name' has bytes in row 2 that are not UTF-8", "not_strings"),
        ({"name": [["abc"]]}, "expected strings in the column 'name', got list in row 1", "not_strings"),
        ({"name": ["a"], "elman_label": ["b"]}, "the frame has a column 'elman_label' already; give", "column_taken"),
    ],
)
def test_a_frame_that_cannot_be_annotated_is_refused_in_one_line(tiny, frame, message, code):
    with pytest.raises(DataError) as error:
        annotate(tiny, pd.DataFrame(frame, dtype=object))
    assert str(error.value).startswith(message) and error.value.code == code


def test_two_columns_of_one_name_are_refused(tiny):
    with pytest.raises(
        DataError, match=r"^the frame cannot be read: Expected unique column names, got: - 'name' 2 tim"
    ):
        annotate(tiny, pd.DataFrame([["abc", "cab"]], columns=["name", "name"]))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"name": ["abc"]}, "dict"),
        (["abc"], "list"),
        ("abc", "str"),
        (None, "NoneType"),
        (np.array([["abc"]]), "numpy.ndarray"),
        (pd.Series(["abc"], name="name"), "pandas.Series"),
        (pl.Series("name", ["abc"]), "polars.Series"),
        (pl.LazyFrame({"name": ["abc"]}), "polars.LazyFrame"),
    ],
    ids=str,
)
def test_what_is_not_a_data_frame_is_refused(tiny, value, kind):
    with pytest.raises(SettingError) as error:
        annotate(tiny, value)
    assert str(error.value).startswith(
        f"expected a data frame of pandas, polars or pyarrow, got {kind}; collect a lazy"
    )


def test_other_columns_may_have_names_that_are_no_strings(tiny):
    annotated = annotate(tiny, pd.DataFrame({0: ["x"], "name": ["abc"]}))
    assert list(annotated) == [0, "name", *COLUMNS]


def test_without_narwhals_the_message_names_the_extra(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals.stable.v2", None)
    with pytest.raises(
        MissingExtraError, match=r"annotating a data frame needs the package narwhals: pip install 'elman\[f"
    ):
        annotate(tiny, pd.DataFrame({"name": ["abc"]}))


def test_predicting_loads_no_library_of_frames(python_process):
    code = (
        "import sys, elman; elman.annotate_frame; elman.load('languages').predict('Nakamura')\n"
        "print(sorted({'narwhals', 'pandas', 'polars', 'pyarrow'} & set(sys.modules)))"
    )
    assert python_process(code) == "[]\n"


def test_the_label_of_each_row_is_told_to_a_model_of_pairs():
    told = Transcriber(build_writer(labels=("Greek", "Polish")))
    frame = pl.DataFrame({"name": ["abc", "abc", "abc"], "from": ["Greek", None, "Mars"]})
    annotated = elman.annotate_frame(frame, model=told, label_column="from")
    expected = [one.label for one in told.predict(["abc"] * 2, label=["Greek", None])]
    assert annotated["elman_label"].to_list() == [*expected, None]
    every = elman.annotate_frame(frame, model=told, label="Greek", beam=1)
    assert every["elman_label"].to_list() == [told.predict("abc", label="Greek", beam=1).label] * 3
    with pytest.raises(DataError, match="no column 'way'; name one of name, from"):
        elman.annotate_frame(frame, model=told, label_column="way")
