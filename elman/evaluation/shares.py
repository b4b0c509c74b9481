"""Pictures of shares: one dot for each label, with its interval; a panel for each group."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from elman.checks import count_of
from elman.evaluation.figures import FAINT, FIRST, INK, SECOND, shorten
from elman.shares.report import GroupShares, ShareReport

MOST_PANELS, MOST_LABELS = 12, 15
"""The most groups and labels in a picture."""

SMALL = 0.01
"""Labels whose share, estimated and counted, is smaller in every group are not drawn."""

COLUMNS = 3
"""Panels beside each other."""


def plot_shares(report: ShareReport) -> Figure:
    """Draw the shares of the largest groups, and of the labels that are most frequent in them.

    A dot is an estimate, its line the interval of 95 %, and a ring the share that counting answers would give.

    Args:
        report: the shares.
    """
    groups = [one for one in report.groups if one.shares][:MOST_PANELS]
    labels = _choose_labels(groups)
    columns = max(1, min(COLUMNS, len(groups)))
    rows = -(-max(1, len(groups)) // columns)
    width, height = 1.9 + 2.6 * columns + (1.2 if columns == 1 else 0), rows * (0.26 * max(3, len(labels)) + 0.75) + 0.8
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, group in zip(panels, groups, strict=False):
        _draw_group(axes, group, labels, has_groups=report.by is not None)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    for axes in panels[max(0, len(groups) - columns) : len(groups)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("share (%)")
    if labels:
        panels[0].set_yticks(range(len(labels)), [shorten(label) for label in labels], parse_math=False)
        panels[0].set_ylim(len(labels) - 0.5, -0.5)
        panels[0].set_xlim(left=0)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    figure.suptitle(_write_title(report, len(groups)), fontsize=10, parse_math=False)
    return figure


def _choose_labels(groups: Sequence[GroupShares]) -> list[str]:
    """Return the labels with the largest shares, over all groups alike, but those that are small in every group."""
    shares = [share for group in groups for share in group.shares]
    sums = dict.fromkeys((share.label for share in shares), 0.0)
    for share in shares:
        sums[share.label] += share.share
    shown = {share.label for share in shares if max(share.share, share.counted) >= SMALL}
    return sorted(shown, key=lambda label: -sums[label])[:MOST_LABELS]


def _draw_group(axes: Axes, group: GroupShares, labels: Sequence[str], *, has_groups: bool) -> None:
    shares = [group[label] for label in labels]
    places = range(len(labels))
    axes.hlines(
        places, [100 * one.low for one in shares], [100 * one.high for one in shares], color=FIRST, linewidth=1.6
    )
    axes.plot(
        [100 * one.share for one in shares],
        places,
        linestyle="none",
        marker="o",
        markersize=5,
        color=FIRST,
        label="estimate, with its interval of 95 %",
    )
    axes.plot(
        [100 * one.counted for one in shares],
        places,
        linestyle="none",
        marker="o",
        markersize=5,
        markerfacecolor="none",
        color=SECOND,
        label="counted answers",
    )
    axes.set_title(_title_group(group, has_groups=has_groups), fontsize=9, color=INK, parse_math=False)
    axes.grid(axis="x", color=FAINT, alpha=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _title_group(group: GroupShares, *, has_groups: bool) -> str:
    counted = count_of(group.read - group.abstained, "name")
    title = "no group" if group.group is None else shorten(group.group)
    return f"{title} ({counted})" if has_groups else counted


def _write_title(report: ShareReport, drawn: int) -> str:
    what = f"Shares by {shorten(report.level)}" if report.level else "Shares of labels"
    left = len(report.groups) - drawn
    which = f", the {drawn} largest of {count_of(drawn + left, 'group')}" if left else ""
    return f"{what}{which}; model {shorten(report.model)}"
