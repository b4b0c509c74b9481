"""The sample of a table: small groups whole, large ones at random, and all rows counted."""

import pytest

from elman.errors import DataError
from elman.shares import sample as module
from elman.shares.sample import Sample


def test_rows_and_missing_names_are_counted_by_group():
    sample = Sample()
    sample.add(["Ann", None, " ", "Bo"], ["a", "a", None, "b"])
    sample.add(["Cy"], ["a"])
    found = {key: (group.rows, group.missing, group.names) for key, group in sample}
    assert found == {"a": (3, 1, ["Ann", "Cy"]), None: (1, 1, []), "b": (1, 0, ["Bo"])}
    assert [key for key, _ in sample] == ["a", None, "b"]


def test_each_name_of_a_large_group_is_kept_with_the_same_chance():
    kept = dict.fromkeys("abcdefghij", 0)
    for seed in range(400):
        sample = Sample(seed, most=3)
        sample.add(list(kept), ["x"] * 10)
        ((_, group),) = sample
        assert group.rows == 10 and len(set(group.names)) == 3
        for name in group.names:
            kept[name] += 1
    assert all(80 <= count <= 160 for count in kept.values())  # 120 expected, standard deviation 9


def test_too_many_groups_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_GROUPS", 2)
    with pytest.raises(DataError, match=r"more than 2 groups, such as 'c'; give --by"):
        Sample().add(["x"] * 3, ["a", "b", "c"])
