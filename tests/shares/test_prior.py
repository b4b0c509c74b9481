"""The prior of a model file: measured, or taken from the training part, or refused."""

from dataclasses import replace

import numpy as np
import pytest

from elman.errors import DamagedModelError, SettingError
from elman.shares.prior import find_prior


def test_a_trained_model_states_what_its_validation_part_measured(predictor):
    prior = find_prior(predictor.artifact)
    assert prior.is_measured and prior.shares.sum() == pytest.approx(1) and (prior.known > 0).all()
    assert sum(predictor.artifact.provenance["prior"]["validation_examples"].values()) > 0


def test_without_it_the_shares_of_the_training_part_are_taken(predictor):
    provenance = {"data": predictor.artifact.provenance["data"]}
    prior = find_prior(replace(predictor.artifact, provenance=provenance))
    counts = provenance["data"]["training_examples_per_label"]
    expected = np.array([counts[label] for label in predictor.labels], float)
    assert not prior.is_measured
    np.testing.assert_allclose(prior.shares, expected / expected.sum(), rtol=1e-4)


def test_a_model_that_says_neither_is_refused(predictor):
    with pytest.raises(SettingError, match="does not say how frequent its labels were"):
        find_prior(replace(predictor.artifact, provenance={}))


@pytest.mark.parametrize("share", [None, "0.5", -1, float("inf"), True])
def test_a_damaged_prior_is_refused(predictor, share):
    shares = dict.fromkeys(predictor.labels, 0.2) | {predictor.labels[0]: share}
    counts = dict.fromkeys(predictor.labels, 5)
    provenance = {"prior": {"shares": shares, "validation_examples": counts}}
    with pytest.raises(DamagedModelError, match="must be a number of at least 0 for each label"):
        find_prior(replace(predictor.artifact, provenance=provenance))


def test_a_prior_that_is_no_object_of_labels_is_refused(predictor):
    with pytest.raises(DamagedModelError):
        find_prior(replace(predictor.artifact, provenance={"prior": {"shares": [1, 2]}}))
