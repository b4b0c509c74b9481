"""Every package that Elman imports is one that it declares, and constraints.txt names a version of each."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import elman

PACKAGE = Path(elman.__file__).parent
ROOT = PACKAGE.parent
if not (ROOT / "pyproject.toml").exists():
    pytest.skip("needs the source", allow_module_level=True)


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {normalise(re.match(r"[\w.-]+", one)[0]) for one in requirements}


def find_imports() -> set[str]:
    """Return the names of all packages that are imported anywhere, Elman and the standard library left out."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {module.partition(".")[0] for module in modules}
    return found - {"elman", *sys.stdlib_module_names}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DECLARED = names(PROJECT["dependencies"]).union(*map(names, PROJECT["optional-dependencies"].values()))


@pytest.mark.parametrize("package", sorted(find_imports()))
def test_an_imported_package_is_declared(package):
    distributions = {normalise(name) for name in packages_distributions().get(package, [])}
    if not distributions:
        pytest.skip(f"needs {package}")
    assert distributions & DECLARED


def test_every_declared_package_has_a_version_in_the_constraints():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = names([line for line in lines if "==" in line])
    assert DECLARED - pinned - {"elman"} == set()
