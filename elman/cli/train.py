"""``elman train``: labelled strings in, a run folder with a model and its report out."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.source import DataArgument, FolderOption, LabelOption, LongestOption, TextOption
from elman.config import recipe
from elman.data.sources import MAX_CHARACTERS
from elman.errors import SettingError

if TYPE_CHECKING:
    from rich.console import Console

    from elman.runs import Run, RunConfig, RunReport

NETWORK, TRAINING, DATA, RUN = "Network", "Training", "Data", "Run"
OPTION_FIELDS = {"hand": "by_hand", "text": "text_column", "label": "label_column", "folder": "data_folder"}
"""Options whose name is not that of the field that they set."""
READING = ("text", "label", "folder", "max_characters")
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
    split: Annotated[
        str, _option(DATA, "grouped: no string in two parts (default). stratified: every line is an example.")
    ] = "grouped",
    test_share: Annotated[float, _option(DATA, "Share kept for one last look (0.1).")] = 0.1,
    validation_share: Annotated[float, _option(DATA, "Share that chooses the epoch and temperature (0.05).")] = 0.05,
    keep_case: Annotated[bool, _option(DATA, "Tell upper from lower case.", "--keep-case")] = False,
    keep_script: Annotated[
        bool, _option(DATA, "Do not write other scripts in Latin letters.", "--keep-script")
    ] = False,
    cell: Annotated[str, _option(NETWORK, "elman (also called rnn), gru (default) or lstm.")] = "gru",
    hand: Annotated[bool, _option(NETWORK, "Use the cell written by hand rather than torch.nn's.", "--hand")] = False,
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
    seed: Annotated[int, _option(RUN, "Of the split, the weights, the order and the dropout (0).")] = 0,
    name: Annotated[str | None, _option(RUN, "What the model is called; the data's name where not given.")] = None,
    out: Annotated[Path | None, _option(RUN, "Folder for the run; runs/NAME where not given.", "--out", "-o")] = None,
    resume: Annotated[bool, _option(RUN, "Go on with the run in the folder, with its options.", "--resume")] = False,
    tensorboard: Annotated[bool, _option(RUN, "Also log for TensorBoard.", "--tensorboard")] = False,
) -> None:
    """Train a classifier of short strings on your own labels, measure it honestly, and write one small model file.

    [bold]elman train people.csv --text surname --label country[/bold]  a table with named columns

    [bold]elman train folder[/bold]  a folder of Label.txt files, one string a line

    Settings that you leave out come from the cell's recipe. Ctrl-C keeps the best model so far and its report;
    [bold]--resume[/bold] goes on later.
    """
    given = {
        key: value
        for key, value in context.params.items()
        if str(context.get_parameter_source(key)).endswith("COMMANDLINE")
    }
    from rich.console import Console

    from elman.cli.source import account, read_source
    from elman.runs import Run

    called = name or Path(data).name.split(".")[0] or "model"
    out = out or _default_folder(called, resume)
    config = _resumed(out, given) if resume else new_config(data, called, cell, given)
    console = Console(markup=False)
    how = _changed(config, {option: value for option, value in given.items() if option in READING})
    place = Path(how.data_folder) if how.data_folder else None
    reading = read_source(data, place, text=how.text_column, label=how.label_column, longest=how.max_characters)
    run = Run(reading, config, out, resume=resume, tensorboard=tensorboard)
    console.print(f"{data}: {account(reading, run.dropped)}", highlight=False)
    console.print(_description(run), highlight=False)
    for note in run.split.notes:
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
            said = (
                f"epoch {step.epoch}  loss {step.loss:.3f}  accuracy {step.accuracy:.0%}  rate {step.learning_rate:.1e}"
            )
            progress.update(bar, advance=1, description=said)

        try:
            for epoch in run.epochs(on_step=show):
                progress.console.print(
                    f"epoch {epoch.epoch:>3}  loss {epoch.loss:.3f} {epoch.accuracy:6.1%}   "
                    f"validation {epoch.validation_loss:.3f} {epoch.validation_accuracy:6.1%}   "
                    f"{epoch.seconds:5.1f} s{'  best' if epoch.is_best else ''}",
                    highlight=False,
                )
        except KeyboardInterrupt:
            return True
    return False


def show_report(report: "RunReport", console: "Console") -> None:
    """Print a run's scores beside its baseline's, the verdict, and where everything lies."""
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{report.values['name']}, test part ({report.test.examples:,} examples)")
    table = Table(title=title, title_justify="left")
    for heading, justify in (("", "left"), ("model", "right"), ("baseline", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    both = (report.test, report.baseline)
    table.add_row("accuracy", *(f"{r.accuracy:.1%}" for r in both))
    labels = len(report.values["data"]["training_examples_per_label"])
    for k in (k for k in report.test.top_k if k < labels):
        table.add_row(f"top {k}", *(f"{r.top_k[k]:.1%}" for r in both))
    table.add_row("macro-F1", *(f"{r.macro_f1:.1%}" for r in both))
    table.add_row("negative log-likelihood (nats)", *(f"{r.nll:.3f}" for r in both))
    table.add_row("Brier score", *(f"{r.brier:.3f}" for r in both))
    table.add_row("calibration error", *(f"{r.calibration_error:.3f}" for r in both))
    console.print(table)
    values = report.values
    console.print(
        f"Always {values['majority']['label']}: {values['majority']['accuracy']:.1%}. "
        f"Ceiling by strings with several labels: {values['ceiling']:.1%}. "
        f"Calibration error before the temperature: {values['calibration']['error_before']:.3f}; "
        f"a perfect model's on so few examples: {values['calibration']['error_by_chance']:.3f}.",
        highlight=False,
    )
    console.print(report.verdict, style="bold")
    console.print(f"Everything is in {report.folder}: report.md, curves.png, confusion.png, model.safetensors")
    console.print(f"Try it: elman predict --model {report.folder} NAME", highlight=False)


def new_config(data: str, name: str, cell: str, given: dict[str, Any]) -> "RunConfig":
    """Return the cell's recipe with the options that were given."""
    from elman.runs import RunConfig

    if "activation" in given and cell not in ("elman", "rnn"):
        raise SettingError(f"--activation is of the Elman cell; {cell} has its own; leave it out or take --cell elman")
    model, training = recipe(cell, by_hand=bool(given.get("hand")))
    return _changed(RunConfig(name=name, data=data, model=model, train=training), given)


def _changed(config: "RunConfig", given: dict[str, Any]) -> "RunConfig":
    """Return a config with the options that were given; an option has the name of the field that it sets."""
    values = {**given, **({"clip": None} if given.get("clip") == 0 else {})}
    for option, field in OPTION_FIELDS.items():
        if option in values:
            values[field] = values.pop(option)
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
    from elman.runs import RunConfig, read_run_config

    stored = RunConfig.from_dict(read_run_config(out)["config"])
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
    model, split = run.config.model, run.split
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    return (
        f"{model.cell} ({'by hand' if model.by_hand else 'torch.nn'}), layers: {model.layers}, "
        f"hidden size: {model.hidden_size}, directions: {model.directions}, {parameters:,} parameters\n"
        f"{len(run.labels)} labels; {split.kind} split: "
        f"{len(split.train):,} train, {len(split.validation):,} validate, {len(split.test):,} test\n"
        f"folder: {run.folder}"
    )
