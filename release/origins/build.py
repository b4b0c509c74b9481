"""Build the data of the model `origins`: train, validation and test, with counts by label, source and script.

    python -m release.origins.build --nana WHEEL --data FOLDER --out FOLDER [--without SOURCE …] [--without-labels N]

WHEEL is name2nat 0.5.1; FOLDER holds the files of the other sources. `release/README.md` says where they come from.
"""

import argparse
import csv
import json
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from release.origins.drawing import read_drawn
from release.origins.labels import Labels, read_labels
from release.origins.rows import PARTS, Row, key_of, part_of, share_of
from release.origins.sources import FAKER, PLAYERS, SOURCES, read_nana, read_parts, read_players

FEWEST = 200
"""A label with fewer names than this, in all parts together, is left out."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nana", type=Path, required=True, help="the wheel of name2nat 0.5.1")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the other sources' files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--without", choices=SOURCES, nargs="+", help="hold sources out: their names go to held_out.csv"
    )
    parser.add_argument("--without-labels", type=int, default=0, metavar="N", help="leave N origins out")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    started = time.perf_counter()
    labels, unmapped = read_labels(), {source: Counter[str]() for source in SOURCES}
    parts = collect(labels, unmapped, arguments.nana, arguments.data, arguments.seed)
    if arguments.without:
        parts = hold_out_sources(parts, arguments.without)
    parts = enough({part: without_repeats(rows) for part, rows in parts.items()})
    if arguments.without_labels:
        parts = leave_labels_out(parts, arguments.without_labels, arguments.seed)
    counts = {**count(parts), "unmapped": {source: dict(words.most_common()) for source, words in unmapped.items()}}
    write(parts, counts, arguments.out)
    print_counts(counts)
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(f"{size / 1e6:.1f} MB in {time.perf_counter() - started:.0f} s")


def collect(
    labels: Labels, unmapped: dict[str, Counter[str]], nana: Path, data: Path, seed: int
) -> dict[str, list[Row]]:
    """Return the rows of all sources in the three parts of the split; some names are in several sources."""
    parts: dict[str, list[Row]] = {part: [] for part in PARTS}
    taken: dict[str, str] = {}
    stored = [*read_nana(nana, labels, unmapped["nana"])]
    for source, file in PLAYERS.items():
        stored.extend(read_players(data / file, source, labels, unmapped[source]))
    for row in stored:
        key = key_of(row.name)
        if key:
            taken[key] = part_of(key, seed)
            parts[taken[key]].append(row)
    for where, row in read_drawn(read_parts(data / FAKER, labels, unmapped["faker"]), labels, taken, seed):
        parts[where].append(row)
    return parts


def without_repeats(rows: Iterable[Row]) -> list[Row]:
    """Return the rows without those whose name (case folded) and label an earlier row has."""
    seen, kept = set(), []
    for row in rows:
        identity = row.name.casefold(), row.label
        if identity not in seen:
            seen.add(identity)
            kept.append(row)
    return kept


def enough(parts: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Return the parts without the labels that have fewer than `FEWEST` names."""
    sizes = Counter(row.label for rows in parts.values() for row in rows)
    return {part: [row for row in rows if sizes[row.label] >= FEWEST] for part, rows in parts.items()}


def hold_out_sources(parts: dict[str, list[Row]], sources: Collection[str]) -> dict[str, list[Row]]:
    """Return the parts without some sources, and as `held_out` their names whose key no other source has."""
    rest = {part: [row for row in rows if row.source not in sources] for part, rows in parts.items()}
    known = {key_of(row.name) for rows in rest.values() for row in rows}
    own = (row for rows in parts.values() for row in rows if row.source in sources)
    return {**rest, "held_out": [row for row in own if key_of(row.name) not in known]}


def leave_labels_out(parts: dict[str, list[Row]], number: int, seed: int) -> dict[str, list[Row]]:
    """Return the parts without some labels, chosen by hash, one a subregion; and as `left_out` the names of these."""
    chosen = choose_labels({row.label for row in parts["train"]}, number, seed)
    rest = {part: [row for row in rows if row.label not in chosen] for part, rows in parts.items()}
    left = [row for rows in parts.values() for row in rows if row.label in chosen]
    return {**rest, "left_out": left}


def choose_labels(present: set[str], number: int, seed: int) -> set[str]:
    """Return labels of different subregions, in an order that the seed decides."""
    subregion, chosen = read_labels().subregion, {}
    for label in sorted(present, key=lambda label: share_of(label, seed)):
        chosen.setdefault(subregion[label], label)
    return set(list(chosen.values())[:number])


def count(parts: dict[str, list[Row]]) -> dict[str, Any]:
    """Return how many names each label has by part, source, script and kind."""
    tables: dict[str, dict[str, Counter[str]]] = {
        name: defaultdict(Counter) for name in ("part", "source", "script", "kind")
    }
    for part, rows in parts.items():
        for row in rows:
            tables["part"][row.label][part] += 1
            tables["source"][row.label][row.source] += 1
            tables["script"][row.label][row.script] += 1
            tables["kind"][row.label][row.kind] += 1
    labels = sorted(tables["part"])
    return {
        "rows": {part: len(rows) for part, rows in parts.items()},
        "labels": {label: {name: dict(table[label]) for name, table in tables.items()} for label in labels},
        **{name: dict(sum((table[label] for label in labels), Counter())) for name, table in tables.items()},
    }


def write(parts: dict[str, list[Row]], counts: dict[str, Any], out: Path) -> None:
    """Write one CSV file a part and `counts.json`."""
    out.mkdir(parents=True, exist_ok=True)
    for part, rows in parts.items():
        with (out / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(Row._fields)
            writer.writerows(rows)
    (out / "counts.json").write_text(json.dumps(counts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def print_counts(counts: dict[str, Any]) -> None:
    """Print the table of labels, and what maps nowhere."""
    for label, tables in counts["labels"].items():
        cells = (", ".join(f"{name} {number}" for name, number in table.items()) for table in tables.values())
        print(f"{label}: {' | '.join(cells)}")
    print(f"{len(counts['labels'])} labels; rows: {counts['rows']}; scripts: {counts['script']}")
    for source, words in counts["unmapped"].items():
        print(f"{source}, not mapped: {', '.join(f'{word} {number}' for word, number in words.items())}")


if __name__ == "__main__":
    main()
