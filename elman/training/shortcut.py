"""Shortcut: from data, wherever they are, to a trained model in one call."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from elman.checks import shown, suggest
from elman.data.examples import FeatureReading, Reading, collect_examples
from elman.data.images import ImageReading
from elman.data.pairs import PairReading
from elman.data.reading import account
from elman.data.streaming import StreamedReading
from elman.errors import DataError, SettingError
from elman.prediction.names import list_names
from elman.records import Example
from elman.training.config import RunConfig
from elman.training.options import (
    Options,
    apply_options,
    default_folder,
    fit_config,
    name_of,
    new_config,
    read_for,
    write_command,
)
from elman.training.progress import choose_display
from elman.training.recipes import best_settings
from elman.training.run import Run, RunReport

AnyReading = Reading | ImageReading | FeatureReading | PairReading

IN_MEMORY = "data in memory"
"""What the provenance of a model calls data that were in no file."""


def train_run(
    data: Any,
    config: RunConfig | None = None,
    folder: Path | str | None = None,
    *,
    text: str | None = None,
    label: str | None = None,
    number: str | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> RunReport:
    """Train, evaluate and write a model in one call.

    It says on standard error, or in the notebook, how far it is. An interrupted call loses no finished epoch: call it
    again with the same data, the same folder and ``resume=True``.

    Args:
        data: the name of a data set, or the path of a file or folder, as `elman train` takes it; a data frame of
            pandas, polars or pyarrow, or a dict of columns; a tuple of two columns, ``(strings, labels)``; a list of
            pairs of a string and its label; or what `elman.read_examples` returns.
        config: the settings; the best ones for the data if None. An empty name or source in it is filled in.
        folder: of the run; ``runs/NAME``, or the next one that is free, if None.
        text: of a table, the column of the strings; ``name`` if neither this nor ``config`` says it.
        label: of a table, the column of the labels; ``label`` in the same way.
        number: answer with the number in this column of a table, rather than with a label.
        resume: continue the run in the folder.
        quiet: say nothing.

    Returns:
        The report; ``elman.load(report.folder)`` answers with the model.

    Raises:
        SettingError: the data are of another kind, or a setting cannot work.
        DataError: the data cannot be read or split.
        TrainingError: there is no run to resume, or it has other data or another configuration.

    >>> import tempfile
    >>> from elman.training.config import TrainConfig
    >>> names = [f"{start}{end}" for end in ("moto", "akis") for start in "ka mi ta no ri se yo ha ku ma".split()]
    >>> config = RunConfig(train=TrainConfig(epochs=1), test_share=0.2, validation_share=0.2)
    >>> report = train_run((names, ["Japanese"] * 10 + ["Greek"] * 10), config, tempfile.mkdtemp(), quiet=True)
    >>> report.test.examples
    4
    """
    columns = {"text": text, "label": label, "number": number}
    options = {option: column for option, column in columns.items() if column is not None}
    reading: AnyReading
    if isinstance(data, str | Path):
        config = _complete_settings(str(data), config, options)
        place = _choose_folder(folder, config, resume=resume)
        reading = read_for(config, run=place, resume=resume)
        config = fit_config(config, reading)
    else:
        reading, config = _prepare(data, config, options)
        place = _choose_folder(folder, config, resume=resume)
    command = write_command(config) if isinstance(data, str | Path) else None
    run = Run(reading, config, place, resume=resume, command=command)
    display = choose_display(quiet=quiet or not run.state.ranks.is_first)
    notes = [f"note: {note}" for note in (*reading.notes, *run.task.notes)]
    for line in (f"{config.data}: {account(reading, run.task.dropped)}", run.describe(), *notes):
        display.say(line)
    run.watch(display)
    display.say(run.describe_measuring())
    report = run.finish()
    display.say(f"{report.verdict}\nEverything is in {report.folder}")
    return report


def _prepare(data: Any, config: RunConfig | None, options: Options) -> tuple[AnyReading, RunConfig]:
    """Return examples that are in memory and the settings, with a name for the model and for the data."""
    if isinstance(data, AnyReading):
        if options:
            raise SettingError(f"{next(iter(options))} names a column of a table, and these examples are read already")
        config = config or _choose_settings(data)
        return data, _name(fit_config(config, data), IN_MEMORY)
    config = config or best_settings("number" if "number" in options else "label")
    config = _name(apply_options(config, options), IN_MEMORY)
    if config.task not in ("label", "number"):
        raise SettingError(f"data in memory are for label and number; the settings are for {config.task}: give a path")
    return _read_memory(data, config), config


def _choose_settings(reading: AnyReading) -> RunConfig:
    """Return the best settings for examples that are read already."""
    if not isinstance(reading, FeatureReading):
        best = best_settings("images" if isinstance(reading, ImageReading) else "label")
        return apply_options(best, {"stream": True}) if isinstance(reading, StreamedReading) else best
    best = best_settings("features")
    shape = replace(best.model, input_size=len(reading.columns))
    return replace(best, feature_columns=reading.columns, label_column=reading.number, model=shape)


def _complete_settings(data: str, config: RunConfig | None, options: Options) -> RunConfig:
    """Return the settings for the data of a path or a name, with a name for the model."""
    name = name_of(data)
    if config is None:
        return new_config(data, name, options)
    return _name(replace(apply_options(config, options), data=data), data, name)


def _choose_folder(folder: Path | str | None, config: RunConfig, *, resume: bool) -> Path:
    return default_folder(config.name, resume) if folder is None else Path(folder)


def _name(config: RunConfig, data: str, name: str = "model") -> RunConfig:
    """Return settings in which an empty name or source is filled in."""
    return replace(config, name=config.name or name, data=config.data or data)


def _read_memory(data: Any, config: RunConfig) -> Reading:
    """Return the examples of a frame, of two columns, or of pairs."""
    if hasattr(type(data), "collect"):
        raise SettingError(f"data must be a frame in memory; got {type(data).__name__}: collect it first")
    columns = _list_columns(data)
    if isinstance(data, str | bytes) or not (columns or isinstance(data, Iterable)):
        raise SettingError(
            "data must be a name or a path, a data frame, (strings, labels), or a list of pairs of a string and its "
            f"label; got {type(data).__name__}"
        )
    strings: Any
    labels: Any
    if columns:
        strings, labels = (_take(data, column, columns) for column in (config.text_column, config.label_column))
    elif isinstance(data, tuple) and len(data) == 2:
        strings, labels = data
    else:
        strings, labels = _separate(data)
    return collect_examples(list_names(strings), _to_list(labels), max_characters=config.max_characters)


def _list_columns(data: Any) -> list[str]:
    """Return the names of the columns of a frame of any library, or the keys of a dict; none if it is no table."""
    if isinstance(data, Mapping):
        return [str(name) for name in data]
    if isinstance(data, type):
        return []
    names = getattr(data, "column_names", None)  # of pyarrow, whose columns are arrays
    return [str(name) for name in (getattr(data, "columns", ()) if names is None else names)]


def _take(data: Any, column: str, columns: list[str]) -> Any:
    if column not in columns:
        found = shown(", ".join(columns), 300)
        raise DataError(
            f"the frame has no column '{shown(column)}'; name text and label, of {found}{suggest(column, columns)}",
            code="unknown_column",
        )
    return data[column]


def _separate(pairs: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """Return the strings and the labels of pairs."""
    strings, labels = [], []
    for position, pair in enumerate(pairs):
        if isinstance(pair, Example):
            strings += [pair.text] * pair.count
            labels += [pair.label] * pair.count
        elif isinstance(pair, tuple | list) and len(pair) == 2:
            strings.append(pair[0])
            labels.append(pair[1])
        else:
            raise SettingError(
                f"each item must be a pair of a string and its label; got {type(pair).__name__} at position "
                f"{position}: give (strings, labels) for two columns"
            )
    return strings, labels


def _to_list(labels: Any) -> list[Any]:
    if isinstance(labels, str | bytes) or not isinstance(labels, Iterable):
        raise SettingError(f"labels must be a list or a column; got {type(labels).__name__}")
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(labels, method):
            return list(getattr(labels, method)())
    return list(labels)
