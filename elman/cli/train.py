"""``elman train``: examples in, a run folder with a model and its report out."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.options import DataArgument, FolderOption, LabelOption, LongestOption, TextOption, command_app
from elman.data.examples import MAX_CHARACTERS

if TYPE_CHECKING:
    pass
from elman.cli.progress import describe_run, download_bar, show_report, train_with_bar
from elman.training.options import READING, apply_options, default_folder, new_config, stored_config

NETWORK, TRAINING, DATA, RUN = "Network", "Training", "Data", "Run"


def _option(panel: str, text: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=False, **settings)


app = command_app()


@app.command()
def train(
    context: typer.Context,
    data: DataArgument,
    text: TextOption = "name",
    label: LabelOption = "label",
    folder: FolderOption = None,
    max_characters: LongestOption = MAX_CHARACTERS,
    tags: Annotated[
        bool, _option(DATA, "DATA holds lines of source TAB target, equally long: tag in step.", "--tags")
    ] = False,
    number: Annotated[str | None, _option(DATA, "Answer with the number in this column of a table.")] = None,
    features: Annotated[
        str | None, _option(DATA, "With --number: a linear regression on these columns, separated by commas.")
    ] = None,
    shift: Annotated[int | None, _option(DATA, "Move images at random by up to so many pixels in training.")] = None,
    split: Annotated[
        str,
        _option(
            DATA,
            "grouped: no string in two parts (default). stratified: by line. none: learn all by heart.",
        ),
    ] = "grouped",
    test_share: Annotated[float, _option(DATA, "Share kept for one last look (0.1).")] = 0.1,
    validation_share: Annotated[float, _option(DATA, "Share that chooses the epoch and temperature (0.05).")] = 0.05,
    keep_case: Annotated[bool, _option(DATA, "Tell upper from lower case.", "--keep-case")] = False,
    keep_script: Annotated[
        bool, _option(DATA, "Do not write other scripts in Latin letters.", "--keep-script")
    ] = False,
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
    plain: Annotated[bool, _option(NETWORK, "Symbols alone: no n-grams beside the cells.", "--plain")] = False,
    dropout: Annotated[float | None, _option(NETWORK, "Share of the final state dropped in training.")] = None,
    epochs: Annotated[int | None, _option(TRAINING, "Passes over the training part.")] = None,
    batch_size: Annotated[int | None, _option(TRAINING, "Strings of one length in a step.")] = None,
    optimiser: Annotated[str | None, _option(TRAINING, "adamw, adam, sgd or rmsprop.")] = None,
    learning_rate: Annotated[float | None, _option(TRAINING, "Highest rate of the schedule.")] = None,
    schedule: Annotated[str | None, _option(TRAINING, "one-cycle or constant.")] = None,
    weight_decay: Annotated[float | None, _option(TRAINING, "Decay of the weight matrices.")] = None,
    clip: Annotated[float | None, _option(TRAINING, "Cut the gradient norm to this; 0 leaves it.")] = None,
    label_smoothing: Annotated[float | None, _option(TRAINING, "Share of the target spread over all labels.")] = None,
    class_weighting: Annotated[
        float | None, _option(TRAINING, "0: as frequent as they are. 1: all labels count alike.")
    ] = None,
    patience: Annotated[int | None, _option(TRAINING, "Stop after so many epochs without a better one.")] = None,
    threads: Annotated[int | None, _option(TRAINING, "Processor threads.")] = None,
    products: Annotated[str | None, _option(TRAINING, "Recurrent products: float32, or bfloat16.")] = None,
    seed: Annotated[int, _option(RUN, "Of the split, the weights, the order and the dropout (0).")] = 0,
    name: Annotated[str | None, _option(RUN, "What the model is called; the data's name where not given.")] = None,
    out: Annotated[Path | None, _option(RUN, "Folder for the run; runs/NAME where not given.", "--out", "-o")] = None,
    resume: Annotated[bool, _option(RUN, "Go on with the run in the folder, with its options.", "--resume")] = False,
    tensorboard: Annotated[bool, _option(RUN, "Also log for TensorBoard.", "--tensorboard")] = False,
) -> None:
    """Train a classifier of short strings on your own labels, measure it honestly, and write one small model file.

    [bold]elman train people.csv --text surname --label country[/bold]  a table with named columns

    [bold]elman train folder[/bold]  a folder of Label.txt files, one string a line

    [bold]elman train hello --hand[/bold]  hello → ohlol, an answer for each letter; [bold]--tags[/bold] for your own

    [bold]elman train mnist --cell gru[/bold]  images, a row of pixels a step

    [bold]elman train flats.csv --number rent --features rooms,area[/bold]  the loop without recurrence

    Settings that you leave out come from the best recipe for the data. Ctrl-C keeps the best model so far and its
    report; [bold]--resume[/bold] goes on later.
    """
    given = {
        key: value
        for key, value in context.params.items()
        if str(context.get_parameter_source(key)).endswith("COMMANDLINE")
    }
    from rich.console import Console

    from elman.cli.progress import account
    from elman.data.images import ImageReading
    from elman.training.options import read_for
    from elman.training.run import Run

    called = name or Path(data).name.split(".")[0] or "model"
    out = out or default_folder(called, resume)
    config = stored_config(out, given) if resume else new_config(data, called, given)
    console = Console(markup=False)
    how = apply_options(config, {option: value for option, value in given.items() if option in READING})
    reading = read_for(replace(how, data=data), progress=download_bar())
    if isinstance(reading, ImageReading) and not resume:
        config = replace(config, model=replace(config.model, input_size=reading.images.shape[2]))
    run = Run(reading, config, out, resume=resume, tensorboard=tensorboard)
    console.print(f"{data}: {account(reading, run.task.dropped)}", highlight=False)
    console.print(describe_run(run), highlight=False)
    for note in run.task.notes:
        console.print(f"note: {note}", style="yellow", highlight=False)
    interrupted = train_with_bar(run, console)
    if interrupted and not run.state.best:
        console.print("Stopped before the first epoch was done: there is nothing to keep.")
        raise typer.Exit(130)
    console.print("Measuring the kept epoch and fitting the baseline …", style="dim")
    show_report(run.finish(), console)
    if interrupted:
        console.print(f"Stopped early. Go on with: elman train {data} --out {out} --resume")
        raise typer.Exit(130)
