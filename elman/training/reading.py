"""The data of a run, in memory, in the form that its task needs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from elman.data.catalog import CATALOG
from elman.data.examples import PAIRS, FeatureReading, Reading, check_unused, read_features, read_pairs
from elman.data.images import ImageReading
from elman.data.pairs import PairReading, read_transcriptions, swap_reading
from elman.data.reading import read_source
from elman.data.texts import read_texts
from elman.errors import SettingError
from elman.tables.sql.queries import Query
from elman.training.config import RunConfig


def read_data(
    config: RunConfig, source: str | Query | None = None, *, progress: Any = False
) -> Reading | ImageReading | FeatureReading | PairReading:
    """Read the data of a run.

    Args:
        config: its task, its data, and how they are read.
        source: what to read instead of ``config.data``, which never holds a query.
        progress: as `elman.data.download.fetch` takes it.

    Raises:
        SettingError: there is a folder for data that are not a named set, or the task does not read queries.
        DataError: the data cannot be read.
    """
    check_source(config, source)
    config = replace(config, data=source) if isinstance(source, str) else config
    if config.swap:
        reading = read_data(replace(config, swap=False), source, progress=progress)
        assert isinstance(reading, PairReading)  # the config says that the task is pairs
        return swap_reading(reading)
    folder = Path(config.data_folder) if config.data_folder else None
    is_file = config.data not in CATALOG and folder is None
    if is_file and config.task == "tags":
        check_unused(PAIRS, text=config.text_column, label=config.label_column)
        return read_pairs(
            config.data,
            max_characters=config.max_characters,
            options=config.text_options(),
            on_error=config.on_error or "stop",
        )
    if is_file and config.task == "pairs":
        return read_transcriptions(
            config.data,
            source=config.source_column,
            target=config.target_column,
            count=config.count_column,
            label=config.label_column,
            target_symbols=config.target_symbols,
            max_characters=config.max_characters,
            options=config.text_options(),
            on_error=config.on_error or "skip",
        )
    if is_file and config.task == "features":
        check_unused("columns of numbers", text=config.text_column, max_characters=config.max_characters)
        return read_features(
            config.data,
            features=config.feature_columns,
            number=config.label_column,
            options=config.text_options(),
            on_error=config.on_error or "skip",
        )
    if is_file and config.task == "generate":
        return read_texts(
            source if isinstance(source, Query) else config.data,
            text=config.text_column,
            label=config.label_column,
            max_characters=config.max_characters,
            options=config.text_options(),
            on_error=config.on_error or "skip",
        )
    is_column = config.task != "number" or config.data not in CATALOG  # otherwise it is the one of the model's data
    return read_source(
        source if isinstance(source, Query) else config.data,
        folder,
        text=config.text_column,
        label=config.label_column if is_column else "label",
        max_characters=config.max_characters,
        options=config.text_options(),
        on_error=config.on_error,
        progress=progress,
    )


def check_source(config: RunConfig, source: str | Query | None) -> None:
    """Check that a task reads queries, if the source is one.

    Raises:
        SettingError: it does not.
    """
    if isinstance(source, Query) and config.task in ("tags", "features"):
        raise SettingError(f"the task {config.task!r} reads files; write the rows of the query to one first")
