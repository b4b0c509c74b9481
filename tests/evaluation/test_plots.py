"""Pictures: each draws what it is given and becomes a PNG file."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from elman.evaluation.plots import (
    plot_answers,
    plot_confusion,
    plot_curves,
    plot_explanation,
    plot_mistakes,
    plot_network,
    plot_reliability,
    save_figure,
)
from elman.model.config import CELLS, ModelConfig
from elman.prediction.explanation import Explanation, explain
from elman.records import EpochResult
from elman.training.recipes import BARE, RECIPES

NAMES = ("Alfa", "Beta", "Gamma")
TRUTH = np.array([0, 0, 0, 1, 1, 2])
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.3, 0.5, 0.2], [0.2, 0.7, 0.1], [0.1, 0.9, 0.0], [0.5, 0.2, 0.3]]
)


def history(*, best: int = 2) -> list[EpochResult]:
    return [EpochResult(k, 1 / k, 1 - 0.5 / k, 1.2 / k, 1 - 0.6 / k, 0.01, 0.1, k <= best) for k in (1, 2, 3)]


def pictures() -> dict[str, Figure]:
    return {
        "curves": plot_curves(history()),
        "confusion": plot_confusion(PROBABILITIES, TRUTH, NAMES),
        "reliability": plot_reliability(PROBABILITIES, PROBABILITIES, TRUTH),
    }


@pytest.mark.parametrize("name", ["curves", "confusion", "reliability"])
def test_every_figure_becomes_a_picture(tmp_path, name):
    save_figure(pictures()[name], tmp_path / "new" / f"{name}.png", dots_per_inch=50)
    content = (tmp_path / "new" / f"{name}.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    assert len(content) > 2000


def test_the_resolution_is_as_asked(tmp_path):
    for dots in (40, 80):
        save_figure(plot_reliability(PROBABILITIES, PROBABILITIES, TRUTH), tmp_path / "r.png", dots_per_inch=dots)
        header = (tmp_path / "r.png").read_bytes()[16:24]
        assert int.from_bytes(header[:4], "big") == round(4.8 * dots)


def test_curves_show_loss_and_accuracy_by_epoch():
    loss, accuracy = plot_curves(history()).axes
    assert loss.get_title().startswith("Loss (nats")
    assert accuracy.get_title() == "Accuracy (%)"
    assert loss.get_xlabel() == accuracy.get_xlabel() == "epoch"
    training, validation, *_ = loss.get_lines()
    assert training.get_xydata().tolist() == [[k, 1 / k] for k in (1, 2, 3)]
    assert validation.get_ydata().tolist() == [1.2, 0.6, pytest.approx(0.4)]
    assert accuracy.get_lines()[0].get_ydata().tolist() == [50.0, 75.0, pytest.approx(100 * (1 - 0.5 / 3))]


def test_curves_mark_the_epoch_that_was_kept():
    _, accuracy = plot_curves(history(best=2)).axes
    assert "kept: epoch 2" in [text.get_text() for text in accuracy.get_legend().get_texts()]


def test_curves_of_a_single_epoch_can_be_drawn(tmp_path):
    save_figure(plot_curves(history()[:1]), tmp_path / "one.png", dots_per_inch=40)
    assert (tmp_path / "one.png").stat().st_size > 2000


def test_the_confusion_matrix_names_its_axes_labels_and_examples():
    axes = plot_confusion(PROBABILITIES, TRUTH, NAMES).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("answered", "true label (examples)")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(NAMES)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["Alfa (3)", "Beta (2)", "Gamma (1)"]


def test_the_confusion_matrix_shows_shares_of_the_true_label():
    axes = plot_confusion(PROBABILITIES, TRUTH, NAMES).axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[200 / 3, 100 / 3, 0], [0, 100, 0], [100, 0, 0]])
    written = {(text.get_position(), text.get_text()) for text in axes.texts}
    assert written == {((0, 0), "67"), ((1, 0), "33"), ((1, 1), "100"), ((0, 2), "100")}


def test_a_label_without_examples_has_an_empty_row():
    axes = plot_confusion(PROBABILITIES, np.zeros(6, int), NAMES).axes[0]
    assert axes.images[0].get_array()[1:].sum() == 0


def test_reliability_names_its_axes_and_both_errors():
    certain = np.eye(3)[[0, 0, 1, 1, 1, 0]]  # sure each time and right in four of six
    axes = plot_reliability(certain, PROBABILITIES, TRUTH).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("probability of the answer", "share that is right")
    said = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "before: calibration error 0.333" in said
    assert any(text.startswith("after: calibration error 0.") for text in said)


def test_drawing_needs_neither_pyplot_nor_a_display(python_process):
    code = "import sys, elman.evaluation.plots; print('matplotlib.pyplot' in sys.modules)"
    assert python_process(code) == "False\n"


# Curves of other answers


def test_curves_of_a_number_have_one_panel_of_squared_errors():
    past = [replace(result, accuracy=None, validation_accuracy=None) for result in history()]
    (loss,) = plot_curves(past).axes
    assert loss.get_title() == "Loss (squared error, standardised)"
    assert loss.get_lines()[0].get_ydata().tolist() == [1, 1 / 2, 1 / 3]


def test_the_kept_epoch_may_be_another_than_the_best():
    _, accuracy = plot_curves(history(best=1), kept=3).axes
    assert "kept: epoch 3" in [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert accuracy.get_lines()[-1].get_xdata() == [3, 3]


# Answers


def test_answers_stand_beside_the_truth():
    axes = plot_answers(np.array([1.5, 2.0, 9.0]), np.array([1.0, 2.0, 3.0]), "rent in $").axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[1, 1.5], [2, 2], [3, 9]]
    assert axes.get_lines()[0].get_xdata().tolist() == [1, 9]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("rent in $, true", "rent in $, answered")


def test_a_single_answer_can_be_drawn(tmp_path):
    save_figure(plot_answers(np.array([1.0], np.float32), np.array([1.0]), "$x$_{"), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 2000


# Mistakes


def mistakes(count, *, wrong):
    """Return pictures of one grey each, and answers of which ``wrong`` are wrong, the last the surest."""
    images = np.arange(count, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    sure = np.linspace(0.6, 0.9, count)
    truth = np.where(np.arange(count) < count - wrong, 0, 1)
    return images, np.stack([sure, 1 - sure], axis=1), truth


def test_the_surest_mistakes_come_first():
    figure = plot_mistakes(*mistakes(10, wrong=3), ("no", "$\\q$"))
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.images[0].get_array()[0, 0] for axes in shown] == [9, 8, 7]
    assert [axes.get_title() for axes in shown] == ["no ($\\q$) 90%", "no ($\\q$) 87%", "no ($\\q$) 83%"]
    assert "3 mistakes among 10" in figure.get_suptitle()


@pytest.mark.parametrize(("wrong", "shown"), [(0, 0), (9, 9), (40, 24)])
def test_no_more_mistakes_are_drawn_than_there_are_and_fit(tmp_path, wrong, shown):
    figure = plot_mistakes(*mistakes(40, wrong=wrong), ("no", "yes"))
    assert sum(bool(axes.images) for axes in figure.axes) == shown
    assert f"{wrong} mistakes among 40" in figure.get_suptitle()
    save_figure(figure, tmp_path / "m.png", dots_per_inch=15)


# Explanations


def test_an_explanation_shows_both_ways_and_the_evidence(predictor):
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


def test_names_and_labels_that_look_like_mathematics_are_drawn_as_they_are(tmp_path):
    label, step = "a$\\q$", {"a$\\q$": 0.75, "b": 0.25}
    explanation = Explanation("$\\q$", "$q", label, 0.75, (label, "b"), (step, step), (step, step), (0.1, -0.1), "m")
    save_figure(plot_explanation(explanation), tmp_path / "e.png", dots_per_inch=40)
    assert (tmp_path / "e.png").exists()


# Networks

SYMBOLS, ANSWERS = 9, 3


def said(config, *, labels=ANSWERS, steps="hello", file=None):
    """Return all that a drawn network says; drawing it must not warn."""
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
        said(config, file=tmp_path / "n.png" if layers > 1 else None),
        config.tensor_shapes(symbols=SYMBOLS, labels=ANSWERS),
    )
    for layer in range(layers):
        for way, suffix in (("forwards", ""), ("backwards", "_reverse"))[:directions]:
            own = [shapes[f"recurrence.weight_{kind}_l{layer}{suffix}"] for kind in ("ih", "hh")]
            assert f"{cell}, layer {layer + 1}, {way}: W_ih {own[0]}  W_hh {own[1]} → (T, 6)" in words
    answer = f"({ANSWERS},) logits" if readout == "last" else f"(T, {ANSWERS}) logits"
    assert f"head {shapes['head.weight']} → {answer}" in words


def test_a_drawn_network_has_a_box_for_each_step_and_state():
    figure = plot_network(replace(BARE, cell="gru", layers=2, readout="each"), symbols=SYMBOLS, labels=ANSWERS)
    boxes = [text.get_text() for text in figure.axes[0].texts if text.get_bbox_patch() is not None]
    assert (boxes.count("h"), boxes.count("y")) == (1 + 2 * 5, 5)  # the h of hello is the one more
    assert [letter for letter in boxes if letter not in "hy"] == list("ello")


def test_the_default_network_shows_its_embedding_and_n_grams(tmp_path):
    words = said(ModelConfig(), file=tmp_path / "n.png")
    assert f"embedding ({SYMBOLS}, 64) → (T, 64)" in words
    assert "+ hashed n-grams (2, 3, 4) (4096, 64)" in words
    assert f"+ bag of n-grams (1, 2, 3, 4) → ({ANSWERS},)" in words


def test_one_hot_symbols_and_numbers_are_told_apart(tmp_path):
    assert f"one-hot → (T, {SYMBOLS})" in said(BARE)
    numbers = said(replace(BARE, input_size=28), steps=["row 1", "…", "row 28"], file=tmp_path / "n.png")
    assert "input (T, 28) numbers" in numbers
    assert "one-hot" not in numbers


def test_a_network_without_a_head_says_that_its_output_is_the_answer(tmp_path):
    words = said(RECIPES["t3"].config.model, labels=4, file=tmp_path / "n.png")
    assert "no head: the output is (T, 4) logits" in words


def test_a_network_without_cells_is_a_head(tmp_path):
    config = replace(BARE, cell="none", input_size=2)
    words = said(config, labels=1, steps=["x"], file=tmp_path / "n.png")
    assert "head (1, 2) → a number" in words
    assert "layer" not in words


@pytest.mark.parametrize("name", RECIPES)
def test_the_network_of_every_recipe_is_drawn(name, tmp_path):
    assert "input" in said(RECIPES[name].config.model, labels=4, file=tmp_path / "n.png")


@pytest.mark.parametrize("steps", ["a", "a name that is long", ["$\\q$", ""]])
def test_any_steps_are_drawn_ten_at_most(tmp_path, steps):
    figure = plot_network(ModelConfig(), symbols=SYMBOLS, labels=ANSWERS, steps=steps)
    save_figure(figure, tmp_path / "n.png", dots_per_inch=30)
    boxes = [text for text in figure.axes[0].texts if text.get_bbox_patch() is not None and text.get_position()[1] == 0]
    assert len(boxes) == min(10, len(steps))
