"""Draw the world map of the page, one shape for each country, from Natural Earth's borders.

    npm install world-atlas@2 i18n-iso-countries@7
    python release/draw_world.py node_modules

Writes `elman/server/page/world.svg`. The borders are Natural Earth's at 1:110 million, which are in the public domain, as
the npm package world-atlas publishes them; i18n-iso-countries gives the two-letter codes of ISO 3166-1. A country that is
too small for that scale gets a dot where its largest part is at 1:50 million. The projection is Equal Earth (Šavrič,
Patterson and Jenny, 2018), which keeps areas; borders are simplified once, so that neighbours still fit.
"""

import argparse
import json
import math
import re
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "elman" / "server" / "page" / "world.svg"

WIDTH = 1000
"""The width of the picture; coordinates are whole numbers."""

TOLERANCE = 0.7
"""How far a simplified border may be from the original one, in units of the picture."""

SMALLEST = 12.0
"""The area of a country below which it gets a dot, in square units of the picture."""

RADIUS = 4

NORTH, SOUTH = 84.0, -57.0
"""The degrees that the picture ends at; Antarctica is left out."""

WEST, MIDDLE = -168.5, 11.5
"""The meridian at both edges, in Bering Strait so that no country is cut, and the one in the middle."""

WITHOUT_CODE = {"Kosovo": "XK", "N. Cyprus": "CY", "Somaliland": "SO"}
"""Codes of shapes that have none: Kosovo's is the one in use, and the others are parts of what ISO lists."""

Point = tuple[float, float]
A = (1.340264, -0.081106, 0.000893, 0.003796)  # the coefficients of Equal Earth


def project(longitude: float, latitude: float) -> Point:
    """Return where a place is on the map before it is scaled, in Equal Earth's units."""
    middle = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(latitude)))
    slope = sum(k * a * middle ** (k - 1) for k, a in zip((1, 3, 7, 9), A, strict=True))
    x = 2 * math.sqrt(3) / 3 * math.radians(longitude) * math.cos(middle) / slope
    return x, sum(a * middle**k for k, a in zip((1, 3, 7, 9), A, strict=True))


LEFT, RIGHT = project(-180.0, 0)[0], project(180.0, 0)[0]
SCALE = WIDTH / (RIGHT - LEFT)
TOP = project(0, NORTH)[1]
HEIGHT = math.ceil((TOP - project(0, SOUTH)[1]) * SCALE)


def place(longitude: float, latitude: float) -> Point:
    """Return where a place is in the picture."""
    x, y = project(longitude - MIDDLE + (360 if longitude < WEST else 0), latitude)
    return (x - LEFT) * SCALE, (TOP - y) * SCALE


def read_arcs(atlas: dict[str, Any]) -> list[list[Point]]:
    """Return the arcs of a TopoJSON file in the picture's coordinates: its points are whole steps from the last one."""
    (scale_x, scale_y), (x0, y0) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    arcs = []
    for steps in atlas["arcs"]:
        x = y = 0
        arc = []
        for dx, dy in steps:
            x, y = x + dx, y + dy
            arc.append(place(x * scale_x + x0, y * scale_y + y0))
        arcs.append(arc)
    return arcs


def simplify(points: list[Point], tolerance: float) -> list[Point]:
    """Return some of the points, first and last included, such that no other is far from the line (Douglas, Peucker)."""
    if len(points) < 3:
        return points
    (x0, y0), (x1, y1) = points[0], points[-1]
    length = math.hypot(x1 - x0, y1 - y0)

    def distance(point: Point) -> float:
        x, y = point[0] - x0, point[1] - y0
        return abs(x * (y1 - y0) - y * (x1 - x0)) / length if length else math.hypot(x, y)

    far = max(range(1, len(points) - 1), key=lambda position: distance(points[position]))
    if distance(points[far]) <= tolerance:
        return [points[0], points[-1]]
    return [*simplify(points[: far + 1], tolerance)[:-1], *simplify(points[far:], tolerance)]


def stitch(ring: list[int], arcs: list[list[Point]]) -> list[Point]:
    """Return the points of a ring, whose arcs follow each other; a negative number is an arc backwards."""
    points: list[Point] = []
    for number in ring:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc[1:] if points else arc
    return points


def area(ring: list[Point]) -> float:
    """Return the area inside a ring."""
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True))) / 2


def outlines(shape: dict[str, Any], arcs: list[list[Point]]) -> list[list[Point]]:
    """Return the rings of a shape, holes included."""
    polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
    return [stitch(ring, arcs) for polygon in polygons for ring in polygon]


def write_path(rings: list[list[Point]]) -> str:
    """Return the data of an SVG path, in whole steps from point to point; rings without an area are left out."""
    parts = []
    for ring in rings:
        whole = [(round(x), round(y)) for x, y in ring[:-1]]
        whole = [point for position, point in enumerate(whole) if point != whole[position - 1]]
        if len(whole) < 3 or not area([(float(x), float(y)) for x, y in whole]):
            continue
        steps = [(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in zip(whole, whole[1:], strict=False)]
        first, *rest = [whole[0], *steps]
        parts.append(f"M{first[0]} {first[1]}l{''.join(_pair(x, y) for x, y in rest).strip()}z")
    return "".join(parts)


def _pair(x: int, y: int) -> str:
    """Return two numbers with separators only where SVG needs them: a minus sign separates as well."""
    return f"{'' if x < 0 else ' '}{x}{'' if y < 0 else ' '}{y}"


def draw(modules: Path) -> str:
    """Return the map as SVG.

    Args:
        modules: the folder into which npm has installed both packages.
    """
    large, small = (
        json.loads((modules / "world-atlas" / f"countries-{scale}.json").read_text(encoding="utf-8"))
        for scale in ("110m", "50m")
    )
    codes = {
        number: two
        for two, _, number, *_ in json.loads((modules / "i18n-iso-countries" / "codes.json").read_text("utf-8"))
    }
    paths, dots = _draw_countries(large, codes), _draw_dots(small, codes)
    lines = [f'<path data-code="{code}" d="{"".join(parts)}"/>' for code, parts in sorted(paths.items())]
    lines += [f'<path data-code="{code}" class="dot" d="{dot(*centre)}"/>' for code, centre in sorted(dots.items())]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
    note = "<!-- Natural Earth 1:110m, public domain; Equal Earth; made by release/draw_world.py -->"
    return "\n".join([head, note, *lines, "</svg>", ""])


def _draw_countries(atlas: dict[str, Any], codes: dict[str, str]) -> dict[str, list[str]]:
    arcs = [simplify(arc, TOLERANCE) for arc in read_arcs(atlas)]
    found: dict[str, list[str]] = {}
    for shape in atlas["objects"]["countries"]["geometries"]:
        code = code_of(shape, codes)
        if code is not None and (path := write_path(outlines(shape, arcs))):
            found.setdefault(code, []).append(path)
    return found


def _draw_dots(atlas: dict[str, Any], codes: dict[str, str]) -> dict[str, Point]:
    """Return where the countries are that are too small to see."""
    arcs, sizes, centres = read_arcs(atlas), dict[str, float](), dict[str, Point]()
    for shape in atlas["objects"]["countries"]["geometries"]:
        code = code_of(shape, codes)
        if code is None or not shape.get("arcs"):
            continue
        largest = max(outlines(shape, arcs), key=area)
        sizes[code] = sizes.get(code, 0.0) + area(largest)
        centres.setdefault(code, tuple(sum(axis) / len(largest) for axis in zip(*largest, strict=True)))
    return {code: centre for code, centre in centres.items() if sizes[code] < SMALLEST}


def code_of(shape: dict[str, Any], codes: dict[str, str]) -> str | None:
    """Return the two-letter code of a shape; None for Antarctica and for shapes that are no country."""
    code = WITHOUT_CODE.get(shape["properties"]["name"]) or codes.get(str(shape.get("id")))
    return None if code == "AQ" else code


def dot(x: float, y: float) -> str:
    """Return the data of a path that is a circle around a point."""
    return f"M{round(x) - RADIUS} {round(y)}a{RADIUS} {RADIUS} 0 1 0 {2 * RADIUS} 0a{RADIUS} {RADIUS} 0 1 0-{2 * RADIUS} 0z"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", type=Path, help="the folder node_modules")
    TARGET.write_text(picture := draw(parser.parse_args().modules), encoding="utf-8")
    codes = set(re.findall('data-code="(..)"', picture))
    print(f"{TARGET.name}: {len(codes)} countries, {len(picture.encode()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
