"""Options to settings: what a user asks of a training, and how its data are read.

Options are those of `elman train`, by name. Most have the name of the field that they set, in `RunConfig`, in
`ModelConfig` or in `TrainConfig`. Only the options that the user gave are passed, no defaults.
"""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from elman.data.catalog import CATALOG
from elman.data.examples import FeatureReading, Reading
from elman.data.images import ImageReading, has_images
from elman.data.pairs import PairReading
from elman.data.reading import name_source
from elman.data.splits import NOTHING_KEPT
from elman.data.streaming import OnRows, StreamedReading, stream_examples
from elman.errors import SettingError
from elman.model.file import Artifact
from elman.model.kinds import named_kind
from elman.model.writer import Writer
from elman.tables.sql.queries import Query
from elman.training.config import RunConfig
from elman.training.ranks import Ranks
from elman.training.reading import check_source, read_data
from elman.training.recipes import OF_DATA, RECIPES, best_settings, named_recipe
from elman.training.run import SHARDS, check_new, read_run_config
from elman.training.tuning import begin_pairs, begin_with, check_kept, check_pairs, load_base, load_pairs_base

Options = Mapping[str, Any]

OPTION_FIELDS = {
    "hand": "by_hand",
    "text": "text_column",
    "label": "label_column",
    "number": "label_column",
    "features": "feature_columns",
    "folder": "data_folder",
    "source": "source_column",
    "target": "target_column",
    "count": "count_column",
}
"""Options whose name is not that of the field that they set."""

LENGTH = ("epochs", "patience")
"""Options that make a run longer, which may differ when it is resumed."""

READING = (
    *("text", "label", "number", "features", "folder", "max_characters", "source", "target", "count"),
    *("header", "delimiter", "encoding", "on_error"),
)
"""Options of how DATA is read. A resumed run may get other ones, if the split stays the same."""


_OF_CELLS = ("hand", "activation", "hidden_size", "layers", "directions", "embedding_size", "dropout", "products")
_OF_TEXT, _OF_LABELS = ("keep_case", "keep_script"), ("label_smoothing", "class_weighting", "levels")

WITHOUT_EFFECT = {
    "features": (*_OF_CELLS, "plain", *_OF_TEXT, *_OF_LABELS, "baseline"),
    "images": ("embedding_size", "plain", *_OF_TEXT, "class_weighting", "levels", "test_share"),
    "number": _OF_LABELS,
    "tags": ("class_weighting", "levels", "baseline"),
    "generate": (
        *("activation", "directions", "plain", *_OF_TEXT, "class_weighting", "levels", "init", "stream", "shift"),
        *("attention", "encoder_size", "encoder_layers", "own_share", "target_symbols", "source", "target", "count"),
        "swap",
    ),
    "pairs": ("text", "activation", "plain", "class_weighting", "levels", "stream", "shift"),
}
"""Options of `elman train` that nothing reads, by task."""

NAMES = {
    "features": "a linear regression",
    "images": "images",
    "number": "a number as the answer",
    "tags": "tags",
    "generate": "new strings",
    "pairs": "pairs",
}
"""What messages call the tasks with such options."""


def new_config(data: str, name: str, options: Options) -> RunConfig:
    """Return the settings of a new run: those of a recipe, or the best ones for the data, changed by the options.

    Args:
        data: what to train on: a named set or a path.
        name: what the model will be called.
        options: of `elman train`.

    Raises:
        SettingError: options contradict each other or the data, or a value cannot work.
    """
    task = _choose_task(data, options)
    _refuse_without_effect(task, options)
    recipe = options.get("recipe") or OF_DATA.get(data)
    if recipe is not None:
        config = named_recipe(recipe).config
        if config.task != task:
            raise SettingError(f"the recipe {recipe!r} is for {config.task}, and {data} for {task}")
    else:
        config = best_settings(task, options.get("cell"), by_hand=bool(options.get("hand")))
    base: Artifact | Writer | None = None
    if options.get("init"):
        if options.get("recipe"):
            raise SettingError("--recipe and --init both say what the network is; give one of them")
        if task == "pairs":
            base = load_pairs_base(str(options["init"]))
            config = begin_pairs(base, config)
        else:
            base = load_base(str(options["init"]), named_kind(task))
            config = begin_with(base, config)
    if "activation" in options and options.get("cell", config.model.cell) not in ("elman", "rnn"):
        raise SettingError(
            f"--activation is of the Elman cell, and the cell is {config.model.cell}; leave it out, or use --cell elman"
        )
    config = apply_options(replace(config, name=name, data=data), options)
    if config.feature_columns:
        config = replace(config, model=replace(config.model, input_size=len(config.feature_columns)))
    if isinstance(base, Writer):
        check_pairs(base, config)
    elif base is not None:
        check_kept(base, config)
    return config


def _refuse_without_effect(task: str, options: Options) -> None:
    useless = [option for option in WITHOUT_EFFECT.get(task, ()) if option in options]
    if useless:
        raise SettingError(f"--{useless[0].replace('_', '-')} has no effect on {NAMES[task]}; leave it out")
    shares = [option for option in ("test_share", "validation_share") if option in options]
    if options.get("split") == NOTHING_KEPT and shares:
        raise SettingError(f"--{shares[0].replace('_', '-')} has no effect with --split none; leave it out")


def _choose_task(data: str, options: Options) -> str:
    """Return the task of the data and the options."""
    if options.get("tags") and (options.get("number") or options.get("features")):
        raise SettingError("--tags and --number ask for different answers; give one of them")
    if options.get("number") and options.get("label"):
        raise SettingError("--label and --number ask for different answers; give one of them")
    if options.get("features") and not options.get("number"):
        raise SettingError("--features names the columns to predict from; name the one to predict with --number COLUMN")
    wanted = next((task for task in ("tags", "features", "number") if options.get(task)), "label")
    if options.get("task"):
        if wanted not in ("label", options["task"]):
            raise SettingError(f"--task {options['task']} and --{wanted} ask for different answers; give one of them")
        wanted = named_kind(options["task"]).name
    task = CATALOG[data].task if data in CATALOG else wanted
    if wanted == "generate" and task == "label":  # strings with labels can be learned from in two ways
        task = wanted
    if task == "label" and data not in CATALOG and has_images(Path(data)):
        task = "images"
    if options.get("shift") and task != "images":
        raise SettingError("--shift moves images, and these data are not images; leave it out")
    if wanted not in ("label", task):
        option = f"--task {wanted}" if options.get("task") else f"--{wanted}"
        raise SettingError(f"the named set {data!r} is for {task}; leave {option} out, or give a file of your own")
    return task


def apply_options(config: RunConfig, options: Options) -> RunConfig:
    """Return a config with the values of the options.

    Raises:
        SettingError: a value cannot work.
    """
    values = dict(options)
    if values.get("clip") == 0:
        values["clip"] = None
    for option, field in OPTION_FIELDS.items():
        if option in values:
            values[field] = values.pop(option)
    if values.get("feature_columns"):
        names = (name.strip() for name in values["feature_columns"].split(","))
        values["feature_columns"] = tuple(name for name in names if name)
    if values.get("data_folder") is not None:
        values["data_folder"] = str(values["data_folder"])
    if values.get("levels") is not None:
        values["levels"] = str(values["levels"])
    if values.pop("plain", False):
        values |= {"ngram_orders": (), "bag_orders": ()}
    if values.get("stream"):
        values.setdefault("split", "")
    if "seed" in values:
        values["split_seed"] = values["seed"]
    normalisation = config.normalisation
    if "keep_case" in values:
        normalisation = replace(normalisation, lower_case=not values["keep_case"])
    if "keep_script" in values:
        normalisation = replace(normalisation, transliterate=not values["keep_script"])

    if config.writer is not None and config.writer.has_encoder:
        values |= _set_both(values)

    def select(record: Any) -> dict[str, Any]:
        return {key: value for key, value in values.items() if key in record.__dataclass_fields__}

    return replace(
        config,
        **{key: value for key, value in select(config).items() if key != "data"},
        model=config.model if config.writer is not None else replace(config.model, **select(config.model)),
        writer=None if config.writer is None else replace(config.writer, **select(config.writer)),
        train=replace(config.train, **select(config.train)),
        normalisation=normalisation,
    )


def _set_both(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what options of a network that writes set in its encoder, too."""
    both = {"cell": "encoder_cell", "directions": "encoder_directions", "embedding_size": "source_size"}
    return {other: values[option] for option, other in both.items() if option in values}


OPTIONS = (
    *("text_column", "label_column", "feature_columns", "data_folder", "max_characters"),
    *("delimiter", "encoding", "on_error", "split", "test_share", "validation_share", "shift", "init", "levels"),
    *("cell", "by_hand", "activation", "hidden_size", "layers", "directions", "embedding_size", "dropout"),
    *("epochs", "batch_size", "optimiser", "learning_rate", "schedule", "weight_decay", "clip", "label_smoothing"),
    *("class_weighting", "patience", "threads", "device", "products", "baseline"),
    *("target_symbols", "source_column", "target_column", "count_column", "swap"),
    *("attention", "encoder_size", "encoder_layers", "own_share", "average"),
)
"""The fields of the configurations that an option of `elman train` sets alone, in the order of its help."""


def write_command(config: RunConfig, *, is_query: bool = False) -> str | None:
    """Return the command that repeats a run; None if no options give these settings, as for some made in Python.

    Args:
        config: the settings.
        is_query: whether the data are the rows of a query, of which the command shows nothing.

    >>> write_command(replace(new_config("people.csv", "people", {}), name="mine"))
    'elman train people.csv --name mine'
    >>> print(write_command(new_config("people.csv", "people", {"cell": "lstm", "seed": 3})))
    elman train people.csv --cell lstm --seed 3
    """
    for recipe in (None, *RECIPES):
        for plain in (False, True):
            options = _find_options(config, recipe, plain=plain)
            try:
                if options is not None and _like(new_config(config.data, config.name, options), config) == config:
                    source = ["--from-sql", "URL", "--query", "SQL"] if is_query else [config.data]
                    return _join_command(source, options)
            except SettingError:
                continue
    return None


def _like(config: RunConfig, other: RunConfig) -> RunConfig:
    """Return a config with what the data decided in another one: the rows of images, and sizes that nobody chose."""
    chosen = vars(config.model)
    decided = [field for field, value in chosen.items() if value is None] + ["input_size"]
    model = replace(config.model, **{field: vars(other.model)[field] for field in decided})
    weight = other.train.path_weight if config.train.path_weight is None else config.train.path_weight
    writer = config.writer
    if writer is not None and other.writer is not None:
        open_fields = [field for field, value in vars(writer).items() if value is None]
        writer = replace(writer, **{field: vars(other.writer)[field] for field in open_fields})
    return replace(config, model=model, writer=writer, train=replace(config.train, path_weight=weight))


def _find_options(config: RunConfig, recipe: str | None, *, plain: bool) -> dict[str, Any] | None:
    """Return the options that change the settings of a recipe, or the best ones, to those of a config."""
    options: dict[str, Any] = {} if recipe is None else {"recipe": recipe}
    if config.data not in CATALOG:
        options |= {"tags": True} if config.task == "tags" else {}
        options |= {"task": config.task} if config.writer is not None else {}
        if config.task in ("number", "features"):
            options["number"] = config.label_column
        if config.task == "features":
            options["features"] = ",".join(config.feature_columns)
    usual = best_settings(config.task) if recipe is None else named_recipe(recipe).config
    cell = _look_up(config, "cell")
    if cell != _look_up(usual, "cell"):
        options["cell"] = cell
    if _look_up(config, "by_hand"):
        options["hand"] = True
    if config.stream:
        options["stream"] = True
    try:
        start = new_config(config.data, config.name, options)
    except SettingError:
        return None
    names = {field: option for option, field in OPTION_FIELDS.items() if option not in ("number", "features")}
    for field in OPTIONS:
        value, before = (_look_up(one, field) for one in (config, start))
        if value != before and names.get(field, field) not in ("cell", "hand") and field != "feature_columns":
            options[names.get(field, field)] = 0 if field == "clip" and value is None else value
    if config.header is not None:
        options["header"] = config.header
    if not config.normalisation.lower_case and start.normalisation.lower_case:
        options["keep_case"] = True
    if not config.normalisation.transliterate and start.normalisation.transliterate:
        options["keep_script"] = True
    if plain:
        options["plain"] = True
    if config.name != name_of(config.data):
        options["name"] = config.name
    if config.split_seed:
        options["seed"] = config.split_seed
    return {key: value for key, value in options.items() if value is not None}


def _look_up(config: RunConfig, field: str) -> Any:
    """Return the value of a field of a config, or of one of the configs in it; None if its network has none."""
    places = (config, config.writer or config.model, config.train)
    return next((getattr(one, field) for one in places if hasattr(one, field)), None)


def _join_command(source: list[str], options: Options) -> str:
    words = ["elman", "train", *source]
    for option, value in options.items():
        name = option.replace("_", "-")
        if value is True:
            words.append(f"--{name}")
        elif value is False:
            words.append(f"--no-{name}")
        else:
            words += [f"--{'data' if option == 'folder' else name}", str(value)]
    return shlex.join(words)


def stored_config(folder: Path, options: Options) -> RunConfig:
    """Return the settings of the run in a folder; options given again must agree with them.

    Raises:
        SettingError: an option differs.
        TrainingError: there is no run in the folder.
    """
    stored = RunConfig.from_dict(read_run_config(folder)["config"])
    if options.get("recipe") or (options.get("tags") and stored.task != "tags"):
        raise SettingError(f"the run in {folder} has its own settings; leave --recipe and --tags out to resume")
    stored = lengthen(stored, {option: options[option] for option in LENGTH if option in options})
    for option, value in options.items():
        if option not in READING and apply_options(stored, {option: value}) != stored:
            raise SettingError(
                f"--{option.replace('_', '-')} {value} differs from the run in {folder}; "
                "leave the option out to resume, or start another run with another --out"
            )
    return stored


def lengthen(stored: RunConfig, options: Options) -> RunConfig:
    """Return the settings of a run that trains longer.

    Args:
        stored: the settings of the run.
        options: of `LENGTH`.

    Raises:
        SettingError: it would be shorter.
    """
    longer = apply_options(stored, options)
    if longer.train.passes < stored.train.passes:
        raise SettingError(
            f"--epochs {longer.train.passes} is less than the {stored.train.passes} of the run; a run can only be "
            "resumed with more"
        )
    return longer


def name_of(data: str) -> str:
    """Return the name of a model that gets none: that of its data.

    >>> name_of("tables/people.csv.gz")
    'people'
    """
    return Path(data).name.split(".")[0] or "model"


def default_folder(name: str, resume: bool) -> Path:
    """Return runs/NAME, or the next free one of runs/NAME-2 …; the last one that exists if resuming."""
    folders = [Path("runs", name), *(Path("runs", f"{name}-{number}") for number in range(2, 10_000))]
    first_free = next(position for position, path in enumerate(folders) if not path.exists())
    return folders[max(0, first_free - 1) if resume else first_free]


def read_for(
    config: RunConfig,
    source: str | Query | None = None,
    *,
    run: Path | None = None,
    resume: bool = False,
    progress: Any = False,
    on_rows: OnRows | None = None,
) -> Reading | ImageReading | FeatureReading | PairReading:
    """Read the data of a run, or write them to shards in its folder if they are streamed.

    Args:
        config: its task, its data, and how they are read.
        source: what to read instead of ``config.data``, which never holds a query.
        run: the folder of the run, for shards.
        resume: whether the run exists already.
        progress: as `elman.data.download.fetch` takes it.
        on_rows: as `elman.data.streaming.stream_examples` takes it.

    Raises:
        SettingError: as `read_data`; or a named set is to be streamed.
        DataError: the data cannot be read.
        TrainingError: the disk is full.
    """
    if not config.stream:
        return read_data(config, source, progress=progress)
    check_source(config, source)
    return _stream_for(config, source or config.data, run, on_rows, resume=resume)


def _stream_for(
    config: RunConfig, source: str | Query, run: Path | None, on_rows: OnRows | None, *, resume: bool
) -> StreamedReading:
    """Write the data of a run to shards in its folder, unless it has them already."""
    if run is None:
        raise SettingError("data are streamed to shards in the folder of a run, and there is no run here")
    config = replace(config, data=source) if isinstance(source, str) else config
    if config.data in CATALOG or config.data_folder:
        raise SettingError(f"--stream is for tables of your own; the named set {config.data!r} fits in memory")
    if not resume and Ranks.of_environment().is_first:
        check_new(run)
    return stream_examples(
        source,
        run / SHARDS,
        normalisation=config.normalisation,
        seed=config.split_seed,
        test_share=config.test_share,
        validation_share=config.validation_share,
        text=config.text_column,
        label=config.label_column,
        max_characters=config.max_characters,
        options=config.text_options(),
        on_error=config.on_error or "skip",
        on_rows=on_rows,
    )


def prepare(
    data: str | Query,
    options: Options,
    *,
    name: str,
    folder: Path,
    resume: bool = False,
    progress: Any = False,
    on_rows: OnRows | None = None,
) -> tuple[RunConfig, Reading | ImageReading | FeatureReading | PairReading]:
    """Return the settings of a new or stored run, and its data.

    Args:
        data: a named set, a path, or a query to a database.
        options: of `elman train`.
        name: what the model of a new run will be called.
        folder: of the run.
        resume: use the settings that are stored in the folder.
        progress: as `elman.data.download.fetch` takes it.
        on_rows: as `elman.data.streaming.stream_examples` takes it.

    Raises:
        ElmanError: as `new_config` or `stored_config`, and `read_for`.
    """
    config = stored_config(folder, options) if resume else new_config(name_source(data), name, options)
    how = apply_options(config, {option: value for option, value in options.items() if option in READING})
    reading = read_for(how, data, run=folder, resume=resume, progress=progress, on_rows=on_rows)
    return config if resume else fit_config(config, reading), reading


def fit_config(config: RunConfig, reading: Reading | ImageReading | FeatureReading | PairReading) -> RunConfig:
    """Return the settings of a new run whose network reads rows as long as those of the images, if there are images."""
    if not isinstance(reading, ImageReading):
        return config
    return replace(config, model=replace(config.model, input_size=reading.images.shape[2]))
