"""Explanation: how an answer comes about, letter by letter.

Two questions, asked of any model that reads strings and answers with a label, with numpy alone:

- How does the answer move while the name is read? The model answers for every beginning of the name (read forwards) and
  for every end of it (read backwards).
- Which letters carry the answer? Each is hidden in turn, as the unknown symbol that training knows, and what the
  log-odds of the answer lose is the letter's evidence (occlusion: M. D. Zeiler and R. Fergus, 2014).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.errors import SettingError
from elman.prediction.predictor import Predictor
from elman.records import UNKNOWN
from elman.scoring.probabilities import softmax

SHOWN = 5
"""Labels whose course is shown: the likeliest at the end, and others that led on the way."""


@dataclass(frozen=True)
class Explanation:
    """How one answer came about.

    Args:
        name: the string as it was given.
        normalised: what the model read; one entry below for each of its symbols.
        label: the label that is explained.
        probability: its calibrated probability.
        shown: labels worth watching, the explained one first.
        forwards: after each symbol the probability of every label, were the name to end there.
        backwards: at each symbol the probability of every label, were the name to begin there.
        evidence: for each symbol how much the log-odds of the label lose when it is hidden, nats; below 0 where the
            symbol speaks against the label.
        model: the name of the model.
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
        }


def explain(predictor: Predictor, name: str, *, label: str | None = None) -> Explanation:
    """Explain one answer.

    Args:
        predictor: a model that reads strings and answers with a label.
        name: the string.
        label: the label to explain; the model's answer where None.

    Raises:
        SettingError: the model is of another kind, it cannot read the string, or it has no such label.

    >>> from elman.prediction.predictor import load
    >>> explanation = explain(load("languages"), "Nakamura")
    >>> explanation.label, len(explanation.evidence)
    ('Japanese', 8)
    """
    artifact = predictor.artifact
    if (artifact.reads, artifact.answers) != ("strings", "label"):
        raise SettingError(
            f"{predictor.name!r} reads {artifact.reads} and answers with {artifact.answers}; "
            "only answers of models that read strings and answer with a label can be explained"
        )
    read = predictor.reader.read(name)
    text, reason = read.normalised, read.reason
    if reason is not None:
        raise SettingError(f"{name!r} cannot be explained, for the model does not read it: {reason}")
    if label is not None and label not in predictor.labels:
        raise SettingError(f"no label {label!r}; the labels are {', '.join(predictor.labels)}")
    ids = artifact.vocabulary.encode(text)
    beginnings = [ids[:end] for end in range(1, len(ids) + 1)]
    ends = [ids[start:] for start in range(len(ids))]
    hidden = [np.where(np.arange(len(ids)) == place, UNKNOWN, ids) for place in range(len(ids))]
    logits = predictor.scorer.logits([*beginnings, *ends, *hidden])
    probabilities = softmax(logits, artifact.temperature)
    forwards, backwards, occluded = np.split(probabilities, 3)
    whole = forwards[-1]
    chosen = int(whole.argmax()) if label is None else predictor.labels.index(label)
    evidence = _log_odds(whole[chosen]) - _log_odds(occluded[:, chosen])
    watched = dict.fromkeys([chosen, *np.argsort(-(whole + np.concatenate([forwards, backwards]).mean(axis=0)))])
    shown = tuple(predictor.labels[k] for k in list(watched)[:SHOWN])

    def by_label(rows: Any) -> tuple[dict[str, float], ...]:
        return tuple(dict(zip(predictor.labels, row, strict=True)) for row in rows.tolist())

    return Explanation(
        name=name,
        normalised=text,
        label=predictor.labels[chosen],
        probability=float(whole[chosen]),
        shown=shown,
        forwards=by_label(forwards),
        backwards=by_label(backwards),
        evidence=tuple(evidence.tolist()),
        model=predictor.name,
    )


def _log_odds(probability: Any) -> Any:
    kept = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.log(kept) - np.log1p(-kept)
