"""The site: `python -m sphinx -W --keep-going -n docs build/site` builds it, offline and without a warning."""

import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extensions")]

from elman.version import __version__  # noqa: E402

project = "Elman"
author = "The Elman founders"
copyright = "The Elman founders, Apache-2.0"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "command_reference",
    "model_cards",
    "module_reference",
    "repository_links",
    "site_check",
]
exclude_patterns = ["extensions", "style"]
nitpicky = True

# Markdown: headings can be linked to, and `:::` opens a block that holds Markdown.
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# The Python reference: what the docstrings say, in the order of the source.
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
default_role = "code"  # `name` in a docstring is code, as it is in Markdown
nitpick_ignore_regex = [
    # Types of other packages: the site links to no other site while it is built.
    (r"py:.*", r"(?!elman\b).*"),
]

pygments_dark_style = "github-dark"

html_theme = "furo"
html_title = "Elman"
html_favicon = str(ROOT / "elman" / "server" / "page" / "icon.svg")
html_static_path = ["style"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0d6b4f",
        "color-brand-content": "#0d6b4f",
        "color-brand-visited": "#0d6b4f",
        "color-api-name": "#9a4f08",
        "color-api-pre-name": "#9a4f08",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5ccb9f",
        "color-brand-content": "#5ccb9f",
        "color-brand-visited": "#5ccb9f",
        "color-api-name": "#e9ad62",
        "color-api-pre-name": "#e9ad62",
    },
    "navigation_with_keys": True,
}

# A copy leaves prompts and output out, so that it can be pasted.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def tidy(app: Sphinx, doctree: nodes.document) -> None:
    """Remove what readers do not need: the blank line at the end of examples, and the base class of all classes."""
    for block in doctree.findall(nodes.literal_block):
        block.rawsource = block.astext().rstrip()
        block[:] = [nodes.Text(block.rawsource)]
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if paragraph.astext() == "Bases: object":
            paragraph.parent.remove(paragraph)


def setup(app: Sphinx) -> None:
    """Register the hook; Sphinx calls this."""
    app.connect("doctree-read", tidy)
