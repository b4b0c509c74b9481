"""The picture of shares: a panel for each group, a dot with its interval for each label."""

import pytest

from elman.evaluation.figures import save_figure
from elman.evaluation.shares import MOST_PANELS, plot_shares
from elman.shares.estimates import estimate_shares

NAMES = ["Nakamura", "Suzuki", "Rossi", "Bianchi"]


def test_dots_are_the_estimates_and_lines_their_intervals():
    report = estimate_shares(NAMES, ["a", "a", "a", "b"])
    axes = plot_shares(report).axes[0]
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    shares = [report.groups[0][label] for label in labels]
    assert axes.lines[0].get_xdata() == pytest.approx([100 * share.share for share in shares])
    ends = [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()]
    assert ends == [pytest.approx([100 * share.low, 100 * share.high]) for share in shares]
    assert axes.get_title() == "a (3 names)"


@pytest.mark.parametrize("groups", [1, 2, MOST_PANELS + 3])
def test_any_number_of_groups_becomes_a_picture(tmp_path, groups):
    report = estimate_shares(NAMES * groups, [f"$g_{number}" for number in range(groups) for _ in NAMES])
    figure = plot_shares(report)
    assert sum(axes.axison for axes in figure.axes) == min(groups, MOST_PANELS)
    save_figure(figure, tmp_path / "s.png", dots_per_inch=40)


def test_a_list_without_a_readable_name_becomes_an_empty_picture(tmp_path):
    save_figure(plot_shares(estimate_shares([None, "123"])), tmp_path / "s.png", dots_per_inch=40)
