"""``elman models``: list, show, publish and shrink models."""

from pathlib import Path
from typing import Annotated

import typer

from elman.checks import count_of, whole
from elman.cli.options import JsonOption, ModelArgument, PlotOption, command_app
from elman.cli.output import print_note, to_json
from elman.errors import SettingError
from elman.extras import extra
from elman.model.shipped import DEFAULT_MODEL

app = command_app(help="List, show, publish and shrink models.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """List the models that the package contains."""
    from elman.model.files import load_model
    from elman.model.shipped import shipped_models
    from elman.model.writer import Writer

    for name, file in shipped_models().items():
        model = load_model(file)
        answers = (
            f"{count_of(len(model.targets.symbols), 'symbol')} to write"
            if isinstance(model, Writer)
            else count_of(len(model.labels), "label")
        )
        parameters, size = count_of(model.parameters, "parameter"), file.stat().st_size / 1e6
        print(f"{whole(name)}: {answers}, {parameters}, {size:.1f} MB")


@app.command("show")
def show(
    model: ModelArgument = DEFAULT_MODEL,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a model's card, or one made from the facts in its file if it has none; all facts with --json.

    With [bold]--plot[/bold], draw its network instead, unrolled and with its shapes.
    """
    from dataclasses import asdict

    from elman.model.address import is_address
    from elman.model.card import read_card, write_local_card
    from elman.model.file import Artifact
    from elman.model.files import load_model
    from elman.model.shipped import find_model, find_origin
    from elman.model.writer import Writer

    file = find_model(model)
    artifact = load_model(file)
    origin = find_origin(model, file)
    if isinstance(artifact, Writer):
        if plot is not None:
            raise SettingError("--plot draws networks that answer, and this one writes strings; leave it out")
        of_kind = {
            "target_symbols": artifact.targets.form,
            "longest": artifact.longest,
            "filter_errors": None if artifact.seen is None else artifact.seen.false_positives,
        }
    else:
        of_kind = {}
    if plot is not None and isinstance(artifact, Artifact):
        with extra("plot"):
            from elman.evaluation.drawings import plot_network
            from elman.evaluation.figures import save_figure

        steps = {
            "strings": list("hello"),
            "images": ["row 1", "row 2", "…", *(f"row {rows}" for rows in artifact.picture[:1])],
        }
        figure = plot_network(
            artifact.config,
            symbols=len(artifact.vocabulary),
            labels=len(artifact.labels),
            steps=steps.get(artifact.kind.reads, ["x"]),
        )
        save_figure(figure, plot)
        if not as_json:
            print(f"Drawn to {whole(plot)}")
            return
    facts = {
        "name": artifact.name,
        "origin": origin,
        "reads": artifact.kind.reads,
        "answers": artifact.kind.answers,
        "labels": [] if artifact.labels is None else list(artifact.labels.names),
        "config": asdict(artifact.config),
        "normalisation": asdict(artifact.normalisation),
        "temperature": artifact.temperature,
        "parameters": artifact.parameters,
        **of_kind,
        "provenance": artifact.provenance,
    }
    if as_json:
        print(to_json(facts, indent=2))
        return
    if is_address(model):
        print_note(origin)
    _print_card(read_card(file) or write_local_card(artifact, path=model))


def _print_card(card: str) -> None:
    """Print a card, which may come from other people."""
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown("\n".join(whole(line.expandtabs(4)) for line in card.split("\n"))))


@app.command("push")
def push(
    model: ModelArgument,
    address: Annotated[str, typer.Argument(metavar="hf://OWNER/NAME", help="Where to publish it.", show_default=False)],
    license: Annotated[
        str | None,
        typer.Option(
            help="Its licence, by the identifier of the Hub, such as apache-2.0; the card says unknown if not given.",
            show_default=False,
        ),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Create a private repository.")] = False,
) -> None:
    """Publish a model with its card on the Hugging Face Hub, and print its address with the commit.

    Log in first, with hf auth login. The repository is created if it does not exist; a card that somebody else wrote is
    kept.
    """
    from elman.prediction.loading import load_any

    print(load_any(model).push_to_hub(address, license=license, private=private))


@app.command("shrink")
def shrink(
    model: ModelArgument,
    out: Annotated[Path, typer.Argument(help="The file to write.")],
    bits: Annotated[
        int, typer.Option(help="Of a weight: 8, or 4 in tables of at least 1,024 rows and 8 elsewhere.", metavar="8|4")
    ] = 8,
) -> None:
    """Write a copy of a model with weights of 8 or 4 bits: a smaller file, whose answers differ a little.

    The copy is as fast as the model. Measure the difference with elman evaluate.
    """
    from elman.model.files import load_model, save_model
    from elman.model.shipped import find_model

    if bits not in (8, 4):
        raise SettingError(f"--bits must be 8 or 4; got {bits}")
    file = find_model(model)
    if out.exists():
        raise SettingError(f"{out}: already exists; give another name")
    save_model(load_model(file), out, weights=f"int{bits}")
    print(f"{whole(out)}: {out.stat().st_size / 1e6:.2f} MB, of {file.stat().st_size / 1e6:.2f} MB")
