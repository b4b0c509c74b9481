"""What estimators take, and how they refuse anything else: in one line that names what came."""

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from scipy.sparse import csr_matrix

from elman.errors import SettingError
from elman.estimators.inputs import (
    list_strings,
    name_classes,
    read_labels,
    read_numbers,
    read_pair,
    read_weights,
    restore_classes,
)

WORDS = ["Ito", "", "Müller"]


@pytest.mark.parametrize(
    "strings",
    [
        WORDS,
        tuple(WORDS),
        np.array(WORDS),
        np.array(WORDS, object),
        pandas.Series(WORDS, index=[7, 7, 9]),
        pandas.Series(WORDS, dtype=object),
        pandas.Series(WORDS).astype("category"),
        pandas.Index(WORDS),
        polars.Series(WORDS),
        pyarrow.array(WORDS),
        pyarrow.chunked_array([WORDS[:1], WORDS[1:]]),
        [word.encode() for word in WORDS],
    ],
    ids=lambda strings: type(strings).__module__.split(".")[0] + "." + type(strings).__name__,
)
def test_columns_of_strings_are_a_list(strings):
    listed = list_strings(strings)
    assert listed == WORDS and {type(word) for word in listed} == {str}


@pytest.mark.parametrize(
    ("strings", "message"),
    [
        ("Ito", r"got a single string: give \[X\]"),
        (np.array([WORDS]), "must have one dimension; got 2: give X.ravel()"),
        (np.array("Ito"), "must have one dimension; got 0"),
        ([["Ito"], ["Lee"]], "got list at position 0"),
        (pandas.DataFrame({"name": WORDS}), r"got a table \(DataFrame\)"),
        (polars.DataFrame({"name": WORDS}), r"got a table \(DataFrame\)"),
        (pyarrow.table({"name": WORDS}), r"got a table \(Table\)"),
        ({"name": WORDS}, r"got a table \(dict\)"),
        (csr_matrix(np.eye(2)), "got a sparse matrix"),
        ([1, 2], "got int at position 0"),
        (np.array([1.5]), "got float at position 0"),
        (5, "got int"),
        (None, "got NoneType|missing"),
        (["Ito", None], "missing value at position 1"),
        (pandas.Series(["Ito", np.nan]), "missing value at position 1"),
        (pyarrow.array([None, "Ito"]), "missing value at position 0"),
        ([b"\xff"], "UTF-8"),
    ],
)
def test_other_strings_are_refused(strings, message):
    with pytest.raises(SettingError, match=message) as refusal:
        list_strings(strings)
    assert str(refusal.value).startswith("X") and "\n" not in str(refusal.value)
    assert isinstance(refusal.value, ValueError)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([1, 2, 1], "i"),
        (np.array([1, 2, 1], np.uint8), "u"),
        ([True, False, True], "b"),
        (["a", "b", "a"], "U"),
        (np.array(["a", "b", "a"], object), "O"),
        (pandas.Series(["a", "b", "a"]), "O"),
        (pandas.Series(["a", "b", "a"]).astype("category"), "O"),
        (pandas.Series([1, 2, 1], dtype="Int64"), "i"),
        (pandas.Series([True, False, True], dtype="boolean"), "b"),
        (polars.Series(["a", "b", "a"]), "OU"),
        (pyarrow.array([1, 2, 1]), "i"),
        ([0.0, 1.0, 1.0], "f"),
        (np.array([[1], [2], [1]]), "i"),
    ],
)
def test_labels_keep_their_type(labels, kind):
    values = read_labels(labels, 3)
    assert values.shape == (3,) and values.dtype.kind in kind


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "y should be a 1d array"),
        ("abc", "got str"),
        ([1, 2], "same length; got 3 and 2"),
        ([[1, 2]] * 3, "one dimension; got 2"),
        ([0.5, 1.0, 2.0], "Unknown label type: continuous"),
        (["a", None, "b"], "missing value at position 1"),
        ([1.0, float("nan"), 2.0], "missing value at position 1"),
        ([b"a", b"b", b"a"], "got bytes: decode them"),
        (np.array([1, "a", 2.5], object), "Unknown label type"),
    ],
)
def test_other_labels_are_refused(labels, message):
    with pytest.raises(SettingError, match=message):
        read_labels(labels, 3)


@pytest.mark.parametrize(
    "numbers", [[1, 2, 3], [1.5, 2, 3], np.arange(3), pandas.Series([1, 2, 3]), [True, False, True]]
)
def test_numbers_are_floats(numbers):
    assert read_numbers(numbers, 3).dtype == np.float64


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (["1", "2", "3"], "must hold numbers; got str: '1'"),
        ([1.0, np.inf, 2.0], "finite numbers; got inf"),
        ([1.0, np.nan, 2.0], "missing value at position 1"),
        ([1.0], "same length"),
        ([1j, 2, 3], "got complex"),
    ],
)
def test_other_numbers_are_refused(numbers, message):
    with pytest.raises(SettingError, match=message):
        read_numbers(numbers, 3)


def test_weights_are_ones_one_number_or_one_each():
    assert read_weights(None, 2).tolist() == [1, 1] and read_weights(2, 2).tolist() == [2, 2]
    assert read_weights([0, 1], 2).tolist() == [0, 1]
    for wrong in ([-1, 1], [0, 0], [1], ["a", "b"], [np.inf, 1]):
        with pytest.raises(SettingError, match="sample_weight"):
            read_weights(wrong, 2)


def test_an_eval_set_is_one_pair():
    assert read_pair((1, 2)) == read_pair([(1, 2)]) == (1, 2)
    for wrong in ((1, 2, 3), [(1, 2), (3, 4), (5, 6)], 5, [5]):
        with pytest.raises(SettingError, match="eval_set must be a pair"):
            read_pair(wrong)


@pytest.mark.parametrize(
    "classes",
    [[9, 10, 100], [False, True], ["a", "b"], [0.5, 10.0], np.array(["a", "b"], object), np.array([1, 2], np.uint8)],
)
def test_classes_are_restored_from_their_names(classes):
    classes = np.asarray(classes)
    restored = restore_classes(tuple(sorted(name_classes(classes))), classes.dtype.str)
    assert restored.dtype == classes.dtype and restored.tolist() == classes.tolist()


def test_classes_with_one_name_are_refused():
    with pytest.raises(SettingError, match="different names"):
        name_classes(np.array([1, "1"], object))
