"""The regressor: numbers in their own unit, weights, its file and its pickle."""

import pickle

import numpy as np
import pytest
from small_fits import NAMES, NUMBERS

import elman
from elman.errors import SettingError


def test_numbers_are_learned_in_their_own_unit(tiny_regressor):
    numbers = [1000.0 + 50 * name.endswith("akis") for name in NAMES]
    model = tiny_regressor(epochs=20).fit(NAMES, numbers)
    assert model.score(NAMES, numbers) > 0.5
    assert model.predict(NAMES).dtype == np.float64 and 990 < model.predict(NAMES).mean() < 1060


def test_a_string_that_cannot_be_read_gets_the_mean(fitted_regressor):
    assert fitted_regressor.predict(["", "kamoto"])[0] == pytest.approx(np.mean(NUMBERS))


def test_the_file_and_the_pickle_answer_alike(fitted_regressor, tmp_path):
    fitted_regressor.save(tmp_path / "model.safetensors")
    again = elman.SequenceRegressor.load(tmp_path / "model.safetensors")
    expected = fitted_regressor.predict([*NAMES, ""])
    assert np.array_equal(again.predict([*NAMES, ""]), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted_regressor)).predict([*NAMES, ""]), expected)
    assert elman.load(tmp_path / "model.safetensors").predict("kamoto").value == pytest.approx(
        expected[NAMES.index("kamoto")]
    )


def test_weights_and_an_evaluation_set_are_used(tiny_regressor):
    numbers = np.array(NUMBERS)
    strings, both = NAMES + NAMES, np.concatenate([numbers, numbers + 100])
    for heavy, mean in ((0, numbers.mean()), (1, numbers.mean() + 100)):
        weights = [50.0 if part == heavy else 0.01 for part in (0, 1) for _ in NAMES]
        model = tiny_regressor(epochs=15).fit(strings, both, weights, eval_set=(NAMES, numbers + 100 * heavy))
        assert abs(model.predict(NAMES).mean() - mean) < 40
        assert model.predictor_.artifact.provenance["estimator"]["validation"] == {"kind": "eval_set", "strings": 36}


@pytest.mark.parametrize("numbers", [["a"] * 36, [np.nan] * 36, [np.inf] * 36, [[1.0, 2.0]] * 36, [1.0]])
def test_other_answers_are_refused(tiny_regressor, numbers):
    with pytest.raises(SettingError, match="y must|y has"):
        tiny_regressor().fit(NAMES, numbers)


def test_one_number_only_is_refused(tiny_regressor):
    with pytest.raises(SettingError, match="the column 'y' holds one number only"):
        tiny_regressor().fit(NAMES, [1.0] * 36)
