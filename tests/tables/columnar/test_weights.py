"""Weights: a row weighs what it takes when it is decoded, and parts hold all rows in order."""

import pyarrow as pa
import pytest
from arrow_types import COLUMNS

from elman.tables.columnar.arrays import plain_values
from elman.tables.columnar.weights import VALUE_BYTES, cut_batch, weigh_rows
from elman.tables.values import format_json

LONG = "x" * 1000


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_type_weighs_more_than_its_text_and_parts_weigh_as_much_as_the_whole(kind):
    array, _ = COLUMNS[kind]
    weights = weigh_rows(pa.record_batch({"x": array}))
    texts = list(map(format_json, plain_values(array)))
    assert all(weight + 8 >= len(text) for weight, text in zip(weights, texts, strict=True))
    if "union" not in kind:
        parts = [weigh_rows(pa.record_batch({"x": array.slice(k, 1)}))[0] for k in range(2)]
        assert list(weights) == parts


def test_what_is_small_in_memory_weighs_what_it_becomes():
    lists = pa.array([["a", "b"], None, []], pa.list_(pa.string()))
    batch = pa.record_batch(
        {
            "dictionary": pa.array([LONG, None, LONG]).dictionary_encode(),
            "run ends": pa.RunEndEncodedArray.from_arrays([3], [LONG]),
            "list": pa.DictionaryArray.from_arrays(pa.array([0, 0, 1]), lists),
        }
    )
    names = len("dictionary") + len("run ends") + len("list")
    text, none = VALUE_BYTES + 1000, VALUE_BYTES
    two = VALUE_BYTES + 2 * (VALUE_BYTES + 1)
    assert list(weigh_rows(batch)) == [
        names + text + text + two,
        names + none + text + two,
        names + text + text + VALUE_BYTES,
    ]


def test_control_characters_weigh_what_json_makes_of_them():
    plain, control = (weigh_rows(pa.record_batch({"x": [letter * 10**6]})) for letter in ("x", "\x01"))
    assert control[0] > 5.9 * plain[0]
    assert weigh_rows(pa.record_batch({"x": ["\n" * 10**6]})) == plain


@pytest.mark.parametrize("most_bytes", [1, 100, 120, 10_000])
@pytest.mark.parametrize("most_rows", [1, 3, 100])
def test_parts_hold_all_rows_within_the_limits(most_rows, most_bytes):
    batch = pa.record_batch({"x": ["a", "b" * 500, "", "c", "d" * 60, "e", "f" * 9]})
    parts = list(cut_batch(batch, most_rows=most_rows, most_bytes=most_bytes))
    assert pa.Table.from_batches([part for part, _ in parts])["x"].to_pylist() == batch["x"].to_pylist()
    assert [size for _, size in parts] == [sum(weigh_rows(part)) for part, _ in parts]
    assert all(part.num_rows == 1 or (size <= most_bytes and part.num_rows <= most_rows) for part, size in parts)
