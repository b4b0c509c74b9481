"""Levels: each label has one group at each level, and the model file keeps them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import DamagedModelError, DataError, SettingError
from elman.model.file import digest_of_artifact, dump_artifact, load_artifact, parse_artifact, save_artifact
from elman.model.header import read_header
from elman.model.hierarchy import Levels, build_levels

LEVELS = Levels(("kind", "half", "all"), (("low", "low", "high"), ("every", "every", "every")))


def test_groups_are_in_the_order_of_their_first_labels():
    levels = Levels(("kind", "half"), (("b", "a", "b"),))
    assert levels.list_groups("half") == ("b", "a")
    assert levels.place_labels("half").tolist() == [0, 1, 0]
    assert levels.list_groups("kind", ["x", "y", "z"]) == ("x", "y", "z")


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=9), st.integers(0, 99))
def test_the_probability_of_a_group_is_the_sum_of_those_of_its_labels(groups, seed):
    levels = Levels(("label", "group"), (tuple(groups),))
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(len(groups)), 4)
    sums = levels.sum_probabilities(probabilities, "group")
    for place, group in enumerate(levels.list_groups("group")):
        members = [label for label, own in enumerate(groups) if own == group]
        assert sums[:, place] == pytest.approx(probabilities[:, members].sum(axis=1))
    assert levels.sum_probabilities(probabilities, "label") is probabilities


@pytest.mark.parametrize(
    ("names", "groups", "message"),
    [
        (("kind",), (), "2 to 8 levels"),
        (("kind", "half"), (), "2 to 8 levels"),
        (tuple("abcdefghi"), (("x",),) * 8, "2 to 8 levels"),
        (("kind", "kind"), (("x",),), "must be distinct"),
        (("kind", "auto"), (("x",),), "none of them 'auto'"),
        (("kind", " "), (("x",),), "1 to 60 characters"),
        (("kind", "h" * 61), (("x",),), "1 to 60 characters"),
        (("kind", "half"), (("x\0",),), "no control characters"),
        (("kind", "half"), (("",),), "a group of labels must have 1 to 1,000 characters"),
        (("kind", "half", "all"), (("x", "y"), ("z",)), "a group for each label"),
        (("kind", "half", "all"), (("x", "x"), ("y", "z")), "'x' is in several groups of the level 'all'"),
    ],
)
def test_invalid_levels_are_refused_in_one_line(names, groups, message):
    with pytest.raises(DataError, match=message) as refused:
        Levels(names, groups)
    assert "\n" not in str(refused.value)


def test_an_unknown_level_is_refused_with_those_that_there_are():
    with pytest.raises(SettingError, match=r"one of kind, half, all, auto; got 'haf'; did you mean 'half'\?"):
        LEVELS.find("haf")


def test_levels_are_built_in_the_order_of_the_labels():
    rows = {"Beta": ["low", "every"], "Alfa": ["high", "every"], "other": ["low", "every"]}
    built = build_levels(["kind", "half", "all"], rows, ["Alfa", "Beta"])
    assert built.groups == (("high", "low"), ("every", "every"))
    with pytest.raises(DataError, match="no line for 2 labels, such as 'Alpha'; add one; did you mean 'Alfa'"):
        build_levels(["kind", "half", "all"], rows, ["Alpha", "Beta", "Gamma"])


# In the model file


def test_the_levels_of_a_model_are_read_back(tiny_artifact, tmp_path):
    save_artifact(replace(tiny_artifact, levels=LEVELS), tmp_path / "model")
    assert load_artifact(tmp_path / "model").levels == LEVELS


def test_a_file_without_levels_is_the_same_as_before_and_one_with_them_has_no_higher_version(tiny_artifact):
    before, after = (
        json.loads(read_header(dump_artifact(model))[0]["elman"])
        for model in (tiny_artifact, replace(tiny_artifact, levels=LEVELS))
    )
    assert "levels" not in before
    assert after == {**before, "levels": LEVELS.to_dict()}
    assert digest_of_artifact(tiny_artifact) != digest_of_artifact(replace(tiny_artifact, levels=LEVELS))
    assert parse_artifact(dump_artifact(tiny_artifact), "model").levels is None


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (3, "levels must be an object"),
        ({}, "levels must be an object"),
        ({"names": "ab", "groups": [["x"] * 3]}, "levels must be an object"),
        ({"names": ["kind", "half"], "groups": [["x", 3, "y"]]}, "levels must be an object"),
        ({"names": ["kind", "half"], "groups": "abc"}, "levels must be an object"),
        ({"names": ["kind", "half"], "groups": [["x", "y"]]}, "groups for 2 labels; it has 3"),
        ({"names": ["kind", "half"], "groups": [["x", "y", "\u0007"]]}, "no control characters"),
        ({"names": ["kind", "half", "all"], "groups": [["x", "x", "y"], ["p", "q", "q"]]}, "several groups"),
    ],
)
def test_a_file_with_invalid_levels_is_damaged(forge, levels, message):
    with pytest.raises(DamagedModelError, match=message):
        load_artifact(forge(lambda document, tensors: document.update(levels=levels)))


def test_only_a_model_that_answers_with_a_label_has_levels(tiny_artifact):
    with pytest.raises(DamagedModelError, match="groups for 2 labels; it has 3"):
        replace(tiny_artifact, levels=Levels(("kind", "half"), (("x", "y"),)))
