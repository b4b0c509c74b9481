"""What a hashed split keeps back: the same parts as in memory, while all other strings are forgotten."""

import numpy as np
import pytest

from elman.data import held_back, splits
from elman.data.examples import read_examples
from elman.data.held_back import hold_back
from elman.data.splits import HASHED, split_examples
from elman.errors import SettingError
from elman.records import Example
from elman.text.normalisation import Normalisation

SHARES = {"test_share": 0.2, "validation_share": 0.1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of 12 tables, which are read one by one, with copies, spellings and rows that are dropped."""
    draw, folder = np.random.default_rng(4), tmp_path_factory.mktemp("tables")
    syllables = ["ka", "mi", "to", "né", "öl", "son", "dorf", "ov", "Ł", "ev"]
    for number in range(12):
        texts = ["".join(draw.choice(syllables, draw.integers(1, 5))) for _ in range(120)]
        rows = [f"{text},{draw.choice(['Alfa', 'Beta', 'Gamma'])}" for text in texts]
        lines = ["name,label", *rows, "Ka ,Alfa", ",Beta", "ok,", "\u200b,Alfa"]
        (folder / f"{number:02}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def in_memory(folder, seed=0):
    reading, normalisation = read_examples(folder), Normalisation()
    examples = [Example(normalisation.apply(one.text), one.label) for one in reading.examples]
    return split_examples([one for one in examples if one.text], HASHED, seed=seed, **SHARES)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("most", [40, 100_000])
def test_the_parts_are_those_of_the_split_in_memory(folder, monkeypatch, seed, most):
    monkeypatch.setattr(splits, "MOST_KEPT_BACK", most)
    monkeypatch.setattr(held_back, "LEAST_KEPT", 100)
    found, split = hold_back(folder, normalisation=Normalisation(), seed=seed, **SHARES), in_memory(folder, seed)
    assert (found.validation, found.test) == (split.validation, split.test)
    assert found.fingerprint == split.fingerprint
    trained = {label: sum(e.count for e in split.train if e.label == label) for label in ("Alfa", "Beta", "Gamma")}
    assert dict(found.trained) == trained
    assert {one.label: one.count for one in found.list_labels()} == trained


def test_rows_are_counted_as_in_memory(folder):
    found, reading = hold_back(folder, normalisation=Normalisation(), seed=0, **SHARES), read_examples(folder)
    assert (found.lines, found.repaired) == (reading.lines, reading.repaired)
    blank = {"blank": reading.dropped["blank"] + 12}  # those that have no symbol after normalisation
    assert found.dropped == {**reading.dropped, **blank}


def test_what_trains_is_forgotten(folder, monkeypatch):
    sizes, divide = [], held_back._Rows.divide

    def note(rows):
        parts = divide(rows)
        sizes.append(len(rows._kept))
        return parts

    monkeypatch.setattr(splits, "MOST_KEPT_BACK", 20)
    monkeypatch.setattr(held_back, "LEAST_KEPT", 50)
    monkeypatch.setattr(held_back._Rows, "divide", note)
    found = hold_back(folder, normalisation=Normalisation(), seed=0, **SHARES)
    assert len(sizes) > 1 and max(sizes) < 150
    assert len({e.text for e in found.test}) >= 20 > 0 and len(found.test) < 60


def test_a_part_that_was_forgotten_is_refused(folder):
    found = hold_back(folder, normalisation=Normalisation(), seed=0, **SHARES)
    assert found.part("test") == found.test
    with pytest.raises(SettingError, match="part must be one of validation, test; got 'train'"):
        found.part("train")
