"""Pictures of a training and of scores. Each function returns a figure; `figures.save_figure` writes it.

matplotlib is imported here and in the other modules of pictures only: `figures`, `confusions` and `drawings`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from elman.checks import count_of
from elman.evaluation.confusions import plot_confusion
from elman.evaluation.figures import FAINT, FIRST, INK, QUIET, SANS, SECOND, SERIF, SHEET, dress, make_figure, shorten
from elman.evaluation.intervals import bound_share
from elman.evaluation.metrics import LabelIds, Probabilities, calibration_error, curve_of_coverage, reliability
from elman.evaluation.scores import Evaluation, NumberEvaluation
from elman.reports import EpochResult


@dataclass(frozen=True)
class Picture:
    """A figure with a title.

    Args:
        title: what it shows.
        figure: the figure.
    """

    title: str
    figure: Figure


def draw_pictures(
    evaluation: Evaluation | NumberEvaluation | None, *, part: str = "the test part"
) -> dict[str, Picture]:
    """Draw the pictures of an evaluation.

    Args:
        evaluation: what to draw; None has no pictures.
        part: what was measured, in words.

    Returns:
        The pictures by file name; empty if the model answers no example.
    """
    if evaluation is not None and len(evaluation.truth) == 0:
        return {}
    match evaluation:
        case Evaluation():
            return _draw_answered_labels(evaluation, part)
        case NumberEvaluation(answers=answers, truth=truth, name=name):
            return {"answers.png": Picture(f"Answers beside the truth, {part}", plot_answers(answers, truth, name))}
        case None:
            return {}


def _draw_answered_labels(evaluation: Evaluation, part: str) -> dict[str, Picture]:
    probabilities, truth, labels = evaluation.probabilities, evaluation.truth, evaluation.labels
    confused = plot_confusion(probabilities, truth, labels)
    reliable = plot_reliability(evaluation.uncalibrated_probabilities, probabilities, truth)
    pictures = {
        "confusion.png": Picture(f"Confusion matrix of {part}", confused),
        "reliability.png": Picture(f"Reliability of {part}", reliable),
        "abstention.png": Picture(f"Accuracy on {part} by the share answered", plot_abstention(probabilities, truth)),
    }
    if evaluation.images is not None:
        mistakes = plot_mistakes(evaluation.images, probabilities, truth, labels)
        pictures["mistakes.png"] = Picture(f"The most confident mistakes on {part}", mistakes)
    return pictures


def plot_abstention(probabilities: Probabilities, truth: LabelIds) -> Figure:
    """Draw the accuracy of the surest answers by the share of examples that they are.

    Args:
        probabilities: (N, C).
        truth: label ids, (N,), N at least 1.
    """
    answered, limits, accuracy = curve_of_coverage(probabilities, truth)
    figure = make_figure(6.4, 4.4)
    axes = figure.subplots()
    axes.plot(100 * answered, 100 * accuracy, color=FIRST)
    axes.axhline(100 * accuracy[-1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
    for limit in (0.5, 0.9):
        place = int((limits >= limit).sum()) - 1
        if 0 <= place < len(answered) - 1:
            axes.plot(100 * answered[place], 100 * accuracy[place], "o", color=SECOND)
            axes.annotate(
                f"abstain below {limit:g}",
                (100 * answered[place], 100 * accuracy[place]),
                xytext=(7, 5),
                textcoords="offset points",
                fontsize=8.5,
                color=QUIET,
                fontfamily=SANS,
            )
    axes.set_xlim(0, 100)
    axes.set_xlabel("answered, surest first (%)")
    axes.set_ylabel("right among the answers (%)")
    dress(axes, f"Mean {100 * accuracy.mean():.1f} %; all answered {100 * accuracy[-1]:.1f} %")
    return figure


def plot_curves(
    history: Sequence[EpochResult],
    kept: int | None = None,
    *,
    by_heart: bool = False,
    drops: bool = False,
    is_calibrated: bool = True,
    marks: Mapping[str, float] | None = None,
) -> Figure:
    """Draw loss and accuracy of both parts by epoch; a model that answers with a number has no accuracy.

    Args:
        history: the epochs.
        kept: the epoch that is marked as kept; the best if None.
        by_heart: nothing was kept back, so both parts are the same examples; there is one curve, of what was measured
            after each epoch, as the report is.
        drops: the training part was measured with dropout.
        is_calibrated: the validation loss was measured after calibration.
        marks: accuracies to compare with, between 0 and 1, by their names, such as that of a baseline.
    """
    known = all(result.accuracy is not None for result in history)
    figure = make_figure(10 if known else 5.2, 3.9)
    kept = kept or max((result.epoch for result in history if result.is_best), default=None)
    nats = "Loss (nats; validation: calibrated)" if is_calibrated and not by_heart else "Loss (nats)"
    loss = nats if known else "Loss (squared error, standardised)"
    panels = [(loss, [r.loss for r in history], [r.validation_loss for r in history])]
    if known:
        right = [100 * (result.accuracy or 0.0) for result in history]
        panels.append(("Accuracy (%)", right, [100 * (result.validation_accuracy or 0.0) for result in history]))
    names: tuple[str, ...] = (f"training{' (with dropout)' * drops}", "validation")
    if by_heart:
        names = ("all examples, learned by heart; after each epoch",)
        panels = [(title, after, after) for title, _, after in panels]
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, training, validation) in zip(all_axes, panels, strict=True):
        _draw_courses(axes, [result.epoch for result in history], names, (training, validation))
        if kept is not None:
            axes.axvline(kept, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1, label=f"kept: epoch {kept}")
        if title == "Accuracy (%)":
            _draw_marks(axes, marks or {})
        axes.set_xlabel("epoch")
        axes.set_ylabel("nats" if title == nats else "per cent" if title == "Accuracy (%)" else "squared error")
        axes.xaxis.get_major_locator().set_params(integer=True)
        dress(axes, title, grid="y")
    handles, labels = all_axes[-1].get_legend_handles_labels()
    legend = figure.legend(
        handles, labels, loc="outside lower left", ncols=min(3, len(labels)), frameon=False, fontsize=9
    )
    for text in legend.get_texts():
        text.set(color=INK, fontfamily=SANS)
    return figure


def _draw_courses(axes: Axes, epochs: Sequence[int], names: Sequence[str], values: Sequence[Sequence[float]]) -> None:
    """Draw one line for each name; few epochs are marked with points."""
    marker = "o" if len(epochs) <= 60 else None
    for name, course, colour, style in zip(names, values, (SECOND, FIRST), ((0, (4, 1.5)), "-"), strict=False):
        line = {"color": FIRST, "linestyle": "-"} if len(names) == 1 else {"color": colour, "linestyle": style}
        axes.plot([float(epoch) for epoch in epochs], course, marker=marker, markersize=3.5, label=name, **line)


def _draw_marks(axes: Axes, marks: Mapping[str, float]) -> None:
    """Draw accuracies to compare with as horizontal lines."""
    styles = (":", "-.", (0, (1, 3)))
    for (name, share), style in zip(marks.items(), styles, strict=False):
        axes.axhline(100 * share, color=QUIET, linewidth=1.2, linestyle=style, zorder=1, label=f"{name}: {share:.1%}")


FEWEST = 10
"""Answers in a group below which its share says little: it is drawn pale."""


def plot_reliability(before: Probabilities, after: Probabilities, truth: LabelIds) -> Figure:
    """Draw the share of answers that is right by their probability, before and after calibration.

    The shares after calibration have their intervals of 95 %; below are the numbers of answers.
    """
    figure = make_figure(5.2, 5.6)
    axes, bars = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)), label="perfectly calibrated")
    _, mean, share = reliability(before, truth)
    label = f"before: calibration error {calibration_error(before, truth):.3f}"
    axes.plot(mean, share, "o", color=SECOND, markerfacecolor=SHEET, markersize=5.5, label=label)
    count, mean, share = reliability(after, truth)
    label = f"after: calibration error {calibration_error(after, truth):.3f}, 95 % intervals"
    ends = np.array([bound_share(part * n, n) for part, n in zip(share.tolist(), count.tolist(), strict=True)])
    for place, is_sure in enumerate(count >= FEWEST):
        colour = FIRST if is_sure else FAINT
        axes.plot([mean[place]] * 2, ends[place], color=colour, linewidth=1.4, zorder=2)
        axes.plot(mean[place], share[place], "o", color=colour, markersize=6, zorder=3)
    axes.plot([], [], "o-", color=FIRST, markersize=6, label=label)
    if (count < FEWEST).any():
        axes.plot([], [], "o-", color=FAINT, markersize=6, label=f"fewer than {FEWEST} answers")
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), ylabel="share that is right")
    axes.legend(frameon=False, fontsize=8.5, loc="upper left")
    bars.bar(mean, count, width=0.04, color=FIRST)
    bars.set(xlabel="probability of the answer", ylabel="answers", yscale="log")
    dress(axes, "How often an answer is right")
    dress(bars, grid="y")
    return figure


def plot_answers(answers: NDArray[np.floating], truth: NDArray[np.float64], name: str) -> Figure:
    """Draw answered numbers beside the true ones, both (N,)."""
    figure = make_figure(4.8, 4.6)
    axes = figure.subplots()
    ends = [float(min(answers.min(), truth.min())), float(max(answers.max(), truth.max()))]
    axes.plot(ends, ends, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), label="exactly right")
    axes.scatter(truth, answers, s=10, color=FIRST, alpha=0.6, linewidths=0)
    axes.set_xlabel(f"{name}, true", parse_math=False)
    axes.set_ylabel(f"{name}, answered", parse_math=False)
    axes.legend(frameon=False, fontsize=8.5)
    dress(axes, "Answers beside the truth")
    return figure


def plot_mistakes(
    images: NDArray[np.uint8], probabilities: Probabilities, truth: LabelIds, labels: Sequence[str], *, most: int = 24
) -> Figure:
    """Draw the images whose wrong answers have the highest probability, highest first.

    Args:
        images: (N, rows, columns).
        probabilities: (N, C).
        truth: label ids, (N,).
        labels: the C names.
        most: draw at most so many.
    """
    answers, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(answers != truth)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    columns = 8
    rows = max(1, -(-len(shown) // columns))
    figure = make_figure(9, 1.45 * rows + 0.5)
    mistakes = count_of(len(wrong), "mistake")
    title = f"The most confident of {mistakes} among {len(truth):,}: answer (truth)"
    figure.suptitle(title, fontsize=11, fontfamily=SERIF, color=INK)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, position in zip(panels, shown, strict=False):
        axes.imshow(images[position], cmap="gray_r")
        answer, right = (shorten(labels[ids[position]]) for ids in (answers, truth))
        title = f"{answer} ({right}) {sure[position]:.0%}"
        axes.set_title(title, fontsize=8, fontfamily=SANS, color=INK, parse_math=False)
    return figure
