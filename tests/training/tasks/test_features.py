"""Models that answer a row of named numbers with a number: a plain linear regression."""

from dataclasses import replace

import numpy as np
import pytest

import elman
from elman.data.examples import FeatureReading
from elman.data.steps import features_to_steps
from elman.errors import DataError, SettingError
from elman.training.recipes import RECIPES, best_settings
from elman.training.run import Run
from elman.training.shortcut import train_run
from elman.training.tasks.features import FeatureTask, write_equation

SLOPES, INTERCEPT = np.array([3.25, -40.0, 0.0125]), 700.0
COLUMNS = ("area", "rooms", "income")


def flats(rows=240, **changes):
    """Return correlated columns of very different scales: the area, the rooms and the income of each flat."""
    draw = np.random.default_rng(11)
    area = draw.uniform(20, 140, rows)
    rooms = area / 30 + draw.normal(0, 0.5, rows)
    income = 30_000 + 300 * area + draw.normal(0, 9_000, rows)
    features = np.stack([area, rooms, income], axis=1)
    values = {"columns": COLUMNS, "number": "rent", "features": features, "numbers": features @ SLOPES + INTERCEPT}
    return FeatureReading(**{**values, "lines": rows, "dropped": {}, "repaired": {}, **changes})


def linear(settings, width=3, **changes):
    """Return the config of a short run over the flats; keywords change its training."""
    model = replace(settings.model, input_size=width)
    train = replace(settings.train, threads=1, **changes)
    return replace(settings, name="rent", data="flats.csv", model=model, train=train)


@pytest.fixture(params=["best", "t5-linear"])
def settings(request):
    return best_settings("features") if request.param == "best" else RECIPES["t5-linear"].config


def test_the_true_weights_are_recovered_in_the_columns_own_units(settings, tmp_path):
    report = train_run(flats(), linear(settings), tmp_path / "run")
    found = report.values["weights"]
    assert [found[name] for name in COLUMNS] == pytest.approx(SLOPES, abs=0.01)
    assert found["income"] == pytest.approx(SLOPES[2], rel=0.01)
    assert report.values["intercept"] == pytest.approx(INTERCEPT, rel=0.01)
    assert report.test.r2 > 0.9999


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A short run over the flats."""
    run = Run(flats(), linear(best_settings("features"), epochs=40), tmp_path_factory.mktemp("features") / "run")
    for _ in run.epochs():
        pass
    return run, run.finish()


def test_the_loaded_regression_answers_as_the_report_says(fitted):
    run, report = fitted
    rows = run.task.parts["test"]
    inputs = [",".join(map(repr, row)) for row in run.reading.features[rows].tolist()]
    values = np.array([one.value for one in elman.load(run.folder).predict(inputs)])
    assert np.sqrt(np.mean((values - run.reading.numbers[rows]) ** 2)) == pytest.approx(report.test.rmse, rel=1e-3)
    assert report.test.examples == len(rows)


def test_the_report_writes_the_equation_and_its_distance_to_least_squares(fitted):
    run, report = fitted
    assert report.verdict.startswith("rent = 3.")
    assert "least-squares" in report.verdict
    assert (run.folder / "answers.png").exists()
    assert "| R² | " in (run.folder / "report.md").read_text("utf-8")


def test_the_report_has_the_distance_to_least_squares(fitted):
    run, report = fitted
    train = run.task.parts["train"]
    features = np.column_stack([run.reading.features[train], np.ones(len(train))])
    exact = np.linalg.lstsq(features, run.reading.numbers[train], rcond=None)[0]
    values = report.values
    differences = np.abs([*values["weights"].values(), values["intercept"]] - exact)
    assert values["furthest_from_least_squares"] == pytest.approx(differences.max(), rel=1e-4)
    assert f"further than {values['furthest_from_least_squares']:.2g} from" in report.verdict


def test_the_picture_shows_what_the_model_answers(fitted):
    run, _ = fitted
    predictor, held = elman.load(run.folder), run.task.parts["test"]
    _, findings = run.task.measure(predictor.artifact)
    answers = predictor.scorer.logits(features_to_steps(run.reading.features[held]))[:, 0]
    assert findings.evaluation.answers == pytest.approx(answers)
    assert (findings.evaluation.truth == run.reading.numbers[held]).all()
    assert findings.evaluation.name == "rent"


def test_rows_are_split_at_random_or_not_at_all(fitted):
    run, report = fitted
    assert run.config.split == run.task.split_kind == report.values["split"]["kind"] == "random"


@pytest.mark.parametrize("split", ["grouped", "stratified", "given"])
def test_a_kind_of_split_that_rows_do_not_have_is_refused(split):
    settings = replace(linear(best_settings("features")), split=split)
    with pytest.raises(SettingError, match=f"split of rows of numbers must be random or none; got '{split}'"):
        FeatureTask(flats(), settings)


def test_parts_share_no_row(fitted):
    parts = [set(rows.tolist()) for rows in fitted[0].task.parts.values()]
    assert sorted(row for part in parts for row in part) == list(range(240))


def test_a_single_column_is_enough(tmp_path):
    features = np.linspace(0, 1, 60)[:, None] ** 2
    reading = flats(columns=("x",), number="y", features=features, numbers=4 * features[:, 0] - 1, lines=60)
    report = train_run(reading, linear(RECIPES["t5-linear"].config, width=1), tmp_path / "run")
    assert report.values["weights"]["x"] == pytest.approx(4, abs=0.01)
    assert report.values["intercept"] == pytest.approx(-1, abs=0.01)


def test_all_rows_are_fitted_on_request(tmp_path):
    report = train_run(flats(), replace(linear(best_settings("features"), epochs=1), split="none"), tmp_path / "run")
    assert report.test.examples == report.values["split"]["train"] == 240
    assert report.values["split"]["kind"] == "none"


@pytest.mark.parametrize("column", range(3))
def test_a_constant_column_is_named(column):
    features = flats().features.copy()
    features[:, column] = 7.0
    with pytest.raises(DataError, match=f"'{COLUMNS[column]}' holds one number only"):
        FeatureTask(flats(features=features), linear(best_settings("features")))


def test_a_constant_answer_is_named():
    with pytest.raises(DataError, match="'rent' holds one number only"):
        FeatureTask(flats(numbers=np.full(240, 5.0)), linear(best_settings("features")))


@pytest.mark.parametrize("copy", [lambda f: f[:, 0], lambda f: 3 - 2e4 * f[:, 0], lambda f: f[:, 0] - 30 * f[:, 1]])
def test_a_column_that_follows_from_others_is_refused(copy):
    features = flats().features.copy()
    features[:, 2] = copy(features)
    with pytest.raises(DataError, match="one of the columns area, rooms, income follows from the others; leave it out"):
        FeatureTask(flats(features=features), linear(best_settings("features")))


def test_too_few_rows_say_what_to_do():
    few = flats(rows=8)
    with pytest.raises(DataError, match="--split none"):
        FeatureTask(few, linear(best_settings("features")))


def test_cells_are_refused():
    settings = linear(best_settings("features"))
    with pytest.raises(SettingError, match="without recurrence"):
        FeatureTask(flats(), replace(settings, model=replace(settings.model, cell="gru")))


@pytest.mark.parametrize("width", [0, 2])
def test_a_network_of_another_width_is_refused(width, tmp_path):
    with pytest.raises(SettingError, match="input_size"):
        train_run(flats(), linear(best_settings("features"), width=width, epochs=1), tmp_path / "run")


def test_an_equation_is_written_as_people_write_it():
    assert write_equation("y", {"a": -2.0}, -0.5) == "y = − 2 · a − 0.5"
    assert write_equation("y", {"a": 1.5, "b": -1.0}, 0.0) == "y = 1.5 · a − 1 · b + 0"
