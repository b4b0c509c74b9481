"""Batching: requests that arrive while a batch is scored form the next batch, and large ones are scored in slices.

Scoring runs on a thread of its own. Requests that arrive meanwhile wait, and are then scored together, so batches grow
with the load. A lone request is scored at once. After a batch of several requests, the next one waits some milliseconds
until as many have arrived as were answered: a client that just got its answer often sends the next request, and thirty
names together take little longer than ten.

No batch costs more than `BUDGET`, so that a large request delays a small one by one batch or two. Batches take turns:
one begins with the cheapest request, the next one with a slice of the request that was served longest ago. Between
batches the requests whose clients have left or whose time is over are dropped.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from operator import attrgetter
from typing import NamedTuple

from elman.checks import count_of
from elman.errors import DataError
from elman.prediction.options import AnswerOptions
from elman.prediction.predictor import Predictor
from elman.server.errors import RequestError, encode_answer
from elman.server.metrics import Metrics
from elman.text.normalisation import LARGEST_EXPANSION

LINGER_SECONDS = 0.005
"""How long a batch waits, at most, for clients that were just answered."""

BUDGET = 1024
"""What a batch costs at most, in characters: with the shipped model on one core, some 10 ms."""

NAME_COST = 8
"""What a name costs beside its characters."""

LABELS = 10
"""So many labels in an answer cost as much as a character."""

Names = Sequence[str | None]
Outcome = bytes | BaseException


class _Waiting:
    """A request that waits, or the rest of it.

    Args:
        names: its names, at least one.
        costs: what each costs.
        options: of its answers; only requests with the same ones are scored together.
        answer: gets the answer.
    """

    __slots__ = ("answer", "cost", "costs", "done", "names", "options", "parts")

    def __init__(
        self, names: Names, costs: Sequence[int], options: AnswerOptions, answer: "asyncio.Future[bytes]"
    ) -> None:
        self.names, self.costs, self.options, self.answer = names, costs, options, answer
        self.done, self.cost = 0, sum(costs)
        self.parts: list[bytes] = []

    def cut(self, budget: int, names: int) -> "_Slice":
        """Return the next names within a budget, at least one."""
        end = self.done + 1
        budget -= self.costs[self.done]
        last = min(len(self.names), self.done + names)
        while end < last and self.costs[end] <= budget:
            budget -= self.costs[end]
            end += 1
        return _Slice(self, self.names[self.done : end])

    def join(self) -> bytes:
        """Return all answers as one JSON array."""
        return self.parts[0] if len(self.parts) == 1 else b"[%b]" % b",".join(part[1:-1] for part in self.parts)


class _Slice(NamedTuple):
    request: _Waiting
    names: Names


class Batcher:
    """Scores the names of many requests with one model.

    Args:
        predictor: the model.
        executor: where the model runs; one thread is enough.
        metrics: where batches are counted.
        name: the model's name in the metrics.
        names: the most names that are scored together.
    """

    def __init__(self, predictor: Predictor, executor: Executor, metrics: Metrics, *, name: str, names: int) -> None:
        self._predictor, self._executor, self._metrics = predictor, executor, metrics
        self._name, self._most, self._labels = name, names, len(predictor.labels)
        self._waiting: list[_Waiting] = []
        self._is_scoring, self._expected, self._until, self._is_turn_of_cheapest = False, 0, 0.0, False

    async def predict(self, names: Names, options: AnswerOptions) -> bytes:
        """Return the predictions for some names, those of `Predictor.predict`, as a JSON array.

        Raises:
            RequestError: the model cannot read the names or has no finite answer, or the service is stopping.
        """
        if not names:
            return b"[]"
        loop = asyncio.get_running_loop()
        fixed = NAME_COST + min(options.top, self._labels) // LABELS
        costs = [fixed + _count_characters(name) for name in names]
        waiting = _Waiting(names, costs, options, loop.create_future())
        self._waiting.append(waiting)
        self._expected -= 1
        if self._expected > 0:
            loop.call_at(self._until, self._start)  # at the latest
        else:
            loop.call_soon(self._start)  # after the requests that arrived at the same time
        return await waiting.answer

    def _start(self) -> None:
        """Score the next batch, unless one is running."""
        batch = [] if self._is_scoring else self._next_batch()
        if not batch:
            return
        self._is_scoring = True
        try:
            scoring = asyncio.get_running_loop().run_in_executor(self._executor, self._score, batch)
        except RuntimeError:  # the executor is shut down
            self._finish(batch, [RequestError(503, "stopping", "the service is stopping")] * len(batch))
        else:
            scoring.add_done_callback(lambda done: self._finish(batch, done.result()))

    def _next_batch(self) -> list[_Slice]:
        """Return what is scored next: a slice of one request, and as many whole requests as can join it."""
        self._waiting = [one for one in self._waiting if not one.answer.done()]  # without cancelled requests
        if not self._waiting:
            return []
        self._is_turn_of_cheapest = not self._is_turn_of_cheapest
        by_cost = sorted(self._waiting, key=attrgetter("cost"))
        if self._is_turn_of_cheapest:
            first = by_cost[0].cut(BUDGET, self._most)
            others = _choose(by_cost[0], by_cost, BUDGET - by_cost[0].cost, self._most - len(first.names))
            return [first, *others]
        oldest = self._waiting[0]  # others may join, but at least half of the batch is its own
        most = self._most - min(len(oldest.names) - oldest.done, (self._most + 1) // 2)
        others = _choose(oldest, by_cost, BUDGET - min(oldest.cost, BUDGET // 2), most)
        cost, names = sum(one.request.cost for one in others), sum(len(one.names) for one in others)
        return [oldest.cut(BUDGET - cost, self._most - names), *others]

    def _finish(self, batch: Sequence[_Slice], outcomes: Sequence[Outcome]) -> None:
        """Set the answers of a batch, and start the next one."""
        self._is_scoring, answered = False, 0
        for (one, names), outcome in zip(batch, outcomes, strict=True):
            self._waiting.remove(one)
            if one.answer.done():
                continue
            if not isinstance(outcome, bytes):
                one.answer.set_exception(outcome)
                continue
            one.parts.append(outcome)
            end = one.done + len(names)
            if end == len(one.names):
                one.answer.set_result(one.join())
                answered += 1
            else:
                one.cost -= sum(one.costs[one.done : end])
                one.done = end
                self._waiting.append(one)  # behind the others
        loop = asyncio.get_running_loop()
        self._until = loop.time() + LINGER_SECONDS
        if answered > 1 and not any(one.done for one in self._waiting):
            self._expected = answered
            loop.call_at(self._until, self._start)
        else:
            self._expected = 0
            self._start()

    def _score(self, batch: Sequence[_Slice]) -> list[Outcome]:
        """Return an answer or an error for each slice of a batch. Runs on the executor."""
        try:
            return list(self._predict(batch))
        except Exception as error:
            if len(batch) == 1:
                return [self._hide_names(error)]
            # An error of one request must not fail the others: score each alone.
            return [outcome for one in batch for outcome in self._score([one])]

    def _predict(self, batch: Sequence[_Slice]) -> list[bytes]:
        names = [name for one in batch for name in one.names]
        predictions = self._predictor.answer_all(names, batch[0].request.options)
        answers, start = [], 0
        for one in batch:
            end = start + len(one.names)
            answers.append(encode_answer([prediction.to_dict() for prediction in predictions[start:end]]))
            start = end
        self._metrics.count_batch(self._name, len(names), abstained=sum(one.abstained for one in predictions))
        return answers

    def _hide_names(self, error: Exception) -> Exception:
        """Return an error that clients may see: the predictor's own quotes what it could not read."""
        if not isinstance(error, DataError):
            return error
        columns = self._predictor.artifact.columns
        numbers = count_of(len(columns), "number")
        message = f"this model reads rows of {numbers} separated by commas: {', '.join(columns)}"
        return RequestError(422, "unreadable_input", message)


def _choose(first: _Waiting, by_cost: Sequence[_Waiting], budget: int, names: int) -> list[_Slice]:
    """Return the cheapest requests that can join another one, whole, within a budget and a number of names."""
    chosen = []
    for one in by_cost:
        if one is first or one.options != first.options:
            continue
        budget, names = budget - one.cost, names - (len(one.names) - one.done)
        if budget < 0 or names < 0:
            break
        chosen.append(_Slice(one, one.names[one.done :]))
    return chosen


def _count_characters(name: str | None) -> int:
    """Return the length of a name, after NFKC where that is much longer."""
    return 0 if name is None else len(name) + (LARGEST_EXPANSION - 1) * name.count("\ufdfa")
