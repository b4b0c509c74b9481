"""The map of the page: the script that draws it, and what it has drawn."""

import importlib.util
import re
from pathlib import Path

import pytest

import elman

ROOT = Path(__file__).parents[1]
WORLD = Path(elman.__file__).parent / "server" / "page" / "world.svg"


@pytest.fixture(scope="module")
def draw_world():
    spec = importlib.util.spec_from_file_location("draw_world", ROOT / "release" / "draw_world.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_map_is_small_and_has_every_country_once_or_as_a_dot():
    picture = WORLD.read_text(encoding="utf-8")
    assert len(picture.encode()) <= 60_000
    shapes = re.findall(r'<path data-code="([A-Z]{2})" d=', picture)
    dots = re.findall(r'<path data-code="([A-Z]{2})" class="dot"', picture)
    assert len(shapes) == len(set(shapes)) > 160 and len(dots) == len(set(dots))
    assert {"JP", "GB", "XK", "RU", "ZA"} <= set(shapes) and {"MT", "SG", "CV"} <= set(dots)
    assert not re.search("script|href|style|https?://(?!www.w3.org/2000/svg)", picture)


def test_equal_earth_projects_the_equator_and_the_pole_as_published(draw_world):
    assert draw_world.project(180, 0) == pytest.approx((2.7066299836960748, 0))  # d3-geo's geoEqualEarth, scale 1
    assert draw_world.project(0, 90)[1] == pytest.approx(1.3173627591574133)


def test_a_simplified_line_keeps_its_ends_and_its_corner(draw_world):
    line = [(0.0, 0.0), (5.0, 0.1), (10.0, 0.0), (10.0, 10.0)]
    assert draw_world.simplify(line, 0.5) == [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)]


def test_arcs_backwards_close_a_ring_that_is_written_in_whole_steps(draw_world):
    arcs = [[(0.0, 0.0), (4.0, 0.0), (4.0, 4.2)], [(0.0, 0.0), (0.0, 4.0), (4.0, 4.2)]]
    ring = draw_world.stitch([0, ~1], arcs)
    assert ring == [(0.0, 0.0), (4.0, 0.0), (4.0, 4.2), (0.0, 4.0), (0.0, 0.0)]
    assert draw_world.write_path([ring]) == "M0 0l4 0 0 4-4 0z"
