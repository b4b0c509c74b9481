"""Estimators that start from a model: what is kept, what is refused, and what the model file says of it."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from small_fits import LABELS, NAMES, NUMBERS

import elman
from elman.errors import ModelFileError, SettingError
from elman.model.shipped import find_model

ANSWERS = {elman.SequenceClassifier: LABELS, elman.SequenceRegressor: NUMBERS}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A small model of the names, in a file."""
    file = tmp_path_factory.mktemp("base") / "base.safetensors"
    model = elman.SequenceClassifier(hidden_size=6, embedding_size=5, epochs=12, learning_rate=0.02, n_jobs=1)
    model.fit(NAMES, LABELS).save(file)
    return file


@pytest.mark.parametrize("build", ANSWERS)
def test_the_network_and_the_symbols_of_the_model_are_kept(build, base):
    model = build(init=base, epochs=1, n_jobs=1).fit([*NAMES, "źle"], [*ANSWERS[build], ANSWERS[build][-1]])
    artifact, before = model.predictor_.artifact, elman.load(base).artifact
    assert (artifact.config.hidden_size, artifact.config.embedding_size) == (6, 5)
    assert artifact.vocabulary.symbols[: len(before.vocabulary.symbols)] == before.vocabulary.symbols
    assert artifact.provenance["train"]["learning_rate"] == 0.002
    assert artifact.provenance["init"] == {"name": "base", "digest": before.digest}


def test_a_model_that_knows_the_names_needs_one_epoch(base):
    known = elman.SequenceClassifier(init=base, epochs=1, n_jobs=1).fit(NAMES, LABELS)
    new = elman.SequenceClassifier(hidden_size=6, embedding_size=5, epochs=1, n_jobs=1, learning_rate=0.002)
    assert known.score(NAMES, LABELS) > new.fit(NAMES, LABELS).score(NAMES, LABELS)


@pytest.mark.parametrize("build", ANSWERS)
def test_clones_pickles_and_searches_start_from_the_model_too(build, base):
    model = build(init=str(base), epochs=1, n_jobs=1)
    assert clone(model).get_params() == model.get_params() and model.get_params()["init"] == str(base)
    first = model.fit(NAMES, ANSWERS[build]).predict(NAMES)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(NAMES), first) and again.init == str(base)
    assert np.array_equal(clone(again).fit(NAMES, ANSWERS[build]).predict(NAMES), first)
    search = GridSearchCV(build(epochs=1, n_jobs=1), {"init": [None, base]}, cv=2, error_score="raise")
    assert search.fit(NAMES, ANSWERS[build]).best_params_["init"] in (None, base)


def test_the_model_file_says_nothing_of_the_path(base, tmp_path):
    model = elman.SequenceClassifier(init=base, epochs=1, n_jobs=1).fit(NAMES, LABELS)
    model.save(tmp_path / "tuned.safetensors")
    assert str(base.parent).encode() not in (tmp_path / "tuned.safetensors").read_bytes()
    assert elman.SequenceClassifier.load(tmp_path / "tuned.safetensors").get_params()["init"] is None


def test_parameters_of_training_may_differ(base):
    model = elman.SequenceClassifier(init=base, epochs=2, learning_rate=0.01, dropout=0.5, n_jobs=1).fit(NAMES, LABELS)
    assert model.n_iter_ == 2 and model.predictor_.artifact.provenance["train"]["learning_rate"] == 0.01


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_size": 7}, "init keeps the network of its model, whose hidden_size is 6; leave out the parameter"),
        ({"cell": "lstm"}, "whose cell is gru"),
        ({"ngrams": False}, "whose ngram_orders is"),
        ({"keep_case": True}, "a model that init begins with reads strings as before"),
    ],
)
def test_another_network_is_refused(base, params, message):
    with pytest.raises(SettingError, match=message):
        elman.SequenceClassifier(init=base, **params).fit(NAMES, LABELS)


def test_what_is_no_model_is_refused():
    with pytest.raises(ModelFileError, match="did you mean 'languages'"):
        elman.SequenceClassifier(init="langages").fit(NAMES, LABELS)


def test_the_shipped_model_can_be_started_from():
    assert find_model("languages").exists()
    model = elman.SequenceClassifier(init="languages", epochs=1, n_jobs=1).fit(NAMES, LABELS)
    assert model.predictor_.artifact.provenance["init"]["name"] == "languages"
