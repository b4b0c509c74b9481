"""The work that the baseline may take."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from elman.model.config import ModelConfig
from elman.records import Example
from elman.training.allowance import PRODUCTS_A_SECOND, SHARE, STEP_SECONDS, allow_products, count_weights

EXAMPLES = [Example("abc", "x")] * 5 + [Example("abcd", "y")] * 3
SMALL = ModelConfig(cell="elman", hidden_size=4, directions=1, embedding_size=3)


def allow(model=SMALL, epochs=1, **changes):
    provenance = {"epochs": epochs, "train": {"batch_size": 4, "draws": None, **changes}}
    artifact = SimpleNamespace(config=model, vocabulary=range(9), labels=range(2), provenance=provenance)
    return allow_products(EXAMPLES, artifact)


def test_the_work_of_a_worked_example():
    seconds = 3 * 28 * (5 * 3 + 3 * 4) / PRODUCTS_A_SECOND + 3 * STEP_SECONDS  # batches of 4, 1 and 3 strings
    assert allow() == pytest.approx(SHARE * seconds * 250e6)


def test_more_epochs_and_larger_networks_allow_more():
    assert allow(epochs=10) == pytest.approx(10 * allow())
    assert allow(model=replace(SMALL, hidden_size=4000)) > 10 * allow()
    assert allow(batch_size=1) > allow()


def test_drawn_examples_count_as_often_as_they_are_drawn():
    assert allow(batch_size=1, draws=80) == pytest.approx(10 * allow(batch_size=1, draws=8))


def test_a_network_without_cells_has_no_recurrent_weights():
    assert count_weights(ModelConfig(cell="none"), symbols=9, labels=2) == 0


def test_a_model_that_does_not_say_how_it_was_trained_sets_no_limit():
    assert allow_products(EXAMPLES, SimpleNamespace(provenance={})) is None
