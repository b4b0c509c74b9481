"""Names from the parts of the Fakers: both parts from one part of the split, in the order of the locale."""

import re
from collections import Counter

import pytest

from release.origins.drawing import DRAWN, fits, labels_of, patronymics, read_drawn
from release.origins.labels import read_labels
from release.origins.rows import key_of, part_of
from release.origins.sources import FAKER, Part, read_parts

LABELS = read_labels()


@pytest.fixture
def drawn(made_up):
    """The rows drawn from the made-up parts, with the part of the split of each."""
    parts = read_parts(made_up.data / FAKER, LABELS, Counter())
    return list(read_drawn(parts, LABELS, {}, seed=0))


def test_the_same_seed_draws_the_same_names(made_up, drawn):
    parts = read_parts(made_up.data / FAKER, LABELS, Counter())
    assert list(read_drawn(parts, LABELS, {}, seed=0)) == drawn
    assert list(read_drawn(parts, LABELS, {}, seed=1)) != drawn


def test_both_words_of_a_drawn_name_are_in_its_part_of_the_split(drawn):
    full = [(where, row.name) for where, row in drawn if row.kind == "full" and row.label == "Norwegian"]
    assert len(full) > 10
    assert all(part_of(key_of(word)) == where for where, name in full for word in name.split())


def test_japanese_names_have_the_family_name_first(drawn):
    names = [row.name for _, row in drawn if row.label == "Japanese" and row.kind == "full"]
    assert len(names) > 5
    assert all(re.match("佐藤|鈴木|高橋|田中|伊藤|渡辺|山本|中村|小林|加藤", name) for name in names)
    assert any(" " not in name for name in names)


def test_family_names_of_one_character_are_taught_and_stand_in_all_parts_of_the_split():
    surnames, forenames = (
        "김이박최정강조윤장임",
        [f"{one}{two}" for one in "민서지현예수하도" for two in "준윤호연우진영아은원빈희"],
    )
    parts = [Part(name, "ko_KR", "surname") for name in surnames]
    parts += [Part(name, "ko_KR", "forename") for name in forenames]
    rows = list(read_drawn(parts, LABELS, {}, seed=0))
    alone = {row.name: where for where, row in rows if row.kind == "part" and row.name in surnames}
    assert alone == dict.fromkeys(surnames, "train")
    full = [(where, re.fullmatch("(.) ?(..)", row.name)) for where, row in rows if row.kind == "full"]
    assert {where for where, _ in full} == {"train", "validation", "test"}
    assert all(found[1] in surnames and part_of(key_of(found[2])) == where for where, found in full)
    assert len({found[1] for where, found in full if where == "test"}) > 3


def test_names_with_a_letter_of_their_own_are_all_taught_and_shared_ones_by_people():
    words = [f"{one}{two}" for one in "абвгд" for two in "аеиоуклмнпрст"]
    parts = [Part(word, locale, role) for word in words for locale in ("ru_RU", "mk_MK") for role in ("forename",)]
    parts += [Part(f"ѓ{word}", "mk_MK", "forename") for word in words]
    names = [row.name for _, row in read_drawn(parts, LABELS, {}, seed=0) if row.label == "Macedonian"]
    own = sum(name.startswith("ѓ") for name in names)
    assert own == len(words) and 0 < len(names) - own < 0.4 * len(words)


def test_a_key_of_another_part_of_the_split_is_not_drawn(made_up, drawn):
    parts = read_parts(made_up.data / FAKER, LABELS, Counter())
    where, row = next(pair for pair in drawn if pair[1].kind == "full")
    other = "test" if where == "train" else "train"
    again = list(read_drawn(parts, LABELS, {key_of(row.name): other}, seed=0))
    assert row not in [row for _, row in again]


def test_no_label_has_more_drawn_names_than_the_limit():
    parts = [Part(f"F{number}", "nb_NO", "forename") for number in range(300)]
    parts += [Part(f"S{number}", "nb_NO", "surname") for number in range(300)]
    counts = Counter(where for where, row in read_drawn(parts, LABELS, {}, seed=0) if row.kind == "full")
    assert counts == DRAWN


def test_arabic_without_a_country_is_spread_over_the_arab_origins(drawn):
    labels = {row.label for _, row in drawn if row.script == "Arabic"}
    assert labels <= set(LABELS.locales["ar_AA"]) and len(labels) > 3
    assert len(labels_of(Part("أمين", "ar_AA", "forename"), LABELS, 0)) == 2


def test_english_forenames_are_not_taught_alone_in_africa_and_asia():
    parts = [Part("Mary", "en", "forename"), Part("Mary", "en_KE", "forename"), Part("Wanjiru", "en_KE", "forename")]
    assert [row.name for _, row in read_drawn(parts, LABELS, {}, seed=0)] == ["Wanjiru"]


@pytest.mark.parametrize(
    ("forename", "surname", "locale", "fit"),
    [
        ("Jana", "Nováková", "cs_CZ", True),
        ("Jan", "Nováková", "cs_CZ", False),
        ("Jana", "Novák", "cs_CZ", False),
        ("Jonas", "Kazlauskas", "lt_LT", True),
        ("Ona", "Kazlauskas", "lt_LT", False),
        ("Sigríður", "Helgason", "is_IS", False),
        ("Helgi", "Jónsson", "is_IS", True),
        ("Maria", "Rossi", "it_IT", True),
    ],
)
def test_surnames_fit_the_forename(forename, surname, locale, fit):
    assert fits(forename, surname, locale) == fit


@pytest.mark.parametrize(
    ("forename", "son"),
    [
        ("Helgi", "Helgason"),
        ("Jón", "Jónsson"),
        ("Pétur", "Pétursson"),
        ("Sigurður", "Sigurðarson"),
        ("Magnús", "Magnússon"),
    ],
)
def test_patronymics_are_genitives(forename, son):
    assert patronymics(forename)[0] == son
