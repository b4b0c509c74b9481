"""Downloads: named sets are fetched once, checked, and kept in a cache."""

import hashlib
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elman.data.catalog import AnySet, FileSet, ImageSet, NamedSet, PairSet, check_files, check_folder
from elman.errors import DataError
from elman.extras import extra

Download = Callable[[str, Path], None]
"""Writes what a URL holds to a file."""


def cache_folder() -> Path:
    """Return the folder of downloaded data sets: ``$ELMAN_CACHE``, or ``elman`` in the user's cache."""
    chosen = os.environ.get("ELMAN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "elman"


def fetch(entry: AnySet, *, progress: Any = False, download: Download | None = None) -> Path:
    """Return the cached folder of a named set; the first time, download and check it.

    Args:
        entry: what to fetch.
        progress: True, or an object with the methods of pooch's progress bars.
        download: how a URL is written to a file; pooch if None.

    Raises:
        DataError: the download failed or does not contain the set, or there is nothing to download. The cache is
            unchanged then.
        MissingExtraError: pooch is not installed.
    """
    if isinstance(entry, PairSet):
        raise DataError(f"{entry.name!r} is inside the package; there is nothing to fetch: elman train {entry.name}")
    place = cache_folder() / entry.name
    if place.is_dir():
        return _check_cached(entry, place)
    cache_folder().mkdir(parents=True, exist_ok=True)
    download = download or _use_pooch(progress)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        if isinstance(entry, NamedSet):
            files = _fetch_archive(entry, Path(scratch), download)
        else:
            files = _fetch_files(entry, Path(scratch), download)
        shutil.move(files, place)
    return place


def _check_cached(entry: NamedSet | ImageSet | FileSet, place: Path) -> Path:
    if isinstance(entry, NamedSet):
        return check_folder(entry, place)
    return place if isinstance(entry, ImageSet) else check_files(entry, place)


def _fetch_archive(entry: NamedSet, scratch: Path, download: Download) -> Path:
    """Download and unpack a zip archive; return the folder of the set's files."""
    archive = scratch / "archive.zip"
    download(entry.url, archive)
    try:
        with zipfile.ZipFile(archive) as opened:
            wanted = [n for n in opened.namelist() if n.startswith(f"{entry.folder}/") and n.endswith(".txt")]
            opened.extractall(scratch, wanted)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise DataError(f"{entry.url}: the download is not a complete zip archive; try again later") from None
    unpacked = scratch / entry.folder
    unpacked.mkdir(parents=True, exist_ok=True)
    return check_folder(entry, unpacked)


def _fetch_files(entry: ImageSet | FileSet, scratch: Path, download: Download) -> Path:
    """Download the files of a set and compare their digests; return their folder."""
    folder = scratch / "files"
    folder.mkdir()
    kind = "MD5" if isinstance(entry, ImageSet) else "SHA-256"
    for name, expected in entry.digests.items():
        download(entry.url + name, folder / name)
        content = (folder / name).read_bytes()
        found = hashlib.md5(content, usedforsecurity=False) if kind == "MD5" else hashlib.sha256(content)
        if found.hexdigest() != expected:
            raise DataError(f"{entry.url}{name}: expected {kind} {expected}, got {found.hexdigest()}; try again later")
    return folder


def _use_pooch(progress: Any) -> Download:
    with extra("train", purpose="downloading"):
        import pooch

    def download(url: str, file: Path) -> None:
        try:
            pooch.HTTPDownloader(progressbar=progress, timeout=30)(url, str(file), None)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            raise DataError(
                f"could not download {url} ({type(error).__name__}); check the network, "
                "or give a local copy with --data DIR"
            ) from None

    return download
