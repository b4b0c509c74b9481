"""What commands print while they work and when they are done: JSON, progress bars, and the report of a run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from elman.checks import whole
from elman.cli.output import print_note

if TYPE_CHECKING:
    from rich.console import Console

    from elman.data.examples import FeatureReading, Reading
    from elman.data.images import ImageReading
    from elman.data.pairs import PairReading
    from elman.training.run import Run, RunReport


def print_notes(reading: "Reading | ImageReading | FeatureReading | PairReading") -> None:
    """Print on standard error what a user should know of how data were read."""
    for note in reading.notes:
        print_note(note)


class download_bar:  # noqa: N801 - pooch takes an object with these methods
    """A progress bar of a download, with the methods that pooch calls; it appears with the first byte."""

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
        """Start again at 0."""
        self._progress.reset(self._task)

    def close(self) -> None:
        """Remove the bar."""
        self._progress.stop()


@contextmanager
def rows_bar() -> "Iterator[Callable[[str, int], None]]":
    """Show how many rows of a source are read, and then written to shards; nothing before the first."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    console = Console(stderr=True)
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    bar = progress.add_task("rows")

    def show(what: str, rows: int) -> None:
        progress.start()
        progress.update(bar, description=f"{rows:,} rows {what}")

    try:
        yield show
    finally:
        if progress.live.is_started:  # rich ends a line even if it showed nothing
            progress.stop()


def train_with_bar(run: "Run", console: "Console") -> bool:
    """Train with a progress bar; return whether Ctrl-C stopped it. The run keeps the epochs that are done."""
    from elman.training.progress import BarDisplay

    try:
        run.watch(BarDisplay(console))
    except KeyboardInterrupt:
        return True
    return False


def show_report(report: "RunReport", console: "Console") -> None:
    """Print the scores of a run beside those of its baseline, the verdict, and where the files are."""
    from elman.evaluation.titles import describe_confused, name_part, show_report_rows, title_scores
    from elman.model.kinds import named_kind

    values = report.values
    title = title_scores(values["test"], model=values["name"], data=values["data"]["source"], part=name_part(values))
    columns, rows = show_report_rows(values)
    print_scores(rows, columns, title, console)
    confused = describe_confused(values)
    for remark in [*values["remarks"], *([confused] if confused else [])]:
        console.print(whole(remark), highlight=False)
    console.print(whole(report.verdict), style="bold")
    pictures = ", ".join(["curves.png", *values["pictures"]])
    console.print(f"Everything is in {whole(report.folder)}: model.safetensors, report.md, {pictures}")
    kind = named_kind(values["config"]["task"])
    if kind.name == "generate":
        console.print(f"Try it: elman generate {whole(report.folder)}", highlight=False)
        return
    console.print(f"Try it: elman predict --model {whole(report.folder)} {kind.placeholder}", highlight=False)


def print_scores(rows: "Sequence[Sequence[str]]", columns: "Sequence[str]", title: str, console: "Console") -> None:
    """Print a table of scores, as `elman.evaluation.titles.show_rows` returns them, and what its intervals mean.

    Args:
        rows: the title of each score, then its values.
        columns: the headings of the values.
        title: of the table.
        console: where to print.
    """
    from rich.table import Column, Table
    from rich.text import Text

    console.print(Text(whole(title)), soft_wrap=True)
    table = Table("", *(Column(heading, justify="right") for heading in columns))
    widths = (max(map(len, column)) for column in zip(("", *columns), *rows, strict=True))
    is_narrow = console.width < sum(widths) + 3 * len(columns) + 4
    for row in rows:  # an interval gets a line of its own where the table would be wider than the terminal
        table.add_row(*(Text(cell.replace(" (", "\n(") if is_narrow else cell) for cell in row))
    console.print(table)
    console.print("In brackets: the interval of 95 %, of other strings of the same kind.", style="dim")
