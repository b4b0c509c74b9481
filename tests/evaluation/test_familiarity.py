"""The measures of familiarity are weighed so that strings like those learned are ahead of others."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elman.errors import DataError
from elman.evaluation.familiarity import (
    LEAST_OF_GROUP,
    encode_read,
    fit_familiarity,
    group_scripts,
    make_unknown,
    measure,
    measure_areas,
    measure_ids,
)
from elman.model.file import save_artifact
from elman.prediction.predictor import Predictor, load
from elman.text.encoded import EncodedStrings
from elman.text.vocabulary import Vocabulary

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "familiarity.py"


@pytest.fixture(scope="module")
def parts():
    """Names of syllables to learn from, others of the same, and strings that are none."""
    draw = np.random.default_rng(2)
    syllables = ("naka", "mura", "yama", "moto", "papa", "dopou", "los", "akis", "kowal", "ski")
    names = sorted({"".join(draw.choice(syllables, 3)) for _ in range(1500)})
    draw.shuffle(names)
    others = ["".join(draw.choice(list("bcdfgjqvwxz"), 8)) for _ in range(150)]
    return names[:500], names[500:], others


@pytest.fixture(scope="module")
def fitted(parts):
    artifact = load("languages").artifact
    learned, known, _ = parts
    return replace(artifact, familiarity=fit_familiarity(artifact, learned, known, threshold=0.05, noun="names"))


def test_all_measures_together_tell_names_from_noise(fitted, parts):
    _, known, others = parts
    predictor = load("languages")
    areas = measure_areas(fitted.familiarity, *(measure(predictor, fitted.familiarity, one) for one in (known, others)))
    assert areas["familiar"] > 0.99
    assert areas["familiar"] >= max(areas.values()) - 0.01


def test_the_threshold_is_the_share_of_known_names_that_are_lost(fitted, parts):
    predictor = load("languages")
    strings = encode_read(predictor, parts[1])
    measures = measure_ids(predictor, fitted.familiarity, strings)
    assert (fitted.familiarity.rank(measures, strings) < 0.05).mean() == pytest.approx(0.05, abs=0.01)


def test_names_that_are_taught_are_ranked_among_the_known_ones(fitted, parts):
    learned, known, _ = parts
    short = sorted({"".join(pair) for pair in zip("qxzwvjkq", "zqwxjvkk", strict=True)}) * 20
    also = [f"{name}{number % 3 * 'q'}" for number, name in enumerate(short)]
    found = fit_familiarity(replace(fitted, familiarity=None), learned, known, also=also, threshold=0.05)
    assert found.weights == fitted.familiarity.weights
    predictors = [Predictor(replace(fitted, familiarity=one)) for one in (fitted.familiarity, found)]
    lost = [sum(one.reason is not None for one in predictor.predict(also)) for predictor in predictors]
    assert lost[1] < lost[0] and lost[0] > len(also) / 2


def test_scripts_with_enough_names_have_ranks_of_their_own():
    vocabulary = Vocabulary(tuple("ab-вг漢字γ"))
    texts = ["ab-a"] * 300 + ["вг"] * LEAST_OF_GROUP + ["漢字"] * LEAST_OF_GROUP + ["γ"]
    groups = group_scripts(vocabulary, vocabulary.encode_all(texts))
    assert groups == (0, 0, 0, 0, 1, 1, 2, 2, 0)
    assert group_scripts(vocabulary, vocabulary.encode_all(["ab", "вг"] * 10)) == ()
    many = group_scripts(vocabulary, vocabulary.encode_all(["ab"] * 300 + ["вг", "漢字"] * (LEAST_OF_GROUP // 2)))
    assert many == (0, 0, 0, 0, 1, 1, 1, 1, 1)


def test_made_strings_have_the_lengths_and_symbols_of_names():
    strings = EncodedStrings.gather([np.array(one) for one in ([1, 2, 3], [4], [2, 2, 5, 6])] * 50)
    made = make_unknown(strings, np.random.default_rng(0))
    assert made.lengths.tolist() == strings.lengths.tolist()
    assert set(made.ids.tolist()) <= {1, 2, 3, 4, 5, 6}
    assert not np.array_equal(made.ids, strings.ids)


def test_too_few_names_are_refused(parts):
    with pytest.raises(DataError, match="at least 200 names that were kept back; got 9"):
        fit_familiarity(load("languages").artifact, parts[0], parts[1][:9])


def test_a_prediction_says_how_familiar_its_name_is_and_abstains_below_the_threshold(fitted, tmp_path, parts):
    save_artifact(fitted, tmp_path / "model.safetensors")
    predictor = load(tmp_path / "model.safetensors")
    names = ["nakamurayama", "xqzwvgjb", "", "null", "N/A"]
    answers, columns = predictor.predict(names), predictor.predict_columns(names)
    assert answers[0].label is not None and answers[0].familiar > 0.05
    assert answers[1].reason == "unfamiliar: unlike the names that the model learned from"
    assert [one.familiar for one in answers[2:]] == [None] * 3
    assert [one.reason.partition(":")[0] for one in answers[3:]] == ["placeholder"] * 2
    assert [columns[place][2] for place in range(5)] == [one.reason for one in answers]
    assert columns.familiar[:2] == pytest.approx([one.familiar for one in answers[:2]])
    assert predictor.predict("xqzwvgjb", unfamiliar_below=0).label is not None
    assert predictor.predict_columns(["xqzwvgjb"], unfamiliar_below=0)[0][0] is not None


def test_the_benchmark_prints_the_area_of_each_measure(fitted, tmp_path, parts, monkeypatch, capsys):
    save_artifact(fitted, tmp_path / "model.safetensors")
    for name, lines in zip(("known", "unknown"), parts[1:], strict=True):
        (tmp_path / name).write_text("\n".join(lines), "utf-8")
    found = importlib.util.spec_from_file_location("benchmark_of_familiarity", BENCHMARK)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    paths = [str(tmp_path / name) for name in ("model.safetensors", "known", "unknown")]
    monkeypatch.setattr(sys, "argv", [str(BENCHMARK), *paths])
    module.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["area_under_roc"]["familiar"] > 0.99
    assert printed["share_below_threshold"]["unknown"] > 0.9
