"""The decoder as a language model: its parameters, its three forms, and that it learns."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from elman.cells import Fused, Unrolled
from elman.model.writing import WriterConfig
from elman.training.decoder import LanguageModel


def build(**settings) -> LanguageModel:
    torch.manual_seed(2)
    config = WriterConfig(**{"hidden_size": 6, "embedding_size": 4, "label_size": 0, **settings})
    return LanguageModel(config, symbols=5, labels=3)


INPUTS = torch.tensor([[0, 2, 3], [0, 0, 0], [1, 4, 2], [3, 3, 1]])  # rows of labels, marks, and two symbols


@pytest.mark.parametrize("settings", [{}, {"label_size": 3}, {"cell": "lstm", "layers": 2}, {"cell": "elman"}])
def test_parameters_are_those_of_the_config(settings):
    model = build(**settings)
    shapes = model.config.tensor_shapes(symbols=5, labels=3)
    assert {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()} == shapes


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
@pytest.mark.parametrize("label_size", [0, 3])
def test_the_three_forms_of_a_cell_give_the_same_logits_and_gradients(cell, label_size):
    fused = build(cell=cell, label_size=label_size, label_dropout=0.0)
    others = [
        build(cell=cell, label_size=label_size, label_dropout=0.0, **form)
        for form in ({"by_hand": True}, {"fused": False})
    ]
    assert isinstance(fused.decoder, Fused) and type(others[0].decoder) is Unrolled
    for other in others:
        other.load_state_dict(fused.state_dict())
        logits = fused(INPUTS), other(INPUTS)
        assert torch.allclose(*logits, atol=1e-6)
        for one in logits:
            (one**2).sum().backward()
        for name, parameter in fused.named_parameters():
            assert torch.allclose(parameter.grad, other.get_parameter(name).grad, atol=1e-4), name
            parameter.grad = None


def test_a_label_changes_what_is_likely_and_a_hidden_one_does_not():
    model = build(label_size=3, label_dropout=0.0).eval()
    other = INPUTS.clone()
    other[0] = torch.tensor([1, 1, 1])
    assert not torch.allclose(model(INPUTS), model(other))
    hiding = build(label_size=3, label_dropout=0.999999)
    hiding.load_state_dict(model.state_dict())
    assert torch.allclose(hiding.train()(INPUTS), hiding(other))


def test_a_later_symbol_changes_no_earlier_logit():
    model, other = build(), INPUTS.clone()
    other[3] = torch.tensor([1, 2, 4])
    assert torch.allclose(model(INPUTS)[:2], model(other)[:2]) and not torch.allclose(model(INPUTS), model(other))


def test_a_few_strings_are_learned_by_heart():
    model = build(hidden_size=16, fused=False)
    optimiser = torch.optim.Adam(model.parameters(), 0.05)
    written = torch.tensor([[1, 4, 2], [3, 3, 1], [0, 0, 0]])
    for _ in range(60):
        loss = cross_entropy(model(INPUTS).flatten(0, 1), written.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.5  # three strings: ln 3 / 3 nats a symbol at best


def test_what_is_dropped_is_dropped_in_training_alone():
    model = build(dropout=0.5, input_dropout=0.5)
    assert not torch.allclose(model(INPUTS), model(INPUTS))
    model.eval()
    assert torch.allclose(model(INPUTS), model(INPUTS))
