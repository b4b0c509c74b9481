"""Batching: requests that arrive while a batch is scored form the next batch.

Scoring runs on a thread of its own. Requests that arrive meanwhile wait, and are then scored together, so batches grow
with the load. A lone request is scored at once. After a batch of several requests, the next one waits some milliseconds
until as many have arrived as were answered: a client that just got its answer often sends the next request, and thirty
names together take little longer than ten.
"""

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

from elman.errors import DataError
from elman.prediction.predictor import Predictor
from elman.server.errors import RequestError, to_json
from elman.server.metrics import Metrics

LINGER_SECONDS = 0.005
"""How long a batch waits, at most, for clients that were just answered."""

Names = Sequence[str | None]
Options = tuple[int, float]
"""``top`` and ``abstain_below``: only requests that agree in both are scored together."""

Outcome = bytes | BaseException


@dataclass(frozen=True, slots=True)
class _Waiting:
    names: Names
    answer: "asyncio.Future[bytes]"


class _Batch(NamedTuple):
    options: Options
    requests: list[_Waiting]


class Batcher:
    """Scores the names of many requests with one model.

    Args:
        predictor: the model.
        executor: where the model runs; one thread is enough.
        metrics: where batches are counted.
        name: the model's name in the metrics.
        names: the most names that are scored together; a single request may have more.
    """

    def __init__(self, predictor: Predictor, executor: Executor, metrics: Metrics, *, name: str, names: int) -> None:
        self._predictor, self._executor, self._metrics = predictor, executor, metrics
        self._name, self._most = name, names
        self._groups: dict[Options, list[_Waiting]] = {}
        self._is_scoring, self._expected, self._until = False, 0, 0.0

    async def predict(self, names: Names, *, top: int, abstain_below: float) -> bytes:
        """Return the predictions for some names, those of `Predictor.predict`, as a JSON array.

        Raises:
            RequestError: the model cannot read the names, or the service is stopping.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(names, loop.create_future())
        self._groups.setdefault((top, abstain_below), []).append(waiting)
        self._expected -= 1
        if self._expected > 0:
            loop.call_at(self._until, self._start)  # at the latest
        else:
            loop.call_soon(self._start)  # after the requests that arrived at the same time
        return await waiting.answer

    def _start(self) -> None:
        """Score the requests that have waited longest, and all that can join them, unless a batch is running."""
        batch = None if self._is_scoring else self._next_batch()
        if batch is None:
            return
        self._is_scoring = True
        try:
            scoring = asyncio.get_running_loop().run_in_executor(self._executor, self._score, batch)
        except RuntimeError:  # the executor is shut down
            self._finish(batch, [RequestError(503, "stopping", "the service is stopping")] * len(batch.requests))
        else:
            scoring.add_done_callback(lambda done: self._finish(batch, done.result()))

    def _next_batch(self) -> _Batch | None:
        while self._groups:
            options = next(iter(self._groups))
            waiting = [one for one in self._groups.pop(options) if not one.answer.done()]  # skip cancelled requests
            count, names = 0, 0
            for one in waiting:
                names += len(one.names)
                if count and names > self._most:
                    break
                count += 1
            if waiting[count:]:
                self._groups[options] = waiting[count:]
            if count:
                return _Batch(options, waiting[:count])
        return None

    def _finish(self, batch: _Batch, outcomes: Sequence[Outcome]) -> None:
        """Set the answers of a batch, and start the next one."""
        self._is_scoring = False
        for one, outcome in zip(batch.requests, outcomes, strict=True):
            if one.answer.done():
                continue
            if isinstance(outcome, bytes):
                one.answer.set_result(outcome)
            else:
                one.answer.set_exception(outcome)
        loop = asyncio.get_running_loop()
        self._until = loop.time() + LINGER_SECONDS
        if len(batch.requests) > 1:
            self._expected = len(batch.requests)
            loop.call_at(self._until, self._start)
        else:
            self._expected = 0
            self._start()

    def _score(self, batch: _Batch) -> list[Outcome]:
        """Return an answer or an error for each request of a batch. Runs on the executor."""
        try:
            return list(self._predict(batch))
        except Exception as error:
            if len(batch.requests) == 1:
                return [self._hide_names(error)]
            # An error of one request must not fail the others: score each alone.
            return [outcome for one in batch.requests for outcome in self._score(_Batch(batch.options, [one]))]

    def _predict(self, batch: _Batch) -> list[bytes]:
        top, abstain_below = batch.options
        names = [name for one in batch.requests for name in one.names]
        predictions = self._predictor.predict(names, top=top, abstain_below=abstain_below)
        if any(one.value is not None and not math.isfinite(one.value) for one in predictions):
            raise RequestError(422, "no_finite_answer", "the answer is not finite; send smaller numbers")
        answers, start = [], 0
        for one in batch.requests:
            end = start + len(one.names)
            answers.append(to_json([prediction.to_dict() for prediction in predictions[start:end]]))
            start = end
        self._metrics.count_batch(self._name, len(names), abstained=sum(one.abstained for one in predictions))
        return answers

    def _hide_names(self, error: Exception) -> Exception:
        """Return an error that clients may see: the predictor's own quotes what it could not read."""
        if not isinstance(error, DataError):
            return error
        columns = self._predictor.artifact.columns
        message = f"this model reads rows of {len(columns)} numbers separated by commas: {', '.join(columns)}"
        return RequestError(422, "unreadable_input", message)
