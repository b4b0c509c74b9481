"""scikit-learn's own checks and tools work on both estimators.

`check_estimator` runs one check on an estimator of strings, so those of its checks that need no table are called here,
one by one, and the others have a test of their own, with strings.
"""

import inspect

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.validation import check_is_fitted
from small_fits import LABELS, NAMES, NUMBERS, TINY

import elman
from elman.model.config import ModelConfig
from elman.training.config import RunConfig, TrainConfig

INPUT_FREE = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_mixin_order",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
]
BOTH = pytest.mark.parametrize("build", [elman.SequenceClassifier, elman.SequenceRegressor])


def answers(estimator):
    return LABELS if is_classifier(estimator) else NUMBERS


@BOTH
def test_the_checks_that_scikit_learn_selects(build):
    with pytest.warns(SkipTestWarning, match="Can't test estimator"):
        estimator_checks.check_estimator(build())


@pytest.mark.parametrize("check", INPUT_FREE)
@BOTH
def test_the_checks_that_need_no_input(build, check):
    found = getattr(estimator_checks, check, None) or getattr(estimator_checks, f"{check}s")
    found(build.__name__, build())


@BOTH
def test_tags_are_true(build):
    tags = get_tags(build())
    assert (tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array) == (True, True, False)
    assert not (tags.input_tags.allow_nan or tags.input_tags.sparse or tags.non_deterministic or tags.no_validation)
    assert tags.target_tags.required and tags.requires_fit
    assert is_classifier(build()) is (build is elman.SequenceClassifier) is not is_regressor(build())


@BOTH
def test_fit_takes_y_weights_and_an_evaluation_set(build):
    assert list(inspect.signature(build.fit).parameters) == ["self", "X", "y", "sample_weight", "eval_set"]


@BOTH
def test_fit_returns_itself_changes_no_parameter_and_no_input(build):
    estimator = build(**TINY)
    before, names = estimator.get_params(), np.array(NAMES, object)
    names.setflags(write=False)
    assert estimator.fit(names, answers(estimator)) is estimator
    assert estimator.get_params() == before and names.tolist() == NAMES
    added = set(vars(estimator)) - set(before)
    assert all(name.endswith("_") and not name.startswith("_") for name in added)
    assert not hasattr(estimator, "n_features_in_") and not hasattr(estimator, "feature_names_in_")


@BOTH
def test_fit_twice_is_fit_once_and_a_clone_learns_the_same(build):
    estimator = build(**TINY).fit(NAMES, answers(build()))
    first = estimator.predict(NAMES)
    np.random.seed(3)  # the global generators have no say
    assert np.array_equal(estimator.fit(NAMES, answers(estimator)).predict(NAMES), first)
    assert np.array_equal(clone(estimator).fit(NAMES, answers(estimator)).predict(NAMES), first)


def test_the_order_and_the_number_of_strings_change_no_prediction(fitted, fitted_regressor):
    for ask in (fitted.predict_proba, fitted_regressor.predict):
        together = ask(NAMES)
        np.testing.assert_allclose(ask(NAMES[::-1])[::-1], together, atol=1e-6)
        np.testing.assert_allclose(np.concatenate([ask([name]) for name in NAMES]), together, atol=1e-6)
        assert len(ask([])) == 0


@BOTH
@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "score", "save"])
def test_an_estimator_that_is_not_fitted_says_so(build, method, tmp_path):
    if not hasattr(build, method):
        pytest.skip("a regressor has no probabilities")
    arguments = {"score": (NAMES, answers(build())), "save": (tmp_path / "model.safetensors",)}
    with pytest.raises(NotFittedError):
        getattr(build(), method)(*arguments.get(method, (NAMES,)))
    with pytest.raises(NotFittedError):
        check_is_fitted(build())


@BOTH
def test_y_is_required(build):
    with pytest.raises(ValueError, match="y should be a 1d array"):
        build(**TINY).fit(NAMES, None)
    with pytest.raises(TypeError, match="'y'"):
        build(**TINY).fit(NAMES)


def test_the_defaults_are_those_of_elman_train():
    for build, task in ((elman.SequenceClassifier, "label"), (elman.SequenceRegressor, "number")):
        config, best = build()._settings(), elman.best_settings(task)
        assert (config.model, config.train, config.normalisation) == (best.model, best.train, best.normalisation)
        assert build().validation_fraction == RunConfig.validation_share
    assert (ModelConfig().cell, TrainConfig().seed) == (build().cell, build().random_state)


# scikit-learn's tools


def test_a_pipeline_cleans_the_strings_before(tiny):
    lower = FunctionTransformer(lambda names: [name.lower() for name in names])
    pipeline = Pipeline([("lower", lower), ("model", tiny(keep_case=True))]).fit(NAMES, LABELS)
    assert np.array_equal(pipeline.predict([name.upper() for name in NAMES]), pipeline.predict(NAMES))
    weights = np.ones(len(NAMES))
    weighed = make_pipeline(lower, tiny()).fit(NAMES, LABELS, sequenceclassifier__sample_weight=weights)
    assert np.array_equal(weighed.predict_proba(NAMES), tiny().fit(NAMES, LABELS).predict_proba(NAMES))


def test_a_grid_is_searched(tiny):
    grid = {"hidden_size": np.array([2, 4]), "learning_rate": np.array([0.01]), "cell": ["gru"]}
    search = GridSearchCV(tiny(epochs=1), grid, cv=2, error_score="raise").fit(np.array(NAMES), LABELS)
    assert search.best_params_["hidden_size"] in (2, 4)
    assert list(search.predict(NAMES[:2])) == list(search.best_estimator_.predict(NAMES[:2]))


def test_scores_and_predictions_are_cross_validated(tiny, tiny_regressor):
    assert cross_val_score(tiny(epochs=1), NAMES, LABELS, cv=2, error_score="raise").shape == (2,)
    assert cross_val_score(tiny(epochs=1), NAMES, LABELS, cv=2, scoring="neg_log_loss", error_score="raise").all()
    assert cross_val_predict(tiny(epochs=1), NAMES, LABELS, cv=2, method="predict_proba").shape == (36, 3)
    assert np.isfinite(cross_val_score(tiny_regressor(epochs=1), NAMES, NUMBERS, cv=2, error_score="raise")).all()


@pytest.mark.parametrize("frozen", [False, True])
def test_probabilities_are_calibrated_by_scikit_learn_too(tiny, fitted, frozen):
    model = CalibratedClassifierCV(FrozenEstimator(fitted) if frozen else tiny(epochs=1), cv=2)
    probabilities = model.fit(np.array(NAMES), LABELS).predict_proba(NAMES)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert model.classes_.tolist() == sorted(set(LABELS))
