"""Tables: the figures of `release.origins.measure` in Markdown, for figures.md and for the card."""

from collections.abc import Callable, Sequence
from typing import Any

from elman.model.hierarchy import AUTO

OURS, RIVAL = "elman", "fastText"
MISSING = "Not measured."

TITLES = {
    "nana": "NaNa",
    "openfootball": "openfootball",
    "goalscorers": "goal scorers",
    "faker": "Fakers",
    "mimesis": "mimesis, forename and surname",
    "forenames": "nam_dict, forenames alone",
    "full": "full name",
    "part": "single word",
}


def write_tables(figures: dict[str, Any]) -> str:
    """Return all tables, each under its heading."""
    parts = [f"# Figures of {figures['model']['name']}"]
    for heading, write in SECTIONS.items():
        parts.append(f"## {heading}\n\n{write(figures)}")
    return "\n\n".join(parts) + "\n"


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are numbers."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def write_own(figures: dict[str, Any]) -> str:
    """Return the scores of the test part beside those of fastText."""
    own, titles = figures["own"], {"top_1": "first answer", "top_3": "first three", "region": "region"}
    titles |= {"continent": "continent", "macro_f1": "macro-F1"}
    rows = []
    for key, title in titles.items():
        difference = own["difference"].get(key)
        points = (
            "" if difference is None else f"{_points(difference['difference'])} ({_bounds(difference['interval'])})"
        )
        rows.append([title, _share(own[OURS][key]), _share(own[RIVAL][key]), points])
    rows.append(["mean recall of origins", *(f"{100 * own[name]['mean_recall']:.1f}" for name in (OURS, RIVAL)), ""])
    text = (
        f"{own['names']:,} names, in per cent with intervals of 95 %; {own['refused']:,} that the model refuses to read "
        "count as wrong. The limit of familiarity is off here, so unfamiliar names have answers, too."
    )
    return f"{text}\n\n{write_table(('', 'origins', RIVAL, 'difference, points'), rows)}"


def write_groups(name: str) -> Callable[[dict[str, Any]], str]:
    """Return what writes the table of the groups of one kind."""

    def write(figures: dict[str, Any]) -> str:
        rows = figures["groups"][name]
        if name == "length":
            rows = sorted(rows, key=lambda row: int(row["group"].split()[0]))
        return write_table(
            (name, "names", "first, %", "first three, %", f"{RIVAL} first, %", f"{RIVAL} first three, %"), _list(rows)
        )

    return write


def _list(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [
        [
            TITLES.get(row["group"], row["group"]),
            f"{row['names']:,}",
            *(f"{100 * row[who][key]['value']:.1f}" for who in (OURS, RIVAL) for key in ("top_1", "top_3")),
        ]
        for row in rows
    ]


def write_calibration(figures: dict[str, Any]) -> str:
    """Return the calibration errors, by source and script."""
    own, rival = figures["calibration"][OURS], figures["calibration"][RIVAL]
    rows = [["all", *_describe_calibration(own)], [f"{RIVAL}, all", *_describe_calibration(rival)]]
    for kind in ("source", "kind", "script"):
        rows += [[TITLES.get(row["group"], row["group"]), *_describe_calibration(row)] for row in own[kind]]
    header = ("", "names", "error", "by chance alone", "mean probability", "right")
    return (
        "Error: the mean distance, in 15 equal bins, between the probability of the first answer and the share that is "
        f"right.\n\n{write_table(header, rows)}"
    )


def _describe_calibration(row: dict[str, Any]) -> list[str]:
    keys = ("error", "error_by_chance", "mean_probability", "accuracy")
    return [f"{row['names']:,}", *(f"{row[key]:.4f}" for key in keys[:2]), *(f"{row[key]:.3f}" for key in keys[2:])]


def write_sets(figures: dict[str, Any]) -> str:
    """Return coverage and size of the prediction sets at each level."""
    rows = [
        [
            row["level"],
            f"{100 * row['coverage']:g} %",
            f"{100 * row['measured']:.1f} ({_bounds(row['interval'])})",
            f"{row['mean_size']:.1f}",
        ]
        for row in figures["sets"]
    ]
    return write_table(("level", "asked for", "measured, %", "mean size"), rows)


def write_abstention(figures: dict[str, Any]) -> str:
    """Return the accuracy of the surest answers."""
    rows = [
        [f"{100 * row['answered']:.0f} %", f"{row['abstain_below']:.2f}", f"{100 * row['accuracy']:.1f}"]
        for row in figures["abstention"]
    ]
    return write_table(("answered", "with --abstain-below", "right, %"), rows)


def write_familiarity(figures: dict[str, Any]) -> str:
    """Return the areas under the ROC curve of familiarity."""
    rows, details = [], []
    for key, title in (
        ("left_out", "origins that the network did not learn"),
        ("nonnames", "strings that are no names"),
    ):
        found = figures.get(key)
        if found is None:
            rows.append([title, *["–"] * 8])
            continue
        measures = (f"{found['measures'][name]:.3f}" for name in _MEASURES)
        lost = (f"{100 * found['abstained'][name]:.1f}" for name in ("known", "unknown"))
        rows.append([title, f"{found['strings']['unknown']:,}", f"{found['area']:.3f}", *measures, *lost])
        details += [
            [one["group"], f"{one['names']:,}", f"{one['area']:.3f}", f"{100 * one['abstained']:.1f}"]
            for one in found["kinds"]
        ]
    header = (
        "against known names",
        "strings",
        "area",
        *_MEASURES.values(),
        "known abstained, %",
        "unknown abstained, %",
    )
    return (
        "A string that the model refuses to read counts as the least familiar; the areas of the measures alone are of the "
        f"strings that it reads.\n\n{write_table(header, rows)}\n\n"
        f"{write_table(('kind', 'strings', 'area', 'abstained, %'), details)}"
    )


_MEASURES = {
    "confidence": "confidence alone",
    "energy": "energy alone",
    "likelihood": "n-grams alone",
    "known": "known n-grams alone",
}


def write_lists(figures: dict[str, Any]) -> str:
    """Return the scores on the lists that were kept from training."""
    if not figures["lists"]:
        return MISSING
    rows = []
    for name, found in figures["lists"].items():
        cells = []
        for prior in ("model", "balanced"):
            for who in (OURS, RIVAL):
                first, three = (f"{100 * found[prior][who][key]['value']:.1f}" for key in ("top_1", "top_3"))
                cells.append(f"{first} / {three}")
        points = (f"{_points(one['difference'])} ({_bounds(one['interval'])})" for one in found["difference"].values())
        rows.append([TITLES[name], f"{found['names']:,}", str(found["labels"]), *cells, " / ".join(points)])
    exponents = "; ".join(f"{TITLES[name]} {found['exponent']:g}" for name, found in figures["lists"].items())
    header = ("list", "names", "labels", "origins", RIVAL, "prior out", f"{RIVAL}, prior out", "difference, points")
    return (
        "First answer and first three, in per cent: at most 150 names of each country, names in the training data "
        "removed. With the prior out, `origins` answers with `--prior balanced`, and fastText's probabilities are divided "
        f"by the labels' shares to the power that suits it better ({exponents}). The difference is with the prior out.\n\n"
        f"{write_table(header, rows)}"
    )


def write_surnames(figures: dict[str, Any]) -> str:
    """Return the scores of surnames alone in the scripts of their countries."""
    rows = []
    for found in figures.get("surnames", ()):
        for part, title in (("all", found["script"]), ("new", f"{found['script']}, not in the training data")):
            if one := found[part]:
                of_answered, finest = one["right_of_answered"], one.get(AUTO)
                rows.append(
                    [
                        title,
                        found["source"],
                        f"{one['names']:,}",
                        f"{100 * one['right']['value']:.1f}",
                        f"{100 * one['abstained'] / one['names']:.1f}",
                        "–" if of_answered is None else f"{100 * of_answered['value']:.1f}",
                        "–" if finest is None else f"{100 * finest['value']:.1f}",
                        "–" if finest is None else f"{100 * one['with_origin']['value']:.0f}",
                        f"{100 * one[RIVAL]['value']:.1f}",
                    ]
                )
    header = (
        *("surnames", "source", "names", "right, %", "abstained, %", "right of answered, %"),
        *("right with `--level auto`, %", "of these with an origin, %", f"{RIVAL}, %"),
    )
    return write_table(header, rows) if rows else MISSING


def write_shares(figures: dict[str, Any]) -> str:
    """Return the errors of the shares of groups."""
    if not figures.get("shares"):
        return MISSING
    ways = [way for way in figures["shares"][0]["error"] if way != OURS]
    rows = [
        [
            f"{row['names']:,}",
            f"{row['error'][OURS]:.2f}",
            *(f"{row['error'][way]:.2f} ({row['error'][OURS] / row['error'][way]:.2f} ×)" for way in ways),
            *(f"{row['coverage'][kind]:.1f}" for kind in ("even", "few") if kind in row["coverage"]),
            f"{row['width']:.1f}",
        ]
        for row in figures["shares"]
    ]
    kinds = [
        title
        for kind, title in (("even", "coverage, all labels, %"), ("few", "coverage, two to five labels, %"))
        if kind in figures["shares"][0]["coverage"]
    ]
    header = ("names in the group", "`elman estimate`", *ways, *kinds, "width of intervals, points")
    return (
        "Mean absolute error of a label's share, in points; in brackets, the error of `elman estimate` as a multiple. "
        f"Groups are drawn from the test part, with shares far from those of training.\n\n{write_table(header, rows)}"
    )


SECTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "Test part": write_own,
    "By source": write_groups("source"),
    "Full names and single words": write_groups("kind"),
    "By script": write_groups("script"),
    "By length": write_groups("length"),
    "By region": write_groups("region"),
    "By origin": write_groups("origin"),
    "Calibration": write_calibration,
    "Prediction sets": write_sets,
    "Abstention": write_abstention,
    "None of these": write_familiarity,
    "Lists of other sources": write_lists,
    "Surnames alone": write_surnames,
    "Shares of groups": write_shares,
}


def _share(found: dict[str, Any]) -> str:
    bounds = f" ({_bounds(found['interval'])})" if found["interval"] else ""
    return f"{100 * found['value']:.1f}{bounds}"


def _bounds(interval: Sequence[float]) -> str:
    return " to ".join(f"{100 * end:.1f}".replace("-", "−") for end in interval)


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")
