"""Explanations: every number in them can be computed from the model directly."""

import json
from dataclasses import replace

import numpy as np
import pytest

from elman.errors import SettingError
from elman.model.file import save_artifact
from elman.model.hierarchy import Levels
from elman.model.kinds import KINDS
from elman.prediction.explanation import MOST, SHOWN, explain
from elman.prediction.predictor import Predictor
from elman.records import UNKNOWN
from elman.scoring.probabilities import softmax
from elman.text.vocabulary import Labels, Vocabulary

WORDS = ["abcdm", "Xyz", "m", "mnx'q", "кабан"]


def log_odds(share):
    return np.log(share) - np.log1p(-share)


@pytest.mark.parametrize("name", WORDS)
def test_the_last_step_forwards_and_the_first_backwards_are_the_answer(predictor, name):
    explanation, answer = explain(predictor, name), predictor.predict(name, top=3)
    shares = {one.label: pytest.approx(one.probability, abs=1e-6) for one in answer.top}
    assert explanation.forwards[-1] == shares
    assert explanation.backwards[0] == shares
    assert (explanation.label, explanation.normalised) == (answer.label, answer.normalised)
    assert explanation.probability == pytest.approx(answer.probability, abs=1e-6)
    assert (explanation.name, explanation.model) == (name, predictor.name)


def test_a_predictor_explains_its_own_answers(predictor):
    assert predictor.explain("abcdm", label="Beta") == explain(predictor, "abcdm", label="Beta")
    with pytest.raises(SettingError, match="cannot be explained"):
        predictor.explain("")


@pytest.mark.parametrize("name", WORDS)
def test_each_step_is_the_answer_to_a_beginning_or_an_end(predictor, name):
    explanation = explain(predictor, name)
    text = explanation.normalised
    temperature = predictor.artifact.temperature
    beginnings = softmax(predictor.logits([text[: end + 1] for end in range(len(text))]), temperature)
    ends = softmax(predictor.logits([text[start:] for start in range(len(text))]), temperature)
    for steps, expected in ((explanation.forwards, beginnings), (explanation.backwards, ends)):
        shares = [[step[label] for label in predictor.labels] for step in steps]
        np.testing.assert_allclose(shares, expected, atol=1e-6)


@pytest.mark.parametrize("label", [None, "Alfa", "Gamma"])
def test_evidence_is_what_the_log_odds_lose_when_a_letter_is_hidden(predictor, label):
    explanation = explain(predictor, "abmxyz", label=label)
    ids = predictor.artifact.vocabulary.encode("abmxyz")
    chosen = predictor.labels.index(explanation.label)

    def share(sequence):
        return softmax(predictor.scorer.logits([sequence]), predictor.artifact.temperature)[0, chosen]

    for place, nats in enumerate(explanation.evidence):
        hidden = ids.copy()
        hidden[place] = UNKNOWN
        assert nats == pytest.approx(log_odds(share(ids)) - log_odds(share(hidden)), abs=1e-4)


def test_letters_of_a_label_are_evidence_for_it_and_others_against(predictor):
    own = explain(predictor, "abcdx", label="Alfa").evidence
    assert min(own[:4]) > -0.05
    assert own[4] < 0 < max(own[:4])


def test_any_label_can_be_explained(predictor):
    answer = explain(predictor, "abcdm")
    for label in predictor.labels:
        explanation = explain(predictor, "abcdm", label=label)
        assert (explanation.label, explanation.shown[0]) == (label, label)
        assert explanation.probability == answer.forwards[-1][label]


def test_shown_labels_are_few_and_different(predictor):
    shown = explain(predictor, "abmxyz").shown
    assert set(shown) == set(predictor.labels)
    assert len(shown) == len(set(shown)) <= SHOWN


def test_a_hidden_unknown_symbol_carries_no_evidence(predictor):
    explanation = explain(predictor, "ab#cd")
    assert explanation.evidence[2] == pytest.approx(0, abs=1e-6)
    assert explanation.normalised == "ab#cd"


def test_to_dict_is_json_with_an_object_for_each_letter(predictor):
    explanation = explain(predictor, "abx")
    values = json.loads(json.dumps(explanation.to_dict(), allow_nan=False))
    assert values.keys() == {"name", "normalised", "label", "probability", "letters", "model"}
    assert [one["letter"] for one in values["letters"]] == ["a", "b", "x"]
    for place, one in enumerate(values["letters"]):
        assert (one["evidence"], one["forwards"], one["backwards"]) == (
            explanation.evidence[place],
            explanation.forwards[place],
            explanation.backwards[place],
        )


def test_a_certain_model_still_has_finite_evidence(tiny_artifact):
    certain = replace(tiny_artifact, temperature=1e-3)
    assert np.isfinite(explain(Predictor(certain), "abc").evidence).all()


def test_a_name_is_cleaned_as_for_a_prediction(predictor):
    answer = explain(predictor, " abcdm, ")
    assert (answer.name, answer.normalised) == (" abcdm, ", "abcdm")
    assert replace(answer, name="abcdm") == explain(predictor, "abcdm") == explain(predictor, b"abcdm")


def test_a_message_shows_a_name_and_a_label_escaped_and_cut(predictor):
    for name, label in (("\x1b[4;1", None), ("a" * 10**6, None), ("abc", "\x1b[31m"), ("abc", "b" * 10**6)):
        with pytest.raises(SettingError) as refused:
            explain(predictor, name, label=label)
        assert str(refused.value).isprintable() and len(str(refused.value)) < 300


def test_a_name_that_is_no_string_is_refused(predictor):
    for name, message in ((None, "missing"), (float("nan"), "missing"), (["abc"], "got list"), (5, "got int")):
        with pytest.raises(SettingError, match=message):
            explain(predictor, name)


def test_an_answer_that_is_not_finite_is_not_explained(tiny_artifact):
    tensors = {n: np.full_like(t, 3e38) if t.dtype == np.float32 else t for n, t in tiny_artifact.tensors.items()}
    with pytest.raises(SettingError, match="'abc' cannot be explained: not finite"):
        explain(Predictor(replace(tiny_artifact, tensors=tensors)), "abc")


@pytest.mark.parametrize(
    ("name", "reason"), [("", "blank"), (",", "blank"), ("42", "no letters"), ("a" * 201, "too long")]
)
def test_a_name_that_the_model_does_not_read_is_refused(predictor, name, reason):
    with pytest.raises(SettingError, match=f"cannot be explained.*{reason}"):
        explain(predictor, name)


def test_an_unknown_label_is_refused_and_the_known_ones_are_listed(predictor):
    with pytest.raises(SettingError, match="'Delta'.*Alfa, Beta, Gamma"):
        explain(predictor, "abc", label="Delta")


@pytest.fixture(params=["tags", "number", "images"])
def other_kind(request, tiny_artifact):
    """A model whose answers cannot be explained."""
    bare = replace(tiny_artifact.config, bag_orders=(), ngram_orders=())
    kinds = {
        "tags": {"config": replace(bare, readout="each"), "kind": KINDS["tags"], "labels": Labels(("x", "y", "z"))},
        "number": {"config": bare, "kind": KINDS["number"], "labels": Labels(("grams",))},
        "images": {"config": replace(bare, input_size=4), "kind": KINDS["images"], "picture": (4, 4), "symbols": ()},
    }
    kind = kinds[request.param]
    vocabulary = Vocabulary(kind.pop("symbols", tiny_artifact.vocabulary.symbols))
    labels = kind.get("labels", tiny_artifact.labels)
    shapes = kind["config"].tensor_shapes(symbols=len(vocabulary), labels=len(labels))
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return request.param, replace(tiny_artifact, **kind, vocabulary=vocabulary, tensors=tensors, temperature=1.0)


def test_a_model_of_another_kind_is_refused(other_kind):
    kind, artifact = other_kind
    with pytest.raises(SettingError, match=f"{kind}.*can be explained"):
        explain(Predictor(artifact), "abc")


def test_explaining_needs_no_torch(tiny_artifact, tmp_path, python_process):
    save_artifact(tiny_artifact, tmp_path / "tiny.safetensors")
    code = (
        "import sys; from elman.prediction.predictor import load; from elman.prediction.explanation import explain\n"
        "print(explain(load(sys.argv[1]), 'abc').label)\n"
        "print(sorted({'torch', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    label, loaded = python_process(code, tmp_path / "tiny.safetensors").splitlines()
    assert label == Predictor(tiny_artifact).predict("abc").label
    assert loaded == "[]"


def give_labels(artifact, count):
    """Return the model with so many labels and with random weights."""
    draw, labels = np.random.default_rng(0), Labels(tuple(f"label {k:05}" for k in range(count)))
    codes = artifact.tensors["bag.codes"]
    shapes = artifact.config.tensor_shapes(symbols=len(artifact.vocabulary), labels=count, bag=len(codes))
    weights = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return replace(artifact, labels=labels, tensors={**weights, "bag.codes": codes})


def test_of_many_labels_each_letter_has_the_most_likely_ones_and_those_to_show(tiny_artifact):
    predictor, text = Predictor(give_labels(tiny_artifact, 10_000)), "abcba'a" * 3
    explanation = explain(predictor, text, label="label 00007")
    beginnings = predictor.probabilities([text[: end + 1] for end in range(len(text))])
    ends = predictor.probabilities([text[start:] for start in range(len(text))])
    for steps, rows in ((explanation.forwards, beginnings), (explanation.backwards, ends)):
        for step, row in zip(steps, rows, strict=True):
            likely = {predictor.labels[k] for k in np.argsort(-row)[: MOST // 2]}
            assert likely | {*explanation.shown, "label 00007"} <= step.keys() and len(step) <= MOST + SHOWN
            assert list(step) == sorted(step)
        shares = [[step[label] for label in explanation.shown] for step in steps]
        shown = [predictor.labels.index(label) for label in explanation.shown]
        np.testing.assert_allclose(shares, rows[:, shown], atol=1e-6)


@pytest.mark.parametrize("count", [MOST, MOST + 9])
def test_each_letter_has_all_labels_unless_they_are_many(tiny_artifact, count):
    explanation = explain(Predictor(give_labels(tiny_artifact, count)), "abc")
    assert all(MOST <= len(step) <= MOST + SHOWN for step in (*explanation.forwards, *explanation.backwards))


# Levels


@pytest.fixture(scope="module")
def leveled(predictor) -> Predictor:
    levels = Levels(("kind", "half"), (("first", "first", "second"),))
    return Predictor(replace(predictor.artifact, levels=levels, sets=None))


def test_a_group_of_labels_has_the_sum_of_their_probabilities_at_each_letter(leveled):
    of_labels, of_groups = leveled.explain("abmxyz"), leveled.explain("abmxyz", level="half")
    assert (of_labels.level, of_groups.level) == ("kind", "half")
    for course in ("forwards", "backwards"):
        for labels, groups in zip(getattr(of_labels, course), getattr(of_groups, course), strict=True):
            assert groups == pytest.approx({"first": labels["Alfa"] + labels["Beta"], "second": labels["Gamma"]})
    answer = leveled.predict("abmxyz", level="half")
    assert (of_groups.label, of_groups.probability) == (answer.label, pytest.approx(answer.probability, abs=1e-6))


def test_the_evidence_for_a_group_of_one_label_is_that_of_the_label(leveled):
    group, label = leveled.explain("abxyz", label="second", level="half"), leveled.explain("abxyz", label="Gamma")
    assert group.evidence == pytest.approx(label.evidence)
    assert group.to_dict()["level"] == "half"


@pytest.mark.parametrize("name", WORDS)
def test_auto_explains_the_level_of_the_answer(leveled, name):
    answer, explanation = leveled.predict(name, level="auto"), leveled.explain(name, level="auto")
    assert (explanation.level, explanation.label) == (answer.level, answer.label)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": "region"}, "level must be one of kind, half, auto; got 'region'"),
        ({"label": "first"}, "no label 'first'; the labels are Alfa, Beta, Gamma; it is one of the level half"),
        ({"label": "Alfa", "level": "half"}, "no label 'Alfa'; half has first, second; it is one of the level kind"),
    ],
)
def test_what_is_at_no_level_is_refused(leveled, settings, message):
    with pytest.raises(SettingError, match=message):
        leveled.explain("abc", **settings)


def test_a_model_without_levels_explains_none(predictor):
    assert "level" not in predictor.explain("abc").to_dict()
    with pytest.raises(SettingError, match="has no levels of labels"):
        predictor.explain("abc", level="half")
