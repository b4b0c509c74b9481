"""Evidence: what training contained decides which strings a model reads."""

import pytest

from elman.records import Example
from elman.text.evidence import evidence_of, find_evidence
from elman.text.vocabulary import Vocabulary

NAMES = [Example(f"a{'b' * k}", "name") for k in range(20)]
LETTERS = Vocabulary(("1", "2", "a", "b"))


def digits(count: int, label: str) -> list[Example]:
    return [Example(str(k), label) for k in range(count)]


@pytest.mark.parametrize(
    ("examples", "evidence"),
    [
        (NAMES, "letters"),
        ([*NAMES, *digits(5, "number")], "all"),
        ([*NAMES, *digits(2, "number")], "all"),  # a label of its own, however small
        ([*NAMES, *digits(3, "name")], "all"),  # 3 of 23
        ([*NAMES, *digits(2, "name")], "letters"),  # 2 of 22: junk
        ([*NAMES, *digits(1, "number")], "letters"),
        ([*NAMES, Example("a-17", "part"), Example("b2", "part")], "letters"),
        ([], "letters"),
    ],
)
def test_strings_without_letters_are_evidence_if_a_label_has_enough_of_them(examples, evidence):
    assert evidence_of(examples, LETTERS) == evidence
    assert evidence_of(reversed(examples), LETTERS) == evidence


def test_without_letters_in_the_vocabulary_all_symbols_are_evidence():
    assert evidence_of(NAMES, Vocabulary(("1", "-"))) == "all"
    assert find_evidence(Vocabulary(("1", "-")), "letters").tolist() == [False, True, True]


def test_the_unknown_symbol_is_never_evidence():
    for evidence in ("letters", "all"):
        assert not find_evidence(LETTERS, evidence)[0]
        assert find_evidence(Vocabulary(()), evidence).tolist() == [False]
    assert find_evidence(LETTERS, "letters").tolist() == [False, False, False, True, True]
    assert find_evidence(LETTERS, "all").tolist() == [False, True, True, True, True]
