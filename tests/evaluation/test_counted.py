"""The counted model: its probabilities are those of the slow, readable form below, and they sum to 1."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from elman.errors import DataError, SettingError
from elman.evaluation.counted import FALLBACK, fit_counted, fit_labelled

STEMS = (
    "ann",
    "hann",
    "mari",
    "eli",
    "johann",
    "ott",
    "karl",
    "luis",
    "mart",
    "sof",
    "em",
    "lin",
    "nor",
    "tim",
    "paul",
)
NAMES = [stem + end for stem in STEMS for end in ("a", "e", "ine", "", "o", "ia", "ette")]


def estimate_slowly(strings, order, known):
    """Return a function of a context and a symbol: Chen and Goodman's formulas with dictionaries."""
    counts = [Counter() for _ in range(order + 1)]
    for string in strings:
        padded = ("<", *string, ">")
        for end in range(2, len(padded) + 1):
            for length in range(1, min(order, end) + 1):
                counts[length][padded[end - length : end]] += 1
    for length in range(1, order):
        before = defaultdict(set)
        for gram in counts[length + 1]:
            before[gram[1:]].add(gram[0])
        counts[length] = {
            gram: count if gram[0] == "<" else len(before[gram]) for gram, count in counts[length].items()
        }
    discounts = [None]
    for length in range(1, order + 1):
        n = Counter(counts[length].values())
        found = FALLBACK
        if min(n[1], n[2], n[3], n[4]):
            y = n[1] / (n[1] + 2 * n[2])
            found = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
            found = found if min(found) > 0 else FALLBACK
        discounts.append(found)

    def probability(context, symbol):
        context = ("<", *context)
        value = 1 / (known + 2)
        for length in range(1, min(order, len(context) + 1) + 1):
            start = context[len(context) - length + 1 :]
            follow = {gram[-1]: count for gram, count in counts[length].items() if gram[:-1] == start}
            if follow:
                taken = {one: discounts[length][min(count, 3) - 1] for one, count in follow.items()}
                own = follow.get(symbol, 0) - taken.get(symbol, 0)
                value = (own + sum(taken.values()) * value) / sum(follow.values())
        return value

    return probability


@pytest.mark.parametrize("order", [1, 2, 4])
def test_every_probability_is_that_of_the_slow_form(order):
    model = fit_counted(NAMES, order)
    slowly = estimate_slowly(NAMES, order, len(model.symbols))
    for before in ("", "ann", "marx", "johanne"):
        for symbol, found in model.predict(before).items():
            asked = {"": ">", None: "?"}.get(symbol, symbol)
            assert found == pytest.approx(slowly(before, asked), rel=1e-12), (before, symbol)


@pytest.mark.parametrize("before", ["", "a", "johan", "qqq", "é"])
def test_the_probabilities_of_what_can_follow_sum_to_one(before):
    assert sum(fit_counted(NAMES).predict(before).values()) == pytest.approx(1)


def test_the_score_of_a_string_is_the_product_over_its_symbols_and_its_end():
    model = fit_counted(NAMES, 3)
    steps = [model.predict("ann"[:end])[symbol] for end, symbol in enumerate(["a", "n", "n", ""])]
    scores = model.score(["ann", "", "hanna"])
    assert scores.nats[0] == pytest.approx(-sum(map(math.log, steps)))
    assert scores.symbols.tolist() == [4, 1, 6]
    assert scores.nats_per_symbol == pytest.approx(scores.nats.sum() / 11)


def test_strings_are_scored_alone_and_unknown_symbols_too():
    model = fit_counted(NAMES)
    together = model.score(["anna", "ÿ", "x"]).nats
    assert together.tolist() == [model.score([name]).nats[0] for name in ("anna", "ÿ", "x")]
    assert np.isfinite(together).all() and len(model.score([]).nats) == 0


def test_counts_are_copies():
    copies = fit_counted(["anna", "otto", "anna", "anna"], 4)
    assert fit_counted(["anna", "otto"], 4, counts=[3, 1]).predict("a") == copies.predict("a")


def test_tokens_are_symbols_too():
    model = fit_counted([("AH", "N"), ("AH", "N", "AH")], 3)
    assert model.symbols == ("AH", "N")
    assert model.predict(("AH",))["N"] > 0.5


def test_similar_strings_are_more_probable_than_others():
    scores = fit_counted(NAMES[::2]).score([*NAMES[1::2], *(name[::-1] for name in NAMES[1::2])])
    half = len(NAMES) // 2
    assert scores.nats[:half].sum() < scores.nats[half:].sum()


def test_the_model_of_a_label_knows_the_strings_of_all_labels():
    labels = ["even" if len(name) % 2 == 0 else "odd" for name in NAMES]
    labels[:3] = ["rare"] * 3
    model, joint = fit_labelled(NAMES, labels, 3), fit_counted(NAMES, 3)
    asked = ["paula", "ott", "anna"]
    found = model.score(asked, ["unseen", "rare", "odd"]).nats
    assert found[:2].tolist() == joint.score(asked[:2]).nats.tolist()  # fewer than ten strings: no model of its own
    assert model.weights["rare"] == 0 and 0 <= model.weights["odd"] <= 1
    own, weight = model.own["odd"], model.weights["odd"]
    steps = [
        weight * own.predict("anna"[:end])[symbol] + (1 - weight) * joint.predict("anna"[:end])[symbol]
        for end, symbol in enumerate(["a", "n", "n", "a", ""])
    ]
    assert found[2] == pytest.approx(-sum(map(math.log, steps)))


def test_labels_that_tell_strings_apart_make_them_more_probable():
    strings = [*NAMES, *(name[::-1] for name in NAMES)]
    labels = ["forward"] * len(NAMES) + ["backward"] * len(NAMES)
    asked = strings[1::2], labels[1::2]
    labelled = fit_labelled(strings[::2], labels[::2], 3).score(*asked).nats_per_symbol
    assert labelled < fit_counted(strings[::2], 3).score(asked[0]).nats_per_symbol - 0.1


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(SettingError, match="order must be a whole number from 1 to 20; got 0"):
        fit_counted(["anna"], 0)
    with pytest.raises(DataError, match="at least one string"):
        fit_counted([])
