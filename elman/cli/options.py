"""What commands share: the meaning of DATA, and how an account of what was read is told."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.data.examples import MAX_CHARACTERS, Reading, read_examples
from elman.errors import SettingError
from elman.text.normalisation import LONGEST

if TYPE_CHECKING:
    from elman.data.examples import FeatureReading
    from elman.data.images import ImageReading
    from elman.training.tasks import RunConfig

DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A named set (`elman data list`), a folder of Label.txt files, or a CSV, TSV or JSONL file.",
        show_default=False,
    ),
]
FolderOption = Annotated[
    Path | None,
    typer.Option("--data", help="Where a named set lies; downloaded once where not given.", rich_help_panel="Data"),
]
TextOption = Annotated[
    str,
    typer.Option(
        "--text",
        help="A table's column of strings; a number counts from 1 where there is no header.",
        rich_help_panel="Data",
    ),
]
LabelOption = Annotated[
    str, typer.Option("--label", help="A table's column of labels; a number likewise.", rich_help_panel="Data")
]
LongestOption = Annotated[
    int,
    typer.Option(
        "--max-characters",
        min=1,
        max=LONGEST,
        help="Longer strings are dropped and counted.",
        rich_help_panel="Data",
    ),
]


def read_source(
    data: str, folder: Path | None, *, text: str = "name", label: str = "label", longest: int = MAX_CHARACTERS
) -> "Reading | ImageReading":
    """Read what the user means by DATA."""
    from elman.data.catalog import CATALOG, read_named

    if data in CATALOG:
        return read_named(data, folder, progress=download_bar() if folder is None else False)
    if folder is not None:
        raise SettingError(f"--data says where a named set lies, and {data!r} is none; give the folder or file as DATA")
    return read_examples(data, text=text, label=label, max_characters=longest)


def read_for(config: "RunConfig") -> "Reading | ImageReading | FeatureReading":
    """Read the data of a run, as its task wants them."""
    from elman.data.catalog import CATALOG
    from elman.data.examples import read_features, read_pairs

    folder = Path(config.data_folder) if config.data_folder else None
    if config.data not in CATALOG and folder is None and config.task in ("tags", "features"):
        if config.task == "tags":
            return read_pairs(config.data, max_characters=config.max_characters)
        return read_features(config.data, features=config.feature_columns, number=config.label_column)
    return read_source(
        config.data, folder, text=config.text_column, label=config.label_column, longest=config.max_characters
    )


def account(reading: "Reading | ImageReading | FeatureReading", dropped: dict[str, int]) -> str:
    """Say what was read and what was dropped or repaired, by reason."""
    said = [f"{reading.lines:,} lines read, {reading.lines - sum(dropped.values()):,} examples"]
    said += [f"{count:,} dropped: {reason}" for reason, count in dropped.items()]
    said += [f"{count:,} repaired: {repair}" for repair, count in reading.repaired.items()]
    return "; ".join(said)


class download_bar:  # noqa: N801 - stands where pooch expects a progress bar object
    """pooch's progress bar methods over a rich bar that appears with the first byte."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

        columns = ("downloading", BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._progress.add_task("download", total=None)
        self.total = 0

    def update(self, count: int) -> None:
        """Move the bar by ``count`` bytes."""
        self._progress.start()
        self._progress.update(self._task, advance=count, total=self.total or None)

    def reset(self) -> None:
        """Begin again from nothing."""
        self._progress.reset(self._task)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
