"""What commands share: their settings, and the arguments and options that several of them have."""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.errors import SettingError
from elman.text.normalisation import LONGEST


def command_app(**settings: Any) -> typer.Typer:
    """Return a Typer application with the settings of every command.

    Args:
        settings: further settings, as `typer.Typer` takes them.
    """
    return typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]}, **settings)


def check_picture(path: Path | None) -> Path | None:
    """Return the path of a picture to draw.

    Raises:
        SettingError: its name does not end in ``.png``.
    """
    if path is not None and path.suffix.lower() != ".png":
        raise SettingError(f"{path}: pictures are PNG files; give --plot a name ending in .png")
    return path


MODEL = "A shipped model's name, a model file, or a run folder."
"""What a model can be, for help texts."""

ModelArgument = Annotated[str, typer.Argument(help=MODEL)]

ModelOption = Annotated[str, typer.Option("--model", "-m", help=MODEL)]

TopOption = Annotated[int, typer.Option("--top", "-k", help="The number of labels for each name.")]

AbstainOption = Annotated[
    float, typer.Option("--abstain-below", help="Abstain if the best label's probability is lower (0 to 1).")
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]

PlotOption = Annotated[
    Path | None,
    typer.Option("--plot", callback=check_picture, help="Draw a picture to this PNG file.", show_default=False),
]

DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A named set (`elman data list`), a folder of Label.txt files, or a table: CSV, TSV, JSONL or Parquet.",
        show_default=False,
    ),
]

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The folder of a named set; without it the set is downloaded once.", rich_help_panel="Data"
    ),
]

TextOption = Annotated[
    str,
    typer.Option(
        "--text",
        help="A table's column of strings: its name, or its number from 1.",
        rich_help_panel="Data",
    ),
]

LabelOption = Annotated[
    str, typer.Option("--label", help="A table's column of labels; a number as for --text.", rich_help_panel="Data")
]

LongestOption = Annotated[
    int,
    typer.Option(
        "--max-characters",
        min=1,
        max=LONGEST,
        help="Longer strings are dropped and counted.",
        rich_help_panel="Data",
    ),
]

HeaderOption = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of a text table names the columns; by default it does, unless --text and --label "
        "are numbers.",
        show_default=False,
        rich_help_panel="Data",
    ),
]

DelimiterOption = Annotated[
    str | None,
    typer.Option(
        "--delimiter",
        help="The character between the cells of a text table; by default it is recognised.",
        show_default=False,
        rich_help_panel="Data",
    ),
]

EncodingOption = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        help="The encoding of text, such as cp1252; by default UTF-8, or what a byte order mark says.",
        show_default=False,
        rich_help_panel="Data",
    ),
]

DropOption = Annotated[
    str | None,
    typer.Option(
        "--on-error",
        help="skip: drop and count rows that cannot be read. stop: stop at the first.",
        show_default="skip; stop with --tags",
        rich_help_panel="Data",
    ),
]
