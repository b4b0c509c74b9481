"""The page loads its modules at once, and those without DOM can run anywhere."""

import re
from pathlib import Path

import pytest

import elman

PAGE = Path(elman.__file__).parent / "server" / "page"
MODULES = {path.stem: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
PAGES = {"index": "script", "write": "write"}
WITHOUT_DOM = ["server", "tables", "words"]


def imports(module: str) -> list[str]:
    return re.findall(r'from "\./(\w+)\.js";', MODULES[module])


def reach(entry: str) -> set[str]:
    """Return a module and all that it imports."""
    reached, waiting = set[str](), [entry]
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting += set(imports(module)) - reached
    return reached


@pytest.mark.parametrize(("page", "entry"), PAGES.items())
def test_a_page_preloads_every_module_that_it_imports(page, entry):
    html = (PAGE / f"{page}.html").read_text(encoding="utf-8")
    preloads = re.findall(r'<link rel="modulepreload" href="page/(\w+)\.js">', html)
    assert f'src="page/{entry}.js"' in html
    assert sorted([*preloads, entry]) == sorted(reach(entry))


def test_every_module_is_of_a_page():
    assert set().union(*map(reach, PAGES.values())) == set(MODULES)


@pytest.mark.parametrize("module", WITHOUT_DOM)
def test_a_module_without_dom_names_no_element_and_imports_only_its_like(module):
    assert MODULES[module].split("*/")[0].count("No DOM.") == 1
    assert re.findall(r"\b(document|window|navigator|addEventListener\(\"(?!abort))\b", MODULES[module]) == []
    assert set(imports(module)) <= set(WITHOUT_DOM)


def test_every_other_module_is_about_the_dom():
    assert [module for module in set(MODULES) - set(WITHOUT_DOM) if "No DOM." in MODULES[module]] == []
