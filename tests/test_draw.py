"""The pictures of the learners' pages are what their command draws, and every learners' page has some."""

import re
from pathlib import Path

import draw
import numpy as np
import pytest
from PIL import Image

from elman.evaluation.figures import save_figure

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS / "by-hand.md", DOCS / "shapes.md", *sorted((DOCS / "tutorials").glob("*.md"))]


@pytest.mark.parametrize("name", draw.DRAWN)
def test_a_picture_of_the_docs_is_what_the_command_draws(name: str, tmp_path: Path) -> None:
    save_figure(draw.DRAWN[name](), tmp_path / "drawn.png")
    with Image.open(tmp_path / "drawn.png") as drawn, Image.open(draw.PICTURES / f"{name}.png") as stored:
        assert drawn.size == stored.size
        difference = np.abs(np.asarray(drawn, float) - np.asarray(stored, float))
    assert difference.mean() < 1, f"draw it again: python docs/examples/draw.py {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_learners_page_has_pictures_with_a_description_and_a_caption(page: Path) -> None:
    found = re.findall(r"^!\[([^\]]*)\]\(([^)]*)\)\n\n(\*?)", page.read_text("utf-8"), re.MULTILINE)
    assert found, "python docs/examples/draw.py draws pictures"
    for description, file, caption in found:
        assert len(description) > 30 and caption == "*", file
        assert Path(file).stem in draw.DRAWN, file


def test_every_picture_is_on_a_page() -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES)
    assert [name for name in draw.DRAWN if f"pictures/{name}.png" not in text] == []


def test_a_gate_that_is_open_lets_more_of_the_gradient_through() -> None:
    half, opened = (draw.measure_gradients(draw.LSTMCell(), orthogonal=True, gate=gate) for gate in (None, draw.FORGET))
    plain = draw.measure_gradients(draw.ElmanCell(), orthogonal=False)
    assert half[0] == opened[0] == 1 and opened[-1] > 0.1 > 1e-6 > half[-1] > plain[-1]
