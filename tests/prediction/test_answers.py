"""Answers at a level, under a prior, and with a prediction set: the same through predictions, columns and processes."""

import numpy as np
import pytest

from elman.errors import SettingError
from elman.prediction.options import SURE
from elman.prediction.predictor import Predictor

NAMES = ["abc", "cab", None, "", "b'a", "ccc", "42", "a" * 30, "bb"]
ASKED = [
    {"level": "half"},
    {"level": "auto"},
    {"level": "auto", "abstain_below": 0.9},
    {"prior": {"Alfa": 1, "Beta": 5, "Gämma": 1}},
    {"coverage": 0.8, "top": 1},
    {"level": "half", "coverage": 0.9, "prior": "uniform", "abstain_below": 0.6},
]


@pytest.fixture(scope="module")
def model(tiny_levels):
    predictor = Predictor(tiny_levels)
    yield predictor
    predictor.close()


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("copies", [1, 40])
def test_columns_have_the_answers_of_predictions(model, asked, copies):
    answers, columns = model.predict(NAMES * copies, **asked), model.predict_columns(NAMES * copies, **asked)
    starts = np.cumsum(columns.set_sizes) - columns.set_sizes if "coverage" in asked else None
    for place, one in enumerate(answers):
        label, probability, reason = columns[place]
        assert (label, reason) == (one.label, one.reason)
        assert probability == pytest.approx(one.probability)
        if starts is not None:
            ids = columns.set_ids[starts[place] : starts[place] + columns.set_sizes[place]]
            assert tuple(columns.labels[k] for k in ids) == (one.set or ())


@pytest.mark.parametrize("asked", ASKED)
def test_a_name_alone_has_the_answer_that_it_has_among_many(model, asked):
    names = [f"{one}{'abc'[k % 3] * (k // 3)}" for one in ("abc", "b'a", "cab") for k in range(30)]
    for name, among in zip(names, model.predict(names, **asked), strict=True):
        alone = model.predict(name, **asked)
        assert (alone.name, alone.label, alone.level, alone.set) == (among.name, among.label, among.level, among.set)
        assert alone.probability == pytest.approx(among.probability)


@pytest.mark.parametrize("asked", [*ASKED, {"every": True}])
def test_processes_answer_as_this_one_does(model, asked):
    alone, shared = (model.predict_columns(NAMES * 3, processes=count, **asked) for count in (1, 2))
    for name in (
        "labels",
        "levels",
        "best",
        "probabilities",
        "reason_ids",
        "level_ids",
        "set_ids",
        "set_sizes",
        "every",
    ):
        one, other = getattr(alone, name), getattr(shared, name)
        same = one == other if isinstance(one, tuple | None) else np.allclose(one, other, equal_nan=True)
        assert same, name


def test_the_probability_of_a_level_is_the_sum_over_its_labels(model):
    answer, rows = model.predict("abc", level="half", top=2), model.probabilities(["abc"])
    low = answer.levels["half"][0 if answer.levels["half"][0].label == "low" else 1].probability
    assert low == pytest.approx(rows[0, :2].sum())
    assert (answer.level, answer.label) == ("half", answer.top[0].label)
    assert [one.label for one in answer.levels["all"]] == ["every"]
    assert answer.levels["all"][0].probability == pytest.approx(1)


def test_auto_is_the_finest_level_that_is_sure_enough(model):
    for name in ("abc", "cab", "ccc", "bb"):
        answer = model.predict(name, level="auto")
        sure = [level for level, top in answer.levels.items() if top[0].probability >= SURE]
        assert answer.level == sure[0]
        answer = model.predict(name, level="auto", abstain_below=0.999)
        assert answer.level == next(level for level, top in answer.levels.items() if top[0].probability >= 0.999)


def test_every_probability_of_a_level_is_in_columns(model):
    columns = model.predict_columns(["abc", ""], level="half", every=True)
    assert columns.labels == ("low", "high")
    assert columns.every[0].sum() == pytest.approx(1)
    assert np.isnan(columns.every[1]).all()


def test_a_set_holds_the_best_label_and_more_of_them_for_more_coverage(model):
    for name in ("abc", "cab", "ccc"):
        narrow, wide = (model.predict(name, coverage=coverage) for coverage in (0.8, 0.9))
        assert narrow.set[0] == narrow.label
        assert set(narrow.set) <= set(wide.set)
        assert narrow.to_dict()["set"] == list(narrow.set)


def test_a_prediction_says_nothing_of_levels_or_sets_that_are_not_there(tiny_artifact):
    assert not {"level", "levels", "set"} & Predictor(tiny_artifact).predict("abc").to_dict().keys()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"level": "kind"}, "tiny has no levels of labels; leave the level out"),
        ({"coverage": 0.9}, "tiny has no prediction sets; leave the coverage out"),
        ({"prior": "uniform"}, "does not say how many training examples"),
    ],
)
def test_a_model_refuses_what_it_does_not_have_in_one_line(tiny_artifact, asked, message):
    for answer in (Predictor(tiny_artifact).predict, Predictor(tiny_artifact).predict_columns):
        with pytest.raises(SettingError, match=message):
            answer(["abc"], **asked)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"level": "haf"}, "did you mean 'half'"),
        ({"level": 3}, "must be the name of a level"),
        ({"coverage": 0.85}, "must be one of 0.8, 0.9; got 0.85"),
        ({"prior": [0.5]}, "must be the share of each label"),
        ({"every": True, "level": "auto"}, "those of one level"),
    ],
)
def test_invalid_options_are_refused(model, asked, message):
    with pytest.raises(SettingError, match=message):
        model.predict_columns(["abc"], **asked)
