"""A missing package becomes one line that says what to install, and only one module does this."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import elman
from elman.errors import MissingExtraError
from elman.extras import PACKAGES, PURPOSES, driver, extra, missing

ROOT = Path(elman.__file__).parent
PYPROJECT = ROOT.parent / "pyproject.toml"
CATCHERS = {
    "extras.py",
    "cli/__init__.py",
    "tables/columnar/arrays.py",
}  # the command line turns any missing package into one line


def test_the_extras_are_those_of_the_package():
    declared = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    assert PURPOSES.keys() == declared.keys() - {"dev"}


@pytest.mark.parametrize("name", PURPOSES)
def test_a_missing_package_is_named_with_its_extra(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError) as error, extra(name):
        import sklearn.linear_model  # noqa: F401
    assert str(error.value) == f"{PURPOSES[name]} needs the package scikit-learn: pip install 'elman[{name}]'"
    assert error.value.__suppress_context__


def test_the_message_can_name_another_purpose():
    error = missing("matplotlib.figure", "train", purpose="drawing pictures")
    assert str(error) == "drawing pictures needs the package matplotlib: pip install 'elman[train]'"


@pytest.mark.parametrize(("module", "package"), [*PACKAGES.items(), ("python_multipart", "python-multipart")])
def test_messages_name_packages_as_pip_knows_them(module, package):
    assert f" {package}: pip" in str(missing(f"{module}.part", "tables"))


def test_a_module_that_exists_is_imported():
    with extra("tables"):
        import json
    assert json.loads("1") == 1


def test_a_missing_module_of_elman_is_not_a_missing_extra():
    with pytest.raises(ModuleNotFoundError) as error, extra("tables"):
        import elman.nonexistent  # noqa: F401
    assert not isinstance(error.value, MissingExtraError)


def test_another_failure_to_import_is_not_a_missing_extra():
    with pytest.raises(ImportError) as error, extra("tables"):
        from json import nonexistent  # noqa: F401
    assert not isinstance(error.value, MissingExtraError)


@pytest.mark.parametrize(("module", "package"), [("psycopg2", "psycopg2-binary"), (None, "psycopg[binary]")])
def test_a_missing_driver_is_named_with_its_package(module, package):
    with pytest.raises(MissingExtraError) as error, driver("psycopg", place="postgresql://host"):
        raise ImportError("no shared library", name=module)
    assert str(error.value) == f"postgresql://host: needs the driver {package}: pip install '{package}'"


def test_a_missing_extra_inside_a_driver_keeps_its_message():
    with pytest.raises(MissingExtraError, match="serving needs"), driver("psycopg", place="x"):
        raise missing("fastapi", "serve")


def nodes() -> list[tuple[str, ast.AST]]:
    """Return every syntax node of the package with the file it is in."""
    paths = sorted(ROOT.rglob("*.py"))
    return [
        (path.relative_to(ROOT).as_posix(), node)
        for path in paths
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    ]


def test_import_errors_are_caught_in_one_module():
    caught = {
        file
        for file, node in nodes()
        if isinstance(node, ast.ExceptHandler)
        and node.type is not None
        and {"ImportError", "ModuleNotFoundError"}
        & {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)}
    }
    assert caught == CATCHERS


def test_every_use_names_a_known_extra():
    calls = [
        (file, ast.unparse(node.args[position]))
        for file, node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and (position := {"extra": 0, "missing": 1}.get(node.func.id)) is not None
        and len(node.args) > position
    ]
    names = {repr(name) for name in PURPOSES}
    unknown = [(file, name) for file, name in calls if file != "extras.py" and name not in names]
    assert calls and unknown == []


def test_a_missing_torch_is_named_with_its_smaller_build():
    message = str(missing("torch.nn", "train"))
    assert message == (
        "training needs the package torch: pip install 'elman[train]'; on a machine without a GPU first pip install "
        "torch --index-url https://download.pytorch.org/whl/cpu"
    )


@pytest.mark.parametrize(
    ("command", "picture"),
    [(("explain", "Nakamura", "--plot"), "explained.png"), (("models", "show", "languages", "--plot"), "network.png")],
)
def test_pictures_of_a_model_need_matplotlib_alone(tmp_path, command, picture):
    def draw(*missing_packages: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-c", "import bare_python, elman.cli; elman.cli.main()", *command, picture]
        missing = ",".join(("torch", "sklearn", "scipy", "pooch", *missing_packages))
        paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
        environment = {**os.environ, "ELMAN_TEST_MISSING": missing, "PYTHONPATH": paths}
        return subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    done = draw()
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    refused = draw("matplotlib")
    assert refused.returncode == 2
    assert refused.stderr == "elman: drawing a picture needs the package matplotlib: pip install 'elman[plot]'\n"
