"""Paths: the tables that arguments name, and the names of their outputs in a folder."""

import os
from collections.abc import Sequence
from glob import glob
from pathlib import Path, PurePath

from elman.annotation.targets import name_side_file, show_path
from elman.errors import DataError, SettingError
from elman.files import fit_name
from elman.tables.formats import KINDS, PACKINGS, STANDARD, format_of, is_table


def find_tables(inputs: Sequence[str]) -> list[str]:
    """Return the tables that files, globs and folders name, those of each input in the order of their names.

    Hidden files in a folder, and those whose name or folder begins with ``_``, are left out.

    Raises:
        DataError: an input names no table.
    """
    return [path for one in inputs for path in _find_tables_of(one)]


def name_outputs(inputs: Sequence[str], write_as: str | None, *, skip_malformed: bool = False) -> dict[str, str]:
    """Return the tables to read, each with the path of its output in the folder to write.

    A table from a folder keeps its path inside that folder.

    Args:
        inputs: files, globs and folders.
        write_as: the format to write, as ``csv`` or ``jsonl.gz``; that of each table if None.
        skip_malformed: each table may have another file, for the rows that are skipped.

    Raises:
        DataError: an input names no table, or two outputs would have one name.
        SettingError: an input is standard input, or the format is unknown.
    """
    suffix = None if write_as is None else format_of("", write_as).suffix
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for one in inputs:
        for path in _find_tables_of(one):
            if path == STANDARD:
                raise SettingError("standard input has no name for its output in a folder; name a file to write")
            name = str(Path(path).relative_to(one)) if Path(one).is_dir() else Path(path).name
            name = name if suffix is None else _replace_suffix(name, suffix)
            for output in (name, name_side_file(name)) if skip_malformed else (name,):
                if output in taken:
                    problem = f"two files would become {show_path(output)} in the folder; annotate them separately"
                    raise DataError(f"{show_path(path)}: {problem}")
                taken[output] = path
            names[path] = name
    for output, path in taken.items():
        folder = next((str(each) for each in PurePath(output).parents if str(each) in taken), None)
        if folder is not None:
            problem = f"{show_path(folder)} would be a file and a folder; annotate the inputs separately"
            raise DataError(f"{show_path(path)}: {problem}")
    return names


def _replace_suffix(path: str, suffix: str) -> str:
    """Return a path whose suffixes of a table's format are replaced; other suffixes are part of the name.

    >>> _replace_suffix("a/sales.2024.csv.gz", ".parquet"), _replace_suffix("sales.2024", ".csv")
    ('a/sales.2024.parquet', 'sales.2024.csv')
    """
    folder, name = os.path.split(path)
    for known in (PACKINGS, KINDS):
        stem, dot, last = name.rpartition(".")
        name = stem if stem and dot and last.lower() in known else name
    return os.path.join(folder, fit_name(name, after=suffix))


def name_parquet_outputs(inputs: Sequence[str], out: str, read_as: str | None, write_as: str | None) -> dict[str, str]:
    """Return the tables and outputs of a job on a cluster, which reads Parquet and writes a folder; see `name_outputs`.

    Raises:
        SettingError: something else is to be read or written.
    """
    if not inputs or STANDARD in (*inputs, out) or (read_as or "parquet") != "parquet":
        raise SettingError("--engine ray reads Parquet files and writes a folder: elman annotate IN OUT --engine ray")
    return name_outputs(inputs, write_as)


def _find_tables_of(one: str) -> list[str]:
    path = Path(one)
    if one == STANDARD or path.is_file():
        return [one]
    if path.is_dir():
        found = sorted(str(file) for file in path.rglob("*") if file.is_file() and _is_data(file.relative_to(path)))
        found = [file for file in found if is_table(file)]
        problem = "contains no table"
    else:
        found = sorted(file for file in glob(one, recursive=True) if Path(file).is_file())
        problem = "no such file, and no file matches this pattern"
    if not found:
        raise DataError(f"{show_path(one)}: {problem}; expected CSV, TSV, JSON Lines or Parquet")
    return found


def _is_data(path: Path) -> bool:
    """Return whether no part of a path is hidden, or begins with ``_``, which marks files that are not data."""
    return not any(part.startswith((".", "_")) for part in path.parts)
