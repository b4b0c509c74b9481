"""The header of a model file: nothing in it is believed, so no file can do harm."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elman.errors import DamagedModelError, ModelFileError
from elman.model.file import load_artifact
from elman.model.header import DEEPEST, parse_json
from elman.prediction.predictor import Predictor

Change = Callable[[dict[str, Any], dict[str, Any]], object]


def fields(**values: Any) -> Change:
    """Give fields of the document other values."""
    return lambda document, tensors: document.update(values)


def config(**values: Any) -> Change:
    """Give settings of the network other values."""
    return lambda document, tensors: document["config"].update(values)


def provenance(**values: Any) -> Change:
    """Give parts of the provenance other values."""
    return lambda document, tensors: document["provenance"].update(values)


def tensors(**values: Any) -> Change:
    """Replace tensors; ``_`` in a name is a dot."""
    arrays = {name.replace("_", "."): np.asarray(value) for name, value in values.items()}
    return lambda document, tensors: tensors.update(arrays)


def rounded(scale: Any) -> Change:
    """Round the weights of the head to 8 bits, with any scale."""
    return tensors(head_weight=np.full((3, 6), 127, np.int8), head_weight_scale=scale)


def nested(levels: int) -> Any:
    """Return a list in a list, and so on."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


ONES = np.ones(150_000, np.float32)
LABELS, SYMBOLS = ["Alfa", "Beta", "Gämma"], ["a", "b", "c"]
HARMFUL: dict[str, tuple[Change, str]] = {
    "integer labels": (fields(labels=[1, 2, 3]), "must be lists of strings"),
    "labels as an object": (fields(labels={"a": 1, "b": 2, "c": 3}), "its labels must be a list"),
    "many labels": (fields(labels=[str(k) for k in range(10_001)]), "at most 10,000 labels"),
    "a long label": (fields(labels=["a" * 1001, "b", "c"]), "at most 1000 characters"),
    "a label with a control": (fields(labels=["a\x1b[31m", "b", "c"]), "no control characters"),
    "a label with a surrogate": (fields(labels=["a\ud800", "b", "c"]), "no control characters"),
    "equal labels": (fields(labels=["x", "x", "x"]), "labels must be distinct"),
    "a long name": (fields(name="a" * 1001), "at most 1000 characters"),
    "a number as a name": (fields(name=7), "its name must be a string"),
    "symbols as one string": (fields(vocabulary="abc'"), "its vocabulary must be a list"),
    "a control symbol": (fields(vocabulary=["\x07", *SYMBOLS]), "control characters or surrogates"),
    "a surrogate symbol": (fields(vocabulary=["\udfff", *SYMBOLS]), "control characters or surrogates"),
    "a symbol of two characters": (fields(vocabulary=["ab", *SYMBOLS]), "distinct single characters"),
    "words for booleans": (fields(normalisation={"accents": "no"}), "its normalisation must be"),
    "another normalisation": (fields(normalisation={"reverse": True}), "reverse"),
    "provenance as a list": (fields(provenance=[]), "its provenance must be an object"),
    "deep provenance": (provenance(a=nested(DEEPEST + 1)), "more than 100 levels"),
    "much too deep provenance": (provenance(a=nested(900)), "more than 100 levels|recursion"),
    "a split of another type": (provenance(split=[1]), "its split must be an object"),
    "half a split": (provenance(split={"kind": "none"}), "its split seed is missing"),
    "a version in words": (fields(format_version="2"), "its format version must be a whole number"),
    "a version below 1": (fields(format_version=0), "its format version must be a whole number"),
    "a version that is true": (fields(format_version=True), "its format version must be a whole number"),
    "columns of numbers": (fields(columns=[3]), "must be lists of strings"),
    "a picture of no rows": (fields(reads="images", picture=[0, 4]), "its picture must be a list"),
    "a setting in words": (config(by_hand="no"), "by_hand must be true or false"),
    "a long n-gram": (config(bag_orders=[10**9]), "each of bag_orders must be a whole number"),
    "many n-grams": (config(ngram_orders=[2] * 33), "at most 32 numbers"),
    "a huge bag scale": (config(bag_scale=1e300), "bag_scale must be a number"),
    "an infinite bag scale": (config(bag_scale=float("inf")), "bag_scale must be a number"),
    "an unknown setting": (config(**{"\x1b[31m\n": 1}), r"unknown setting \\x1b\[31m\\n"),
    "a huge unknown setting": (config(**{"a" * 10**5: 1}), "unknown setting aaa"),
    "huge tables": (config(ngram_buckets=10**30), "do not fit its config"),
    "huge sizes": (config(hidden_size=10**30), "hidden_size must be a whole number from 1 to 8192"),
    "many layers": (config(layers=64), "more than it has tensors"),
    "huge layers": (config(layers=10**30), "layers must be a whole number from 1 to 64"),
    "a scale without weights of 8 bits": (tensors(head_bias_scale=np.ones(3, np.float32)), "head.bias.scale"),
    "a control in the name of a tensor": (tensors(**{"\x1b": np.ones(3, np.float32)}), r"config: \\x1b"),
    "doubles": (tensors(head_bias=np.zeros(3)), "has an invalid type or size"),
    "codes as weights": (tensors(head_bias=np.zeros(3, np.int64)), "head.bias must hold float32"),
    "codes of floats": (tensors(bag_codes=np.arange(21, dtype=np.float32)), "bag"),
    "codes in two dimensions": (tensors(bag_codes=np.arange(21)[None]), "bag.codes"),
    "biases of 8 bits": (
        tensors(head_bias=np.ones(3, np.int8), head_bias_scale=np.ones(3, np.float32)),
        "head.bias must hold float32; it holds int8",
    ),
    "biases of 4 bits": (
        tensors(head_bias=np.ones(3, np.uint8), head_bias_scale=np.ones(3, np.float32)),
        "head.bias must hold float32; it holds uint8",
    ),
    "4 bits of too few columns": (
        tensors(head_weight=np.ones((3, 2), np.uint8), head_weight_scale=np.ones(3, np.float32)),
        "do not fit its config: head.weight",
    ),
    "4 bits without scales": (tensors(head_weight=np.ones((3, 3), np.uint8)), "head.weight.scale"),
    "4 bits with an infinite scale": (
        tensors(head_weight=np.ones((3, 3), np.uint8), head_weight_scale=np.full(3, np.inf, np.float16)),
        "not finite",
    ),
    "a scale without dimensions": (rounded(np.float32(1)), "head.weight.scale"),
    "a scale with two dimensions": (rounded(np.ones((3, 1), np.float32)), "head.weight.scale"),
    "a scale of a row too many": (rounded(np.ones(4, np.float32)), "head.weight.scale"),
    "a scale of whole numbers": (rounded(np.ones(3, np.int64)), "head.weight.scale must hold"),
    "an infinite scale": (rounded(np.full(3, 3e38, np.float32)), "not finite"),
    "a column against a long scale": (
        tensors(head_weight=ONES.astype(np.int8), head_weight_scale=ONES),
        "do not fit its config: head.weight",
    ),
}


@pytest.mark.parametrize("harm", HARMFUL)
def test_a_file_that_is_made_to_do_harm_is_refused_in_one_short_line(forge, harm):
    change, message = HARMFUL[harm]
    path = forge(change)
    with pytest.raises(DamagedModelError, match=message) as refused:
        load_artifact(path)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 600 + len(str(path))


def test_shapes_are_compared_before_anything_is_allocated(forge, monkeypatch):
    monkeypatch.setattr("elman.model.file.view_tensors", None)
    with pytest.raises(DamagedModelError, match="do not fit its config: head.weight"):
        load_artifact(forge(HARMFUL["a column against a long scale"][0]))


def test_a_key_twice_in_one_object_is_refused(tiny_file):
    content = tiny_file.read_bytes()
    for old, new in ((b'"picture\\"', b'"columns\\"'), (b'"dtype":"F32"', b'"shape":"F32"')):
        assert old in content and len(old) == len(new)
        tiny_file.write_bytes(content.replace(old, new, 1))
        with pytest.raises(DamagedModelError, match="a key twice"):
            load_artifact(tiny_file)


PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([10**30, 1e-300])
)
JSON_VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    place=st.sampled_from([(), ("config",), ("normalisation",), ("provenance",)]),
    key=st.integers(0, 40),
    value=JSON_VALUES,
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_value_in_any_place_is_refused_in_one_line_or_read(forge, place, key, value):
    def change(document: dict[str, Any], tensors: dict[str, Any]) -> None:
        part = document
        for name in place:
            part = part[name]
        part[sorted(part)[key % len(part)]] = value

    try:
        predictor = Predictor(load_artifact(forge(change)))
    except ModelFileError as error:
        assert str(error).isprintable()
    else:
        for answer in predictor.predict(["abc", "b'a"]):
            assert answer.reason is not None or 0 <= answer.probability <= 1


@pytest.mark.parametrize("depth", [1, DEEPEST])
def test_json_is_read_to_some_depth(depth):
    text = json.dumps(nested(depth - 1))
    assert parse_json(text) == nested(depth - 1)
    with pytest.raises(DamagedModelError, match="levels"):
        parse_json(json.dumps(nested(DEEPEST)))


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "a": 2}}]'])
def test_json_with_a_key_twice_is_refused(text):
    with pytest.raises(DamagedModelError, match="a key twice"):
        parse_json(text)
