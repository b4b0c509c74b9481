"""``elman explain``: how an answer develops, letter by letter."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.checks import shown, whole
from elman.cli.names import check_names
from elman.cli.options import JsonOption, LevelOption, ModelOption, PlotOption, command_app
from elman.cli.output import to_json, to_line
from elman.errors import SettingError
from elman.extras import extra
from elman.model.shipped import DEFAULT_MODEL

if TYPE_CHECKING:
    from rich.text import Text

    from elman.prediction.alignment import Alignment
    from elman.prediction.explanation import Explanation

SHADES = (" ", "░", "▒", "▓", "█")
"""Shades of a weight of attention, from 0 to 1."""

BAR = 8
"""Characters of the longest bar."""

app = command_app()


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="The name to explain.", show_default=False)],
    model: ModelOption = DEFAULT_MODEL,
    label: Annotated[
        str | None, typer.Option(help="Explain this label rather than the model's answer.", show_default=False)
    ] = None,
    level: LevelOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how an answer changes while a name is read, forwards and backwards, and which letters support it.

    [bold]→[/bold] is the answer's probability if the name ends at this letter, [bold]←[/bold] if it begins here.
    [bold]evidence[/bold] is how much the log-odds of the answer fall, in nats, if this letter alone is hidden.

    Of a model of pairs: where it looks in the string while it writes each symbol of its answer; --label is then what
    it is told.
    """
    from elman.prediction.explanation import explain as explain_name
    from elman.prediction.generator import Generator
    from elman.prediction.loading import load_any
    from elman.prediction.transcriber import Transcriber

    predictor, (name,) = load_any(model), check_names([name])
    if isinstance(predictor, Transcriber):
        if level is not None:
            raise SettingError("--level is for models that answer with a label; leave it out")
        _show_alignment(predictor.explain(name, label=label), plot, as_json=as_json)
        return
    if isinstance(predictor, Generator):
        kind = predictor.artifact.kind
        raise SettingError(f"{shown(predictor.name)} {kind}, and reads no string; {kind.remedy}")
    explanation = explain_name(predictor, name, label=label, level=level)
    if plot is not None:
        with extra("plot"):
            from elman.evaluation.drawings import plot_explanation
            from elman.evaluation.figures import save_figure

        save_figure(plot_explanation(explanation), plot)
    if as_json:
        print(to_json(explanation.to_dict(), indent=2))
        return
    _print(explanation)
    if plot is not None:
        print(f"Drawn to {whole(plot)}")


def _show_alignment(alignment: "Alignment", plot: Path | None, *, as_json: bool) -> None:
    """Print where a model of pairs looks: a row for each symbol that it writes, a column for each letter."""
    if plot is not None:
        with extra("plot"):
            from elman.evaluation.drawings import plot_alignment
            from elman.evaluation.figures import save_figure

        save_figure(plot_alignment(alignment), plot)
    if as_json:
        print(to_json(alignment.to_dict(), indent=2))
        return
    _print_alignment(alignment)
    if plot is not None:
        print(f"Drawn to {whole(plot)}")


def _print_alignment(alignment: "Alignment") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    console = Console(markup=False)
    console.print(
        f"{to_line(alignment.name)} → {shown(alignment.label, 200)}, {alignment.probability:.1%}",
        style="bold",
        highlight=False,
    )
    letters = ["␣" if letter == " " else shown(letter) for letter in alignment.normalised]
    table = Table(
        *(Column(justify="right"), Column(justify="right")),
        *(Column(Text(letter), justify="center", no_wrap=True) for letter in letters),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for symbol, chance, weights in zip(alignment.symbols, alignment.chances, alignment.weights, strict=True):
        shades = (SHADES[min(len(SHADES) - 1, int(weight * len(SHADES)))] for weight in weights)
        table.add_row(Text(shown(symbol), style="bold"), f"{100 * chance:.0f} %", *shades)
    console.print(table)
    console.print(
        "A row is a symbol that is written, with its probability; the darker, the more the model looks at the letter.",
        style="dim",
        highlight=False,
    )


def _print(explanation: "Explanation") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    console, answer, normalised = Console(markup=False), shown(explanation.label), explanation.normalised
    console.print(
        f"{to_line(explanation.name)}: {answer} {explanation.probability:.1%}"
        + (f", read as {shown(normalised)}" if normalised != explanation.name.lower() else ""),
        style="bold",
        highlight=False,
    )
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
        normalised, explanation.forwards, explanation.backwards, explanation.evidence, strict=True
    ):
        bar = Text("█" * round(BAR * abs(nats) / largest), style="green" if nats >= 0 else "red")
        courses = (
            cell
            for step in (forwards, backwards)
            for cell in (f"{100 * step[explanation.label]:.0f} %", _rival(step, explanation.label))
        )
        table.add_row(Text("␣" if letter == " " else shown(letter), style="bold"), *courses, f"{nats:+.2f}", bar)
    console.print(table)
    console.print(
        "→ if the name ends at this letter; ← if it begins here; evidence in nats, negative if a letter counts "
        "against the answer.",
        style="dim",
        highlight=False,
    )


def _rival(step: dict[str, float], answer: str) -> "Text":
    """Return the label with the highest probability, unless it is the answer."""
    from rich.text import Text

    label, share = max(step.items(), key=lambda item: item[1])
    return Text("" if label == answer else f"{shown(label)} {100 * share:.0f} %", style="dim")
