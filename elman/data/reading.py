"""Reading: what a user means by DATA."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.checks import shown, suggest
from elman.data.catalog import CATALOG, ImageSet, PairSet, check, named
from elman.data.download import fetch
from elman.data.examples import MAX_CHARACTERS, Reading, read_examples
from elman.data.images import ImageReading, read_images
from elman.errors import DataError, SettingError
from elman.records import Example

if TYPE_CHECKING:
    from elman.data.images import ImageReading


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


def read_source(
    data: str,
    folder: Path | None,
    *,
    text: str = "name",
    label: str = "label",
    longest: int = MAX_CHARACTERS,
    progress: Any = False,
) -> "Reading | ImageReading":
    """Read what the user means by DATA."""
    if data in CATALOG:
        return read_named(data, folder, progress=progress)
    if not os.path.exists(data) and (near := suggest(data, CATALOG)):
        raise DataError(f"{shown(data)}: no data set, file or folder has this name{near}")
    if folder is not None:
        raise SettingError(f"--data says where a named set lies, and {data!r} is none; give the folder or file as DATA")
    return read_examples(data, text=text, label=label, max_characters=longest)
