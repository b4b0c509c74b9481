"""Requests that wait are scored together, and each gets its own answer, the one that Python gives."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from asking import PATIENCE, Held, regression

from elman.server.batching import Batcher
from elman.server.errors import Refusal
from elman.server.metrics import Counters

NAMES = ["abcabc", "xyz", "", None, "mnop", "42", "abd", "вода", "\ud800", "zyxv" * 60]


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1) as executor:
        yield executor


def batcher_of(predictor, executor, *, names=512):
    return Batcher(predictor, executor, Counters(), name="toy", names=names)


async def asked(batcher, names, top=3, abstain_below=0.0):
    return json.loads(await batcher.predict(names, top=top, abstain_below=abstain_below))


async def until(event):
    """Wait for another thread, while this one goes on with its other tasks."""
    assert await asyncio.to_thread(event.wait, PATIENCE)


def rows_agree(row, prediction):
    """Whether an answer is that of Python: all the same, but for the last digits of probabilities."""
    expected = prediction.to_dict()
    numbers = [row.pop("probability"), *(one.pop("probability") for one in row["top"])]
    wanted = [expected.pop("probability"), *(one.pop("probability") for one in expected["top"])]
    return row == expected and numbers == pytest.approx(wanted, abs=1e-6)


def test_the_answers_are_those_of_python(predictor, executor):
    rows = asyncio.run(asked(batcher_of(predictor, executor), NAMES, 2, 0.5))
    expected = predictor.predict(NAMES, top=2, abstain_below=0.5)
    assert len(rows) == len(expected)
    assert all(map(rows_agree, rows, expected))


def test_many_callers_at_once_get_their_own_answers(predictor, executor):
    questions = [(NAMES[k % 7 : k % 7 + k % 4], 1 + k % 3, (k % 5) / 5) for k in range(200)]

    async def everybody():
        batcher = batcher_of(predictor, executor)
        return await asyncio.gather(*(asked(batcher, *question) for question in questions))

    for (names, top, limit), rows in zip(questions, asyncio.run(everybody()), strict=True):
        expected = predictor.predict(names, top=top, abstain_below=limit)
        assert len(rows) == len(expected)
        assert all(map(rows_agree, rows, expected))


def test_those_who_wait_while_others_are_scored_go_together(predictor, executor):
    held = Held(predictor.artifact)

    async def callers():
        batcher = batcher_of(held, executor)
        first = asyncio.create_task(asked(batcher, ["abc"]))
        await until(held.begun)
        others = [asyncio.create_task(asked(batcher, [name])) for name in ("x", "y", "z")]
        other = asyncio.create_task(asked(batcher, ["m"], top=1))
        await asyncio.sleep(0)
        held.go_on.set()
        await asyncio.gather(first, *others, other)

    asyncio.run(callers())
    assert held.asked == [["abc"], ["x", "y", "z"], ["m"]]


def test_those_who_have_just_been_answered_are_waited_for(predictor, executor, monkeypatch):
    monkeypatch.setattr("elman.server.batching.PATIENCE", PATIENCE)
    held = Held(predictor.artifact)
    held.go_on.set()

    async def callers():
        batcher = batcher_of(held, executor)

        async def twice(name):
            await asked(batcher, [name])
            await asyncio.sleep(0.01)  # they need not come at the same time
            await asked(batcher, [name * 2])

        await asyncio.gather(*map(twice, "abc"))

    asyncio.run(callers())
    assert [sorted(names) for names in held.asked] == [["a", "b", "c"], ["aa", "bb", "cc"]]


def test_those_who_do_not_come_again_are_not_waited_for_long(predictor, executor):
    async def callers():
        batcher = batcher_of(predictor, executor)
        await asyncio.gather(*(asked(batcher, [name]) for name in "abc"))
        return await asyncio.wait_for(asked(batcher, ["x"]), PATIENCE)

    assert len(asyncio.run(callers())) == 1


def test_a_batch_has_a_bound_that_a_single_request_may_pass(predictor, executor):
    held = Held(predictor.artifact)
    held.go_on.set()

    async def callers():
        batcher = batcher_of(held, executor, names=3)
        await asyncio.gather(*(asked(batcher, names) for names in (["a", "b"], ["c"], ["d"], ["e"] * 5, ["x"])))

    asyncio.run(callers())
    assert held.asked == [["a", "b", "c"], ["d"], ["e"] * 5, ["x"]]


def test_callers_who_have_given_up_are_not_scored(predictor, executor):
    held = Held(predictor.artifact)

    async def callers():
        batcher = batcher_of(held, executor)
        first = asyncio.create_task(asked(batcher, ["abc"]))
        await until(held.begun)
        gone, stayed = (asyncio.create_task(asked(batcher, [name])) for name in ("x", "y"))
        await asyncio.sleep(0)
        gone.cancel()
        first.cancel()
        await asyncio.sleep(0)
        held.go_on.set()
        return await stayed

    (row,) = asyncio.run(callers())
    assert row["name"] == "y"
    assert held.asked == [["abc"], ["y"]]


def test_what_cannot_be_read_fails_its_own_request_alone(executor):
    async def callers():
        batcher = batcher_of(regression(), executor)
        return await asyncio.gather(
            *(asked(batcher, [row]) for row in ("1,2", "secret", "3,4")), return_exceptions=True
        )

    first, second, third = asyncio.run(callers())
    assert [row["value"] for row in first + third] == [answer.value for answer in regression().predict(["1,2", "3,4"])]
    assert isinstance(second, Refusal)
    assert (second.status_code, second.code) == (422, "unreadable_input")
    assert "rooms, area" in second.detail
    assert "secret" not in second.detail


def test_a_service_that_has_stopped_says_so(predictor):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(Refusal) as caught:
        asyncio.run(asked(batcher_of(predictor, executor), ["abc"]))
    assert caught.value.status_code == 503


def test_batches_are_counted_without_names(predictor, executor):
    counters = Counters()
    batcher = Batcher(predictor, executor, counters, name="toy", names=512)
    asyncio.run(asked(batcher, ["abc", "", "42"]))
    text = counters.text().decode()
    assert 'elman_names_total{model="toy"} 3.0' in text
    assert 'elman_abstained_total{model="toy"} 2.0' in text
    assert 'elman_batch_names_bucket{le="4.0",model="toy"} 1.0' in text
    assert "abc" not in text
