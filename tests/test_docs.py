"""What the README and the pages claim is run: commands with their output, and every option that they name."""

import re
import shlex
from pathlib import Path

import pytest

from elman.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]
STEMS = ("ka", "mi", "ta", "no", "ri", "se", "yo", "ha", "ku", "ma", "pe", "lo", "da", "vi", "zu", "xe", "bo", "gi")
QUICK = {"hello": ["--epochs", "1"]}  # its state is itself the score, so its size is given
OTHERWISE = ["--epochs", "1", "--hidden-size", "8"]


def sessions(page: Path) -> list[tuple[str, str]]:
    """Return each command of the page's console blocks with the output that the page shows."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    pieces = [piece.partition("\n") for block in blocks for piece in block.split("$ ")[1:]]
    return [(command, output) for command, _, output in pieces]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    endings = {"Japanese": "moto", "Greek": "akis", "Polish": "owski"}
    rows = [f"{stem}{end},{label}" for label, end in endings.items() for stem in STEMS]
    (tmp_path / "people.csv").write_text("\n".join(["surname,country", *rows]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_runs_and_prints_what_the_page_shows(
    page: Path, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, shown in sessions(page):
        arguments = shlex.split(command)[1:]
        slow = arguments[0] in ("train", "compare") and "--resume" not in arguments
        monkeypatch.setattr("sys.argv", ["elman", *arguments, *(QUICK.get(arguments[1], OTHERWISE) if slow else [])])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        assert stopped.value.code == 0, f"{command}: {printed.err}"
        if shown:
            assert printed.out == shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_ci_and_contributing_use_the_test_command_of_the_readme() -> None:
    command = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.endswith("-m pytest"))
    _, install, run = (part.strip().replace(".venv/", "") for part in command.split("&&"))
    script = (ROOT / ".ci" / "run").read_text().replace('"$scratch/dev/', "").replace('bin/pip"', "bin/pip")
    assert install.removeprefix("bin/pip ").replace("install ", "") in script.replace("install -q ", "")
    assert run.removeprefix("bin/python ") in script
    assert command in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_tree_of_the_readme_names_every_module() -> None:
    tree = (ROOT / "README.md").read_text().split("```\nelman/")[1].split("```")[0]
    modules = [path for path in (ROOT / "elman").rglob("*.py") if not path.name.startswith("__")]
    missing = [path.name for path in modules if path.parent.name != "cli" and path.name not in tree]
    assert missing == []
