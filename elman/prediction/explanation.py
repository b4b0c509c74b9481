"""Explanation: which letters of a string lead to its answer.

It asks two questions, of any model that reads strings and answers with a label, with numpy alone:

- How does the answer change while the string is read? The model answers for every beginning of the string (read
  forwards) and for every end of it (read backwards).
- Which letters does the answer rest on? Each letter in turn is replaced by the unknown symbol, which training knows.
  The log-odds that the answer loses are the letter's evidence (occlusion: M. D. Zeiler and R. Fergus, 2014).

The answer is a label, or a group of labels at a level such as region, whose probability is the sum of theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.checks import shown, suggest
from elman.errors import SettingError
from elman.markup import TRAINING, VALIDATION, escape, render_bar, render_card, render_note, render_table
from elman.model.file import Artifact
from elman.model.hierarchy import AUTO
from elman.model.kinds import KINDS
from elman.prediction.inputs import MISSING, NOT_FINITE, InputReader
from elman.prediction.names import read_name
from elman.prediction.options import SURE, AnswerOptions
from elman.records import UNKNOWN
from elman.scoring.probabilities import softmax
from elman.scoring.scorer import Scorer

SHOWN = 5
"""Labels to show: the most likely ones, for the whole string and on average over its beginnings and ends."""

MOST = 200
"""The most labels of each beginning and end that have their probabilities in an explanation, beside those to show."""

LONGEST = 1000
"""The most characters of the list of labels in an error message."""


class Explainable(Protocol):
    """What an explanation needs of a model: `elman.prediction.predictor.Predictor` has it."""

    artifact: Artifact

    @property
    def name(self) -> str:
        """What its predictions call the model."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The answers that it can give."""

    @property
    def reader(self) -> InputReader:
        """The reader of its kind of input."""

    @property
    def scorer(self) -> Scorer:
        """The forward pass."""


@dataclass(frozen=True)
class Explanation:
    """How the answer for one string depends on its letters.

    Args:
        name: the string before normalisation.
        normalised: what the model read; the entries below have one for each of its symbols.
        label: the label that is explained, or the group of labels.
        probability: its calibrated probability.
        shown: labels worth showing, the explained one first.
        forwards: after each symbol, the probability of every label if the string ended here; if the model has more
            than `MOST` labels, of the labels in ``shown`` and of the most likely ones.
        backwards: at each symbol, the same if the string began here.
        evidence: for each symbol, the log-odds that the label loses when the symbol is hidden, nats; below 0 if the
            symbol is evidence against the label.
        model: the name of the model.
        level: of the label; None if the model has no levels.
    """

    name: str
    normalised: str
    label: str
    probability: float
    shown: tuple[str, ...]
    forwards: tuple[dict[str, float], ...]
    backwards: tuple[dict[str, float], ...]
    evidence: tuple[float, ...]
    model: str
    level: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values for JSON, one object for each symbol under ``letters``."""
        letters = [
            {"letter": letter, "evidence": nats, "forwards": forwards, "backwards": backwards}
            for letter, nats, forwards, backwards in zip(
                self.normalised, self.evidence, self.forwards, self.backwards, strict=True
            )
        ]
        return {
            "name": self.name,
            "normalised": self.normalised,
            "label": self.label,
            "probability": self.probability,
            "letters": letters,
            "model": self.model,
            **({} if self.level is None else {"level": self.level}),
        }

    def _repr_html_(self) -> str:
        """Return the explanation as a notebook shows it: for each letter its evidence and both courses."""
        largest = max(map(abs, self.evidence)) or 1.0
        rows = [
            [
                escape("␣" if letter == " " else letter),
                f"{100 * forwards[self.label]:.0f} %",
                f"{100 * backwards[self.label]:.0f} %",
                f"{nats:+.2f}",
                render_bar(abs(nats) / largest, TRAINING if nats >= 0 else VALIDATION),
            ]
            for letter, nats, forwards, backwards in zip(
                self.normalised, self.evidence, self.forwards, self.backwards, strict=True
            )
        ]
        header = ("letter", f"→ {self.label}", f"← {self.label}", "evidence, nats", "")
        return render_card(
            f"{self.name} → {self.label}, {100 * self.probability:.1f} %",
            render_table(rows, header=header, escaped=True),
            render_note("→ if the string ends here, ← if it begins here; orange is evidence against the answer."),
        )


def explain(
    predictor: Explainable, name: str | bytes | None, *, label: str | None = None, level: str | None = None
) -> Explanation:
    """Explain one answer.

    Args:
        predictor: a model that reads strings and answers with a label.
        name: the string, as in `elman.prediction.predictor.Predictor.predict`.
        label: the label to explain, or the group of labels at the level; the model's answer if None.
        level: of the label, such as ``region``; ``auto`` for the finest one whose best answer has a probability of a
            half; None for the labels of the model.

    Raises:
        SettingError: the model is of another kind, it cannot read the string, or it has no such level or label.

    >>> from elman.prediction.predictor import load
    >>> explanation = explain(load("languages"), "Nakamura")
    >>> explanation.label, len(explanation.evidence)
    ('Japanese', 8)
    """
    artifact = predictor.artifact
    if artifact.kind is not KINDS["label"]:
        raise SettingError(
            f"{predictor.name!r} {artifact.kind}; "
            "only answers of models that read strings and answer with a label can be explained"
        )
    AnswerOptions(level=level).check(artifact)
    text = read_name(name)
    if text is None:
        raise SettingError(f"a missing name cannot be explained: {MISSING}")
    one = predictor.reader.read(text)
    if one.numbers is None:
        raise SettingError(f"'{shown(text)}' cannot be explained, because the model does not read it: {one.reason}")
    if level != AUTO:
        _check_label(label, artifact, level)
    courses = _compute_probabilities(predictor, one.numbers)
    if not all(np.isfinite(shares).all() for shares in courses):
        raise SettingError(f"'{shown(text)}' cannot be explained: {NOT_FINITE}")
    if level == AUTO:
        level = _choose_level(artifact, courses[0][-1:])
        _check_label(label, artifact, level)
    names = list_answers(artifact, level)
    forwards, backwards, occluded = (_sum_labels(artifact, shares, level) for shares in courses)
    whole = forwards[-1]
    chosen = int(whole.argmax()) if label is None else names.index(label)
    evidence = _compute_log_odds(whole[chosen]) - _compute_log_odds(occluded[:, chosen])
    likely = np.argsort(-(whole + np.concatenate([forwards, backwards]).mean(axis=0)))[:SHOWN].tolist()
    worth_showing = list(dict.fromkeys([chosen, *likely]))[:SHOWN]
    return Explanation(
        name=text,
        normalised=one.normalised,
        label=names[chosen],
        probability=float(whole[chosen]),
        shown=tuple(names[k] for k in worth_showing),
        forwards=_name_columns(names, forwards, worth_showing),
        backwards=_name_columns(names, backwards, worth_showing),
        evidence=tuple(evidence.tolist()),
        model=predictor.name,
        level=None if artifact.levels is None else level or artifact.levels.names[0],
    )


def list_answers(artifact: Artifact, level: str | None) -> tuple[str, ...]:
    """Return the labels of a model, or their groups at a level.

    Raises:
        SettingError: there is no such level.
    """
    if level is None or artifact.levels is None:
        return artifact.labels.names
    return artifact.levels.list_groups(level, artifact.labels.names)


def _check_label(label: str | None, artifact: Artifact, level: str | None) -> None:
    """Check that a label, if there is one, is among those of a level."""
    names = list_answers(artifact, level)
    if label is None or label in names:
        return
    others = (
        []
        if artifact.levels is None
        else [one for one in artifact.levels.names if label in list_answers(artifact, one)]
    )
    near = f"; it is one of the level {others[0]}" if others else suggest(label, names)
    what = f"{shown(level)} has" if level is not None else "the labels are"
    raise SettingError(f"no label '{shown(label)}'; {what} {shown(', '.join(names), LONGEST)}{near}")


def _choose_level(artifact: Artifact, whole: NDArray[np.float64]) -> str:
    """Return the finest level whose best answer is sure enough, otherwise the coarsest, from probabilities (1, C)."""
    assert artifact.levels is not None
    sure = (one for one in artifact.levels.names if _sum_labels(artifact, whole, one).max() >= SURE)
    return next(sure, artifact.levels.names[-1])


def _sum_labels(artifact: Artifact, shares: NDArray[np.float64], level: str | None) -> NDArray[np.float64]:
    """Return the probabilities of the answers of a level, (T, G), from those of the labels, (T, C)."""
    return shares if level is None or artifact.levels is None else artifact.levels.sum_probabilities(shares, level)


def _compute_probabilities(predictor: Explainable, ids: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Return the probabilities of the beginnings, of the ends, and with each symbol hidden: three arrays, (T, C)."""
    steps = len(ids)
    beginnings = [ids[:end] for end in range(1, steps + 1)]
    ends = [ids[start:] for start in range(steps)]
    hidden = [np.where(np.arange(steps) == place, UNKNOWN, ids) for place in range(steps)]
    logits = predictor.scorer.logits([*beginnings, *ends, *hidden])
    return np.split(softmax(logits, predictor.artifact.temperature, predictor.artifact.floor), 3)


def _compute_log_odds(probability: Any) -> Any:
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.log(clipped) - np.log1p(-clipped)


def _name_columns(
    labels: Sequence[str], rows: NDArray[np.float64], worth_showing: Sequence[int]
) -> tuple[dict[str, float], ...]:
    """Return each row as a dictionary from label to probability, in the order of the labels.

    Args:
        labels: the C names.
        rows: probabilities, (T, C).
        worth_showing: label ids that every dictionary contains, beside the `MOST` most likely ones of its row.
    """
    if len(labels) <= MOST:
        return tuple(dict(zip(labels, row, strict=True)) for row in rows.tolist())
    likely = np.argpartition(-rows, MOST, axis=1)[:, :MOST]
    kept = np.sort(np.concatenate([likely, np.tile(worth_showing, (len(rows), 1))], axis=1), axis=1)
    shares = np.take_along_axis(rows, kept, axis=1)
    return tuple(
        {labels[k]: share for k, share in zip(*row, strict=True)}
        for row in zip(kept.tolist(), shares.tolist(), strict=True)
    )
