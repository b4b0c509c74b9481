"""What commands share: the meaning of DATA, and how an account of what was read is told."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elman.text.normalisation import LONGEST

if TYPE_CHECKING:
    pass


DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A named set (`elman data list`), a folder of Label.txt files, or a CSV, TSV or JSONL file.",
        show_default=False,
    ),
]


FolderOption = Annotated[
    Path | None,
    typer.Option("--data", help="Where a named set lies; downloaded once where not given.", rich_help_panel="Data"),
]


TextOption = Annotated[
    str,
    typer.Option(
        "--text",
        help="A table's column of strings; a number counts from 1 where there is no header.",
        rich_help_panel="Data",
    ),
]


LabelOption = Annotated[
    str, typer.Option("--label", help="A table's column of labels; a number likewise.", rich_help_panel="Data")
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
