"""What a classifier answers for rows of the data, and how many of the answers are right, as plain values for JSON."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.evaluation.intervals import bound_share
from elman.evaluation.metrics import (
    calibration_error,
    calibration_error_by_chance,
    curve_of_coverage,
    rank_truth,
    score,
)
from elman.evaluation.verdict import BASELINE, compare
from elman.model.hierarchy import Levels
from elman.prediction.predictor import Predictor
from elman.reports import EvalReport, Outcomes
from elman.scoring.probabilities import softmax
from release.origins.rows import Row

Floats = NDArray[np.float64]

TOP = (1, 3)
SHARES_ANSWERED = (0.25, 0.5, 0.75, 0.9, 1.0)
"""Where the curve of accuracy by coverage is read."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a classifier says of N names.

    Args:
        probabilities: (N, C); what a row without an answer holds does not matter.
        labels: the C names.
        reasons: why a name has no answer, None if it has one, N of them.
    """

    probabilities: Floats
    labels: tuple[str, ...]
    reasons: tuple[str | None, ...]

    def select(self, chosen: NDArray[np.bool_]) -> "Answers":
        """Return the answers for some of the names, (N,)."""
        reasons = tuple(reason for reason, is_chosen in zip(self.reasons, chosen.tolist(), strict=True) if is_chosen)
        return replace(self, probabilities=self.probabilities[chosen], reasons=reasons)

    def divide(self, shares: Floats) -> "Answers":
        """Return the answers for equally frequent labels, given the shares that the probabilities assume, (C,)."""
        weighted = self.probabilities / shares
        return replace(self, probabilities=weighted / weighted.sum(axis=1, keepdims=True))

    def sum_levels(self, levels: Levels, level: str) -> "Answers":
        """Return the answers with the groups of a level."""
        groups = levels.list_groups(level, self.labels)
        return replace(self, probabilities=levels.sum_probabilities(self.probabilities, level), labels=groups)

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Which names have an answer, (N,)."""
        return np.array([reason is None for reason in self.reasons], np.bool_)

    def rank(self, truth: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many labels come before the true one, (N,); all of them if there is no answer."""
        ranks = rank_truth(self.probabilities, truth)
        ranks[~self.answered] = len(self.labels)
        return ranks


def ask_model(predictor: Predictor, names: Sequence[str]) -> Answers:
    """Return the answers of a model; the threshold of its familiarity is not used."""
    normalised = predictor.artifact.normalisation.apply_all(names)
    reasons = tuple(predictor.abstentions(normalised)) if normalised else ()
    artifact, labels = predictor.artifact, predictor.labels
    probabilities = np.full((len(names), len(labels)), 1 / len(labels))
    read = [place for place, reason in enumerate(reasons) if reason is None]
    if read:
        logits = predictor.logits([normalised[place] for place in read])
        probabilities[read] = softmax(logits, artifact.temperature, artifact.floor)
    return Answers(probabilities, labels, reasons)


def place_labels(rows: Sequence[Row], labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the label ids of rows, (N,)."""
    places = {label: place for place, label in enumerate(labels)}
    return np.array([places[row.label] for row in rows], np.int64)


def describe_share(right: int, names: int) -> dict[str, Any]:
    """Return a share with its 95 % interval."""
    return {"value": right / names, "interval": list(bound_share(right, names))}


def score_names(answers: Answers, truth: NDArray[np.int64]) -> dict[str, Any]:
    """Return how often the true label is the first answer, and among the first three."""
    ranks = answers.rank(truth)
    return {
        "names": len(truth),
        **{f"top_{k}": describe_share(int((ranks < k).sum()), len(truth)) for k in TOP},
    }


def score_labels(answers: Answers, truth: NDArray[np.int64], levels: Levels, *, draws: int) -> dict[str, Any]:
    """Return the scores of a whole test part: labels, regions, continents, macro-F1 and the mean recall of labels.

    Args:
        answers: for N names.
        truth: label ids, (N,).
        levels: of the labels.
        draws: bootstrap samples of the interval of macro-F1.
    """
    report = score(answers.probabilities, truth, answers.labels, reasons=answers.reasons, draws=draws)
    recalls = [one.recall for one in report.per_label.values()]
    found = {
        **score_names(answers, truth),
        "macro_f1": {"value": report.macro_f1, "interval": list(report.intervals.get("macro_f1", ()))},
        "mean_recall": float(np.mean(recalls)),
    }
    for level in levels.names[1:]:
        ranks = answers.sum_levels(levels, level).rank(levels.place_labels(level)[truth])
        found[level] = describe_share(int((ranks < 1).sum()), len(truth))
    return {**found, "labels": _list_labels(report)}


def _list_labels(report: EvalReport) -> dict[str, dict[str, float]]:
    return {
        name: {"names": one.support, "precision": one.precision, "recall": one.recall, "f1": one.f1}
        for name, one in report.per_label.items()
    }


def compare_ranks(own: NDArray[np.int64], other: NDArray[np.int64], k: int, name: str) -> dict[str, Any]:
    """Return the difference of two top-k accuracies on the same names, with its interval."""
    ones = np.ones(len(own))
    outcomes = [Outcomes((ranks < k).astype(np.float64), ones) for ranks in (own, other)]
    found = compare(*outcomes, kind=BASELINE, name=name, score=f"top_{k}")
    return {"difference": found.difference, "interval": list(found.interval)}


def score_groups(
    answers: dict[str, Answers], truth: NDArray[np.int64], groups: Sequence[str], *, fewest: int = 1
) -> list[dict[str, Any]]:
    """Return the scores of each group of names: each classifier's, in falling order of the groups' sizes.

    Args:
        answers: of the classifiers by name, for N names.
        truth: label ids, (N,).
        groups: the group of each name, N of them.
        fewest: names of a group; smaller groups are left out.
    """
    ranks = {name: one.rank(truth) for name, one in answers.items()}
    named, places = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)
    sizes = np.bincount(places, minlength=len(named))
    rows = []
    for place in np.argsort(-sizes, kind="stable"):
        if sizes[place] >= fewest:
            own, size = places == place, int(sizes[place])
            shares = {
                name: {f"top_{k}": describe_share(int((one[own] < k).sum()), size) for k in TOP}
                for name, one in ranks.items()
            }
            rows.append({"group": str(named[place]), "names": size, **shares})
    return rows


def length_of(row: Row) -> str:
    """Return the length of a name in characters, as a class.

    >>> length_of(Row("Ng", "Chinese", "faker", "Latin", "part"))
    '1 to 4'
    """
    bounds = (4, 8, 12, 16, 20, 24)
    low = 1
    for high in bounds:
        if len(row.name) <= high:
            return f"{low} to {high}"
        low = high + 1
    return f"{low} and more"


def score_calibration(answers: Answers, truth: NDArray[np.int64], rows: Sequence[Row]) -> dict[str, Any]:
    """Return the calibration error of the first answer, of all names and by source and script."""
    answered = answers.answered
    probabilities, truth = answers.probabilities[answered], truth[answered]
    kept = [row for row, is_answered in zip(rows, answered.tolist(), strict=True) if is_answered]

    def by(group: Callable[[Row], str], fewest: int = 200) -> list[dict[str, Any]]:
        named = np.array([group(row) for row in kept], dtype=object).astype(str)
        found = []
        for one in sorted(set(named.tolist()), key=lambda one: -int((named == one).sum())):
            own = named == one
            if own.sum() >= fewest:
                found.append({"group": one, **_describe_calibration(probabilities[own], truth[own])})
        return found

    return {
        **_describe_calibration(probabilities, truth),
        "source": by(lambda row: row.source),
        "script": by(lambda row: row.script),
        "kind": by(lambda row: row.kind),
    }


def _describe_calibration(probabilities: Floats, truth: NDArray[np.int64]) -> dict[str, Any]:
    sure = probabilities.max(axis=1)
    return {
        "names": len(truth),
        "error": calibration_error(probabilities, truth),
        "error_by_chance": calibration_error_by_chance(probabilities, draws=20),
        "mean_probability": float(sure.mean()),
        "accuracy": float((probabilities.argmax(axis=1) == truth).mean()),
    }


def score_abstention(answers: Answers, truth: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return the accuracy of the surest answers by the share of names that are answered."""
    answered = answers.answered
    if not answered.any():
        return []
    shares, limits, accuracy = curve_of_coverage(answers.probabilities[answered], truth[answered])
    places = [min(len(shares) - 1, int(np.searchsorted(shares, one))) for one in SHARES_ANSWERED]
    return [
        {"answered": float(shares[k]), "abstain_below": float(limits[k]), "accuracy": float(accuracy[k])}
        for k in places
    ]
