"""Paths: the tables that arguments name, and the names of their outputs in a folder."""

from collections.abc import Sequence
from glob import glob
from pathlib import Path

from elman.errors import DataError, SettingError
from elman.tables.formats import STANDARD, format_of, is_table


def find_tables(inputs: Sequence[str]) -> list[str]:
    """Return the tables that files, globs and folders name, those of each input in the order of their names.

    Hidden files in a folder, and those whose name or folder begins with ``_``, are left out.

    Raises:
        DataError: an input names no table.
    """
    return [path for one in inputs for path in _find_tables_of(one)]


def name_outputs(inputs: Sequence[str], write_as: str | None) -> dict[str, str]:
    """Return the tables to read, each with the path of its output in the folder to write.

    A table from a folder keeps its path inside that folder.

    Args:
        inputs: files, globs and folders.
        write_as: the format to write, as ``csv`` or ``jsonl.gz``; that of each table if None.

    Raises:
        DataError: an input names no table, or two outputs would have one name.
        SettingError: an input is standard input, or the format is unknown.
    """
    names: dict[str, str] = {}
    for one in inputs:
        for path in _find_tables_of(one):
            if path == STANDARD:
                raise SettingError("standard input has no name for its output in a folder; name a file to write")
            name = str(Path(path).relative_to(one)) if Path(one).is_dir() else Path(path).name
            if write_as:
                name = name.removesuffix("".join(Path(name).suffixes[-2:])) + format_of("", write_as).suffix
            if name in names.values():
                raise DataError(f"{path}: two tables would become {name} in the folder; annotate them separately")
            names[path] = name
    return names


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
        raise DataError(f"{one}: {problem}; expected CSV, TSV, JSON Lines or Parquet")
    return found


def _is_data(path: Path) -> bool:
    """Return whether no part of a path is hidden, or begins with ``_``, which marks files that are not data."""
    return not any(part.startswith((".", "_")) for part in path.parts)
