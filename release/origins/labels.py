"""The origins that the model answers with: one row of `labels.tsv` each, and what maps to them.

Populations of immigration (United States, Canada, Australia, New Zealand) have no row: their names come from everywhere.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

TABLE = Path(__file__).with_name("labels.tsv")
CONTINENTS = ("Africa", "Americas", "Asia", "Europe", "Oceania")


@dataclass(frozen=True)
class Label:
    """One origin.

    Args:
        label: its name in plain English, e.g. ``"Norwegian"``.
        code: ISO 3166 code of the country or its part, e.g. ``"NO"`` or ``"GB-WLS"``; empty for a people without one.
        subregion: UN M49 subregion; the intermediate region where M49 has one, e.g. ``"Western Africa"``.
        continent: UN M49 region, one of `CONTINENTS`.
        nana: the nationality words of NaNa that mean this origin.
        countries: the countries of the two files of footballers.
        locales: the locales of the Fakers; several labels can share one.
    """

    label: str
    code: str
    subregion: str
    continent: str
    nana: tuple[str, ...]
    countries: tuple[str, ...]
    locales: tuple[str, ...]


class Labels:
    """All origins, and the look-ups from the words of the sources to them."""

    def __init__(self, rows: Iterable[Label]) -> None:
        self.rows = tuple(rows)
        self.nana = _one_each(self.rows, "nana")
        self.countries = _one_each(self.rows, "countries")

    @cached_property
    def locales(self) -> dict[str, tuple[str, ...]]:
        """The labels of each locale, in the table's order."""
        shared: dict[str, tuple[str, ...]] = {}
        for row in self.rows:
            for locale in row.locales:
                shared[locale] = (*shared.get(locale, ()), row.label)
        return shared

    @cached_property
    def subregion(self) -> dict[str, str]:
        """The subregion of each label."""
        return {row.label: row.subregion for row in self.rows}


def read_labels(path: Path = TABLE) -> Labels:
    """Return the origins of a table.

    Raises:
        ValueError: a label is listed twice, or a word of a source maps to two labels.

    >>> read_labels().nana["Finn"]
    'Finnish'
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            Label(
                row["label"],
                row["code"],
                row["subregion"],
                row["continent"],
                *(tuple(filter(None, row[name].split(";"))) for name in ("nana", "countries", "locales")),
            )
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]
    if len({row.label for row in rows}) < len(rows):
        raise ValueError(f"{path.name}: a label is listed twice; expected one row for each label")
    return Labels(rows)


def _one_each(rows: Iterable[Label], column: str) -> dict[str, str]:
    """Return the label of each word of a column."""
    found: dict[str, str] = {}
    for row in rows:
        for word in getattr(row, column):
            if word in found:
                raise ValueError(f"labels: {word!r} maps to {found[word]} and {row.label}; expected one label")
            found[word] = row.label
    return found
