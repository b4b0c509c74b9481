"""Numbers as answers: of strings, and of columns of numbers through a plain linear regression."""

from dataclasses import replace

import numpy as np
import pytest

import elman
from elman.data.examples import FeatureReading, Reading
from elman.errors import DataError, SettingError
from elman.records import Example
from elman.training.recipes import RECIPES, best_settings
from elman.training.run import Run, train_run
from elman.training.tasks import FeatureTask, NumberTask
from elman.training.tasks.numbers import NOT_A_NUMBER, equation

SLOPES, INTERCEPT = np.array([3.25, -40.0, 0.0125]), 700.0
COLUMNS = ("area", "rooms", "income")


# Strings


@pytest.fixture(scope="module")
def weighed_words():
    """Words whose number is 50,000 and 1,000 more for each a, 500 less for each b."""
    draw = np.random.default_rng(3)
    words = sorted({"".join(draw.choice(list("abcd"), draw.integers(2, 7))) for _ in range(220)})
    numbers = [50_000 + 1_000 * word.count("a") - 500 * word.count("b") for word in words]
    return Reading(tuple(Example(w, str(n)) for w, n in zip(words, numbers, strict=True)), len(words), {}, {})


@pytest.fixture(scope="module")
def number_config(tiny_model):
    """The config of a very small run that answers with a number."""
    settings = best_settings("number")
    train = replace(settings.train, epochs=12, batch_size=16, learning_rate=0.02, threads=1)
    model = tiny_model(dropout=0.0, input_dropout=0.0)
    shares = {"test_share": 0.2, "validation_share": 0.1, "label_column": "grams"}
    return replace(settings, name="scales", data="made up", model=model, train=train, **shares)


@pytest.fixture(scope="module")
def weighed(weighed_words, number_config, tmp_path_factory):
    """A run over the words that trained all its epochs."""
    run = Run(weighed_words, number_config, tmp_path_factory.mktemp("numbers") / "run")
    for _ in run.epochs():
        pass
    return run, run.finish()


def test_a_learnable_number_is_learned_and_answered_in_its_own_unit(weighed):
    run, report = weighed
    answers = elman.load(run.folder).predict(["dddd", "aaad", "bbdd"])
    assert report.test.r2 > 0.5
    assert all(48_000 < answer.value < 54_000 for answer in answers)
    assert answers[1].value > answers[0].value + 1_000 > answers[2].value + 1_000


def test_the_loaded_model_answers_as_the_report_says(weighed):
    run, report = weighed
    test = run.task.split.test
    values = np.array([one.value for one in elman.load(run.folder).predict([e.text for e in test])])
    misses = values - [float(e.label) for e in test]
    assert report.test.rmse == pytest.approx(np.sqrt(np.mean(misses**2)))
    assert report.test.mae == pytest.approx(np.abs(misses).mean())


def test_the_model_file_says_what_the_network_said_in_training(weighed):
    run, _ = weighed
    text = run.task.split.test[0].text
    run.model.load_state_dict(run.state.best)
    run.model.eval()
    import torch

    with torch.inference_mode():
        standardised = run.model(torch.from_numpy(run.task.vocabulary.encode(text))[:, None]).item()
    expected = standardised * run.task.deviation + run.task.mean
    assert elman.load(run.folder).predict(text).value == pytest.approx(expected, rel=1e-5)


def test_a_number_has_pictures_and_an_honest_verdict(weighed):
    run, report = weighed
    assert (run.folder / "answers.png").read_bytes().startswith(b"\x89PNG")
    assert ("NOT" in report.verdict) == (report.test.r2 <= report.baseline.r2)


def test_the_label_is_the_column(weighed):
    assert weighed[0].task.labels.names == ("grams",)
    assert weighed[0].task.description() == "a number, 'grams'; grouped split"


def test_rows_without_a_number_are_dropped_and_counted(weighed_words, number_config):
    odd = (Example("abcdabcd", "heavy"), Example("dcbadcba", "nan"), Example("aaaabbbb", "inf"))
    reading = replace(weighed_words, examples=(*weighed_words.examples, *odd), lines=weighed_words.lines + 3)
    task = NumberTask(reading, number_config)
    assert task.dropped == {NOT_A_NUMBER: 3}
    assert sum(task.sizes.values()) == weighed_words.lines


@pytest.mark.parametrize(("label", "said"), [("heavy", "no row has a number"), ("7", "one number only")])
def test_strings_without_numbers_to_learn_get_one_clear_error(weighed_words, number_config, label, said):
    examples = tuple(replace(example, label=label) for example in weighed_words.examples)
    with pytest.raises(DataError, match=said):
        NumberTask(replace(weighed_words, examples=examples), number_config)


# Features


def flats(rows=240, **changes):
    """Correlated columns of very different scales: flats of a size, with rooms, where people of some income live."""
    draw = np.random.default_rng(11)
    area = draw.uniform(20, 140, rows)
    rooms = area / 30 + draw.normal(0, 0.5, rows)
    income = 30_000 + 300 * area + draw.normal(0, 9_000, rows)
    features = np.stack([area, rooms, income], axis=1)
    held = {"columns": COLUMNS, "number": "rent", "features": features, "numbers": features @ SLOPES + INTERCEPT}
    return FeatureReading(**{**held, "lines": rows, "dropped": {}, "repaired": {}, **changes})


def linear(settings, width=3, **changes):
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
    given = [",".join(map(repr, row)) for row in run.reading.features[rows].tolist()]
    values = np.array([one.value for one in elman.load(run.folder).predict(given)])
    assert np.sqrt(np.mean((values - run.reading.numbers[rows]) ** 2)) == pytest.approx(report.test.rmse, rel=1e-3)
    assert report.test.examples == len(rows)


def test_the_report_writes_the_equation_and_its_distance_to_least_squares(fitted):
    run, report = fitted
    assert report.verdict.startswith("rent = 3.")
    assert "least-squares" in report.verdict
    assert (run.folder / "answers.png").exists()
    assert report.values["rows"][0][0] == "R²"


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
    with pytest.raises(DataError, match="one follows from the others; leave it out"):
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


def test_an_equation_reads_as_people_write_it():
    assert equation("y", ["a"], np.array([-2.0]), -0.5) == "y = − 2 · a − 0.5"
    assert equation("y", ["a", "b"], np.array([1.5, -1.0]), 0.0) == "y = 1.5 · a − 1 · b + 0"
