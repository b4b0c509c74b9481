"""Pictures of a training and of scores: each shows its numbers and becomes a PNG file."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from elman.evaluation.confusions import plot_confusion
from elman.evaluation.figures import save_figure
from elman.evaluation.intervals import bound_share
from elman.evaluation.metrics import score_numbers
from elman.evaluation.plots import (
    draw_pictures,
    plot_answers,
    plot_curves,
    plot_mistakes,
    plot_reliability,
)
from elman.evaluation.scores import NumberEvaluation, evaluate_logits
from elman.reports import EpochResult
from elman.text.vocabulary import Labels

NAMES = ("Alfa", "Beta", "Gamma")
TRUTH = np.array([0, 0, 0, 1, 1, 2])
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.3, 0.5, 0.2], [0.2, 0.7, 0.1], [0.1, 0.9, 0.0], [0.5, 0.2, 0.3]]
)


def history(*, best: int = 2) -> list[EpochResult]:
    return [EpochResult(k, 1 / k, 1 - 0.5 / k, 1.2 / k, 1 - 0.6 / k, 0.01, 0.1, k <= best) for k in (1, 2, 3)]


def make_figures() -> dict[str, Figure]:
    return {
        "curves": plot_curves(history()),
        "confusion": plot_confusion(PROBABILITIES, TRUTH, NAMES),
        "reliability": plot_reliability(PROBABILITIES, PROBABILITIES, TRUTH),
    }


@pytest.mark.parametrize("name", ["curves", "confusion", "reliability"])
def test_every_figure_becomes_a_picture(tmp_path, name):
    save_figure(make_figures()[name], tmp_path / "new" / f"{name}.png", dots_per_inch=50)
    content = (tmp_path / "new" / f"{name}.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    assert len(content) > 2000


def test_the_resolution_can_be_set(tmp_path):
    for dots in (40, 80):
        save_figure(plot_reliability(PROBABILITIES, PROBABILITIES, TRUTH), tmp_path / "r.png", dots_per_inch=dots)
        header = (tmp_path / "r.png").read_bytes()[16:24]
        assert int.from_bytes(header[:4], "big") == round(5.2 * dots)


def test_curves_show_loss_and_accuracy_by_epoch():
    loss, accuracy = plot_curves(history()).axes
    assert loss.get_title(loc="left").startswith("Loss (nats")
    assert accuracy.get_title(loc="left") == "Accuracy (%)"
    assert loss.get_xlabel() == accuracy.get_xlabel() == "epoch"
    training, validation, *_ = loss.get_lines()
    assert training.get_xydata().tolist() == [[k, 1 / k] for k in (1, 2, 3)]
    assert validation.get_ydata().tolist() == [1.2, 0.6, pytest.approx(0.4)]
    assert accuracy.get_lines()[0].get_ydata().tolist() == [50.0, 75.0, pytest.approx(100 * (1 - 0.5 / 3))]


def test_curves_mark_the_epoch_that_was_kept():
    _, accuracy = plot_curves(history(best=2)).axes
    assert "kept: epoch 2" in [text.get_text() for text in accuracy.figure.legends[0].get_texts()]


def test_curves_of_a_single_epoch_can_be_drawn(tmp_path):
    save_figure(plot_curves(history()[:1]), tmp_path / "one.png", dots_per_inch=40)
    assert (tmp_path / "one.png").stat().st_size > 2000


def test_the_confusion_matrix_names_its_axes_labels_and_examples():
    axes = plot_confusion(PROBABILITIES, TRUTH, NAMES).axes[0]
    assert axes.get_xlabel().startswith("answered")
    assert axes.get_ylabel() == "true label (examples)"
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    assert names == ["Beta", "Alfa", "Gamma"]  # Gamma is always taken for Alfa
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["Beta (2)", "Alfa (3)", "Gamma (1)"]


def test_the_confusion_matrix_shows_counts_shaded_by_their_share_of_the_true_label():
    axes = plot_confusion(PROBABILITIES, TRUTH, NAMES).axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[100, 0, 0], [100 / 3, 200 / 3, 0], [0, 100, 0]])
    written = {(text.get_position(), text.get_text()) for text in axes.texts}
    assert written == {((0, 0), "2"), ((0, 1), "1"), ((1, 1), "2"), ((1, 2), "1")}
    right, nothing = (
        axes.images[1].get_array(),
        len(axes.figure.axes) == 1,
    )  # the colours of right answers; no colour bar
    assert (right[1, 1], bool(np.isnan(right.filled(np.nan)[1, 0])), nothing) == (pytest.approx(200 / 3), True, True)


def test_a_label_without_examples_has_an_empty_row():
    axes = plot_confusion(PROBABILITIES, np.zeros(6, int), NAMES).axes[0]
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert axes.images[0].get_array()[names.index("Gamma (0)")].sum() == 0


def test_reliability_names_its_axes_and_both_errors():
    certain = np.eye(3)[[0, 0, 1, 1, 1, 0]]  # always of probability 1, right in four of six
    axes, bars = plot_reliability(certain, PROBABILITIES, TRUTH).axes
    assert (bars.get_xlabel(), axes.get_ylabel()) == ("probability of the answer", "share that is right")
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "before: calibration error 0.333" in texts
    assert any(text.startswith("after: calibration error 0.") for text in texts)


def test_reliability_has_intervals_and_no_line_from_point_to_point():
    truth = np.array([0] * 30 + [1] * 12 + [0] * 3)
    sure = np.repeat([0.95, 0.65], [30, 15])
    probabilities = np.stack([sure, 1 - sure], axis=1)
    axes, bars = plot_reliability(probabilities, probabilities, truth).axes
    upright = [line for line in axes.get_lines() if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2]
    assert [line.get_ydata().tolist() for line in upright] == [
        pytest.approx(bound_share(*n)) for n in ((3, 15), (30, 30))
    ]
    assert all(line.get_linestyle() == "None" for line in axes.get_lines()[1:] if len(set(line.get_xdata())) > 1)
    assert [bar.get_height() for bar in bars.patches] == [15, 30]


def test_few_answers_are_pale():
    axes, _ = plot_reliability(PROBABILITIES, PROBABILITIES, TRUTH).axes
    assert "fewer than 10 answers" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_curves_name_dropout_only_where_there_is_some_and_have_marks():
    for drops, name in ((True, "training (with dropout)"), (False, "training")):
        figure = plot_curves(history(), drops=drops, marks={"baseline, validation": 0.8, "ceiling": 0.975})
        names = [text.get_text() for text in figure.legends[0].get_texts()]
        assert names == [name, "validation", "kept: epoch 2", "baseline, validation: 80.0%", "ceiling: 97.5%"]
    heights = [line.get_ydata()[0] for line in figure.axes[1].get_lines()[-2:]]
    assert heights == [80, 97.5]


def test_drawing_needs_neither_pyplot_nor_a_display(python_process):
    code = "import sys, elman.evaluation.plots; print('matplotlib.pyplot' in sys.modules)"
    assert python_process(code) == "False\n"


def test_a_run_that_learned_all_by_heart_has_one_curve():
    loss, accuracy = plot_curves(history(), by_heart=True).axes
    assert (loss.get_title(loc="left"), loss.get_ylabel(), accuracy.get_ylabel()) == ("Loss (nats)", "nats", "per cent")
    names = [text.get_text() for text in accuracy.figure.legends[0].get_texts()]
    assert names == ["all examples, learned by heart; after each epoch", "kept: epoch 2"]
    past = history()  # the one curve ends at the figures of the report, which are measured after the epoch
    assert loss.get_lines()[0].get_ydata().tolist() == [result.validation_loss for result in past]
    shares = [100 * result.validation_accuracy for result in past]
    assert accuracy.get_lines()[0].get_ydata().tolist() == pytest.approx(shares)


# Curves of other answers


def test_curves_of_a_number_have_one_panel_of_squared_errors():
    past = [replace(result, accuracy=None, validation_accuracy=None) for result in history()]
    (loss,) = plot_curves(past).axes
    assert loss.get_title(loc="left") == "Loss (squared error, standardised)"
    assert loss.get_lines()[0].get_ydata().tolist() == [1, 1 / 2, 1 / 3]


def test_the_kept_epoch_may_be_another_than_the_best():
    _, accuracy = plot_curves(history(best=1), kept=3).axes
    assert "kept: epoch 3" in [text.get_text() for text in accuracy.figure.legends[0].get_texts()]
    assert accuracy.get_lines()[-1].get_xdata() == [3, 3]


# Answers


def test_answers_are_drawn_over_the_truth():
    axes = plot_answers(np.array([1.5, 2.0, 9.0]), np.array([1.0, 2.0, 3.0]), "rent in $").axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[1, 1.5], [2, 2], [3, 9]]
    assert axes.get_lines()[0].get_xdata().tolist() == [1, 9]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("rent in $, true", "rent in $, answered")


def test_a_single_answer_can_be_drawn(tmp_path):
    save_figure(plot_answers(np.array([1.0], np.float32), np.array([1.0]), "$x$_{"), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 2000


# Mistakes


def make_mistakes(count, *, wrong):
    """Return images of one grey each, and answers of rising probability; the last ``wrong`` of them are wrong."""
    images = np.arange(count, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    sure = np.linspace(0.6, 0.9, count)
    truth = np.where(np.arange(count) < count - wrong, 0, 1)
    return images, np.stack([sure, 1 - sure], axis=1), truth


def test_mistakes_of_the_highest_probability_come_first():
    figure = plot_mistakes(*make_mistakes(10, wrong=3), ("no", "$\\q$"))
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.images[0].get_array()[0, 0] for axes in shown] == [9, 8, 7]
    assert [axes.get_title() for axes in shown] == ["no ($\\q$) 90%", "no ($\\q$) 87%", "no ($\\q$) 83%"]
    assert "3 mistakes among 10" in figure.get_suptitle()


@pytest.mark.parametrize(("wrong", "shown"), [(0, 0), (9, 9), (40, 24)])
def test_at_most_24_mistakes_are_drawn(tmp_path, wrong, shown):
    figure = plot_mistakes(*make_mistakes(40, wrong=wrong), ("no", "yes"))
    assert sum(bool(axes.images) for axes in figure.axes) == shown
    assert f"{wrong} mistakes among 40" in figure.get_suptitle()
    save_figure(figure, tmp_path / "m.png", dots_per_inch=15)


# The pictures of an evaluation

LABELS = Labels(NAMES)


def test_labels_have_a_confusion_matrix_and_a_reliability_diagram():
    evaluation = evaluate_logits(np.log(PROBABILITIES + 1e-9).astype(np.float32), TRUTH, LABELS, 1.0)
    pictures = draw_pictures(evaluation)
    assert {file: picture.title for file, picture in pictures.items()} == {
        "confusion.png": "Confusion matrix of the test part",
        "reliability.png": "Reliability of the test part",
        "abstention.png": "Accuracy on the test part by the share answered",
    }
    shown = [tick.get_text() for tick in pictures["confusion.png"].figure.axes[0].get_xticklabels()]
    assert sorted(shown) == sorted(NAMES)


def test_images_have_a_picture_of_their_mistakes_too():
    images = np.zeros((6, 4, 4), np.uint8)
    evaluation = evaluate_logits(np.log(PROBABILITIES + 1e-9).astype(np.float32), TRUTH, LABELS, 1.0, images=images)
    picture = draw_pictures(evaluation)["mistakes.png"]
    assert "2 mistakes among 6" in picture.figure.get_suptitle()


def test_numbers_are_drawn_over_the_truth():
    answers, truth = np.array([1.0, 2.0]), np.array([1.0, 3.0])
    (picture,) = draw_pictures(NumberEvaluation(score_numbers(answers, truth), answers, truth, "rent")).values()
    assert picture.figure.axes[0].get_xlabel() == "rent, true"


def test_no_evaluation_has_no_pictures():
    assert draw_pictures(None) == {}


def test_curves_say_that_the_validation_loss_is_calibrated_only_if_it_is():
    titles = [plot_curves(history(), is_calibrated=one).axes[0].get_title(loc="left") for one in (True, False)]
    assert titles == ["Loss (nats; validation: calibrated)", "Loss (nats)"]
