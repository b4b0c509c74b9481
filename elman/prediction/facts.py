"""Facts: what a model file says of itself, in words for people."""

from typing import Any

from elman.checks import count_of
from elman.markup import render_card, render_note, render_table
from elman.model.card import is_by_heart
from elman.model.config import NO_CELL
from elman.model.file import Artifact
from elman.model.writer import Writer

LISTED = 30
"""The most labels that a notebook shows of a model."""

SCORES = (("accuracy", "accuracy"), ("symbol_accuracy", "symbols right"))


def render_model(artifact: Artifact) -> str:
    """Return a model as a notebook shows it: its kind, its size, its data, its scores and its labels."""
    names = artifact.labels.names
    listed = ", ".join(names[:LISTED]) + (" …" if len(names) > LISTED else "")
    return render_card(
        f"{artifact.name}: {artifact.kind}",
        render_table(describe_model(artifact)),
        render_note(f"{'number' if artifact.kind.answers == 'number' else 'labels'}: {listed}"),
    )


def describe_model(artifact: Artifact) -> list[tuple[str, str]]:
    """Return title and value of each fact; the provenance in the file may hold any JSON."""
    shape, scores = artifact.config, _find(artifact.provenance, "figures", "test")
    facts = [("labels", f"{len(artifact.labels):,}")] if artifact.kind.answers != "number" else []
    if artifact.levels is not None:
        names = artifact.levels.names
        counts = [len(artifact.levels.list_groups(name, artifact.labels.names)) for name in names]
        facts.append(("levels", ", ".join(f"{name} ({count:,})" for name, count in zip(names, counts, strict=True))))
    if shape.cell != NO_CELL:
        facts.append(("cells", f"{shape.cell}, {shape.layers} × {shape.hidden_size}, directions: {shape.directions}"))
    facts += [
        ("parameters", f"{artifact.parameters:,}"),
        ("symbols", f"{len(artifact.vocabulary.symbols):,}"),
        ("temperature", f"{artifact.temperature:.3g}"),
    ]
    facts += [("floor", f"{100 * artifact.floor:.2g} %")] if artifact.floor else []
    examples = _find(artifact.provenance, "data").get("examples")
    facts += [("examples", f"{examples:,}")] if isinstance(examples, int) else []
    part = "learned by heart" if is_by_heart(artifact) else "test part"
    facts += [
        (f"{title}, {part}", f"{100 * scores[key]:.1f} %")
        for key, title in SCORES
        if isinstance(scores.get(key), float)
    ]
    if isinstance(scores.get("r2"), float):
        facts.append((f"R², {part}", f"{scores['r2']:.3f}"))
    return facts


def render_writer(writer: Writer) -> str:
    """Return a model that writes as a notebook shows it: its kind, its size, its data, its scores and its labels."""
    names = () if writer.labels is None else writer.labels.names
    listed = ", ".join(names[:LISTED]) + (" …" if len(names) > LISTED else "")
    return render_card(
        f"{writer.name}: {writer.kind}",
        render_table(describe_writer(writer)),
        render_note(f"labels: {listed}") if names else "",
    )


def describe_writer(writer: Writer) -> list[tuple[str, str]]:
    """Return title and value of each fact of a model that writes, as `describe_model` does for others."""
    scores = _find(writer.provenance, "figures", "test")
    facts = [("labels", f"{writer.label_count:,}")] if writer.labels is not None else []
    facts += [
        ("network", writer.config.describe()),
        ("parameters", f"{writer.parameters:,}"),
        ("symbols that it writes", f"{len(writer.targets.symbols):,}, {writer.longest:,} at most in a string"),
    ]
    facts += [("symbols that it reads", f"{len(writer.sources.symbols):,}")] if writer.config.has_encoder else []
    if writer.seen is not None:
        share = f"takes {100 * writer.seen.false_positives:.2g} % of new strings for ones of its training part"
        facts.append(("filter of its training strings", f"{count_of(writer.seen.bits.nbytes, 'byte')}; {share}"))
    examples = _find(writer.provenance, "data").get("examples")
    facts += [("examples", f"{examples:,}")] if isinstance(examples, int) else []
    if isinstance(nats := scores.get("nats_per_symbol"), float):
        facts.append(("surprise of a symbol, test part", f"{nats:.4f} nats"))
    if isinstance(rate := scores.get("word_error_rate"), float):
        facts.append(("whole strings wrong, test part", f"{100 * rate:.2f} %"))
    return facts


def _find(values: Any, *path: str) -> dict[str, Any]:
    """Return an object inside JSON values; an empty one if it is missing, or is no object."""
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}
