"""Thresholds of prediction sets, and how the model file keeps them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from elman.errors import DamagedModelError, DataError, SettingError
from elman.model.file import dump_artifact, load_artifact, parse_artifact
from elman.model.sets import Sets


def test_thresholds_are_read_back_with_infinite_ones(tiny_artifact):
    sets = Sets((0.8, 0.9), ((0.25, math.inf),), 0.01, 5, 12)
    content = dump_artifact(replace(tiny_artifact, sets=sets))
    assert parse_artifact(content, "model").sets == sets
    assert b"Infinity" not in content


def test_the_most_likely_label_is_in_every_set():
    order, sizes = Sets((0.9,), ((0.0,),)).list_members(np.array([[0.2, 0.8], [0.6, 0.4]]), 0.9)
    assert (order[:, 0].tolist(), sizes.tolist()) == ([1, 0], [1, 1])


def test_a_penalty_keeps_sets_small():
    probabilities = np.full((1, 10), 0.1)
    sizes = [Sets((0.9,), ((0.85,),), penalty, 2).list_members(probabilities, 0.9)[1][0] for penalty in (0.0, 0.1)]
    assert sizes == [9, 5]


def test_other_coverages_are_refused_in_one_line():
    with pytest.raises(SettingError, match=r"the coverage of a set must be one of 0.8, 0.9; got 0.85"):
        Sets((0.8, 0.9), ((0.1, 0.2),)).find(0.85)


@pytest.mark.parametrize(
    "values",
    [
        {"coverages": ()},
        {"coverages": (0.9, 0.8), "thresholds": ((0.1, 0.2),)},
        {"coverages": (1.0,)},
        {"coverages": (True,)},
        {"thresholds": ((0.1, 0.2),)},
        {"thresholds": ((-0.1,),)},
        {"thresholds": ((math.nan,),)},
        {"penalty": -1},
        {"free": 0},
        {"strings": 0.5},
    ],
)
def test_values_out_of_range_are_refused(values):
    with pytest.raises(DataError):
        Sets(**{"coverages": (0.9,), "thresholds": ((0.1,),), **values})


@pytest.mark.parametrize(
    "change",
    [3, {}, {"thresholds": 3}, {"thresholds": [["x"]]}, {"coverages": "a"}, {"thresholds": [[0.1], [0.2]]}],
)
def test_a_file_with_invalid_sets_is_damaged(forge, change):
    whole = Sets((0.9,), ((0.1,),)).to_dict()
    sets = {**whole, **change} if isinstance(change, dict) and change else change
    with pytest.raises(DamagedModelError):
        load_artifact(forge(lambda document, tensors: document.update(sets=sets)))


@pytest.mark.parametrize("labels", [1, 3, 16, 17, 60])
@pytest.mark.parametrize("levels_of_chance", [2, 3, 1000])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.95, 2.0])
def test_members_are_found_without_sorting_all_labels(labels, levels_of_chance, threshold):
    sets, draw = Sets((0.9,), ((threshold,),), penalty=0.01, free=2), np.random.default_rng(labels)
    chances = draw.integers(1, levels_of_chance + 1, (200, labels)) ** 3.0  # many of them equal
    chances /= chances.sum(axis=1, keepdims=True)
    chances[7] = np.nan
    order, sizes = sets.list_members(chances, 0.9)
    found = sets.find_members(chances, 0.9)
    assert [row.tolist() for row in found] == [row[:size].tolist() for row, size in zip(order, sizes, strict=True)]
