"""Lists of other sources, kept from training: names by country, and surnames alone in the scripts of their countries.

They come from packages of the Python package index and are read from their wheels, never imported; release/README.md
has the command that downloads them. No name of them is in the repository.
"""

import csv
import io
import json
import random
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release.origins.drawing import draw_name
from release.origins.labels import Labels
from release.origins.rows import Row, key_of, make_row, share_of
from release.origins.sources import tidy

MOST = 150
"""The most names of a country in a balanced list."""

FEWEST = 10
"""A country with fewer names than this is left out of a list."""

MIMESIS = {
    "az": ("Azerbaijani", "az_AZ"),
    "cs": ("Czech", "cs_CZ"),
    "da": ("Danish", "da_DK"),
    "de": ("German", "de_DE"),
    "de-ch": ("Swiss", "de_CH"),
    "el": ("Greek", "el_GR"),
    "es": ("Spanish", "es_ES"),
    "es-mx": ("Mexican", "es_MX"),
    "et": ("Estonian", "et_EE"),
    "fa": ("Iranian", "fa_IR"),
    "fi": ("Finnish", "fi_FI"),
    "fr": ("French", "fr_FR"),
    "hr": ("Croatian", "hr_HR"),
    "hu": ("Hungarian", "hu_HU"),
    "is": ("Icelandic", "is_IS"),
    "it": ("Italian", "it_IT"),
    "ja": ("Japanese", "ja_JP"),
    "kk": ("Kazakh", "kk_KZ"),
    "ko": ("Korean", "ko_KR"),
    "nl": ("Dutch", "nl_NL"),
    "no": ("Norwegian", "nb_NO"),
    "pl": ("Polish", "pl_PL"),
    "pt": ("Portuguese", "pt_PT"),
    "ru": ("Russian", "ru_RU"),
    "sk": ("Slovak", "sk_SK"),
    "sv": ("Swedish", "sv_SE"),
    "tr": ("Turkish", "tr_TR"),
    "uk": ("Ukrainian", "uk_UA"),
    "zh": ("Chinese", "zh_CN"),
}
"""Locales of mimesis with forenames and surnames of their own: the label, and the locale whose rules join them.

The others share a list: the Arab countries their forenames, Austria those of Germany, Brazil those of Portugal, and the
countries of English one list of surnames.
"""

OTHER_COUNTRIES = {
    "Great Britain": "English",
    "the Netherlands": "Dutch",
    "Swiss": "Swiss",
    "Macedonia": "Macedonian",
    "Korea": "Korean",
}
"""What nam_dict.txt calls countries that the table of labels has under another name."""

LEAST_FREQUENCY = 2
"""Of a forename in the country where it is most frequent; nam_dict.txt gives 1 to what is rare."""

NAME, DOUBLED = slice(3, 29), 29
"""Where nam_dict.txt has the name, and the mark of a line that repeats another one."""


@dataclass(frozen=True)
class Surnames:
    """Surnames of one script.

    Args:
        script: as the tables name it.
        source: the package.
        names: the surnames.
        accepted: the labels that are right: countries that share script and surnames count alike.
    """

    script: str
    source: str
    names: tuple[str, ...]
    accepted: tuple[str, ...]


def read_lists(folder: Path, labels: Labels) -> dict[str, list[Row]]:
    """Return the balanced lists that the packages of a folder hold, by name; all of their names.

    Raises:
        FileNotFoundError: a package is missing.
    """
    return {
        "mimesis": list(read_mimesis(find_wheel(folder, "mimesis"))),
        "forenames": list(read_forenames(find_wheel(folder, "gender_guesser"), labels)),
    }


def find_wheel(folder: Path, package: str) -> zipfile.ZipFile:
    """Return the wheel of a package in a folder.

    Raises:
        FileNotFoundError: no wheel of the package was found.
    """
    found = sorted(folder.glob(f"{package}-*.whl"))
    if not found:
        raise FileNotFoundError(f"{folder}: expected a wheel of {package}; release/README.md has the command for it")
    return zipfile.ZipFile(found[-1])


def read_mimesis(wheel: zipfile.ZipFile, *, most: int = 4 * MOST, seed: int = 0) -> Iterator[Row]:
    """Yield forename and surname of each locale, joined at random as people write them there; each name once."""
    for locale, (label, rules) in MIMESIS.items():
        person = _read_person(wheel, locale)
        forenames, surnames = (_flatten(person[part]) for part in ("names", "surnames"))
        rng, seen = random.Random(f"{seed} {locale}"), set[str]()
        for _ in range(most):
            name = tidy(draw_name(rules, forenames, surnames, rng))
            if name and name not in seen:
                seen.add(name)
                yield make_row(name, label, "mimesis", "full")


def read_forenames(wheel: zipfile.ZipFile, labels: Labels) -> Iterator[Row]:
    """Yield the forenames of nam_dict.txt that are more frequent in one country than in any other, with that country."""
    lines = wheel.read("gender_guesser/data/nam_dict.txt").decode("utf-8", "replace").splitlines()
    columns, seen = _read_columns(lines), set[str]()
    for line in lines:
        name = line[NAME].strip()
        if line[:1] not in ("M", "F", "1", "?") or line[DOUBLED : DOUBLED + 1] == "+" or not name.isalpha():
            continue
        frequencies = {country: int(line[column], 16) for column, country in columns.items() if line[column] != " "}
        best = max(frequencies.values(), default=0)
        countries = [country for country, one in frequencies.items() if one == best]
        is_clear = best >= LEAST_FREQUENCY and len(countries) == 1
        label = labels.countries.get(countries[0], OTHER_COUNTRIES.get(countries[0])) if is_clear else None
        if label and name not in seen:
            seen.add(name)
            yield make_row(name, label, "forenames", "part")


def _read_columns(lines: Sequence[str]) -> dict[int, str]:
    """Return the country of each column of nam_dict.txt: a bar under its name, in the comments, is at its column."""
    pairs = zip(lines, lines[1:], strict=False)
    return {bar.index("|"): name.strip("#$ ") for name, bar in pairs if re.fullmatch(r"# +[|] *[$]", bar.rstrip())}


def read_surnames(folder: Path, labels: Labels) -> list[Surnames]:
    """Return surnames alone in the scripts of their countries."""
    mimesis = find_wheel(folder, "mimesis")

    def of(locale: str) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(name for raw in _flatten(_read_person(mimesis, locale)["surnames"]) if (name := tidy(raw)))
        )

    kanji = find_wheel(folder, "japanese_personal_name_dataset").read(
        "japanese_personal_name_dataset/dataset/last_name_org.csv"
    )
    hebrew = find_wheel(folder, "hebrew_names").read("hebrew_names/dist.jew.last").decode("utf-16")
    arab = labels.locales["ar_AA"]
    return [
        Surnames(
            "Han (Japanese)",
            "japanese-personal-name-dataset",
            tuple(row[0] for row in csv.reader(io.StringIO(kanji.decode("utf-8"))) if row),
            ("Japanese",),
        ),
        Surnames("Hangul", "mimesis", of("ko"), ("Korean",)),
        Surnames("Cyrillic (Russian)", "mimesis", of("ru"), ("Russian",)),
        Surnames("Cyrillic (East Slavic)", "mimesis", of("ru"), ("Belarusian", "Russian", "Ukrainian")),
        Surnames("Greek", "mimesis", of("el"), ("Cypriot", "Greek")),
        Surnames("Arabic (Arab countries)", "mimesis", of("ar"), arab),
        Surnames("Arabic (Persian)", "mimesis", of("fa"), ("Iranian",)),
        Surnames("Hebrew", "hebrew-names", tuple(_first_of_lines(hebrew)), ("Israeli",)),
    ]


def balance(rows: Iterable[Row], known: Collection[str], labels: Collection[str], *, most: int = MOST) -> list[Row]:
    """Return at most so many names of each label, chosen by hash, without names whose key training data hold.

    Args:
        rows: of a list; a name with several labels is left out, because none of them is more right.
        known: the keys of the training names.
        labels: that the model can answer with.
        most: names of a label.
    """
    rows = [row for row in rows if row.label in labels and (key := key_of(row.name)) and key not in known]
    several = Counter(key for key, _ in {(key_of(row.name), row.label) for row in rows})
    kept: dict[str, dict[str, Row]] = {}
    for row in sorted(rows, key=lambda row: share_of(row.name, 0)):
        own, key = kept.setdefault(row.label, {}), key_of(row.name)
        if several[key] == 1 and len(own) < most:
            own.setdefault(key, row)
    return [row for _, own in sorted(kept.items()) if len(own) >= FEWEST for row in own.values()]


def _read_person(wheel: zipfile.ZipFile, locale: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(wheel.read(f"mimesis/datasets/{locale}/person.json"))
    return found


def _flatten(names: Any) -> list[str]:
    """Return the names of a list, or of the lists by gender, without notes in brackets; each once."""
    listed = names if isinstance(names, list) else [name for own in names.values() for name in own]
    return list(dict.fromkeys(text for name in listed if (text := re.sub(r"\s*\(.*?\)", "", name).strip())))


def _first_of_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if name := line.split("\t")[0].strip():
            yield name
