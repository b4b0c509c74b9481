"""Measure a model of origins: every figure of its card, as JSON and as tables, beside fastText on the same training data.

    python -m release.origins.measure --model FILE --built FOLDER --out FOLDER
        [--held-out FOLDER FILE] ... [--left-out FOLDER FILE] [--lists FOLDER]

FILE is a model that `release.origins.finish` wrote, FOLDER of --built the data that it was trained on. --held-out names
a build `--without SOURCE` and the model that was trained on it, --left-out a build `--without-labels N` and its model,
--lists a folder with the packages of lists that release/README.md names. What is not given is not measured, and the
tables say so. fastText's models are kept in --out, so that a second run takes less time; that folder holds words of
names and is not for publication, except for figures.json and figures.md.
"""

import argparse
import json
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import elman
from benchmarks.shares import Pool, list_estimates, measure_mixtures
from elman.evaluation.conformal import measure_sets
from elman.model.file import Artifact
from elman.model.hierarchy import AUTO
from elman.model.prior import BALANCED, assumed_shares
from elman.prediction.predictor import Predictor
from release.origins.audit import read_rows
from release.origins.figures.answers import (
    Answers,
    ask_model,
    compare_ranks,
    describe_share,
    length_of,
    place_labels,
    score_abstention,
    score_calibration,
    score_groups,
    score_labels,
    score_names,
)
from release.origins.figures.lists import FEWEST, Surnames, balance, read_lists, read_surnames
from release.origins.figures.novelty import compare_familiarity
from release.origins.figures.rival import NAME, SETTINGS, Rival, take_prior_out, train_rival
from release.origins.figures.tables import write_tables
from release.origins.labels import read_labels
from release.origins.nonnames import make_nonnames
from release.origins.rows import Row, key_of

OURS = "elman"
FIGURES, TABLES, RIVALS = "figures.json", "figures.md", "rivals"
DRAWS = 200
"""Bootstrap samples of the interval of macro-F1."""

MOST_KNOWN, NONNAMES = 20_000, 5_000
"""Names of the test part, and strings that are no names, for the areas under the ROC curve."""

MOST_SURNAMES = 2000
"""The most surnames of a list; lists by frequency begin with the most frequent ones."""

SIZES, MIXTURES = (50, 500, 5000), 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--built", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    pair: dict[str, Any] = {"type": Path, "nargs": 2, "metavar": ("FOLDER", "FILE")}
    parser.add_argument("--held-out", action="append", default=[], help="a build --without, and its model", **pair)
    parser.add_argument("--left-out", help="a build --without-labels, and its model", **pair)
    parser.add_argument("--lists", type=Path, help="the folder of the packages with lists")
    parser.add_argument("--mixtures", type=int, default=MIXTURES, help="of each size; 0: no shares of groups")
    parser.add_argument("--epochs", type=int, default=SETTINGS["epoch"], help="of fastText")
    arguments = parser.parse_args()
    folder = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    figures = measure_all(arguments)
    (folder / FIGURES).write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / TABLES).write_text(write_tables(figures), encoding="utf-8")
    print(f"{folder / FIGURES}, {folder / TABLES}")


def measure_all(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all figures that the arguments of the command ask for."""
    predictor, rivals, clock = elman.load(arguments.model), arguments.out / RIVALS, Clock()
    settings = {"epoch": arguments.epochs}
    train = read_rows(arguments.built / "train.csv")
    validation, test = (
        select(read_rows(arguments.built / f"{part}.csv"), predictor) for part in ("validation", "test")
    )
    rival = train_rival(train, predictor.labels, rivals, **settings)
    clock.say("fastText trained")
    answers = {OURS: ask_model(predictor, names_of(test)), NAME: rival.ask(names_of(test))}
    clock.say("test part answered")
    figures = {
        "model": describe_model(predictor, arguments.model),
        "rival": {**SETTINGS, **settings},
        **measure_own(predictor, answers, test),
        "lists": {},
    }
    clock.say("test part scored")
    figures["nonnames"] = measure_nonnames(predictor, test)
    if arguments.left_out:
        figures["left_out"] = measure_left_out(*arguments.left_out)
    clock.say("familiarity measured")
    for built, model in arguments.held_out:
        found = measure_held_out(built, elman.load(model), rivals, settings)
        figures["lists"] |= found
        clock.say(f"measured: {', '.join(found)}")
    if arguments.lists:
        known = {key_of(row.name) for row in train}
        figures["lists"] |= measure_lists(predictor, rival, arguments.lists, known)
        figures["surnames"] = [
            measure_surnames(predictor, rival, one, known) for one in read_surnames(arguments.lists, read_labels())
        ]
        clock.say("lists measured")
    if arguments.mixtures:
        of_validation = make_pool(ask_model(predictor, names_of(validation)), validation)
        pool = make_pool(answers[OURS], test)
        figures["shares"] = measure_shares(predictor, of_validation, pool, mixtures=arguments.mixtures)
        clock.say("shares of groups measured")
    return figures


class Clock:
    """Says how long each step took."""

    def __init__(self) -> None:
        self.last = time.perf_counter()

    def say(self, what: str) -> None:
        """Print what was done, and the seconds since the last step."""
        now = time.perf_counter()
        print(f"{what}: {now - self.last:.0f} s", flush=True)
        self.last = now


def describe_model(predictor: Predictor, path: Path) -> dict[str, Any]:
    """Return what the tables say of the model itself."""
    artifact = predictor.artifact
    return {
        "name": predictor.name,
        "labels": list(predictor.labels),
        "parameters": artifact.parameters,
        "bytes": path.stat().st_size,
        "digest": artifact.digest,
        "temperature": artifact.temperature,
        "config": {name: getattr(artifact.config, name) for name in ("cell", "hidden_size", "layers", "directions")},
        "versions": artifact.provenance.get("versions", {}),
        "epochs": artifact.provenance.get("epochs"),
    }


def names_of(rows: Sequence[Row]) -> list[str]:
    """Return the names of rows."""
    return [row.name for row in rows]


def select(rows: Sequence[Row], predictor: Predictor) -> list[Row]:
    """Return the rows whose label the model has."""
    labels = set(predictor.labels)
    return [row for row in rows if row.label in labels]


def measure_own(predictor: Predictor, answers: dict[str, Answers], rows: Sequence[Row]) -> dict[str, Any]:
    """Return the figures of the test part: scores of both, groups, calibration, sets and abstention."""
    levels, sets = predictor.artifact.levels, predictor.artifact.sets
    if levels is None or sets is None:
        raise ValueError(f"{predictor.name}: has no levels or sets; finish it with release.origins.finish")
    truth, own = place_labels(rows, predictor.labels), answers[OURS]
    answered = own.answered
    ranks = {name: one.rank(truth) for name, one in answers.items()}
    regions = {
        level: {
            name: one.sum_levels(levels, level).rank(levels.place_labels(level)[truth]) for name, one in answers.items()
        }
        for level in levels.names[1:]
    }
    region_of = levels.groups[0]
    groups = {
        "origin": [row.label for row in rows],
        "region": [region_of[place] for place in truth],
        "script": [row.script for row in rows],
        "source": [row.source for row in rows],
        "length": [length_of(row) for row in rows],
        "kind": [row.kind for row in rows],
    }
    return {
        "own": {
            "names": len(rows),
            "refused": int((~answered).sum()),
            **{name: score_labels(one, truth, levels, draws=DRAWS) for name, one in answers.items()},
            "difference": {
                **{f"top_{k}": compare_ranks(ranks[OURS], ranks[NAME], k, NAME) for k in (1, 3)},
                **{level: compare_ranks(found[OURS], found[NAME], 1, NAME) for level, found in regions.items()},
            },
        },
        "groups": {name: score_groups(answers, truth, of) for name, of in groups.items()},
        "calibration": {OURS: score_calibration(own, truth, rows), NAME: score_calibration(answers[NAME], truth, rows)},
        "sets": measure_sets(sets, own.probabilities[answered], truth[answered], levels),
        "abstention": score_abstention(own, truth),
    }


def measure_nonnames(predictor: Predictor, rows: Sequence[Row]) -> dict[str, Any]:
    """Return how well strings that are no names are told from the names of the test part."""
    strings = make_nonnames(NONNAMES, "test")
    known = names_of(rows[:: max(1, len(rows) // MOST_KNOWN)])
    return compare_familiarity(predictor, known, [one.text for one in strings], [one.kind for one in strings])


def measure_left_out(built: Path, model: Path) -> dict[str, Any]:
    """Return how well the names of origins that a model did not learn are told from those that it learned."""
    predictor = elman.load(model)
    known, unknown = select(read_rows(built / "test.csv"), predictor), read_rows(built / "left_out.csv")
    known, unknown = (rows[:: max(1, len(rows) // MOST_KNOWN)] for rows in (known, unknown))
    return compare_familiarity(predictor, names_of(known), names_of(unknown), [row.label for row in unknown])


def measure_lists(predictor: Predictor, rival: Rival, folder: Path, known: Collection[str]) -> dict[str, Any]:
    """Return the figures of the lists in a folder, without names of the training data; empty lists are left out."""
    lists = {name: balance(rows, known, predictor.labels) for name, rows in read_lists(folder, read_labels()).items()}
    return {name: measure_list(predictor, rival, rows) for name, rows in lists.items() if rows}


def measure_held_out(built: Path, predictor: Predictor, folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Return for each source that a build left out the figures of its names, for a model that was trained without it."""
    train, rows = read_rows(built / "train.csv"), read_rows(built / "held_out.csv")
    if not rows:
        raise ValueError(f"{built}: held_out.csv has no names; build it with --without SOURCE")
    known = {key_of(row.name) for row in train}
    lists = {
        source: balance([row for row in rows if row.source == source], known, predictor.labels)
        for source in sorted({row.source for row in rows})
    }
    if not all(lists.values()):
        raise ValueError(f"{built}: expected at least {FEWEST} names of an origin in held_out.csv, found fewer")
    rival = train_rival(train, predictor.labels, folder, **settings)
    return {source: measure_list(predictor, rival, kept) for source, kept in lists.items()}


def measure_list(predictor: Predictor, rival: Rival, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the scores of both on a list, with and without the prior of the training data."""
    truth, shares = place_labels(rows, predictor.labels), assumed_shares(predictor.artifact)
    if shares is None:
        raise ValueError(f"{predictor.name}: states no prior; finish it with release.origins.finish")
    own, other = ask_model(predictor, names_of(rows)), rival.ask(names_of(rows))
    best, exponent, out = max(
        ((float((one.rank(truth) < 1).mean()), exponent, one) for exponent, one in take_prior_out(rival, other)),
        key=lambda found: found[0],
    )
    without = {OURS: own.divide(np.sqrt(shares)), NAME: out}
    ranks = {name: one.rank(truth) for name, one in without.items()}
    return {
        "names": len(rows),
        "labels": len({row.label for row in rows}),
        "exponent": exponent,
        "model": {name: score_names(one, truth) for name, one in ((OURS, own), (NAME, other))},
        BALANCED: {name: score_names(one, truth) for name, one in without.items()},
        "difference": {f"top_{k}": compare_ranks(ranks[OURS], ranks[NAME], k, NAME) for k in (1, 3)},
        "groups": score_groups(without, truth, [row.label for row in rows]),
    }


def measure_surnames(predictor: Predictor, rival: Rival, surnames: Surnames, known: Collection[str]) -> dict[str, Any]:
    """Return how often the answer to a surname alone is right, and for how many the model abstains.

    ``auto`` answers with a region or a continent where no origin is sure; that is right if it is one of the origin's.
    """
    names = surnames.names[:MOST_SURNAMES]
    new = [name for name in names if key_of(name) not in known]
    return {
        "script": surnames.script,
        "source": surnames.source,
        "accepted": list(surnames.accepted),
        "all": _score_surnames(predictor, rival, names, surnames.accepted),
        "new": _score_surnames(predictor, rival, new, surnames.accepted) if new else None,
    }


def _score_surnames(
    predictor: Predictor, rival: Rival, names: Sequence[str], accepted: Collection[str]
) -> dict[str, Any]:
    predictions = predictor.predict(names, top=1)
    answered = [one for one in predictions if one.reason is None]
    right = sum(one.label in accepted for one in answered)
    others = rival.ask(names).probabilities.argmax(axis=1)
    finest = [one for one in predictor.predict(names, top=1, level=AUTO) if one.reason is None]
    groups = name_groups(predictor.artifact, accepted)
    right_of_finest = sum(one.label in groups[one.level or ""] for one in finest)
    right_of_rival = sum(rival.labels[place] in accepted for place in others.tolist())
    return {
        "names": len(names),
        "abstained": len(names) - len(answered),
        "right": describe_share(right, len(names)),
        "right_of_answered": describe_share(right, len(answered)) if answered else None,
        AUTO: describe_share(right_of_finest, len(finest)) if finest else None,
        "with_origin": describe_share(sum(one.level == next(iter(groups)) for one in finest), len(finest))
        if finest
        else None,
        NAME: describe_share(right_of_rival, len(names)),
    }


def name_groups(artifact: Artifact, labels: Collection[str]) -> dict[str, set[str]]:
    """Return the groups of some labels, by the name of each level; the labels themselves are those of the first."""
    if artifact.levels is None:
        raise ValueError(f"{artifact.name}: has no levels; finish it with release.origins.finish")
    ids = [place for place, label in enumerate(artifact.labels.names) if label in labels]
    first, *others = artifact.levels.names
    return {first: set(labels)} | {
        level: {of_labels[place] for place in ids}
        for level, of_labels in zip(others, artifact.levels.groups, strict=True)
    }


def make_pool(answers: Answers, rows: Sequence[Row]) -> Pool:
    """Return the names that the model reads, to draw groups from."""
    answered = answers.answered
    return Pool(answers.probabilities[answered], place_labels(rows, answers.labels)[answered])


def measure_shares(
    predictor: Predictor, validation: Pool, pool: Pool, *, mixtures: int, sizes: Sequence[int] = SIZES
) -> list[dict[str, Any]]:
    """Return errors and coverage of the shares of groups that are drawn from the test part; see benchmarks/shares.py."""
    estimates, random, rows = list_estimates(predictor, validation), np.random.default_rng(0), []
    for names in sizes:
        errors, covered, widths, seconds = measure_mixtures(predictor, pool, estimates, names, mixtures, random)
        rows.append(
            {
                "names": names,
                "mixtures": mixtures,
                "error": {name: float(np.mean(each)) for name, each in errors.items()},
                "coverage": {name: float(np.mean(each)) for name, each in covered.items() if each},
                "width": float(np.mean(widths)),
                "seconds": seconds,
            }
        )
    return rows


if __name__ == "__main__":
    main()
