"""Links from pages into the repository. They are relative paths, so that they work in the repository and on the site.

On the site, a link to a file leads to a page with its text, and a link to a package to its reference. A link to a file
that a page includes, such as the changelog, leads to that page. Each function and class of the Python reference has a
link to its source.
"""

import html
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).parents[2]
COPIES = {
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "benchmarks/README.md": "benchmarks",
}
"""Pages outside of docs/, and the pages of the site that include them."""

PLACES = {**COPIES, "README.md": "index", "elman/cli": "reference/commands"}
LANGUAGES = {".py": "python", ".md": "markdown", ".toml": "toml", ".js": "javascript", ".css": "css", ".html": "html"}


class RepositoryLinks(SphinxTransform):
    """Point links that leave docs/ to the page of the site that shows the file."""

    default_priority = 10  # before Sphinx collects downloads, for which it takes such links

    def apply(self, **settings: Any) -> None:
        """Replace the links of one page."""
        docname, get_uri = self.env.docname, self.app.builder.get_relative_uri
        original = next(
            (ROOT / path for path, copy in COPIES.items() if copy == docname), Path(self.env.doc2path(docname))
        )
        for node in list(self.document.findall(_is_path)):
            place = _place(original.parent, node)
            if place.exists() and place.is_relative_to(ROOT):  # if not, Sphinx reports it
                page = _show(self.env, place.relative_to(ROOT).as_posix())
                link = nodes.reference("", "", internal=True, refuri=get_uri(docname, page))
                link += node.children
                node.replace_self(link)


def link_sources(app: Sphinx, doctree: nodes.document) -> None:
    """Add a link to its source to each function and class that a page describes."""
    for signature in doctree.findall(addnodes.desc_signature):
        found = source_of(signature.get("module"), signature.get("fullname", ""))
        if found is not None:
            path, line = found
            uri = f"{app.builder.get_relative_uri(app.env.docname, _show(app.env, path))}#line-{line}"
            text = nodes.inline("", "[source]", classes=["viewcode-link"])
            signature += nodes.reference("", "", text, internal=True, refuri=uri)


def collect_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield a page for each file and folder that a page links to and that is not a page itself."""
    wanted, highlighter = _shown(app.env), cast(StandaloneHTMLBuilder, app.builder).highlighter
    folders = {path for path in wanted if (ROOT / path).is_dir()}
    inside = {path: sorted(one for one in (ROOT / path).iterdir() if one.suffix in LANGUAGES) for path in folders}
    for path, files in inside.items():
        links = "".join(f'<li><a href="{Path(path).name}/{file.name}.html">{file.name}</a></li>' for file in files)
        yield page_of(path), _context(path, f"<ul>{links}</ul>"), "page.html"
    listed = {file.relative_to(ROOT).as_posix() for files in inside.values() for file in files}
    for path in (wanted - folders) | listed:
        language = LANGUAGES.get(Path(path).suffix, "text")
        text = (ROOT / path).read_text("utf-8")
        body = highlighter.highlight_block(text, language, linenos="inline", lineanchors="line")
        yield page_of(path), _context(path, body), "page.html"


def page_of(path: str) -> str:
    """Return the page of the site that shows a file or folder, given by its path from the root of the repository."""
    parts = Path(path).parts
    if path in PLACES:
        return PLACES[path]
    if path.startswith("elman/model/pretrained/") and path.endswith(".md"):
        return "models"
    if parts[0] == "docs" and path.endswith(".md"):
        return "/".join(parts[1:]).removesuffix(".md")
    if parts[0] == "elman" and len(parts) == 2 and (ROOT / path).is_dir():
        return f"reference/python/{parts[1]}"
    return f"source/{path}"


def source_of(module: str | None, name: str) -> tuple[str, int] | None:
    """Return the file, from the root of the repository, and the line of a function or class; None if it has none."""
    if not module or not name:
        return None
    value: Any = import_module(module)
    for part in name.split("."):
        value = getattr(value, part, None)
    value = inspect.unwrap(cast(Any, value.fget if isinstance(value, property) else value))
    try:
        path, (_, line) = inspect.getsourcefile(value), inspect.getsourcelines(value)
    except (TypeError, OSError):
        return None
    if path is None or not Path(path).is_relative_to(ROOT):
        return None
    return Path(path).relative_to(ROOT).as_posix(), line


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the links and the pages; Sphinx calls this."""
    app.add_transform(RepositoryLinks)
    app.connect("doctree-read", link_sources)
    app.connect("html-collect-pages", collect_pages)
    return {"parallel_read_safe": False}


def _is_path(node: nodes.Node) -> bool:
    """Tell whether a node is a link, written in Markdown, to a file that is not a page of docs/."""
    kinds = (addnodes.download_reference, addnodes.pending_xref)
    if not isinstance(node, kinds) or node.get("reftype") != "myst":
        return False
    return node.get("refdomain") != "doc" or Path(node["reftarget"]).is_absolute()


def _place(base: Path, node: nodes.Element) -> Path:
    target = node["reftarget"].partition("#")[0]
    return Path(f"{target}.md") if node.get("refdomain") == "doc" else (base / target).resolve()


def _shown(env: Any) -> set[str]:
    """Return the files and folders that have a page with their text."""
    return cast(set[str], env.__dict__.setdefault("repository_files", set()))


def _show(env: Any, path: str) -> str:
    """Return the page that shows a file or folder, and build one with its text if there is no other."""
    page = page_of(path)
    if page.startswith("source/"):
        _shown(env).add(path)
    return page


def _context(path: str, body: str) -> dict[str, str]:
    return {"title": path, "body": f"<h1>{html.escape(path)}</h1>{body}"}
