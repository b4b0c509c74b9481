"""Batching: requests that wait while others are scored are scored together next.

While a batch is scored, on a thread of its own, what comes in waits; then all of it goes together, so that batches
grow with the load. A lone request is answered at once. After a batch of several, the next one waits until as many have
come as were answered, some milliseconds at most: who has just been answered often asks again, and thirty names together
take little longer than ten.
"""

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

from elman.errors import DataError
from elman.prediction.predictor import Predictor
from elman.server.errors import Refusal, to_json
from elman.server.metrics import Counters

PATIENCE = 0.005
"""Seconds that a batch waits for those who have just been answered, at most."""

Names = Sequence[str | None]
Asked = tuple[int, float]
"""``top`` and ``abstain_below``: requests that agree in both can be scored together."""

Outcome = bytes | BaseException


@dataclass(frozen=True, slots=True)
class _Waiting:
    names: Names
    answer: "asyncio.Future[bytes]"


class _Batch(NamedTuple):
    asked: Asked
    members: list[_Waiting]


class Batcher:
    """Answers with one model, for many requests at a time.

    Args:
        predictor: the model.
        executor: where it is asked; one thread is enough.
        counters: what is told of each batch.
        name: what they call the model.
        names: that are scored together, at most; a single request may hold more.
    """

    def __init__(self, predictor: Predictor, executor: Executor, counters: Counters, *, name: str, names: int) -> None:
        self._predictor, self._executor, self._counters = predictor, executor, counters
        self._name, self._most = name, names
        self._groups: dict[Asked, list[_Waiting]] = {}
        self._is_scoring, self._expected, self._until = False, 0, 0.0

    async def predict(self, names: Names, *, top: int, abstain_below: float) -> bytes:
        """Return the predictions for some names, those of `Predictor.predict`, as a JSON array.

        Raises:
            Refusal: the model cannot read what it was handed, or the service is stopping.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(names, loop.create_future())
        self._groups.setdefault((top, abstain_below), []).append(waiting)
        self._expected -= 1
        if self._expected > 0:
            loop.call_at(self._until, self._start)  # at the latest
        else:
            loop.call_soon(self._start)  # behind the requests that have come in at the same time
        return await waiting.answer

    def _start(self) -> None:
        """Score those who have waited longest, and all who can go with them, unless others are being scored."""
        batch = None if self._is_scoring else self._next_batch()
        if batch is None:
            return
        self._is_scoring = True
        try:
            scored = asyncio.get_running_loop().run_in_executor(self._executor, self._scored, batch)
        except RuntimeError:  # the executor has been shut down
            self._finish(batch, [Refusal(503, "stopping", "the service is stopping")] * len(batch.members))
        else:
            scored.add_done_callback(lambda done: self._finish(batch, done.result()))

    def _next_batch(self) -> _Batch | None:
        while self._groups:
            asked = next(iter(self._groups))
            waiting = [one for one in self._groups.pop(asked) if not one.answer.done()]  # others have given up
            count, names = 0, 0
            for one in waiting:
                names += len(one.names)
                if count and names > self._most:
                    break
                count += 1
            if waiting[count:]:
                self._groups[asked] = waiting[count:]
            if count:
                return _Batch(asked, waiting[:count])
        return None

    def _finish(self, batch: _Batch, outcomes: Sequence[Outcome]) -> None:
        """Hand out the answers, and go on with those who came meanwhile."""
        self._is_scoring = False
        for one, outcome in zip(batch.members, outcomes, strict=True):
            if one.answer.done():
                continue
            if isinstance(outcome, bytes):
                one.answer.set_result(outcome)
            else:
                one.answer.set_exception(outcome)
        loop = asyncio.get_running_loop()
        self._until = loop.time() + PATIENCE
        if len(batch.members) > 1:
            self._expected = len(batch.members)
            loop.call_at(self._until, self._start)
        else:
            self._expected = 0
            self._start()

    def _scored(self, batch: _Batch) -> list[Outcome]:
        """Return an answer, or what went wrong, for each request of a batch. Runs on the executor."""
        try:
            return list(self._encoded(batch))
        except Exception as error:
            if len(batch.members) == 1:
                return [self._without_names(error)]
            # What one request holds must not fail the others.
            return [outcome for one in batch.members for outcome in self._scored(_Batch(batch.asked, [one]))]

    def _encoded(self, batch: _Batch) -> list[bytes]:
        top, abstain_below = batch.asked
        names = [name for one in batch.members for name in one.names]
        predictions = self._predictor.predict(names, top=top, abstain_below=abstain_below)
        if any(one.value is not None and not math.isfinite(one.value) for one in predictions):
            raise Refusal(422, "no_finite_answer", "the answer is beyond all numbers; send smaller ones")
        answers, start = [], 0
        for one in batch.members:
            end = start + len(one.names)
            answers.append(to_json([prediction.to_dict() for prediction in predictions[start:end]]))
            start = end
        self._counters.count_batch(self._name, len(names), abstained=sum(one.abstained for one in predictions))
        return answers

    def _without_names(self, error: Exception) -> Exception:
        """Return an error as callers may see it: a reader's quotes what it could not read."""
        if not isinstance(error, DataError):
            return error
        columns = self._predictor.artifact.columns
        message = f"this model reads rows of {len(columns)} numbers separated by commas: {', '.join(columns)}"
        return Refusal(422, "unreadable_input", message)
