"""The catalog: data sets that Elman knows by name, where they live, and how they are read.

A named set is looked for in the folder that the user gives, then in the cache, and is downloaded once otherwise.
"""

import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.data.sources import Reading, read_examples
from elman.errors import DataError, MissingExtraError

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
    """

    name: str
    about: str
    origin: str
    url: str
    folder: str
    labels: tuple[str, ...]
    junk: frozenset[str]


CATALOG = {
    "languages": NamedSet(
        name="languages",
        about="about 20,000 surnames of 18 languages, written in Latin letters",
        origin="Sean Robertson, practical-pytorch, 2017, MIT licence",
        url="https://download.pytorch.org/tutorial/data.zip",
        folder="data/names",
        labels=LANGUAGES,
        junk=frozenset({"To The First Page"}),
    )
}


def cache_folder() -> Path:
    """Return where downloaded data sets are kept: ``$ELMAN_CACHE``, or ``elman`` in the user's cache."""
    chosen = os.environ.get("ELMAN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "elman"


def read_named(name: str, folder: Path | None = None, *, progress: Any = False) -> Reading:
    """Read a named data set.

    Args:
        name: one of `CATALOG`.
        folder: where its files lie; the cache, filled by a download if need be, where None.
        progress: passed to `fetch`.

    Raises:
        DataError: the name is unknown, the folder does not hold the set, or the download failed.
    """
    entry = named(name)
    place = check(entry, folder) if folder is not None else fetch(entry, progress=progress)
    return read_examples(place, junk=entry.junk)


def named(name: str) -> NamedSet:
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
    entry: NamedSet,
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
        DataError: the download failed or did not hold the set. Nothing is left behind.
        MissingExtraError: pooch is not installed.
    """
    place = cache_folder() / entry.name
    if place.is_dir():
        return check(entry, place)
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
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
