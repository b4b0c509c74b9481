"""The catalog: the data sets that Elman knows by name, where they come from, and how they are read.

A named set is read from the folder that the user gives, or from the cache; otherwise it is downloaded once. The
smallest set is in this file.
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
        folder: the folder of its files inside the archive.
        labels: its labels; each has a file.
        junk: lines of the published files that are not examples.
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
    """A set of pairs of strings, small enough for this file.

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


def find_set(name: str) -> NamedSet | ImageSet | PairSet:
    """Return the entry of that name.

    Raises:
        DataError: there is no such entry.
    """
    if name not in CATALOG:
        near = suggest(name, CATALOG)
        raise DataError(f"no data set is named '{shown(name)}'; the named sets are {', '.join(CATALOG)}{near}")
    return CATALOG[name]


def check_folder(entry: NamedSet, folder: Path) -> Path:
    """Return the folder that holds the files of a set: ``folder``, or its subfolder named as in the archive.

    Raises:
        DataError: a file is missing.
    """
    for place in (folder, folder / entry.folder.rsplit("/", 1)[-1]):
        missing = [label for label in entry.labels if not (place / f"{label}.txt").is_file()]
        if not missing:
            return place
        if len(missing) < len(entry.labels):
            names = ", ".join(f"{label}.txt" for label in missing)
            raise DataError(f"{place}: files of the data set {entry.name!r} are missing: {names}")
    expected = f"{entry.labels[0]}.txt … {entry.labels[-1]}.txt"
    raise DataError(f"{folder}: does not contain the data set {entry.name!r}; expected {expected}")
