"""Tasks: what is read and what is answered, one file for each; a run trains any of them."""

from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading
from elman.errors import SettingError
from elman.training.config import RunConfig
from elman.training.tasks.features import FeatureTask
from elman.training.tasks.images import ImageTask
from elman.training.tasks.labels import LabelTask
from elman.training.tasks.numbers import NumberTask
from elman.training.tasks.tags import TagTask
from elman.training.tasks.task import Findings, Task

TASKS = ("label", "tags", "number", "images", "features")

__all__ = [
    "TASKS",
    "FeatureTask",
    "Findings",
    "ImageTask",
    "LabelTask",
    "NumberTask",
    "RunConfig",
    "TagTask",
    "Task",
    "build_task",
]


def build_task(reading: Reading | ImageReading | FeatureReading, config: RunConfig) -> Task:
    """Return the task that the config names, with the examples of a source.

    Raises:
        SettingError: the task has no such name, or reads another kind of source.
        DataError: the examples cannot be used.
    """
    if (config.model.readout == "each") != (config.task == "tags"):
        raise SettingError(f"the task {config.task!r} does not work with the readout {config.model.readout!r}")
    match config.task, reading:
        case "label", Reading():
            return LabelTask(reading, config)
        case "tags", Reading():
            return TagTask(reading, config)
        case "number", Reading():
            return NumberTask(reading, config)
        case "images", ImageReading():
            return ImageTask(reading, config)
        case "features", FeatureReading():
            return FeatureTask(reading, config)
        case _:
            raise SettingError(f"task must be one of {', '.join(TASKS)}, and fit {config.data}; got {config.task!r}")
