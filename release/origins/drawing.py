"""Names from the parts of the Fakers: each part alone, and forename and surname of a locale drawn at random.

A part that is held for the test is in no drawn name of the training part: both words of a drawn name come from one part
of the split. Family names of one character, in Han and Hangul script, are an exception. There are few of them, most
people have one, and a model that never saw 김 or 陳 could not read the names of millions: they are taught alone, and
are drawn in all parts of the split, beside forenames of that part.
"""

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from elman.text.normalisation import compose
from elman.text.scripts import script_of
from release.origins.labels import Labels
from release.origins.rows import PARTS, Row, key_of, make_row, part_of, share_of
from release.origins.sources import Part

DRAWN = {"train": 3200, "validation": 400, "test": 400}
"""The most full names of one label that are drawn for each part of the split."""
SINGLE = 6000
"""The most forenames, and the most surnames, of one label that are taught alone."""
SHARED = 2
"""A part of a locale that many labels share (Arabic without a country) is taught for this many of them, by hash."""
FAMILY_FIRST = ("zh", "ja", "ko", "hu", "vi")
WITHOUT_BLANK = ("Han", "Hangul")
ENGLISH = ("en", "en_US", "en_GB")
"""Forenames of these say nothing of an origin in Africa or Asia where people also have English ones."""
LEFT_ALONE = ("Africa", "Asia")

PEOPLE = (
    {"Russian": 144, "Ukrainian": 40, "Kazakh": 19, "Bulgarian": 7, "Serbian": 7, "Mongolian": 3, "Macedonian": 2},
    {"Egyptian": 111, "Sudanese": 47, "Algerian": 45, "Iraqi": 44, "Moroccan": 37, "Saudi": 36, "Yemeni": 34}
    | {"Syrian": 22, "Tunisian": 12, "Jordanian": 11, "Emirati": 9, "Libyan": 7, "Palestinian": 5, "Lebanese": 5}
    | {"Omani": 4.6, "Kuwaiti": 4.3, "Qatari": 2.7, "Bahraini": 1.5},
    {"Chinese": 1426, "Taiwanese": 24},
    {"Greek": 10.4, "Cypriot": 1.3},
    {"Indian": 1417, "Nepalese": 31},
)
"""Origins that share a script, with the millions of people in their countries (United Nations, World Population
Prospects 2022, rounded). In that script the number of names that are taught follows the root of these: with as many
names for each, a name that Russians and Macedonians share would be more frequent among the Macedonian ones. Names with
a letter that only one of them has, such as ѓ or 陳, are not shared, and all of them are taught."""

# Surnames that only women or only men have, in the locales whose forenames tell which of them they fit.
_FEMININE = {
    "ru": "[оеё]ва$|ина$|ая$",
    "bg": "ва$|ина$|ска$",
    "mk": "[оае]ва$|ска$|ина$",
    "uk": "ова$|ева$|ська$|цька$|ина$",
    "cs": "ová$|ská$|cká$|á$",
    "sk": "ová$|ská$|cká$|á$",
    "pl": "ska$|cka$|dzka$",
    "lt": "ienė$|ytė$|aitė$|utė$|ūtė$",
    "lv": "a$|e$",
    "az": "ova$|eva$|yeva$",
    "uz": "ova$|eva$|yeva$",
    "el": "ου$|ά$|ή$|α$|η$",
}
_MASCULINE = {
    "ru": "[оеё]в$|ин$|[иы]й$|ой$",
    "bg": "в$|ин$|ски$",
    "mk": "в$|ски$|ин$",
    "uk": "ов$|[єе]в$|ський$|цький$|ий$",
    "cs": "[^á]$",
    "sk": "[^á]$",
    "pl": "ski$|cki$|dzki$",
    "lt": "s$",
    "lv": "s$|š$|is$",
    "az": "ov$|ev$|yev$",
    "uz": "ov$|ev$|yev$",
    "el": "ς$",
}
_WOMAN = re.compile("[аяaeėāēαηάήίώωáéí]$|ού$")
_FEMININE_ICELANDIC = re.compile(
    "(a|ný|ey|dís|björg|unn|rún|ríður|íður|hildur|gerður|laug|leif|veig|vör|borg|ólöf|björk|ósk|ást|und|rós|lind|dögg"
    "|mjöll|sól|eik|lilja|heiður|þrúður|elfur|ína|lín|ís|ör|ín|ör)$",
    re.IGNORECASE,
)


def read_drawn(parts: list[Part], labels: Labels, taken: dict[str, str], seed: int) -> Iterator[tuple[str, Row]]:
    """Yield the rows of the Fakers with the part of the split of each.

    Args:
        parts: what `release.origins.sources.read_parts` returns.
        labels: the origins.
        taken: the part of the split of each key that is in use; drawn names are added to it.
        seed: of the draws and of the split.
    """
    continents = {row.label: row.continent for row in labels.rows}
    by_label: dict[str, list[Part]] = defaultdict(list)
    english = english_forenames(parts)
    for part in parts:
        for label in labels_of(part, labels, seed):
            by_label[label].append(part)
    for label, own in sorted(by_label.items()):
        hidden = english if continents[label] in LEFT_ALONE else frozenset()
        kept, shared = root_of_people(label), share_letters(label, by_label)
        rng = random.Random(f"{seed} {label}")
        drawn = ((where, make_row(name, label, "faker", "full")) for name, where in draw_names(own, rng, taken, seed))
        for where, row in chain(single_parts(own, label, hidden, seed), drawn):
            is_own = row.script == "Latin" or not shared.issuperset(row.name)
            if is_own or share_of(f"{label} {row.name}", seed) < kept:
                yield where, row


def share_letters(label: str, parts: Mapping[str, Sequence[Part]]) -> frozenset[str]:
    """Return the characters of the parts of those origins that share a script with a label and have more people.

    Args:
        label: the origin.
        parts: of each label.
    """
    group = next((group for group in PEOPLE if label in group), {label: 0})
    larger = [other for other, people in group.items() if people > group[label]]
    return frozenset(" ").union(*(part.text for other in larger for part in parts.get(other, ())))


def root_of_people(label: str) -> float:
    """Return the root of how many people a country has, over that of the largest one with the same script; 1 alone.

    >>> root_of_people("Russian"), round(root_of_people("Macedonian"), 2), root_of_people("Thai")
    (1.0, 0.12, 1.0)
    """
    for group in PEOPLE:
        if label in group:
            return math.sqrt(group[label] / max(group.values()))
    return 1.0


def labels_of(part: Part, labels: Labels, seed: int) -> list[str]:
    """Return the labels that a part is taught for."""
    found = labels.locales.get(part.locale, ())
    return sorted(found, key=lambda label: share_of(f"{label} {part.text}", seed))[:SHARED]


def english_forenames(parts: list[Part]) -> frozenset[str]:
    """Return the keys of the forenames that the English locale has."""
    return frozenset(key_of(part.text) for part in parts if part.locale in ENGLISH and part.role == "forename")


def single_parts(parts: list[Part], label: str, hidden: frozenset[str], seed: int) -> Iterator[tuple[str, Row]]:
    """Yield the parts of a label alone: at most `SINGLE` of each role, chosen by hash; none whose key is hidden."""
    seen: Counter[str] = Counter()
    for part in sorted(parts, key=lambda part: share_of(part.text, seed)):
        key = key_of(part.text)
        if key in hidden and part.role == "forename" or len(part.text) < 2 and part.text.isascii():
            continue
        if seen[part.role] < SINGLE:
            seen[part.role] += 1
            yield home_of(part.text, seed), make_row(part.text, label, "faker", "part")


def home_of(text: str, seed: int) -> str:
    """Return the part of the split of a forename or surname alone; that of one character in Han or Hangul is taught.

    >>> home_of("陳", 0), home_of("김", 0)
    ('train', 'train')
    """
    return PARTS[0] if is_character(text) else part_of(key_of(text), seed)


def is_character(text: str) -> bool:
    """Return whether a word is one character of a script that is written without blanks."""
    composed = compose(text)
    return len(composed) == 1 and script_of(composed) in WITHOUT_BLANK


def draw_names(parts: list[Part], rng: random.Random, taken: dict[str, str], seed: int) -> Iterator[tuple[str, str]]:
    """Yield at most `DRAWN` full names of a label for each part of the split, as (name, part of the split).

    A name whose key another part of the split has is not yielded.
    """
    pools: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for part in parts:
        is_shared = part.role == "surname" and is_character(part.text)
        for where in PARTS if is_shared else (home_of(part.text, seed),):
            pools[part.locale, script_of(compose(part.text)), where, part.role].append(part.text)
        if part.locale == "is_IS" and part.role == "forename":
            for patronymic in patronymics(part.text):
                pools[part.locale, "Latin", part_of(key_of(part.text), seed), "surname"].append(patronymic)
    for where in PARTS:
        groups = [
            (locale, forenames, surnames)
            for (locale, script, split, role), forenames in sorted(pools.items())
            if role == "forename" and split == where
            if (surnames := pools.get((locale, script, split, "surname")))
        ]
        room = sum(len(forenames) * len(surnames) for _, forenames, surnames in groups)
        for _ in range(min(DRAWN[where], room // 2)):
            locale, forenames, surnames = rng.choice(groups)
            name = draw_name(locale, forenames, surnames, rng)
            if taken.setdefault(key_of(name), where) == where:
                yield name, where


def draw_name(locale: str, forenames: list[str], surnames: list[str], rng: random.Random) -> str:
    """Return a forename and a surname of a locale, in an order in which people write them."""
    forename, surname = rng.choice(forenames), rng.choice(surnames)
    for _ in range(8):
        if fits(forename, surname, locale):
            break
        forename = rng.choice(forenames)
    if not locale.startswith(FAMILY_FIRST):
        return f"{forename} {surname}"
    script = script_of(compose(forename))
    if script in WITHOUT_BLANK and rng.random() < 0.9:
        return surname + forename
    return f"{surname} {forename}" if rng.random() < 0.7 or script in WITHOUT_BLANK else f"{forename} {surname}"


def fits(forename: str, surname: str, locale: str) -> bool:
    """Return whether the surname's gender is the forename's, as far as their endings tell.

    >>> fits("Мария", "Иванова", "ru_RU"), fits("Мария", "Иванов", "ru_RU"), fits("Maria", "Nowak", "pl_PL")
    (True, False, True)
    """
    language = locale[:2]
    if language not in _FEMININE:
        if locale == "is_IS":
            return surname.endswith("dóttir") == bool(_FEMININE_ICELANDIC.search(forename))
        return True
    woman = bool(_WOMAN.search(forename))
    if re.search(_FEMININE[language], surname):
        return woman
    return not (woman and re.search(_MASCULINE[language], surname))


def patronymics(forename: str) -> list[str]:
    """Return the Icelandic patronymics of a man's forename: genitive with son and dóttir; none of a woman's.

    >>> patronymics("Helgi"), patronymics("Sigríður")
    (['Helgason', 'Helgadóttir'], [])
    """
    if _FEMININE_ICELANDIC.search(forename) or len(forename) < 3:
        return []
    for ending, genitive in (("i", "a"), ("étur", "éturs"), ("ður", "ðar"), ("ur", "s"), ("ll", "ls"), ("s", "s")):
        if forename.endswith(ending):
            stem = forename.removesuffix(ending) + genitive
            break
    else:
        stem = forename + "s"
    return [stem + "son", stem + "dóttir"]
