"""The two worked examples of docs/reporting.md: tables of invented names, the commands, what they print, and sentences.

    python docs/examples/worked.py            print both examples
    python docs/examples/worked.py --write    also put them into the page, and their pictures beside it

The names are invented: each is put together from name parts below, at random. The true shares are therefore known.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import random
import re
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elman.cli import main
from elman.version import __version__

MODEL = "origins"
"""The model that answers. The names are surnames for it, and full names for any other."""

DOCS = Path(__file__).parents[1]
PAGE, PICTURES = DOCS / "reporting.md", DOCS / "pictures"
WIDTH = 100

FORENAMES = {
    "Greek": ("Eleni", "Nikos", "Katerina", "Yannis", "Despina", "Stavros"),
    "Italian": ("Giulia", "Marco", "Chiara", "Luca", "Paola", "Matteo"),
    "Japanese": ("Haruka", "Kenji", "Yumi", "Takeshi", "Naoko", "Hiroshi"),
    "Polish": ("Agnieszka", "Piotr", "Katarzyna", "Tomasz", "Magda", "Wojciech"),
}
STEMS = {
    "Greek": ("Papa", "Geor", "Nikol", "Kara", "Stav", "Theo", "Michal", "Anast", "Konst", "Dimitr"),
    "Italian": ("Mart", "Bell", "Ross", "Ferr", "Cast", "Mor", "Galli", "Pell", "Bian", "Lomb"),
    "Japanese": ("Naka", "Yama", "Taka", "Kobe", "Fuji", "Mori", "Matsu", "Ishi", "Kawa", "Hira"),
    "Polish": ("Kowal", "Nowa", "Wisni", "Zieli", "Maj", "Lewan", "Dabr", "Kamin", "Szyman", "Jablo"),
}
ENDINGS = {
    "Greek": ("opoulos", "akis", "idis", "atos"),
    "Italian": ("ini", "elli", "etti", "acci"),
    "Japanese": ("moto", "mura", "shima", "zawa"),
    "Polish": ("ski", "owicz", "czak", "czyk"),
}
EMPTY = ("", "n/a", "et al.", "4711")

AUTHORS = {"Italian": 0.42, "Polish": 0.30, "Greek": 0.18, "Japanese": 0.10}
MEMBERS = {"1990s": {"Polish": 0.70, "Greek": 0.30}, "2020s": {"Polish": 0.45, "Greek": 0.25, "Japanese": 0.30}}


def make_name(origin: str, draw: random.Random) -> str:
    """Return an invented name."""
    surname = draw.choice(STEMS[origin]) + draw.choice(ENDINGS[origin])
    return surname if MODEL == "languages" else f"{draw.choice(FORENAMES[origin])} {surname}"


def draw_names(shares: dict[str, float], size: int, draw: random.Random) -> Iterator[str]:
    """Yield invented names; one row in 25 has none that can be read."""
    for _ in range(size):
        (origin,) = draw.choices(list(shares), list(shares.values()))
        yield draw.choice(EMPTY) if draw.random() < 1 / 25 else make_name(origin, draw)


def write_tables(folder: Path) -> None:
    """Write the tables of both examples."""
    draw = random.Random(7)
    write_table(folder / "authors.csv", ("id", "name"), enumerate(draw_names(AUTHORS, 500, draw), start=1))
    members = ((name, decade) for decade, shares in MEMBERS.items() for name in draw_names(shares, 300, draw))
    write_table(folder / "members.csv", ("name", "joined"), members)


def write_table(path: Path, columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    """Write one CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


EXAMPLES = {
    "authors": (
        "head -4 authors.csv",
        f"elman estimate authors.csv --model {MODEL} --plot authors.png --out shares.csv",
    ),
    "members": (
        "head -4 members.csv",
        f"elman estimate members.csv --by joined --model {MODEL} --labels Polish,Greek,Japanese --plot members.png",
    ),
}
"""The commands of each example."""


def run(command: str) -> str:
    """Run one command in the current folder, and return what it prints."""
    program, *arguments = command.split()
    if program == "head":
        return "".join(Path(arguments[1]).read_text("utf-8").splitlines(keepends=True)[: int(arguments[0][1:])])
    out, sys.argv = io.StringIO(), [program, *arguments]
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main()
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def render(folder: Path) -> dict[str, str]:
    """Return what belongs into the page, by its marks: each example, and sentences about it.

    The tables and the pictures stay in the folder.
    """
    os.environ["COLUMNS"] = str(WIDTH)
    with contextlib.chdir(folder):
        write_tables(folder)
        blocks = {
            name: "```text\n" + "\n".join(f"$ {command}\n{run(command)}" for command in commands).rstrip() + "\n```"
            for name, commands in EXAMPLES.items()
        }
        return {**blocks, **write_sentences(*map(estimate, EXAMPLES))}


def estimate(name: str) -> dict[str, Any]:
    """Return the numbers of an example, from its command with --json."""
    command = EXAMPLES[name][1].replace("--plot", "--overwrite --json --plot")
    values: dict[str, Any] = json.loads(run(command))
    return values


def write_sentences(authors: dict[str, Any], members: dict[str, Any]) -> dict[str, str]:
    """Return the sentences of the page that have numbers."""
    (group,) = authors["groups"]
    first, last = sorted(members["groups"], key=lambda one: one["group"])
    abstained = f"{group['abstained']} ({group['abstained'] / group['read']:.1%})".replace("%", " %")
    complete = (
        f"Of {group['names']} rows, {group['missing']} had no name and the model abstained on {abstained}. Of the "
        f"others, an estimated {show(group, 'Italian', is_first=True)} have names of an Italian pattern (Elman "
        f"{__version__}, model *{MODEL}*, `elman estimate`)."
    )
    polish, before, after = show(group, "Polish", is_first=True), show(first, "Polish"), show(last, "Polish")
    alone = f"Among the authors whose names can be read, an estimated {polish} have names of a Polish pattern."
    change = (
        f"The share of names of a Polish pattern fell from an estimated {before} of those who joined in the 1990s to "
        f"{after} of those who joined in the 2020s."
    )
    points = [f"{find(one, 'Greek')['share'] * 100:.0f}" for one in (first, last)]
    warning = f'Do not write that the Greek share "fell from {points[0]} to {points[1]} %".'
    cited = (
        "The Elman founders. Elman: small recurrent networks for short sequences. "
        f"Version {__version__}. Model: {MODEL}."
    )
    return {
        "complete sentence": quote(complete),
        "sentence on authors": quote(alone),
        "sentence on members": f"{quote(change)}\n\n{warning}",
        "reference": f"```text\n{cited}\n```",
    }


def quote(text: str) -> str:
    """Return a text as a quotation of short lines."""
    return "\n".join(f"> {line}" for line in textwrap.wrap(text, WIDTH + 30))


def find(group: dict[str, Any], label: str) -> dict[str, Any]:
    """Return the share of a label in a group."""
    return next(share for share in group["shares"] if share["label"] == label)


def show(group: dict[str, Any], label: str, *, is_first: bool = False) -> str:
    """Return a share with its interval, in whole percent; the first of a text says what the interval is."""
    share, low, high = (f"{find(group, label)[key] * 100:.0f}" for key in ("share", "low", "high"))
    return f"{share} % ({'95 % interval: ' if is_first else ''}{low} to {high} %)"


def insert(page: str, blocks: dict[str, str]) -> str:
    """Return the page with each block between its two marks."""
    for name, block in blocks.items():
        marks = rf"(<!-- worked: {name} -->\n).*?(<!-- end -->)"
        page, found = re.subn(marks, lambda match, block=block: f"{match[1]}{block}\n{match[2]}", page, flags=re.DOTALL)
        assert found == 1, f"{PAGE} has no place for {name}"
    return page


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the examples and the pictures into docs/")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        blocks = render(Path(made))
        if arguments.write:
            PAGE.write_text(insert(PAGE.read_text("utf-8"), blocks), encoding="utf-8")
            for name in EXAMPLES:
                (PICTURES / f"{name}.png").write_bytes((Path(made) / f"{name}.png").read_bytes())
    print("\n\n".join(blocks.values()))
