"""Reading: what DATA means on the command line, a named set or a file or folder of the user."""

import os
from pathlib import Path
from typing import Any

from elman.checks import count_of, shown, suggest
from elman.data.catalog import CATALOG, ImageSet, PairFiles, PairSet, TextSet, check_files, check_folder, find_set
from elman.data.columns import read_lines
from elman.data.download import fetch
from elman.data.examples import BLANK, MAX_CHARACTERS, FeatureReading, Reading, check_unused, read_examples
from elman.data.images import ImageReading, has_images, read_images
from elman.data.pairs import PairReading, join_parts, read_transcriptions
from elman.errors import DataError, SettingError
from elman.records import Example
from elman.tables.formats import TextOptions, check_options
from elman.tables.sql.queries import Query
from elman.text.normalisation import clean_all


def read_named(name: str, folder: Path | None = None, *, progress: Any = False) -> Reading | ImageReading | PairReading:
    """Read a named data set.

    Args:
        name: one of `CATALOG`.
        folder: the folder of its files; None: the cache, which a download fills if necessary.
        progress: as `fetch` takes it.

    Raises:
        DataError: the name is unknown, the folder does not hold the set, or the download failed.
    """
    entry = find_set(name)
    if isinstance(entry, PairSet):
        return Reading(tuple(Example(source, target) for source, target in entry.pairs), len(entry.pairs), {}, {})
    if isinstance(entry, ImageSet):
        return read_images(folder if folder is not None else fetch(entry, progress=progress))
    if isinstance(entry, PairFiles | TextSet):
        place = check_files(entry, folder) if folder is not None else fetch(entry, progress=progress)
        return _read_parts(entry, place) if isinstance(entry, PairFiles) else _read_texts(entry, place)
    place = check_folder(entry, folder) if folder is not None else fetch(entry, progress=progress)
    return read_examples(place, junk=entry.junk)


def _read_texts(entry: TextSet, folder: Path) -> Reading:
    """Return the lines of a set's files as examples without labels."""
    files = [read_lines(folder / name, TextOptions(), skip=False) for name in entry.digests]
    lines = [line or "" for file in files for _, line in file]
    examples = tuple(Example(text, "") for text in clean_all(lines) if text)
    dropped = {BLANK: len(lines) - len(examples)} if len(examples) < len(lines) else {}
    return Reading(examples, len(lines), dropped, {})


def _read_parts(entry: PairFiles, folder: Path) -> PairReading:
    parts = {
        part: read_transcriptions(
            folder / file, target_symbols=entry.target_symbols, count=entry.count, join=entry.join, on_error="stop"
        )
        for part, file in entry.files.items()
    }
    return join_parts(parts["train"], parts.get("validation"), parts["test"], held_out=entry.held_out)


def find_source(data: str | None, from_sql: str | None, query: str | None) -> str | Query:
    """Return what a command reads: DATA, or the query to a database.

    Args:
        data: the name of a set, or a path.
        from_sql: the URL of a database.
        query: the query to send to it.

    Raises:
        SettingError: there is neither or both, or one option lacks the other.
    """
    if (from_sql is None) != (query is None):
        raise SettingError("--from-sql URL and --query SQL go together; one of them is missing")
    if from_sql is not None and query is not None:
        if data is not None:
            raise SettingError(f"--from-sql reads a database instead of {shown(data)}; leave one of them out")
        return Query(from_sql, query)
    if data is None:
        raise SettingError("expected DATA, a named set, a folder or a table; or --from-sql URL and --query SQL")
    return data


def name_source(source: str | Query) -> str:
    """Return what is read as messages and files show it: of a query only the kind of its database."""
    return source.place if isinstance(source, Query) else source


def read_source(
    data: str | Query,
    folder: Path | None = None,
    *,
    text: str = "name",
    label: str = "label",
    max_characters: int = MAX_CHARACTERS,
    options: TextOptions | None = None,
    on_error: str | None = None,
    progress: Any = False,
) -> Reading | ImageReading | PairReading:
    """Read a named data set, a folder or table of labelled strings, a query, or a folder of IDX files.

    Args:
        data: the name of a set, or a path or query as `read_examples` takes it.
        folder: the folder of a named set; see `read_named`.
        text: as in `read_examples`.
        label: as in `read_examples`.
        max_characters: as in `read_examples`.
        options: as in `read_examples`.
        on_error: as in `read_examples`; ``skip`` if None.
        progress: as `fetch` takes it.

    Raises:
        SettingError: there is a folder for data that are not a named set, or a setting has no effect on the data.
        DataError: the data cannot be read.
    """
    settings = {"text": text, "label": label, "max_characters": max_characters, "on_error": on_error}
    if not isinstance(data, Query) and data in CATALOG:
        title = f"the named set {data!r}"
        check_unused(title, **settings)
        check_options(options or TextOptions(), (), title)
        return read_named(data, folder, progress=progress)
    if not isinstance(data, Query) and not os.path.exists(data) and (near := suggest(data, CATALOG)):
        raise DataError(f"{shown(data)}: no data set, file or folder has this name{near}")
    if folder is not None:
        name = repr(data) if isinstance(data, str) else "a query"
        raise SettingError(
            f"--data is the folder of a named set, and {name} is not a named set; give the folder or file as DATA"
        )
    if not isinstance(data, Query) and has_images(Path(data)):
        check_unused("a folder of images", **settings)
        check_options(options or TextOptions(), (), "a folder of images")
        return read_images(data)
    return read_examples(
        data, text=text, label=label, max_characters=max_characters, options=options, on_error=on_error or "skip"
    )


def account(reading: Reading | ImageReading | FeatureReading | PairReading, dropped: dict[str, int]) -> str:
    """Return what was read and what was dropped or repaired, by reason, in one line."""
    counts = [f"{count_of(reading.lines, 'line')} read, {count_of(reading.lines - sum(dropped.values()), 'example')}"]
    counts += [f"{count:,} dropped: {reason}" for reason, count in dropped.items()]
    counts += [f"{count:,} repaired: {repair}" for repair, count in reading.repaired.items()]
    return "; ".join(counts)
