"""The linear model on hashed n-grams."""

from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from elman.evaluation import linear
from elman.evaluation.linear import LinearModel, count_ngrams, hash_ngrams

MANY_ROWS = 2**30
TEXTS = ["anna maria", "o neil", "ab", "müller", "x", "жук 山田"]


@pytest.mark.parametrize("texts", [TEXTS, ["anna"], ["", "ab", ""], [""]])
def test_the_ngrams_are_those_of_scikit_learn(texts):
    rows, owners = hash_ngrams(texts, MANY_ROWS)
    analyse = CountVectorizer(analyzer="char_wb", ngram_range=(1, 5), lowercase=False).build_analyzer()
    theirs = [Counter(gram for gram in analyse(text) if gram.strip()) for text in texts]
    ours = [Counter(rows[owners == place].tolist()) for place in range(len(texts))]
    assert [sorted(counts.values()) for counts in ours] == [sorted(counts.values()) for counts in theirs]
    assert len({row for counts in ours for row in counts}) == len({gram for counts in theirs for gram in counts})
    assert (np.diff(owners.astype(int)) >= 0).all()


def test_an_ngram_has_one_row_wherever_it_is():
    together, apart = hash_ngrams(["ab cd", "cd"], MANY_ROWS), hash_ngrams(["cd"], MANY_ROWS)
    assert set(apart[0]) <= set(together[0][together[1] == 0])
    assert sorted(together[0][together[1] == 1]) == sorted(apart[0])


def test_ngrams_are_counted_without_making_them():
    texts = ["anna", "nakamura", "o", "petrovich ivanov"]
    assert count_ngrams(texts[:2]) == len(hash_ngrams(texts[:2], 9)[0])
    assert count_ngrams(texts) == pytest.approx(len(hash_ngrams(texts, 9)[0]), rel=0.1)


@pytest.fixture
def noisy():
    """600 strings of 3 labels, each with its own letters in two thirds of the places."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 600)
    letters = np.array([list("abcd"), list("efgh"), list("ijkl")])
    own = random.random((600, 6)) < 0.45
    places = np.where(own, truth[:, None], random.integers(0, 3, (600, 6)))
    return ["".join(row) for row in letters[places, random.integers(0, 4, (600, 6))]], truth


def test_probabilities_sum_to_one_and_an_unread_string_gets_those_of_the_labels(noisy):
    texts, truth = noisy
    probabilities = LinearModel("abc").fit(texts, truth, np.ones(600), passes=2).predict_proba([*texts[:5], "", "?"])
    assert probabilities.shape == (7, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities[5], np.bincount(truth) / 600, atol=0.2)


def test_the_same_arguments_give_the_same_model_and_another_seed_another(noisy):
    texts, truth = noisy
    tables = [LinearModel("abc").fit(texts, truth, np.ones(600), passes=2, seed=seed).table for seed in (1, 1, 2)]
    assert np.array_equal(tables[0], tables[1])
    assert not np.array_equal(tables[0], tables[2])


def test_weights_count(noisy):
    texts, truth = ["abab", "abab"], np.array([0, 1])
    for preferred in (0, 1):
        weights = np.where(truth == preferred, 9.0, 1.0)
        assert LinearModel("ab").fit(texts, truth, weights, passes=5).predict_proba(["abab"]).argmax() == preferred


def test_chunks_and_their_borders_change_no_probability(noisy, monkeypatch):
    texts, truth = noisy
    model = LinearModel("abc").fit(texts, truth, np.ones(600), passes=1)
    whole = model.predict_proba(texts)
    monkeypatch.setattr(linear, "CHUNK", 7)
    np.testing.assert_allclose(model.predict_proba(texts), whole, rtol=1e-5)


def test_the_table_is_bounded_whatever_the_number_of_labels():
    assert LinearModel([str(label) for label in range(18)]).rows == linear.MOST_ROWS
    many = LinearModel([str(label) for label in range(10_000)])
    assert many.rows * 10_000 <= linear.MOST_WEIGHTS
