"""Reading the sources: only what is expected is read, and names are tidied."""

import pickle
import re
from collections import Counter
from fractions import Fraction

import pytest

from release.origins.labels import read_labels
from release.origins.sources import Part, read_nana, read_parts, read_players, tidy

LABELS = read_labels()


def test_another_wheel_is_refused(made_up):
    with pytest.raises(ValueError, match="expected SHA-256 cf6c45de"):
        list(read_nana(made_up.wheel, LABELS, Counter()))


def test_a_pickle_with_a_class_is_refused(make_wheel):
    wheel, sha256 = make_wheel({"Kari Nordmann": Fraction(1, 2)})
    with pytest.raises(pickle.UnpicklingError, match=re.escape("found fractions.Fraction")):
        list(read_nana(wheel, LABELS, Counter(), sha256=sha256))


def test_names_of_nana_have_labels_and_what_has_none_is_counted(made_up):
    unmapped = Counter()
    rows = list(read_nana(made_up.wheel, LABELS, unmapped, sha256=made_up.sha256))
    assert [(row.name, row.label) for row in rows] == [
        ("Kari Nordmann", "Norwegian"),
        ("Nordmann Kari", "Norwegian"),
        ("Ola Nordmann", "Norwegian"),
        ("John Doe", "English"),
        ("John Doe", "English"),
        ("Matti Meikäläinen", "Finnish"),
    ]
    assert unmapped == {"American": 1}


def test_players_have_the_label_of_their_country(made_up):
    unmapped = Counter()
    rows = list(read_players(made_up.data / "openfootball-players.tsv", "openfootball", LABELS, unmapped))
    assert [(row.label, row.source, row.kind) for row in rows] == [
        ("Norwegian", "openfootball", "full"),
        ("Spanish", "openfootball", "full"),
    ]
    assert unmapped == {"Australia": 1}


def test_parts_of_locales_without_a_label_are_counted(made_up):
    unmapped = Counter()
    parts = read_parts(made_up.data / "faker-names.tsv", LABELS, unmapped)
    assert Part("Kari", "nb_NO", "forename") in parts
    assert unmapped == {"en": 2}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Henry Lee II", "Henry Lee"),
        ("Sir Robert Roe", "Robert Roe"),
        ("Ann and Ben", ""),
        ("Mia+3", ""),
        ("  Élodie   Roe ", "Élodie Roe"),
        ("12", ""),
    ],
)
def test_ranks_nicknames_and_what_is_no_person_are_removed(text, name):
    assert tidy(text) == name


def test_georgian_parts_are_read_in_both_scripts(tmp_path):
    (tmp_path / "parts.tsv").write_text("ჭიღლაძე\tka_GE\tsurname\tfaker-test\n", encoding="utf-8")
    parts = read_parts(tmp_path / "parts.tsv", LABELS, Counter())
    assert {part.text for part in parts} == {"ჭიღლაძე", "Chighladze"}


def test_a_copied_list_is_not_read(tmp_path):
    lines = "García\tes_ES\tsurname\tfaker-php\nPons\tes_ES\tsurname\tfaker-python\n"
    (tmp_path / "parts.tsv").write_text(lines, encoding="utf-8")
    unmapped = Counter()
    assert [part.text for part in read_parts(tmp_path / "parts.tsv", LABELS, unmapped)] == ["Pons"]
    assert unmapped == {"es_ES": 1}
