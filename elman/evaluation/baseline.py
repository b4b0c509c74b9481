"""The baseline that every model of labelled strings is compared with: logistic regression on character n-grams.

Two fits of it can be chosen. ``quick``, the default, hashes the n-grams and is bounded: its work is counted before it
starts, and if it is more than allowed, the baseline sees a random sample of the strings. ``full`` keeps every n-gram
and fits until it converges, which takes minutes for 50,000 strings with many labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from elman.checks import check_choice
from elman.evaluation.linear import LinearModel, count_ngrams
from elman.evaluation.metrics import score
from elman.records import Example
from elman.reports import EvalReport
from elman.text.vocabulary import Labels

QUICK, FULL = "quick", "full"
"""The fits."""

MOST_PASSES, LEAST_PASSES, STRINGS_SEEN = 20, 2, 150_000
"""``quick`` uses each string twenty times, or less often where two or more passes see so many strings; more overfit."""

COPIES = 0.25
"""``quick`` counts copies of a string as their number to this power, which is better than 0, 0.5 and 1."""

NGRAM_COST = 40
"""Reading an n-gram takes as long as multiplying it with so many labels."""

LEAST_PRODUCTS = 5e7
"""The fewest products that are allowed: a quarter of a second."""


@dataclass(frozen=True)
class Baseline:
    """A baseline that was fitted.

    Args:
        model: the fit; ``predict_proba`` takes strings, and ``classes_`` are its labels.
        kind: ``quick`` or ``full``.
        strings: how many different strings it was fitted on.
        available: how many the training part has.
        is_streamed: whether the training part is larger than memory, so that only a sample of it could be used.
    """

    model: LinearModel | Pipeline
    kind: str
    strings: int
    available: int
    is_streamed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return what ``report.json`` says of the fit."""
        fit = {"kind": self.kind, "strings": self.strings, "available": self.available}
        return {**fit, "streamed": True} if self.is_streamed else fit


def describe_fit(fit: Mapping[str, Any]) -> str:
    """Return in one sentence what a baseline is, and what it was fitted on.

    Args:
        fit: as `Baseline.to_dict` returns it.

    >>> print(describe_fit({"kind": "full", "strings": 90, "available": 90}))
    The baseline is logistic regression on character n-grams of 1 to 5, fitted on the same training part.
    """
    hashed = "hashed " if fit["kind"] == QUICK else ""
    sample = "the same training part"
    if fit["strings"] < fit["available"]:
        sample = f"{fit['strings']:,} of the {fit['available']:,} strings of the training part, drawn at random"
        if fit.get("streamed"):
            sample += ", because the data are streamed"
        else:
            sample += ", so that it takes at most a fifth of the training's time; --baseline full fits all of them"
    return f"The baseline is logistic regression on {hashed}character n-grams of 1 to 5, fitted on {sample}."


def fit_baseline(
    examples: Sequence[Example], kind: str = QUICK, *, allowed: float | None = None, seed: int = 0
) -> Baseline:
    """Fit a baseline; the same arguments give the same one.

    Args:
        examples: normalised, of at least two labels.
        kind: ``quick`` or ``full``.
        allowed: of ``quick``, how many products of an n-gram with a label the fit may take, as `count_products` counts
            them, but at least `LEAST_PRODUCTS`; no limit if None.
        seed: of the order, the sample and the solver.

    Raises:
        SettingError: there is no such kind.
    """
    check_choice("baseline", kind, (QUICK, FULL))
    if kind == FULL:
        return Baseline(fit_full(examples, seed=seed), FULL, len(examples), len(examples))
    labels = Labels.from_names(example.label for example in examples)  # those outside the sample, too
    passes, strings = plan_fit(examples, labels=len(labels), allowed=allowed)
    chosen = examples
    if strings < len(examples):
        drawn = np.random.default_rng(seed).permutation(len(examples))[:strings]
        chosen = [examples[position] for position in np.sort(drawn).tolist()]
    model = LinearModel(labels.names).fit(
        [example.text for example in chosen],
        labels.encode([example.label for example in chosen]),
        np.array([example.count for example in chosen]) ** COPIES,
        passes=passes,
        seed=seed,
    )
    return Baseline(model, QUICK, strings, len(examples))


def plan_fit(examples: Sequence[Example], *, labels: int, allowed: float | None = None) -> tuple[int, int]:
    """Return how often ``quick`` uses each string, and how many strings it uses.

    Passes are given up before strings are.

    Args:
        examples: normalised.
        labels: C.
        allowed: as for `fit_baseline`.
    """
    passes = min(MOST_PASSES, max(LEAST_PASSES, STRINGS_SEEN // len(examples)))
    if allowed is None:
        return passes, len(examples)
    affordable = max(allowed, LEAST_PRODUCTS) / count_products(examples, labels=labels)
    if affordable >= LEAST_PASSES:
        return min(passes, int(affordable)), len(examples)
    return LEAST_PASSES, max(1, int(affordable / LEAST_PASSES * len(examples)))


def count_products(examples: Sequence[Example], *, labels: int) -> int:
    """Return how many products of an n-gram with a label one pass takes, with the time to read the n-grams.

    >>> count_products([Example("anna", "Greek")], labels=10)  # 18 n-grams
    900
    """
    return count_ngrams([example.text for example in examples]) * (labels + NGRAM_COST)


def fit_full(examples: Sequence[Example], *, seed: int = 0, **settings: Any) -> Pipeline:
    """Fit all n-grams; no simple setting that `benchmarks/baseline.py` compares is better by more than chance.

    Args:
        examples: normalised.
        seed: of the solver.
        settings: other values, as scikit-learn's `Pipeline.set_params` takes them.
    """
    pipeline = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), lowercase=False),
        LogisticRegression(C=30.0, max_iter=300, random_state=seed),
    )
    pipeline.set_params(**settings)
    pipeline.fit(
        [example.text for example in examples],
        [example.label for example in examples],
        logisticregression__sample_weight=[example.count for example in examples],
    )
    return pipeline


def evaluate_baseline(baseline: Baseline, examples: Sequence[Example], labels: Labels) -> EvalReport:
    """Score a baseline on normalised examples; labels missing from its training part get probability 0."""
    probabilities = np.zeros((len(examples), len(labels)))
    columns = labels.encode(list(baseline.model.classes_))
    probabilities[:, columns] = baseline.model.predict_proba([example.text for example in examples])
    return score(probabilities, labels.encode([example.label for example in examples]), labels.names)
