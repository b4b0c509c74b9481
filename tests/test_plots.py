"""Pictures: each draws what it is given and becomes a PNG file."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from elman.plots import plot_confusion, plot_curves, plot_reliability, save_figure
from elman.records import EpochResult

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
    code = "import sys, elman.plots; print('matplotlib.pyplot' in sys.modules)"
    assert python_process(code) == "False\n"
