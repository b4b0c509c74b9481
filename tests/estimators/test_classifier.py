"""The classifier: its labels, its weights, what it holds out, its file and its pickle."""

import pickle
import sys
from dataclasses import replace

import numpy as np
import pandas
import pytest
import torch
from small_fits import LABELS, NAMES

import elman
from elman.errors import SettingError
from elman.model.file import load_artifact, save_artifact

IDS = [sorted(set(LABELS)).index(label) for label in LABELS]


def test_names_are_learned_and_probabilities_are_calibrated_shares(fitted):
    assert fitted.score(NAMES, LABELS) > 0.9
    probabilities = fitted.predict_proba(NAMES)
    assert probabilities.dtype == np.float64 and probabilities.flags.c_contiguous
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(fitted.classes_[probabilities.argmax(axis=1)], fitted.predict(NAMES))
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(NAMES)), probabilities)


@pytest.mark.parametrize(
    "classes",
    [
        [7, 100, 9],
        np.array([1, 2, 3], np.uint8),
        ["c", "a", "b"],
        np.array(["c", "a", "b"], object),
        [2.0, 10.0, 1.0],
        pandas.Series(["c", "a", "b"]),
    ],
)
def test_labels_come_back_in_their_own_type(tiny, classes, tmp_path):
    y = np.asarray(classes)[IDS]
    model = tiny().fit(NAMES, y)
    assert model.classes_.dtype == y.dtype and model.classes_.tolist() == sorted(set(y.tolist()))
    assert model.predict(NAMES).dtype == y.dtype
    model.save(tmp_path / "model.safetensors")
    again = elman.SequenceClassifier.load(tmp_path / "model.safetensors")
    assert again.classes_.dtype == model.classes_.dtype and np.array_equal(again.predict(NAMES), model.predict(NAMES))


def test_columns_are_in_the_order_of_the_classes(tiny):
    y = np.array([9, 10, 100])[IDS]  # as text 10, 100, 9
    model = tiny(epochs=8).fit(NAMES, y)
    assert model.score(NAMES, y) > 0.9
    assert model.predict_proba([NAMES[0]]).argmax() == model.classes_.tolist().index(y[0])


def test_booleans_are_two_classes(tiny):
    y = [label == "Greek" for label in LABELS]
    model = tiny(epochs=6).fit(NAMES, y)
    assert model.predict(NAMES).dtype == bool and model.score(NAMES, y) > 0.8


def test_a_string_that_cannot_be_read_gets_the_shares_of_the_fit(fitted):
    counts = fitted.predictor_.artifact.provenance["data"]["training_examples_per_label"]
    shares = np.array([counts[label] for label in fitted.classes_]) / sum(counts.values())
    np.testing.assert_allclose(fitted.predict_proba(["", "42", "kamoto"])[:2], [shares, shares])
    assert fitted.predictor_.predict("42").abstained


def test_strings_left_out_are_counted(tiny):
    model = tiny().fit([*NAMES, "", " , ", "x" * 101], [*LABELS, *LABELS[:3]])
    assert model.dropped_ == {"blank": 2, "too long": 1}
    with pytest.raises(SettingError, match="has the class 'new', but no string of it is left; 1 left out: blank"):
        tiny().fit([*NAMES, ""], [*LABELS, "new"])


def test_one_class_is_refused(tiny):
    with pytest.raises(SettingError, match="at least two classes; got 1 class: a"):
        tiny().fit(NAMES, ["a"] * len(NAMES))


def test_strings_of_weight_0_are_left_out_and_others_count_by_their_weight(tiny):
    strange = ["zz" + start for start in "bcdfghjklmnp"]
    weights = [1.0] * len(NAMES) + [0.0] * len(strange)
    left_out = tiny().fit(NAMES + strange, LABELS + LABELS[:12], sample_weight=weights)
    assert np.array_equal(left_out.predict_proba(NAMES), tiny().fit(NAMES, LABELS).predict_proba(NAMES))
    assert left_out.dropped_ == {"weight 0": 12}
    same, opposite = NAMES + NAMES, LABELS + LABELS[12:] + LABELS[:12]
    for heavy, answers in ((0, LABELS), (1, opposite[36:])):
        weights = [20.0 if part == heavy else 0.05 for part in (0, 1) for _ in NAMES]
        assert tiny(epochs=8, validation_fraction=0).fit(same, opposite, weights).score(NAMES, answers) > 0.8


def test_equal_weights_and_class_weights_of_1_change_nothing(tiny):
    plain = tiny().fit(NAMES, LABELS).predict_proba(NAMES)
    assert np.array_equal(tiny().fit(NAMES, LABELS, sample_weight=[3] * len(NAMES)).predict_proba(NAMES), plain)
    assert np.array_equal(tiny(class_weight={"Greek": 1}).fit(NAMES, LABELS).predict_proba(NAMES), plain)
    heavy = tiny(class_weight={"Greek": 50}).fit(NAMES, LABELS).predict_proba(NAMES)
    assert heavy[:, 0].mean() > plain[:, 0].mean()


def test_balanced_classes_count_alike(tiny):
    few = NAMES[:12] + NAMES[12:15], LABELS[:12] + LABELS[12:15]
    plain, balanced = (
        tiny(class_weight=weight).fit(*few).predict_proba(NAMES)[:, 1].mean() for weight in (None, "balanced")
    )
    assert balanced > plain
    for wrong in ("even", {"Dutch": 2}, {"Greek": -1}):
        with pytest.raises(SettingError, match="class_weight"):
            tiny(class_weight=wrong).fit(NAMES, LABELS)


def test_an_evaluation_set_chooses_the_epoch_and_the_temperature(tiny):
    model = tiny(epochs=3).fit(NAMES[:30], LABELS[:30], eval_set=(np.array(NAMES[30:]), LABELS[30:]))
    facts = model.predictor_.artifact.provenance["estimator"]["validation"]
    assert facts == {"kind": "eval_set", "strings": 6}
    assert sum(model.predictor_.artifact.provenance["data"]["training_examples_per_label"].values()) == 30
    assert model.best_epoch_ == model.history_.kept_epoch and model.n_iter_ == len(model.history_) == 3
    with pytest.raises(SettingError, match="eval_set has the label 'Dutch', which y does not have"):
        tiny().fit(NAMES, LABELS, eval_set=[(["ito"], ["Dutch"])])
    with pytest.raises(SettingError, match=r"eval_set\[0\] must be a list or a column"):
        tiny().fit(NAMES, LABELS, eval_set=("ito", ["Greek"]))
    with pytest.raises(SettingError, match="eval_set has no string that can be read"):
        tiny().fit(NAMES, LABELS, eval_set=([""], ["Greek"]))


def test_the_model_file_answers_everywhere(fitted, tmp_path, elman_here):
    fitted.save(tmp_path / "names.safetensors")
    answer = elman.load(tmp_path / "names.safetensors").predict("kamoto", top=3)
    shares = dict(zip(fitted.classes_, fitted.predict_proba(["kamoto"])[0], strict=True))
    assert answer.model == "names" and {one.label: one.probability for one in answer.top} == pytest.approx(shares)
    again = elman.SequenceClassifier.load(tmp_path / "names.safetensors")
    assert again.get_params() == fitted.get_params() and again.n_iter_ == fitted.n_iter_
    assert again.best_epoch_ == fitted.best_epoch_
    assert np.array_equal(again.predict_proba(NAMES), fitted.predict_proba(NAMES))
    (tmp_path / "names.csv").write_text("name,label\n" + "".join(map("{},{}\n".format, NAMES, LABELS)))
    for command in (("predict", "--model", "names.safetensors", "kamoto"), ("models", "show", "names.safetensors")):
        assert elman_here(*command).status == 0
    scored = elman_here("evaluate", "names.safetensors", "names.csv")
    assert scored.status == 0 and "all" in scored.out + scored.err


def test_a_model_of_elman_train_is_an_estimator_too(model_file, predictor, toy_lines, tmp_path):
    model = elman.SequenceClassifier.load(model_file)
    assert model.classes_.tolist() == list(predictor.labels)
    np.testing.assert_allclose(model.predict_proba(["abc"]), predictor.probabilities(["abc"]))
    with pytest.raises(
        SettingError, match="SequenceRegressor needs a model that reads strings and answers with a number"
    ):
        elman.SequenceRegressor.load(model_file)


@pytest.mark.parametrize(
    "facts", [3, {"dtype": "<i8"}, {"dtype": "no type"}, {"dtype": [1]}, {"params": {"cell": 5, "x": 1}}]
)
def test_a_file_that_says_something_strange_is_read_as_strings(fitted, facts, tmp_path):
    artifact = replace(
        fitted.predictor_.artifact, provenance={"estimator": facts, "data": {"training_examples_per_label": 1}}
    )
    save_artifact(artifact, tmp_path / "model.safetensors")
    model = elman.SequenceClassifier.load(tmp_path / "model.safetensors")
    assert model.classes_.tolist() == sorted(set(LABELS)) and model.predict([""]).shape == (1,)


WITHOUT_TORCH = """
import pickle, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "matplotlib"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
model = pickle.load(open(sys.argv[1], "rb"))
print(model.predict(["kamoto", "kaakis"]).tolist(), model.best_epoch_, len(model.history_))
try:
    model.fit(["a", "b"], [0, 1])
except ImportError as error:
    print(error)
"""


def test_a_fitted_estimator_unpickles_and_predicts_without_torch(fitted, tmp_path, python_process):
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    printed = python_process(WITHOUT_TORCH, tmp_path / "model.pickle").splitlines()
    assert printed[0] == f"{fitted.predict(['kamoto', 'kaakis']).tolist()} {fitted.best_epoch_} {len(fitted.history_)}"
    assert len(printed) == 2
    assert printed[1].startswith("training needs the package torch: pip install 'elman[train]'")


def test_a_pickle_holds_the_model_file(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors", name=fitted.predictor_.name)
    held = fitted.__getstate__()["predictor_"]
    (tmp_path / "held.safetensors").write_bytes(held)
    assert np.array_equal(
        load_artifact(tmp_path / "held.safetensors").tensors["head.weight"],
        load_artifact(tmp_path / "model.safetensors").tensors["head.weight"],
    )
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(NAMES), fitted.predict_proba(NAMES))
    assert pickle.loads(pickle.dumps(elman.SequenceClassifier(epochs=3))).get_params()["epochs"] == 3


def test_the_seed_decides_and_no_global_state_changes(tiny):
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, other = (tiny(random_state=seed).fit(NAMES, LABELS).predict_proba(NAMES) for seed in (0, 1))
    assert not np.array_equal(first, other)
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads
    drawn = [tiny(random_state=np.random.RandomState(5)).fit(NAMES, LABELS).predict_proba(NAMES) for _ in range(2)]
    assert np.array_equal(*drawn)
    generator = np.random.RandomState(5)
    model = tiny(random_state=generator)
    assert not np.array_equal(*(model.fit(NAMES, LABELS).predict_proba(NAMES) for _ in range(2)))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_size": 0}, "hidden_size must be a whole number"),
        ({"cell": "transformer"}, "cell must be one of"),
        ({"validation_fraction": 0.6}, "validation_fraction must be a number"),
        ({"random_state": -1}, "random_state must be a whole number"),
        ({"n_jobs": 0}, "n_jobs must be a whole number"),
        ({"epochs": "many"}, "epochs must be a whole number"),
        ({"label_smoothing": 2}, "label_smoothing"),
    ],
)
def test_parameters_are_checked_by_fit_in_one_line(tiny, params, message):
    with pytest.raises(SettingError, match=message) as refusal:
        tiny(**params).fit(NAMES, LABELS)
    assert "\n" not in str(refusal.value)


def test_parameters_reach_the_network_and_the_training(tiny):
    changes = {"cell": "lstm", "layers": 2, "directions": 1, "ngrams": False, "keep_case": True, "clip": None}
    artifact = tiny(**changes).fit(NAMES, LABELS).predictor_.artifact
    shape = artifact.config
    assert (shape.cell, shape.layers, shape.directions, shape.hidden_size) == ("lstm", 2, 1, 4)
    assert shape.ngram_orders == shape.bag_orders == () and not artifact.normalisation.lower_case
    assert artifact.provenance["train"]["clip"] is None and artifact.provenance["train"]["epochs"] == 2


def test_fit_is_silent_unless_it_is_asked_to_speak(tiny, capsys):
    tiny().fit(NAMES, LABELS)
    assert capsys.readouterr() == ("", "")
    tiny(verbose=1).fit(NAMES, LABELS)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "SequenceClassifier: 36 strings, 33 train, 3 validate (held out); none left out"
    assert len(lines) == 3 and lines[1].startswith("epoch   1")


def test_the_door_names_the_estimators_without_loading_them(python_process):
    code = "import sys, elman; print('sklearn' in sys.modules, 'torch' in sys.modules)"
    assert python_process(code) == "False False\n"
    code = "import sys, elman; elman.SequenceClassifier(); print('torch' in sys.modules)"
    assert python_process(code) == "False\n"
    assert "sklearn" in sys.modules
