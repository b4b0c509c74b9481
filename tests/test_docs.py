"""What the README and the pages claim is run, and what the package offers is on a page."""

import importlib
import json
import pkgutil
import re
import shlex
from pathlib import Path

import command_reference
import module_reference
import pytest

import elman
from elman.cli import main
from elman.prediction.pronouncer import pronounce

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), ROOT / "CONTRIBUTING.md"]
COPIED = [ROOT / "CHANGELOG.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "elman").rglob("*.md"))]
GUIDES = "\n".join(page.read_text("utf-8") for page in PAGES if "reference" not in page.parts)
COMMANDS = sorted(command_reference.commands())
STEMS = ("ka", "mi", "ta", "no", "ri", "se", "yo", "ha", "ku", "ma", "pe", "lo", "da", "vi", "zu", "xe", "bo", "gi")
QUICK = {"hello": ["--epochs", "1"]}  # its state is itself the score, so its size is given
OTHERWISE = ["--epochs", "1", "--hidden-size", "8"]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def sessions(page: Path) -> list[tuple[str, str]]:
    """Return each command of the page's console blocks with the output that the page shows."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    pieces = [piece.partition("\n") for block in blocks for piece in block.split("$ ")[1:]]
    return [(command, output) for command, _, output in pieces]


def directives(name: str) -> list[str]:
    """Return the arguments of all directives of one name in the reference; "" for a directive without any."""
    texts = [page.read_text("utf-8") for page in sorted((DOCS / "reference").rglob("*.md"))]
    return [one.strip() for text in texts for one in re.findall(rf"^```{{{name}}}(.*)$", text, re.MULTILINE)]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    endings = {"Japanese": "moto", "Greek": "akis", "Polish": "owski"}
    rows = [f"{stem}{end},{label}" for label, end in endings.items() for stem in STEMS]
    (tmp_path / "people.csv").write_text("\n".join(["surname,country", *rows]), encoding="utf-8")
    sources = [row.partition(",")[0] for row in rows]
    sounds = [" ".join("AH" if letter in "aeiou" else "K" for letter in source) for source in sources]
    lines = [f"{source}\t{sound}" for source, sound in zip(sources, sounds, strict=True)]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines), encoding="utf-8")
    lines = [f"{source},{source[::-1]},2" for source in sources]
    (tmp_path / "pairs.csv").write_text("\n".join(["name,spelling,times", *lines]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if sessions(page)], ids=name_of)
def test_every_command_of_a_page_runs_and_prints_what_the_page_shows(
    page: Path, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, shown in sessions(page):
        arguments = shlex.split(command)[1:]
        slow = arguments[0] in ("train", "compare") and "--resume" not in arguments
        more = [] if not slow else OTHERWISE[:2] if "--init" in arguments else QUICK.get(arguments[1], OTHERWISE)
        monkeypatch.setattr("sys.argv", ["elman", *arguments, *more])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        assert stopped.value.code == 0, f"{command}: {printed.err}"
        if shown:
            assert printed.out == shown


@pytest.mark.parametrize("page", [*PAGES, *COPIED], ids=name_of)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_place_in_the_reference(command: str) -> None:
    assert command.removeprefix("elman").strip() in directives("command")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_of_a_command_has_its_help_and_every_option(command: str) -> None:
    found, _ = command_reference.commands()[command]
    text = command_reference.render(command)
    assert " ".join(found.help.split()[:4]) in text
    assert [option for option in command_reference.options(command) if not re.search(rf"{option}\b", text)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained_in_a_guide(command: str) -> None:
    missing = [one for one in command_reference.options(command) if not re.search(rf"{one}(?![\w-])", GUIDES)]
    assert missing == [], "say in a page of docs/ what it is for"


def test_every_public_name_is_on_the_page_of_the_python_interface() -> None:
    page = (DOCS / "reference" / "python.md").read_text("utf-8")
    named = re.findall(r"^\.\. auto\w+:: elman\.(\w+)$", page, re.MULTILINE)
    assert sorted(named) == sorted(elman.__all__)


def test_every_module_with_a_public_name_is_in_the_reference() -> None:
    listed = [name for text in directives("modules") for name in text.split()]
    described = {*directives("package"), *(module for name in listed for module in module_reference.modules(name))}
    found = {one.name for one in pkgutil.walk_packages(elman.__path__, "elman.") if one.name != "elman.__main__"}
    defining = {name for name in found if module_reference.defines(importlib.import_module(name))}
    assert {name for name in defining - described if not name.startswith("elman.cli")} == set()
    assert described <= found


def test_packages_import_no_more_than_the_page_on_design_says() -> None:
    rows = re.findall(
        r"^\| \[(\w+)\]\(reference/[^|]*\|[^|]*\|([^|]*)\|$", (DOCS / "design.md").read_text("utf-8"), re.MULTILINE
    )
    stated = {package: set(re.findall(r"\w+", imports)) for package, imports in rows}
    assert stated.keys() == {path.parent.name for path in (ROOT / "elman").glob("*/__init__.py")}
    for package in stated.keys() - {"cli"}:
        texts = [path.read_text("utf-8") for path in (ROOT / "elman" / package).rglob("*.py")]
        imported = {name for text in texts for name in re.findall(r"\b(?:from|import) elman\.(\w+)", text)}
        assert imported & stated.keys() <= stated[package] | {package}, package


def test_ci_and_contributing_use_the_test_command_of_the_readme() -> None:
    command = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.endswith("-m pytest"))
    _, install, run = (part.strip().replace(".venv/", "") for part in command.split("&&"))
    script = (ROOT / ".ci" / "run").read_text().replace('"$scratch/dev/', "").replace('bin/pip"', "bin/pip")
    assert install.removeprefix("bin/pip ").replace("install ", "") in script.replace("install -q ", "")
    assert run.removeprefix("bin/python ") in script
    assert command in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_tree_of_the_readme_names_every_module_under_its_folder() -> None:
    tree = (ROOT / "README.md").read_text().split("```\nelman/\n")[1].split("\ntests/")[0]
    named, folders = set(), ["elman"]
    for line in tree.splitlines():
        if entry := re.match(r"( +)(\w+)/ ", line):
            folders = [*folders[: len(entry[1]) // 2], entry[2]]
        elif ".py" in line:
            named |= {f"elman/{name}" for name in re.findall(r"\w+\.py\b", line)}
        elif "──" not in line:
            names = re.sub(r"\([^)]*\)", "", line).split("·")
            named |= {"/".join([*folders, f"{name.strip()}.py"]) for name in names}
    modules = {path.relative_to(ROOT) for path in (ROOT / "elman").rglob("*.py")}
    assert named == {path.as_posix() for path in modules if path.name != "__init__.py" or len(path.parts) == 2}


def test_the_response_on_the_page_of_the_service_is_that_of_the_model() -> None:
    page = (ROOT / "docs" / "serve.md").read_text("utf-8")
    block = re.findall(r'```text\n(\{"model": "origins".+?)```', page, re.DOTALL)[0]
    name = re.findall(r'"name": "([^"]+)"', block)[0]
    prediction = elman.load("origins").predict(name, top=2)
    shown = re.findall(r'"label": "([^"]+)", "probability": ([0-9.]+)', block)
    own = [(one.label, f"{one.probability:.4f}") for one in prediction.top]
    assert shown == [own[0], *own, own[0]]
    assert f'"familiar": {prediction.familiar:.4f}' in block


def test_the_pronunciations_on_the_page_of_the_service_are_those_of_the_model() -> None:
    page = (ROOT / "docs" / "serve.md").read_text("utf-8")
    request = re.findall(r"/v1/pronounce .+ -d '(\{.+\})'", page)[0]
    shown = json.loads(re.findall(r'```text\n(\{"model": "pronunciation".+?)```', page, re.DOTALL)[0])
    spoken = pronounce(elman.load("pronunciation"), **json.loads(request))
    own = json.loads(json.dumps([one.to_dict() for one in spoken]), parse_float=lambda number: round(float(number), 4))
    assert shown == {"model": "pronunciation", "pronunciations": own}
