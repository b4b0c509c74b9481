"""The report of a run for people, in Markdown."""

from collections.abc import Mapping
from typing import Any

from elman.evaluation.titles import describe_abstentions, show_rows


def write_report(values: Mapping[str, Any]) -> str:
    """Return ``report.md``.

    Args:
        values: what ``report.json`` holds; see `elman.training.run`.
    """
    rows = show_rows(values["test"], values["validation"], values["baseline"], labels=len(values["labels"]))
    lines = [
        f"# {values['name']}",
        "",
        values["verdict"],
        "" if values["complete"] else "\nTraining was stopped early; this is the best epoch until then.\n",
        "| | test | validation | baseline, test |",
        "|---|---:|---:|---:|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        *(f"- {fact}" for fact in [*values["remarks"], *_list_facts(values)]),
        "",
        "![Loss and accuracy by epoch](curves.png)",
        *(f"![{title}]({file})" for file, title in values["pictures"].items()),
        *_write_label_table(values["test"].get("per_label", {})),
    ]
    return "\n".join(lines) + "\n"


def _list_facts(values: Mapping[str, Any]) -> list[str]:
    split, data, abstentions = values["split"], values["data"], describe_abstentions(values["test"])
    dropped, repaired = (
        ", ".join(f"{count} {reason}" for reason, count in data[kind].items()) or "none"
        for kind in ("dropped", "repaired")
    )
    return [
        *([f"On the test part {abstentions}."] if abstentions else []),
        f"Split: {split['kind']}, seed {split['seed']}: {split['train']:,} to train, {split['validation']:,} to "
        f"validate, {split['test']:,} to test; fingerprint {split['fingerprint'][:16]}.",
        f"Data: {data['source']}, {data['lines']:,} lines; dropped: {dropped}; repaired: {repaired}.",
        f"{values['parameters']:,} parameters; {values['epochs']} epochs in {values['seconds']:.0f} seconds.",
        *(f"{note}." for note in split["notes"]),
    ]


def _write_label_table(per_label: Mapping[str, Any]) -> list[str]:
    if not per_label:
        return []
    lines = ["", "## Each label, on the test part", "", "| label | examples | precision | recall | F1 |"]
    lines.append("|---|---:|---:|---:|---:|")
    for label, scores in per_label.items():
        shares = " | ".join(f"{scores[key] * 100:.0f} %" for key in ("precision", "recall", "f1"))
        lines.append(f"| {label} | {scores['support']} | {shares} |")
    return lines
