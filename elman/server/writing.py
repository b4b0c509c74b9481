"""Writing: what models that write strings do for a request, in parts short enough to stop between.

All parts run on one thread. A request gives it one part at a time, so that others take their turn between two of them,
and nothing more is written when its client has closed the connection or its time is over.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from elman.checks import count_of
from elman.errors import DamagedModelError, SettingError
from elman.prediction.generator import Generator
from elman.prediction.options import BEAM, AnswerOptions
from elman.prediction.pronouncer import SpokenName, pronounce_parts
from elman.prediction.transcriber import Transcriber
from elman.records import Likelihood, Prediction, Sample
from elman.server.errors import RequestError
from elman.server.models import ServedWriter

Part = TypeVar("Part")

MOST_HYPOTHESES = 100
"""The largest ``top`` and ``beam``."""

PART = 512
"""Strings that are scored, or hypotheses that are kept, in one part at most."""


@dataclass(frozen=True)
class Order:
    """Which strings a request wants a model to write.

    Args:
        label: what to condition them on; None for nothing.
        count: how many.
        start: what they begin with.
        temperature: as in `elman.prediction.generator.Generator.sample`.
        seed: likewise.
        unseen: likewise.
    """

    label: str | None
    count: int
    start: str
    temperature: float
    seed: int | None
    unseen: bool


async def run_parts(executor: Executor, parts: Iterable[Sequence[Part]]) -> list[Part]:
    """Return all parts of some work, each of which runs on a thread.

    Raises:
        RequestError: a part raises it, or the service is stopping.
    """
    loop, found, left = asyncio.get_running_loop(), list[Part](), iter(parts)
    while True:
        try:
            running = loop.run_in_executor(executor, next, left, None)
        except RuntimeError:  # the executor is shut down
            raise RequestError(503, "stopping", "the service is stopping") from None
        try:
            part = await running
        except DamagedModelError:
            raise RequestError(422, "no_finite_answer", "the model has no finite answer to this") from None
        if part is None:
            return found
        found += part


def write_strings(model: ServedWriter, order: Order) -> Iterator[list[Sample]]:
    """Yield the strings that `Generator.sample` returns.

    Raises:
        RequestError: the model cannot write so; the message quotes nothing of the request.
    """
    generator = _generator(model)
    _check_label(model, order.label)
    if order.unseen and generator.artifact.seen is None:
        message = f"{model.name} has no filter of its training strings; leave unseen out"
        raise RequestError(422, "unknown_option", message)
    try:
        generator.encode_start(order.start)
    except SettingError:
        message = (
            f"{model.name} cannot begin so: start must have symbols that it writes, and fewer than the "
            f"{generator.artifact.longest} that it writes at most"
        )
        raise RequestError(422, "unreadable_start", message) from None
    return _translate_too_few(generator.sample_rounds(**vars(order)))


def _translate_too_few(rounds: Iterator[list[Sample]]) -> Iterator[list[Sample]]:
    try:
        yield from rounds
    except SettingError:  # all else has been checked
        message = "too few of its strings were not in the training part; raise temperature, change start or lower count"
        raise RequestError(422, "too_few_unseen", message) from None


def score_strings(model: ServedWriter, names: Sequence[str | None], label: str | None) -> Iterator[list[Likelihood]]:
    """Yield what `Generator.score` returns for some strings, in order.

    Raises:
        RequestError: the model has no such label.
    """
    generator = _generator(model)
    _check_label(model, label)
    return (generator.score_all(part, label=label) for part in _cut(names, PART))


def transcribe(
    model: ServedWriter,
    names: Sequence[str | None],
    options: AnswerOptions,
    label: str | Sequence[str | None] | None,
    beam: int | None,
) -> Iterator[list[Prediction]]:
    """Yield what `Transcriber.predict` returns for some strings, in order.

    Raises:
        RequestError: an option has no effect on such a model or is out of range, it has no such label, or there is not
            one label for each name.
    """
    transcriber, labels = _transcriber(model), _list_labels(model, names, label)
    if not options.is_plain or options.abstain_below:
        message = (
            f"{model.name} {model.artifact.kind}: abstain_below, level, prior, coverage and unfamiliar_below have no "
            "effect on it; leave them out"
        )
        raise RequestError(422, "unknown_option", message)
    kept = max(options.top, BEAM if beam is None else beam)
    if kept > MOST_HYPOTHESES:
        message = f"top and beam may be at most {MOST_HYPOTHESES} for {model.name}, which {model.artifact.kind}"
        raise RequestError(422, "unknown_option", message)

    def answer(part: Sequence[str | None], told: Sequence[str | None]) -> list[Prediction]:
        width = BEAM if beam is None else beam
        return transcriber.answer_all(part, top=options.top, beam=width, labels=told)

    size = max(1, PART // kept)
    return map(answer, _cut(names, size), _cut(labels, size))


def pronounce_names(
    model: ServedWriter, names: Sequence[str | None], label: str | Sequence[str | None] | None, top: int, beam: int
) -> Iterator[list[SpokenName]]:
    """Yield what `elman.prediction.pronouncer.pronounce` returns for some names, in order.

    Raises:
        RequestError: the model has no such label, or there is not one label for each name.
    """
    transcriber, labels = _transcriber(model), _list_labels(model, names, label)
    size = max(1, PART // max(top, beam))
    return pronounce_parts(transcriber, names, labels, top=top, beam=beam, size=size)


def _list_labels(
    model: ServedWriter, names: Sequence[str | None], label: str | Sequence[str | None] | None
) -> list[str | None]:
    """Return the label of each name.

    Raises:
        RequestError: the model has no such label, or there is not one label for each name.
    """
    labels = [label] * len(names) if label is None or isinstance(label, str) else list(label)
    if len(labels) != len(names):
        message = (
            f"label: an array needs one label or null for each of {count_of(len(names), 'name')}; it has {len(labels)}"
        )
        raise RequestError(422, "invalid", message)
    for one in dict.fromkeys(labels):
        _check_label(model, one)
    return labels


def _cut(names: Sequence[str | None], size: int) -> Iterator[Sequence[str | None]]:
    return (names[start : start + size] for start in range(0, len(names), size))


def _check_label(model: ServedWriter, label: str | None) -> None:
    if label is None or label in model.labels:
        return
    known = f"it has {', '.join(model.labels)}" if model.labels else "it learned without labels, so leave label out"
    raise RequestError(422, "unknown_label", f"{model.name} has no such label; {known}")


def _generator(model: ServedWriter) -> Generator:
    assert isinstance(model.writer, Generator)
    return model.writer


def _transcriber(model: ServedWriter) -> Transcriber:
    assert isinstance(model.writer, Transcriber)
    return model.writer
