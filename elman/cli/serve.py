"""``elman serve``: models as a web service, with a page to try them."""

import os
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.options import MODEL, command_app
from elman.errors import SettingError
from elman.extras import extra
from elman.model.shipped import DEFAULT_MODEL

if TYPE_CHECKING:
    from elman.prediction.loading import AnyModel

KEY = "ELMAN_API_KEY"
"""The environment variable with the key; the list of processes would show the value of an option."""

ACCESS, LIMITS = "Access", "Limits"


def _limit(text: str) -> Any:
    return typer.Option(help=text, rich_help_panel=LIMITS)


app = command_app()


@app.command()
def serve(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help=f"{MODEL} May be repeated; the first is the default.",
            show_default=DEFAULT_MODEL,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; with 0.0.0.0 other machines can connect too.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 chooses a free one.")] = 8000,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Another host name that requests may use, such as that of a proxy. May be repeated; * allows any. "
            "If other machines can connect, any is allowed by default.",
            rich_help_panel=ACCESS,
            show_default=False,
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Another site whose pages may send requests, such as https://example.org. May be repeated; * allows "
            "any.",
            rich_help_panel=ACCESS,
            show_default=False,
        ),
    ] = None,
    max_names: Annotated[int, _limit("Names in a request.")] = 1000,
    max_characters: Annotated[int, _limit("Characters in a name.")] = 1000,
    max_total_characters: Annotated[int, _limit("Characters in all names of a request.")] = 100_000,
    max_rows: Annotated[int, _limit("Rows in a table.")] = 1_000_000,
    max_json_bytes: Annotated[int, _limit("Bytes in a request.")] = 2**20,
    max_upload_bytes: Annotated[int, _limit("Bytes in a request with a table.")] = 64 * 2**20,
    max_requests: Annotated[int, _limit("Requests at a time; others are told to retry later.")] = 128,
    max_uploads: Annotated[int, _limit("Tables at a time; others are told to retry later.")] = 2,
    max_seconds: Annotated[float, _limit("Seconds for a request.")] = 30.0,
    max_upload_seconds: Annotated[float, _limit("Seconds for a request with a table.")] = 300.0,
    max_idle_seconds: Annotated[float, _limit("Seconds that the body of a request may pause.")] = 10.0,
    max_stop_seconds: Annotated[float, _limit("Seconds that requests may take when the service stops.")] = 30.0,
    batch_names: Annotated[int, _limit("Names that are scored together.")] = 512,
) -> None:
    """Serve predictions over HTTP, with a page to try them, until Ctrl-C.

    The address is printed when the service is ready. Only this machine can connect, unless --host says otherwise. If
    the environment variable ELMAN_API_KEY is set, requests need that key. Names are neither stored nor logged.

    [bold]elman serve[/bold]  the shipped model at http://127.0.0.1:8000

    [bold]elman serve --model languages --model runs/people --port 9000[/bold]  two models
    """
    with extra("serve"):
        from elman.server.app import create_app
        from elman.server.run import bind_socket, listen
        from elman.server.settings import LOOPBACK, Settings
    is_private, key = _is_loopback(host), os.environ.get(KEY)
    names = (*LOOPBACK, _in_address(host)) if is_private or allowed_host else ("*",)
    settings = Settings(
        names=max_names,
        characters=max_characters,
        total_characters=max_total_characters,
        rows=max_rows,
        json_bytes=max_json_bytes,
        upload_bytes=max_upload_bytes,
        requests=max_requests,
        uploads=max_uploads,
        seconds=max_seconds,
        upload_seconds=max_upload_seconds,
        idle_seconds=max_idle_seconds,
        stop_seconds=max_stop_seconds,
        batch_names=batch_names,
        api_key=key,
        allowed_hosts=(*names, *(allowed_host or [])),
        cors_origins=tuple(cors_origin or []),
    )
    with bind_socket(host, port) as bound:
        models, files = _load(model or [DEFAULT_MODEL])
        service = create_app(models, settings, files=files)
        if not is_private and key is None:
            print(f"elman: other machines can send requests to {host}; set {KEY} to require a key", file=sys.stderr)
        listen(service, settings, bound)


def _load(models: list[str]) -> "tuple[dict[str, AnyModel], dict[str, Path]]":
    """Return the models and their files, by the names that requests use."""
    from elman.model.shipped import find_model
    from elman.prediction.loading import load_any

    loaded, files = {}, {}
    for model in models:
        file = find_model(model)
        one = load_any(file)
        if one.name in loaded:
            raise SettingError(f"{model}: two models have the name {one.name}; requests could not choose one")
        loaded[one.name], files[one.name] = one, file
    return loaded, files


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _in_address(host: str) -> str:
    """Return a host as web addresses write it."""
    return f"[{host}]" if ":" in host else host.lower()
