"""The figures of origins: answers, familiarity, lists of other sources, fastText, and the command that measures all."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import elman
from elman.model.hierarchy import Levels
from release.origins import card, measure
from release.origins.figures.answers import Answers, ask_model, length_of, score_groups, score_labels, score_names
from release.origins.figures.lists import balance, read_lists, read_surnames
from release.origins.figures.novelty import compare_familiarity
from release.origins.figures.rival import Rival, train_rival
from release.origins.labels import read_labels
from release.origins.rows import key_of, make_row

LABELS = ("Finnish", "Japanese", "Polish")
THREE = Answers(np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.4, 0.4, 0.2]]), LABELS, (None, None, "blank"))


class Even:
    """Stands for fastText's model: answers that depend on the length of a name alone."""

    def predict(self, lines, k):
        chances = [np.roll([0.5, 0.3, 0.2], len(line)) for line in lines]
        return [["__label__0", "__label__1", "__label__2"]] * len(lines), chances


@pytest.fixture
def rival():
    """A rival that learned nothing."""
    return Rival(Even(), LABELS, np.array([0.5, 0.3, 0.2]))


def test_a_name_without_an_answer_is_wrong():
    scores = score_names(THREE, np.array([0, 2, 0]))
    assert scores["top_1"]["value"] == pytest.approx(1 / 3) and scores["top_3"]["value"] == pytest.approx(2 / 3)


def test_regions_sum_the_probabilities_of_their_labels():
    levels = Levels(("origin", "region"), (("north", "east", "north"),))
    found = score_labels(THREE, np.array([2, 1, 0]), levels, draws=0)
    # The first is right by region alone, the second by label alone: its regions are equal, and the first one counts.
    assert found["region"]["value"] == found["top_1"]["value"] == pytest.approx(1 / 3)
    assert THREE.sum_levels(levels, "region").probabilities[1].tolist() == [0.5, 0.5]


def test_taking_the_prior_out_changes_the_first_answer():
    even = THREE.divide(np.array([0.8, 0.1, 0.1]))
    assert even.probabilities.sum(axis=1) == pytest.approx(1)
    assert even.rank(np.array([1, 1, 1])).tolist() == [0, 0, 3]


def test_groups_come_in_the_order_of_their_sizes():
    rows = score_groups({"elman": THREE}, np.array([0, 2, 0]), ["Latin", "Greek", "Latin"])
    assert [(row["group"], row["names"], row["elman"]["top_1"]["value"]) for row in rows] == [
        ("Latin", 2, 0.5),
        ("Greek", 1, 0.0),
    ]


def test_long_names_have_a_class_of_their_own():
    assert length_of(make_row("a" * 30, "Polish", "nana", "part")) == "25 and more"


def test_strings_that_are_refused_count_as_the_least_familiar(finished, trained):
    predictor = elman.load(finished)
    known = [row.name for row in trained.parts["test"]]
    found = compare_familiarity(predictor, known, ["null", "N/A", "qwqwqwq"], ["missing", "missing", "noise"])
    assert found["refused"] == {"known": 0, "unknown": 2}
    assert found["area"] > 0.9 and found["kinds"][0] == {"group": "missing", "names": 2, "area": 1.0, "abstained": 1.0}
    assert set(found["measures"]) == {"confidence", "energy", "likelihood", "known", "familiar"}


def test_a_model_without_familiarity_is_refused(trained):
    with pytest.raises(ValueError, match="finish it"):
        predictor = elman.load(trained.run)
        predictor.artifact.__dict__["familiarity"] = None
        compare_familiarity(predictor, ["a"], ["b"])


def test_lists_have_labels_and_join_names_as_people_write_them(lists):
    found = read_lists(lists, read_labels())
    japanese = {row.name for row in found["mimesis"] if row.label == "Japanese"}
    assert any(name.startswith("鈴木") for name in japanese) and not any("(" in name for name in japanese)
    assert {row.script for row in found["mimesis"] if row.label == "Japanese"} == {"Han"}


def test_a_forename_has_the_country_where_it_is_most_frequent(lists):
    forenames = read_lists(lists, read_labels())["forenames"]
    # Ann is as frequent in two countries, Rzy's line repeats another one, Bud's country is no origin, Uwe is rare.
    assert [(row.name, row.label) for row in forenames] == [("Ewa", "Polish")]


def test_surnames_of_a_shared_script_accept_all_of_its_countries(lists):
    found = {one.script: one for one in read_surnames(lists, read_labels())}
    assert found["Han (Japanese)"].names == ("佐藤", "脇本") and found["Hebrew"].names == ("כהן", "לוי")
    assert {"Egyptian", "Moroccan"} < set(found["Arabic (Arab countries)"].accepted)


def test_a_surname_is_right_at_each_level_if_the_origin_lies_there(finished):
    artifact = elman.load(finished).artifact
    groups = measure.name_groups(artifact, ("Japanese", "Polish", "Taiwanese"))
    assert groups["origin"] == {"Japanese", "Polish", "Taiwanese"}
    assert groups["region"] == {"Eastern Asia", "Eastern Europe"} and groups["continent"] == {"Asia", "Europe"}


def test_a_missing_package_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="mimesis"):
        read_lists(tmp_path, read_labels())


def test_a_balanced_list_has_no_name_of_the_training_data_and_none_with_two_labels():
    rows = [
        make_row(f"{first}{'abcdefghijklmnop'[place]} Kora", "Polish", "x", "full")
        for place in range(16)
        for first in "AO"
    ]
    both = [make_row("Ilo Ewa", label, "x", "full") for label in ("Polish", "Finnish")]
    few = [make_row(f"Few {'abc'[place]}", "Japanese", "x", "full") for place in range(3)]
    kept = balance([*rows, *both, *few], {key_of("Kora AA")}, LABELS, most=20)
    assert len(kept) == 20 and {row.label for row in kept} == {"Polish"}
    assert key_of("Aa Kora") not in {key_of(row.name) for row in kept} and kept == balance(
        [*few, *both, *reversed(rows)], {key_of("Kora AA")}, LABELS, most=20
    )


def test_fasttext_gets_the_same_rows_shuffled_and_is_kept(trained, tmp_path, monkeypatch):
    seen = []

    class Fake(Even):
        def save_model(self, path):
            Path(path).write_text("model")

    def train_supervised(path, **settings):
        seen.append((Path(path).read_text("utf-8").splitlines(), settings))
        return Fake()

    module = SimpleNamespace(train_supervised=train_supervised, load_model=lambda path: Even())
    monkeypatch.setitem(sys.modules, "fasttext", module)
    rows = trained.parts["train"]
    rival = train_rival(rows, LABELS, tmp_path, dim=8)
    lines, settings = seen[0]
    written = [f"__label__{LABELS.index(row.label)} {row.name}" for row in rows]
    assert sorted(lines) == sorted(written) and lines != written and settings["dim"] == 8
    assert rival.shares == pytest.approx([1 / 3] * 3) and not list(tmp_path.glob("*.txt"))
    assert isinstance(train_rival(rows, LABELS, tmp_path, dim=8).model, Even) and len(seen) == 1
    train_rival(rows, LABELS, tmp_path, dim=16)
    assert len(seen) == 2  # other settings are another model
    found = rival.ask(["ab", "abc"])
    assert found.probabilities.argmax(axis=1).tolist() == [2, 0] and found.answered.all()


def test_a_missing_fasttext_is_named(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(ModuleNotFoundError, match="pip install"):
        train_rival(trained.parts["train"], LABELS, tmp_path)


def test_one_command_measures_everything_and_the_card_has_its_figures(
    finished, trained, lists, rival, tmp_path, monkeypatch
):
    from release.origins.build import write

    held = {**trained.parts, "held_out": trained.parts["test"], "left_out": trained.parts["test"][:30]}
    write(held, {}, tmp_path / "held")
    monkeypatch.setattr(measure, "train_rival", lambda rows, labels, folder, **settings: rival)
    monkeypatch.setattr(measure, "SIZES", (50,))
    pair = [str(tmp_path / "held"), str(finished)]
    command = ["measure.py", "--model", str(finished), "--built", str(trained.built), "--out", str(tmp_path / "out")]
    more = ["--held-out", *pair, "--left-out", *pair, "--lists", str(lists), "--mixtures", "2"]
    monkeypatch.setattr(sys, "argv", [*command, *more])
    measure.main()
    figures = json.loads((tmp_path / "out" / "figures.json").read_text("utf-8"))
    own = figures["own"]["elman"]
    report = elman.load(finished).artifact.provenance["figures"]["test"]
    assert own["top_1"]["value"] == pytest.approx(report["accuracy"])
    assert own["macro_f1"]["value"] == pytest.approx(report["macro_f1"])
    assert figures["lists"]["nana"]["model"]["elman"]["top_1"]["value"] > 0.8
    assert set(figures["lists"]) == {"faker", "nana", "mimesis"}  # the other list has too few names of each origin
    assert figures["shares"][0]["error"]["elman"] < 20
    tables = (tmp_path / "out" / "figures.md").read_text("utf-8")
    assert f"| first answer | {100 * own['top_1']['value']:.1f} (" in tables and "Not measured" not in tables
    text = card.write_card(figures, json.loads((trained.built / "counts.json").read_text("utf-8")))
    assert f"| Polish | PL | Eastern Europe | 300 | 60 | {100 * own['labels']['Polish']['recall']:.0f} | 100 |" in text
    assert "- NaNa: American 3." in text and figures["model"]["digest"] in text and "{" not in text


def test_what_was_not_measured_is_said(finished, trained, rival, tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "train_rival", lambda rows, labels, folder, **settings: rival)
    command = ["measure.py", "--model", str(finished), "--built", str(trained.built), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [*command, "--mixtures", "0"])
    measure.main()
    tables = (tmp_path / "figures.md").read_text("utf-8")
    assert tables.count("Not measured.") == 3 and "| origins that the network did not learn | – |" in tables


def test_the_model_answers_in_the_order_of_the_names(finished):
    answers = ask_model(elman.load(finished), ["akiko sata", "", "nenala tuukko"])
    assert answers.answered.tolist() == [True, False, True]
    assert [LABELS[place] for place in answers.probabilities.argmax(axis=1)[[0, 2]]] == ["Japanese", "Finnish"]
