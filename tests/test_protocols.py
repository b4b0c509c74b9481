"""Figures that several pages state are the same on all of them, and each page states the protocol of its figures."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from elman.data.reading import read_named
from elman.data.splits import ceiling
from elman.training.comparison import tutorial_recipes
from elman.training.tasks.registry import build_task

ROOT = Path(__file__).parents[1]
BENCHMARKS, README = ((ROOT / name).read_text("utf-8") for name in ("benchmarks/README.md", "README.md"))
CARD = (ROOT / "elman" / "model" / "pretrained" / "languages.md").read_text("utf-8")


def find_row(text: str, begin: str) -> list[str]:
    """Return the cells of the one row of a table that begins so, without their first one."""
    (row,) = re.findall(rf"^\| {re.escape(begin)}[^|]*\|(.*)\|$", text, re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


@pytest.mark.parametrize("name", ["t1", "t2a", "t2b", "t5"])
def test_a_tutorial_and_readme_have_the_figures_of_the_benchmarks(name: str) -> None:
    _, reported, reproduced, own, _ = find_row(BENCHMARKS, f"{name} ")
    in_readme = find_row(README, f"[T{name[1]}]")
    assert reported in in_readme[1] and reproduced.removesuffix(" %") in in_readme[2] and own in in_readme[3]
    page = (ROOT / "docs" / "tutorials" / f"{name[:2]}.md").read_text("utf-8")
    figures = page.partition("## The figures")[2]
    assert reproduced in figures and own in find_row(figures, "Elman's default")


@pytest.mark.parametrize("protocol", ["stratified10", "stratified20", "grouped10", "elman-hand", "elman-hand-plain"])
def test_readme_has_the_rows_of_the_benchmarks(protocol: str) -> None:
    rows = [re.findall(rf"^.*accuracy\.py {protocol}` \|$", text, re.MULTILINE) for text in (README, BENCHMARKS)]
    assert rows[0] == rows[1] and len(rows[0]) == 1


def test_the_card_has_the_figures_of_the_benchmarks() -> None:
    own, baseline = (cell.strip("*") for cell in find_row(BENCHMARKS, "the same with 64 hidden units")[:2])
    assert f"finds {own} against the baseline's {baseline}" in " ".join(CARD.split())


def test_the_parts_and_the_ceilings_on_the_pages_are_those_of_the_splits(real_names: Path) -> None:
    reading = read_named("languages", real_names)
    recipes = {recipe.name: recipe.config for recipe in tutorial_recipes()}
    for page, name, row in (("t1", "t1", "T1"), ("t5", "t5", "T5"), ("t1", "elman-grouped", "Elman's default")):
        task = build_task(reading, replace(recipes[name], name=name, split_seed=0))
        stated = find_row((ROOT / "docs" / "tutorials" / f"{page}.md").read_text("utf-8"), row)
        sizes = ", ".join(f"{size:,}" for size in task.sizes.values())
        assert stated[1:3] == [sizes, f"{100 * ceiling(task.split.test):.1f} %"]
