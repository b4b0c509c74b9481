"""Packing: no weight changes in a model file."""

import numpy as np
import pytest

from elman.model.packing import (
    are_finite,
    are_packed,
    find_rows,
    find_types,
    pack,
    quantise,
    round_rows,
    shape_of,
    unpack,
)

DRAW = np.random.default_rng(0)
FULL = DRAW.normal(size=(3000, 5)).astype(np.float32)
EVEN = DRAW.normal(size=(3000, 6)).astype(np.float32)


def round_to_4_bits(matrix):
    return unpack(quantise("w", matrix, 4))["w"]


MATRICES = {
    "any": FULL,
    "16 bits": FULL.astype(np.float16).astype(np.float32),
    "8 bits": round_rows(FULL),
    "8 bits but for the last row": np.concatenate([round_rows(FULL[:-1]), FULL[-1:]]),
    "tiny and huge rows": round_rows(FULL * np.logspace(-30, 30, 3000, dtype=np.float32)[:, None]),
    "4 bits": round_to_4_bits(EVEN),
    "4 bits but for the last row": np.concatenate([round_to_4_bits(EVEN[:-1]), round_rows(EVEN[-1:])]),
    "4 bits in an odd number of columns": round_to_4_bits(EVEN)[:, :5],
    "4 bits of tiny and huge rows": round_to_4_bits(EVEN * np.logspace(-30, 30, 3000, dtype=np.float32)[:, None]),
    "rows of zeros": round_rows(FULL * (np.arange(3000) % 2)[:, None].astype(np.float32)),
    "zeros": np.zeros((4, 2), np.float32),
    "no rows": np.zeros((0, 2), np.float32),
    "a vector": FULL[0],
}
TYPES = {
    "any": "float32",
    "16 bits": "float16",
    "8 bits": "int8",
    "8 bits but for the last row": "float32",
    "4 bits": "uint8",
    "4 bits but for the last row": "float32",
    "4 bits in an odd number of columns": "float32",
    "4 bits of tiny and huge rows": "uint8",
}


@pytest.mark.parametrize("name", MATRICES)
def test_no_number_changes(name):
    packed = pack("w", MATRICES[name])
    assert np.array_equal(unpack(packed)["w"], MATRICES[name])
    assert packed["w"].dtype == TYPES.get(name, packed["w"].dtype)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("form", [pack, quantise, lambda name, tensor: quantise(name, tensor, 4)])
def test_what_is_read_is_stored_in_the_same_way_again(name, form):
    packed = form("w", MATRICES[name])
    again = pack("w", unpack(packed)["w"])
    same = packed.keys() == again.keys() and all(np.array_equal(packed[key], again[key]) for key in packed)
    assert are_packed(packed) == (same and packed["w"].dtype == again["w"].dtype)


def test_shapes_types_and_finite_numbers_are_known_without_unpacking(monkeypatch):
    tensors = {name: np.asarray(tensor) for name, tensor in MATRICES.items()} | {"codes": np.arange(3)}
    stored = {key: part for name, tensor in tensors.items() for key, part in pack(name, tensor).items()}
    assert find_types(unpack(stored)) == find_types(dict(unpack(stored))) == find_types(tensors)
    names = ("zeros", "8 bits", "8 bits.scale", "4 bits", "4 bits.scale")
    few = unpack({key: part for key, part in stored.items() if key in names})
    monkeypatch.setattr(type(few), "_widen", lambda self, name, tensor: pytest.fail(f"{name} was unpacked"))
    for name in ("8 bits", "4 bits"):
        rows, scales = find_rows(few, name)
        assert rows.dtype == np.int8 and scales.dtype == np.float32
        assert np.array_equal(rows * scales[:, None], MATRICES[name])
        assert shape_of(few, name) == MATRICES[name].shape
    assert len(few) == len(list(few)) == len(find_types(few))
    assert find_rows(MATRICES, "8 bits") is None is find_rows(few, "another")


@pytest.mark.parametrize(
    ("number", "scale", "finite"),
    [(127, 1.0, True), (127, np.inf, False), (0, np.nan, False), (127, 2.7e36, False), (1, 3e38, True)],
)
def test_numbers_that_are_not_finite_are_found_in_8_bits(number, scale, finite):
    stored = {"w": np.full((2, 3), number, np.int8), "w.scale": np.array([1, scale], np.float32)}
    assert are_finite(unpack(stored)) == finite
    assert are_finite({"w": np.array([1, scale], np.float32)}) == bool(np.isfinite(scale))


def test_a_tensor_is_the_same_array_at_each_look():
    tensors = unpack(pack("w", MATRICES["8 bits"]) | {"half": FULL.astype(np.float16)})
    assert tensors["w"] is tensors["w"] and tensors["half"].dtype == np.float32
    assert set(tensors) == {"w", "half"} and "w.scale" not in tensors


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


@pytest.mark.parametrize("form", ["8 bits", "4 bits"])
def test_whether_numbers_are_finite_is_found_without_splitting_rows(form, monkeypatch):
    tensors = unpack(pack("w", MATRICES[form]))
    monkeypatch.setattr("elman.model.packing._split", lambda pairs: pytest.fail("rows were split"))
    assert are_finite(tensors)


def test_4_bits_are_for_tables_with_an_even_number_of_columns():
    tables = {"w": EVEN, "odd": FULL, "small": EVEN[:1023]}
    types = {name: quantise(name, tensor, 4)[name].dtype for name, tensor in tables.items()}
    assert types == {"w": np.uint8, "odd": np.int8, "small": np.int8}
    stored = quantise("w", EVEN, 4)
    assert stored["w"].shape == (3000, 3) and stored["w.scale"].dtype == np.float16


def test_rounding_to_4_bits_is_the_best_of_the_cuts_and_never_worse_than_none():
    wide = DRAW.normal(size=(1100, 64)).astype(np.float32)
    steps = np.abs(wide).max(axis=1, keepdims=True) / 7
    uncut = np.rint(wide / steps) * steps
    errors = [np.square(found - wide).sum(axis=1) for found in (round_to_4_bits(wide), uncut)]
    assert (errors[0] <= errors[1] * 1.1).all() and errors[0].sum() < 0.95 * errors[1].sum()


def test_rounding_changes_a_number_by_less_than_half_a_step_of_its_row():
    rounded = round_rows(FULL)
    steps = np.abs(FULL).max(axis=1) / 127
    assert (np.abs(rounded - FULL).max(axis=1) <= steps * 0.51).all()
    assert np.array_equal(round_rows(rounded), rounded)
