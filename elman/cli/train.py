"""``elman train``: examples in, a run folder with a model and its report out."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.options import DataArgument, FolderOption, LabelOption, LongestOption, TextOption
from elman.data.examples import MAX_CHARACTERS
from elman.errors import SettingError
from elman.model.config import NO_CELL

if TYPE_CHECKING:
    from rich.console import Console

    from elman.records import EpochResult
    from elman.training.run import Run, RunReport
    from elman.training.tasks import RunConfig

MOST_LINES = 100
"""Of a run with more epochs, only the first and every tenth part are printed."""

NETWORK, TRAINING, DATA, RUN = "Network", "Training", "Data", "Run"
OPTION_FIELDS = {
    "hand": "by_hand",
    "text": "text_column",
    "label": "label_column",
    "number": "label_column",
    "features": "feature_columns",
    "folder": "data_folder",
}
"""Options whose name is not that of the field that they set."""
READING = ("text", "label", "number", "features", "folder", "max_characters")
"""How DATA is read: a resumed run remembers it and may be told otherwise, as long as the split stays the same."""


def _option(panel: str, text: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=False, **settings)


app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


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

    from elman.cli.options import account, read_for
    from elman.data.images import ImageReading
    from elman.training.run import Run

    called = name or Path(data).name.split(".")[0] or "model"
    out = out or _default_folder(called, resume)
    config = _resumed(out, given) if resume else new_config(data, called, given)
    console = Console(markup=False)
    how = _changed(config, {option: value for option, value in given.items() if option in READING})
    reading = read_for(replace(how, data=data))
    if isinstance(reading, ImageReading) and not resume:
        config = replace(config, model=replace(config.model, input_size=reading.images.shape[2]))
    run = Run(reading, config, out, resume=resume, tensorboard=tensorboard)
    console.print(f"{data}: {account(reading, run.task.dropped)}", highlight=False)
    console.print(_description(run), highlight=False)
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


def train_with_bar(run: "Run", console: "Console") -> bool:
    """Train under a progress bar; return whether Ctrl-C stopped it. What is done stays in the run."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from elman.records import StepResult

    steps = run.state.steps_in_epoch
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("training", total=steps * run.config.train.epochs, completed=steps * run.state.epoch)

        def show(step: StepResult) -> None:
            right = "" if step.accuracy is None else f"accuracy {step.accuracy:.0%}  "
            said = f"epoch {step.epoch}  loss {step.loss:.3f}  {right}rate {step.learning_rate:.1e}"
            progress.update(bar, advance=1, description=said)

        epochs = run.config.train.epochs
        every = epochs // 10 if epochs > MOST_LINES else 1
        try:
            for epoch in run.epochs(on_step=show):
                if epoch.epoch % every == 0 or epoch.epoch == 1 or run.finished:
                    progress.console.print(_epoch_line(run, epoch), highlight=False)
        except KeyboardInterrupt:
            return True
    return False


def _epoch_line(run: "Run", epoch: "EpochResult") -> str:
    """Return what one epoch did: loss and accuracy of both parts, and what the network writes where it writes."""
    shares = ("" if share is None else f" {share:6.1%}" for share in (epoch.accuracy, epoch.validation_accuracy))
    training, validation = shares
    line = f"epoch {epoch.epoch:>3}  loss {epoch.loss:.3f}{training}"
    if run.config.split != "none":
        line += f"   validation {epoch.validation_loss:.3f}{validation}   {epoch.seconds:5.1f} s"
        line += "  best" if epoch.is_best else ""
    written = run.task.sample(run.model)
    return f"{line}  {written}" if written else line


def show_report(report: "RunReport", console: "Console") -> None:
    """Print a run's scores beside its baseline's, the verdict, and where everything lies."""
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{report.values['name']}, test part ({report.test.examples:,} examples)")
    table = Table(title=title, title_justify="left")
    for heading, justify in (("", "left"), ("model", "right"), ("baseline", "right"), ("model, validation", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for name, test, validation, baseline in report.values["rows"]:
        table.add_row(Text(name), test, baseline, validation)
    console.print(table)
    for remark in report.values["remarks"]:
        console.print(remark, highlight=False)
    console.print(report.verdict, style="bold")
    pictures = ", ".join(["curves.png", *report.values["pictures"]])
    console.print(f"Everything is in {report.folder}: model.safetensors, report.md, {pictures}")
    asked = {"images": "PICTURE.png", "features": "1.5,2", "tags": "STRING"}.get(
        report.values["config"]["task"], "NAME"
    )
    console.print(f"Try it: elman predict --model {report.folder} {asked}", highlight=False)


def new_config(data: str, name: str, given: dict[str, Any]) -> "RunConfig":
    """Return the recipe that the options name, or the best one for the data, with the options that were given."""
    from elman.data.catalog import CATALOG
    from elman.training.recipes import OF_DATA, best_settings, named_recipe

    if given.get("tags") and (given.get("number") or given.get("features")):
        raise SettingError("--tags and --number ask for different answers; give one of them")
    if given.get("number") and given.get("label"):
        raise SettingError("--label and --number ask for different answers; give one of them")
    if given.get("features") and not given.get("number"):
        raise SettingError("--features says what to answer from; say what to answer with --number COLUMN")
    asked = next((task for task in ("tags", "features", "number") if given.get(task)), "label")
    task = CATALOG[data].task if data in CATALOG else asked
    if given.get("shift") and task != "images":
        raise SettingError("--shift moves images, and these data are none; leave it out")
    if data in CATALOG and asked not in ("label", task):
        raise SettingError(f"the named set {data!r} is for {task}; leave --{asked} out, or give a file of your own")
    chosen = given.get("recipe") or OF_DATA.get(data)
    if chosen is not None:
        config = named_recipe(chosen).config
        if config.task != task:
            raise SettingError(f"the recipe {chosen!r} is for {config.task}, and {data} for {task}")
        config = replace(config, name=name, data=data)
    else:
        settings = best_settings(task, given.get("cell"), by_hand=bool(given.get("hand")))
        config = replace(settings, name=name, data=data)
    if "activation" in given and given.get("cell", config.model.cell) not in ("elman", "rnn"):
        raise SettingError(
            f"--activation is of the Elman cell; {config.model.cell} has its own; leave it out or take --cell elman"
        )
    config = _changed(config, given)
    if config.feature_columns:
        config = replace(config, model=replace(config.model, input_size=len(config.feature_columns)))
    return config


def _changed(config: "RunConfig", given: dict[str, Any]) -> "RunConfig":
    """Return a config with the options that were given; an option has the name of the field that it sets."""
    values = {**given, **({"clip": None} if given.get("clip") == 0 else {})}
    for option, field in OPTION_FIELDS.items():
        if option in values:
            values[field] = values.pop(option)
    if values.get("feature_columns"):
        names = (name.strip() for name in values["feature_columns"].split(","))
        values["feature_columns"] = tuple(name for name in names if name)
    if values.get("data_folder") is not None:
        values["data_folder"] = str(values["data_folder"])
    if values.pop("plain", False):
        values |= {"ngram_orders": (), "bag_orders": ()}
    if "seed" in values:
        values["split_seed"] = values["seed"]

    def fields_of(record: Any) -> dict[str, Any]:
        return {key: value for key, value in values.items() if key in record.__dataclass_fields__}

    normalisation = config.normalisation
    if "keep_case" in values:
        normalisation = replace(normalisation, lower_case=not values["keep_case"])
    if "keep_script" in values:
        normalisation = replace(normalisation, transliterate=not values["keep_script"])
    own = {key: value for key, value in fields_of(config).items() if key != "data"}
    return replace(
        config,
        **own,
        model=replace(config.model, **fields_of(config.model)),
        train=replace(config.train, **fields_of(config.train)),
        normalisation=normalisation,
    )


def _resumed(out: Path, given: dict[str, Any]) -> "RunConfig":
    """Return the stored config of a run; an option that is given again must say the same."""
    from elman.training.run import read_run_config
    from elman.training.tasks import RunConfig

    stored = RunConfig.from_dict(read_run_config(out)["config"])
    if given.get("recipe") or (given.get("tags") and stored.task != "tags"):
        raise SettingError(f"the run in {out} has its own settings; leave --recipe and --tags out to resume")
    for option, value in given.items():
        if option not in READING and _changed(stored, {option: value}) != stored:
            raise SettingError(
                f"--{option.replace('_', '-')} {value} differs from the run in {out}; "
                "leave the option out to resume, or start another run with another --out"
            )
    return stored


def _default_folder(name: str, resume: bool) -> Path:
    """Return runs/NAME, or the next free runs/NAME-2 …; the last one there is when resuming."""
    taken = [Path("runs", name), *(Path("runs", f"{name}-{number}") for number in range(2, 10_000))]
    first_free = next(position for position, path in enumerate(taken) if not path.exists())
    return taken[max(0, first_free - 1) if resume else first_free]


def _description(run: "Run") -> str:
    model, sizes = run.config.model, run.task.sizes
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    kinds = {"Unrolled": "by hand", "Fused": "fused"}
    hand = kinds.get(type(getattr(run.model, "recurrence", None)).__name__, "torch.nn")
    cells = (
        f"{model.cell} ({hand}), layers: {model.layers}, hidden size: {model.hidden_size}, "
        f"directions: {model.directions}"
        if model.cell != NO_CELL
        else "linear"
    )
    return (
        f"{cells}, {parameters:,} parameters\n"
        f"{run.task.description()}: "
        f"{sizes['train']:,} train, {sizes['validation']:,} validate, {sizes['test']:,} test\n"
        f"folder: {run.folder}"
    )
