"""Check of the built site: every link leads somewhere, and nothing is loaded from outside."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}
"""Attributes by which a browser loads something without being asked."""

OUTSIDE = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"')]+)""")


class Page(HTMLParser):
    """The anchors of a page, what it loads, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one tag holds."""
        values = dict(attrs)
        self.anchors.update(value for name in ("id", "name") if (value := values.get(name)))
        if (loaded := values.get(LOADING.get(tag, ""))) is not None and values.get("rel") not in ("canonical", "index"):
            self.loads.append(loaded)
        if tag == "a" and (link := values.get("href")) is not None:
            self.links.append(link)


def faults(folder: Path) -> list[str]:
    """Return what is wrong with a built site, one line for each fault."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder)
        found += [f"{name}: loads {url} from outside" for url in page.loads if _is_outside(url)]
        inside = [url for url in (*page.links, *page.loads) if not _is_outside(url)]
        found += [f"{name}: {url} leads nowhere" for url in inside if not _leads(url, path, pages)]
    for path in sorted(folder.rglob("*.css")):
        loads = OUTSIDE.findall(path.read_text("utf-8"))
        found += [f"{path.relative_to(folder)}: loads {url} from outside" for url in loads]
    return found


def check(app: Sphinx, exception: Exception | None) -> None:
    """Warn of each fault of the site, which fails a strict build."""
    if exception is None and app.builder.format == "html":
        for fault in faults(Path(app.outdir)):
            logger.warning(fault, type="site")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the check; Sphinx calls this."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True}


def _is_outside(url: str) -> bool:
    return urlsplit(url).scheme not in ("", "data") or url.startswith("//")


def _leads(url: str, path: Path, pages: dict[Path, Page]) -> bool:
    """Tell whether a link of the page at ``path`` leads to a file of the site, and to an anchor in it."""
    parts = urlsplit(url)
    if parts.scheme == "data":
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.suffix != ".html" or not parts.fragment:
        return target.is_file()
    return target in pages and unquote(parts.fragment) in pages[target].anchors
