"""The table of origins, and the examples in the docstrings of the scripts."""

import doctest
import importlib

import pytest

from release.origins.labels import CONTINENTS, TABLE, read_labels

MODULES = ("labels", "rows", "sources", "drawing", "build", "audit", "variants", "nonnames", "words")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(f"release.origins.{name}")).failed == 0


def test_there_are_at_least_ninety_origins_and_no_population_of_immigration():
    labels = read_labels()
    names = {row.label for row in labels.rows}
    assert len(names) >= 90
    assert not names & {"American", "Canadian", "Australian", "New Zealander"}
    assert not {"American", "Canadian", "Australian"} & labels.nana.keys()
    assert not {"United States", "Canada", "Australia", "New Zealand"} & labels.countries.keys()


def test_a_subregion_is_in_one_continent():
    rows = read_labels().rows
    continents = {(row.subregion, row.continent) for row in rows}
    assert len(continents) == len({row.subregion for row in rows})
    assert {row.continent for row in rows} <= set(CONTINENTS)


def test_a_code_belongs_to_one_label():
    codes = [row.code for row in read_labels().rows if row.code]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Danish\tDK\tNorthern Europe\tEurope\tX\t\t", "listed twice"),
        ("Other\tXX\tNorthern Europe\tEurope\tDane\t\t", "'Dane' maps to Danish and Other"),
    ],
)
def test_a_table_with_an_ambiguous_row_is_refused(tmp_path, row, message):
    path = tmp_path / "labels.tsv"
    path.write_text(TABLE.read_text("utf-8") + row + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_labels(path)
