"""Predictions and explanations are sentences."""

from typing import Any

import pytest

SPACE = "\u00a0"  # no line ends at it
LETTERS = [
    {"letter": " ", "evidence": 4, "forwards": {"X": 0.25, "Y": 0.75}, "backwards": {"X": 1, "Y": 0}},
    {"letter": "b", "evidence": -1, "forwards": {"X": 1, "Y": 0}, "backwards": {"X": 0.5, "Y": 0.5}},
]
PLAIN = {"label": None, "probability": None, "reason": None, "unknown": [], "transliterated": False, "top": []}
GREEK = {"label": "Greek", "probability": 0.9, "top": [{"label": "Greek", "probability": 0.9}]}


def text_of(sentence: list[Any]) -> str:
    parts = [part if isinstance(part, str) else next(iter(part.values())) for part in sentence]
    return "".join(parts).replace(SPACE, " ")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (GREEK, "Elman reads this as Greek, 90.0 %."),
        ({**GREEK, "probability": 0.99999}, "Elman reads this as Greek, over 99.9 %."),
        ({**GREEK, "probability": 0.3}, "Elman is unsure: Greek is its best guess, 30.0 %."),
        ({"value": 12.5}, "Elman answers 12.5000."),
        ({**GREEK, "reason": "unsure: …"}, "Elman abstains: its best guess, Greek, reaches only 90.0 %."),
        ({"reason": "no letters: there is nothing"}, "Elman does not answer: no letters."),
    ],
)
def test_an_answer_is_a_sentence(run, answer, text):
    sentence = run("words", "({ describeAnswer }, prediction) => describeAnswer(prediction)", {**PLAIN, **answer})
    assert text_of(sentence) == text


@pytest.mark.parametrize(
    ("answer", "doubts"),
    [
        (GREEK, ["The spelling is what counts, not the person."]),
        ({"reason": "no letters: there is: nothing"}, ["There is: nothing."]),
        (
            {
                **GREEK,
                "reason": "unsure",
                "script": "Cyrillic",
                "normalised": "iva7",
                "transliterated": True,
                "unknown": "78",
            },
            ["It read the Cyrillic letters as iva7.", "It does not know 7, 8; the answer depends on the rest."],
        ),
        ({"value": 1.5}, []),
    ],
)
def test_doubts_are_sentences(run, answer, doubts):
    prediction = {**PLAIN, **answer, "unknown": list(answer.get("unknown", ""))}
    sentences = run("words", "({ describeDoubts }, prediction) => describeDoubts(prediction)", prediction)
    assert [text_of(sentence) for sentence in sentences] == doubts


@pytest.mark.parametrize(
    ("letter", "evidence", "text"),
    [
        ("a", 0.01, "Without it the answer would be nearly the same: it says little for or against X."),
        ("a", 1, "Without it the odds of X would be 2.7 times smaller: it speaks for X."),
        ("a", -9, "Without it the odds of X would be 8,103 times greater: it speaks against X."),
        ("7", 9, "Elman has never seen this symbol."),
    ],
)
def test_the_weight_of_a_letter_is_a_sentence(run, letter, evidence, text):
    function = "({ describeWeight }, letter) => describeWeight(letter, 'X', new Set(['7']))"
    assert run("words", function, {"letter": letter, "evidence": evidence}) == text


def test_a_letter_is_described_with_its_place_and_both_courses(run):
    function = "({ describeLetter }, explanation) => describeLetter(explanation, 0, new Set())"
    assert run("words", function, {"letters": LETTERS, "label": "X"}).replace(SPACE, " ") == (
        "space, 1 of 2. If the name ended here: Y 75 %. If it began here: X 100 %. "
        "Without it the odds of X would be 55 times smaller: it speaks for X."
    )


def test_a_list_is_summarised_by_its_most_frequent_answers(run):
    labels = [*"AABBBCDEFGH", None]
    predictions = [{"label": label, "abstained": label is None} for label in labels]
    function = "({ summarise }, predictions) => [summarise(predictions, 1000), summarise(predictions, 10)]"
    first, second = run("words", function, predictions)
    assert first == "12 names, 1 abstained. B 3 · A 2 · C 1 · D 1 · E 1 · F 1 · 2 more"
    assert second == f"{first} The first 10 are shown; the CSV has all."
