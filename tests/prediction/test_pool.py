"""Worker processes give the answers of one process, in the order of the names, and end when they should."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from elman.errors import SettingError, WorkerError
from elman.model.file import Artifact
from elman.prediction import columns
from elman.prediction.predictor import Predictor

NAMES = ["abc", "cab", None, "Nakamura", "", "a'b", "b", "水", "\ud800a"] * 40


@pytest.fixture
def tiny(tiny_artifact: Artifact) -> Iterator[Predictor]:
    built = Predictor(tiny_artifact)
    yield built
    built.close()


def processes_of(predictor):
    return predictor._pool._end.peek()[2][0]


def same(ours, theirs):
    return [ours[k] for k in range(len(ours))] == [
        (label, probability if probability is None else pytest.approx(probability, abs=1e-6), reason)
        for label, probability, reason in (theirs[k] for k in range(len(theirs)))
    ]


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("share", [7, 10_000])
def test_processes_give_the_answers_of_one_process_in_order(tiny, monkeypatch, count, share):
    monkeypatch.setattr(columns, "SHARE", share)
    alone = tiny.predict_columns(NAMES, top=2, abstain_below=0.4)
    assert same(tiny.predict_columns(NAMES, top=2, abstain_below=0.4, processes=count), alone)
    assert len(set(alone.reason_ids.tolist())) > 3


@pytest.mark.parametrize("names", [[], ["abc"], [None]])
def test_fewer_names_than_processes_are_answered_too(tiny, names):
    assert same(tiny.predict_columns(names, processes=2), tiny.predict_columns(names))


def test_processes_stay_for_the_next_call_and_end_with_close(tiny):
    tiny.predict_columns(NAMES, processes=2)
    first = processes_of(tiny)
    tiny.predict_columns(NAMES, processes=2)
    assert processes_of(tiny) is first and all(process.poll() is None for process in first)
    tiny.close()
    assert all(process.poll() is not None for process in first)


def test_processes_end_with_the_predictor(tiny_artifact):
    predictor = Predictor(tiny_artifact)
    predictor.predict_columns(NAMES, processes=2)
    processes = processes_of(predictor)
    del predictor
    assert all(process.poll() is not None for process in processes)


def test_a_killed_process_is_a_worker_error_and_the_next_call_works(tiny):
    tiny.predict_columns(NAMES, processes=2)
    for process in processes_of(tiny):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with pytest.raises(WorkerError, match="ended before it had answered"):
        tiny.predict_columns(NAMES, processes=2)
    assert len(tiny.predict_columns(NAMES, processes=2)) == len(NAMES)


def test_a_process_that_does_not_start_is_a_worker_error(tiny, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorkerError, match="ended before it had answered"):
        tiny.predict_columns(NAMES * 100, processes=2)


def test_an_error_inside_a_process_is_a_worker_error_with_its_message(tiny):
    with pytest.raises(WorkerError, match="top must be a whole number"):
        tiny.workers(2).predict_columns(NAMES, top=0)
    assert len(tiny.predict_columns(NAMES, processes=2)) == len(NAMES)


def test_ctrl_c_does_not_stop_the_processes(tiny):
    tiny.predict_columns(NAMES, processes=2)
    for process in processes_of(tiny):
        process.send_signal(signal.SIGINT)
    assert len(tiny.predict_columns(NAMES, processes=2)) == len(NAMES)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_an_invalid_number_of_processes_is_refused(tiny, count):
    with pytest.raises(SettingError, match="processes must be a whole number of at least 1"):
        tiny.workers(count)


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
@pytest.mark.parametrize("names", [["abc"], NAMES])
def test_an_invalid_number_of_threads_is_refused(tiny, count, names):
    with pytest.raises(SettingError, match="threads must be a whole number of at least 1"):
        tiny.predict_columns(names, threads=count)
