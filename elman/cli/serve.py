"""``elman serve``: the models as a service, with a page to try them."""

from typing import Annotated

import typer

from elman.errors import MissingExtraError, SettingError

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})

KEY = "ELMAN_API_KEY"
LIMITS = "Limits"
DOORS = "Who may ask"


@app.command()
def serve(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="A shipped model's name, a model file, or a run folder. May be repeated; the first is the default.", show_default="languages"),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen at. Others than this machine's own are reachable for others.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0 takes a free one.")] = 8000,
) -> None:
    """Answer over HTTP, with a page to try it, until Ctrl-C.

    The address is printed when the service is ready.
    """
    from elman.predictor import find_model, load

    try:
        from elman.server.app import create_app
        from elman.server.listening import listen
        from elman.server.settings import Settings
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("elman"):
            raise
        raise MissingExtraError(f"serving needs the package {error.name}: pip install 'elman[serve]'") from None
    files = [find_model(one) for one in model or ["languages"]]
    predictors = {predictor.name: predictor for predictor in map(load, files)}
    if len(predictors) < len(files):
        raise SettingError("two models have the same name; requests could not tell them apart")
    app = create_app(predictors, Settings(), files=dict(zip(predictors, files, strict=True)))
    listen(app, host, port)
