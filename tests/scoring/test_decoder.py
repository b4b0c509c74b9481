"""The decoder step by step: the numbers of training, and strings as probable as it says."""

import math

import numpy as np
import pytest
import torch

from elman.model.writing import WriterConfig
from elman.scoring.decoder import DecoderScorer
from elman.text.targets import MARK
from elman.training.decoder import LanguageModel

SYMBOLS, LABELS = 6, 3
STRINGS = [np.array(ids) for ids in ([3], [1, 2, 2, 5], [4, 4], [5, 1, 3, 2, 1, 1, 4])]


def build(cell: str = "gru", *, layers: int = 1, label_size: int = 0, scale: float = 0.8) -> LanguageModel:
    torch.manual_seed(5)
    config = WriterConfig(cell=cell, hidden_size=5, embedding_size=4, layers=layers, label_size=label_size)
    model = LanguageModel(config, symbols=SYMBOLS, labels=LABELS).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=scale)
    return model


def scorer_of(model: LanguageModel) -> DecoderScorer:
    return DecoderScorer(model.config, {name: tensor.numpy() for name, tensor in model.state_dict().items()})


def surprise(model: LanguageModel, ids: np.ndarray, label: int = 0) -> np.ndarray:
    """The nats of each symbol and of the end, as torch computes them."""
    inputs = torch.tensor([label, MARK, *ids.tolist()])[:, None]
    with torch.inference_mode():
        logs = model(inputs)[:, 0].double().log_softmax(1)
    written = torch.tensor([*ids.tolist(), MARK])
    return -logs.gather(1, written[:, None])[:, 0].numpy()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
@pytest.mark.parametrize("label_size", [0, 3])
def test_numpy_and_torch_agree(cell, layers, label_size):
    model = build(cell, layers=layers, label_size=label_size)
    labels = [2, 0, 3, 1] if label_size else [0] * 4
    found = scorer_of(model).score(STRINGS, labels)
    for ids, label, nats in zip(STRINGS, labels, found, strict=True):
        assert np.abs(np.exp(-nats) - np.exp(-surprise(model, ids, label))).max() < 1e-5
        assert nats == pytest.approx(surprise(model, ids, label), abs=1e-4)


def test_the_order_of_strings_and_their_block_change_nothing(monkeypatch):
    model = build()
    expected = scorer_of(model).score(STRINGS, [0] * 4)
    monkeypatch.setattr("elman.scoring.decoder.BLOCK", 2)
    for nats, again in zip(expected, scorer_of(model).score(STRINGS[::-1], [0] * 4)[::-1], strict=True):
        assert again == pytest.approx(nats, abs=1e-6)


def test_no_string_takes_no_score():
    assert scorer_of(build()).score([], []) == []


def sample(model: LanguageModel, count: int = 400, *, begin: tuple[int, ...] = (), temperature: float = 1.0, **changes):
    settings = {"label": 0, "longest": 30, **changes}
    random, ids = np.random.default_rng(1), np.array(begin, np.int64)
    return scorer_of(model).sample(count, random, begin=ids, temperature=temperature, **settings)


def test_what_is_written_has_the_nats_that_scoring_gives_it():
    model = build()
    drawn = [one for one in sample(model, 40, begin=(2, 5)) if one.ended]
    found = scorer_of(model).score([one.ids for one in drawn], [0] * len(drawn))
    assert drawn and all(one.nats == pytest.approx(nats, abs=1e-5) for one, nats in zip(drawn, found, strict=True))
    assert all(one.ids[:2].tolist() == [2, 5] for one in drawn)


def test_symbols_are_drawn_as_often_as_they_are_probable():
    model = build()
    drawn = sample(model, 4000)
    shares = np.bincount([one.ids[0] for one in drawn], minlength=SYMBOLS) / len(drawn)
    chances = scorer_of(model).likely_next(np.empty(0, np.int64), 0)
    chances[MARK] = 0.0  # no string is empty
    chances /= chances.sum()
    assert np.abs(shares - chances).max() < 4 * math.sqrt(0.25 / len(drawn))


def test_a_low_temperature_writes_the_likeliest_string_and_a_high_one_others():
    model = build()
    cold = {tuple(one.ids) for one in sample(model, 50, temperature=0.05)}
    warm = {tuple(one.ids) for one in sample(model, 50, temperature=5.0)}
    assert len(cold) <= 3 < 20 < len(warm)


def test_no_string_is_empty_and_the_bound_cuts_those_that_never_end():
    model = build()
    with torch.no_grad():
        model.output.bias[MARK] = 60.0  # always ends
    assert {(len(one.ids), one.ended) for one in sample(model, 30)} == {(1, True)}
    with torch.no_grad():
        model.output.bias[MARK] = -60.0  # never ends
    cut = sample(model, 30, longest=7)
    assert {(len(one.ids), len(one.nats), one.ended) for one in cut} == {(7, 7, False)}


def test_a_string_of_the_most_symbols_can_end():
    model = build()
    lengths = {(len(one.ids), one.ended) for one in sample(model, 400, longest=3)}
    assert {(3, True), (3, False), (1, True)} <= lengths and (4, True) not in lengths
    assert all(len(one.nats) == len(one.ids) + one.ended for one in sample(model, 400, longest=3))


def test_weights_too_large_to_compute_with_give_nan_without_a_warning():
    model = build(scale=1e38)
    found = scorer_of(model).score(STRINGS, [0] * 4)
    assert not np.isfinite(np.concatenate(found)).all()
