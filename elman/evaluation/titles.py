"""Titles and units of scores: what tables for people call the fields of a report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elman.checks import count_of
from elman.evaluation.metrics import TOP

RANKS = (2, 3, 5)
"""The k of ``top_k`` that the table of a report shows."""


@dataclass(frozen=True)
class Score:
    """How people see one score.

    Args:
        key: its field, as ``to_dict`` of a report names it.
        title: what tables call it.
        unit: ``%`` of a share, ``nats``, or empty.
        digits: format of the number, after a share became per cent.
    """

    key: str
    title: str
    unit: str = ""
    digits: str = ".3f"

    def show(self, value: float | None, interval: Sequence[float] | None = None) -> str:
        """Return a value as people read it, with its unit and its interval; None is a dash.

        >>> SCORES["accuracy"].show(0.857), SCORES["nll"].show(0.5, (0.25, 0.75)), SCORES["nll"].show(None)
        ('85.7 %', '0.500 nats (0.250 to 0.750)', '–')
        """
        if value is None:
            return "–"
        shown = f"{self._format(value)} {self.unit}".strip()
        return shown if interval is None else f"{shown} ({' to '.join(map(self._format, interval))})"

    def show_spread(self, mean: float, deviation: float | None) -> str:
        """Return the mean of a score over seeds and its standard deviation, if there is one.

        >>> SCORES["accuracy"].show_spread(0.857, 0.0123), SCORES["nll"].show_spread(0.5, None)
        ('85.7 ± 1.2 %', '0.500 nats')
        """
        spread = "" if deviation is None else f" ± {self._format(deviation)}"
        return f"{self._format(mean)}{spread} {self.unit}".strip()

    def _format(self, value: float) -> str:
        number = format(100 * value if self.unit == "%" else value, self.digits)
        return number.replace("-", "−", 1) if value < 0 else number


SCORES = {
    score.key: score
    for score in (
        Score("accuracy", "accuracy", "%", ".1f"),
        *(Score(f"top_{k}", f"top {k}", "%", ".1f") for k in TOP),
        Score("macro_f1", "macro-F1", "%", ".1f"),
        Score("roc_auc", "ROC-AUC"),
        Score("pr_auc", "PR-AUC"),
        Score("symbol_accuracy", "symbols right", "%", ".1f"),
        Score("string_accuracy", "whole strings right", "%", ".1f"),
        Score("word_error_rate", "whole strings wrong", "%", ".2f"),
        Score("symbol_error_rate", "symbol errors", "%", ".2f"),
        Score("right_in_three", "right in the first three", "%", ".1f"),
        Score("nats_per_symbol", "surprise of a symbol", "nats", ".4f"),
        Score("bits_per_symbol", "the same in bits", "bits", ".4f"),
        Score("perplexity", "perplexity", digits=".2f"),
        Score("nll", "negative log-likelihood", "nats"),
        Score("brier", "Brier score"),
        Score("calibration_error", "calibration error"),
        Score("r2", "R²", digits=".4f"),
        Score("rmse", "root mean squared error", digits=".4g"),
        Score("mae", "mean absolute error", digits=".4g"),
    )
}
"""Every score by its key, in the order of tables."""


def show_rounded(share: float, interval: Sequence[float] | None = None) -> str:
    """Return a share of few examples, and its interval, without decimals.

    >>> show_rounded(0.833, (0.681, 0.921))
    '83 % (68 to 92)'
    """
    ends = "" if interval is None else f" ({interval[0] * 100:.0f} to {interval[1] * 100:.0f})"
    return f"{share * 100:.0f} %{ends}"


def list_scores(report: Mapping[str, Any], *, labels: int, ranks: Sequence[int] = RANKS) -> list[Score]:
    """Return the scores that a report has, in the order of tables.

    Args:
        report: as ``to_dict`` returns it.
        labels: C; the top k of so many labels or fewer is always right, and is left out.
        ranks: the k of ``top_k`` to list.

    >>> [score.title for score in list_scores({"accuracy": 1.0, "top_2": 1.0, "top_3": 1.0}, labels=3)]
    ['accuracy', 'top 2']
    """
    hidden = {f"top_{k}" for k in TOP if k >= labels or k not in ranks}
    return [score for key, score in SCORES.items() if key in report and key not in hidden]


def show_rows(*reports: Mapping[str, Any], labels: int, ranks: Sequence[int] = RANKS) -> list[tuple[str, ...]]:
    """Return the rows of a table: the title of each score, then its value and its interval in each report.

    Args:
        reports: as ``to_dict`` returns them, at least one, all of one kind.
        labels: as in `list_scores`.
        ranks: as in `list_scores`.

    >>> show_rows({"accuracy": 0.9}, {"accuracy": 0.8}, labels=2)
    [('accuracy', '90.0 %', '80.0 %')]
    """
    scores = list_scores(reports[0], labels=labels, ranks=ranks)
    return [
        (
            score.title,
            *(score.show(report.get(score.key), report.get("intervals", {}).get(score.key)) for report in reports),
        )
        for score in scores
    ]


COLUMNS = ("test", "baseline, test", "validation")
"""The headings of a report's scores: of the model, of the baseline, and of the model on the other part."""

COLUMNS_BY_HEART = ("all examples", "baseline, all examples")
"""The same where nothing was kept back: all parts are the same examples, so that one column has their scores."""


def name_part(values: Mapping[str, Any]) -> str:
    """Return which examples a run was measured on: ``test``; ``all`` if nothing was kept back.

    Args:
        values: as ``report.json``.

    >>> name_part({"split": {"kind": "none"}}), name_part({"split": {"kind": "grouped"}})
    ('all', 'test')
    """
    return "all" if values.get("split", {}).get("kind") == "none" else "test"


def describe_part(values: Mapping[str, Any]) -> str:
    """Return the same as `name_part` within a sentence.

    >>> describe_part({"split": {"kind": "none"}})
    'all examples'
    """
    return "all examples" if name_part(values) == "all" else "the test part"


MOST_LABELS, SHOWN_LABELS = 30, 10
"""A table of more labels than the first number shows so many of the largest, of the best and of the worst."""


LABEL_COLUMNS = (("support", "examples"), ("precision", "precision"), ("recall", "recall"), ("f1", "F1"))
WRITTEN_COLUMNS = (
    ("examples", "examples"),
    ("symbol_error_rate", "symbol errors"),
    ("word_error_rate", "whole strings wrong"),
)
"""What a table of labels has of each: of the answers of a classifier, and of strings written for it."""


def group_labels(per_label: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the labels that a table shows, in groups with their titles; all in one group without a title if few.

    Args:
        per_label: the scores of each label, as ``to_dict`` of a report has them.
    """
    if len(per_label) <= MOST_LABELS:
        return [("", list(per_label))] if per_label else []

    columns = _label_columns(per_label)
    (count, _), (score, title) = columns[0], columns[-1]
    most, least = ("highest", "lowest") if columns is LABEL_COLUMNS else ("most", "fewest")

    def rank(key: str, *, last: bool = False) -> list[str]:
        def place(name: str) -> tuple[float, float]:  # of equal scores the one of more examples first
            return per_label[name][key] * (1 if last else -1), -per_label[name][count]

        return sorted(per_label, key=place)[:SHOWN_LABELS]

    return [
        (f"the {SHOWN_LABELS} with the most examples", rank(count)),
        (f"the {SHOWN_LABELS} with the {most} {title}", rank(score)),
        (f"the {SHOWN_LABELS} with the {least} {title}", rank(score, last=True)),
    ]


def show_label_rows(per_label: Mapping[str, Any], labels: Sequence[str]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the headings and the rows of a table of some labels.

    Args:
        per_label: as in `group_labels`.
        labels: those to show.

    >>> show_label_rows({"Greek": {"support": 9, "precision": 1.0, "recall": 0.5, "f1": 0.667}}, ["Greek"])
    (['label', 'examples', 'precision', 'recall', 'F1'], [('Greek', '9', '100 %', '50 %', '67 %')])
    """
    (count, _), *shares = columns = _label_columns(per_label)
    rows = []
    for label in labels:
        scores = per_label[label]
        intervals = scores.get("intervals", {})
        shown = (show_rounded(scores[key], intervals.get(key)) for key, _ in shares)
        rows.append((label, f"{scores[count]:,}", *shown))
    return ["label", *(title for _, title in columns)], rows


def _label_columns(per_label: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the columns of a table of labels, each with its title: a count, and shares, the chief one last."""
    is_written = any("word_error_rate" in scores for scores in per_label.values())
    return WRITTEN_COLUMNS if is_written else LABEL_COLUMNS


def show_report_rows(values: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the headings and the rows of a run's scores; without a baseline there is no column for it.

    If nothing was kept back, the validation part is the same examples again, and is left out.

    Args:
        values: as ``report.json``.

    >>> part = {"accuracy": 0.9}
    >>> show_report_rows({"test": part, "baseline": None, "validation": part, "labels": ["Dutch", "Greek"]})
    (['test', 'validation'], [('accuracy', '90.0 %', '90.0 %')])
    """
    headings = COLUMNS_BY_HEART if name_part(values) == "all" else COLUMNS
    columns = dict(zip(headings, (values["test"], values["baseline"], values["validation"]), strict=False))
    shown = {heading: report for heading, report in columns.items() if report is not None}
    return list(shown), show_rows(*shown.values(), labels=len(values["labels"]))


def describe_labels(values: Mapping[str, Any]) -> list[str]:
    """Return what a reader should know of the scores of a classifier, one sentence each.

    Args:
        values: some of ``majority``, ``ceiling`` and ``calibration``, as ``report.json`` holds them.
    """
    sentences, show = [], SCORES["accuracy"].show
    if "majority" in values:
        majority = values["majority"]
        share = show(majority["accuracy"], majority.get("interval"))
        sentences.append(f"Always answering {majority['label']}: {share}.")
    if "ceiling" in values:
        sentences.append(f"The ceiling set by strings with several labels: {show(values['ceiling'])}.")
    if "calibration" in values:
        sentences.append(describe_calibration(values["calibration"]))
    return sentences


def describe_confused(values: Mapping[str, Any], *, most: int = 5) -> str | None:
    """Return the pairs of labels that are confused most often in one line; None if there is no mistake.

    Args:
        values: as ``report.json``.
        most: at most so many pairs.

    >>> describe_confused({"confused": [{"label": "Dutch", "answer": "German", "examples": 3, "share": 0.25}]})
    'Most confused: Dutch answered as German 3 times (25.0 %).'
    """

    def write(pair: Mapping[str, Any]) -> str:
        times = "once" if pair["examples"] == 1 else f"{pair['examples']:,} times"
        return f"{pair['label']} answered as {pair['answer']} {times} ({SCORES['accuracy'].show(pair['share'])})"

    pairs = [write(pair) for pair in values.get("confused", ())[:most]]
    return f"Most confused: {', '.join(pairs)}." if pairs else None


def title_scores(report: Mapping[str, Any], *, model: str, data: str, part: str) -> str:
    """Return the title of a table of scores.

    Args:
        report: as ``to_dict`` returns it.
        model: the name of the model.
        data: where the examples come from.
        part: ``train``, ``validation``, ``test`` or ``all``.

    >>> title_scores({"examples": 1200}, model="people", data="people.csv", part="test")
    'people on people.csv, test part: 1,200 examples'
    """
    sizes = [
        f"{report[key]:,} {key if report[key] != 1 else key.removesuffix('s')}"
        for key in ("examples", "symbols")
        if key in report
    ]
    return f"{model} on {data}, {'all' if part == 'all' else f'{part} part'}: {', '.join(sizes)}"


def describe_calibration(found: Mapping[str, Any]) -> str:
    """Return in one or two sentences what the temperature did to the calibration error.

    Args:
        found: ``calibration`` of ``report.json``.
    """
    if found["error_after"] is None:
        return "The calibration error is unknown, because the model abstains for all examples of the test part."
    bound = (
        f" The temperature is at its bound, {found['temperature']:.2g}: do not trust the probabilities."
        if found.get("at_bound")
        else ""
    )
    strings = f", chosen on {count_of(found['strings'], 'string')}" if found.get("strings") else ""
    return (
        f"Calibration error {found['error_before']:.3f} before and {found['error_after']:.3f} after "
        f"dividing the logits by {found['temperature']:.2f}{strings}; a perfectly calibrated model would measure "
        f"{found['error_by_chance']:.3f} on so few examples.{bound}"
    )


def describe_abstentions(report: Mapping[str, Any]) -> str | None:
    """Return in one sentence how often a model abstains, and what that means for its scores; None if it never does.

    Args:
        report: as ``to_dict`` returns it.

    >>> reasons = {"unknown symbol: the model has never read ?": 1, "unknown symbol: the model has never read !": 1}
    >>> describe_abstentions({"examples": 9, "accuracy": 0.5, "abstentions": reasons})
    'the model abstains for 2 of 9 examples (2 unknown symbol), which count as wrong'
    """
    abstentions = report.get("abstentions", {})
    if not abstentions:
        return None
    counts: Counter[str] = Counter()
    for reason, count in abstentions.items():
        counts[reason.partition(":")[0]] += count
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
    effect = "which are not scored" if {"rmse", "perplexity"} & report.keys() else "which count as wrong"
    abstained = sum(abstentions.values())
    return f"the model abstains for {abstained:,} of {count_of(report['examples'], 'example')} ({reasons}), {effect}"
