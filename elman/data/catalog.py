"""The catalog: data sets that Elman knows by name, where they live, and how they are read.

A named set is looked for in the folder that the user gives, then in the cache, and is downloaded once otherwise; the
smallest stands here itself.
"""

from dataclasses import dataclass
from pathlib import Path

from elman.checks import shown, suggest
from elman.errors import DataError

LANGUAGES = (
    *("Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish"),
    *("Italian", "Japanese", "Korean", "Polish", "Portuguese", "Russian", "Scottish", "Spanish", "Vietnamese"),
)


@dataclass(frozen=True)
class NamedSet:
    """A data set that Elman knows by name.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        origin: who made it, and its licence.
        url: a zip archive.
        folder: where the files lie inside the archive.
        labels: the labels that must be there.
        junk: lines of the published files that are no example.
        task: what is answered.
    """

    name: str
    about: str
    origin: str
    url: str
    folder: str
    labels: tuple[str, ...]
    junk: frozenset[str]
    task: str = "label"


@dataclass(frozen=True)
class ImageSet:
    """Images that Elman knows by name, as four IDX files.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        origin: who made it, and its licence.
        url: the address of the folder that holds the files.
        digests: the MD5 of each published file, by its name.
        task: what is answered.
    """

    name: str
    about: str
    origin: str
    url: str
    digests: dict[str, str]
    task: str = "images"


@dataclass(frozen=True)
class PairSet:
    """Pairs of strings so few that they stand here.

    Args:
        name: what the user types.
        about: one sentence for a listing.
        origin: who made it.
        pairs: source and target.
        task: what is answered.
    """

    name: str
    about: str
    origin: str
    pairs: tuple[tuple[str, str], ...]
    task: str = "tags"


CATALOG: dict[str, NamedSet | ImageSet | PairSet] = {
    "languages": NamedSet(
        name="languages",
        about="about 20,000 surnames of 18 languages, written in Latin letters",
        origin="Sean Robertson, practical-pytorch, 2017, MIT licence",
        url="https://download.pytorch.org/tutorial/data.zip",
        folder="data/names",
        labels=LANGUAGES,
        junk=frozenset({"To The First Page"}),
    ),
    "hello": PairSet(
        name="hello",
        about="one pair, hello → ohlol: the smallest exercise in tagging in step, learned by heart",
        origin="Widely used in tutorials of recurrent layers",
        pairs=(("hello", "ohlol"),),
    ),
    "mnist": ImageSet(
        name="mnist",
        about="70,000 handwritten digits of 28 × 28 pixels, read row by row",
        origin="Y. LeCun, C. Cortes and C. Burges, 1998",
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        digests={
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
}


def named(name: str) -> NamedSet | ImageSet | PairSet:
    """Return the catalog's entry of that name.

    Raises:
        DataError: there is none.
    """
    if name not in CATALOG:
        near = suggest(name, CATALOG)
        raise DataError(f"no data set is named '{shown(name)}'; the named sets are {', '.join(CATALOG)}{near}")
    return CATALOG[name]


def check(entry: NamedSet, folder: Path) -> Path:
    """Return the folder that holds the set's files: ``folder``, or the folder named as the archive's inside it.

    Raises:
        DataError: a file is missing.
    """
    for place in (folder, folder / entry.folder.rsplit("/", 1)[-1]):
        missing = [label for label in entry.labels if not (place / f"{label}.txt").is_file()]
        if not missing:
            return place
        if len(missing) < len(entry.labels):
            raise DataError(f"{place}: the data set {entry.name!r} lacks {', '.join(f'{m}.txt' for m in missing)}")
    raise DataError(
        f"{folder}: does not hold the data set {entry.name!r}; expected {entry.labels[0]}.txt … {entry.labels[-1]}.txt"
    )
