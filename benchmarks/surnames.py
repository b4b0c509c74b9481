"""Which words of a list are surnames: those of the 18 languages, and those of the Faker libraries.

    python benchmarks/surnames.py WORDS --names FOLDER --faker faker-names.tsv [--out surnames.txt]

WORDS is a file whose lines begin with a word and a tab, such as g014b2b.ref. A word is a surname if one of the lists
has it, whatever its case and accents. Lines of faker-names.tsv are name, locale, kind and source, with tabs between.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

from elman.data.catalog import CATALOG, NamedSet
from elman.data.examples import read_examples
from elman.text.normalisation import Normalisation, fold_accents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", type=Path)
    parser.add_argument("--names", type=Path, required=True, help="the folder of the 18 languages")
    parser.add_argument("--faker", type=Path, required=True, help="names of the Faker libraries")
    parser.add_argument("--out", type=Path, help="write the surnames among the words to this file")
    arguments = parser.parse_args()
    words = list(dict.fromkeys(line.split("\t")[0] for line in read_lines(arguments.words)))
    languages, faker = read_languages(arguments.names), read_faker(arguments.faker)
    for title, surnames in (("18 languages", languages), ("Faker", faker), ("either", languages | faker)):
        print(f"{len(find_surnames(words, surnames)):,} of {len(words):,} words are surnames by {title}")
    if arguments.out:
        found = find_surnames(words, languages | faker)
        arguments.out.write_text("".join(f"{word}\n" for word in found), encoding="utf-8")


def read_lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


def read_languages(folder: Path) -> set[str]:
    """Return the surnames of the 18 languages, folded."""
    entry = CATALOG["languages"]
    assert isinstance(entry, NamedSet)
    return fold(example.text for example in read_examples(folder, junk=entry.junk).examples)


def read_faker(path: Path) -> set[str]:
    """Return the surnames of the Faker libraries, folded."""
    rows = (line.split("\t") for line in read_lines(path))
    return fold(row[0] for row in rows if row[2] == "surname")


def find_surnames(words: Iterable[str], surnames: set[str]) -> list[str]:
    """Return the words that are among folded surnames, in order.

    >>> find_surnames(["ABADI", "THE"], {"abadi"})
    ['ABADI']
    """
    apply = Normalisation().apply
    return [word for word in words if fold_accents(apply(word)) in surnames]


def fold(texts: Iterable[str]) -> set[str]:
    """Return texts without case and accents; letters of other scripts stay as they are."""
    apply = Normalisation(transliterate=False).apply
    return {fold_accents(apply(text)) for text in texts}


if __name__ == "__main__":
    main()
