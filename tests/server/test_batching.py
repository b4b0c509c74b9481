"""Requests that wait are scored together, and each gets its own answer, the same as in Python."""

import asyncio
import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from client import PATIENCE, BlockingPredictor, make_artifact, make_regression, wait_for

from elman.prediction.options import AnswerOptions
from elman.prediction.predictor import Predictor
from elman.server.batching import NAME_COST, Batcher
from elman.server.errors import RequestError
from elman.server.metrics import Metrics
from elman.training.recipes import BARE

NAMES = ["abcabc", "xyz", "", None, "mnop", "42", "abd", "вода", "\ud800", "zyxv" * 60]


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1) as executor:
        yield executor


def make_batcher(predictor, executor, *, names=512):
    return Batcher(predictor, executor, Metrics(), name="toy", names=names)


async def predict(batcher, names, top=3, abstain_below=0.0):
    return json.loads(await batcher.predict(names, AnswerOptions(top, abstain_below)))


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


def predict_at_once(model, executor, *requests, most=512):
    """Send requests together while another one is scored; return their answers and the names of each later batch."""

    async def predict_all():
        batcher = make_batcher(model, executor, names=most)
        first = asyncio.create_task(predict(batcher, ["first"]))
        await wait_for(model.started)
        tasks = [asyncio.create_task(predict(batcher, *request)) for request in requests]
        await asyncio.sleep(0)
        model.resume.set()
        await first
        return await asyncio.gather(*tasks)

    return asyncio.run(predict_all()), model.calls[1:]


def test_no_batch_has_more_names_than_allowed(predictor, executor):
    requests = [["a", "b"], ["c"], ["d"], ["e"] * 7, ["x"]]
    answers, batches = predict_at_once(
        BlockingPredictor(predictor.artifact), executor, *((one,) for one in requests), most=3
    )
    assert [[row["name"] for row in rows] for rows in answers] == requests
    assert max(map(len, batches)) == 3
    assert sorted(name for batch in batches for name in batch) == sorted(sum(requests, []))


def cost_of(names):
    return sum(NAME_COST + len(name) for name in names)


def test_a_large_request_is_scored_in_slices_and_its_answers_stay_in_order(predictor, executor, monkeypatch):
    monkeypatch.setattr("elman.server.batching.BUDGET", 100)
    names = [letter * length for length in (1, 30, 5, 90, 2) for letter in "abcdxyz"]
    (answers,), batches = predict_at_once(BlockingPredictor(predictor.artifact), executor, (names,))
    assert [row["name"] for row in answers] == names
    assert all(map(rows_agree, answers, predictor.predict(names)))
    assert len(batches) > 10
    assert all(cost_of(batch) <= 100 or len(batch) == 1 for batch in batches)


def test_a_name_that_normalisation_lengthens_fills_a_slice(predictor, executor):
    names = ["\ufdfa" * 100] * 4
    _, batches = predict_at_once(BlockingPredictor(predictor.artifact), executor, (names,))
    assert [len(batch) for batch in batches] == [1] * 4


@pytest.mark.parametrize(("options", "latest"), [((3, 0.0), 1), ((1, 0.5), 2)], ids=["same options", "others"])
def test_a_small_request_does_not_wait_for_a_large_one(predictor, executor, options, latest):
    large = [letter * 50 for letter in "abcdxyz"] * 40
    for order in (1, -1):
        requests = [(large,), (["small"], *options)][::order]
        answers, batches = predict_at_once(BlockingPredictor(predictor.artifact), executor, *requests)
        assert [len(rows) for rows in answers] == [len(names) for names, *_ in requests]
        assert "small" in sum(batches[:latest], [])
        assert len(batches) > 10


def test_large_requests_take_turns(predictor, executor):
    requests = [[letter * 50] * 80 for letter in "abc"]
    _, batches = predict_at_once(BlockingPredictor(predictor.artifact), executor, *((one,) for one in requests))
    assert {batch[0][0] for batch in batches[:6]} == {"a", "b", "c"}
    lasts = [max(k for k, batch in enumerate(batches) if letter * 50 in batch) for letter in "abc"]
    assert max(lasts) - min(lasts) < len(batches) / 2


def test_the_rest_of_a_cancelled_request_is_not_scored(predictor, executor):
    model = BlockingPredictor(predictor.artifact)

    async def predict_some():
        batcher = make_batcher(model, executor)
        task = asyncio.create_task(predict(batcher, ["abc" * 30] * 400))
        await wait_for(model.started)
        task.cancel()
        await asyncio.sleep(0)
        model.resume.set()
        return await predict(batcher, ["x"])

    assert len(asyncio.run(predict_some())) == 1
    assert len(model.calls) == 2


def test_many_labels_in_an_answer_count_too(executor):
    config = replace(BARE, cell="gru", hidden_size=3)
    model = BlockingPredictor(make_artifact("many", config, symbols="abc", labels=[f"L{k}" for k in range(900)]))
    names = ["abc", "cab"] * 50
    (answers,), batches = predict_at_once(model, executor, (names, 900))
    assert [len(row["top"]) for row in answers] == [900] * 100
    assert max(map(len, batches)) < 20


def test_a_request_without_names_has_no_answers(predictor, executor):
    assert asyncio.run(predict(make_batcher(predictor, executor), [])) == []


class Diverging(Predictor):
    """A predictor whose probabilities are not numbers for one name."""

    def answer_all(self, names, options):
        answers = super().answer_all(names, options)
        return [replace(one, probability=math.nan) if one.name == "abc" else one for one in answers]


def test_an_answer_that_is_not_finite_fails_only_its_own_request(predictor, executor):
    async def predict_all():
        batcher = make_batcher(Diverging(predictor.artifact), executor)
        return await asyncio.gather(*(predict(batcher, [name]) for name in ("xyz", "abc")), return_exceptions=True)

    (row,), error = asyncio.run(predict_all())
    assert row["name"] == "xyz"
    assert (error.status_code, error.code) == (422, "no_finite_answer")


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
