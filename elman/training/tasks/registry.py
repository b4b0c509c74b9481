"""The registry of tasks: the one of each kind of model, and the one that fits a source."""

from collections.abc import Callable
from typing import Any

from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading
from elman.data.pairs import PairReading
from elman.data.streaming import StreamedReading
from elman.errors import SettingError
from elman.model.kinds import named_kind
from elman.training.config import RunConfig
from elman.training.tasks.features import FeatureTask
from elman.training.tasks.generate import GenerateTask
from elman.training.tasks.images import ImageTask
from elman.training.tasks.labels import LabelTask
from elman.training.tasks.numbers import NumberTask
from elman.training.tasks.pairs import PairTask
from elman.training.tasks.streamed import StreamedLabelTask
from elman.training.tasks.tags import TagTask
from elman.training.tasks.task import Task

TASKS = {task.kind: task for task in (LabelTask, TagTask, NumberTask, ImageTask, FeatureTask, GenerateTask, PairTask)}
"""The task of each kind of model, by its name in `elman.model.kinds.KINDS`."""


def build_task(reading: Reading | ImageReading | FeatureReading | PairReading, config: RunConfig) -> Task:
    """Return the task that the config names, with the examples of a source; settings that depend on them are chosen.

    Raises:
        SettingError: the task has no such name, or reads another kind of source.
        DataError: the examples cannot be used.
    """
    kind = named_kind(config.task)
    if not kind.writes and config.model.readout != kind.readout:
        raise SettingError(f"the task {kind.name!r} does not work with the readout {config.model.readout!r}")
    if reading.reads != kind.examples:
        raise SettingError(
            f"the task {kind.name!r} learns from {kind.examples}, and {config.data} holds {reading.reads}"
        )
    if config.stream != isinstance(reading, StreamedReading):
        raise SettingError("examples in shards, and no others, are for settings with stream; see stream_examples")
    task: Callable[[Any, RunConfig], Task] = StreamedLabelTask if config.stream else TASKS[kind.name]
    built = task(reading, config)
    built.settle()
    return built
