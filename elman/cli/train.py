"""``elman train``: train on examples, and write a run folder with a model and its report."""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.checks import whole
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
    SwapOption,
    TextOption,
    command_app,
)
from elman.cli.progress import download_bar, print_notes, rows_bar, show_report, train_with_bar
from elman.data.examples import MAX_CHARACTERS

NETWORK, TRAINING, DATA, RUN = "Network", "Training", "Data", "Run"


def _option(panel: str, text: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=False, **settings)


app = command_app()


@app.command()
def train(
    context: typer.Context,
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
    tags: Annotated[
        bool, _option(DATA, "DATA holds lines of source TAB target of equal length: tag each symbol.", "--tags")
    ] = False,
    task: Annotated[
        str | None,
        _option(
            DATA,
            "generate: learn to write new strings like those of DATA. pairs: DATA holds lines of source TAB target of "
            "any lengths; write the targets.",
        ),
    ] = None,
    target_symbols: Annotated[
        str | None, _option(DATA, "Of pairs: characters, or blanks if targets are tokens with blanks between them.")
    ] = None,
    source: Annotated[str | None, _option(DATA, "Of pairs: the column of what is read, its name or number.")] = None,
    target: Annotated[str | None, _option(DATA, "Of pairs: the column of what is written.")] = None,
    count: Annotated[str | None, _option(DATA, "Of pairs: the column that says how often a pair occurs.")] = None,
    swap: SwapOption = False,
    number: Annotated[str | None, _option(DATA, "Answer with the number in this column of a table.")] = None,
    features: Annotated[
        str | None, _option(DATA, "With --number: a linear regression on these columns, separated by commas.")
    ] = None,
    levels: Annotated[
        Path | None,
        _option(DATA, "Groups of the labels: a CSV file with a line for each label and a column for each level."),
    ] = None,
    shift: Annotated[int | None, _option(DATA, "Move images at random by up to so many pixels in training.")] = None,
    split: Annotated[
        str,
        _option(
            DATA,
            "grouped: no string in two parts (default). stratified: by line. hashed: grouped, by a hash of the string. "
            "none: learn all by heart.",
        ),
    ] = "grouped",
    test_share: Annotated[float, _option(DATA, "Share kept for the test (0.1).")] = 0.1,
    validation_share: Annotated[float, _option(DATA, "Share that chooses the epoch and temperature (0.05).")] = 0.05,
    stream: Annotated[
        bool, _option(DATA, "DATA is larger than memory: train on shuffled shards of it, on the disk.", "--stream")
    ] = False,
    keep_case: Annotated[bool, _option(DATA, "Distinguish upper and lower case.", "--keep-case")] = False,
    keep_script: Annotated[
        bool, _option(DATA, "Do not write other scripts in Latin letters.", "--keep-script")
    ] = False,
    init: Annotated[
        str | None, _option(NETWORK, "Start from this model, shipped or your own: its symbols and cells are kept.")
    ] = None,
    recipe: Annotated[
        str | None, _option(NETWORK, "A tutorial's settings: t1, t2a, t2b, t3, t4, t5 or t5-linear.")
    ] = None,
    cell: Annotated[str | None, _option(NETWORK, "elman (also called rnn), gru or lstm; gru for names.")] = None,
    hand: Annotated[bool, _option(NETWORK, "Use the cell that is written for reading.", "--hand")] = False,
    activation: Annotated[str | None, _option(NETWORK, "Of the Elman cell: tanh, relu, sigmoid or none.")] = None,
    hidden_size: Annotated[int | None, _option(NETWORK, "Numbers in the hidden state, for each direction.")] = None,
    layers: Annotated[int | None, _option(NETWORK, "Recurrent layers.")] = None,
    directions: Annotated[int | None, _option(NETWORK, "1: forwards. 2: forwards and backwards.")] = None,
    embedding_size: Annotated[int | None, _option(NETWORK, "Numbers in each symbol's embedding.")] = None,
    attention: Annotated[str | None, _option(NETWORK, "Of pairs: additive, dot or none.")] = None,
    encoder_size: Annotated[int | None, _option(NETWORK, "Of pairs: the hidden size of the encoder.")] = None,
    encoder_layers: Annotated[int | None, _option(NETWORK, "Of pairs: recurrent layers of the encoder.")] = None,
    own_share: Annotated[
        float | None,
        _option(TRAINING, "Of pairs: share of the symbols that the network reads as it wrote them (0)."),
    ] = None,
    average: Annotated[float | None, _option(TRAINING, "Decay of the running average of the weights.")] = None,
    plain: Annotated[bool, _option(NETWORK, "Symbols alone: no n-grams beside the cells.", "--plain")] = False,
    dropout: Annotated[float | None, _option(NETWORK, "Share of the final state dropped in training.")] = None,
    epochs: Annotated[int | None, _option(TRAINING, "Passes over the training part.")] = None,
    batch_size: Annotated[int | None, _option(TRAINING, "Strings of one length in a step.")] = None,
    optimiser: Annotated[str | None, _option(TRAINING, "adamw, adam, sgd or rmsprop.")] = None,
    learning_rate: Annotated[float | None, _option(TRAINING, "Highest rate of the schedule.")] = None,
    schedule: Annotated[str | None, _option(TRAINING, "one-cycle or constant.")] = None,
    weight_decay: Annotated[float | None, _option(TRAINING, "Decay of the weight matrices.")] = None,
    clip: Annotated[float | None, _option(TRAINING, "Largest gradient norm; 0: no limit.")] = None,
    label_smoothing: Annotated[float | None, _option(TRAINING, "Share of the target spread over all labels.")] = None,
    class_weighting: Annotated[
        float | None, _option(TRAINING, "0: labels count by their frequency. 1: all labels count alike.")
    ] = None,
    patience: Annotated[int | None, _option(TRAINING, "Stop after so many epochs without a better one.")] = None,
    threads: Annotated[int | None, _option(TRAINING, "Processor threads.")] = None,
    products: Annotated[str | None, _option(TRAINING, "Recurrent products: float32, or bfloat16.")] = None,
    device: Annotated[str | None, _option(TRAINING, "auto (a GPU if there is one), cpu, cuda or mps.")] = None,
    baseline: Annotated[
        str | None,
        _option(
            RUN,
            "Compare with: quick, at most a fifth of the training's time (default). full: minutes for much data. none.",
        ),
    ] = None,
    seed: Annotated[int, _option(RUN, "Of the split, the weights, the order and the dropout (0).")] = 0,
    name: Annotated[str | None, _option(RUN, "Name of the model; the name of the data if not given.")] = None,
    out: Annotated[Path | None, _option(RUN, "Folder for the run; runs/NAME if not given.", "--out", "-o")] = None,
    resume: Annotated[
        bool, _option(RUN, "Continue the run in the folder, with its options; --epochs makes it longer.", "--resume")
    ] = False,
    tensorboard: Annotated[bool, _option(RUN, "Also log for TensorBoard.", "--tensorboard")] = False,
) -> None:
    """Train a model of short strings on your own labels, measure it on a test part, and write one small model file.

    [bold]elman train people.csv --text surname --label country[/bold]  a table with named columns

    [bold]elman train folder[/bold]  a folder of Label.txt files, one string a line

    [bold]elman train --from-sql sqlite:///people.db --query "select name, label from people"[/bold]  a database

    [bold]elman train hello --hand[/bold]  hello → ohlol, an answer for each letter; [bold]--tags[/bold] for your own

    [bold]elman train mnist --cell gru[/bold]  images, a row of pixels a step

    [bold]elman train flats.csv --number rent --features rooms,area[/bold]  the loop without recurrence

    [bold]elman train names.txt --task generate[/bold]  new names; then elman generate and elman score

    [bold]elman train pairs.tsv --task pairs[/bold]  one string written for another

    Settings that you leave out come from the best recipe for the data. Ctrl-C keeps the best model so far and its
    report; [bold]--resume[/bold] continues later.
    """
    from rich.console import Console

    from elman.data.reading import account, find_source, name_source
    from elman.training.options import default_folder, name_of, prepare, write_command
    from elman.training.ranks import start_ranks
    from elman.training.run import Run

    options = {
        key: value
        for key, value in context.params.items()
        if str(context.get_parameter_source(key)).endswith("COMMANDLINE") and key not in ("from_sql", "query")
    }
    place = find_source(data, from_sql, query)
    name = name or name_of(data or "")
    out = out or default_folder(name, resume)
    ranks = start_ranks(options.get("device"))
    if not ranks.is_first:
        ranks.wait()  # until the first has downloaded a named set
    with rows_bar() as on_rows:
        config, reading = prepare(
            place, options, name=name, folder=out, resume=resume, progress=download_bar(), on_rows=on_rows
        )
    if ranks.is_first:
        ranks.wait()
        print_notes(reading)
    console = Console(markup=False, quiet=not ranks.is_first)
    command = write_command(config, is_query=data is None)
    run = Run(reading, config, out, resume=resume, tensorboard=tensorboard, command=command)
    console.print(f"{whole(name_source(place))}: {account(reading, run.task.dropped)}", highlight=False)
    console.print(run.describe(), highlight=False)
    for note in run.task.notes:
        console.print(f"note: {whole(note)}", style="yellow", highlight=False)
    interrupted = train_with_bar(run, console)
    ranks.stop()
    if not ranks.is_first:
        raise typer.Exit(130 if interrupted else 0)
    if interrupted and not run.state.best:
        console.print("Stopped before the first epoch was done: there is nothing to keep.")
        raise typer.Exit(130)
    console.print(run.describe_measuring(), style="dim")
    show_report(run.finish(), console)
    if interrupted:
        again = data or "--from-sql URL --query SQL"
        console.print(f"Stopped early. Continue with: elman train {whole(again)} --out {whole(out)} --resume")
        raise typer.Exit(130)
