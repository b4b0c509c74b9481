"""Write the card of the model `origins` from its figures and the counts of its data; no figure is typed by hand.

    python -m release.origins.card --figures FILE --built FOLDER [--out elman/model/pretrained/origins.md]

FILE is figures.json of `release.origins.measure`, FOLDER what the build or the audit wrote.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from release.origins.build import FEWEST
from release.origins.figures.tables import (
    TITLES,
    write_abstention,
    write_calibration,
    write_familiarity,
    write_groups,
    write_lists,
    write_own,
    write_sets,
    write_shares,
    write_surnames,
)
from release.origins.labels import Labels, read_labels

TEMPLATE, JUDGED = Path(__file__).with_name("card.md"), Path(__file__).with_name("judged.json")
CARD = Path(__file__).parents[2] / "elman" / "model" / "pretrained" / "origins.md"
LICENCES = {"nana": "Apache-2.0", "openfootball": "CC0", "goalscorers": "CC0", "faker": "MIT"}
MOST_UNMAPPED = 12
"""Words of a source that map to no origin, the most frequent ones, that the card lists."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", type=Path, required=True, help="figures.json of release.origins.measure")
    parser.add_argument("--built", type=Path, required=True, help="the folder with counts.json")
    parser.add_argument("--out", type=Path, default=CARD)
    arguments = parser.parse_args()
    figures, counts = (
        json.loads(path.read_text("utf-8")) for path in (arguments.figures, arguments.built / "counts.json")
    )
    arguments.out.write_text(write_card(figures, counts), encoding="utf-8")
    print(arguments.out)


def write_card(figures: dict[str, Any], counts: dict[str, Any]) -> str:
    """Return the card.

    Args:
        figures: what `release.origins.measure` wrote.
        counts: ``counts.json`` of the data that the model was trained on.
    """
    model, table = figures["model"], read_labels()
    judged = json.loads(JUDGED.read_text("utf-8"))
    rows = [row for row in table.rows if row.label in set(model["labels"])]
    scripts = sorted(counts["script"].items(), key=lambda item: -item[1])
    return TEMPLATE.read_text("utf-8").format(
        labels=len(model["labels"]),
        scripts=sum(script != "Latin" for script, _ in scripts),
        regions=len({row.subregion for row in rows}),
        continents=len({row.continent for row in rows}),
        network=describe_network(model["config"]),
        parameters=model["parameters"],
        megabytes=model["bytes"] / 1e6,
        sources="\n".join(
            f"| {TITLES[source]} | {number:,} | {LICENCES[source]} |" for source, number in counts["source"].items()
        ),
        **{part: counts["rows"][part] for part in ("train", "validation", "test")},
        script_counts=", ".join(f"{script} {number:,}" for script, number in scripts),
        fewest=FEWEST,
        unmapped="\n".join(list_unmapped(counts["unmapped"])),
        audit=describe_audit(counts),
        sample=judged["sample"],
        **{kind: sum(judged["judged"][kind].values()) for kind in ("full", "part")},
        **{
            f"{kind}_{verdict}": judged["judged"][kind][verdict]
            for kind in ("full", "part")
            for verdict in ("wrong", "right")
        },
        own=write_own(figures),
        **{name: figures["rival"][name] for name in ("minn", "maxn", "dim", "epoch", "lr")},
        **{name: write_groups(name)(figures) for name in ("source", "kind", "script", "length")},
        calibration=write_calibration(figures),
        sets=write_sets(figures),
        abstention=write_abstention(figures),
        familiarity=write_familiarity(figures),
        lists=write_lists(figures),
        surnames=write_surnames(figures),
        shares=write_shares(figures),
        origins="\n".join(list_origins(figures, counts, table)),
        elman=model["versions"].get("elman", "?"),
        torch=model["versions"].get("torch", "?"),
        digest=model["digest"],
    )


def describe_network(config: dict[str, Any]) -> str:
    """Return the network in a sentence.

    >>> describe_network({"cell": "gru", "hidden_size": 128, "layers": 1, "directions": 2})
    'The network: a bag of n-grams and words, and a GRU of 128 in both directions. '
    """
    if config["cell"] == "none":
        return "The network: a bag of n-grams and words. "
    both = " in both directions" if config["directions"] == 2 else ""
    return f"The network: a bag of n-grams and words, and a {config['cell'].upper()} of {config['hidden_size']}{both}. "


def list_unmapped(unmapped: dict[str, dict[str, int]]) -> list[str]:
    """Return for each source the most frequent words that map to no origin."""
    lines = []
    for source, words in unmapped.items():
        if source != "faker":  # its locales without a country are no populations
            first = list(words.items())[:MOST_UNMAPPED]
            rest = len(words) - len(first)
            more = f", and {rest} more" if rest else ""
            lines.append(f"- {TITLES[source]}: {', '.join(f'{word} {number:,}' for word, number in first)}{more}.")
    return lines


def describe_audit(counts: dict[str, Any]) -> str:
    """Return what the audit dropped."""
    if "doubtful" not in counts:
        return "The labels of this data were not audited."
    dropped = counts["doubtful"]["part"].get("train", 0)
    return (
        "A model that was trained on the other half of the names judged each of them, and by a stated rule (in "
        f"`release/origins/audit.py`) {dropped:,} training names with a doubtful label were dropped."
    )


def list_origins(figures: dict[str, Any], counts: dict[str, Any], table: Labels) -> list[str]:
    """Return the rows of the table of origins."""
    measured = {row["group"]: row for row in figures["groups"]["origin"]}
    lines, known = [], set(figures["model"]["labels"])
    for row in table.rows:
        if row.label in known:
            train, found = counts["labels"][row.label]["part"].get("train", 0), measured.get(row.label)
            shares = (
                ("–", "–") if found is None else (f"{100 * found['elman'][k]['value']:.0f}" for k in ("top_1", "top_3"))
            )
            tested = 0 if found is None else found["names"]
            cells = (row.label, row.code or "–", row.subregion, f"{train:,}", f"{tested:,}", *shares)
            lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
