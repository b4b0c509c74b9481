"""Native answers: for any logits and every instruction set, those of numpy, at all levels, and the same familiarity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import elman
from elman.model.familiarity import Familiarity, count_ngrams
from elman.prediction.answers import Answerer
from elman.prediction.options import AnswerOptions
from elman.scoring.kernel.answers import NativeAnswers
from elman.scoring.kernel.library import Library, open_library
from elman.scoring.probabilities import rank, softmax
from elman.text.encoded import EncodedStrings

LIBRARY = open_library()
ROUTINES = list(LIBRARY.routines) if isinstance(LIBRARY, Library) else []
pytestmark = pytest.mark.skipif(not ROUTINES, reason="the kernel is not compiled: python -m elman.scoring.kernel.build")

SYMBOLS = 6
LEARNED = EncodedStrings.gather([np.array(ids) for ids in ([1, 2, 3], [1, 2, 3, 1], [1, 2], [4])] * 20)
COUNTS, TOTAL = count_ngrams(LEARNED, slots=1024)
MEASURE = Familiarity(
    COUNTS,
    TOTAL,
    (0.02, 0.5, 2.4, -3.0),
    (-30.0, -9.0, -3.0, -3.0, 8.0, 90.0),
    groups=(0, 0, 0, 0, 1, 2),
    ranks_of_groups=((-3.0, 1.0), (-40.0, 0.0, 40.0)),
)
strings = st.lists(st.lists(st.integers(0, SYMBOLS - 1), min_size=1, max_size=9), min_size=1, max_size=9)


def answer(routines, logits, groups, top, encoded=None, *, floor=0.01, temperature=0.8):
    measure = None if encoded is None else MEASURE
    native = NativeAnswers(LIBRARY, routines, groups, familiarity=measure, temperature=temperature, floor=floor)
    tops = [min(top, int(group.max()) + 1) for group in groups]
    ranked = [(np.full((len(logits), k), -9, np.int32), np.zeros((len(logits), k))) for k in tops]
    familiar = None if encoded is None else np.zeros(len(logits))
    order = np.random.default_rng(3).permutation(len(logits))
    native.write_to(ranked, familiar, encoded).write(order, logits[order])
    return ranked, familiar


@pytest.mark.parametrize("routines", ROUTINES)
@pytest.mark.parametrize("labels", [1, 2, 15, 16, 17, 100])
@pytest.mark.parametrize("top", [1, 3, 40])
def test_the_best_groups_of_each_level_are_those_of_numpy(routines, labels, top):
    draw = np.random.default_rng(labels)
    logits = draw.normal(0, 3, (50, labels)).astype(np.float32)
    coarse = np.arange(labels) % min(labels, 7)
    ranked, _ = answer(routines, logits, [np.arange(labels), coarse], top)
    probabilities = softmax(logits, 0.8, 0.01)
    sums = np.stack([probabilities[:, coarse == group].sum(axis=1) for group in range(coarse.max() + 1)], axis=1)
    for start, expected, (ids, chances) in zip((0, labels), (probabilities, sums), ranked, strict=True):
        places, best = rank(expected, top)
        np.testing.assert_allclose(chances, best, atol=1e-6)
        np.testing.assert_allclose(np.take_along_axis(expected, ids - start, axis=1), best, atol=1e-6)
        assert (places == ids - start).mean() > 0.99


@pytest.mark.parametrize("routines", ROUTINES)
def test_equal_groups_are_in_their_order(routines):
    ranked, _ = answer(routines, np.zeros((2, 20), np.float32), [np.arange(20), np.arange(20) // 10], 3)
    assert [ids[0].tolist() for ids, _ in ranked] == [[0, 1, 2], [20, 21]]


@pytest.mark.parametrize("routines", ROUTINES)
@pytest.mark.parametrize(
    "wrong", [[0, np.nan, 0], [np.nan, 0, 0], [0, np.inf, 0], [-np.inf] * 3, [0, -np.inf, 1], [np.nan] * 3]
)
def test_a_logit_that_is_no_number_makes_no_probability(routines, wrong):
    logits = np.array([wrong], np.float32)
    ((ids, chances),), _ = answer(routines, logits, [np.arange(3)], 2)
    with np.errstate(invalid="ignore"):
        places, best = rank(softmax(logits, 0.8, 0.01), 2)
    np.testing.assert_array_equal(ids, places)
    np.testing.assert_allclose(chances, best, atol=1e-6)


@pytest.mark.parametrize("routines", ROUTINES)
@settings(max_examples=40)
@given(strings=strings, scale=st.sampled_from([0.1, 3.0, 300.0]))
def test_any_string_is_as_familiar_as_in_numpy(routines, strings, scale):
    encoded = EncodedStrings.gather([np.array(ids) for ids in strings])
    logits = (np.random.default_rng(1).normal(0, scale, (len(strings), 5))).astype(np.float32)
    _, familiar = answer(routines, logits, [np.arange(5)], 1, encoded)
    expected = MEASURE.rank(MEASURE.measure_strings(encoded, logits, 0.8), encoded)
    np.testing.assert_allclose(familiar, expected, atol=1e-4)


@pytest.mark.parametrize("asked", [{"familiar": True}, {"level": "auto", "top": 5}, {"level": "region"}])
@pytest.mark.parametrize("count", [3, 200])
def test_a_shipped_model_has_the_answers_of_numpy(monkeypatch, asked, count):
    predictor = elman.load("origins")
    names = ["Ana Kowalska", "Nakamura", "O'Brien", "ngozi obi", "x", "佐藤 健", "Müller-Lüdenscheidt"] * count
    encoded, _, _ = predictor.reader.encode_column(names[:count])
    native = Answerer(predictor.artifact, AnswerOptions(**asked)).answer_all(predictor.scorer, encoded)
    monkeypatch.setattr(Answerer, "_find_native", lambda self, scorer: None)
    plain = Answerer(predictor.artifact, AnswerOptions(**asked)).answer_all(predictor.scorer, encoded)
    for name in ("best", "level_ids"):
        np.testing.assert_array_equal(getattr(native, name), getattr(plain, name))
    np.testing.assert_allclose(native.probabilities, plain.probabilities, atol=1e-6)
    if native.familiar is not None:
        np.testing.assert_allclose(native.familiar, plain.familiar, atol=1e-4)
