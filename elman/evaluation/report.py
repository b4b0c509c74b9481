"""The report of a run for people, in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elman.checks import count_of
from elman.evaluation.titles import (
    SCORES,
    describe_abstentions,
    describe_part,
    group_labels,
    name_part,
    show_label_rows,
    show_report_rows,
)

MOST_LISTED = 100
"""The labels with too few examples that the report names for each part."""


def write_report(values: Mapping[str, Any]) -> str:
    """Return ``report.md``.

    Args:
        values: what ``report.json`` holds; see `elman.training.run`.
    """
    columns, rows = show_report_rows(values)
    part = describe_part(values)
    lines = [
        f"# {values['name']}",
        "",
        values["verdict"],
        "" if values["complete"] else "\nTraining was stopped early; this is the best epoch until then.\n",
        *_write_table(("", *columns), rows),
        "",
        "In brackets: the interval of 95 %, of other strings of the same kind.",
        "",
        *(f"- {fact}" for fact in [*values["remarks"], *_list_facts(values)]),
        "",
        "![Loss and accuracy by epoch](curves.png)",
        *(f"![{title}]({file})" for file, title in values["pictures"].items()),
        *_write_samples(values.get("samples", {})),
        *_write_confused(values.get("confused", ()), part),
        *_write_mistakes(values.get("surest_mistakes", ()), part),
        *_write_thresholds(values.get("thresholds"), part),
        *_write_label_table(values["test"].get("per_label", {}), part),
        *_write_incomplete(values.get("incomplete_labels", {})),
        *_write_settings(values.get("config", {})),
        *_write_command(values.get("command")),
    ]
    return "\n".join(lines) + "\n"


def _list_facts(values: Mapping[str, Any]) -> list[str]:
    split, data, abstentions = values["split"], values["data"], describe_abstentions(values["test"])
    dropped, repaired = (
        ", ".join(f"{count} {reason}" for reason, count in data[kind].items()) or "none"
        for kind in ("dropped", "repaired")
    )
    sizes = f"{split['train']:,} to train, {split['validation']:,} to validate, {split['test']:,} to test"
    if name_part(values) == "all":
        sizes = f"{count_of(split['train'], 'example')}, the same to train, to validate and to test"
    return [
        *([f"On {describe_part(values)} {abstentions}."] if abstentions else []),
        f"Split: {split['kind']}, seed {split['seed']}: {sizes}; fingerprint {split['fingerprint'][:16]}.",
        f"Data: {data['source']}, {count_of(data['lines'], 'line')}; dropped: {dropped}; repaired: {repaired}.",
        f"{count_of(values['parameters'], 'parameter')}; {count_of(values['epochs'], 'epoch')} in "
        f"{count_of(round(values['seconds']), 'second')}.",
        *(f"{note}." for note in split["notes"]),
    ]


def _write_samples(samples: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the strings that a model wrote, by label; the label is empty if there are none."""
    lines = ["", "## What the model writes"] if samples else []
    for label, texts in samples.items():
        lines += ["", f"{_escape(label)}{': ' if label else ''}{', '.join(map(_escape, texts))}"]
    return lines


def _write_confused(pairs: Sequence[Mapping[str, Any]], part: str) -> list[str]:
    if not pairs:
        return []
    show = SCORES["accuracy"].show
    rows = [(pair["label"], pair["answer"], f"{pair['examples']:,}", show(pair["share"])) for pair in pairs]
    table = _write_table(("label", "answer", "examples", "of the label"), rows, text_columns=2)
    return ["", f"## The most confused labels, on {part}", "", *table]


def _write_mistakes(mistakes: Sequence[Mapping[str, Any]], part: str) -> list[str]:
    if not mistakes:
        return []
    show = SCORES["accuracy"].show
    rows = [(one["text"], one["label"], one["answer"], show(one["probability"])) for one in mistakes]
    return [
        "",
        f"## The surest mistakes, on {part}",
        "",
        "Wrong answers with the highest probability; a wrong label in the data is often among them.",
        "",
        *_write_table(("string", "label", "answer", "probability"), rows, text_columns=3),
    ]


def _write_thresholds(thresholds: Mapping[str, Any] | None, part: str) -> list[str]:
    if not thresholds:
        return []
    show = SCORES["accuracy"].show
    rows = []
    for row in thresholds["rows"]:
        shares = (show(row[key], row["intervals"].get(key)) for key in ("precision", "recall", "f1"))
        rows.append((f"{row['threshold']:.1f}", f"{row['answers']:,}", *shares, show(row["false_positive_rate"])))
    label = thresholds["positive"]
    headings = ("from probability", "answers", "precision", "recall", "F1", "false positives")
    return [
        "",
        f"## Thresholds of {label}, on {part}",
        "",
        f"If {label} is answered from this probability on, and the other label below it:",
        "",
        *_write_table(headings, rows, text_columns=0),
    ]


def _write_label_table(per_label: Mapping[str, Any], part: str) -> list[str]:
    lines: list[str] = []
    groups = group_labels(per_label)
    if len(groups) > 1:
        lines += ["", f"`report.json` has the scores of all {len(per_label):,} labels."]
    for title, labels in groups:
        headings, rows = show_label_rows(per_label, labels)
        lines += [*(["", f"{title[0].upper()}{title[1:]}:"] if title else []), "", *_write_table(headings, rows)]
    return ["", f"## Each label, on {part}", *lines] if lines else []


def _write_incomplete(incomplete: Mapping[str, Sequence[str]]) -> list[str]:
    """List the labels that are not in every part, by the parts that they are missing in."""
    if len(incomplete) < 2:
        return []  # a note says it
    by_parts: dict[str, list[str]] = {}
    for label, parts in incomplete.items():
        by_parts.setdefault(" or ".join(parts), []).append(label)
    lines = []
    for missing, labels in by_parts.items():
        more = len(labels) - MOST_LISTED
        others = f" and {count_of(more, 'other')}, in `report.json`" if more > 0 else ""
        lines.append(f"- none in the {missing} part: {', '.join(labels[:MOST_LISTED])}{others}.")
    return ["", "## Labels with too few examples", "", *lines]


def _write_settings(config: Mapping[str, Any]) -> list[str]:
    """List all settings, those of the network and of the training in groups of their own."""
    if not config:
        return []
    groups: dict[str, Mapping[str, Any]] = {
        "run": {key: value for key, value in config.items() if not isinstance(value, Mapping)}
    }
    groups |= {key: value for key, value in config.items() if isinstance(value, Mapping)}
    return ["", "## Settings", "", *(f"- {name}: {_list_settings(group)}" for name, group in groups.items())]


def _list_settings(group: Mapping[str, Any]) -> str:
    def show(value: Any) -> str:
        return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)

    return "; ".join(f"`{name}` {show(value)}" for name, value in group.items() if value not in (None, ""))


def _write_command(command: str | None) -> list[str]:
    return ["", "## Run it again", "", "```console", f"$ {command}", "```"] if command else []


def _write_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: int = 1) -> list[str]:
    """Return the lines of a table; what follows the first columns is numbers, aligned on the right."""
    rules = ["---" if place < text_columns else "---:" for place in range(len(headings))]
    lines = [f"| {' | '.join(headings)} |".replace("|  |", "| |"), f"|{'|'.join(rules)}|"]
    return [*lines, *(f"| {' | '.join(map(_escape, row))} |" for row in rows)]


def _escape(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`")
