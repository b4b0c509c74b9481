"""Packing: no weight changes in a model file."""

import numpy as np
import pytest

from elman.model.packing import are_packed, pack, quantise, round_rows, unpack

DRAW = np.random.default_rng(0)
FULL = DRAW.normal(size=(3000, 5)).astype(np.float32)
MATRICES = {
    "any": FULL,
    "16 bits": FULL.astype(np.float16).astype(np.float32),
    "8 bits": round_rows(FULL),
    "8 bits but for the last row": np.concatenate([round_rows(FULL[:-1]), FULL[-1:]]),
    "tiny and huge rows": round_rows(FULL * np.logspace(-30, 30, 3000, dtype=np.float32)[:, None]),
    "rows of zeros": round_rows(FULL * (np.arange(3000) % 2)[:, None].astype(np.float32)),
    "zeros": np.zeros((4, 2), np.float32),
    "no rows": np.zeros((0, 2), np.float32),
    "a vector": FULL[0],
}
TYPES = {"any": "float32", "16 bits": "float16", "8 bits": "int8", "8 bits but for the last row": "float32"}


@pytest.mark.parametrize("name", MATRICES)
def test_no_number_changes(name):
    packed = pack("w", MATRICES[name])
    assert np.array_equal(unpack(packed)["w"], MATRICES[name])
    assert packed["w"].dtype == TYPES.get(name, packed["w"].dtype)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("form", [pack, quantise])
def test_what_is_read_is_stored_in_the_same_way_again(name, form):
    packed = form("w", MATRICES[name])
    again = pack("w", unpack(packed)["w"])
    same = packed.keys() == again.keys() and all(np.array_equal(packed[key], again[key]) for key in packed)
    assert are_packed(packed) == (same and packed["w"].dtype == again["w"].dtype)


@pytest.mark.parametrize(
    ("numbers", "scale"),
    [
        ([[126, 5]], 0.5),  # a row whose largest number is not 127 would get another scale
        ([[127, 5]], np.float32(0.1)),  # a scale of more than 16 significant bits
        ([[0, 0]], 0.5),
    ],
)
def test_bytes_with_other_scales_are_not_as_they_would_be_stored(numbers, scale):
    stored = {"w": np.array(numbers, np.int8), "w.scale": np.array([scale], np.float32)}
    assert not are_packed(stored)
    assert np.array_equal(unpack(pack("w", unpack(stored)["w"]))["w"], unpack(stored)["w"])


def test_rounding_changes_a_number_by_less_than_half_a_step_of_its_row():
    rounded = round_rows(FULL)
    steps = np.abs(FULL).max(axis=1) / 127
    assert (np.abs(rounded - FULL).max(axis=1) <= steps * 0.51).all()
    assert np.array_equal(round_rows(rounded), rounded)
