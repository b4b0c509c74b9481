"""Reference of modules, read from their docstrings.

The directive ``{package} elman.cells`` describes the package itself, and ``{modules} elman.cells`` its modules. The
names of ``elman.__all__`` have a page of their own and are left out here. Docstrings are Google style in
reStructuredText; an indented block is shown as it is, and `name` is code, as in Markdown.
"""

import inspect
import pkgutil
import re
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import elman

_LETTER = re.compile(r"^(\s*\w+: )([A-Z]\.)")
_stored: dict[str, list[str]] = {}


def modules(name: str) -> list[str]:
    """Return the modules below a package that describe something; the module itself if it is not a package."""
    found = import_module(name)
    if not hasattr(found, "__path__"):
        return [name]
    below = (import_module(one.name) for one in pkgutil.walk_packages(found.__path__, f"{name}."))
    return [module.__name__ for module in below if defines(module)]


def describe(name: str) -> str:
    """Return the directive that describes one module, as MyST Markdown."""
    held = vars(import_module(name))  # a class can have the name of a public one and be another
    elsewhere = ", ".join(one for one in elman.__all__ if one in held and held[one] is getattr(elman, one))
    options = [
        "members:",
        "ignore-module-all:",
        "show-inheritance:",
        *([f"exclude-members: {elsewhere}"] if elsewhere else []),
    ]
    return "\n".join(["```{eval-rst}", f".. automodule:: {name}", *(f"   :{option}" for option in options), "```"])


class PackageDirective(SphinxDirective):
    """What a package says of itself, and the names that it defines."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the description."""
        return self.parse_text_to_nodes(describe(self.arguments[0]))


class ModulesDirective(SphinxDirective):
    """A section for each module of one package, or for each of the modules named."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        names = [name for argument in self.arguments[0].split() for name in modules(argument)]
        text = "\n\n".join(f"## {name}\n\n{describe(name)}" for name in names)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def leave_alias(app: Sphinx, env: Any, node: nodes.Element, shown: nodes.Node) -> nodes.Node | None:
    """Show an alias of a type, or a private name, as text: it has no description to link to."""
    module, _, name = node.get("reftarget", "").rpartition(".")
    if not module.startswith("elman."):
        return None
    try:
        value = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return None
    return shown if name.startswith("_") or not (inspect.isclass(value) or inspect.isfunction(value)) else None


def prepare(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Make plain text in a docstring mean what it looks like: "H." is no list, and an indented block is literal."""
    text: list[str] = []
    for line in lines:
        before = next((one for one in reversed(text) if one.strip()), "")
        if line.startswith("    ") and text and not text[-1].strip() and before and not before.startswith(" "):
            text += ["::", ""]
        text.append(_LETTER.sub(r"\1\\\2", line))
    lines[:] = text
    _stored[name] = text


def restore(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Undo what napoleon does to the docstring of a constant: it takes all before a colon for a type."""
    if what in ("data", "attribute"):
        lines[:] = _stored[name]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives and hooks; Sphinx calls this. Napoleon works between the two hooks, at 500."""
    app.add_directive("package", PackageDirective)
    app.add_directive("modules", ModulesDirective)
    app.connect("missing-reference", leave_alias)
    app.connect("autodoc-process-docstring", prepare, priority=400)
    app.connect("autodoc-process-docstring", restore, priority=600)
    return {"parallel_read_safe": True}


def defines(module: Any) -> bool:
    """Tell whether a module defines a public function or class."""
    return any(
        not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
        for name, value in vars(module).items()
    )
