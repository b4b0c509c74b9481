"""Models in the package: a table of them, and the card of each, read when the site is built.

A page has two directives: ``{models-table}``, and after it ``{models}``. A table in a directive with sections would
come after them. A new model file with its card in `elman/model/pretrained` appears by itself.
"""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from elman.model.card import read_card
from elman.model.file import Artifact
from elman.model.files import load_model
from elman.model.shipped import DEFAULT_MODEL, shipped_models

CARDS = "../elman/model/pretrained"
"""The folder of the cards, as pages see it."""

_HEADING = re.compile(r"^(#+ )", re.MULTILINE)
_LINK = re.compile(r"\]\((?!\w+:|#|/)([^)]+)\)")


def list_models() -> dict[str, Path]:
    """Return the files of the models in the package by name, the default first."""
    files = shipped_models()
    return {DEFAULT_MODEL: files[DEFAULT_MODEL], **files}


def render_table(files: Mapping[str, Path]) -> str:
    """Return a table of models, whose files are given by name, as MyST Markdown."""
    rows = [_describe(name, file) for name, file in files.items()]
    return "\n".join(["| model | labels | levels | parameters | MB |", "|---|---:|---|---:|---:|", *rows])


def render_cards(files: Mapping[str, Path]) -> str:
    """Return the cards of models, whose files are given by name, as MyST Markdown."""
    cards = (read_card(file) or f"# {name}\n\nIt has no card." for name, file in files.items())
    return "\n\n".join(map(nest_card, cards))


def nest_card(card: str) -> str:
    """Return a card whose headings are one level lower, and whose links are right for a page of docs/."""
    return _LINK.sub(lambda link: f"]({posixpath.normpath(f'{CARDS}/{link[1]}')})", _HEADING.sub(r"#\1", card))


def _describe(name: str, file: Path) -> str:
    model, size = load_model(file), file.stat().st_size / 1e6
    default = ", the default" if name == DEFAULT_MODEL else ""
    labels, levels = "–", "–"
    if isinstance(model, Artifact):
        labels = str(len(model.labels))
        levels = "–" if model.levels is None else ", ".join(model.levels.names)
    return f"| `{name}`{default} | {labels} | {levels} | {model.parameters:,} | {size:.1f} |"


class TableDirective(SphinxDirective):
    """The table of the models."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        files = list_models()
        for file in files.values():
            self.env.note_dependency(str(file))
        return self.parse_text_to_nodes(render_table(files))


class CardsDirective(SphinxDirective):
    """The cards of the models."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        files = list_models()
        for file in files.values():
            self.env.note_dependency(str(file.with_suffix(".md")))
        return self.parse_text_to_nodes(render_cards(files), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives; Sphinx calls this."""
    app.add_directive("models-table", TableDirective)
    app.add_directive("models", CardsDirective)
    return {"parallel_read_safe": True}
