"""The catalog: data sets that Elman knows by name, where they live, and how they are read.

A named set is looked for in the folder that the user gives, then in the cache, and is downloaded once otherwise; the
smallest stands here itself.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.data.examples import Reading, read_examples
from elman.data.images import ImageReading, read_images
from elman.errors import DataError, MissingExtraError
from elman.records import Example

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


def cache_folder() -> Path:
    """Return where downloaded data sets are kept: ``$ELMAN_CACHE``, or ``elman`` in the user's cache."""
    chosen = os.environ.get("ELMAN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "elman"


def read_named(name: str, folder: Path | None = None, *, progress: Any = False) -> Reading | ImageReading:
    """Read a named data set.

    Args:
        name: one of `CATALOG`.
        folder: where its files lie; the cache, filled by a download if need be, where None.
        progress: passed to `fetch`.

    Raises:
        DataError: the name is unknown, the folder does not hold the set, or the download failed.
    """
    entry = named(name)
    if isinstance(entry, PairSet):
        return Reading(tuple(Example(source, target) for source, target in entry.pairs), len(entry.pairs), {}, {})
    if isinstance(entry, ImageSet):
        return read_images(folder if folder is not None else fetch(entry, progress=progress))
    place = check(entry, folder) if folder is not None else fetch(entry, progress=progress)
    return read_examples(place, junk=entry.junk)


def named(name: str) -> NamedSet | ImageSet | PairSet:
    """Return the catalog's entry of that name.

    Raises:
        DataError: there is none.
    """
    if name not in CATALOG:
        raise DataError(f"no data set is named {name!r}; the named sets are {', '.join(CATALOG)}")
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


def fetch(
    entry: NamedSet | ImageSet | PairSet,
    *,
    progress: Any = False,
    download: Callable[[str, Path], None] | None = None,
) -> Path:
    """Return the cached folder of a named set, downloading and checking it the first time.

    Args:
        entry: what to fetch.
        progress: True, or an object with pooch's progress bar methods.
        download: how a URL is written to a file; pooch where None.

    Raises:
        DataError: the download failed or did not hold the set, or there is nothing to download. Nothing is left behind.
        MissingExtraError: pooch is not installed.
    """
    if isinstance(entry, PairSet):
        raise DataError(f"{entry.name!r} is inside the package; there is nothing to fetch: elman train {entry.name}")
    place = cache_folder() / entry.name
    if place.is_dir():
        return place if isinstance(entry, ImageSet) else check(entry, place)
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        if isinstance(entry, ImageSet):
            return _fetch_images(entry, Path(scratch), place, download or _download_with_pooch(progress))
        archive = Path(scratch, "archive.zip")
        (download or _download_with_pooch(progress))(entry.url, archive)
        try:
            with zipfile.ZipFile(archive) as opened:
                wanted = [n for n in opened.namelist() if n.startswith(f"{entry.folder}/") and n.endswith(".txt")]
                opened.extractall(scratch, wanted)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise DataError(f"{entry.url}: the download is not a whole zip archive; try again later") from None
        found = Path(scratch, entry.folder)
        found.mkdir(parents=True, exist_ok=True)
        shutil.move(check(entry, found), place)
    return place


def _fetch_images(entry: ImageSet, scratch: Path, place: Path, download: Callable[[str, Path], None]) -> Path:
    found = scratch / "files"
    found.mkdir()
    for name, expected in entry.digests.items():
        download(entry.url + name, found / name)
        came = hashlib.md5((found / name).read_bytes(), usedforsecurity=False).hexdigest()
        if came != expected:
            raise DataError(f"{entry.url}{name}: expected MD5 {expected}, got {came}; try again later")
    shutil.move(found, place)
    return place


def _download_with_pooch(progress: Any) -> Callable[[str, Path], None]:
    try:
        import pooch
    except ImportError:
        raise MissingExtraError("downloading needs the package pooch: pip install 'elman[train]'") from None

    def download(url: str, file: Path) -> None:
        try:
            pooch.HTTPDownloader(progressbar=progress, timeout=30)(url, str(file), None)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            raise DataError(
                f"could not download {url} ({type(error).__name__}); check the network, "
                "or give a local copy with --data DIR"
            ) from None

    return download
