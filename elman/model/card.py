"""Cards: what a model is, what it learned from and how well it answers, in Markdown with the metadata of the Hub."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman.checks import count_of, shown
from elman.errors import SettingError
from elman.model.file import Artifact
from elman.model.writer import Writer

MARK = "<!-- Written by Elman, which replaces this page with each model; without this line it keeps it. -->"

MOST_LABELS = 60
"""The most labels that a card lists."""

TASKS = {
    "label": "text-classification",
    "tags": "token-classification",
    "images": "image-classification",
    "features": "tabular-regression",
    "generate": "text-generation",
}
"""What the Hub calls the kinds of models; it has no name for a number from a string, nor for a string from a string."""

_FRONT_MATTER = re.compile(r"---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}", re.ASCII)


def write_card(artifact: Artifact | Writer, *, address: str, license: str | None = None) -> str:
    """Return the card of a model for the Hub.

    Args:
        artifact: the model.
        address: where it is published: ``hf://owner/name``.
        license: its licence, by the identifier of the Hub, such as ``apache-2.0``; None if unknown.

    Raises:
        SettingError: the licence is no identifier.
    """
    if license is not None and not _LICENCE.fullmatch(license):
        raise SettingError(
            f"a licence is given by its identifier on the Hub, such as apache-2.0 or mit; got {shown(license)!r}"
        )
    parts = [
        _write_metadata(artifact, license),
        f"# {_escape(artifact.name)}",
        MARK,
        _describe(artifact),
        f'```python\nimport elman  # pip install "elman[hub]"\n\nmodel = elman.load("{address}")\n```',
        _describe_data(artifact),
        _write_figures(artifact),
        "Licence: "
        + (license or "unknown, because none was given. Ask the owner of this page before you use the model")
        + ".",
        "An answer is an estimate, relative to what the model learned from. It is no evidence of a person's identity, "
        "ancestry or citizenship.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def write_local_card(artifact: Artifact | Writer, *, path: str) -> str:
    """Return the card of a model that has none beside it, from the facts in its file.

    Args:
        artifact: the model.
        path: what a command takes as the model.
    """
    command = f"elman predict --model {shlex.quote(path)} {artifact.kind.placeholder}"
    if artifact.kind.name == "generate":
        command = f"elman generate {shlex.quote(path)}"
    parts = [
        f"# {_escape(artifact.name)}",
        _describe(artifact),
        f"```console\n$ {shown(command, len(command))}\n```",
        _describe_data(artifact),
        _write_figures(artifact),
        _describe_training(artifact),
        "The configuration and the whole origin: `elman models show MODEL --json`.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def is_own_card(text: str) -> bool:
    """Return whether `write_card` wrote a card."""
    return MARK in text


def read_card(file: Path) -> str | None:
    """Return the card of a model file, without metadata; None if it has none.

    It is the Markdown file of the same name, or a README.md in the folder whose metadata name Elman.
    """
    for card in (file.with_suffix(".md"), file.with_name("README.md")):
        if card.is_file():
            text = card.read_text(encoding="utf-8", errors="backslashreplace")
            match = _FRONT_MATTER.match(text)
            if card.name != "README.md" or (match and re.search(r"^library_name: elman$", match[1], re.MULTILINE)):
                return text[match.end() :].lstrip() if match else text
    return None


def _write_metadata(artifact: Artifact | Writer, license: str | None) -> str:
    """Return the metadata of the Hub: YAML between two lines of hyphens."""
    task = TASKS.get(artifact.kind.name)
    lines = [
        "---",
        "library_name: elman",
        f"license: {license or 'unknown'}",
        *([f"pipeline_tag: {task}"] if task else []),
        f"tags: {json.dumps(['elman', 'recurrent-neural-network', artifact.config.cell])}",
        "---",
    ]
    return "\n".join(lines)


def _describe(artifact: Artifact | Writer) -> str:
    if isinstance(artifact, Writer):
        return _describe_writer(artifact)
    labels = [_escape(name) for name in artifact.labels.names]
    more = f" and {len(labels) - MOST_LABELS:,} more" if len(labels) > MOST_LABELS else ""
    return (
        f"A small recurrent network ({artifact.config.cell}, {count_of(artifact.parameters, 'parameter')}) that "
        f"{artifact.kind}: {', '.join(labels[:MOST_LABELS])}{more}.{_describe_levels(artifact)}"
    )


def _describe_writer(writer: Writer) -> str:
    names = () if writer.labels is None else writer.labels.names
    listed = ", ".join(map(_escape, names[:MOST_LABELS]))
    more = f" and {len(names) - MOST_LABELS:,} more" if len(names) > MOST_LABELS else ""
    seen = (
        " A filter tells which strings were probably in its training part; none can be read from it."
        if writer.seen is not None
        else ""
    )
    return (
        f"A small recurrent network ({writer.config.describe()}; {count_of(writer.parameters, 'parameter')}) that "
        f"{writer.kind}, of {count_of(len(writer.targets.symbols), 'symbol')}."
        + (f" Labels: {listed}{more}." if names else "")
        + seen
    )


def _describe_levels(artifact: Artifact) -> str:
    """Return a sentence on the levels of the labels; empty if there are none."""
    if artifact.levels is None:
        return ""
    names = artifact.levels.names
    counts = (f"{_escape(name)} ({len(artifact.levels.list_groups(name)):,})" for name in names[1:])
    return f" Levels above the {_escape(names[0])}: {', '.join(counts)}."


def is_by_heart(artifact: Artifact | Writer) -> bool:
    """Return whether nothing was kept back, so that the scores in the file are of the examples that it learned from."""
    return _part(artifact.provenance, "split").get("kind") == "none"


def _describe_data(artifact: Artifact | Writer) -> str:
    """Return in words what the model learned from; a source that is a path is only named."""
    data, split = (_part(artifact.provenance, name) for name in ("data", "split"))
    if not isinstance(data.get("source"), str):
        return "Its file does not say what it learned from."
    text = f"Learned from {_escape(Path(data['source']).name)}"
    sizes = [size for name in ("train", "validation", "test") if isinstance(size := split.get(name), int)]
    if len(sizes) == 3:
        of_parts = ": {:,} examples to train, {:,} to validate, {:,} to test".format(*sizes)
        text += f": {count_of(sizes[0], 'example')}" if is_by_heart(artifact) else of_parts
        text += f"; split: {_escape(str(split.get('kind')))}"
    return f"{text}."


def _write_figures(artifact: Artifact | Writer) -> str:
    """Return a table of the scores on the test part, or on what the model learned, beside those of the baseline."""
    figures = _part(artifact.provenance, "figures")
    test, baseline = _part(figures, "test"), _part(figures, "baseline_test")
    rows = [
        f"| {_escape(name.replace('_', ' '))} | {_format(test[name])} | {_format(baseline.get(name))} |"
        for name in test
        if _is_number(test[name])
    ]
    part = "on the examples that it learned from" if is_by_heart(artifact) else "on the test part"
    heading = f"| {part} | model | baseline |\n|---|---:|---:|"
    if not baseline:
        heading, rows = f"| {part} | model |\n|---|---:|", [row[: row.rindex(" | ")] + " |" for row in rows]
    return "\n".join([heading, *rows]) if rows else ""


def _describe_training(artifact: Artifact | Writer) -> str:
    """Return how the model was trained, and with what; the provenance can be any JSON."""
    epochs, versions = artifact.provenance.get("epochs"), _part(artifact.provenance, "versions")
    trained = f"Trained for {count_of(epochs, 'epoch')}" if isinstance(epochs, int) else ""
    version = (
        f"{', ' if trained else 'Written by '}Elman {_escape(str(versions['elman']))}" if "elman" in versions else ""
    )
    return f"{trained}{version}." if trained or version else ""


def _format(value: Any) -> str:
    if not _is_number(value):
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _part(values: Any, name: str) -> Mapping[str, Any]:
    """Return a part of the provenance, which can be any JSON; empty if it is missing or no object."""
    part = values.get(name) if isinstance(values, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _escape(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", shown(text, len(text)))
