"""Workers: processes answer as one process does, in the order given, and end when they should."""

import os
import signal

import numpy as np
import pytest
from test_sharing import SMALL, random_strings, scorers

from elman import workers
from elman.errors import SettingError, WorkerError
from elman.scorer import Scorer
from elman.sequences import EncodedStrings

STRINGS = EncodedStrings.gathered([np.array(ids) for ids in random_strings(400)])


@pytest.fixture
def scorer():
    built = Scorer(SMALL, scorers(SMALL)[0].tensors)
    yield built
    built.close()


def processes_of(scorer):
    return scorer._workers._end.peek()[2][0]


@pytest.mark.parametrize("count", [2, 3])
def test_processes_answer_as_one_does_and_in_order(scorer, monkeypatch, count):
    monkeypatch.setattr(workers, "SHARE", 90)
    np.testing.assert_allclose(scorer.logits(STRINGS, processes=count), scorer.logits(STRINGS), rtol=1e-5, atol=1e-5)
    labels, chances = scorer.best(STRINGS, top=2, temperature=1.5, processes=count)
    expected, expected_chances = scorer.best(STRINGS, top=2, temperature=1.5)
    np.testing.assert_allclose(chances, expected_chances, rtol=0, atol=1e-6)
    assert (labels == expected).mean() > 0.99  # two answers may be equally likely but for rounding


def test_processes_stay_for_the_next_call_and_end_with_close(scorer):
    scorer.logits(STRINGS, processes=2)
    first = processes_of(scorer)
    scorer.logits(STRINGS, processes=2)
    assert processes_of(scorer) is first and all(process.poll() is None for process in first)
    scorer.close()
    assert all(process.poll() is not None for process in first)


def test_processes_end_with_the_scorer():
    scorer = Scorer(SMALL, scorers(SMALL)[0].tensors)
    scorer.logits(STRINGS, processes=2)
    processes = processes_of(scorer)
    del scorer
    assert all(process.poll() is not None for process in processes)


def test_a_process_that_was_killed_is_an_error_in_words_and_the_next_call_works(scorer):
    scorer.logits(STRINGS, processes=2)
    for process in processes_of(scorer):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with pytest.raises(WorkerError, match="ended before it had answered"):
        scorer.logits(STRINGS, processes=2)
    assert scorer.logits(STRINGS, processes=2).shape == (400, 3)


def test_an_error_inside_a_process_comes_back_in_words(scorer):
    with pytest.raises(WorkerError, match="IndexError"):
        scorer.logits(EncodedStrings(STRINGS.ids + 50, STRINGS.lengths), processes=2)
    assert scorer.logits(STRINGS, processes=2).shape == (400, 3)


def test_ctrl_c_is_not_for_the_processes(scorer):
    scorer.logits(STRINGS, processes=2)
    for process in processes_of(scorer):
        process.send_signal(signal.SIGINT)
    assert scorer.logits(STRINGS, processes=2).shape == (400, 3)


def test_columns_can_be_shared_out_too(predictor):
    names = ["Anna", None, "Nakamura", ""] * 50
    alone, shared = predictor.predict_columns(names), predictor.predict_columns(names, processes=2)
    predictor.scorer.close()
    np.testing.assert_array_equal(shared.best, alone.best)
    np.testing.assert_allclose(shared.probabilities, alone.probabilities, rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [0, -1])
def test_a_number_of_processes_that_cannot_be_is_refused(scorer, count):
    with pytest.raises(SettingError, match=f"at least 1; got {count}"):
        scorer.logits(STRINGS, processes=count)
