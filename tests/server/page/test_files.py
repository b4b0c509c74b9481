"""The page loads its modules at once, and those without DOM can run anywhere."""

import re
from pathlib import Path

import pytest

import elman

PAGE = Path(elman.__file__).parent / "server" / "page"
MODULES = {path.stem: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
WITHOUT_DOM = ["server", "tables", "words"]


def imports(module: str) -> list[str]:
    return re.findall(r'from "\./(\w+)\.js";', MODULES[module])


def test_the_page_preloads_every_module_that_it_imports():
    reached, waiting = set(), ["script"]
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting += set(imports(module)) - reached
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    preloads = re.findall(r'<link rel="modulepreload" href="page/(\w+)\.js">', html)
    assert reached == set(MODULES)
    assert sorted([*preloads, "script"]) == sorted(MODULES)


@pytest.mark.parametrize("module", WITHOUT_DOM)
def test_a_module_without_dom_names_no_element_and_imports_only_its_like(module):
    assert MODULES[module].split("*/")[0].count("No DOM.") == 1
    assert re.findall(r"\b(document|window|navigator|addEventListener\(\"(?!abort))\b", MODULES[module]) == []
    assert set(imports(module)) <= set(WITHOUT_DOM)


def test_every_other_module_is_about_the_dom():
    assert [module for module in set(MODULES) - set(WITHOUT_DOM) if "No DOM." in MODULES[module]] == []
