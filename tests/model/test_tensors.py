"""One module spells the names of tensors; the model file, the network and the scorers use the same."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from elman.model.config import ModelConfig
from elman.model.tensors import StepInputs, count_symbols, dtype_of, name_layer
from elman.training.network import SequenceModel

ROOT = Path(__file__).parents[2]
SPELLED = re.compile(
    r"\b(?:embedding|ngrams|head|bag)\.(?:weight|bias|codes)\b|\brecurrence\.\w|(?:weight|bias)_[ih]h\b|_reverse\b"
)
# Parameters of torch modules, without a prefix.
OWN_ATTRIBUTES = ("elman/cells/", *(f"elman/training/{name}.py" for name in ("network", "decoder", "transducer")))
WHOLE = ModelConfig(hidden_size=3, embedding_size=2, ngram_buckets=5, layers=2)


def literals(source: str) -> list[str]:
    """Return the strings of a Python file that are no docstrings."""
    tree = ast.parse(source)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in alone]
    return [node.value for node in constants if isinstance(node.value, str)]


def test_the_names_of_the_model_file_stay_as_they_are():
    assert list(WHOLE.tensor_shapes(symbols=4, labels=6, bag=7)) == [
        "embedding.weight",
        "ngrams.weight",
        "bag.codes",
        "bag.weight",
        *(
            f"recurrence.{name}_{suffix}"
            for suffix in ("l0", "l0_reverse", "l1", "l1_reverse")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ),
        "head.weight",
        "head.bias",
    ]


def test_the_parameters_of_the_network_have_the_names_shapes_and_types_of_the_tensors():
    state = SequenceModel(WHOLE, symbols=4, labels=6, inventory=np.arange(7)).state_dict()
    assert {name: tuple(t.shape) for name, t in state.items()} == WHOLE.tensor_shapes(symbols=4, labels=6, bag=7)
    assert [str(tensor.numpy().dtype) for tensor in state.values()] == [dtype_of(name) for name in state]


def test_the_search_finds_names_in_strings_and_skips_docstrings():
    source = (
        'def f(t):\n    """Reads head.weight."""\n    g(t["head.bias"], f"recurrence.bias_ih_{s}", "no recurrence.")'
    )
    assert sorted(filter(SPELLED.search, literals(source))) == ["head.bias", "recurrence.bias_ih_"]


@pytest.mark.parametrize(
    "path",
    [path for folder in ("elman", "benchmarks", "release") for path in sorted((ROOT / folder).rglob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_other_module_spells_the_name_of_a_tensor(path: Path):
    place = path.relative_to(ROOT).as_posix()
    if place == "elman/model/tensors.py":
        return
    spelled = [text for text in literals(path.read_text("utf-8")) if SPELLED.search(text)]
    if place.startswith(OWN_ATTRIBUTES):
        spelled = [text for text in spelled if "." in text]
    assert spelled == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"embedding_size": 0, "ngram_orders": ()},
        {"embedding_size": 0, "ngram_orders": (), "bag_orders": (), "cell": "none"},
        {"cell": "none"},
    ],
    ids=str,
)
def test_the_number_of_symbols_is_found_in_the_tensors(changes):
    shapes = ModelConfig(hidden_size=3, **changes).tensor_shapes(symbols=9, labels=6, bag=7)
    assert count_symbols({name: np.empty(shape) for name, shape in shapes.items()}) == 9


@pytest.mark.parametrize(
    ("inputs", "symbols", "embedded", "size", "tables"),
    [
        (StepInputs(0, 9, 4, (2,), 5), True, True, 4, {"embedding.weight": (9, 4), "ngrams.weight": (5, 4)}),
        (StepInputs(0, 9, 4, (), 5), True, True, 4, {"embedding.weight": (9, 4)}),
        (StepInputs(0, 9, 0, (), 5), True, False, 9, {}),
        (StepInputs(3, 9, 4, (), 5), False, False, 3, {}),
    ],
)
def test_a_step_is_numbers_or_a_symbol_and_has_the_tables_that_it_needs(inputs, symbols, embedded, size, tables):
    assert (inputs.are_symbols, inputs.are_embedded, inputs.size) == (symbols, embedded, size)
    assert inputs.shapes == tables


def test_the_names_of_a_layer_are_those_of_torch_with_a_prefix():
    assert name_layer(2, 0) == tuple(f"recurrence.{n}_l2" for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    assert name_layer(0, 1).bias_hh == "recurrence.bias_hh_l0_reverse"
