"""Evidence: the symbols that an answer can rest on.

A model of names does not read ``42`` or ``-``, although digits and hyphens occur inside names. A model that has learned
strings without letters, such as part numbers, reads them. The training part decides, and the model file keeps it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from elman.records import UNKNOWN, Example
from elman.text.scripts import has_letter
from elman.text.vocabulary import Vocabulary

LETTERS, ALL = "letters", "all"
EVIDENCE = (LETTERS, ALL)
"""Which known symbols are evidence: letters, or all of them."""

LETTERLESS = 0.1
"""The least share of strings without a letter, among those of one label, with which all symbols are evidence."""


def evidence_of(examples: Iterable[Example], vocabulary: Vocabulary) -> str:
    """Return the evidence of a model that answers with labels.

    All symbols are evidence if the vocabulary has no letter, or if one of the labels has at least two strings without a
    letter that are at least a tenth of its strings. A few such strings are junk that no model should answer.

    Args:
        examples: the training part, normalised.
        vocabulary: of the model.

    >>> parts, names = ("a-17", "3310", "007"), ("abe", "bo")
    >>> examples = [*(Example(text, "part") for text in parts), *(Example(text, "name") for text in names)]
    >>> evidence_of(examples, Vocabulary(("a", "b"))), evidence_of(examples[3:], Vocabulary(("a", "b")))
    ('all', 'letters')
    """
    strings: Counter[str] = Counter()
    letterless: Counter[str] = Counter()
    for example in examples:
        strings[example.label] += 1
        letterless[example.label] += not has_letter(example.text)
    return judge_evidence(strings, letterless, vocabulary)


def judge_evidence(strings: Mapping[str, int], letterless: Mapping[str, int], vocabulary: Vocabulary) -> str:
    """Return what `evidence_of` does, given counts.

    Args:
        strings: training examples of each label.
        letterless: how many of them have no letter.
        vocabulary: of the model.
    """
    is_learned = any(2 <= count >= LETTERLESS * strings[label] for label, count in letterless.items())
    return ALL if is_learned or not has_letter("".join(vocabulary.symbols)) else LETTERS


def find_evidence(vocabulary: Vocabulary, evidence: str) -> NDArray[np.bool_]:
    """Return which symbol ids are evidence, (V,), bool; letters are, if the vocabulary has any, or all known symbols.

    >>> find_evidence(Vocabulary(("'", "a")), "letters").tolist(), find_evidence(Vocabulary(("'",)), "letters").tolist()
    ([False, False, True], [False, True])
    """
    letters = np.array([False, *map(str.isalpha, vocabulary.symbols)])
    return letters if evidence == LETTERS and letters.any() else np.arange(len(letters)) > UNKNOWN
