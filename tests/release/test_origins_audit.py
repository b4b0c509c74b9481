"""The audit: a label is doubted by names that the model was not trained on, and only training names are dropped."""

import json
import random
import sys

import pytest

from release.origins import audit, build
from release.origins.audit import Doubt, Kinship, cross_fit, is_doubtful
from release.origins.labels import read_labels
from release.origins.rows import PARTS, make_row

KINSHIP = Kinship(read_labels())
JAPANESE = ["aki", "ko", "mi", "sa", "ta", "na", "yo", "shi", "ha", "ro"]
POLISH = ["szcz", "wski", "czy", "rzy", "ewa", "jano", "niew", "dzia"]


def make_names(syllables, label, count, rng):
    """Return invented names of a label."""
    words = ["".join(rng.choices(syllables, k=3)) for _ in range(2 * count)]
    return [make_row(f"{a} {b}", label, "nana", "full") for a, b in zip(words[::2], words[1::2], strict=True)]


@pytest.fixture
def small(monkeypatch):
    """Small models."""
    monkeypatch.setattr(audit, "BUCKETS", 2**12)
    monkeypatch.setattr(audit, "BATCH", 32)


@pytest.fixture
def rows():
    """Names of two origins, one of them with the wrong label."""
    rng = random.Random(0)
    japanese = make_names(JAPANESE, "Japanese", 200, rng)
    return [japanese[0]._replace(label="Polish"), *japanese[1:], *make_names(POLISH, "Polish", 100, rng)]


def test_the_model_doubts_the_wrong_label(small, rows):
    doubts = cross_fit(rows, 0, epochs=3)
    assert doubts[0].best == "Japanese" and doubts[0].stored < 0.1
    assert sum(doubt.best == row.label for row, doubt in zip(rows, doubts, strict=True)) > 290


def test_doubts_are_the_same_for_the_same_seed(small, rows):
    assert cross_fit(rows, 0, epochs=1) == cross_fit(rows, 0, epochs=1)


def test_the_bag_is_a_mean_of_ngrams_inside_words(small):
    bags = audit.bag(["ab cd", "ab"])
    assert [bag.sum() for bag in bags] == pytest.approx([1, 1])
    # 1: 4 letters, 2: 2 inside and 4 at borders, 3: 4 with one border, 4: 2 with both, 2 words and a pair
    assert len(audit.bag(["ab cd"]).data) <= 19
    assert set(audit.bag(["ab"]).indices) < set(audit.bag(["ab cd"]).indices)
    assert set(audit.bag(["ab"]).indices) == set(bags[1].indices)


@pytest.mark.parametrize(
    ("label", "source", "doubt", "doubtful"),
    [
        ("Polish", "nana", Doubt(0.001, "Japanese", 0.95), True),
        ("Polish", "nana", Doubt(0.05, "Japanese", 0.95), False),
        ("Polish", "openfootball", Doubt(0.05, "Japanese", 0.95), True),
        ("Polish", "openfootball", Doubt(0.05, "Japanese", 0.85), False),
        ("Polish", "nana", Doubt(0.001, "Russian", 0.95), False),  # one subregion
        ("Swiss", "openfootball", Doubt(0.001, "Italian", 0.95), False),  # one tradition
    ],
)
def test_the_rule(label, source, doubt, doubtful):
    assert is_doubtful(make_row("A B", label, source, "full"), doubt, KINSHIP) == doubtful


def test_a_tradition_with_an_unknown_label_is_refused(tmp_path):
    path = tmp_path / "traditions.txt"
    path.write_text("Dutch; Atlantean\n", encoding="utf-8")
    with pytest.raises(ValueError, match="found Atlantean"):
        Kinship(read_labels(), path)


def test_doubtful_names_are_dropped_from_training_alone(small, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "cross_fit", lambda rows, seed: [Doubt(0.0, "Greek", 1.0)] * len(rows))
    parts = dict(zip(PARTS, (rows[:5], rows[5:7], rows[7:9]), strict=True))
    build.write(parts, {"unmapped": {}, **build.count(parts)}, tmp_path / "built")
    monkeypatch.setattr(sys, "argv", ["audit", "--built", str(tmp_path / "built"), "--out", str(tmp_path / "out")])
    audit.main()
    counts = json.loads((tmp_path / "out" / "counts.json").read_text("utf-8"))
    assert counts["rows"] == {"train": 0, "validation": 2, "test": 2}
    assert counts["doubtful"]["part"] == {"train": 5, "validation": 2, "test": 2}
    assert audit.read_rows(tmp_path / "out" / "test.csv") == rows[7:9]
    assert len((tmp_path / "out" / "doubtful.tsv").read_text("utf-8").splitlines()) == 10


def test_names_of_one_word_are_never_doubtful():
    row = make_row("Jonas", "Belgian", "faker", "part")
    assert not is_doubtful(row, Doubt(0.0, "Lithuanian", 1.0), KINSHIP)
    assert is_doubtful(row._replace(kind="full"), Doubt(0.0, "Lithuanian", 1.0), KINSHIP)


def test_the_judged_sample_adds_up():
    judged = json.loads((audit.TRADITIONS.with_name("judged.json")).read_text("utf-8"))
    assert sum(sum(counts.values()) for counts in judged["judged"].values()) == judged["sample"]
