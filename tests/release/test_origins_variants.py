"""Variants of names: each kind, in each script that has it."""

import random

import pytest

from release.origins.rows import key_of
from release.origins.variants import KINDS, vary

NAMES = ("Kari Ann Nordmann", "José de la Cruz", "Иван Петров", "王小明", "김철수", "Aristotle", "محمد علي")


def all_variants(name, kind):
    """Return the variants of a kind that many draws give."""
    rng = random.Random(0)
    return {vary(name, rng, kinds=(kind,)) for _ in range(200)}


@pytest.mark.parametrize(
    ("kind", "variants"),
    [
        ("alone", {"José", "de la Cruz"}),
        ("turned", {"de la Cruz José"}),
        ("comma", {"de la Cruz, José"}),
        ("initials", {"J. de la Cruz", "J de la Cruz", "de la Cruz, J.", "de la Cruz J"}),
    ],
)
def test_each_kind_keeps_the_particles_with_the_family_name(kind, variants):
    assert all_variants("José de la Cruz", kind) == variants


def test_titles_are_those_of_the_script():
    assert "王小明先生" in all_variants("王小明", "titled")
    assert "г-н Иван Петров" in all_variants("Иван Петров", "titled")
    assert all("Kari Ann Nordmann" in name for name in all_variants("Kari Ann Nordmann", "titled"))


def test_a_word_alone_has_titles_only():
    assert all(all_variants("Aristotle", kind) == {"Aristotle"} for kind in KINDS if kind != "titled")


@pytest.mark.parametrize("name", NAMES)
def test_turned_names_have_the_key_of_the_name(name):
    variants = all_variants(name, "turned") | all_variants(name, "comma")
    assert {key_of(variant) for variant in variants} == {key_of(name)}


def test_the_generator_decides():
    draw = [vary(name, random.Random(3)) for name in NAMES]
    assert draw == [vary(name, random.Random(3)) for name in NAMES]


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="expected some of alone, turned, comma, initials, titled; found upside"):
        vary("A B", random.Random(0), kinds=("upside",))
