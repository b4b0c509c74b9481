"""Download of named sets, once, into a cache."""

import hashlib
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elman.data.catalog import ImageSet, NamedSet, PairSet, check
from elman.errors import DataError, MissingExtraError


def cache_folder() -> Path:
    """Return where downloaded data sets are kept: ``$ELMAN_CACHE``, or ``elman`` in the user's cache."""
    chosen = os.environ.get("ELMAN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "elman"


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
