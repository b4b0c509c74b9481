"""Drawings of a model: each shows its numbers and becomes a PNG file."""

from dataclasses import replace

import numpy as np
import pytest

from elman.evaluation.drawings import plot_explanation, plot_network
from elman.evaluation.figures import save_figure
from elman.model.config import CELLS, ModelConfig
from elman.prediction.explanation import Explanation, explain
from elman.training.recipes import BARE, RECIPES

# Explanations


def test_an_explanation_shows_both_directions_and_the_evidence(predictor):
    explanation = explain(predictor, "abcdm")
    forwards, backwards, bars = plot_explanation(explanation).axes[:3]
    expected = [[100 * step[label] for step in explanation.forwards] for label in explanation.shown]
    np.testing.assert_allclose(forwards.images[0].get_array(), expected)
    assert [bar.get_height() for bar in bars.patches] == pytest.approx(explanation.evidence)
    for axes in (forwards, backwards, bars):
        assert [tick.get_text() for tick in axes.get_xticklabels()] == list("abcdm")
    assert [tick.get_text() for tick in backwards.get_yticklabels()] == list(explanation.shown)


@pytest.mark.parametrize("name", ["a", "abcde" * 12, "ab cd", "кабан"])
def test_an_explanation_of_any_name_becomes_a_picture(predictor, tmp_path, name):
    save_figure(plot_explanation(explain(predictor, name)), tmp_path / "e.png", dots_per_inch=40)
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")


def test_names_and_labels_that_look_like_mathematics_are_drawn_unchanged(tmp_path):
    label, step = "a$\\q$", {"a$\\q$": 0.75, "b": 0.25}
    explanation = Explanation("$\\q$", "$q", label, 0.75, (label, "b"), (step, step), (step, step), (0.1, -0.1), "m")
    save_figure(plot_explanation(explanation), tmp_path / "e.png", dots_per_inch=40)
    assert (tmp_path / "e.png").exists()


# Networks

SYMBOLS, ANSWERS = 9, 3


def read_texts(config, *, labels=ANSWERS, steps="hello", file=None):
    """Return all texts of a drawn network; drawing it must not warn."""
    figure = plot_network(config, symbols=SYMBOLS, labels=labels, steps=steps)
    if file is not None:
        save_figure(figure, file, dots_per_inch=15)
    return " | ".join(text.get_text() for text in figure.axes[0].texts)


@pytest.mark.parametrize("readout", ["last", "each"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_a_drawn_network_names_the_shapes_of_its_weights(cell, directions, layers, readout, tmp_path):
    config = replace(BARE, cell=cell, directions=directions, layers=layers, readout=readout, hidden_size=6)
    words, shapes = (
        read_texts(config, file=tmp_path / "n.png" if layers > 1 else None),
        config.tensor_shapes(symbols=SYMBOLS, labels=ANSWERS),
    )
    for layer in range(layers):
        for direction, suffix in (("forwards", ""), ("backwards", "_reverse"))[:directions]:
            own = [shapes[f"recurrence.weight_{kind}_l{layer}{suffix}"] for kind in ("ih", "hh")]
            assert f"{cell}, layer {layer + 1}, {direction} → (T, 6)\nW_ih {own[0]}, W_hh {own[1]}" in words
    answer = f"({ANSWERS},) logits" if readout == "last" else f"(T, {ANSWERS}) logits"
    assert f"head {shapes['head.weight']} → {answer}" in words


def test_a_drawn_network_has_a_box_for_each_step_and_state():
    figure = plot_network(replace(BARE, cell="gru", layers=2, readout="each"), symbols=SYMBOLS, labels=ANSWERS)
    boxes = [text.get_text() for text in figure.axes[0].texts if text.get_bbox_patch() is not None]
    assert (boxes.count("h"), boxes.count("y")) == (1 + 2 * 5, 5)  # and the h of hello
    assert [letter for letter in boxes if letter not in "hy"] == list("ello")


def test_the_default_network_shows_its_embedding_and_n_grams(tmp_path):
    words = read_texts(ModelConfig(), file=tmp_path / "n.png")
    assert f"embedding ({SYMBOLS}, 64) → (T, 64)" in words
    assert "+ hashed n-grams (2, 3, 4) (4096, 64)" in words
    assert f"+ bag of n-grams (1, 2, 3, 4) → ({ANSWERS},)" in words


def test_one_hot_symbols_and_numbers_have_different_notes(tmp_path):
    assert f"one-hot → (T, {SYMBOLS})" in read_texts(BARE)
    numbers = read_texts(replace(BARE, input_size=28), steps=["row 1", "…", "row 28"], file=tmp_path / "n.png")
    assert "input (T, 28) numbers" in numbers
    assert "one-hot" not in numbers


def test_the_output_of_a_network_without_a_head_is_the_answer(tmp_path):
    words = read_texts(RECIPES["t3"].config.model, labels=4, file=tmp_path / "n.png")
    assert "no head: the output is (T, 4) logits" in words


def test_a_network_without_cells_is_a_head(tmp_path):
    config = replace(BARE, cell="none", input_size=2)
    words = read_texts(config, labels=1, steps=["x"], file=tmp_path / "n.png")
    assert "head (1, 2) → a number" in words
    assert "layer" not in words


@pytest.mark.parametrize("name", RECIPES)
def test_the_network_of_every_recipe_is_drawn(name, tmp_path):
    assert "input" in read_texts(RECIPES[name].config.model, labels=4, file=tmp_path / "n.png")


@pytest.mark.parametrize("steps", ["a", "a name that is long", ["$\\q$", ""]])
def test_at_most_ten_steps_are_drawn(tmp_path, steps):
    figure = plot_network(ModelConfig(), symbols=SYMBOLS, labels=ANSWERS, steps=steps)
    save_figure(figure, tmp_path / "n.png", dots_per_inch=30)
    boxes = [text for text in figure.axes[0].texts if text.get_bbox_patch() is not None and text.get_position()[1] == 0]
    assert len(boxes) == min(10, len(steps))
