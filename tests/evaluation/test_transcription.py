"""Scores of written strings: edits against a slow form, several references, and paired comparisons."""

from functools import cache

import numpy as np
import pytest

from elman.evaluation.transcription import count_edits, score_transcriptions
from elman.evaluation.verdict import BASELINE, compare


def count_slowly(one, other):
    @cache
    def edits(left, right):
        if not left or not right:
            return len(left) + len(right)
        first = edits(left[1:], right[1:]) + (left[0] != right[0])
        return min(first, edits(left[1:], right) + 1, edits(left, right[1:]) + 1)

    return edits(tuple(one), tuple(other))


def test_edits_are_those_of_the_definition():
    random = np.random.default_rng(0)
    for _ in range(100):
        one, other = (["AH N T"[place] for place in random.integers(0, 3, random.integers(0, 7))] for _ in range(2))
        assert count_edits(one, other) == count_slowly(one, other) == count_edits(other, one)
    assert count_edits(["AH", "N"], ["AH", "M"]) == 1  # symbols, not characters


def test_rates_are_over_strings_and_over_the_symbols_of_the_nearest_references():
    answers = [[["L", "IY"]], [["R", "EH", "D"], ["R", "IY", "D"]], [["AE", "M"], ["AE", "N"]], []]
    references = [["L IY"], ["R IY D", "R EY D D"], ["AE N"], ["B AA B"]]
    report = score_transcriptions(
        answers, [[one.split() for one in known] for known in references], [None, None, None, "unknown symbols"]
    )
    assert (report.examples, report.symbols) == (4, 2 + 3 + 2 + 3)
    assert report.word_error_rate == 0.75
    assert report.symbol_error_rate == (0 + 1 + 1 + 3) / 10
    assert report.right_in_three == 0.75
    assert report.abstentions == {"unknown symbols": 1}
    assert report.to_dict()["abstained"] == 1 and "outcomes" not in report.to_dict()


def test_a_right_answer_has_no_edits_whichever_reference_it_is():
    report = score_transcriptions([[["R", "EH", "D"]]], [[["R", "IY", "D"], ["R", "EH", "D"]]])
    assert (report.word_error_rate, report.symbol_error_rate, report.right_in_three) == (0.0, 0.0, None)


def test_only_the_first_three_answers_are_looked_at():
    answers = [[[one] for one in "abcde"]] * 2
    report = score_transcriptions(answers, [[["c"]], [["d"]]])
    assert report.right_in_three == 0.5


@pytest.fixture
def many():
    random = np.random.default_rng(1)
    references = [[random.choice(list("ABCD"), 5).tolist()] for _ in range(400)]
    wrong = random.random(400) < 0.2
    answers = [[known[0] if not bad else [*known[0][:-1], "Z"]] for known, bad in zip(references, wrong, strict=True)]
    return answers, references, wrong


def test_intervals_hold_the_scores_and_narrow_with_more_strings(many):
    answers, references, wrong = many
    report = score_transcriptions(answers, references)
    assert report.word_error_rate == pytest.approx(wrong.mean())
    assert report.symbol_error_rate == pytest.approx(wrong.sum() / 2000)
    few = score_transcriptions(answers[:40], references[:40])
    for name in ("word_error_rate", "symbol_error_rate"):
        low, high = report.intervals[name]
        assert low < getattr(report, name) < high
        assert high - low < few.intervals[name][1] - few.intervals[name][0]


def test_two_models_are_compared_on_the_same_strings(many):
    answers, references, wrong = many
    perfect = score_transcriptions([[known[0]] for known in references], references)
    found = compare(perfect.outcomes, score_transcriptions(answers, references).outcomes, kind=BASELINE, name="other")
    assert (found.answer, found.difference) == ("better", pytest.approx(wrong.mean()))
    assert compare(perfect.outcomes, perfect.outcomes, kind=BASELINE, name="itself").answer == "cannot tell"


def test_strings_of_each_label_are_scored_alone():
    answers, references = [["ab"], ["b"], [], ["b"]], [["ab"], ["a"], ["cc"], ["b"]]
    report = score_transcriptions(answers, references, [None, None, "blank", None], ["Greek", "Irish", "Greek", ""])
    assert list(report.per_label) == ["Greek", "Irish"] and report.word_error_rate == 0.5
    greek = report.per_label["Greek"]
    assert greek == score_transcriptions(answers[::2], references[::2], [None, "blank"])
    assert report.to_dict()["per_label"]["Irish"]["word_error_rate"] == 1
    assert "per_label" not in greek.to_dict()
