"""The prior of a model file: measured, or taken from the training part, or refused."""

from dataclasses import replace

import numpy as np
import pytest

from elman.errors import DamagedModelError, SettingError
from elman.shares.prior import TRAINED, VALIDATED, find_prior


def test_a_trained_model_states_what_its_validation_part_measured(predictor):
    prior = find_prior(predictor.artifact)
    assert prior.is_measured and prior.shares.sum() == pytest.approx(1) and (prior.known > 0).all()
    assert sum(predictor.artifact.provenance["data"][VALIDATED].values()) > 0


def test_without_it_the_shares_of_the_training_part_are_taken(predictor):
    counts = predictor.artifact.provenance["data"][TRAINED]
    prior = find_prior(replace(predictor.artifact, prior=None, provenance={"data": {TRAINED: counts}}))
    expected = np.array([counts[label] for label in predictor.labels], float)
    assert not prior.is_measured
    np.testing.assert_allclose(prior.shares, expected / expected.sum(), rtol=1e-4)


def test_a_model_that_says_neither_is_refused(predictor):
    with pytest.raises(SettingError, match="does not say how frequent its labels were"):
        find_prior(replace(predictor.artifact, prior=None, provenance={}))


@pytest.mark.parametrize("count", [None, "5", -1, float("inf"), True])
def test_damaged_counts_are_refused(predictor, count):
    counts = dict.fromkeys(predictor.labels, 5) | {predictor.labels[0]: count}
    with pytest.raises(DamagedModelError, match="must be a number of at least 0 for each label"):
        find_prior(replace(predictor.artifact, provenance={"data": {VALIDATED: counts}}))


def test_counts_that_are_no_object_of_labels_are_refused(predictor):
    with pytest.raises(DamagedModelError):
        find_prior(replace(predictor.artifact, provenance={"data": {VALIDATED: [1, 2]}}))
