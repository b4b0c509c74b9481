"""Predictors of every kind: they answer with tags or a number, or read pictures or rows of numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from elman.checks import shown
from elman.errors import DataError, SettingError
from elman.model.file import Artifact, save_artifact
from elman.model.kinds import KINDS
from elman.prediction.inputs import NO_KNOWN_SYMBOL
from elman.prediction.predictor import Predictor, load
from elman.scoring.probabilities import softmax
from elman.text.normalisation import Normalisation
from elman.text.vocabulary import Labels, Vocabulary
from elman.training.recipes import BARE

SIZE = 28


def artifact_of(config, *, symbols="", labels=("Alfa", "Beta", "Gamma"), **rest) -> Artifact:
    """Build a model with random weights."""
    draw, vocabulary = np.random.default_rng(1), Vocabulary(tuple(symbols))
    shapes = config.tensor_shapes(symbols=len(vocabulary), labels=len(labels))
    tensors = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return Artifact("drawn", config, tensors, vocabulary, Labels(labels), Normalisation(), 1.0, {}, **rest)


@pytest.fixture(scope="module")
def image_model():
    config = replace(BARE, cell="gru", hidden_size=5, input_size=SIZE)
    return artifact_of(config, kind=KINDS["images"], picture=(SIZE, SIZE))


@pytest.fixture(scope="module")
def tagger():
    config = replace(BARE, cell="lstm", hidden_size=5, directions=2, readout="each")
    return replace(artifact_of(config, symbols="abc", labels=("x", "y", "z"), kind=KINDS["tags"]), temperature=1.5)


@pytest.fixture(scope="module")
def weigher():
    return artifact_of(replace(BARE, cell="rnn", hidden_size=5), symbols="abc", labels=("grams",), kind=KINDS["number"])


@pytest.fixture(scope="module")
def regression():
    config, columns = replace(BARE, cell="none", input_size=2), ("a", "b")
    model = artifact_of(config, labels=("rent",), kind=KINDS["features"], columns=columns)
    weights = {"head.weight": np.array([[2, -1]], np.float32), "head.bias": np.array([10], np.float32)}
    return replace(model, tensors=weights)


# Strings


def test_tags_are_one_string_with_the_probability_of_all_being_right(tagger):
    answer = Predictor(tagger).predict("abca")
    (logits,) = Predictor(tagger).scorer.logits_of_steps([tagger.vocabulary.encode("abca")])
    shares = softmax(logits, tagger.temperature)
    assert answer.label == "".join(tagger.labels.names[k] for k in shares.argmax(axis=1))
    assert answer.probability == pytest.approx(shares.max(axis=1).prod())
    assert [(one.label, one.probability) for one in answer.top] == [(answer.label, answer.probability)]
    assert (len(answer.label), answer.value) == (4, None)


def test_an_unsure_tagger_abstains_on_request(tagger):
    answer = Predictor(tagger).predict("abcaabca", abstain_below=1.0)
    assert (answer.abstained, answer.label, len(answer.top)) == (True, None, 1)


def test_batching_never_changes_tags(tagger):
    predictor = Predictor(tagger)
    names = ["abc", "cab", "b", "aabbcc", "abc", "42"]
    assert [one.label for one in predictor.predict(names)] == [predictor.predict(name).label for name in names]


def test_a_number_is_a_value_without_label_or_probability(weigher):
    answer = Predictor(weigher).predict("abc", abstain_below=0.9)
    assert answer.value == pytest.approx(float(Predictor(weigher).logits(["abc"])[0, 0]))
    assert (answer.abstained, answer.label, answer.probability, answer.top) == (False, None, None, ())
    assert json.loads(json.dumps(answer.to_dict()))["value"] == answer.value


def test_a_string_that_cannot_be_read_has_no_number(weigher):
    answer = Predictor(weigher).predict("42")
    assert (answer.abstained, answer.value, answer.reason) == (True, None, NO_KNOWN_SYMBOL)
    assert "value" not in answer.to_dict()


def test_plain_labels_have_no_value(predictor):
    answer = predictor.predict("abc")
    assert answer.value is None
    assert "value" not in answer.to_dict()


# Rows of numbers


def test_a_regression_answers_rows_in_order(regression):
    answers = Predictor(regression).predict(["1.5,2", "0,0", "1.5, 2"])
    assert [one.value for one in answers] == [11, 10, 11]
    assert answers[0].normalised == "a 1.5, b 2"
    assert answers[0].to_dict()["value"] == 11


def test_rows_that_differ_in_a_late_digit_get_different_answers(regression):
    near, far = Predictor(regression).predict(["1000001,0", "1000004,0"])
    assert (near.value, far.value) == (2_000_012, 2_000_018)


@pytest.mark.parametrize("row", ["1", "1,2,3", "one,2"])
def test_a_row_with_the_wrong_numbers_is_refused(regression, row):
    with pytest.raises(DataError, match="expected 2 numbers separated by commas, a, b"):
        Predictor(regression).predict(["1.5,2", row])


# Pictures


def digit() -> np.ndarray:
    """Return a picture of light ink on dark: a slanted stroke."""
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    for row in range(5, 23):
        pixels[row, 8 + row // 3 : 11 + row // 3] = 255
    return pixels


def saved(path, picture) -> str:
    picture.save(path)
    return str(path)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_common_kind_of_png_gets_the_same_answer(image_model, tmp_path, mode):
    (expected,) = softmax(Predictor(image_model).scorer.logits([(digit() / 255).astype(np.float32)]))
    for picture in (digit(), 255 - digit()):
        path = saved(tmp_path / f"{picture[0, 0]}.png", Image.fromarray(picture).convert(mode))
        answer = Predictor(image_model).predict(path)
        assert answer.label == image_model.labels.names[expected.argmax()]
        assert answer.probability == pytest.approx(expected.max(), abs=1e-5)
        assert answer.name == path


def test_a_palette_with_transparency_is_ink_on_white_paper(image_model, tmp_path):
    picture = Image.fromarray((digit() > 0).astype(np.uint8))
    picture = picture.convert("P")
    picture.putpalette([255, 0, 0, 0, 0, 0])  # without transparency the background would be red
    picture.save(tmp_path / "palette.png", transparency=b"\x00\xff")
    plain = saved(tmp_path / "plain.png", Image.fromarray(digit()))
    one, other = Predictor(image_model).predict([str(tmp_path / "palette.png"), plain])
    assert one.top == other.top


@pytest.mark.parametrize("place", ["absent.png", ".", "a\0b", pytest.param("x" * 300, id="long")])
def test_a_path_without_a_picture_is_named(image_model, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as refusal:
        Predictor(image_model).predict(place)
    assert str(refusal.value).startswith(f"{shown(place, 1000)}: ")


def test_a_missing_picture_abstains(image_model):
    assert Predictor(image_model).predict(None).abstained


@pytest.mark.parametrize("kind", ["image_model", "tagger", "weigher", "regression"])
def test_every_kind_of_model_gives_the_same_answer_from_its_file(request, kind, tmp_path):
    model = request.getfixturevalue(kind)
    picture = saved(tmp_path / "digit.png", Image.fromarray(digit()))
    name = {"image_model": picture, "regression": "1,2"}.get(kind, "abcc")
    save_artifact(model, tmp_path / "model.safetensors")
    assert load(tmp_path / "model.safetensors").predict(name) == Predictor(model).predict(name)


@pytest.mark.parametrize("kind", ["image_model", "tagger", "weigher", "regression"])
def test_only_models_of_strings_and_labels_have_rows_of_probabilities(request, kind):
    with pytest.raises(SettingError, match="does not read strings and answer with a label"):
        Predictor(request.getfixturevalue(kind)).probabilities(["abc"])
