"""The picture of what is confused: the whole matrix, or the labels that are confused most."""

import numpy as np
import pytest
from matplotlib import colors

from elman.evaluation.confusions import (
    MOST_LABELS,
    MOST_PAIRS,
    choose_confused,
    count_answers,
    order_by_confusion,
    plot_confusion,
)
from elman.evaluation.figures import LONGEST_LABEL, SECOND, save_figure

#                 0 is answered as 1 three times, 1 as 0 once; 4 as 5 twice; 2 as 3 once; 6 is always right
TRUTH = np.array([0, 0, 0, 0, 1, 1, 4, 4, 5, 2, 3, 6, 6, 6, 6, 6, 6, 6])
ANSWERS = np.array([1, 1, 1, 0, 0, 1, 5, 5, 5, 3, 3, 6, 6, 6, 6, 6, 6, 6])


def test_the_labels_of_the_most_frequent_confusions_come_first():
    assert choose_confused(ANSWERS, TRUTH).tolist() == [0, 1, 4, 5, 2, 3, 6]
    assert choose_confused(ANSWERS, TRUTH, most=4).tolist() == [0, 1, 4, 5]


def test_without_a_mistake_the_most_frequent_labels_are_chosen():
    assert choose_confused(TRUTH, TRUTH, most=2).tolist() == [6, 0]


def test_answers_that_are_not_shown_are_in_the_last_column():
    counts = count_answers(ANSWERS, TRUTH, np.array([0, 4]))
    assert counts.tolist() == [[1, 0, 3], [0, 0, 2]]
    assert count_answers(ANSWERS, TRUTH, np.arange(7))[:, -1].sum() == 0


def test_labels_that_are_confused_are_neighbours():
    order = order_by_confusion(ANSWERS, TRUTH, np.array([0, 4, 2, 1, 5, 3, 6])).tolist()
    assert sorted(order) == [0, 1, 2, 3, 4, 5, 6]
    assert all(abs(order.index(one) - order.index(other)) == 1 for one, other in ((0, 1), (4, 5), (2, 3)))


def make_answers(labels: int, examples: int = 600):
    """Return probabilities and truths: each label is confused with the next one in a third of its examples."""
    random = np.random.default_rng(0)
    truth = random.integers(0, labels, examples)
    answers = np.where(random.random(examples) < 0.3, (truth + 1) % labels, truth)
    probabilities = np.full((examples, labels), 0.1 / labels)
    probabilities[np.arange(examples), answers] += 0.9
    return probabilities, truth


@pytest.mark.parametrize("labels", [2, MOST_LABELS, MOST_LABELS + 1, 10_000])
def test_the_picture_is_bounded_whatever_the_number_of_labels(tmp_path, labels):
    probabilities, truth = make_answers(labels)
    figure = plot_confusion(probabilities, truth, [f"label {number}" for number in range(labels)])
    width, height = figure.get_size_inches()
    assert width <= 25 and height <= 16
    matrix = figure.axes[0].images[0].get_array()
    shown = min(labels, MOST_LABELS)
    assert matrix.shape == (shown, shown + (labels > MOST_LABELS))
    assert ((abs(matrix.sum(axis=1) - 100) < 1e-9) | (matrix.sum(axis=1) == 0)).all()
    if labels in (2, 10_000):
        save_figure(figure, tmp_path / "confusion.png", dots_per_inch=30)


def test_many_labels_have_the_pairs_that_are_confused_most_beside_the_matrix():
    probabilities, truth = make_answers(172)
    _, bars = plot_confusion(probabilities, truth, [f"label {number}" for number in range(172)]).axes
    lengths = [bar.get_width() for bar in bars.patches]
    assert len(lengths) == MOST_PAIRS and lengths == sorted(lengths, reverse=True)
    assert colors.same_color(bars.patches[0].get_facecolor(), SECOND)
    one, other = bars.get_yticklabels()[0].get_text().removeprefix("label ").split(" → label ")
    assert int(other) == (int(one) + 1) % 172


def test_many_labels_without_a_mistake_can_be_drawn(tmp_path):
    truth = np.arange(40)
    save_figure(plot_confusion(np.eye(40), truth, [str(label) for label in truth]), tmp_path / "right.png")


def test_long_names_and_other_scripts_are_drawn(tmp_path):
    names = ["the United Kingdom of Great Britain", "עברית", "العربية", "日本語", "हिन्दी", "$x$ and _y_", "two\nlines"]
    figure = plot_confusion(np.eye(7), np.arange(7), names)
    shown = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert max(map(len, shown)) <= LONGEST_LABEL
    assert {*names[1:5], "$x$ and _y_", "two lines"} < set(shown)
    save_figure(figure, tmp_path / "names.png", dots_per_inch=40)
