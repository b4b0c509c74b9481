"""What commands share in printing: JSON that stays JSON whatever the terminal's encoding."""

import json
import sys
from typing import TYPE_CHECKING, Any

from elman.data.examples import Reading

if TYPE_CHECKING:
    from elman.data.examples import FeatureReading
    from elman.data.images import ImageReading
from typing import TYPE_CHECKING

from elman.model.config import NO_CELL

if TYPE_CHECKING:
    from rich.console import Console

    from elman.records import EpochResult
    from elman.training.run import Run, RunReport


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return ``value`` as JSON, readable where standard output is UTF-8 and escaped to ASCII elsewhere."""
    readable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, indent=indent, ensure_ascii=not readable)


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


MOST_LINES = 100
"""Of a run with more epochs, only the first and every tenth part are printed."""


def train_with_bar(run: "Run", console: "Console") -> bool:
    """Train under a progress bar; return whether Ctrl-C stopped it. What is done stays in the run."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from elman.records import StepResult

    steps = run.state.steps_in_epoch
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("training", total=steps * run.config.train.epochs, completed=steps * run.state.epoch)

        def show(step: StepResult) -> None:
            right = "" if step.accuracy is None else f"accuracy {step.accuracy:.0%}  "
            said = f"epoch {step.epoch}  loss {step.loss:.3f}  {right}rate {step.learning_rate:.1e}"
            progress.update(bar, advance=1, description=said)

        epochs = run.config.train.epochs
        every = epochs // 10 if epochs > MOST_LINES else 1
        try:
            for epoch in run.epochs(on_step=show):
                if epoch.epoch % every == 0 or epoch.epoch == 1 or run.finished:
                    progress.console.print(_epoch_line(run, epoch), highlight=False)
        except KeyboardInterrupt:
            return True
    return False


def _epoch_line(run: "Run", epoch: "EpochResult") -> str:
    """Return what one epoch did: loss and accuracy of both parts, and what the network writes where it writes."""
    shares = ("" if share is None else f" {share:6.1%}" for share in (epoch.accuracy, epoch.validation_accuracy))
    training, validation = shares
    line = f"epoch {epoch.epoch:>3}  loss {epoch.loss:.3f}{training}"
    if run.config.split != "none":
        line += f"   validation {epoch.validation_loss:.3f}{validation}   {epoch.seconds:5.1f} s"
        line += "  best" if epoch.is_best else ""
    written = run.task.sample(run.model)
    return f"{line}  {written}" if written else line


def show_report(report: "RunReport", console: "Console") -> None:
    """Print a run's scores beside its baseline's, the verdict, and where everything lies."""
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{report.values['name']}, test part ({report.test.examples:,} examples)")
    table = Table(title=title, title_justify="left")
    for heading, justify in (("", "left"), ("model", "right"), ("baseline", "right"), ("model, validation", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for name, test, validation, baseline in report.values["rows"]:
        table.add_row(Text(name), test, baseline, validation)
    console.print(table)
    for remark in report.values["remarks"]:
        console.print(remark, highlight=False)
    console.print(report.verdict, style="bold")
    pictures = ", ".join(["curves.png", *report.values["pictures"]])
    console.print(f"Everything is in {report.folder}: model.safetensors, report.md, {pictures}")
    asked = {"images": "PICTURE.png", "features": "1.5,2", "tags": "STRING"}.get(
        report.values["config"]["task"], "NAME"
    )
    console.print(f"Try it: elman predict --model {report.folder} {asked}", highlight=False)


def describe_run(run: "Run") -> str:
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
        f"{run.task.description()}: "
        f"{sizes['train']:,} train, {sizes['validation']:,} validate, {sizes['test']:,} test\n"
        f"folder: {run.folder}"
    )
