"""``elman data``: list and fetch named data sets, and show what a set contains."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from elman.checks import count_of, shown, whole
from elman.cli.options import (
    DelimiterOption,
    DropOption,
    EncodingOption,
    FolderOption,
    FromSqlOption,
    HeaderOption,
    LabelOption,
    LongestOption,
    OptionalDataArgument,
    QueryOption,
    TextOption,
    command_app,
    complete_data,
)
from elman.data.examples import MAX_CHARACTERS

if TYPE_CHECKING:
    from elman.data.examples import Reading
    from elman.data.images import ImageReading
    from elman.data.pairs import PairReading

app = command_app(help="List, show and fetch data sets.", no_args_is_help=True)


@app.command("list")
def list_sets() -> None:
    """List the data sets that Elman knows by name."""
    from elman.data.catalog import CATALOG

    for entry in CATALOG.values():
        print(f"{entry.name}: {entry.about}. {entry.origin}.")


@app.command("show")
def show(
    data: OptionalDataArgument = None,
    from_sql: FromSqlOption = None,
    query: QueryOption = None,
    text: TextOption = "name",
    label: LabelOption = "label",
    folder: FolderOption = None,
    max_characters: LongestOption = MAX_CHARACTERS,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    on_error: DropOption = None,
) -> None:
    """Show what a data set contains: examples and different strings of each label, and what was dropped and why."""
    from elman.cli.progress import download_bar, print_notes
    from elman.data.images import ImageReading
    from elman.data.pairs import PairReading
    from elman.data.reading import find_source, name_source, read_source
    from elman.tables.formats import TextOptions

    source = find_source(data, from_sql, query)
    title = name_source(source)
    reading = read_source(
        source,
        folder,
        text=text,
        label=label,
        max_characters=max_characters,
        options=TextOptions(delimiter, encoding, header),
        on_error=on_error,
        progress=download_bar(),
    )
    print_notes(reading)
    if isinstance(reading, ImageReading):
        _show_images(title, reading)
    elif isinstance(reading, PairReading):
        _show_pairs(title, reading)
    else:
        _show_examples(title, reading)


def _show_examples(title: str, reading: "Reading") -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from elman.data.reading import account
    from elman.text.normalisation import Normalisation

    normalisation = Normalisation()
    texts: dict[str, list[str]] = {}
    for example in reading.examples:
        texts.setdefault(example.label, []).append(normalisation.apply(example.text))
    labels_of = Counter(text for of_label in texts.values() for text in set(of_label))
    table = Table("label", *(Column(name, justify="right") for name in ("examples", "different", "also elsewhere")))
    for name, of_label in sorted(texts.items()):
        distinct = set(of_label)
        shared = sum(labels_of[text] > 1 for text in distinct)
        shown_name = shown(name) if name else "(no label)"
        table.add_row(Text(shown_name), f"{len(of_label):,}", f"{len(distinct):,}", f"{shared:,}")
    console = Console(markup=False)
    console.print(f"{whole(title)}: {account(reading, reading.dropped)}", highlight=False)
    console.print(table)


def _show_pairs(title: str, reading: "PairReading") -> None:
    from rich.console import Console
    from rich.table import Column, Table

    from elman.data.pairs import count_targets
    from elman.data.reading import account

    columns = ("sources", "right targets", "sources with several")
    table = Table("part", *(Column(name, justify="right") for name in columns))
    parts = {"train": reading.examples, "validation": reading.validation, "test": reading.test}
    for name, pairs in parts.items() if reading.is_given else [("all", reading.examples)]:
        if pairs:
            table.add_row(name, *(f"{count:,}" for count in (len(pairs), *count_targets(pairs))))
    console = Console(markup=False)
    console.print(f"{whole(title)}: {account(reading, reading.dropped)}", highlight=False)
    console.print(table)


def _show_images(data: str, reading: "ImageReading") -> None:
    from rich.console import Console
    from rich.table import Column, Table

    table = Table("label", *(Column(name, justify="right") for name in ("training images", "test images")))
    for label, name in enumerate(reading.names):
        counts = ((labels == label).sum() for labels in (reading.labels, reading.test_labels))
        table.add_row(shown(name), *(f"{count:,}" for count in counts))
    rows, columns = reading.images.shape[1:]
    console = Console(markup=False)
    console.print(f"{whole(data)}: {count_of(reading.lines, 'image')} of {columns} × {rows} pixels", highlight=False)
    console.print(table)


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="A named set; see `elman data list`.", autocompletion=complete_data)],
) -> None:
    """Download a named data set once, check it, and print its folder."""
    from elman.cli.progress import download_bar
    from elman.data.catalog import find_set
    from elman.data.download import fetch as fetch_set

    print(whole(fetch_set(find_set(name), progress=download_bar())))
