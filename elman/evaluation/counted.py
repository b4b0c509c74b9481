"""A counted model of strings: the simple baseline of networks that write.

It is an n-gram model with interpolated, modified Kneser–Ney smoothing (S. F. Chen and J. Goodman, "An empirical study
of smoothing techniques for language modeling", 1999, section 3). A symbol is predicted from the ones before it. What
follows a long context is counted; a part of each count is taken away and given to what follows the context without its
first symbol. Of shorter contexts it is counted after how many different symbols a string of symbols occurs, rather than
how often: "Francisco" is frequent, and follows one word alone. Each string begins with a start mark, which is never
predicted, and ends with an end mark, which is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.checks import check_whole
from elman.errors import DataError

ORDER = 6
"""How many symbols an n-gram has at most, the predicted one among them."""

MOST_ORDER = 20

TENTH, PASSES = 10, 50
"""Every tenth string of a label chooses the weight of its own model, in so many passes."""

START, END, UNKNOWN, FIRST = 0, 1, 2, 3
"""The ids of the start mark, the end mark, all symbols that were not counted, and the first symbol that was."""

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts of counts of 1, 2 and more where there are too few n-grams to estimate them; those of KenLM."""

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]
Counts = Sequence[int] | Ids
Symbols = Sequence[str]
"""A string is a sequence of its characters; a tuple of tokens, one of its tokens."""


@dataclass(frozen=True)
class StringScores:
    """How probable strings are.

    Args:
        nats: minus the natural logarithm of the probability of each string and its end mark, (N,).
        symbols: how many symbols each string has, with the end mark, (N,).
    """

    nats: Floats
    symbols: Ids

    @property
    def nats_per_symbol(self) -> float:
        """The mean over all symbols and end marks."""
        return float(self.nats.sum() / self.symbols.sum())


@dataclass(frozen=True)
class _Level:
    """What is known of the n-grams of one length.

    Args:
        keys: the id of the context times the number of symbols, plus the last symbol, of each n-gram, rising, (G,). The
            context is an n-gram of the level below; its id is its position there.
        rates: the probability that its count leaves to each n-gram, after the discount, (G,).
        passed_on: the probability that each context passes on to the level below, (contexts,); 1 of a context after
            which nothing was counted.
    """

    keys: Ids
    rates: Floats
    passed_on: Floats

    def find(self, keys: Ids) -> Ids:
        """Return the id of each n-gram; −1 if it was not counted."""
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, places, -1)


@dataclass(frozen=True)
class CountedModel:
    """An n-gram model; `fit_counted` makes it.

    Args:
        symbols: what was counted, in order; the ids begin at ``FIRST``.
        levels: of n-grams of one symbol, of two, and so on.
    """

    symbols: tuple[str, ...]
    levels: tuple[_Level, ...]

    @property
    def order(self) -> int:
        """How many symbols an n-gram has at most."""
        return len(self.levels)

    def score(self, strings: Iterable[Symbols]) -> StringScores:
        """Return how probable strings are.

        Args:
            strings: N of them; the probability of a symbol that was not counted is what is left for all of these
                together.

        >>> model = fit_counted(["anna", "hanna", "ann"], order=3)
        >>> model.score(["anna", "xyz"]).nats.round(1).tolist()
        [2.7, 9.1]
        """
        ids, places = _encode(strings, _number(self.symbols))
        return _sum_strings(self._find_probabilities(ids, places), places)

    def predict(self, before: Symbols) -> dict[str | None, float]:
        """Return the probability of each symbol that can follow the beginning of a string; they sum to 1.

        Args:
            before: the beginning; empty for the first symbol.

        Returns:
            The probabilities of all counted symbols, and of two more: "" is the end mark, None all other symbols.

        >>> probabilities = fit_counted(["anna", "hanna", "ann"], order=3).predict("an")
        >>> round(probabilities["n"], 2), round(sum(probabilities.values()), 6)
        (0.64, 1.0)
        """
        ids, _ = _encode([before], _number(self.symbols))
        followed: list[str | None] = ["", None, *self.symbols]
        rows = np.tile(ids, (len(followed), 1))
        rows[:, -1] = np.arange(END, END + len(followed))
        places = np.tile(np.arange(len(ids)), len(followed))
        found = self._find_probabilities(rows.ravel(), places).reshape(rows.shape)[:, -1]
        return dict(zip(followed, found.tolist(), strict=True))

    def _find_probabilities(self, ids: Ids, places: Ids) -> Floats:
        """Return the probability of each symbol after the ones before it, (S,); of start marks it has no meaning.

        Args:
            ids: the symbols of all strings, each with its marks, (S,).
            places: the position of each in its string, 0 for the start mark.
        """
        radix = len(self.symbols) + FIRST
        probabilities = np.full(len(ids), 1 / (radix - 1))  # the start mark is never predicted
        found = np.zeros(len(ids), np.int64)  # the n-gram that ends at each symbol, here of none
        for length, level in enumerate(self.levels, start=1):
            contexts = np.roll(found, 1)
            has = (places >= length - 1) & (contexts >= 0)
            found = np.where(has, level.find(contexts * radix + ids), -1)
            own = np.where(found >= 0, level.rates[found], 0.0)
            probabilities = np.where(has, own + level.passed_on[contexts] * probabilities, probabilities)
        return probabilities


@dataclass(frozen=True)
class LabelledModel:
    """A model of the strings of each label, mixed with one of all strings; `fit_labelled` makes it.

    Args:
        joint: of all strings.
        own: of the strings of each label.
        weights: the share of a label's own model in the mixture, between 0 and 1.
    """

    joint: CountedModel
    own: Mapping[str, CountedModel]
    weights: Mapping[str, float]

    def score(self, strings: Sequence[Symbols], labels: Sequence[str]) -> StringScores:
        """Return how probable strings are, given their labels.

        Args:
            strings: N of them.
            labels: of each; the model of all strings answers for a label that was not counted.

        >>> model = fit_labelled(["anna", "hanna", "otto", "ott"] * 10, ["a", "a", "o", "o"] * 10, order=3)
        >>> model.score(["anna", "anna"], ["a", "o"]).nats.round(1).tolist()
        [1.0, 14.5]
        """
        ids, places = _encode(strings, _number(self.joint.symbols))
        joint = self.joint._find_probabilities(ids, places)
        label_of = np.repeat(np.array(labels, object), [len(string) + 2 for string in strings])
        mixed = joint.copy()
        for label in self.own.keys() & set(labels):
            mine, weight = label_of == label, self.weights[label]
            own = self.own[label]._find_probabilities(ids[mine], places[mine])
            mixed[mine] = weight * own + (1 - weight) * joint[mine]
        return _sum_strings(mixed, places)


def fit_counted(
    strings: Sequence[Symbols], order: int = ORDER, *, counts: Counts | None = None, symbols: Sequence[str] = ()
) -> CountedModel:
    """Count the n-grams of strings.

    Args:
        strings: to learn from, at least one; text, or tuples of tokens.
        order: how many symbols an n-gram has at most, from 1 to 20.
        counts: how often each string occurs; once if None.
        symbols: others that strings may have; one that does not occur is less surprising than an unknown one.

    Raises:
        SettingError: the order is out of range.
        DataError: there is no string.
    """
    check_whole("order", order, 1, most=MOST_ORDER)
    if not len(strings):
        raise DataError("a counted model needs at least one string to learn from")
    symbols = tuple(sorted({symbol for string in strings for symbol in string}.union(symbols)))
    ids, places = _encode(strings, _number(symbols))
    copies = np.ones(len(ids), np.int64)
    if counts is not None:
        copies = np.repeat(np.asarray(counts, np.int64), [len(string) + 2 for string in strings])
    radix, levels = len(symbols) + FIRST, []
    grams = _list_grams(ids, places, radix, order + 1)
    for length in range(1, order + 1):
        (keys, members), (_, longer) = grams[length - 1], grams[length]
        counted = np.zeros(len(keys), np.int64)
        whole = (places > 0) & (members >= 0)
        if length < order:  # after how many different symbols it occurs; nothing comes before a start mark
            _, first = np.unique(longer, return_index=True)
            counted += np.bincount(members[first[longer[first] >= 0]], minlength=len(keys))
            whole &= places == length - 1
        np.add.at(counted, members[whole], copies[whole])
        levels.append(_smooth(keys, counted, contexts=1 if length == 1 else len(grams[length - 2][0]), radix=radix))
    return CountedModel(symbols, tuple(levels))


def fit_labelled(
    strings: Sequence[Symbols], labels: Sequence[str], order: int = ORDER, *, counts: Counts | None = None
) -> LabelledModel:
    """Count the n-grams of the strings of each label, and of all strings.

    The weight of a label's own model is the one that suits every tenth of its strings best, when these are not counted;
    it is found by expectation maximisation (F. Jelinek and R. L. Mercer, "Interpolated estimation of Markov source
    parameters from sparse data", 1980). It is 0 for a label with fewer than ten strings.

    Args:
        strings: as in `fit_counted`.
        labels: of each string.
        order: as in `fit_counted`.
        counts: as there.

    Raises:
        SettingError: as in `fit_counted`.
        DataError: as there.
    """
    copies = np.ones(len(strings), np.int64) if counts is None else np.asarray(counts, np.int64)
    places_of: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places_of.setdefault(label, []).append(place)
    symbols = {symbol for string in strings for symbol in string}

    def fit(places: Sequence[int]) -> CountedModel:
        return fit_counted([strings[at] for at in places], order, counts=copies[list(places)], symbols=tuple(symbols))

    joint, weights = fit(range(len(strings))), dict.fromkeys(places_of, 0.0)
    kept = {label: [at for number, at in enumerate(places, 1) if number % TENTH] for label, places in places_of.items()}
    others = fit([at for places in kept.values() for at in places])
    for label, places in places_of.items():
        if len(places) >= TENTH:
            held_back = _encode([strings[at] for at in places[TENTH - 1 :: TENTH]], _number(joint.symbols))
            pair = [model._find_probabilities(*held_back)[held_back[1] > 0] for model in (fit(kept[label]), others)]
            weights[label] = _weigh(*pair)
    return LabelledModel(joint, {label: fit(places) for label, places in places_of.items()}, weights)


def _weigh(own: Floats, joint: Floats) -> float:
    """Return the weight of the first of two models that suits symbols best, given their probabilities, (S,)."""
    weight = 0.5
    for _ in range(PASSES):
        weight = float((weight * own / (weight * own + (1 - weight) * joint)).mean())
    return weight


def _sum_strings(probabilities: Floats, places: Ids) -> StringScores:
    """Return the scores of strings from those of their symbols, both (S,); a start mark has no score."""
    nats = -np.log(probabilities[places > 0])
    starts = np.flatnonzero(places[places > 0] == 1)
    if not len(starts):
        return StringScores(np.empty(0), np.empty(0, np.int64))
    return StringScores(np.add.reduceat(nats, starts), np.diff([*starts, len(nats)]))


def _number(symbols: Sequence[str]) -> dict[str, int]:
    return {symbol: FIRST + at for at, symbol in enumerate(symbols)}


def _encode(strings: Iterable[Symbols], numbers: Mapping[str, int]) -> tuple[Ids, Ids]:
    """Return the ids of all strings with their marks, (S,), and the position of each in its string."""
    ids: list[int] = []
    places: list[int] = []
    for string in strings:
        ids += [START, *(numbers.get(symbol, UNKNOWN) for symbol in string), END]
        places += range(len(string) + 2)
    return np.array(ids, np.int64), np.array(places, np.int64)


def _list_grams(ids: Ids, places: Ids, radix: int, most: int) -> list[tuple[Ids, Ids]]:
    """Return of each length up to ``most`` the keys of all n-grams, and which of them ends at each symbol, or −1."""
    found: list[tuple[Ids, Ids]] = []
    members = np.zeros(len(ids), np.int64)
    for length in range(1, most + 1):
        has = places >= length - 1
        keys, inverse = np.unique((np.roll(members, 1) * radix + ids)[has], return_inverse=True)
        members = np.full(len(ids), -1)
        members[has] = inverse
        found.append((keys, members))
    return found


def _smooth(keys: Ids, counted: Ids, *, contexts: int, radix: int) -> _Level:
    """Return a level whose counts are discounted; source: Chen and Goodman, equation 26 and what follows it."""
    context = keys // radix
    discounts = np.array([0.0, *_estimate_discounts(counted)])[np.minimum(counted, 3)]
    totals = np.bincount(context, counted, minlength=contexts)
    passed_on = np.bincount(context, discounts, minlength=contexts)
    divisors = np.maximum(totals, 1)
    return _Level(keys, (counted - discounts) / divisors[context], np.where(totals > 0, passed_on / divisors, 1.0))


def _estimate_discounts(counted: Ids) -> tuple[float, float, float]:
    """Return what is taken from counts of 1, 2 and more."""
    once, twice, thrice, often = (int((counted == count).sum()) for count in (1, 2, 3, 4))
    if not (once and twice and thrice and often):
        return FALLBACK
    share = once / (once + 2 * twice)
    found = 1 - 2 * share * twice / once, 2 - 3 * share * thrice / twice, 3 - 4 * share * often / thrice
    return found if min(found) > 0 else FALLBACK
