"""The worked examples of docs/reporting.md are what their script prints, and what the page says of them is true."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from elman.model.shipped import shipped_models
from elman.version import __version__

ROOT = Path(__file__).parents[1]
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def worked() -> ModuleType:
    spec = importlib.util.spec_from_file_location("worked", ROOT / "docs" / "examples" / "worked.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def blocks(worked: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["elman"])
        patch.setenv("COLUMNS", "100")
        found: dict[str, str] = worked.render(tmp_path_factory.mktemp("worked"))
    return found


def test_the_page_has_what_the_script_prints(worked: ModuleType, blocks: dict[str, str]) -> None:
    page = worked.PAGE.read_text("utf-8")
    made = worked.insert(page, blocks)
    assert NUMBER.sub("#", made).split() == NUMBER.sub("#", page).split()
    rounded = [[float(one) for one in NUMBER.findall(text)] for text in (made, page)]
    assert rounded[0] == pytest.approx(rounded[1], abs=1.01)  # a processor may round the last digit otherwise


def intervals(block: str) -> dict[str, list[tuple[float, float]]]:
    """Return the intervals of each label in the output of a command, one for each group, in percent."""
    found: dict[str, list[tuple[float, float]]] = {}
    for label, low, high in re.findall(r"^  (\w+) +[\d.]+% +([\d.]+)% to ([\d.]+)% ", block, re.MULTILINE):
        found.setdefault(label, []).append((float(low), float(high)))
    return found


def test_the_intervals_contain_the_shares_that_were_drawn(worked: ModuleType, blocks: dict[str, str]) -> None:
    for name, groups in (("authors", [worked.AUTHORS]), ("members", list(worked.MEMBERS.values()))):
        found = intervals(blocks[name])
        drawn = [(label, place, share) for place, shares in enumerate(groups) for label, share in shares.items()]
        missed = [one for one in drawn if not found[one[0]][one[1]][0] <= 100 * one[2] <= found[one[0]][one[1]][1]]
        assert missed == []


def test_the_intervals_overlap_where_the_page_says_so(blocks: dict[str, str]) -> None:
    found = intervals(blocks["members"])
    overlaps = {label: max(low for low, _ in both) <= min(high for _, high in both) for label, both in found.items()}
    assert overlaps == {"Polish": False, "Greek": True, "Japanese": False}


def test_the_reference_states_this_version(worked: ModuleType) -> None:
    assert worked.MODEL in shipped_models()
    assert re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE) == [__version__]
