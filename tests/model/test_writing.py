"""The configuration of a network that writes: its values and the shapes of its tensors."""

from typing import Any

import pytest

from elman.errors import SettingError
from elman.model.writing import WriterConfig

ENCODER: dict[str, Any] = {"encoder_cell": "lstm", "encoder_size": 5, "encoder_layers": 2, "source_size": 3}


def shapes(**settings: Any) -> dict[str, tuple[int, ...]]:
    config = WriterConfig(**{"hidden_size": 4, "embedding_size": 2, "attention_size": 6, **settings})
    return config.tensor_shapes(symbols=7, sources=9, labels=3)


def test_a_language_model_has_a_decoder_alone():
    assert shapes(label_size=0) == {
        "targets.weight": (7, 2),
        "decoder.weight_ih_l0": (12, 2),
        "decoder.weight_hh_l0": (12, 4),
        "decoder.bias_ih_l0": (12,),
        "decoder.bias_hh_l0": (12,),
        "output.weight": (7, 4),
        "output.bias": (7,),
    }


def test_a_label_adds_its_row_to_each_step_and_a_row_for_no_label():
    found = shapes(label_size=5)
    assert (found["labels.weight"], found["decoder.weight_ih_l0"]) == ((4, 5), (12, 2 + 5))


def test_an_encoder_has_its_layers_and_a_bridge():
    found = shapes(label_size=0, layers=2, **ENCODER)
    assert found["sources.weight"] == (9, 3)
    assert found["encoder.weight_ih_l0_reverse"] == (20, 3) and found["encoder.weight_ih_l1"] == (20, 10)
    assert (found["bridge.weight"], found["bridge.bias"]) == ((2 * 4, 10), (2 * 4,))
    assert found["output.weight"] == (7, 4 + 10) and found["decoder.weight_ih_l0"] == (12, 2 + 10)


def test_attention_feeds_its_context_to_the_decoder_and_the_output():
    for attention in ("additive", "dot"):
        found = shapes(label_size=0, attention=attention, **ENCODER)
        assert found["output.weight"] == (7, 4 + 10) and found["decoder.weight_ih_l0"] == (12, 2 + 10)
    assert found["attention.key"] == (4, 10)
    found = shapes(attention="additive", **ENCODER)
    names = ("attention.query", "attention.key", "attention.vector")
    assert [found[name] for name in names] == [(6, 4), (6, 10), (6,)]


def test_tensor_names_are_those_of_torch():
    torch = pytest.importorskip("torch")
    layers = torch.nn.LSTM(3, 5, 2, bidirectional=True)
    found = {name: shape for name, shape in shapes(**ENCODER).items() if name.startswith("encoder.")}
    assert found == {f"encoder.{name}": tuple(tensor.shape) for name, tensor in layers.named_parameters()}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "none"}, "cell must be one of elman, rnn, gru, lstm; got 'none'"),
        ({"attention": "dot"}, "attention dot needs an encoder_cell"),
        ({"attention": "loud"}, "attention must be one of none, additive, dot; got 'loud'"),
        ({"hidden_size": 0}, "hidden_size must be a whole number from 1 to 8192; got 0"),
        ({"layers": 65}, "layers must be a whole number from 1 to 64; got 65"),
        ({"encoder_directions": 3}, "encoder_directions must be a whole number from 1 to 2; got 3"),
        ({"label_size": -1}, "label_size must be a whole number from 0 to 8192; got -1"),
        ({"dropout": 1}, "dropout must be at least 0 and below 1; got 1"),
        ({"fused": 1}, "fused must be true or false; got 1"),
    ],
)
def test_an_invalid_value_is_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        WriterConfig(**settings)
