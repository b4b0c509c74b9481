"""What commands share: their settings, and the arguments and options that several of them have."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from elman.checks import shown, suggest
from elman.errors import SettingError
from elman.text.normalisation import LONGEST

if TYPE_CHECKING:
    from elman.model.prior import Prior


def read_prior(prior: str | None) -> "Prior | None":
    """Return the prior that an option names: ``balanced``, ``uniform``, ``model``, or the shares in a file.

    Raises:
        DataError: the file cannot be read, or holds something else.
        SettingError: it is neither a word nor a file.
    """
    from elman.model.prior import BALANCED, UNIFORM
    from elman.model.prior import MODEL as MODEL_PRIOR

    if prior is None or prior in (MODEL_PRIOR, BALANCED, UNIFORM):
        return prior
    if not Path(prior).suffix:  # a table has one
        names = (MODEL_PRIOR, BALANCED, UNIFORM)
        advice = suggest(prior, names) or "; the table's name ends in .csv or the like"
        raise SettingError(f"--prior must be {', '.join(names)}, or a table of shares; got {shown(prior)!r}{advice}")
    from elman.tables.small import read_shares  # predicting without a file loads no tables

    return read_shares(prior)


class CommandGroup(TyperGroup):
    """Commands with one parent. ``help`` before a command is ``--help`` after it, and a near miss is suggested."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the command and the arguments that follow."""
        name, *others = args
        commands, is_run = self.list_commands(ctx), not ctx.resilient_parsing
        if name == "help" and others:
            return self.resolve_command(ctx, [*others, "--help"] if is_run else others)
        if name == "help" and is_run:
            print(ctx.get_help())
            ctx.exit()
        if name not in commands and not name.startswith("-") and is_run:
            advice = suggest(name, commands)
            if not advice and ctx.parent is None:
                import shlex

                advice = f"; to ask about a name, use `elman predict {shlex.quote(name)}`."
            ctx.fail(f"No such command '{shown(name)}'{advice or '.'}")
        return super().resolve_command(ctx, args)


def command_app(**settings: Any) -> typer.Typer:
    """Return a Typer application with the settings of every command.

    Args:
        settings: other settings, as `typer.Typer` takes them.
    """
    shared = {
        "cls": CommandGroup,
        "add_completion": False,  # only `elman` itself completes
        "context_settings": {"help_option_names": ["-h", "--help"]},
    }
    return typer.Typer(**{**shared, **settings})


def complete_model(incomplete: str) -> list[str]:
    """Return the shipped models that an incomplete word can become, for the completion of a shell."""
    from elman.model.shipped import shipped_models

    return [name for name in shipped_models() if name.startswith(incomplete)]


def complete_data(incomplete: str) -> list[str]:
    """Return the named data sets that an incomplete word can become, for the completion of a shell."""
    from elman.data.catalog import CATALOG

    return [name for name in CATALOG if name.startswith(incomplete)]


def check_picture(path: Path | None) -> Path | None:
    """Return the path of a picture to draw.

    Raises:
        SettingError: its name does not end in ``.png``.
    """
    if path is not None and path.suffix.lower() != ".png":
        raise SettingError(f"{path}: pictures are PNG files; give --plot a name ending in .png")
    return path


MODEL = "A shipped model's name, a model file, a run folder, hf://owner/name or hf://owner/name@revision."
"""What a model can be, for help texts."""

ModelArgument = Annotated[str, typer.Argument(help=MODEL, autocompletion=complete_model)]

ModelOption = Annotated[str, typer.Option("--model", "-m", help=MODEL, autocompletion=complete_model)]

ColumnOption = Annotated[
    str, typer.Option("--column", "-c", help="The column of the names: its name, or its number from 1.")
]

FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", help="The format to read, if file names do not tell it: csv, jsonl.gz, …", show_default=False
    ),
]

TopOption = Annotated[int, typer.Option("--top", "-k", help="The number of labels for each name.")]

AbstainOption = Annotated[
    float, typer.Option("--abstain-below", help="Abstain if the best label's probability is lower (0 to 1).")
]

SourceOption = Annotated[
    str | None,
    typer.Option("--source", help="Of pairs: the column of what is read, its name or number.", show_default=False),
]

TargetOption = Annotated[
    str | None, typer.Option("--target", help="Of pairs: the column of what is written.", show_default=False)
]

CountOption = Annotated[
    str | None,
    typer.Option("--count", help="Of pairs: the column that says how often a pair occurs.", show_default=False),
]

SwapOption = Annotated[
    bool,
    typer.Option("--swap", help="Of pairs: read the targets, and write the sources.", rich_help_panel="Data"),
]

BeamOption = Annotated[
    int, typer.Option("--beam", help="Of pairs: how many hypotheses to keep at each symbol; 1 keeps the likeliest.")
]

ToldOption = Annotated[
    str | None,
    typer.Option("--label", help="Of pairs, for models with labels: the label of all strings.", show_default=False),
]

LevelOption = Annotated[
    str | None,
    typer.Option(
        "--level",
        metavar="LEVEL",
        help="Answer at a level of the model's labels, by its name, or auto: the finest one that is sure enough.",
        show_default=False,
    ),
]

PriorOption = Annotated[
    str | None,
    typer.Option(
        "--prior",
        metavar="FILE|balanced|uniform|model",
        help="Re-weight to a population: a CSV file of labels and shares; uniform for equal ones; balanced, halfway to "
        "these. model: the shares of the model's training part.",
        show_default=False,
    ),
]

SetOption = Annotated[
    float | None,
    typer.Option(
        "--set",
        metavar="COVERAGE",
        help="Add the set of labels that holds the right one with this probability: 0.8, 0.9 or 0.95.",
        show_default=False,
    ),
]

UnfamiliarOption = Annotated[
    float | None,
    typer.Option(
        "--unfamiliar-below",
        metavar="NUMBER",
        help="Abstain for names less familiar than this (0 to 1; 0: never); by default the model's threshold.",
        show_default=False,
    ),
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
        autocompletion=complete_data,
    ),
]

OptionalDataArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[DATA]",
        help="A named set (`elman data list`), a folder of Label.txt files, or a table: CSV, TSV, JSONL or Parquet. "
        "Leave it out with --from-sql.",
        show_default=False,
        autocompletion=complete_data,
    ),
]

FromSqlOption = Annotated[
    str | None,
    typer.Option(
        "--from-sql",
        metavar="URL",
        help="Read from a database instead of a table, such as sqlite:///people.db.",
        show_default=False,
        rich_help_panel="Data",
    ),
]

QueryOption = Annotated[
    str | None,
    typer.Option(
        "--query",
        metavar="SQL",
        help="The query to send to the database.",
        show_default=False,
        rich_help_panel="Data",
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
    str,
    typer.Option(
        "--label",
        help="A table's column of labels; a number as for --text. Pairs may have one, too.",
        rich_help_panel="Data",
    ),
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
        help="Whether the first line names the columns. By default it does, unless a column is given by its number.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
DelimiterOption = Annotated[
    str | None,
    typer.Option(
        help="The character between cells, such as ; or \\t; recognised if not given.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
EncodingOption = Annotated[
    str | None,
    typer.Option(
        help="The encoding of text files, such as cp1252; by default UTF-8, or what a byte order mark says.",
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
