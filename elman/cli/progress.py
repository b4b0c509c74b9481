"""What commands print while they work and when they are done: JSON, progress bars, and the report of a run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from elman.cli.output import print_note, whole

if TYPE_CHECKING:
    from rich.console import Console

    from elman.data.examples import FeatureReading, Reading
    from elman.data.images import ImageReading
    from elman.records import EpochResult
    from elman.training.run import Run, RunReport

MOST_LINES = 100
"""A run with more epochs prints only the first and every tenth part of them."""


def account(reading: "Reading | ImageReading | FeatureReading", dropped: dict[str, int]) -> str:
    """Return what was read and what was dropped or repaired, by reason, in one line."""
    counts = [f"{reading.lines:,} lines read, {reading.lines - sum(dropped.values()):,} examples"]
    counts += [f"{count:,} dropped: {reason}" for reason, count in dropped.items()]
    counts += [f"{count:,} repaired: {repair}" for repair, count in reading.repaired.items()]
    return "; ".join(counts)


def print_notes(reading: "Reading | ImageReading | FeatureReading") -> None:
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


def train_with_bar(run: "Run", console: "Console") -> bool:
    """Train with a progress bar; return whether Ctrl-C stopped it. The run keeps the epochs that are done."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from elman.records import StepResult

    steps = run.state.steps_in_epoch
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("training", total=steps * run.config.train.passes, completed=run.state.step)

        def show(step: StepResult) -> None:
            right = "" if step.accuracy is None else f"accuracy {step.accuracy:.0%}  "
            description = f"epoch {step.epoch}  loss {step.loss:.3f}  {right}rate {step.learning_rate:.1e}"
            progress.update(bar, advance=1, description=description)

        epochs = run.config.train.passes
        every = epochs // 10 if epochs > MOST_LINES else 1
        try:
            for epoch in run.epochs(on_step=show):
                if epoch.epoch % every == 0 or epoch.epoch == 1 or run.finished:
                    progress.console.print(_describe_epoch(run, epoch), highlight=False)
        except KeyboardInterrupt:
            return True
    return False


def _describe_epoch(run: "Run", epoch: "EpochResult") -> str:
    """Return what one epoch did: loss and accuracy of both parts, and a sample answer of a tagger."""
    shares = (epoch.accuracy, epoch.validation_accuracy)
    training, validation = ("" if share is None else f" {share:6.1%}" for share in shares)
    line = f"epoch {epoch.epoch:>3}  loss {epoch.loss:.3f}{training}"
    if run.config.split != "none":
        line += f"   validation {epoch.validation_loss:.3f}{validation}   {epoch.seconds:5.1f} s"
        line += "  best" if epoch.is_best else ""
    sample = run.task.sample(run.model)
    return f"{line}  {whole(sample)}" if sample else line


def show_report(report: "RunReport", console: "Console") -> None:
    """Print the scores of a run beside those of its baseline, the verdict, and where the files are."""
    from elman.evaluation.titles import COLUMNS, describe_confused, show_rows, title_scores
    from elman.model.kinds import named_kind

    values = report.values
    title = title_scores(values["test"], model=values["name"], data=values["data"]["source"], part="test")
    rows = show_rows(values["test"], values["baseline"], values["validation"], labels=len(values["labels"]))
    print_scores(rows, COLUMNS, title, console)
    confused = describe_confused(values)
    for remark in [*values["remarks"], *([confused] if confused else [])]:
        console.print(whole(remark), highlight=False)
    console.print(whole(report.verdict), style="bold")
    pictures = ", ".join(["curves.png", *values["pictures"]])
    console.print(f"Everything is in {whole(report.folder)}: model.safetensors, report.md, {pictures}")
    placeholder = named_kind(values["config"]["task"]).placeholder
    console.print(f"Try it: elman predict --model {whole(report.folder)} {placeholder}", highlight=False)


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


def describe_run(run: "Run") -> str:
    """Return the network, the task, the sizes of the parts and the folder of a run, in three lines."""
    from elman.model.config import NO_CELL

    model, sizes = run.config.model, run.task.sizes
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    kinds = {"Unrolled": "by hand", "Fused": "fused"}
    hand = kinds.get(type(getattr(run.model, "recurrence", None)).__name__, "torch.nn")
    cells = (
        f"{model.cell} ({hand}), layers: {model.layers}, hidden size: {model.hidden_size}, "
        f"directions: {model.directions}"
        if model.cell != NO_CELL
        else "linear"
    )
    return (
        f"{cells}, {parameters:,} parameters\n"
        f"{whole(run.task.description())}: "
        f"{sizes['train']:,} train, {sizes['validation']:,} validate, {sizes['test']:,} test\n"
        f"folder: {whole(run.folder)}"
    )
