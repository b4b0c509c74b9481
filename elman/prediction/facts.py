"""Facts: what a model file says of itself, in words for people."""

from typing import Any

from elman.markup import render_card, render_note, render_table
from elman.model.card import is_by_heart
from elman.model.config import NO_CELL
from elman.model.file import Artifact

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


def _find(values: Any, *path: str) -> dict[str, Any]:
    """Return an object inside JSON values; an empty one if it is missing, or is no object."""
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}
