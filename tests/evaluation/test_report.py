"""The report of a run in Markdown has the figures, the facts and the pictures of ``report.json``."""

import pytest

from elman.evaluation.report import write_report

SPLIT = {"kind": "grouped", "seed": 3, "train": 1200, "validation": 60, "test": 120, "fingerprint": "f" * 64}
SCORES = {"examples": 120, "symbol_accuracy": 0.5, "string_accuracy": 0.25, "nll": 0.125}
VALUES = {
    "name": "tiny",
    "verdict": "The model beats the baseline.",
    "labels": ["x", "y"],
    "test": SCORES,
    "validation": {**SCORES, "nll": 0.25},
    "baseline": {**SCORES, "nll": None},
    "remarks": ["A remark."],
    "pictures": {"answers.png": "Answers"},
    "seconds": 12.4,
    "epochs": 7,
    "complete": True,
    "parameters": 12345,
    "data": {"source": "made up", "lines": 1400, "dropped": {"blank": 20}, "repaired": {}},
    "split": {**SPLIT, "notes": ["a note"]},
}


def test_the_table_has_the_scores_of_both_parts_and_of_the_baseline():
    text = write_report(VALUES)
    assert "| | test | baseline, test | validation |\n|---|---:|---:|---:|\n" in text
    assert "| symbols right | 50.0 % | 50.0 % | 50.0 % |\n" in text
    assert "| negative log-likelihood | 0.125 nats | – | 0.250 nats |\n" in text


def test_what_was_learned_by_heart_has_one_part():
    text = write_report({**VALUES, "split": {**VALUES["split"], "kind": "none"}})
    assert "| | all examples | baseline, all examples |\n|---|---:|---:|\n" in text
    assert "0.250 nats" not in text and "test part" not in text
    assert "- Split: none, seed 3: 1,200 examples, the same to train, to validate and to test;" in text


def test_the_facts_are_listed():
    text = write_report(VALUES)
    for fact in (
        "A remark.",
        "Split: grouped, seed 3: 1,200 to train, 60 to validate, 120 to test; fingerprint ffffffffffffffff.",
        "Data: made up, 1,400 lines; dropped: 20 blank; repaired: none.",
        "12,345 parameters; 7 epochs in 12 seconds.",
        "a note.",
    ):
        assert f"\n- {fact}\n" in text
    assert text.startswith("# tiny\n\nThe model beats the baseline.\n")


def test_the_pictures_are_linked():
    text = write_report(VALUES)
    assert text.endswith("\n![Loss and accuracy by epoch](curves.png)\n![Answers](answers.png)\n")


@pytest.mark.parametrize("complete", [True, False])
def test_a_run_that_was_stopped_early_says_so(complete):
    assert ("stopped early" in write_report({**VALUES, "complete": complete})) is not complete


def test_each_label_has_a_row():
    scores = {"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 4}
    text = write_report({**VALUES, "test": {**SCORES, "per_label": {"Dutch": scores}}})
    assert text.endswith("\n| Dutch | 4 | 50 % | 100 % | 67 % |\n")


def test_abstentions_on_the_test_part_are_a_fact():
    abstained = {"no letters: nothing to read": 3, "too long: more than 200": 1}
    text = write_report({**VALUES, "test": {**SCORES, "abstentions": abstained}})
    fact = "the model abstains for 4 of 120 examples (3 no letters, 1 too long), which count as wrong"
    assert f"\n- On the test part {fact}.\n" in text
    assert "abstains" not in write_report({**VALUES, "test": {**SCORES, "abstentions": {}}})


def test_many_labels_have_three_short_tables():
    scores = {"precision": 0.5, "recall": 1.0, "support": 4}
    per_label = {f"label {k:04}": {**scores, "f1": k / 5000, "support": 5000 - k} for k in range(5000)}
    text = write_report({**VALUES, "test": {**SCORES, "per_label": per_label}})
    assert "`report.json` has the scores of all 5,000 labels." in text
    assert text.count("| label | examples |") == 3
    assert text.count("\n| label 0000 | 5,000 |") == 2  # the largest, and the worst
    assert "\n| label 4999 | 1 |" in text
    assert len(text.splitlines()) < 90


def test_labels_that_are_too_rare_are_listed_by_the_parts_that_they_are_missing_in():
    incomplete = {"Irish": ["validation", "test"], "Arabic": ["validation", "test"], "Welsh": ["validation"]}
    text = write_report({**VALUES, "incomplete_labels": incomplete})
    assert "- none in the validation or test part: Irish, Arabic.\n- none in the validation part: Welsh.\n" in text
    many = write_report({**VALUES, "incomplete_labels": {str(k): ["test"] for k in range(5000)}})
    assert "98, 99 and 4,900 others, in `report.json`." in many


def test_a_report_of_a_model_that_writes_shows_samples_by_label():
    from elman.evaluation.report import _write_samples

    assert _write_samples({}) == []
    assert _write_samples({"Greek": ["pap|as", "nikos"], "": ["emma"]}) == [
        "",
        "## What the model writes",
        "",
        "Greek: pap\\|as, nikos",
        "",
        "emma",
    ]
