"""Kinds: one vocabulary of what a model reads and answers."""

import pytest

from elman.errors import SettingError
from elman.model.kinds import KINDS, find_kind, named_kind


def test_each_kind_has_its_own_name_and_its_own_pair_of_reads_and_answers():
    assert list(KINDS) == [kind.name for kind in KINDS.values()]
    assert len({(kind.reads, kind.answers) for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_a_kind_is_found_by_its_name_and_by_what_it_reads_and_answers(kind):
    assert named_kind(kind.name) is kind and find_kind(kind.reads, kind.answers) is kind


def test_another_name_is_refused_with_the_names_that_exist():
    with pytest.raises(
        SettingError, match="task must be one of label, tags, number, images, features, generate, pairs; got 'poems'"
    ):
        named_kind("poems")


def test_another_pair_is_no_kind():
    assert find_kind("sounds", "label") is None
