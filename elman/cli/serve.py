"""``elman serve``: models as a service, with a page to try them."""

import os
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.errors import MissingExtraError, SettingError

if TYPE_CHECKING:
    from elman.prediction.predictor import Predictor

KEY = "ELMAN_API_KEY"
"""The environment variable that holds the key; an option would stand in the list of processes."""

WHO, MUCH = "Who may ask", "How much"

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def serve(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A shipped model's name, a model file, or a run folder. May be repeated; the first is the default.",
            show_default="languages",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen at. With 0.0.0.0 other machines can ask too.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            help="A further host name by which the service may be called, as that of a proxy. May be repeated; * "
            "allows any. Where others can ask and none is given, any is allowed.",
            rich_help_panel=WHO,
            show_default=False,
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Another site whose pages may ask, as https://example.org. May be repeated; * allows any.",
            rich_help_panel=WHO,
            show_default=False,
        ),
    ] = None,
    max_names: Annotated[int, typer.Option(help="Names in a request.", rich_help_panel=MUCH)] = 1000,
    max_characters: Annotated[int, typer.Option(help="Characters in a name.", rich_help_panel=MUCH)] = 1000,
    max_rows: Annotated[int, typer.Option(help="Rows in a table.", rich_help_panel=MUCH)] = 1_000_000,
    max_json_bytes: Annotated[int, typer.Option(help="Bytes in a request.", rich_help_panel=MUCH)] = 2**20,
    max_upload_bytes: Annotated[int, typer.Option(help="Bytes in a request with a table.", rich_help_panel=MUCH)] = 64
    * 2**20,
    max_requests: Annotated[
        int, typer.Option(help="Requests at a time; more are told to come back.", rich_help_panel=MUCH)
    ] = 128,
    max_uploads: Annotated[int, typer.Option(help="Tables at a time; likewise.", rich_help_panel=MUCH)] = 2,
    max_seconds: Annotated[float, typer.Option(help="Seconds that a request may take.", rich_help_panel=MUCH)] = 30.0,
    max_upload_seconds: Annotated[
        float, typer.Option(help="Seconds that a table may take.", rich_help_panel=MUCH)
    ] = 300.0,
    batch_names: Annotated[
        int, typer.Option(help="Names of different requests that are scored together.", rich_help_panel=MUCH)
    ] = 512,
) -> None:
    """Answer over HTTP, with a page to try it, until Ctrl-C.

    The address is printed when the service is ready. Only this machine can ask, unless --host says otherwise. Where the
    environment holds ELMAN_API_KEY, callers must know that key. No name is kept or logged.

    [bold]elman serve[/bold]  the shipped model at http://127.0.0.1:8000

    [bold]elman serve --model languages --model runs/people --port 9000[/bold]  two models
    """
    try:
        from elman.server.app import create_app
        from elman.server.run import bind_socket, listen
        from elman.server.settings import LOOPBACK, Settings
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("elman"):
            raise
        raise MissingExtraError(f"serving needs the package {error.name}: pip install 'elman[serve]'") from None
    is_private, key = _is_loopback(host), os.environ.get(KEY)
    names = (*LOOPBACK, _in_address(host)) if is_private or allowed_host else ("*",)
    settings = Settings(
        names=max_names,
        characters=max_characters,
        rows=max_rows,
        json_bytes=max_json_bytes,
        upload_bytes=max_upload_bytes,
        requests=max_requests,
        uploads=max_uploads,
        seconds=max_seconds,
        upload_seconds=max_upload_seconds,
        batch_names=batch_names,
        api_key=key,
        allowed_hosts=(*names, *(allowed_host or [])),
        cors_origins=tuple(cors_origin or []),
    )
    with bind_socket(host, port) as bound:
        predictors, files = _load(model or ["languages"])
        service = create_app(predictors, settings, files=files)
        if not is_private and key is None:
            print(f"elman: whoever reaches {host} can ask; set {KEY} to ask for a key", file=sys.stderr)
        listen(service, settings, bound)


def _load(models: list[str]) -> "tuple[dict[str, Predictor], dict[str, Path]]":
    """Return the models and their files by the names that requests use."""
    from elman.model.shipped import find_model
    from elman.prediction.predictor import load

    predictors, files = {}, {}
    for given in models:
        file = find_model(given)
        predictor = load(file)
        if predictor.name in predictors:
            raise SettingError(
                f"{given}: another model is called {predictor.name} too; requests could not tell them apart"
            )
        predictors[predictor.name], files[predictor.name] = predictor, file
    return predictors, files


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _in_address(host: str) -> str:
    """Return a host as it stands in a web address."""
    return f"[{host}]" if ":" in host else host.lower()
