"""``elman explain``: how an answer comes about, letter by letter."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.cli.progress import to_json
from elman.errors import SettingError

if TYPE_CHECKING:
    from rich.text import Text

    from elman.prediction.explanation import Explanation

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})

BAR = 8  # characters of the longest bar


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="The name to explain.", show_default=False)],
    model: Annotated[
        str, typer.Option("--model", "-m", help="A shipped model's name, a model file, or a run folder.")
    ] = "languages",
    label: Annotated[
        str | None, typer.Option(help="Explain this label rather than the model's answer.", show_default=False)
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw it to this PNG file.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON alone.")] = False,
) -> None:
    """Show how an answer moves while a name is read, forwards and backwards, and which letters carry it.

    [bold]forwards[/bold] is what the model says if the name ends at this letter, [bold]backwards[/bold] if it begins
    there. [bold]evidence[/bold] is what the log-odds of the answer lose, in nats, when this letter alone is hidden.
    """
    from elman.prediction.explanation import explain as explained
    from elman.prediction.predictor import load

    if plot is not None and plot.suffix.lower() != ".png":
        raise SettingError(f"{plot}: pictures are PNG files; give --plot a name ending in .png")
    explanation = explained(load(model), name, label=label)
    if plot is not None:
        from elman.evaluation.drawings import plot_explanation
        from elman.evaluation.plots import save_figure

        save_figure(plot_explanation(explanation), plot)
    if as_json:
        print(to_json(explanation.to_dict(), indent=2))
        return
    _print(explanation)
    if plot is not None:
        print(f"Drawn to {plot}")


def _print(explanation: "Explanation") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    console = Console(markup=False)
    console.print(
        f"{explanation.name}: {explanation.label} {explanation.probability:.1%}"
        + (f", read as {explanation.normalised}" if explanation.normalised != explanation.name.lower() else ""),
        style="bold",
        highlight=False,
    )
    answer = explanation.label
    table = Table(
        "letter",
        Column(f"→ {answer}", justify="right"),
        Column("else", no_wrap=True),
        Column(f"← {answer}", justify="right"),
        Column("else", no_wrap=True),
        Column("evidence", justify="right"),
        "",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    largest = max(map(abs, explanation.evidence)) or 1.0
    for letter, forwards, backwards, nats in zip(
        explanation.normalised, explanation.forwards, explanation.backwards, explanation.evidence, strict=True
    ):
        bar = Text("█" * round(BAR * abs(nats) / largest), style="green" if nats >= 0 else "red")
        courses = (
            cell for step in (forwards, backwards) for cell in (f"{100 * step[answer]:.0f} %", _rival(step, answer))
        )
        table.add_row(Text("␣" if letter == " " else letter, style="bold"), *courses, f"{nats:+.2f}", bar)
    console.print(table)
    console.print(
        "→ if the name ended at this letter; ← if it began there; evidence in nats, negative where a letter speaks "
        "against the answer.",
        style="dim",
        highlight=False,
    )


def _rival(step: dict[str, float], answer: str) -> "Text":
    """Return the label that leads where it is not the answer."""
    from rich.text import Text

    label, share = max(step.items(), key=lambda item: item[1])
    return Text("" if label == answer else f"{label} {100 * share:.0f} %", style="dim")
