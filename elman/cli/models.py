"""``elman models``: the models inside the package."""

import json
from pathlib import Path
from typing import Annotated

import typer

from elman.cli.progress import to_json
from elman.errors import SettingError

app = typer.Typer(
    help="List and look into models.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_models() -> None:
    """List the models inside the package."""
    from elman.model.shipped import shipped_models
    from elman.prediction.predictor import load

    for name, file in shipped_models().items():
        predictor = load(file)
        print(
            f"{name}: {len(predictor.labels)} labels, {predictor.artifact.parameters:,} parameters, "
            f"{file.stat().st_size / 1e6:.1f} MB"
        )


@app.command("show")
def show(
    model: Annotated[str, typer.Argument(help="A shipped model's name, a model file, or a run folder.")] = "languages",
    plot: Annotated[
        Path | None, typer.Option(help="Draw the network, unrolled and with its shapes, to this PNG file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print labels, config and provenance as JSON.")] = False,
) -> None:
    """Show a model's card, or what its file says of where it came from."""
    from dataclasses import asdict

    from elman.model.shipped import find_model
    from elman.prediction.predictor import load

    if plot is not None and plot.suffix.lower() != ".png":
        raise SettingError(f"{plot}: pictures are PNG files; give --plot a name ending in .png")
    file = find_model(model)
    artifact = load(file).artifact
    if plot is not None:
        from elman.evaluation.drawings import plot_network
        from elman.evaluation.plots import save_figure

        steps = {
            "strings": list("hello"),
            "images": ["row 1", "row 2", "…", *(f"row {rows}" for rows in artifact.picture[:1])],
        }
        shown = plot_network(
            artifact.config,
            symbols=len(artifact.vocabulary),
            labels=len(artifact.labels),
            steps=steps.get(artifact.reads, ["x"]),
        )
        save_figure(shown, plot)
        if not as_json:
            print(f"Drawn to {plot}")
            return
    facts = {
        "name": artifact.name,
        "reads": artifact.reads,
        "answers": artifact.answers,
        "labels": list(artifact.labels.names),
        "config": asdict(artifact.config),
        "normalisation": asdict(artifact.normalisation),
        "temperature": artifact.temperature,
        "parameters": artifact.parameters,
        "provenance": artifact.provenance,
    }
    if as_json:
        print(to_json(facts, indent=2))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    card = file.with_suffix(".md")
    if card.is_file():
        Console().print(Markdown(card.read_text(encoding="utf-8")))
    else:
        Console().print_json(json.dumps(facts))


@app.command("shrink")
def shrink(
    model: Annotated[str, typer.Argument(help="A shipped model's name, a model file, or a run folder.")],
    out: Annotated[Path, typer.Argument(help="The file to write.")],
) -> None:
    """Write a copy of a model with weights of 8 bits: a smaller file, and answers that differ a little.

    It is as fast as before. Measure what it costs with elman evaluate.
    """
    from elman.model.file import load_artifact, save_artifact
    from elman.model.shipped import find_model

    file = find_model(model)
    if out.exists():
        raise SettingError(f"{out}: is there already; give another name")
    save_artifact(load_artifact(file), out, weights="int8")
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, of {file.stat().st_size / 1e6:.2f} MB")
