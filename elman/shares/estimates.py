"""Estimates: names, or a table of names, to the shares of labels in each group, with their intervals."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.checks import check_whole, count_of, is_missing, shown
from elman.errors import DataError, SettingError
from elman.model.file import Artifact
from elman.model.shipped import DEFAULT_MODEL
from elman.prediction.names import list_names
from elman.prediction.options import AnswerOptions
from elman.prediction.predictor import Predictor, load
from elman.shares.mixture import DRAWS, bound_mixture, draw_mixtures, estimate_mixture
from elman.shares.prior import Prior, find_prior
from elman.shares.report import GroupShares, Share, ShareReport
from elman.shares.sample import MOST_NAMES, Group, Sample
from elman.tables.chunks import Chunk
from elman.tables.formats import Format, TextOptions
from elman.tables.sources import Source, open_source
from elman.tables.sql.queries import Query, open_query

Floats = NDArray[np.float64]

TOGETHER = 16_384
"""Names of small groups that the model reads together."""

FEW = 50
"""Names below which a group's shares say little."""

NOT_MEASURED = (
    "the file of the model {name} does not say what its probabilities assume; the shares of its training part were "
    "taken instead, and the estimates are less exact"
)


@dataclass(frozen=True, eq=False)
class Estimator:
    """Estimates the shares of labels with one model.

    Args:
        predictor: the model; it reads strings and answers with a label.
        level: of its hierarchy, whose groups of labels get the shares; the labels themselves if None.
        draws: bootstrap samples for the intervals, at least 50.
        seed: of the bootstrap, and of the samples of large groups.

    Raises:
        SettingError: the model is of another kind, or does not say what shares need; or a setting is invalid.
    """

    predictor: Predictor
    level: str | None = None
    draws: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_whole("draws", self.draws, 50)
        check_whole("seed", self.seed, 0)
        self.predictor.check_columns(AnswerOptions())
        find_prior(self.predictor.artifact)
        place_labels(self.predictor.artifact, self.level)

    @property
    def labels(self) -> tuple[str, ...]:
        """What gets a share: the labels of the model, or their groups at the level."""
        return place_labels(self.predictor.artifact, self.level)[0]

    def estimate(self, sample: Sample, *, by: str | None = None, notes: Sequence[str] = ()) -> ShareReport:
        """Return the shares in each group of a sample.

        Args:
            sample: the names.
            by: what the groups are called.
            notes: other notes for the report.
        """
        artifact = self.predictor.artifact
        prior, (labels, places) = find_prior(artifact), place_labels(artifact, self.level)
        groups = [
            self._estimate_group(key, group, probabilities, prior, labels, places)
            for key, group, probabilities in self._read(sample)
        ]
        notes = [*notes, *([] if prior.is_measured else [NOT_MEASURED.format(name=shown(artifact.name))])]
        return ShareReport(self.predictor.name, self.level, by, tuple(groups), (*notes, *_write_notes(groups)))

    def _read(self, sample: Sample) -> Iterator[tuple[str | None, Group, Floats]]:
        """Yield the groups with their keys and the probabilities of their names; small groups are read together."""
        waiting: list[tuple[str | None, Group]] = []
        for key, group in sample:
            waiting.append((key, group))
            if sum(len(one.names) for _, one in waiting) >= TOGETHER:
                yield from self._read_together(waiting)
                waiting = []
        yield from self._read_together(waiting)

    def _read_together(self, groups: Sequence[tuple[str | None, Group]]) -> Iterator[tuple[str | None, Group, Floats]]:
        names = [name for _, group in groups for name in group.names]
        probabilities, start = self.predictor.probabilities(names), 0
        for key, group in groups:
            yield key, group, probabilities[start : start + len(group.names)]
            start += len(group.names)

    def _estimate_group(
        self,
        key: str | None,
        group: Group,
        probabilities: Floats,
        prior: Prior,
        labels: Sequence[str],
        places: NDArray[np.int64],
    ) -> GroupShares:
        answered = probabilities[np.isfinite(probabilities).all(axis=1)]
        shares: list[Share] = []
        if len(answered):
            mixture = estimate_mixture(answered, prior.shares)
            samples = draw_mixtures(answered, prior.shares, mixture, prior.known, draws=self.draws, seed=self.seed)
            sums = _sum_labels(mixture[None], places, len(labels))[0]
            low, high = bound_mixture(sums, _sum_labels(samples, places, len(labels)), len(answered))
            best = _sum_labels(answered, places, len(labels)).argmax(axis=1)
            counted = np.bincount(best, minlength=len(labels)) / len(best)
            values = (one.tolist() for one in (sums, low, high, counted))
            shares = [Share(*each) for each in zip(labels, *values, strict=True)]
            shares.sort(key=lambda share: -share.share)
        abstained = len(probabilities) - len(answered)
        return GroupShares(key, group.rows, group.missing, len(probabilities), abstained, tuple(shares))


def estimate_shares(
    names: Iterable[str | bytes | None],
    by: Iterable[Any] | None = None,
    *,
    model: str | Path | Predictor = DEFAULT_MODEL,
    level: str | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> ShareReport:
    """Estimate the shares of labels in a list of names, or in each of its groups.

    The estimate corrects what counting answers gets wrong: the errors of the model, and its expectation that labels
    are as frequent as in its training data. The intervals are of the population that the names are a sample of.

    Args:
        names: a list of strings, or a column of pandas, polars, Arrow or numpy, as for `Predictor.predict`.
        by: the group of each name, as long as ``names``; one group if None. A missing value is a group of its own.
        model: the name of a model that comes with Elman, the path of a model file, or a predictor.
        level: of the model's hierarchy, such as ``region``: its groups get the shares.
        draws: bootstrap samples for the intervals, at least 50.
        seed: of the bootstrap; and of the samples of groups with more than 10,000 names.

    Returns:
        The groups, the largest first.

    Raises:
        SettingError: the names or the groups are no column of values, or their lengths differ; the model does not
            answer with labels, or does not say what shares need; or a setting is invalid.

    >>> report = estimate_shares(["Nakamura", "Yamamoto", "Rossi", "Suzuki"])
    >>> report.groups[0].shares[0].label
    'Japanese'
    """
    estimator = Estimator(model if isinstance(model, Predictor) else load(model), level, draws, seed)
    listed = list_names(names)
    keys = [None] * len(listed) if by is None else _list_groups(by)
    if len(keys) != len(listed):
        raise SettingError(f"by must have a group for each of the {count_of(len(listed), 'name')}; got {len(keys):,}")
    if not listed:
        raise SettingError("names must have at least one name; got none")
    sample = Sample(seed)
    sample.add(listed, keys)
    title = getattr(by, "name", None)
    return estimator.estimate(sample, by=None if by is None else str(title or "group"))


def estimate_table(
    estimator: Estimator,
    tables: Sequence[str] | Query,
    *,
    column: str,
    by: str | None = None,
    form: Format | None = None,
    options: TextOptions | None = None,
    sample: Sample | None = None,
) -> ShareReport:
    """Estimate the shares of labels in a table, or in each group of its rows. It is read once, row by row.

    Args:
        estimator: the model and the settings.
        tables: one or more files, read as one table; ``-`` is standard input. Or a query.
        column: the column of the names, by its name or its number from 1.
        by: the column of the groups, likewise; one group if None.
        form: the format of the files; their names decide if None.
        options: how text files are read.
        sample: collects the names; an empty one. It may raise an error of its own for a table that is too large.

    Raises:
        DataError: a file or a row cannot be read, it has no such column, or no row.
        SettingError: a format is unknown.
    """
    sample, found = Sample(estimator.seed) if sample is None else sample, by is None
    with ExitStack() as stack:
        source: Source
        if isinstance(tables, Query):
            source = stack.enter_context(open_query(tables, column=column))
        else:
            source = stack.enter_context(open_source(tables, column=column, form=form, options=options))
        for chunk in source.chunks():
            keys = _read_groups(chunk, by)
            found = found or any(key is not None for key in keys)
            sample.add(chunk.names, keys)
    if not len(sample):
        raise DataError(f"{shown(source.title, 300)}: expected rows with names; got none", code="no_rows")
    if not found:
        raise DataError(
            f"{shown(source.title, 300)}: no row has a value in the column '{shown(by or '')}' of --by",
            code="no_groups",
        )
    return estimator.estimate(sample, by=by, notes=source.notes)


def place_labels(artifact: Artifact, level: str | None) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the names at a level of a model's hierarchy, and the place among them of each label, (C,).

    Raises:
        SettingError: the model has no such level.
    """
    names = artifact.labels.names
    if level is None:
        return names, np.arange(len(names))
    levels = getattr(artifact, "levels", None)
    if levels is None:
        raise SettingError(f"{shown(artifact.name)} has no levels above its labels; leave the level out")
    return tuple(levels.list_groups(level, names)), levels.place_labels(level)


def _sum_labels(values: Floats, places: NDArray[np.int64], size: int) -> Floats:
    """Return the sums of the labels that have the same place, (N, size), from values of the labels, (N, C)."""
    sums = np.zeros((size, len(values)))
    np.add.at(sums, places, values.T)
    return sums.T


def _read_groups(chunk: Chunk, by: str | None) -> list[str | None]:
    """Return the group of each row; None if it is missing or blank."""
    if by is None:
        return [None] * len(chunk.names)
    return [None if key is None or not key.strip() else key.strip() for key in chunk.strings(by)]


def _list_groups(by: Iterable[Any]) -> list[str | None]:
    """Return the group of each name as a string; None if it is missing.

    Raises:
        SettingError: it is no column of values.
    """
    if isinstance(by, str | bytes) or not isinstance(by, Iterable):
        raise SettingError(f"by must be a list or a column with a group for each name; got {type(by).__name__}")
    values = getattr(by, "to_pylist", getattr(by, "tolist", lambda: list(by)))()
    keys = [None if is_missing(value) else str(value).strip() for value in values]
    return [key or None for key in keys]


def _write_notes(groups: Sequence[GroupShares]) -> Iterator[str]:
    """Yield what a reader should know of some groups."""
    small = sum(one.read - one.abstained < FEW for one in groups)
    if small:
        have = "has" if small == 1 else "have"
        yield f"{count_of(small, 'group')} {have} fewer than {FEW} names that can be read; their intervals are wide"
    sampled = sum(one.read < one.names - one.missing for one in groups)
    if sampled:
        have = "has" if sampled == 1 else "have"
        yield f"{count_of(sampled, 'group')} {have} more than {MOST_NAMES:,} names; so many were drawn at random"
