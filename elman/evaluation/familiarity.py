"""Familiarity: the weights of its measures and the ranks of known names, fitted on names that were kept back.

A logistic regression tells names that were kept back from strings that are no such names. Without examples of those,
they are made: names with their symbols shuffled, and random symbols.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from elman.errors import DataError
from elman.model.familiarity import MEASURES, MOST_GROUPS, MOST_SLOTS, Familiarity, count_ngrams
from elman.model.file import Artifact
from elman.prediction.predictor import Predictor
from elman.text.encoded import EncodedStrings
from elman.text.scripts import script_of_character
from elman.text.vocabulary import Vocabulary

LEAST = 200
"""The fewest names that are kept back with which familiarity is measured."""

RANKS = 201
"""Scores of known names that are kept: their quantiles at equal steps."""

LEAST_OF_GROUP = 100
"""The fewest names that were kept back with which a script has ranks of its own."""

THRESHOLD = 0.01
"""The share of known names for which the model abstains by default."""


def fit_familiarity(
    artifact: Artifact,
    learned: Sequence[str],
    known: Sequence[str],
    unknown: Sequence[str] = (),
    *,
    also: Sequence[str] = (),
    threshold: float = THRESHOLD,
    noun: str = "strings",
    slots: int = MOST_SLOTS,
    seed: int = 0,
) -> Familiarity:
    """Return what measures how familiar a string is to a model.

    Args:
        artifact: the model, calibrated.
        learned: normalised names of its training part.
        known: normalised names that were kept back, at least `LEAST` that the model reads.
        unknown: normalised strings that are no such names; they count as much as those that are made.
        also: normalised names that the model learned and that none kept back is like, such as the few family names of a
            script: known names are ranked among them, but the weights of the measures are fitted without them.
        threshold: the familiarity below which the model abstains by default: so many of the known names are lost.
        noun: what the model learned from, for its reason to abstain: ``names``.
        slots: of the table of n-grams, a power of two.
        seed: of what is drawn.

    Raises:
        DataError: the model reads too few of the names that were kept back.
    """
    draw = np.random.default_rng(seed)
    predictor = Predictor(artifact)
    counts, total = count_ngrams(artifact.vocabulary.encode_all(list(learned)), slots=slots)
    plain = Familiarity(counts, total, (0.0,) * len(MEASURES), (0.0, 1.0))
    strings = encode_read(predictor, known)
    of_known = measure_ids(predictor, plain, strings)
    if len(of_known) < LEAST:
        raise DataError(f"familiarity needs at least {LEAST} names that were kept back; got {len(of_known):,}")
    parts = [measure(predictor, plain, unknown), measure_ids(predictor, plain, make_unknown(strings, draw))]
    parts = [part for part in parts if len(part)]
    weights = fit_weights(of_known, parts)
    groups = group_scripts(artifact.vocabulary, strings)
    every = ((0.0, 1.0),) * max(groups, default=0)
    scored = Familiarity(counts, total, weights, (0.0, 1.0), groups=groups, ranks_of_groups=every)
    if also:
        taught = encode_read(predictor, also)
        of_known = np.concatenate([of_known, measure_ids(predictor, plain, taught)])
        strings = EncodedStrings.gather([*strings.split(), *taught.split()])
    scores, of_group = scored.score(of_known), scored.find_groups(strings)
    ranks, *others = (rank_scores(scores[of_group == group]) for group in range(len(every) + 1))
    return Familiarity(counts, total, weights, ranks, threshold, noun, groups, tuple(others))


def group_scripts(vocabulary: Vocabulary, strings: EncodedStrings) -> tuple[int, ...]:
    """Return the group of each symbol, by its id: of the scripts with enough strings, the most common one is 0.

    Args:
        vocabulary: the symbols.
        strings: names that were kept back.

    Returns:
        (V,); empty if one script has nearly all strings. Scripts with few strings are one group, if they have enough
        together, and otherwise 0.
    """
    scripts = np.array(["", *(script_of_character(one) if one.isalpha() else "" for one in vocabulary.symbols)])
    names = sorted(set(scripts.tolist()) - {""})
    has = {name: np.add.reduceat(scripts[strings.ids] == name, strings.starts) > 0 for name in names}
    counts = {name: int(found.sum()) for name, found in has.items()}
    most = max(counts, key=counts.__getitem__, default="")
    numbers = {name: 0 for name in names}
    enough = [name for name in names if name != most and counts[name] >= LEAST_OF_GROUP][: MOST_GROUPS - 1]
    numbers |= {name: place + 1 for place, name in enumerate(enough)}
    rare = [name for name in names if name != most and name not in enough]
    if sum(counts[name] for name in rare) >= LEAST_OF_GROUP:
        numbers |= dict.fromkeys(rare, len(enough) + 1)
    groups = tuple(numbers.get(name, 0) for name in scripts.tolist())
    return groups if any(groups) else ()


def rank_scores(scores: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the quantiles of scores at equal steps, rising."""
    return tuple(np.maximum.accumulate(np.quantile(scores, np.linspace(0, 1, RANKS))).tolist())


def fit_weights(of_known: NDArray[np.float64], parts: Sequence[NDArray[np.float64]]) -> tuple[float, ...]:
    """Return the weights of the measures: a logistic regression in which each part of the unknown strings counts alike.

    Args:
        of_known: measures of known names, (N, 4).
        parts: of unknown strings, each (M, 4).
    """
    measures = np.concatenate([of_known, *parts])
    truth = np.arange(len(measures)) < len(of_known)
    shares = [np.full(len(part), len(of_known) / len(part) / len(parts)) for part in parts]
    scale = measures.std(axis=0) + 1e-9
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(
        measures / scale, truth, sample_weight=np.concatenate([np.ones(len(of_known)), *shares])
    )
    return tuple((fitted.coef_[0] / scale).tolist())


def make_unknown(strings: EncodedStrings, draw: np.random.Generator) -> EncodedStrings:
    """Return as many strings of the same lengths that are no names, from names.

    Half of them are names with their symbols shuffled. The symbols of the others are drawn: in turn as frequent as
    in the names, or each as likely as any other.
    """
    ids = strings.ids.copy()
    kinds = np.repeat(draw.integers(0, 4, len(strings)), strings.lengths)
    owners = np.repeat(np.arange(len(strings)), strings.lengths)
    shuffled = ids[np.lexsort((draw.random(len(ids)), owners))]
    made = np.where(kinds < 2, shuffled, draw.permutation(ids))
    return EncodedStrings(np.where(kinds == 3, draw.choice(np.unique(ids), len(ids)), made), strings.lengths)


def encode_read(predictor: Predictor, texts: Sequence[str]) -> EncodedStrings:
    """Return those of the normalised texts that a model reads."""
    reasons = predictor.abstentions(texts) if texts else []
    read = [text for text, reason in zip(texts, reasons, strict=True) if reason is None]
    return predictor.artifact.vocabulary.encode_all(read)


def measure(predictor: Predictor, familiarity: Familiarity, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the measures of the normalised texts that a model reads, (N, 4)."""
    return measure_ids(predictor, familiarity, encode_read(predictor, texts))


def measure_ids(predictor: Predictor, familiarity: Familiarity, strings: EncodedStrings) -> NDArray[np.float64]:
    """Return the measures of encoded strings, (N, 4)."""
    if not len(strings):
        return np.empty((0, len(MEASURES)))
    measures = np.empty((len(strings), len(MEASURES)))

    def work(rows: NDArray[np.int64], logits: NDArray[np.float32]) -> None:
        found = familiarity.measure_strings(strings.select(rows), logits, predictor.artifact.temperature)
        measures[rows] = found

    predictor.scorer.each(strings, work)
    return measures


def measure_areas(
    familiarity: Familiarity, of_known: NDArray[np.float64], of_unknown: NDArray[np.float64]
) -> dict[str, float]:
    """Return the area under the ROC curve of each measure and of the score, for known against unknown strings.

    1 if every known name is more familiar than every unknown string, and a half if there is no difference.

    Args:
        familiarity: whose weights make the score.
        of_known: measures, (N, 4).
        of_unknown: measures, (M, 4).
    """
    measures = np.concatenate([of_known, of_unknown])
    truth = np.arange(len(measures)) < len(of_known)
    columns = {**dict(zip(MEASURES, measures.T, strict=True)), "familiar": familiarity.score(measures)}
    return {name: float(roc_auc_score(truth, column)) for name, column in columns.items()}
