"""Models in the package: a table of them, and the card of each, read when the site is built.

A page has the directive ``{models}``. A new model file with its card in `elman/model/pretrained` appears by itself.
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
from elman.model.file import load_artifact
from elman.model.shipped import DEFAULT_MODEL, shipped_models

CARDS = "../elman/model/pretrained"
"""The folder of the cards, as pages see it."""

_HEADING = re.compile(r"^(#+ )", re.MULTILINE)
_LINK = re.compile(r"\]\((?!\w+:|#|/)([^)]+)\)")


def render(files: Mapping[str, Path]) -> str:
    """Return a table of models and their cards as MyST Markdown.

    Args:
        files: of the models, by name.
    """
    cards = {name: read_card(file) or f"# {name}\n\nIt has no card." for name, file in files.items()}
    rows = [_describe(name, file) for name, file in files.items()]
    table = ["| model | labels | levels | parameters | MB |", "|---|---:|---|---:|---:|", *rows]
    return "\n\n".join(["\n".join(table), *map(nest_card, cards.values())])


def nest_card(card: str) -> str:
    """Return a card whose headings are one level lower, and whose links are right for a page of docs/."""
    return _LINK.sub(lambda link: f"]({posixpath.normpath(f'{CARDS}/{link[1]}')})", _HEADING.sub(r"#\1", card))


def _describe(name: str, file: Path) -> str:
    artifact = load_artifact(file)
    levels = "–" if artifact.levels is None else ", ".join(artifact.levels.names)
    default = ", the default" if name == DEFAULT_MODEL else ""
    size = file.stat().st_size / 1e6
    return f"| `{name}`{default} | {len(artifact.labels)} | {levels} | {artifact.parameters:,} | {size:.1f} |"


class ModelsDirective(SphinxDirective):
    """The table and the cards."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        files = shipped_models()
        for file in files.values():
            for one in (file, file.with_suffix(".md")):
                self.env.note_dependency(str(one))
        return self.parse_text_to_nodes(render(files), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive; Sphinx calls this."""
    app.add_directive("models", ModelsDirective)
    return {"parallel_read_safe": True}
