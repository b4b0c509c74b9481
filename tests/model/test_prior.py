"""Priors: probabilities for a population whose labels have other shares."""

from dataclasses import replace

import numpy as np
import pytest

from elman.errors import DamagedModelError, SettingError
from elman.model.file import dump_artifact, load_artifact, parse_artifact
from elman.model.prior import assumed_shares, check_shares, shift_logits
from elman.scoring.probabilities import softmax


def test_the_shares_that_a_model_assumes_are_those_of_its_training_part(tiny_levels, tiny_artifact):
    assert assumed_shares(tiny_levels).tolist() == [0.5, 0.3, 0.2]
    assert assumed_shares(tiny_artifact) is None
    assert assumed_shares(replace(tiny_levels, prior=(1.0, 2.0, 1.0))).tolist() == [0.25, 0.5, 0.25]


def test_weights_of_labels_in_training_count(tiny_levels):
    train = {"train": {"class_weighting": 1.0}}
    balanced = replace(tiny_levels, provenance={**tiny_levels.provenance, **train})
    assert assumed_shares(balanced) == pytest.approx([1 / 3] * 3)


def test_probabilities_are_re_weighted_by_the_ratio_of_shares(tiny_levels):
    probabilities = np.array([[0.6, 0.3, 0.1]])
    wanted = np.array([0.1, 0.1, 0.8])
    expected = probabilities * wanted / [0.5, 0.3, 0.2]
    shift = shift_logits(tiny_levels, {"Alfa": 1, "Beta": 1, "Gämma": 8})
    assert softmax(np.log(probabilities) + shift) == pytest.approx(expected / expected.sum())


def test_a_balanced_prior_is_halfway_between_that_of_the_model_and_equal_shares(tiny_levels):
    half, uniform = (shift_logits(tiny_levels, name) for name in ("balanced", "uniform"))
    assert (half - half[0]).tolist() == pytest.approx(((uniform - uniform[0]) / 2).tolist())


def test_a_label_without_a_share_gets_no_probability(tiny_levels):
    shift = shift_logits(tiny_levels, {"Alfa": 3})
    assert softmax(np.zeros((1, 3)) + shift).tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("prior", [None, "model"])
def test_the_prior_of_the_model_changes_nothing(tiny_levels, tiny_artifact, prior):
    assert shift_logits(tiny_levels, prior) is None
    assert shift_logits(tiny_artifact, prior) is None


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ({"Alfa": 1, "Beto": 2}, "does not have 1 label of the prior, such as 'Beto'; did you mean 'Beta'"),
        ({"Alfa": -1}, "a number of at least 0 for 'Alfa'; got -1"),
        ({"Alfa": True}, "a number of at least 0 for 'Alfa'; got True"),
        ({"Alfa": 0.0}, "a share above 0 for at least one label"),
        ({}, "a share above 0 for at least one label"),
        ("unifrom", "prior must be model, balanced, uniform or the share of each label"),
    ],
)
def test_invalid_priors_are_refused_in_one_line(tiny_levels, prior, message):
    with pytest.raises(SettingError, match=message) as refused:
        shift_logits(tiny_levels, prior)
    assert "\n" not in str(refused.value)


def test_a_model_without_counts_cannot_be_re_weighted(tiny_artifact):
    with pytest.raises(SettingError, match="tiny does not say how many training examples each label has"):
        shift_logits(tiny_artifact, "uniform")


def test_very_large_shares_are_shares(tiny_levels):
    check_shares({"Alfa": 1e308, "Beta": 1e308}, tiny_levels.labels.names)
    assert np.isfinite(shift_logits(tiny_levels, {"Alfa": 1e308, "Beta": 1e308, "Gämma": 1e308})).all()


def test_a_stated_prior_is_kept_in_the_model_file(tiny_artifact):
    stated = replace(tiny_artifact, prior=(0.2, 0.3, 0.5))
    assert parse_artifact(dump_artifact(stated), "model").prior == (0.2, 0.3, 0.5)


@pytest.mark.parametrize("prior", [[1, 2], [0, 1, 2], ["a", "b", "c"], 3, {"Alfa": 1}, [True, 1, 1]])
def test_a_file_with_an_invalid_prior_is_damaged(forge, prior):
    with pytest.raises(DamagedModelError):
        load_artifact(forge(lambda document, tensors: document.update(prior=prior)))
