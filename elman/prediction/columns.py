"""Columns: answers for many strings in arrays, computed block by block, or in shares by worker processes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.model.file import Artifact
from elman.prediction.inputs import MISSING, NOT_FINITE, StringReader
from elman.prediction.options import AnswerOptions
from elman.records import ARRAYS, PredictionColumns
from elman.scoring.scorer import Scorer
from elman.text.encoded import EncodedStrings

if TYPE_CHECKING:
    from elman.prediction.answers import Answers
    from elman.prediction.pool import Pool

BLOCK = 65_536
"""Names that are answered together, at most; it bounds the memory of a long column beside that of its answers."""


SHARE = 32_768
"""Names that a worker process gets at a time, at most."""


TOO_UNSURE = "unsure: no label reaches the probability {limit:g}"


def answer_columns(
    artifact: Artifact,
    reader: StringReader,
    scorer: Scorer,
    names: Sequence[str | None],
    options: AnswerOptions,
    *,
    threads: int | None,
) -> PredictionColumns:
    """Answer in this process; see `elman.prediction.predictor.Predictor.predict_columns`.

    Args:
        artifact: the model.
        reader: of its strings.
        scorer: of its network.
        names: N of them.
        options: what an answer says.
        threads: as in `elman.scoring.scorer.Scorer.logits`.
    """
    bounds = _cut(len(names), -(-len(names) // BLOCK))
    blocks = (_answer_block(artifact, reader, scorer, names[start:end], options, threads) for start, end in bounds)
    return _join_columns(blocks, len(names))


def _cut(count: int, parts: int) -> list[tuple[int, int]]:
    """Return the first place and the end of at least one part; the parts are of equal size, so none is very short."""
    parts = max(1, parts)
    return list(pairwise(count * part // parts for part in range(parts + 1)))


def _answer_block(
    artifact: Artifact,
    reader: StringReader,
    scorer: Scorer,
    names: Sequence[str | None],
    options: AnswerOptions,
    threads: int | None,
) -> PredictionColumns:
    """Answer for some of the names; see `answer_columns`."""
    strings, reasons, reason_ids = _encode(reader, names)
    read = np.flatnonzero(reason_ids < 0)
    more: dict[str, Any] = {}
    if options.is_plain and not options.measures(artifact):
        labels = artifact.labels.names
        found, chances = scorer.best(
            strings, top=options.top, temperature=artifact.temperature, floor=artifact.floor, threads=threads
        )
    else:
        from elman.prediction.answers import Answerer  # imported late: the first answer does without it

        answers = Answerer(artifact, options).answer_all(scorer, strings, threads=threads)
        labels, found, chances = answers.names, answers.best, answers.probabilities
        more = _build_optional(answers, read, len(names))
    best, probabilities = _place_values(found, read, len(names), -1), _place_values(chances, read, len(names), np.nan)
    reasons += [TOO_UNSURE.format(limit=options.abstain_below), NOT_FINITE]
    reason_ids[read[chances[:, 0] < options.abstain_below]] = len(reasons) - 2
    if artifact.familiarity is not None and "familiar" in more:
        reasons.append(artifact.familiarity.reason)
        reason_ids[read[more["familiar"][read] < options.limit(artifact)]] = len(reasons) - 1
    if not (finite := np.isfinite(chances[:, 0])).all():
        lost = read[~finite]
        reason_ids[lost], best[lost], probabilities[lost] = reasons.index(NOT_FINITE), -1, np.nan
    return PredictionColumns(labels, best, probabilities, reason_ids, tuple(reasons), artifact.name, **more)


def _build_optional(answers: "Answers", read: NDArray[np.int64], count: int) -> dict[str, Any]:
    """Return the optional columns of so many names, of which some were read."""
    more: dict[str, Any] = {}
    if answers.levels:
        more = {"levels": answers.levels, "level_ids": np.zeros(count, np.int8)}
        more["level_ids"][read] = answers.level_ids
    if answers.members is not None:
        more["set_sizes"] = np.zeros(count, np.int32)
        more["set_sizes"][read] = [len(one) for one in answers.members]
        more["set_ids"] = np.concatenate([np.empty(0, np.int32), *answers.members]).astype(np.int32)
    if answers.familiar is not None:
        more["familiar"] = _place_values(answers.familiar, read, count, np.nan)
    if answers.every is not None:
        more["every"] = _place_values(answers.every, read, count, np.nan)
    return more


def _place_values(values: NDArray[Any], read: NDArray[np.int64], count: int, missing: float) -> NDArray[Any]:
    """Return the values of so many names, of which some were read; the others have the value ``missing``."""
    if len(read) == count:
        return values
    spread = np.full((count, *values.shape[1:]), missing, values.dtype)
    spread[read] = values
    return spread


def share_columns(pool: "Pool", names: Sequence[str | None], options: AnswerOptions) -> PredictionColumns:
    """Answer with the processes of a pool, which get equal shares; otherwise as `answer_columns`.

    Raises:
        WorkerError: one of the processes failed.
    """
    from concurrent.futures import ThreadPoolExecutor  # imported here: the first answer does without it

    bounds = _cut(len(names), max(1, -(-len(names) // (SHARE * pool.count))) * pool.count)

    def answer(bound: tuple[int, int]) -> PredictionColumns:
        return pool.predict_columns(names[slice(*bound)], options)

    with ThreadPoolExecutor(pool.count) as threads:
        return _join_columns(threads.map(answer, bounds), len(names))


def _encode(reader: StringReader, names: Sequence[str | None]) -> tuple[EncodedStrings, list[str], NDArray[np.int8]]:
    """Return the strings that are read, and for all names why they are not read.

    Returns:
        The strings that are read; the reasons; and a place among them for each name, (N,), int8, −1 if it is read.
    """
    reasons, reason_ids = [MISSING], np.full(len(names), -1, np.int8)
    strings, unread, why = reader.encode_column(names)
    for position, reason in zip(unread, why, strict=True):
        reason = MISSING if names[position] is None else reason
        reasons += [] if reason in reasons else [reason]
        reason_ids[position] = reasons.index(reason)
    return strings, reasons, reason_ids


def _join_columns(parts: Iterable[PredictionColumns], count: int) -> PredictionColumns:
    """Return the columns of several lists of names, one after the other, as those of one list.

    Args:
        parts: the columns of at least one list. Each is copied before the next one is computed, so that they are not
            in memory together.
        count: how many names all lists have.
    """
    joined, sets, reasons = dict[str, Any](), list[NDArray[Any]](), dict[str, int]()
    start = 0
    for part in parts:
        if len(part) == count:
            return part
        end = start + len(part)
        for name, values in _list_arrays(part, reasons):
            if name == "set_ids":
                sets.append(values)
                continue
            if name not in joined:
                joined[name] = np.empty((count, *values.shape[1:]), values.dtype)
            joined[name][start:end] = values
        start = end
    if sets:
        joined["set_ids"] = np.concatenate(sets)
    return replace(part, reasons=tuple(reasons), **joined)


def _list_arrays(part: PredictionColumns, reasons: dict[str, int]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays that there are with their names; new reasons are added to those of all parts."""
    for name in ARRAYS:
        values = getattr(part, name)
        if name == "reason_ids":
            places = [reasons.setdefault(reason, len(reasons)) for reason in part.reasons]
            values = np.array([*places, -1], np.int8)[values]
        if values is not None:
            yield name, values
