"""Requests that wait are scored together, and each gets its own answer, the same as in Python."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import PATIENCE, BlockingPredictor, make_regression, wait_for

from elman.server.batching import Batcher
from elman.server.errors import RequestError
from elman.server.metrics import Metrics

NAMES = ["abcabc", "xyz", "", None, "mnop", "42", "abd", "вода", "\ud800", "zyxv" * 60]


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1) as executor:
        yield executor


def make_batcher(predictor, executor, *, names=512):
    return Batcher(predictor, executor, Metrics(), name="toy", names=names)


async def predict(batcher, names, top=3, abstain_below=0.0):
    return json.loads(await batcher.predict(names, top=top, abstain_below=abstain_below))


def rows_agree(row, prediction):
    """Return whether an answer is the same as in Python, except for the last digits of probabilities."""
    expected = prediction.to_dict()
    numbers = [row.pop("probability"), *(one.pop("probability") for one in row["top"])]
    wanted = [expected.pop("probability"), *(one.pop("probability") for one in expected["top"])]
    return row == expected and numbers == pytest.approx(wanted, abs=1e-6)


def test_answers_are_the_same_as_in_python(predictor, executor):
    rows = asyncio.run(predict(make_batcher(predictor, executor), NAMES, 2, 0.5))
    expected = predictor.predict(NAMES, top=2, abstain_below=0.5)
    assert len(rows) == len(expected)
    assert all(map(rows_agree, rows, expected))


def test_many_requests_at_once_get_their_own_answers(predictor, executor):
    requests = [(NAMES[k % 7 : k % 7 + k % 4], 1 + k % 3, (k % 5) / 5) for k in range(200)]

    async def predict_all():
        batcher = make_batcher(predictor, executor)
        return await asyncio.gather(*(predict(batcher, *request) for request in requests))

    for (names, top, limit), rows in zip(requests, asyncio.run(predict_all()), strict=True):
        expected = predictor.predict(names, top=top, abstain_below=limit)
        assert len(rows) == len(expected)
        assert all(map(rows_agree, rows, expected))


def test_requests_that_arrive_during_a_batch_are_scored_together(predictor, executor):
    model = BlockingPredictor(predictor.artifact)

    async def predict_some():
        batcher = make_batcher(model, executor)
        first = asyncio.create_task(predict(batcher, ["abc"]))
        await wait_for(model.started)
        others = [asyncio.create_task(predict(batcher, [name])) for name in ("x", "y", "z")]
        other = asyncio.create_task(predict(batcher, ["m"], top=1))
        await asyncio.sleep(0)
        model.resume.set()
        await asyncio.gather(first, *others, other)

    asyncio.run(predict_some())
    assert model.calls == [["abc"], ["x", "y", "z"], ["m"]]


def test_a_batch_waits_for_clients_that_were_just_answered(predictor, executor, monkeypatch):
    monkeypatch.setattr("elman.server.batching.LINGER_SECONDS", PATIENCE)
    model = BlockingPredictor(predictor.artifact)
    model.resume.set()

    async def predict_some():
        batcher = make_batcher(model, executor)

        async def twice(name):
            await predict(batcher, [name])
            await asyncio.sleep(0.01)  # clients need not return at the same time
            await predict(batcher, [name * 2])

        await asyncio.gather(*map(twice, "abc"))

    asyncio.run(predict_some())
    assert [sorted(names) for names in model.calls] == [["a", "b", "c"], ["aa", "bb", "cc"]]


def test_a_batch_does_not_wait_long_for_clients_that_do_not_return(predictor, executor):
    async def predict_some():
        batcher = make_batcher(predictor, executor)
        await asyncio.gather(*(predict(batcher, [name]) for name in "abc"))
        return await asyncio.wait_for(predict(batcher, ["x"]), PATIENCE)

    assert len(asyncio.run(predict_some())) == 1


def test_a_batch_has_a_limit_that_a_single_request_may_exceed(predictor, executor):
    model = BlockingPredictor(predictor.artifact)
    model.resume.set()

    async def predict_some():
        batcher = make_batcher(model, executor, names=3)
        await asyncio.gather(*(predict(batcher, names) for names in (["a", "b"], ["c"], ["d"], ["e"] * 5, ["x"])))

    asyncio.run(predict_some())
    assert model.calls == [["a", "b", "c"], ["d"], ["e"] * 5, ["x"]]


def test_cancelled_requests_are_not_scored(predictor, executor):
    model = BlockingPredictor(predictor.artifact)

    async def predict_some():
        batcher = make_batcher(model, executor)
        first = asyncio.create_task(predict(batcher, ["abc"]))
        await wait_for(model.started)
        cancelled, other = (asyncio.create_task(predict(batcher, [name])) for name in ("x", "y"))
        await asyncio.sleep(0)
        cancelled.cancel()
        first.cancel()
        await asyncio.sleep(0)
        model.resume.set()
        return await other

    (row,) = asyncio.run(predict_some())
    assert row["name"] == "y"
    assert model.calls == [["abc"], ["y"]]


def test_unreadable_input_fails_only_its_own_request(executor):
    async def predict_some():
        batcher = make_batcher(make_regression(), executor)
        return await asyncio.gather(
            *(predict(batcher, [row]) for row in ("1,2", "secret", "3,4")), return_exceptions=True
        )

    first, second, third = asyncio.run(predict_some())
    assert [row["value"] for row in first + third] == [
        answer.value for answer in make_regression().predict(["1,2", "3,4"])
    ]
    assert isinstance(second, RequestError)
    assert (second.status_code, second.code) == (422, "unreadable_input")
    assert "rooms, area" in second.detail
    assert "secret" not in second.detail


def test_a_stopped_service_reports_it(predictor):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RequestError) as caught:
        asyncio.run(predict(make_batcher(predictor, executor), ["abc"]))
    assert caught.value.status_code == 503
